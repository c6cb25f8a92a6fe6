"""A plan for one person is the plan for everybody, kept to that person's changes; in every world."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from hypothesis import given, settings

from reconciler.diff.only import accounts_of, narrowed
from reconciler.model.access import GroupKey, State, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateGroup,
    RemoveGroup,
    RemoveMembership,
    RenameGroup,
    UpdateUser,
    person_of,
)
from reconciler.model.plan import TargetPlan
from reconciler.plan.build import Safety, build_target
from tests.builders import NO_LIMITS, World
from tests.properties.worlds import worlds
from tests.simulate import applied

few = settings(max_examples=200, deadline=None)


@few
@given(worlds())
def test_a_plan_for_one_is_the_plan_for_all_kept_to_that_one(world: World) -> None:
    """Nothing else comes out and nothing is left out, but what waits for a name that somebody else gives up."""
    everything = section(replace(world, limits=NO_LIMITS))
    names = {change.want: change.have for change in everything.changes if isinstance(change, RenameGroup)}
    for only in everybody(world):
        theirs = accounts_of(world.have, world.want(), only) | only
        expected = [said_otherwise(change, names) for change in everything.changes if person_of(change) in theirs]
        mine = section(replace(world, limits=NO_LIMITS), only)
        found = [change for change in mine.changes if person_of(change)]
        if mine.refusals or waits_for_a_name(world, everything, only):
            assert all(change in expected for change in found)
        else:
            assert found == expected


@few
@given(worlds())
def test_a_plan_for_one_touches_no_other_person_and_no_other_group(world: World) -> None:
    """It renames and removes no group, makes one only for a membership in it, and can be made as it is."""
    for only in everybody(world):
        mine = section(world, only)
        theirs = accounts_of(world.have, world.want(), only) | only
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


def said_otherwise(change: Change, names: dict[GroupKey, GroupKey]) -> Change:
    """Return the change with the group's name from before the plan for all, which a plan for one does not change."""
    if isinstance(change, AddMembership | ChangeRole | RemoveMembership):
        return replace(change, group=names.get(change.group, change.group))
    return change


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
