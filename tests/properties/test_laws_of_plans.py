"""What holds for every plan of every world: snapshot, rules and live state through desire, compare, build and encode."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from reconciler.diff.compare import compare
from reconciler.model.access import Flag, GroupKey, State, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateUser,
    DisableUser,
    RemoveMembership,
    RemoveUser,
    UpdateUser,
    person_of,
    type_name,
)
from reconciler.model.plan import Hold, TargetPlan
from reconciler.model.protection import matches_any
from reconciler.plan.decode import decode
from reconciler.plan.encode import encode, to_text
from tests.builders import (
    TARGET,
    World,
    link,
    live,
    named,
    person,
    plan_of,
    rule,
    rules,
    snapshot,
    team,
    teams_of,
    user,
)
from tests.properties.sections import groups_of, sound
from tests.properties.worlds import worlds
from tests.simulate import applied

K = TypeVar("K")
V = TypeVar("V")

few = settings(max_examples=150, deadline=None)


@few
@given(worlds())
def test_applying_a_plan_leads_to_what_is_wanted(world: World) -> None:
    """Every membership is as the rules say, but those that the plan itself names as held back."""
    section = sound(world)
    after, want = applied(world.have, section.changes), world.want()
    held = {
        (change.group, change.who.key)
        for change in _changes_held(section)
        if isinstance(change, AddMembership | ChangeRole | RemoveMembership)
    }
    for group, people in want.state.memberships.items():
        by_hand = after.by_hand.get(group, {})
        rows = after.memberships.get(group, {})
        for key in {*people, *rows} - {who for name, who in held if name == group}:
            wanted = people.get(key)
            if wanted is not None and key not in rows:
                idle = key in want.disabled and key not in after.users
                assert idle or by_hand.get(key) == wanted
            else:
                assert rows.get(key) == wanted


# somebody with a mark is in no group that is known to give it, and one of these groups cannot be read
MARKED = World(
    snapshot((person("ann"),), (team("leads", "ann", readable=False),)),
    rules(rule("api", link("(uid=ann)")), target=replace(TARGET, external_groups=(named("leads"),))),
    live({}, user("ann", flags=(Flag.EXTERNAL,))),
)


@few
@given(worlds())
@example(MARKED)
def test_accounts_end_as_the_directory_says(world: World) -> None:
    """Names, activity and marks agree with the directory, but where the plan itself says why not."""
    section = sound(world)
    after, want = applied(world.have, section.changes), world.want()
    untouched = {person_of(change) for change in _changes_held(section)}
    for key, wanted in want.state.users.items():
        if key in untouched:
            continue
        held = after.users.get(key)
        if held is None:
            assert not wanted.active
            continue
        assert held.username == wanted.username
        assert held.active or not wanted.active
        for flag in want.flags:
            stays = (
                flag in want.only_given and held.flags[flag]
            )  # a group is not known to the end: nobody loses the mark
            assert stays or held.flags[flag] == wanted.flags[flag]


@few
@given(worlds())
def test_a_second_plan_after_applying_the_first_is_empty(world: World) -> None:
    """What is left is exactly what the first one held back."""
    section = sound(world)
    second = sound(world.now_with(applied(world.have, section.changes)))
    assert not second.changes
    assert not second.refusals
    assert _holds(second) == _holds(section)


@few
@given(worlds())
def test_a_state_does_not_differ_from_itself(world: World) -> None:
    """Comparing what a plan leads to with the same rules finds nothing to change, without guards having a say."""
    section = sound(world)
    after = applied(world.have, section.changes)
    _, findings = compare(after, world.want(), world.diff_rules())
    last_owners = [held.change for held in section.withheld if held.hold is Hold.LAST_OWNER]
    assert len(findings.changes) == len(last_owners)
    assert not findings.clashes


@few
@given(worlds())
def test_nothing_protected_is_touched(world: World) -> None:
    """No change concerns a protected account or group, under its name before or after."""
    for change in world.section().changes:
        assert not any(matches_any(name, world.protected.users) for name in _accounts_of(change, world.have))
        assert not any(matches_any(name, world.protected.groups) for name in groups_of(change))


@few
@given(worlds())
def test_nothing_unmanaged_is_touched(world: World) -> None:
    """Accounts and groups that somebody else made are only ever adopted, and only where the policy says so."""
    section = world.section()
    adopted = {change.who.key for change in section.changes if isinstance(change, AdoptUser)}
    adopted_groups = {change.group.key for change in section.changes if isinstance(change, AdoptGroup)}
    assert not adopted or world.said.target.users.adopt
    assert not adopted_groups or world.said.target.groups.adopt
    assume(not section.refusals)
    for change in section.changes:
        account = world.have.users.get(UserKey(person_of(change)))
        assert account is None or account.managed or account.key in adopted
        for name in groups_of(change):
            group = world.have.groups.get(GroupKey(name))
            assert group is None or group.managed or group.key in adopted_groups
        if isinstance(change, AddMembership | ChangeRole | RemoveMembership):
            assert change.who.key not in world.have.by_hand.get(change.group, {})


@few
@given(worlds())
def test_what_is_present_is_never_taken_for_absent(world: World) -> None:
    """Only people who are not in the directory, or whose entry is disabled, lose an account."""
    people = {one.key: one for one in world.seen.people}
    for change in world.section().changes:
        if isinstance(change, DisableUser | RemoveUser) and change.who.key in people:
            assert people[change.who.key].disabled


@few
@given(worlds())
def test_nobody_gets_the_account_of_somebody_who_is_there(world: World) -> None:
    """An account whose person is in the directory never gets the key of another."""
    roll = world.want().roll
    for change in world.section().changes:
        if isinstance(change, UpdateUser) and "key" in change.have:
            account = world.have.users[UserKey(str(change.have["key"]))]
            owners = [person.key for person in roll.behind(account)]
            assert owners in ([], [change.who.key])


@few
@given(worlds())
def test_a_gap_takes_nothing(world: World) -> None:
    """Nobody loses a role in a group that is linked to a directory group which is missing or unreadable."""
    frozen = world.want().frozen_groups
    ranks = {role: rank for rank, role in enumerate(world.capabilities.roles)}
    for change in world.section().changes:
        if isinstance(change, RemoveMembership):
            assert change.group not in frozen
        if isinstance(change, ChangeRole) and change.group in frozen:
            assert ranks[change.want] > ranks.get(change.have, len(ranks))
        if isinstance(change, RemoveUser):
            assert not any(change.who.key in world.have.memberships.get(group, {}) for group in frozen)


@few
@given(worlds(), st.sampled_from(("bob", "zoe", "ann")), st.booleans())
def test_adding_a_person_never_takes_anything_from_another(world: World, login: str, disabled: bool) -> None:  # noqa: FBT001 - drawn, not passed
    """Whatever the newcomer is called, everybody else loses nothing that they would not have lost anyway."""
    newcomer = person("zoe", uid=login, disabled=disabled)
    more = replace(world, seen=snapshot([*world.seen.people, newcomer], teams_of(world.seen)))
    roll = more.want().roll
    hers = {account.username for account in world.have.users.values() if newcomer in roll.behind(account)}
    assert {loss for loss in _losses(more.section()) if loss[0] not in hers} <= _losses(world.section())


@few
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(world: World, chance: random.Random) -> None:
    """The same world in another order gives the same bytes."""
    assert _text(_shuffled(world, chance)) == _text(world)


@few
@given(worlds())
def test_a_plan_survives_being_written_and_read(world: World) -> None:
    """decode(to_text(encode(plan))) is the plan, and its text is the same."""
    plan = world.plan()
    text = to_text(encode(plan))
    again, document = decode(text)
    assert again == plan
    assert to_text(document) == text
    assert to_text(encode(again)) == text


def _changes_held(section: TargetPlan) -> list[Change]:
    return [held.change for held in section.withheld]


def _holds(section: TargetPlan) -> Counter[tuple[str, ...]]:
    return Counter((type_name(held.change), *_named(held.change), held.hold) for held in section.withheld)


def _named(change: Change) -> tuple[str, str]:
    groups = groups_of(change)
    return person_of(change), groups[0] if groups else ""


def _accounts_of(change: Change, have: State) -> set[str]:
    key = UserKey(person_of(change))
    names = {have.users[key].username} if key in have.users else set()
    match change:
        case CreateUser(user=user):
            names.add(user.username)
        case AdoptUser(have=user) | RemoveUser(have=user):
            names.add(user.username)
        case UpdateUser(who=who, want=want):
            names |= {who.username, str(want.get("username", who.username))}
        case _:
            pass
    return names


def _losses(section: TargetPlan) -> set[tuple[str, str]]:
    """Return which account would lose what, held back or not; it is lost, whether it is disabled or removed."""
    found = set()
    for change in [*section.changes, *_changes_held(section)]:
        if isinstance(change, RemoveMembership | ChangeRole):
            found.add((change.who.username, f"{change.group}: {change.have}"))
        elif isinstance(change, DisableUser | RemoveUser):
            found.add((change.who.username, "account"))
    return found


def _text(world: World) -> str:
    return to_text(encode(plan_of(world.section())))


def _shuffled(world: World, chance: random.Random) -> World:
    """Return the same world, with everything that has no order of its own in another one."""
    people, teams = list(world.seen.people), teams_of(world.seen)
    chance.shuffle(people)
    chance.shuffle(teams)
    have = world.have
    users = {key: replace(one, flags=_mixed(one.flags, chance)) for key, one in have.users.items()}
    rows = ({group: _mixed(row, chance) for group, row in part.items()} for part in (have.memberships, have.by_hand))
    ours, by_hand = (_mixed(part, chance) for part in rows)
    return replace(
        world,
        seen=snapshot(people, teams),
        said=replace(world.said, groups=_mixed(world.said.groups, chance)),
        have=State(_mixed(users, chance), _mixed(have.groups, chance), ours, by_hand),
    )


def _mixed(items: Mapping[K, V], chance: random.Random) -> dict[K, V]:
    pairs = list(items.items())
    chance.shuffle(pairs)
    return dict(pairs)
