"""What a GitLab holds: users, groups, projects, members, tokens; knows nothing of requests."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import RLock

from tests.fakes.gitlab_answers import Listing
from tests.fakes.gitlab_dn import spelled

NAMES = {
    5: "Minimal Access",
    10: "Guest",
    15: "Planner",
    20: "Reporter",
    30: "Developer",
    40: "Maintainer",
    50: "Owner",
}
BLOCKED = {"blocked", "ldap_blocked", "banned", "blocked_pending_approval"}
LIMITS = {
    "groups.list": 200,
    "groups.get": 400,
    "projects.list": 2000,
    "projects.get": 400,
    "members.all": 200,
    "members.delete": 60,
    "keys.list": 120,
}


@dataclass
class Instance:
    """How this GitLab is set up; everything may be changed while it runs."""

    version: str = "18.6.0"
    enterprise: bool = False
    admin_mode: bool = False
    planner: bool = True  # the level 15 of recent versions
    lock_memberships: bool = False  # lock_memberships_to_ldap: EE only
    approval: bool = False  # role promotions wait for an administrator: EE only
    throttle: int = 0  # requests of one user per period, 0 is off
    throttle_period: int = 3600
    limits: dict[str, int] = field(default_factory=lambda: dict(LIMITS))  # per minute; 0 is off
    offset_cap: int = 50_000
    keyset_tail: bool = True  # the last page of a keyset links to an empty one
    custom_roles: dict[int, tuple[str, int]] = field(default_factory=dict)  # id -> name and base level: EE only
    graphql: bool = True
    graphql_fields: frozenset[str] = frozenset({"ids", "groupMembersCount"})  # what recent versions have
    complexity: int = 250
    forbidden_keys: frozenset[str] = frozenset({"ssh-dss"})
    visibility: str = "private"  # of a new group where none is said
    latency: float = 0.0  # seconds added to each answer
    external_url: str = ""  # what addresses in answers begin with; the server's own where none is said
    prefix: str = ""  # a relative path in the URL, such as /gitlab


@dataclass(slots=True)
class Key:
    """One SSH key; `fingerprint` is unique in the instance."""

    id: int
    title: str
    text: str  # type and body
    fingerprint: str
    created_at: str
    expires_at: str | None = None
    usage: str = "auth_and_signing"


class Changes:
    """How many changes of accounts there were, in all worlds: lists are remembered until there is one more."""

    number = 0


@dataclass(slots=True)
class User:
    """One account; `bot` says which kind of one it is, `raw` remembers how it is written."""

    id: int
    username: str
    name: str
    email: str
    created_at: str
    updated_at: str
    state: str = "active"
    admin: bool = False
    external: bool = False
    auditor: bool = False
    confirmed: bool = True
    bot: str = ""  # project_bot, ghost, alert_bot, …
    unconfirmed_email: str = ""
    emails: tuple[str, ...] = ()  # further confirmed addresses
    note: str = ""
    last_activity_on: str | None = None
    namespace: int = 0
    identities: dict[str, str] = field(default_factory=dict)  # provider -> extern_uid
    attributes: dict[str, str] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    raw: dict[str, tuple[object, bytes]] = field(default_factory=dict)

    def __setattr__(self, name: str, value: object) -> None:
        """Set a field, and forget how the account was written."""
        object.__setattr__(self, name, value)
        if name != "raw":
            Changes.number += 1
            getattr(self, "raw", {}).clear()


@dataclass(slots=True)
class Member:
    """One direct membership."""

    user: User
    level: int
    created_at: str
    expires_at: str | None = None
    created_by: int = 0  # 0: nobody is known to have
    role: int = 0  # id of a custom role
    raw: tuple[object, bytes] = (None, b"")  # what it was written from, and how


@dataclass(slots=True, eq=False)
class Source:
    """A group or a project: what has members."""

    kind: str  # group or project
    id: int
    path: str
    name: str
    full_path: str
    parent: Source | None
    visibility: str
    created_at: str
    members: dict[int, Member] = field(default_factory=dict)
    children: list[Source] = field(default_factory=list)
    locked: bool = False  # membership_locked of EE
    archived: bool = False  # projects
    shared: dict[int, int] = field(
        default_factory=dict
    )  # groups that it is shared with: their members are no direct ones
    ldap_links: list[dict[str, object]] = field(default_factory=list)  # of EE
    pending: dict[int, int] = field(default_factory=dict)  # user id -> level that waits for an administrator

    def above(self) -> Iterator[Source]:
        """Yield the ancestors, nearest first."""
        source = self.parent
        while source is not None:
            yield source
            source = source.parent

    def below(self) -> Iterator[Source]:
        """Yield all groups and projects inside."""
        for child in self.children:
            yield child
            yield from child.below()

    def inherited(self, user: int) -> tuple[int, str]:
        """Return the highest level that ancestors give, and the name of the group that does; 0 for none."""
        found = [(group.members[user].level, group.name) for group in self.above() if user in group.members]
        return max(found, default=(0, ""))

    def owners(self) -> set[int]:
        """Return the people who own it here or by an ancestor: active, and no bots."""
        everyone = [member for source in (self, *self.above()) for member in source.members.values()]
        return {
            member.user.id
            for member in everyone
            if member.level == 50 and not member.user.bot and member.user.state not in BLOCKED
        }


@dataclass(slots=True)
class Token:
    """A personal access token."""

    text: str
    user: int
    scopes: tuple[str, ...]
    id: int
    created_at: str
    revoked: bool = False
    expired: bool = False


class World:
    """The state, the lock around it, and `effects`: every change once, in the order it was made."""

    def __init__(self, instance: Instance | None = None, clock: Callable[[], float] = time.time) -> None:
        self.instance = instance or Instance()
        self.clock = clock
        self.lock = RLock()
        self.users: dict[int, User] = {}
        self.groups: dict[int, Source] = {}
        self.projects: dict[int, Source] = {}
        self.paths: dict[str, Source] = {}  # lower case
        self.usernames: dict[str, int] = {}
        self.emails: dict[str, int] = {}
        self.identities: dict[tuple[str, str], int] = {}
        self.fingerprints: dict[str, int] = {}
        self.tokens: dict[str, Token] = {}
        self.effects: list[tuple[str, ...]] = []
        self.listings: dict[object, Listing[User]] = {}
        self.listed_at = 0
        self._last: dict[str, int] = {}

    def now(self) -> str:
        """Return the time as GitLab writes it."""
        return self.stamp(self.clock())

    @staticmethod
    def stamp(seconds: float) -> str:
        """Return seconds since 1970 as GitLab writes them."""
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03}Z"

    def number(self, kind: str) -> int:
        """Return a new id."""
        self._last[kind] = self._last.get(kind, 0) + 1
        return self._last[kind]

    def effect(self, *words: object) -> None:
        """Note a change that was made."""
        self.effects.append(tuple(map(str, words)))

    def touch(self, user: User) -> None:
        """Note when an account was changed last."""
        user.updated_at = self.now()

    def add_user(self, username: str, *, email: str = "", name: str = "", **more: object) -> User:
        """Add an account as it is, without any of the checks that a request has to pass."""
        now = self.now()
        user = User(self.number("user"), username, name or username, email or f"{username}@example.com", now, now)
        identities = more.pop("identities", {})
        for field_name, value in more.items():
            setattr(user, field_name, value)
        user.namespace = self.number("namespace")
        self.users[user.id] = user
        self.usernames[username.lower()] = user.id
        for address in (user.email, *user.emails):
            self.emails[address.lower()] = user.id
        if isinstance(identities, dict):
            for provider, uid in identities.items():
                self.identify(user, provider, uid)
        return user

    def identify(self, user: User, provider: str, uid: str) -> None:
        """Give an account an identity, in place of its other one of that provider."""
        uid = spelling(provider, uid)
        if provider in user.identities:
            self.identities.pop((provider, user.identities[provider].lower()), None)
        user.identities[provider] = uid
        self.identities[provider, uid.lower()] = user.id

    def add_group(self, full_path: str, **more: object) -> Source:
        """Add a group as it is; ancestors that are missing are added, too."""
        return self._add("group", full_path, more)

    def add_project(self, full_path: str, **more: object) -> Source:
        """Add a project as it is."""
        return self._add("project", full_path, more)

    def _add(self, kind: str, full_path: str, more: dict[str, object]) -> Source:
        above, _, path = full_path.rpartition("/")
        parent = (self.paths.get(above.lower()) or self.add_group(above)) if above else None
        number = self.number("namespace" if kind == "group" else "project")
        source = Source(kind, number, path, path, full_path, parent, self.instance.visibility, self.now())
        for field_name, value in more.items():
            setattr(source, field_name, value)
        (self.groups if kind == "group" else self.projects)[source.id] = source
        self.paths[full_path.lower()] = source
        if parent is not None:
            parent.children.append(source)
        return source

    def add_member(self, source: Source, user: User, level: int, **more: object) -> Member:
        """Add or replace a direct membership as it is."""
        member = Member(user, level, self.now())
        for field_name, value in more.items():
            setattr(member, field_name, value)
        source.members[user.id] = member
        return member

    def add_token(self, text: str, user: User, *scopes: str) -> Token:
        """Add a personal access token; with no scopes it has `api`."""
        token = Token(text, user.id, scopes or ("api",), self.number("token"), self.now())
        self.tokens[text] = token
        return token

    def user(self, username: str) -> User:
        """Return the account of that username; KeyError where there is none."""
        return self.users[self.usernames[username.lower()]]

    def source(self, full_path: str) -> Source:
        """Return the group or project of that path; KeyError where there is none."""
        return self.paths[full_path.lower()]

    def levels(self, full_path: str) -> dict[str, int]:
        """Return the direct members of a group or project by username."""
        with self.lock:
            return {member.user.username: member.level for member in self.source(full_path).members.values()}


def spelling(provider: str, uid: str) -> str:
    """Return an identity as it is stored: DNs of LDAP providers are spelled anew."""
    return spelled(uid) if provider.startswith("ldap") else uid


def encoded(value: object) -> bytes:
    """Return a value as JSON."""
    return json.dumps(value, separators=(",", ":")).encode()
