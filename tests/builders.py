"""Small worlds for tests: people, directory groups, rules, live states, and the plan that they lead to; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from reconciler.desired.build import Desired, Rules, desire
from reconciler.desired.links import Directory
from reconciler.diff.rules import DiffRules
from reconciler.model.access import (
    Capabilities,
    Flag,
    Group,
    GroupKey,
    Memberships,
    Role,
    State,
    User,
    UserKey,
    Value,
)
from reconciler.model.diagnostic import Position
from reconciler.model.directory import DirectoryGroup, Person, Readability, Snapshot
from reconciler.model.filter import parse_filter
from reconciler.model.names import dn_key
from reconciler.model.past import NOTHING, Past
from reconciler.model.plan import DirectoryFacts, Plan, TargetPlan
from reconciler.model.schema import DirectorySchema, restrict
from reconciler.model.standard_schema import standard_schema
from reconciler.plan.build import Safety, build_target
from reconciler.policy.model import (
    DirectoryConfig,
    Grant,
    GroupImport,
    GroupLink,
    GroupRule,
    GroupRules,
    GuardLimits,
    NamedGroup,
    Naming,
    Protection,
    TargetConfig,
    UserRules,
    Waiver,
)
from reconciler.sections import diff_rules

TODAY = date(2026, 11, 20)
NOW = "2026-11-20T04:00:00Z"
VIEWER, EDITOR, OWNER = Role("viewer"), Role("editor"), Role("owner")
ROSTER = Capabilities(
    roles=(VIEWER, EDITOR, OWNER),
    owner_role=OWNER,
    privileged_roles=frozenset({OWNER}),
    attributes=frozenset({"email", "name", "ssh_keys"}),
    flags=frozenset({Flag.ADMIN, Flag.EXTERNAL}),
    marks_memberships=True,
)
FORGE = replace(
    ROSTER,
    attributes=frozenset({"email", "name", "ssh_keys", "dn", "kerberos"}),
    flags=frozenset(Flag),
    marks_memberships=False,
    removes_users=False,
    removes_groups=False,
    keeps_keys=False,
    keeps_sources=False,
    renames_users=False,
    lower_case=frozenset({"email"}),
    needs=frozenset({"email", "name"}),
)
"""A target that knows accounts by their DN and keeps no ids."""
NO_LIMITS = GuardLimits(
    max_removals=None,
    max_removals_per_group=None,
    empty_group="allow",
    empty_admin_group="allow",
    empty_external_group="allow",
    min_owners=None,
    max_privileged_grants=None,
    max_created_users=None,
    max_disabled_users=None,
    max_directory_shrink=None,
)


SCHEMA = restrict(standard_schema(), ("uid", "cn", "mail", "displayName", "sshPublicKey", "title"), ())


def at(line: int, path: str = "policy/rules.yaml") -> Position:
    return Position(path, line, 9)


CORP = DirectoryConfig("corp", "ldif", at(3), dialect="openldap", file="directory.ldif")


def key(name: str) -> UserKey:
    """Return the stable id that `person` gives to somebody of that name."""
    return UserKey(f"id-{name}")


def dn(name: str, branch: str = "people") -> str:
    return f"uid={name},ou={branch},dc=acme"


def person(
    name: str, *, stable: bool = True, disabled: bool = False, branch: str = "people", **attributes: str | Sequence[str]
) -> Person:
    """Return somebody whose login is `name`, unless `uid` says otherwise; `uid=()` is an entry without a login."""
    where = dn(name, branch)
    kept: dict[str, str | Sequence[str]] = {"uid": name, "cn": name.title(), **attributes}
    values = {
        word: (value,) if isinstance(value, str) else tuple(value)
        for word, value in kept.items()
        if value not in ((), [])
    }
    return Person(key(name) if stable else UserKey(f"dn:{dn_key(where)}"), where, values, disabled)


@dataclass(frozen=True)
class Team:
    """One directory group: its people by the first part of their DN, its groups by CN."""

    cn: str
    people: Sequence[str] = ()
    groups: Sequence[str] = ()
    readable: bool = True
    dangling: tuple[str, ...] = ()
    key: str = ""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def dn(self) -> str:
        """Return where the group is."""
        return f"cn={self.cn},ou=groups,dc=acme"


def team(cn: str, *people: str, groups: Sequence[str] = (), readable: bool = True) -> Team:
    return Team(cn, people, groups, readable)


def snapshot(
    people: Iterable[Person] = (), teams: Iterable[Team] = (), schema: DirectorySchema | None = None
) -> Snapshot:
    """Return what a complete read would: sorted by canonical DN, members as sorted indexes."""
    everybody = sorted(people, key=lambda one: dn_key(one.dn))
    every_team = sorted(teams, key=lambda one: dn_key(one.dn))
    person_at = {one.dn.partition(",")[0].removeprefix("uid="): index for index, one in enumerate(everybody)}
    team_at = {one.cn: index for index, one in enumerate(every_team)}
    groups = tuple(
        DirectoryGroup(
            key=one.key or f"group-{one.cn}",
            dn=one.dn,
            cn=one.cn,
            attributes={"cn": (one.cn,), **one.attributes},
            people=tuple(sorted({person_at[name] for name in one.people})),
            groups=tuple(sorted({team_at[cn] for cn in one.groups})),
            dangling=one.dangling,
            readability=Readability.READ if one.readable else Readability.UNREADABLE,
        )
        for one in every_team
    )
    return Snapshot("corp", "directory.ldif", NOW, tuple(everybody), groups, schema or SCHEMA, "sha256:0")


def teams_of(seen: Snapshot) -> list[Team]:
    """Return what the groups of a snapshot were built from."""
    names = [one.dn.partition(",")[0].removeprefix("uid=") for one in seen.people]
    return [
        Team(
            one.cn,
            [names[index] for index in one.people],
            [seen.groups[index].cn for index in one.groups],
            one.readability is Readability.READ,
            one.dangling,
            one.key,
            {word: values for word, values in one.attributes.items() if word != "cn"},
        )
        for one in seen.groups
    ]


def link(name: str, access: Role = VIEWER, line: int = 10) -> GroupLink:
    """Return a link by CN, by filter (in brackets) or by DN (with a comma)."""
    if name.startswith("("):
        return GroupLink(access, at(line), filter=parse_filter(name))
    return GroupLink(access, at(line), dn=name) if "," in name else GroupLink(access, at(line), cn=name)


def grant(user: str, access: Role = VIEWER, until: date = date(2027, 1, 31), line: int = 30) -> Grant:
    return Grant(user, access, until, "INC-1 handover", at(line))


def rule(name: str, *said: GroupLink | Grant, line: int = 9) -> GroupRule:
    """Return everything that the policy says about one target group."""
    links = tuple(one for one in said if isinstance(one, GroupLink))
    return GroupRule(name, at(line), links, tuple(one for one in said if isinstance(one, Grant)))


def imported(wanted: str, name: str = "{cn}", access: Role = VIEWER, line: int = 50) -> GroupImport:
    return GroupImport(parse_filter(wanted), name, access, at(line))


USERS = UserRules(create=True, where=at(6))
GROUPS = GroupRules(create=True, where=at(7))
TARGET = TargetConfig("roster", "sql", "corp", at(5), users=USERS, groups=GROUPS)


def rules(
    *groups: GroupRule,
    imports: Sequence[GroupImport] = (),
    target: TargetConfig = TARGET,
    naming: Naming | None = None,
    directory: DirectoryConfig = CORP,
) -> Rules:
    """Return the rules of one target; accounts and groups are created unless `target` says otherwise."""
    return Rules(target, directory, {one.name: one for one in groups}, tuple(imports), naming or Naming())


def named(cn: str, line: int = 40) -> NamedGroup:
    return NamedGroup(cn, at(line))


def desired(seen: Snapshot, said: Rules, capabilities: Capabilities = ROSTER, today: date = TODAY) -> Desired:
    return desire(said, Directory(seen), capabilities, today)


Roles = Mapping[str, Mapping[str, Role]]
"""Group to user to role, by the names that `person` and `user` take."""


def user(
    name: str,
    *,
    key: str = "",
    active: bool = True,
    flags: Sequence[Flag] = (),
    attributes: Mapping[str, Value] | None = None,
) -> User:
    """Return our own account of somebody, as `person` and the default rules would have it."""
    marks = {flag: flag in flags for flag in Flag}
    return User(UserKey(key or f"id-{name}"), name, attributes or {"name": name.title()}, active=active, flags=marks)


def known_by_dn(name: str, branch: str = "people", **attributes: Value) -> User:
    """Return our own account of somebody where a target keeps no ids; e-mail address and name are those of `person`."""
    place = dn(name, branch)
    held: dict[str, Value] = {"email": f"{name}@acme.example", "name": name.title(), "dn": place}
    return user(name, key=f"dn:{dn_key(place)}", attributes={**held, **attributes})


def stranger(name: str) -> User:
    """Return an account that somebody else made."""
    return replace(user(name, key=f"local:{name}"), managed=False)


def live(
    members: Roles | None = None, *users: User, by_hand: Roles | None = None, groups: Iterable[Group] = ()
) -> State:
    """Return a live state: `users`, and an account of ours for everybody else who is a member; groups likewise."""
    rows = [*(members or {}).items(), *(by_hand or {}).items()]
    accounts = {one.username: one for one in users}
    for _, people in rows:
        for name in people:
            accounts.setdefault(name, user(name))
    found = {one.key: one for one in groups}
    for name, _ in rows:
        found.setdefault(GroupKey(name), Group(GroupKey(name)))
    keys = {name: one.key for name, one in accounts.items()}
    return State(
        users={one.key: one for one in accounts.values()},
        groups=found,
        memberships=_keyed(members, keys),
        by_hand=_keyed(by_hand, keys),
    )


def _keyed(rows: Roles | None, keys: Mapping[str, UserKey]) -> Memberships:
    return {
        GroupKey(group): {keys[name]: role for name, role in people.items()} for group, people in (rows or {}).items()
    }


def members(group: str, wanted: Desired) -> dict[str, str]:
    """Return who should be in a target group, by key without its ``id-``."""
    return {one.removeprefix("id-"): str(role) for one, role in wanted.state.memberships[GroupKey(group)].items()}


@dataclass(frozen=True)
class World:
    """Everything that one target's section of a plan is made from."""

    seen: Snapshot
    said: Rules
    have: State = State()
    protected: Protection = Protection()
    limits: GuardLimits = GuardLimits()
    waivers: Sequence[Waiver] = ()
    capabilities: Capabilities = ROSTER
    today: date = TODAY
    past: Past = NOTHING

    def want(self) -> Desired:
        """Return what should be."""
        return desired(self.seen, self.said, self.capabilities, self.today)

    def diff_rules(self) -> DiffRules:
        """Return what the comparison has to respect."""
        return diff_rules(self.said.target, self.protected, self.capabilities)

    def section(self) -> TargetPlan:
        """Return the target's section of the plan."""
        empty = TargetPlan("roster", "sql", "sqlite:///roster.db", "corp")
        return build_target(empty, self.have, self.want(), self.diff_rules(), self.safety())

    def safety(self) -> Safety:
        """Return what limits the plan."""
        return Safety(self.limits, self.waivers, self.today, self.capabilities, self.past)

    def plan(self) -> Plan:
        """Return a plan of this one target."""
        return plan_of(self.section())

    def now_with(self, have: State) -> World:
        """Return this world with another live state."""
        return replace(self, have=have)


def plan_of(*sections: TargetPlan) -> Plan:
    facts = DirectoryFacts("corp", "directory.ldif", NOW, "sha256:0", people=3, groups=2)
    return Plan(NOW, TODAY.isoformat(), "sha256:1", "policy", "", (facts,), sections)
