"""Every call of GitLab's API that is made, typed and no more than that; never decides what is to be changed.

doc/api/users.md, groups.md, projects.md, group_members.md, settings.md, custom_attributes.md. Numbers are GitLab's own ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeVar

from reconciler.targets.answers import Answer, Map, Method, Request, path_of
from reconciler.targets.gitlab import rows
from reconciler.targets.gitlab.rows import Key, Member, NewGroup, Said, Space
from reconciler.targets.gitlab.settings import DELETE_MEMBER, Access, Settings
from reconciler.targets.http import Session
from reconciler.targets.pace import Limit
from reconciler.targets.pages import Item, Listing, Table, read_list, read_table, read_tables

MOST_IDS = 100
"""How many accounts GitLab takes in one call that adds members."""
STABLE_ID, BLOCK_MARK, SSH_MEMORY = "reconcile_id", "reconcile_blocked", "reconcile_ssh_keys"
"""Custom attributes of an account: whose it is, since when we have blocked it, which SSH keys we have put there."""

_LOCK = "lock_memberships_to_ldap"
_FORBIDDEN, _NOT_FOUND = 403, 404
_ABSENT = frozenset({_NOT_FOUND})
_INVALID = frozenset({400})
_UNKNOWN_HERE = frozenset({400, 401, 403, 404})  # how different versions say that a token is no personal one
_AGAIN = frozenset({"add members", "block user", "unblock user"})  # a POST that says what is to be so
_RESOURCE_LOCK = b"resource lock"
_USERS: tuple[tuple[str, str], ...] = (
    ("exclude_internal", "true"),
    ("without_project_bots", "true"),
    ("with_custom_attributes", "true"),
)
_BY_ID: tuple[tuple[str, str], ...] = (("order_by", "id"), ("sort", "asc"))
_GROUP_READS: tuple[Limit, ...] = (("group", ""),)  # GitLab counts these apart from all else, by default 400 a minute
_PROJECT_READS: tuple[Limit, ...] = (("project", ""),)  # so are these

_KEY_READS: tuple[Limit, ...] = (("SSH keys", ""),)  # as these, by default 120 a minute

_Out = TypeVar("_Out")


class Api:
    """One GitLab through one session, which all workers share; the token is looked up at the first call."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing."""
        self.settings = settings
        self.session = Session(settings.site, None, settings.patience)
        self._lock, self._known = Lock(), False

    def close(self) -> None:
        """Give back connections; may be called twice."""
        self.session.close()

    # what the token is, and what is there

    def version(self) -> str:
        """Return the version that GitLab says it is."""
        item = self._one("/v4/version", kind="probe")
        return item.value("version", str)

    def me(self) -> Item:
        """Return the account of the token."""
        return self._one("/v4/user", kind="probe")

    def token(self) -> Item | None:
        """Return what the token is; None where it is none of those that can be asked."""
        return self._maybe(Request("GET", "/v4/personal_access_tokens/self", kind="probe", expects=_UNKNOWN_HERE))

    def lock(self) -> bool | None:
        """Return whether memberships are locked to LDAP; None where this GitLab has no such setting, or does not show it."""
        absent = frozenset({_FORBIDDEN, _NOT_FOUND})
        item = self._maybe(Request("GET", "/v4/application/settings", kind="settings", expects=absent))
        value = item.data.get(_LOCK) if item else None
        return value if isinstance(value, bool) else None

    def set_lock(self, *, on: bool) -> bool | None:
        """Lock memberships to LDAP, or no more; return what is so then, None where GitLab has no such setting."""
        answer = self._write("PUT", "/v4/application/settings", {_LOCK: on}, "settings")
        value = answer.map().get(_LOCK)
        return value if isinstance(value, bool) else None

    # accounts

    def users(self, parse: Callable[[Item], _Out]) -> dict[int, _Out]:
        """Return what is made of each account, by number; internal ones and bots of projects are left out."""

        def entries(answer: Answer, found: Sequence[Map]) -> dict[int, _Out]:
            return {answer.value(row, "id", int): parse(Item(row, answer)) for row in found}

        query = (*_USERS, *_BY_ID, ("pagination", "keyset"))
        return read_table(
            self._sender(), Table(Request("GET", "/v4/users", query, kind="users"), entries, "link", short_ends=True)
        )

    def users_by(self, word: str, text: str) -> list[Item]:
        """Return the accounts with this ``username``, ``extern_uid`` of our provider, ``search`` word or stable id.

        GitLab compares the first three without case; it searches e-mail addresses as a whole, names and usernames by parts.
        """
        said: tuple[tuple[str, str], ...] = ((word, text),)
        if word == "extern_uid":
            said = (*said, ("provider", self.settings.provider))
        elif word == STABLE_ID:
            said = ((f"custom_attributes[{STABLE_ID}]", text),)
        listing = Listing(Request("GET", "/v4/users", (*_USERS, *_BY_ID, *said), kind="user"), rows.id_of)
        return read_list(self._sender(), listing)

    def user(self, number: int) -> Item | None:
        """Return one account as it is now, None where it is gone."""
        return self._maybe(
            Request("GET", _at("users", number), (("with_custom_attributes", "true"),), kind="user", expects=_ABSENT)
        )

    def memberships_of(self, number: int) -> list[Item]:
        """Return the direct memberships of an account: ``source_type`` (Namespace, Project), ``source_id``, ``access_level``."""
        request = Request("GET", _at("users", number, "memberships"), kind="memberships of user")
        return read_list(
            self._sender(),
            Listing(request, lambda item: (item.value("source_type", str), item.value("source_id", int))),
        )

    def create_user(self, fields: Map) -> Item:
        """Make an account, with a password that nobody knows and no mail to confirm, and return it: not a call to repeat."""
        body = {"force_random_password": True, "skip_confirmation": True, **fields}
        answer = self._write("POST", "/v4/users", body, "create user")
        return Item(answer.map(), answer)

    def update_user(self, number: int, fields: Map) -> Item:
        """Set some of an account's fields, without mail to confirm, and return it."""
        body = {"skip_reconfirmation": True, **fields}
        answer = self._write("PUT", _at("users", number), body, "update user")
        return Item(answer.map(), answer)

    def delete_identity(self, number: int, provider: str) -> None:
        """Take an identity away from an account; one that is not there is gone."""
        path = _at("users", number, "identities", provider)
        self._write("DELETE", path, None, "update user")

    def block(self, number: int) -> None:
        """Block an account."""
        self._write("POST", _at("users", number, "block"), None, "block user")

    def unblock(self, number: int) -> None:
        """Unblock an account."""
        self._write("POST", _at("users", number, "unblock"), None, "unblock user")

    def set_attribute(self, number: int, name: str, value: str) -> None:
        """Keep a custom attribute with an account."""
        path = _at("users", number, "custom_attributes", name)
        self._write("PUT", path, {"value": value}, "remember")

    def delete_attribute(self, number: int, name: str) -> None:
        """Take a custom attribute away; one that is not there is gone."""
        path = _at("users", number, "custom_attributes", name)
        self._write("DELETE", path, None, "remember")

    def keys(self, number: int) -> list[Key]:
        """Return the SSH keys of an account."""
        request = Request("GET", _at("users", number, "keys"), kind="SSH keys", limits=_KEY_READS)
        listing = Listing(request, rows.id_of)
        return [rows.key(item) for item in read_list(self._sender(), listing)]

    def add_key(self, number: int, title: str, key: str) -> str:
        """Give an account an SSH key; return why GitLab does not take it, empty where it does: not a call to repeat."""
        path, body = _at("users", number, "keys"), {"title": title, "key": key}
        answer = self._send(Request("POST", path, body=body, kind="add SSH key", expects=_INVALID, busy=is_busy))
        return "" if answer.ok else rows.problem(answer)

    def delete_key(self, number: int, key: int) -> None:
        """Take an SSH key away; one that is not there is gone."""
        path = _at("users", number, "keys", key)
        self._write("DELETE", path, None, "delete SSH key")

    # groups, projects and who is in them

    def groups(self, workers: int) -> dict[int, Space]:
        """Return every group, by number."""
        query = (("all_available", "true"), *_BY_ID)
        request = Request("GET", "/v4/groups", query, kind="groups", limits=(("groups", ""),))
        return read_tables(self._sender(), [Table(request, rows.groups)], workers)[0]

    def group(self, path: str) -> Space | None:
        """Return one group by its full path, compared without case; None where there is none."""
        query = (("with_projects", "false"),)
        item = self._maybe(
            Request("GET", _at("groups", path), query, kind="group", limits=_GROUP_READS, expects=_ABSENT)
        )
        return rows.space("groups", item, "full_path") if item else None

    def project(self, which: str | int) -> Space | None:
        """Return one project by its full path, compared without case, or its number; None where there is none."""
        item = self._maybe(
            Request("GET", _at("projects", which), kind="project", limits=_PROJECT_READS, expects=_ABSENT)
        )
        return rows.space("projects", item, "path_with_namespace") if item else None

    def projects(self) -> list[Space]:
        """Return every project that is not archived."""
        query = (("simple", "true"), ("archived", "false"), *_BY_ID, ("pagination", "keyset"))
        request = Request("GET", "/v4/projects", query, kind="projects")
        return list(read_table(self._sender(), Table(request, rows.projects, "link", short_ends=True)).values())

    def ldap_links(self, group: Space) -> list[Item]:
        """Return the LDAP links of a group: none where this GitLab has no such thing, or does not show them."""
        path = _at("groups", group.number, "ldap_group_links")
        answer = self._send(Request("GET", path, kind="LDAP links", expects=frozenset({_FORBIDDEN, _NOT_FOUND})))
        return [Item(row, answer) for row in answer.maps()] if answer.ok else []

    def create_group(self, group: NewGroup) -> Space:
        """Make a group, and return it: not a call to repeat."""
        body = {"name": group.name, "path": group.path, "visibility": group.visibility}
        above = {"parent_id": group.parent} if group.parent else {}
        answer = self._write("POST", "/v4/groups", {**body, **above}, "create group")
        return rows.space("groups", Item(answer.map(), answer), "full_path")

    def members(
        self, spaces: Sequence[Space], entries: Callable[[Answer, Sequence[Map]], dict[int, _Out]], workers: int
    ) -> list[dict[int, _Out]]:
        """Return what is kept of the direct members of each of these, by number of the account."""
        tables = [
            Table(Request("GET", _at(space.kind, space.number, "members"), kind="members"), entries) for space in spaces
        ]
        return read_tables(self._sender(), tables, workers)

    def members_among(self, space: Space, numbers: Sequence[int]) -> dict[int, Member]:
        """Return the direct members among these accounts, at most 100: one request."""
        path = _at(space.kind, space.number, "members")
        request = Request("GET", path, (("user_ids", ",".join(map(str, numbers))),), kind="members")
        found = read_table(self._sender(), Table(request, rows.members))
        return {number: found[number] for number in numbers if number in found}

    def add_members(self, space: Space, numbers: Sequence[int], access: Access, expires: str = "") -> Said:
        """Give a role to up to 100 at once, to those who are members already, too: their expiry becomes the one given.

        Just one who is a member already is refused with 409: see `change_member`.
        """
        body = {"user_id": ",".join(map(str, numbers)), **self._role(access), "expires_at": expires or None}
        path = _at(space.kind, space.number, "members")
        return rows.said(self._write("POST", path, body, "add members"))

    def change_member(self, space: Space, number: int, access: Access) -> Said:
        """Put another role in place of a member's; the expiry stays."""
        path = _at(space.kind, space.number, "members", number)
        return rows.said(self._write("PUT", path, self._role(access), "change member"))

    def remove_member(self, space: Space, number: int) -> bool:
        """End a direct membership, and only that one: none in subgroups and projects.

        Return whether GitLab has found it: where it has not, the membership has ended before, or it is not shown to us.
        """
        path = _at(space.kind, space.number, "members", number)
        query = (("skip_subresources", "true"), ("unassign_issuables", "false"))
        limits = ((DELETE_MEMBER, f"{space.kind}/{space.number}"),)
        request = Request(
            "DELETE", path, query, None, "remove member", repeatable=True, limits=limits, expects=_ABSENT, busy=is_busy
        )
        return self._send(request).ok

    # how it is asked

    def ask(self, request: Request) -> Answer:
        """Return the answer to a request that is none of these; for trials alone."""
        return self._send(request)

    def query(self, text: str, variables: Map) -> Answer:
        """Return the answer to a GraphQL query, which writes nothing."""
        body = {"query": text, "variables": variables}
        return self._send(Request("POST", "/graphql", body=body, kind="graphql", repeatable=True))

    def _role(self, access: Access) -> dict[str, object]:
        """Return the fields of a role; where the policy has custom ones, that it is none is said, too."""
        custom = any(known.custom for known in self.settings.roles.values())
        return {"access_level": access.level, **({"member_role_id": access.custom or None} if custom else {})}

    def _send(self, request: Request) -> Answer:
        return self._sender().send(request)

    def _sender(self) -> Session:
        """Return the session, logged in."""
        with self._lock:
            if not self._known:
                self.session.login(self.settings.login())
                self._known = True
        return self.session

    def _one(self, path: str, kind: str) -> Item:
        answer = self._send(Request("GET", path, kind=kind))
        return Item(answer.map(), answer)

    def _maybe(self, request: Request) -> Item | None:
        """Return what is there, None where the answer is one of the statuses that the request expects."""
        answer = self._send(request)
        return Item(answer.map(), answer) if answer.ok else None

    def _write(self, method: Method, path: str, body: Map | None, kind: str) -> Answer:
        """Make a change; what is to be gone and is not there is gone."""
        return self._send(
            Request(
                method,
                path,
                body=body,
                kind=kind,
                repeatable=method != "POST" or kind in _AGAIN,
                expects=_ABSENT if method == "DELETE" else frozenset(),
                busy=is_busy,
            )
        )


def _at(*segments: str | int) -> str:
    return f"/v4{path_of(*segments)}"


def is_busy(answer: Answer) -> bool:
    """Tell whether a 409 says that GitLab did nothing, because it is at work on the same thing."""
    return _RESOURCE_LOCK in answer.body[:4096].lower()
