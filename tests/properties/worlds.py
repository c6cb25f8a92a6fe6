"""Random worlds: a snapshot, rules, a live state; small enough to read, odd enough to find what nobody thought of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st

from reconciler.model.access import LOCAL, Flag, Group, GroupKey, NameLimits, Role, State, User, UserKey
from reconciler.model.directory import Person
from reconciler.policy.model import (
    GroupImport,
    GroupRule,
    Naming,
    NamingRule,
    OnInvalidName,
    OnMissing,
    OnMissingGroup,
    Protection,
    TargetConfig,
)
from tests.builders import (
    EDITOR,
    GROUPS,
    OWNER,
    TARGET,
    TODAY,
    USERS,
    VIEWER,
    Team,
    World,
    dn,
    grant,
    imported,
    link,
    named,
    person,
    rule,
    rules,
    snapshot,
)

T = TypeVar("T")

NAMES = ("ann", "bob", "cy", "dee", "eve")
GONE = ("xan", "yul")
TEAMS = ("app-a", "app-b", "devs", "leads")
GROUP_NAMES = ("api", "app-a", "web")
ROLES = (VIEWER, EDITOR, OWNER)

_roles = st.sampled_from(ROLES)
_often = st.sampled_from((True, True, True, False))
_seldom = st.sampled_from((False, False, False, True))


def _some(values: tuple[T, ...]) -> st.SearchStrategy[list[T]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=len(values))


@st.composite
def everybody(draw: st.DrawFn) -> tuple[Person, ...]:
    """Return people; some share a login, have none, or have one that no target can hold."""
    all_stable = draw(_often)
    found = []
    for name in draw(_some(NAMES)):
        login = draw(st.sampled_from(((name,), (name,), (name,), (name.upper(),), ("bob",), ("!",), ())))
        stable = all_stable or draw(st.booleans())
        found.append(person(name, stable=stable, disabled=draw(_seldom), uid=login, mail=f"{name}@acme.example"))
    return tuple(found)


@st.composite
def all_teams(draw: st.DrawFn, people: tuple[Person, ...]) -> tuple[Team, ...]:
    """Return directory groups nested in any way."""
    present = draw(_some(TEAMS))
    names = tuple(one.dn.partition(",")[0].removeprefix("uid=") for one in people)
    return tuple(
        Team(
            cn,
            draw(_some(names)) if names else (),
            draw(_some(tuple(present))),
            readable=draw(_often),
            dangling=tuple(draw(st.sampled_from(((), (), ("uid=zoe,dc=acme",))))),
        )
        for cn in present
    )


@st.composite
def group_rules(draw: st.DrawFn) -> tuple[GroupRule, ...]:
    """Return rules for some target groups; links may name groups that are not there, grants people who are not."""
    found = []
    for number, name in enumerate(draw(_some(GROUP_NAMES))):
        line = 100 * (number + 1)
        links = [
            link(wanted, draw(_roles), line + at)
            for at, wanted in enumerate(draw(_some((*TEAMS, "(uid=b*)", "(mail=*)"))))
        ]
        grants = [
            grant(who, draw(_roles), TODAY + timedelta(days=draw(st.sampled_from((-1, 0, 30)))), line + 50 + at)
            for at, who in enumerate(draw(_some((*NAMES, "xan"))))
        ]
        found.append(rule(name, *links, *(grants if draw(st.booleans()) else ()), line=line))
    return tuple(found)


@st.composite
def targets(draw: st.DrawFn) -> TargetConfig:
    """Return a target's settings."""
    anything = st.sampled_from(tuple(OnMissing))
    users = replace(
        USERS,
        scope=draw(st.sampled_from(("linked", "linked", "all"))),
        create=draw(_often),
        when_missing=draw(anything),
        when_disabled=draw(anything),
        sync=draw(st.sampled_from(((), ("email", "name"), ("ssh_keys",)))),
        adopt=draw(_seldom),
    )
    groups = replace(
        GROUPS,
        create=draw(_often),
        when_missing=draw(st.sampled_from((OnMissing.KEEP, OnMissing.REMOVE))),
        adopt=draw(_seldom),
    )
    return replace(
        TARGET,
        users=users,
        groups=groups,
        admin_group=draw(st.sampled_from((None, named("leads")))),
        external_groups=draw(st.sampled_from(((), (named("devs", 41), named("app-b", 42))))),
        on_missing_group=draw(st.sampled_from(tuple(OnMissingGroup))),
    )


