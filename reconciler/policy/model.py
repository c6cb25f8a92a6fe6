"""What a valid policy says, as frozen values with their places; never reads a file and never resolves a secret.

An absent key means "not managed": optional fields are then None, empty or the documented default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from reconciler.model.access import NameLimits
from reconciler.model.diagnostic import Position
from reconciler.model.directory import DIALECTS, Dialect
from reconciler.model.filter import Filter

ALL_TARGETS = "*"


class OnMissing(StrEnum):
    """What becomes of an account whose person is gone or disabled."""

    DISABLE = "disable"
    REMOVE = "remove"
    KEEP = "keep"


class OnMissingGroup(StrEnum):
    """What becomes of a target group one of whose linked directory groups is missing or unreadable."""

    FREEZE = "freeze"
    ERROR = "error"
    EMPTY = "empty"


class OnInvalidName(StrEnum):
    """What to do with a name made by a template that the target cannot hold."""

    ERROR = "error"
    SKIP = "skip"
    NORMALIZE = "normalize"


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is to be found when it is needed: an environment variable, or a file (path already resolved)."""

    kind: Literal["env", "file"]
    name: str
    where: Position


@dataclass(frozen=True, slots=True)
class Bind:
    """How to log in to a directory: simple (`dn` and `password`), SASL, or anonymous where there is no Bind at all."""

    dn: str = ""
    password: SecretRef | None = None
    sasl: Literal["", "external", "gssapi", "ntlm"] = ""


@dataclass(frozen=True, slots=True)
class Tls:
    """`ca_file` is a resolved path, empty for the system's; `start_tls` upgrades ldap:// before anything is sent."""

    ca_file: str = ""
    start_tls: bool = False
    allow_plaintext: bool = False  # policy key `plaintext: true`: bind without TLS, said aloud


@dataclass(frozen=True, slots=True)
class Canary:
    """What every read must see: entries by DN, groups with at least one member, and a floor of people and groups."""

    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    min_people: int = 0
    min_groups: int = 0


@dataclass(frozen=True, slots=True)
class Incremental:
    """Ask only for what has changed. `cache` is a resolved path; after `full_every` runs everything is read again."""

    cache: str
    full_every: int = 24


@dataclass(frozen=True, slots=True)
class DirectoryConfig:
    """One directory. Empty filters mean the dialect's default. `attributes` maps our word to the directory's attribute."""

    name: str
    kind: Literal["ldap", "ldif", "snapshot", "c1z"]
    where: Position
    servers: tuple[str, ...] = ()
    dialect: Dialect | Literal["auto"] = "auto"
    bind: Bind | None = None
    tls: Tls = Tls()
    file: str = ""  # resolved path, for ldif, snapshot, c1z
    bases: tuple[str, ...] = ("",)  # policy key `base`; none lies under another
    group_bases: tuple[str, ...] = ()  # policy key `group_base`; default: bases
    user_filter: Filter | None = None
    group_filter: Filter | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    nested_groups: bool = True
    member_of: bool = False
    dynamic_groups: bool = False
    canary: Canary = Canary()
    incremental: Incremental | None = None
    decoder: Literal["fast", "ldap3"] = "fast"
    explicit: frozenset[str] = frozenset()  # the keys that the policy itself sets
    page_size: int = 1000
    connect_timeout: int = 10  # seconds
    receive_timeout: int = 60  # seconds
    read_timeout: int = 3600  # seconds, for everything
    places: Mapping[str, Position] = field(default_factory=dict, compare=False)  # of user_filter, attributes.email, …

    def attribute(self, word: str, dialect: Dialect) -> str:
        """Return the directory attribute behind one of our words (username, email, name, ssh_keys)."""
        return self.attributes.get(word) or default_attribute(word, dialect)

    def possible_attributes(self, word: str) -> frozenset[str]:
        """Return what `attribute` may return: several where only the server can tell the dialect."""
        dialects: tuple[Dialect, ...] = DIALECTS if self.dialect == "auto" else (self.dialect,)
        return frozenset(self.attribute(word, dialect) for dialect in dialects)


