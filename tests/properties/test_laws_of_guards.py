"""What holds for every guard in every world: no plan does more than its limits, and nobody is locked out by it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.model.access import Flag, GroupKey, Role, State, UserKey
from reconciler.model.change import (
    AdoptGroup,
    AdoptUser,
    Change,
    CreateUser,
    DisableUser,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    UpdateUser,
    object_of,
    person_of,
)
from reconciler.model.past import Past, Seen, Trouble
from reconciler.model.plan import Hold
from reconciler.plan.guards import ceiling
from reconciler.plan.subject import takes_access
from reconciler.plan.summary import is_privileged_grant
from reconciler.policy.model import GuardLimits, Limit
from tests.builders import NO_LIMITS, NOW, OWNER, World
from tests.properties.sections import groups_of, sound
from tests.properties.worlds import worlds
from tests.simulate import applied

few = settings(max_examples=150, deadline=None)


@few
@given(worlds(), st.integers(min_value=1, max_value=2))
def test_a_group_keeps_its_last_owners(world: World, minimum: int) -> None:
    """No group ends with fewer owners than the minimum, unless it had fewer already or goes away."""
    world = replace(world, limits=replace(NO_LIMITS, min_owners=minimum))
    section = sound(world)
    after = applied(world.have, section.changes)
    renamed = {change.want: change.have for change in section.changes if isinstance(change, RenameGroup)}
    for group in after.groups:
        had = _owners(world.have, renamed.get(group, group))
        assert _owners(after, group) >= min(had, minimum)


@few
@given(worlds(), st.integers(0, 4), st.sampled_from((0.0, 10.0, 50.0)))
def test_no_applyable_plan_takes_more_than_the_limits(world: World, count: int, percent: float) -> None:
    """Memberships, accounts and groups each stay under the ceiling, in all and by group."""
    limit, per_group = Limit(percent=percent, count=count), Limit(percent=percent)
    limits = replace(GuardLimits(limit, per_group), max_disabled_users=limit, empty_admin_group="allow")
    world = replace(world, limits=limits)
    section = world.section()
    assume(not section.refusals)
    rows = Counter(change.group for change in section.changes if isinstance(change, RemoveMembership))
    closed = [change for change in section.changes if isinstance(change, DisableUser | RemoveUser)]
    gone = [change for change in section.changes if isinstance(change, RemoveGroup)]
    assert rows.total() <= min(count, ceiling(limit, sum(map(len, world.have.memberships.values()))))
    assert len(closed) <= min(count, ceiling(limit, sum(one.managed for one in world.have.users.values())))
    assert len(gone) <= min(count, ceiling(limit, sum(one.managed for one in world.have.groups.values())))
    renamed = {change.want: change.have for change in section.changes if isinstance(change, RenameGroup)}
    for group, removed in rows.items():
        before = world.have.memberships[renamed.get(group, group)]
        assert removed <= ceiling(per_group, len(before))
        left = applied(world.have, section.changes)
        assert group not in left.groups or left.memberships[group] or left.by_hand.get(group)


@few
@given(worlds(), st.integers(0, 3), st.integers(0, 8))
def test_no_applyable_plan_gives_more_than_the_limits(world: World, count: int, people: int) -> None:
    """Accounts made and privileged grants stay under theirs, and the directory has not shrunk by more than its own."""
    seen = {"roster": Seen(people, 0, NOW)}
    limits = replace(
        NO_LIMITS, max_created_users=count, max_privileged_grants=count, max_directory_shrink=Limit(count=count)
    )
    section = replace(world, limits=limits, past=Past(seen)).section()
    assume(not section.refusals)
    assert sum(isinstance(change, CreateUser) for change in section.changes) <= count
    assert sum(is_privileged_grant(change, section.privileged) for change in section.changes) <= count
    assert people - len(world.seen.people) <= count


@few
@given(worlds(), st.integers(0, 20))
def test_we_never_lock_ourselves_out(world: World, which: int) -> None:
    """Whoever our account is: it stays, as active, as much an administrator and with at least the roles that it had."""
    accounts = sorted(world.have.users)
    assume(accounts)
    own = accounts[which % len(accounts)]
    section = sound(world.now_with(replace(world.have, own=own)))
    after = applied(replace(world.have, own=own), section.changes)
    assert after.own is not None
    before, now = world.have.users[own], after.users[after.own]
    assert now.active >= before.active
    assert now.flags.get(Flag.ADMIN, False) >= before.flags.get(Flag.ADMIN, False)
    assert now.flags.get(Flag.EXTERNAL, False) <= before.flags.get(Flag.EXTERNAL, False)
    renamed = {change.have: change.want for change in section.changes if isinstance(change, RenameGroup)}
    roles = (*world.capabilities.roles, Role("former"))
    for group, people in world.have.memberships.items():
        name = renamed.get(group, group)
        if own in people and name in after.groups:
            assert roles.index(after.memberships[name][after.own]) >= roles.index(people[own])


@few
@given(worlds(), st.randoms(use_true_random=False))
def test_what_is_in_quarantine_waits_and_nothing_else_is_lost_by_it(world: World, chance: random.Random) -> None:
    """What is left can be made without it, the rest of the plan is as before, and no access stays but what rests on it."""
    first = sound(world)
    names = sorted({object_of(change) for change in first.changes})
    held = {name for name in names if chance.random() < 1 / 3}
    trouble = Trouble(4, "2026-11-01", "no", "2026-11-21")
    section = sound(replace(world, past=Past(troubles={"roster": dict.fromkeys(held, trouble)})))
    kept = {object_of(change) for change in section.changes}
    waiting = [one.change for one in section.withheld if one.hold is Hold.QUARANTINED]
    assert len(first.changes) == len(section.changes) + len(waiting)
    roles = world.capabilities.roles
    unmade = {person_of(change) for change in waiting if isinstance(change, AdoptUser)}
    unmade |= {change.group.key for change in waiting if isinstance(change, AdoptGroup)}
    for change in first.changes:
        taking = takes_access(change, roles)
        assert taking or object_of(change) not in held & kept or _speaks_otherwise(waiting)
    for change in waiting:
        assert not takes_access(change, roles) or unmade & {person_of(change), *groups_of(change)}
    applied(world.have, section.changes)


def _owners(state: State, group: GroupKey) -> int:
    rows: Mapping[UserKey, Role] = {**state.by_hand.get(group, {}), **state.memberships.get(group, {})}
    return sum(role == OWNER for role in rows.values())


def _speaks_otherwise(waiting: list[Change]) -> bool:
    """Tell whether accounts or groups keep a key or a name that the rest of the plan would have changed."""
    return any(
        isinstance(change, RenameGroup) or (isinstance(change, UpdateUser) and "key" in change.have)
        for change in waiting
    )
