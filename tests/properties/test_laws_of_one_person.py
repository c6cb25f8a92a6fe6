"""A plan for one person is the plan for everybody, kept to that person's changes; in every world."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from hypothesis import example, given, settings

from reconciler.desired.build import Desired
from reconciler.diff.only import accounts_of, narrowed
from reconciler.model.access import GroupKey, State, User, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateGroup,
    CreateUser,
    RemoveGroup,
    RemoveMembership,
    RenameGroup,
    UpdateUser,
    person_of,
)
from reconciler.model.names import login_key
from reconciler.model.plan import TargetPlan
from reconciler.model.reason import Reason, Why
from reconciler.plan.build import Safety, build_target
from reconciler.plan.order import ordered
from reconciler.plan.subject import takes_access
from reconciler.policy.model import OnMissing
from tests.builders import (
    NO_LIMITS,
    OWNER,
    ROSTER,
    TARGET,
    USERS,
    VIEWER,
    World,
    link,
    live,
    person,
    rule,
    rules,
    snapshot,
    stranger,
    team,
    user,
)
from tests.properties.worlds import worlds
from tests.simulate import applied

few = settings(max_examples=200, deadline=None)


def taking_over(have: State) -> World:
    """Return a world that takes over accounts by name: eve should be in api, and bob, who has an account, in both groups."""
    seen = snapshot((person("bob"), person("eve")), (team("devs", "bob", "eve"),))
    said = (rule("api", link("devs")), rule("web", link("(uid=bob)")))
    return World(seen, rules(*said, target=replace(TARGET, users=replace(USERS, adopt=True))), have)


# eve's name is that of an account made by hand, or of somebody's who has left; either holds what she should not have
BY_HAND = taking_over(live({}, stranger("eve"), user("bob"), by_hand={"web": {"eve": OWNER}}))
LEFT_BEHIND = taking_over(live({"web": {"eve": OWNER, "bob": VIEWER}}, user("eve", key="id-gone")))

# somebody disabled, whom no group holds any more, has an account that is not ours
DISABLED = World(
    snapshot((person("eve", disabled=True),)),
    rules(
        rule("api", link("(uid=*)")),
        target=replace(TARGET, users=replace(USERS, adopt=True, when_disabled=OnMissing.REMOVE)),
    ),
    live({}, stranger("eve")),
)
# two people without a stable id have one login: whose account it is that is in the group of one of them is not clear
UNCLEAR = World(
    snapshot((person("bob", stable=False), person("cy", stable=False, uid="bob")), (team("devs", "bob"),)),
    rules(rule("api", link("devs"))),
    live({"api": {"bob": VIEWER}}, user("bob")),
)


@few
@given(worlds())
@example(UNCLEAR)
@example(DISABLED)
@example(BY_HAND)
@example(LEFT_BEHIND)
def test_a_plan_for_one_is_the_plan_for_all_kept_to_that_one(world: World) -> None:
    """Nothing else comes out and nothing is left out, but what waits for a name that somebody else gives up.

    An account whose person has left may be somebody else's in the plan for all; a plan for it alone only takes access away.
    """
    everything = section(replace(world, limits=NO_LIMITS))
    names = {change.want: change.have for change in everything.changes if isinstance(change, RenameGroup)}
    for only in everybody(world):
        theirs = accounts_of(world.have, world.want(), world.diff_rules(), only) | only
        expected = said_otherwise([change for change in everything.changes if person_of(change) in theirs], names)
        mine = section(replace(world, limits=NO_LIMITS), only)
        found = said_otherwise([change for change in mine.changes if person_of(change)], names)
        if any(isinstance(change, UpdateUser) and change.have.get("key") in only for change in everything.changes):
            assert all(takes_access(change, world.capabilities.roles) for change in found)
        elif mine.refusals or waits_for_a_name(world, everything, only):
            assert all(change in expected for change in found)
        else:
            assert found == expected


@few
@given(worlds())
@example(BY_HAND)
@example(LEFT_BEHIND)
def test_a_plan_for_one_touches_no_other_person_and_no_other_group(world: World) -> None:
    """It renames and removes no group, makes one only for a membership in it, and can be made as it is.

    An account is theirs by its key, by the person behind it, or because it has their name and the policy takes it over.
    """
    want = world.want()
    for only in everybody(world):
        mine = section(world, only)
        theirs = accounts_of(world.have, world.want(), world.diff_rules(), only) | only
        assert all(may_be_theirs(world.have.users[key], world, want, only) for key in theirs & world.have.users.keys())
        entered = {change.group for change in mine.changes if isinstance(change, AddMembership)}
        for change in mine.changes:
            assert not isinstance(change, RenameGroup | RemoveGroup)
            if isinstance(change, CreateGroup):
                assert change.group.key in entered
            elif not isinstance(change, AdoptGroup):
                assert person_of(change) in theirs
        if not mine.refusals:
            after = applied(world.have, mine.changes)
            taken = {change.have.key for change in mine.changes if isinstance(change, AdoptUser)}
            assert others(after, theirs | taken) == others(world.have, theirs | taken)


@few
@given(worlds())
@example(BY_HAND)
@example(LEFT_BEHIND)
def test_a_plan_for_one_is_empty_once_it_is_made(world: World) -> None:
    """Nothing is left to do for that person."""
    for only in everybody(world):
        mine = section(replace(world, limits=NO_LIMITS), only)
        if not mine.refusals:
            later = world.now_with(applied(world.have, mine.changes))
            again = section(replace(later, limits=NO_LIMITS), only)
            assert [change for change in again.changes if person_of(change)] == []


def everybody(world: World) -> list[frozenset[UserKey]]:
    """Return whom a run may be about: each person of the directory, each account whose person is gone."""
    want = world.want()
    gone = [key for key, one in world.have.users.items() if one.managed and not want.roll.behind(one)]
    return [frozenset({key}) for key in (*want.roll.index_of, *gone)]


def may_be_theirs(account: User, world: World, want: Desired, only: frozenset[UserKey]) -> bool:
    """Tell whether a change for these people may touch the account at all."""
    behind = {one.key for one in want.roll.behind(account)}
    if account.key in only or (account.managed and not behind.isdisjoint(only)):
        return True
    names = {login_key(want.state.users[key].username) for key in only & want.state.users.keys()}
    nobodys = not account.managed or not behind
    return world.said.target.users.adopt and nobodys and login_key(account.username) in names


def section(world: World, only: frozenset[UserKey] | None = None) -> TargetPlan:
    """Return the section, for these people where some are named."""
    want = world.want()
    if only is not None:
        want = narrowed(want, world.have, world.diff_rules(), only)
    empty = TargetPlan("roster", "sql", "sqlite:///roster.db", "corp")
    safety = Safety(world.limits, world.waivers, world.today, world.capabilities)
    return build_target(empty, world.have, want, world.diff_rules(), safety)


def waits_for_a_name(world: World, everything: TargetPlan, only: Collection[UserKey]) -> bool:
    """Tell whether somebody else's account changes its name or its key in the plan for all: that plan may then do more."""
    return any(isinstance(change, UpdateUser) and change.who.key not in only for change in everything.changes)


def said_otherwise(changes: Sequence[Change], names: Mapping[GroupKey, GroupKey]) -> list[Change]:
    """Return changes with groups by the names from before the plan for all, which a plan for one does not change.

    The reason for a new account is the first of the person's groups by name: with other names, it may be another group.
    """
    if not names:
        return list(changes)
    said: list[Change] = []
    for change in changes:
        match change:
            case AddMembership() | ChangeRole() | RemoveMembership():
                said.append(replace(change, group=names.get(change.group, change.group)))
            case CreateUser() | AdoptUser():
                said.append(replace(change, reason=Reason(Why.SCOPE)))
            case _:
                said.append(change)
    return list(ordered(said, ROSTER.roles))


def others(state: State, theirs: Collection[UserKey]) -> object:
    """Return what a state holds of others."""
    users = {key: one for key, one in state.users.items() if key not in theirs}
    rows = [
        (group, key, role)
        for side in (state.memberships, state.by_hand)
        for group, people in sorted(side.items())
        for key, role in people.items()
        if key not in theirs
    ]
    return users, rows
