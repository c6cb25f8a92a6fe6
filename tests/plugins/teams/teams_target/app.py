"""The calls of the teams app in words of access; never decides what is to be changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.model.access import LOCAL, Flag, Group, GroupKey, Role, User, UserKey, Value
from reconciler.model.known_link import KnownLink
from reconciler.targets.answers import Answer, Map, Method, Request, path_of
from reconciler.targets.http import Session
from reconciler.targets.pages import Item, Listing, read_list

from .settings import REMOVAL, Settings

_BLOCKED = "provider_blocked"  # as we disable; "blocked" is what people do


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its number in the app."""

    number: int
    user: User


@dataclass(frozen=True, slots=True)
class Team:
    """A group, its number in the app, and the directory groups that the app itself keeps it linked to."""

    number: int
    group: Group
    links: tuple[KnownLink, ...] = ()


class App:
    """The app, through one session that all workers share; the token is looked up at the first call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._directory = settings.options.directory
        self.session = Session(settings.site, None, settings.patience)
        self._known = False

    def start(self) -> UserKey | None:
        """Log in, and return our own account's key."""
        number = self._me().map().get("user")
        return self.account(number).user.key if isinstance(number, int) else None

    def own_rights(self) -> tuple[str, tuple[str, ...]]:
        """Log in, and return our own username, empty for a token that is nobody's, and what the token may do."""
        answer = self._me()
        number = answer.map().get("user")
        name = self.account(number).user.username if isinstance(number, int) else ""
        return name, tuple(str(scope) for scope in answer.value(answer.map(), "scopes", list))

    def _me(self) -> Answer:
        if not self._known:
            self.session.login(self._settings.login())
            self._known = True
        return self.session.send(Request("GET", "/me", kind="me"))

    def accounts(self) -> list[Account]:
        """Return everybody."""
        listing = Listing(Request("GET", "/users", kind="users"), _id_of, sure=True)
        return [self._account(item) for item in read_list(self.session, listing)]

    def account(self, number: int) -> Account:
        """Return one account as it is now."""
        answer = self.session.send(Request("GET", path_of("users", number), kind="user"))
        return self._account(Item(answer.map(), answer))

    def named(self, word: str, text: str) -> list[Account]:
        """Return the accounts of that username, or with that mark of ours."""
        query = ((word, text), *((("provider", self._directory),) if word == "external_id" else ()))
        listing = Listing(Request("GET", "/users", query, kind="user"), _id_of)
        return [self._account(item) for item in read_list(self.session, listing)]

    def teams(self, name: str = "") -> list[Team]:
        """Return every group, or that of one name."""
        query = (("name", name),) if name else ()
        listing = Listing(Request("GET", "/groups", query, kind="groups"), _id_of, by="link")
        return [self._team(item) for item in read_list(self.session, listing)]

    def members(self, team: Team) -> dict[int, Role]:
        """Return who has what in a group, by number."""
        request = Request("GET", path_of("groups", team.number, "members"), kind="members")
        items = read_list(self.session, Listing(request, _id_of, sure=True))
        return {_id_of(item): Role(item.answer.value(item.data, "role", str)) for item in items}

    def groups_of(self, number: int) -> dict[int, Role]:
        """Return what an account is in, by number."""
        answer = self.session.send(Request("GET", path_of("users", number, "groups"), kind="groups of user"))
        return {answer.value(row, "group_id", int): Role(answer.value(row, "role", str)) for row in answer.maps()}

    def create_user(self, user: User) -> Account:
        """Make an account, and return it: not a call to repeat."""
        answer = self._write("POST", "/users", self._fields(user))
        return self._account(Item(answer.map(), answer))

    def update_user(self, number: int, fields: Map) -> Account:
        """Set some of an account's fields, and return it."""
        answer = self._write("PUT", path_of("users", number), fields)
        return self._account(Item(answer.map(), answer))

    def delete_user(self, number: int) -> None:
        """Delete an account."""
        self._write("DELETE", path_of("users", number))

    def create_group(self, group: Group) -> None:
        """Make a group: not a call to repeat."""
        self._write("POST", "/groups", self.marked(group))

    def update_group(self, number: int, fields: Map) -> None:
        """Set some of a group's fields."""
        self._write("PUT", path_of("groups", number), fields)

    def delete_group(self, number: int) -> None:
        """Delete a group."""
        self._write("DELETE", path_of("groups", number))

    def add(self, team: int, users: Sequence[int], role: Role) -> Mapping[int, str | None]:
        """Give a role to up to 100 at once; return for each why not, None where it was done, and leave out who was not named."""
        body = {"user_ids": list(users), "role": role}
        answer = self.session.send(Request("POST", path_of("groups", team, "members"), body=body, kind="add members"))
        said = answer.map()
        done = {number: None for number in users if number in answer.value(said, "added", list)}
        failed = answer.value(said, "failed", dict)
        return {**done, **{number: answer.shown(str(failed[str(number)])) for number in users if str(number) in failed}}

    def change(self, team: int, user: int, role: Role) -> None:
        """Put a role in the place of another."""
        self._write("PUT", path_of("groups", team, "members", user), {"role": role})

    def remove(self, team: int, user: int) -> None:
        """Take a role away: the app counts these for each group."""
        self._write("DELETE", path_of("groups", team, "members", user), limit=str(team))

    def mark(self, key: UserKey) -> dict[str, object]:
        """Return the fields that make an account ours."""
        return {"provider": self._directory, "external_id": key}

    def marked(self, group: Group) -> dict[str, object]:
        """Return the fields of a group of ours."""
        return {"name": group.key, "provider": self._directory, "source": group.source or None}

    def _write(self, method: Method, path: str, body: Map | None = None, limit: str = "") -> Answer:
        """Send a change; one that says what is to be so, and not what is to be done, may be sent again."""
        return self.session.send(
            Request(
                method=method,
                path=path,
                body=body,
                kind=f"{method} {path.split('/')[1]}",
                repeatable=method != "POST",
                limits=((REMOVAL, limit),) if limit else (),
            )
        )

    def _fields(self, user: User) -> dict[str, object]:
        state = "active" if user.active else _BLOCKED
        flags = {str(flag): on for flag, on in user.flags.items()}
        return {"username": user.username, **fields_of(user.attributes), "state": state, **flags, **self.mark(user.key)}

    def _account(self, item: Item) -> Account:
        row, answer = item.data, item.answer
        username, ours = answer.value(row, "username", str), row.get("provider") == self._directory
        state = answer.value(row, "state", str)
        key = str(row.get("external_id")) if ours else f"{LOCAL}{username}"
        attributes: dict[str, Value] = {
            word: value for word in ("email", "name") if isinstance(value := row.get(word), str)
        }
        if isinstance(keys := row.get("ssh_keys"), list):
            attributes["ssh_keys"] = tuple(sorted(map(str, keys)))
        user = User(
            key=UserKey(key),
            username=username,
            attributes=attributes,
            active=state == "active",
            flags={flag: answer.value(row, str(flag), bool) for flag in (Flag.ADMIN, Flag.EXTERNAL)},
            managed=ours,
            disabled_by_hand=state not in {"active", _BLOCKED},
        )
        return Account(_id_of(item), user)

    def _team(self, item: Item) -> Team:
        name, source = item.answer.value(item.data, "name", str), item.data.get("source")
        ours = item.data.get("provider") == self._directory
        links = item.data.get("links")
        known = tuple(_link(one) for one in links if isinstance(one, dict)) if isinstance(links, list) else ()
        return Team(_id_of(item), Group(GroupKey(name), str(source or "") if ours else "", managed=ours), known)


def _link(row: Map) -> KnownLink:
    return KnownLink(Role(str(row["role"])), cn=str(row.get("cn", "")), filter=str(row.get("filter", "")))


def active(*, on: bool) -> dict[str, object]:
    """Return the fields that enable or disable an account, as ours."""
    return {"state": "active" if on else _BLOCKED}


def fields_of(values: Mapping[str, Value | None]) -> dict[str, object]:
    """Return values of a plan as the app's fields."""
    return {word: list(value) if isinstance(value, tuple) else value for word, value in values.items()}


def _id_of(item: Item) -> int:
    return item.answer.value(item.data, "id", int)