def default_attribute(word: str, dialect: Dialect) -> str:
    """Return the directory attribute behind one of our words where the policy names none."""
    if word == "username" and dialect == "active_directory":
        return "sAMAccountName"
    return _DEFAULT_ATTRIBUTES[word]


_DEFAULT_ATTRIBUTES: Mapping[str, str] = {
    "username": "uid",
    "email": "mail",
    "name": "displayName",
    "ssh_keys": "sshPublicKey",
}


@dataclass(frozen=True, slots=True)
class UserRules:
    """How accounts of one target are managed; `username` is a name template over the entry's attributes, empty for the
    directory's username attribute as it stands, and so are `email` and `name`; an empty `kerberos` is not managed.
    `sync` lists the attributes kept in step after creation.
    """

    scope: Literal["linked", "all"] = "linked"
    create: bool = False
    when_missing: OnMissing = OnMissing.DISABLE
    when_disabled: OnMissing = OnMissing.DISABLE
    username: str = ""
    sync: tuple[str, ...] = ()
    adopt: bool = False
    email: str = ""
    name: str = ""
    kerberos: str = ""
    where: Position | None = None

    @property
    def templates(self) -> tuple[str, ...]:
        """Return the templates that the policy sets."""
        return tuple(filter(None, (self.username, self.email, self.name, self.kerberos)))


@dataclass(frozen=True, slots=True)
class GroupRules:
    """How groups of one target are managed; `when_missing` concerns imported groups only."""

    create: bool = False
    when_missing: OnMissing = OnMissing.KEEP  # remove | keep
    adopt: bool = False
    where: Position | None = None


@dataclass(frozen=True, slots=True)
class NamedGroup:
    """A directory group named by its CN in admin_group, external_groups or auditor_group."""

    cn: str
    where: Position


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """One target. `options` are the keys that only its kind knows (url, token, provider, …), secrets as SecretRef."""

    name: str
    kind: str
    directory: str
    where: Position
    roles: tuple[str, ...] = ()
    users: UserRules = UserRules()
    groups: GroupRules = GroupRules()
    admin_group: NamedGroup | None = None
    external_groups: tuple[NamedGroup, ...] = ()
    auditor_group: NamedGroup | None = None
    on_missing_group: OnMissingGroup = OnMissingGroup.FREEZE
    on_refusal: Literal["stop", "continue"] = "stop"
    options: Mapping[str, object] = field(default_factory=dict)
    folder: str = ""  # of the file that says it: relative paths in options start here
    places: Mapping[str, Position] = field(default_factory=dict, compare=False)  # of options, by key


@dataclass(frozen=True, slots=True)
class StateConfig:
    """Where runs keep what the next one has to know. Only the keys of its `kind` are filled in.

    `path` is resolved, and empty for the folder `.reconcile` in the policy folder; a relative path in `url` starts in `folder`.
    """

    kind: Literal["file", "s3", "sql"] = "file"
    path: str = ""
    bucket: str = ""
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: SecretRef | None = None
    secret_key: SecretRef | None = None
    path_style: bool = False
    url: str = ""
    password: SecretRef | None = None
    folder: str = ""


@dataclass(frozen=True, slots=True)
class GroupLink:
    """One rule: whoever is in that directory group, or matches that filter, has this role. Exactly one of three is set."""

    access: str
    where: Position
    cn: str = ""
    dn: str = ""
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """An exception outside the directory: one person's role in one group until the end of a day (UTC)."""

    user: str  # username in the target, as the template makes it
    access: str
    until: date
    reason: str
    where: Position


@dataclass(frozen=True, slots=True)
class GroupRule:
    """Everything that the policy says about the members of one target group."""

    name: str
    where: Position
    links: tuple[GroupLink, ...] = ()
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupImport:
    """Mirror every directory group that the filter selects as a target group named by a template."""

    filter: Filter
    name: str
    access: str
    where: Position


