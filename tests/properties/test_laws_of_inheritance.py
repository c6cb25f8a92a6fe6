"""What holds for every plan of a target whose groups nest, and in which a role holds in everything below."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.access import Group, GroupKey, Role, State, UserKey
from reconciler.model.change import AddMembership, ChangeRole, CreateGroup, RemoveMembership, object_of
from reconciler.model.past import Past, Trouble
from reconciler.model.plan import TargetPlan
from reconciler.policy.model import GroupLink, OnMissing, Protection
from tests.builders import (
    NO_LIMITS,
    OWNER,
    ROSTER,
    TARGET,
    USERS,
    World,
    key,
    link,
    person,
    rule,
    rules,
    snapshot,
    team,
    teams_of,
    user,
)
from tests.properties.sections import sound
from tests.simulate import applied

TOP, MID, LOW = GroupKey("top"), GroupKey("Top/mid"), GroupKey("top/mid/low")
PATHS = (TOP, MID, LOW, GroupKey("top/mid/other"), GroupKey("top-most"))
NAMES = ("ann", "bob", "cy")
TEAMS = ("one", "two", "three")
NESTING = replace(ROSTER, inherits=True, marks_memberships=False)

WAITS = Trouble(4, "2026-11-16", "no licence is left", "2026-11-21")
ADDS, RAISES = f"membership.add {key('ann')} {TOP}", f"membership.change {key('cy')} {MID}"

few = settings(max_examples=300, deadline=None)
_names = st.lists(st.sampled_from(NAMES), unique=True)
_roles = st.sampled_from(NESTING.roles)
_often = st.sampled_from((True, True, True, False))


@st.composite
def nested_worlds(draw: st.DrawFn) -> World:
    """Return a world whose groups lie in one another, and in which nearly everybody is in nearly everything."""
    teams = [team(cn, *draw(_names), readable=draw(_often)) for cn in TEAMS]
    said = [rule(path, *_links(draw, path)) for path in PATHS if draw(_often)]
    rows: dict[GroupKey, dict[UserKey, Role]] = {}
    for path in PATHS:
        for name in (*NAMES, "xan"):
            role = draw(st.sampled_from((None, None, *NESTING.roles, OWNER, Role("former"))))
            if role is not None:
                rows.setdefault(path, {})[key(name)] = role
    ruled = {one.name for one in said}
    above = {path: rows.pop(path) for path in (TOP, MID) if path in rows and path not in ruled and draw(st.booleans())}
    there = {path: Group(path) for path in PATHS if path in rows or path in above or draw(st.booleans())}
    users = {key(name): user(name, active=draw(_often)) for name in (*NAMES, "xan")}
    target = replace(TARGET, users=replace(USERS, when_missing=draw(st.sampled_from(tuple(OnMissing)))))
    return World(
        snapshot([person(name) for name in NAMES], teams),
        rules(*said, target=target),
        State(users, there, rows, above=above),
        Protection(
            groups=draw(st.sampled_from(((), (), ("top",), (MID,)))), users=draw(st.sampled_from(((), (), ("b*",))))
        ),
        replace(NO_LIMITS, min_owners=draw(st.sampled_from((None, 1, 1, 2)))),
        capabilities=NESTING,
        past=Past(troubles={"roster": draw(st.sampled_from(({}, {}, {ADDS: WAITS, RAISES: WAITS})))}),
    )


def _links(draw: st.DrawFn, path: GroupKey) -> list[GroupLink]:
    chosen = draw(st.lists(st.sampled_from(TEAMS), unique=True, max_size=2))
    return [link(cn, draw(_roles), 10 * PATHS.index(path) + at) for at, cn in enumerate(chosen)]


def rank(role: Role | None) -> int:
    return NESTING.roles.index(role) if role in NESTING.roles else -1


def inherited(state: State, group: GroupKey, who: UserKey) -> int:
    """Return the highest rank of what somebody holds above a group; paths are compared without case."""
    ranks = [-1]
    for side in (state.memberships, state.by_hand, state.above):
        ranks += [
            rank(people.get(who)) for name, people in side.items() if group.lower().startswith(f"{name.lower()}/")
        ]
    return max(ranks)


def held_back(section: TargetPlan) -> set[str]:
    return {object_of(held.change) for held in section.withheld}


@few
@given(nested_worlds())
def test_nobody_has_less_below_than_above_and_nobody_more_than_that(world: World) -> None:
    """Whoever a rule puts into a group has there what the rule gives, or what holds above it."""
    section = sound(world)
    after, held = applied(world.have, section.changes), section.withheld
    untouched = {
        (one.change.group, one.change.who.key)
        for one in held
        if isinstance(one.change, AddMembership | ChangeRole | RemoveMembership)
    }
    for group, people in world.want().state.memberships.items():
        for who, role in people.items():
            found = after.memberships.get(group, {}).get(who)
            if found is not None and (group, who) not in untouched:
                assert rank(found) == max(rank(role), inherited(after, group, who))


@few
@given(nested_worlds())
def test_a_second_plan_is_empty(world: World) -> None:
    """What is left is what the first one held back."""
    section = sound(world)
    second = sound(world.now_with(applied(world.have, section.changes)))
    assert not second.changes
    assert Counter(map(str, held_back(second))) == Counter(map(str, held_back(section)))


@few
@given(nested_worlds())
def test_every_change_can_be_made_when_its_turn_comes(world: World) -> None:
    """Such a target gives no role in a group that is lower than one above it, and makes no group in one that is not there."""
    section = sound(world)
    for number, change in enumerate(section.changes):
        before = applied(world.have, section.changes[:number])
        match change:
            case AddMembership(who=who, group=group, want=role) | ChangeRole(who=who, group=group, want=role):
                assert rank(role) >= inherited(before, group, who.key)
            case CreateGroup(group=made):
                there = {name.lower() for name in before.groups}
                assert made.key.lower().rpartition("/")[0] in {"", *there}
            case _:
                pass


@few
@given(nested_worlds(), st.sampled_from(("zoe", "ann")))
def test_adding_a_person_never_takes_a_role_from_another(world: World, login: str) -> None:
    """In no group, and none above it."""
    newcomer = person("zoe", uid=login)
    more = replace(world, seen=snapshot([*world.seen.people, newcomer], teams_of(world.seen)))
    hers = {account.username for account in world.have.users.values() if newcomer in more.want().roll.behind(account)}
    assert {loss for loss in losses(more.section()) if loss[0] not in hers} <= losses(world.section())


def losses(section: TargetPlan) -> set[tuple[str, str]]:
    """Return which account would lose what, held back or not."""
    changes = [*section.changes, *(held.change for held in section.withheld)]
    return {
        (change.who.username, f"{change.group}: {change.have}")
        for change in changes
        if isinstance(change, RemoveMembership)
        or (isinstance(change, ChangeRole) and rank(change.want) < rank(change.have))
    }
