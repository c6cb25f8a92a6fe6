"""A small app with users, groups, members and roles, as an application would be written; knows nothing of the client.

State is in memory. Every change of it is kept as a fact in `effects`, in words of the app, so that a test can hold what
was written against what was planned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import RLock
from time import monotonic

ROLES = ("reader", "writer", "owner")
MOST_IDS = 100
MOST_PER_PAGE = 100
USER_KEYS = ("username", "email", "name", "ssh_keys", "state", "admin", "external", "provider", "external_id")
GROUP_KEYS = ("name", "provider", "source")
_NEW_USER: dict[str, object] = {
    "email": None, "name": None, "ssh_keys": None, "state": "active", "admin": False, "external": False,
    "provider": None, "external_id": None,
}  # fmt: skip

Row = dict[str, object]
Query = Mapping[str, str]
Effect = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; a body of None is none at all."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"


@dataclass(frozen=True, slots=True)
class Token:
    """Who may do what: of ``read``, ``write`` and ``admin``; `user` is the account it belongs to, if any."""

    scopes: frozenset[str] = frozenset({"read", "write", "admin"})
    user: int | None = None


class No(Exception):
    """The app refuses."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class App:
    """The whole app. `forbidden` names users and groups that nobody may write to."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.users: dict[int, Row] = {}
        self.groups: dict[int, Row] = {}
        self.members: dict[int, dict[int, str]] = {}
        self.tokens: dict[str, Token] = {"secret-token": Token()}
        self.forbidden: set[str] = set()
        self.effects: list[Effect] = []
        self.most_per_page = MOST_PER_PAGE
        self.backwards = False  # lists by number come in the other order
        self.deletes_per_minute = 0  # per group, fixed windows; 0: no limit
        self._windows: dict[tuple[int, int], int] = {}
        self._last = 0

    def seed_user(self, username: str, **values: object) -> int:
        """Make an account behind everybody's back; return its number."""
        with self.lock:
            self._last += 1
            self.users[self._last] = {"id": self._last, "username": username, **_NEW_USER, **values}
            return self._last

    def seed_group(self, name: str, members: Mapping[int, str] | None = None, **values: object) -> int:
        """Make a group behind everybody's back; return its number."""
        with self.lock:
            self._last += 1
            self.groups[self._last] = {"id": self._last, "name": name, "provider": None, "source": None, **values}
            self.members[self._last] = dict(members or {})
            return self._last

    def seed_links(self, name: str, *links: Row) -> None:
        """Link a group of that name to directory groups, as the app itself keeps it in step with them."""
        with self.lock:
            next(row for row in self.groups.values() if row["name"] == name)["links"] = list(links)

    def content(self) -> dict[str, object]:
        """Return everything that is stored, by names."""
        with self.lock:
            groups = {str(row["name"]): number for number, row in self.groups.items()}
            return {
                "users": sorted(({key: row[key] for key in USER_KEYS} for row in self.users.values()), key=str),
                "groups": {
                    name: {key: self.groups[number][key] for key in GROUP_KEYS} for name, number in groups.items()
                },
                "members": {name: self.roles(name) for name in sorted(groups)},
            }

    def roles(self, group: str) -> dict[str, str]:
        """Return who has what in a group, by username."""
        with self.lock:
            number = next(number for number, row in self.groups.items() if row["name"] == group)
            return {str(self.users[user]["username"]): role for user, role in sorted(self.members[number].items())}

    def handle(self, method: str, path: str, query: Query, body: object, token: str) -> Reply:
        """Return the answer to one request."""
        with self.lock:
            try:
                return self._routed(method, path, query, body, token)
            except No as no:
                text = str(no)
                return (
                    Reply(no.status, text, media="text/plain")
                    if no.status == 429
                    else Reply(no.status, {"error": text})
                )

    def _routed(self, method: str, path: str, query: Query, body: object, token: str) -> Reply:
        who = self.tokens.get(token)
        if who is None:
            raise No(401, "invalid token")
        needed = "read" if method == "GET" else "write"
        if needed not in who.scopes:
            raise No(403, "insufficient_scope")
        if (method, path) == ("GET", "/api/v1/me"):
            return Reply(200, {"user": who.user, "scopes": sorted(who.scopes)})
        for verb, pattern, work in _ROUTES:
            if verb == method and (match := re.fullmatch(pattern, path)):
                return work(self, tuple(map(int, match.groups())), query, body if isinstance(body, dict) else {})
        raise No(404, "no such address")

    # users

    def list_users(self, _ids: tuple[int, ...], query: Query, _body: Row) -> Reply:
        """Pages by number, with a total."""
        rows = [row for row in self.users.values() if _matches(row, query, ("username", "external_id", "provider"))]
        return self._numbered(rows, query)

    def create_user(self, _ids: tuple[int, ...], _query: Query, body: Row) -> Reply:
        """409 for a name or an external id that is taken."""
        row = {**_NEW_USER, **_known(body, USER_KEYS)}
        if not isinstance(row.get("username"), str) or not row["username"]:
            raise No(422, "username is missing")
        self._free(row, None)
        self._allowed(str(row["username"]))
        number = self.seed_user(str(row.pop("username")), **row)
        self._effect("user.create", _key(self.users[number]))
        return Reply(201, self.users[number])

    def get_user(self, ids: tuple[int, ...], _query: Query, _body: Row) -> Reply:
        """One account."""
        return Reply(200, self._user(ids[0]))

    def update_user(self, ids: tuple[int, ...], _query: Query, body: Row) -> Reply:
        """Only the keys that are sent change."""
        row, values = self._user(ids[0]), _known(body, USER_KEYS)
        self._allowed(str(row["username"]))
        self._free({**row, **values}, ids[0])
        changed = {key: value for key, value in values.items() if row[key] != value}
        before = _key(row)
        row.update(changed)
        if changed:
            self._effect("user.update", before, *sorted(changed))
        return Reply(200, row)

    def delete_user(self, ids: tuple[int, ...], _query: Query, _body: Row) -> Reply:
        """With every membership."""
        row = self._user(ids[0])
        self._allowed(str(row["username"]))
        self._effect("user.remove", _key(row))
        del self.users[ids[0]]
        for members in self.members.values():
            members.pop(ids[0], None)
        return Reply(204)

    def groups_of_user(self, ids: tuple[int, ...], _query: Query, _body: Row) -> Reply:
        """Everything that one account is in, on one page."""
        self._user(ids[0])
        found = [{"group_id": group, "role": of[ids[0]]} for group, of in sorted(self.members.items()) if ids[0] in of]
        return Reply(200, found)

    # groups

    def list_groups(self, _ids: tuple[int, ...], query: Query, _body: Row) -> Reply:
        """Pages by link: what comes after a number."""
        rows = [row for row in self.groups.values() if _matches(row, query, ("name",))]
        size, after = self._size(query), int(query.get("after", 0))
        rest = sorted((row for row in rows if _number(row) > after), key=_number)
        if len(rest) <= size:
            return Reply(200, rest)
        link = f'</api/v1/groups?per_page={size}&after={rest[size - 1]["id"]}>; rel="next"'
        return Reply(200, rest[:size], {"Link": link})

    def create_group(self, _ids: tuple[int, ...], _query: Query, body: Row) -> Reply:
        """409 for a name that is taken."""
        name = str(body.get("name") or "")
        self._allowed(name)
        self._free_group(name, None)
        number = self.seed_group(name, None, **{key: body.get(key) for key in ("provider", "source")})
        self._effect("group.create", name)
        return Reply(201, self.groups[number])

    def get_group(self, ids: tuple[int, ...], _query: Query, _body: Row) -> Reply:
        """One group."""
        return Reply(200, self._group(ids[0]))

    def update_group(self, ids: tuple[int, ...], _query: Query, body: Row) -> Reply:
        """Only the keys that are sent change."""
        row, values = self._group(ids[0]), _known(body, GROUP_KEYS)
        self._allowed(str(row["name"]))
        self._free_group(str(values.get("name", row["name"])), ids[0])
        self._effect("group.update", str(row["name"]), *sorted(key for key in values if row[key] != values[key]))
        row.update(values)
        return Reply(200, row)

    def delete_group(self, ids: tuple[int, ...], _query: Query, _body: Row) -> Reply:
        """With everything in it."""
        row = self._group(ids[0])
        self._allowed(str(row["name"]))
        self._effect("group.remove", str(row["name"]))
        del self.groups[ids[0]], self.members[ids[0]]
        return Reply(204)

    # members

    def list_members(self, ids: tuple[int, ...], query: Query, _body: Row) -> Reply:
        """Pages by number, with a total."""
        self._group(ids[0])
        return self._numbered([{"id": user, "role": role} for user, role in self.members[ids[0]].items()], query)

    def add_members(self, ids: tuple[int, ...], _query: Query, body: Row) -> Reply:
        """Up to 100 at once; who cannot be added is named, and the others are."""
        row, wanted, role = self._group(ids[0]), body.get("user_ids"), body.get("role")
        self._allowed(str(row["name"]))
        if not isinstance(wanted, list) or not 0 < len(wanted) <= MOST_IDS or role not in ROLES:
            raise No(422, f"user_ids must be 1 to {MOST_IDS} numbers, role one of {', '.join(ROLES)}")
        failed = {str(user): text for user in wanted if (text := self._obstacle(ids[0], user))}
        added = [user for user in wanted if str(user) not in failed]
        for user in added:
            self.members[ids[0]][user] = str(role)
            self._effect("membership.add", str(row["name"]), _key(self.users[user]), str(role))
        return Reply(201, {"added": added, "failed": failed})

    def change_member(self, ids: tuple[int, ...], _query: Query, body: Row) -> Reply:
        """Put another role in the place of the one that is there."""
        name, role = self._membership(*ids), body.get("role")
        if role not in ROLES:
            raise No(422, "no such role")
        if self.members[ids[0]][ids[1]] != role:
            self.members[ids[0]][ids[1]] = str(role)
            self._effect("membership.change", name, _key(self.users[ids[1]]), str(role))
        return Reply(200, {"id": ids[1], "role": role})

    def remove_member(self, ids: tuple[int, ...], _query: Query, _body: Row) -> Reply:
        """So many a minute and group, where there is a limit."""
        window = (ids[0], int(monotonic() // 60))
        self._windows[window] = self._windows.get(window, 0) + 1
        if self.deletes_per_minute and self._windows[window] > self.deletes_per_minute:
            raise No(429, "Retry later")
        name = self._membership(*ids)
        del self.members[ids[0]][ids[1]]
        self._effect("membership.remove", name, _key(self.users[ids[1]]))
        return Reply(204)

    def _size(self, query: Query) -> int:
        return min(self.most_per_page, max(1, int(query.get("per_page", 20))))

    def _numbered(self, rows: Iterable[Row], query: Query) -> Reply:
        size, page, found = (
            self._size(query),
            int(query.get("page", 1)),
            sorted(rows, key=_number, reverse=self.backwards),
        )
        here = found[(page - 1) * size : page * size]
        more = str(page + 1) if page * size < len(found) else ""
        return Reply(200, here, {"X-Total": str(len(found)), "X-Page": str(page), "X-Next-Page": more})

    def _obstacle(self, group: int, user: object) -> str:
        row = self.users.get(user) if isinstance(user, int) else None
        if row is None:
            return "no such user"
        if user in self.members[group]:
            return "is a member already"
        return "may not be added" if row["username"] in self.forbidden else ""

    def _membership(self, group: int, user: int) -> str:
        """Return the group's name."""
        name = str(self._group(group)["name"])
        if user not in self.members[group]:
            raise No(404, "no such member")
        self._allowed(name, str(self.users[user]["username"]))
        return name

    def _user(self, number: int) -> Row:
        if number not in self.users:
            raise No(404, "no such user")
        return self.users[number]

    def _group(self, number: int) -> Row:
        if number not in self.groups:
            raise No(404, "no such group")
        return self.groups[number]

    def _free(self, row: Row, number: int | None) -> None:
        for other, held in self.users.items():
            same_mark = row["external_id"] and all(held[key] == row[key] for key in ("provider", "external_id"))
            if other != number and (held["username"] == row["username"] or same_mark):
                raise No(409, "username or external_id is taken")

    def _free_group(self, name: str, number: int | None) -> None:
        if not name or any(row["name"] == name for other, row in self.groups.items() if other != number):
            raise No(409 if name else 422, "name is taken" if name else "name is missing")

    def _allowed(self, *names: str) -> None:
        if found := self.forbidden & set(names):
            raise No(403, f"{min(found)} may not be changed")

    def _effect(self, *words: str) -> None:
        self.effects.append(words)


def _key(row: Row) -> str:
    return str(row["external_id"] or row["username"])


def _number(row: Row) -> int:
    return int(str(row["id"]))


def _known(body: Row, keys: Iterable[str]) -> Row:
    return {key: body[key] for key in keys if key in body}


def _matches(row: Row, query: Query, keys: Iterable[str]) -> bool:
    return all(str(row[key]) == query[key] for key in keys if key in query)


_Work = Callable[[App, tuple[int, ...], Query, Row], Reply]
_USERS, _GROUPS = "/api/v1/users", "/api/v1/groups"
_ONE_USER, _ONE_GROUP = rf"{_USERS}/(\d+)", rf"{_GROUPS}/(\d+)"
_ROUTES: tuple[tuple[str, str, _Work], ...] = (
    ("GET", _USERS, App.list_users),
    ("POST", _USERS, App.create_user),
    ("GET", _ONE_USER, App.get_user),
    ("PUT", _ONE_USER, App.update_user),
    ("DELETE", _ONE_USER, App.delete_user),
    ("GET", rf"{_ONE_USER}/groups", App.groups_of_user),
    ("GET", _GROUPS, App.list_groups),
    ("POST", _GROUPS, App.create_group),
    ("GET", _ONE_GROUP, App.get_group),
    ("PUT", _ONE_GROUP, App.update_group),
    ("DELETE", _ONE_GROUP, App.delete_group),
    ("GET", rf"{_ONE_GROUP}/members", App.list_members),
    ("POST", rf"{_ONE_GROUP}/members", App.add_members),
    ("PUT", rf"{_ONE_GROUP}/members/(\d+)", App.change_member),
    ("DELETE", rf"{_ONE_GROUP}/members/(\d+)", App.remove_member),
)