@dataclass(frozen=True, slots=True)
class NamingRule:
    """What names of one kind must look like, on top of the target's own limits."""

    limits: NameLimits = NameLimits()
    on_invalid: OnInvalidName = OnInvalidName.ERROR
    where: Position | None = None


@dataclass(frozen=True, slots=True)
class Naming:
    """Naming rules of one target, already merged with those of ``*`` (the target's own key wins, key by key).

    The author of a rule can correct a group's name, nobody who writes policy can correct a person's: so a username that
    the target cannot hold is skipped by default, and does not stop everybody else.
    """

    users: NamingRule = NamingRule(on_invalid=OnInvalidName.SKIP)
    groups: NamingRule = NamingRule()


@dataclass(frozen=True, slots=True)
class Protection:
    """Shell-style patterns of names that no change may touch; ``**`` crosses slashes, ``*`` does not."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    where: Position | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A ceiling: percent of what is there, and a count; either may be None for "no such limit"."""

    percent: float | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """The limits of one target, defaults filled in; None means switched off by the policy (`off`), which plans show.

    `explicit` names the guards that the policy itself sets.
    """

    max_removals: Limit | None = Limit(percent=10, count=50)
    max_removals_per_group: Limit | None = Limit(percent=50)
    empty_group: Literal["refuse", "allow"] = "refuse"
    empty_admin_group: Literal["refuse", "allow"] = "refuse"
    empty_external_group: Literal["refuse", "allow"] = "refuse"
    min_owners: int | None = 1
    max_privileged_grants: int | None = 5
    max_created_users: int | None = 250
    max_disabled_users: Limit | None = Limit(percent=10, count=50)
    max_directory_shrink: Limit | None = Limit(percent=10)
    protect_self: bool = True
    explicit: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Waiver:
    """A reviewed exception to one guard, with an end and a reason; optionally for one group.

    With `plan` it holds only for the changes of that `changes_id` (plan/waivers.py), and for no others.
    """

    guard: str
    target: str
    until: date
    approved_by: str
    reason: str
    where: Position
    group: str = ""
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A policy unit test: what one person has and lacks in one target, or what must hold in `groups` (patterns).

    `role` is exactly the one that is counted; nobody outside of those whom the link selects may have it or a higher one.
    Without it any role counts. `directory` is a resolved path, empty for the target's own directory.
    """

    user: str
    target: str
    where: Position
    has: Mapping[str, str] = field(default_factory=dict)  # group -> role
    lacks: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    role: str = ""
    at_least: int | None = None
    at_most: int | None = None
    nobody_outside: GroupLink | None = None
    directory: str = ""


@dataclass(frozen=True, slots=True)
class ApplyRules:
    """How plans are applied: the age up to which a saved one may be, and how many changes may fail before a run stops."""

    max_age: timedelta = timedelta(days=7)
    max_errors: int = 10


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy folder, merged and valid. `digest` is ``sha256:`` over the relative names and bytes of its files."""

    root: str
    digest: str
    files: tuple[str, ...]
    directories: Mapping[str, DirectoryConfig]
    targets: Mapping[str, TargetConfig]
    groups: Mapping[str, Mapping[str, GroupRule]] = field(default_factory=dict)  # target -> group name -> rule
    imports: Mapping[str, tuple[GroupImport, ...]] = field(default_factory=dict)
    naming: Mapping[str, Naming] = field(default_factory=dict)  # one entry per target
    protected: Mapping[str, Protection] = field(default_factory=dict)  # one entry per target
    guards: Mapping[str, GuardLimits] = field(default_factory=dict)  # one entry per target
    waivers: tuple[Waiver, ...] = ()
    expect: tuple[Expectation, ...] = ()
    apply: ApplyRules = ApplyRules()
    state: StateConfig = StateConfig()