@st.composite
def accounts(draw: st.DrawFn) -> dict[str, User]:
    """Return live accounts by username: ours by stable id, by DN, by nothing, or somebody else's."""
    found = {}
    for name in draw(_some((*NAMES, *GONE, "ann2"))):
        kind = draw(st.sampled_from(("id", "id", "id", "dn", "local", "stranger")))
        keys = {"id": f"id-{name.rstrip('2')}", "dn": f"dn:{dn(name)}"}
        active = draw(_often)
        found[name] = User(
            UserKey(keys.get(kind, LOCAL + name)),
            name,
            {"email": draw(st.sampled_from((f"{name}@acme.example", "old@acme.example")))}
            if draw(st.booleans())
            else {},
            active=active,
            flags={flag: draw(_seldom) for flag in Flag},
            managed=kind != "stranger",
            disabled_by_hand=not active and (kind == "stranger" or draw(_seldom)),
        )
    by_key = {one.key: name for name, one in found.items()}  # a key belongs to one account
    return {name: found[name] for name in by_key.values()}


@st.composite
def live_groups(draw: st.DrawFn) -> dict[GroupKey, Group]:
    """Return live groups: ours, somebody else's, and mirrors of directory groups, each mirrored at most once."""
    found: dict[GroupKey, Group] = {}
    for name in draw(_some((*GROUP_NAMES, "app-b", "app-old"))):
        source = draw(st.sampled_from(("", "", "group-app-a", "group-app-b", "group-gone")))
        if source in {one.source for one in found.values()}:
            source = ""
        managed = draw(_often)
        found[GroupKey(name)] = Group(GroupKey(name), source if managed else "", managed)
    return found


@st.composite
def states(draw: st.DrawFn) -> State:
    """Return a live state; a row is ours or made by hand, never both."""
    users, groups = draw(accounts()), draw(live_groups())
    ours: dict[GroupKey, dict[UserKey, Role]] = {}
    by_hand: dict[GroupKey, dict[UserKey, Role]] = {}
    for group in groups:
        for one in users.values():
            role = draw(st.sampled_from((None, VIEWER, EDITOR, OWNER, OWNER, Role("former"))))
            if role is not None:
                ours_to_change = one.managed and groups[group].managed and draw(_often)
                side = ours if ours_to_change else by_hand
                side.setdefault(group, {})[one.key] = role
    return State({one.key: one for one in users.values()}, groups, ours, by_hand)


@st.composite
def imports(draw: st.DrawFn) -> tuple[GroupImport, ...]:
    """Return none, one or two imports."""
    first, second = imported("(cn=app-*)", access=draw(_roles)), imported("(cn=app-a)", "mirror-{cn}", line=51)
    return draw(st.sampled_from(((), (), (first,), (first, imported("(cn=*b)", access=VIEWER, line=52)), (second,))))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Return everything that one target's section of a plan is made from."""
    people = draw(everybody())
    bad = draw(st.sampled_from(tuple(OnInvalidName)))
    plain = NamingRule(NameLimits(pattern="[A-Za-z0-9-]+"), OnInvalidName.SKIP)
    seen = snapshot(people, draw(all_teams(people)))
    said = rules(
        *draw(group_rules()),
        imports=draw(imports()),
        target=draw(targets()),
        naming=Naming(users=replace(plain, on_invalid=bad), groups=plain),
    )
    protected = draw(
        st.sampled_from((Protection(), Protection(), Protection(users=("a*",)), Protection(groups=("api", "app-*"))))
    )
    return World(seen, said, draw(states()), protected)
