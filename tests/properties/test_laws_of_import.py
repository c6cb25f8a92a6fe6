"""What holds for rules written for any live state: nobody gains, nobody loses, and the file reads as what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.adoption.adopt import Ground, adopt
from reconciler.adoption.draft import Draft, FoundLink, GroupDraft, Held, Manner
from reconciler.adoption.holders import people_behind
from reconciler.adoption.text import file_text, pattern_of
from reconciler.desired.links import Directory
from reconciler.importing import losers
from reconciler.model.access import GroupKey, State, User, UserKey
from reconciler.model.change import EnableUser, UpdateUser
from reconciler.model.plan import TargetPlan
from reconciler.model.protection import matches_any
from reconciler.policy.fit import is_fit
from reconciler.policy.model import GroupLink, GroupRule, Protection
from reconciler.policy.source import read_source
from tests.builders import ROSTER, TODAY, World, at, grant, link, rule
from tests.properties.worlds import worlds

few = settings(max_examples=150, deadline=None)
MANNER = Manner(TODAY, TODAY + timedelta(days=90))


@st.composite
def unruled(draw: st.DrawFn) -> World:
    """Return a world whose policy has a target and no rule for it."""
    world = draw(worlds())
    target = world.said.target
    users = replace(target.users, scope="linked", adopt=False)
    bare = replace(target, users=users, admin_group=None, external_groups=())
    return replace(world, said=replace(world.said, groups={}, imports=(), target=bare), protected=Protection())


def drafted(world: World, *, ignore_absent: bool = False) -> Draft:
    ground = Ground(world.said, world.protected, world.want(), Directory(world.seen), ROSTER, {}, ignore_absent)
    return adopt(world.have, ground)


def with_rules(world: World, draft: Draft) -> World:
    """Return the world once the draft is its policy."""
    rules = {group.name: _rule(group) for group in draft.groups if group.is_ruled(grants=True)}
    protection = Protection(users=tuple(pattern_of(name) for name in draft.protected))
    return replace(world, said=replace(world.said, groups=rules), protected=protection)


def _rule(group: GroupDraft) -> GroupRule:
    links = [
        link(one.text, one.role) if one.selector == "cn" else GroupLink(one.role, at(1), dn=one.text)
        for one in group.links
    ]
    return rule(group.name, *links, *(grant(one.user, one.role, MANNER.until) for one in group.held))


def settled(world: World) -> tuple[Draft, World, TargetPlan]:
    """Return the draft with the accounts protected that no rule keeps, the world by it, and its plan."""
    draft = drafted(world)
    while True:
        after = with_rules(world, draft)
        section = after.section()
        more = losers(section.changes, ROSTER.roles)
        if not more.keys() - draft.protected.keys():
            return draft, after, section
        draft = replace(draft, protected={**draft.protected, **more})


@few
@given(unruled())
def test_nobody_gains_or_loses_by_imported_rules(world: World) -> None:
    """What is left of the first plan are accounts that are corrected as the directory says, whoever rules them."""
    _, _, section = settled(world)
    assert [change for change in section.changes if not isinstance(change, UpdateUser | EnableUser)] == []
    assert {refusal.guard for refusal in section.refusals} <= {"not_ours_user", "empty_directory"}


@few
@given(unruled())
def test_the_first_plan_is_empty_where_accounts_are_as_the_directory_says(world: World) -> None:
    """Names, addresses and activity agree: then there is nothing at all to do."""
    agreeing = world.now_with(_agreeing(world))
    _, _, section = settled(agreeing)
    assert not section.changes
    assert not section.refusals


@few
@given(unruled(), st.booleans())
def test_no_link_names_anybody_who_does_not_hold_its_role(world: World, ignore: bool) -> None:  # noqa: FBT001
    """Everybody in a linked directory group holds at least the role, or has no account and is to be ignored."""
    directory, roll = Directory(world.seen), world.want().roll
    draft = drafted(world, ignore_absent=ignore)
    account = {person: key for key, person in people_behind(world.have.users, roll).items()}
    for group in draft.groups:
        name = GroupKey(group.name)
        ours, by_hand = world.have.memberships.get(name, {}), world.have.by_hand.get(name, {})
        for one in group.links:
            (number,) = directory.groups_by_cn(one.text)
            assert one.people == len(directory.closure.people(number)) > 0
            for person in directory.closure.people(number):
                key = account.get(person)
                if key is None:
                    assert ignore
                elif key in ours:
                    assert ROSTER.rank(ours[key]) >= ROSTER.rank(one.role)
                else:
                    assert by_hand[key] == one.role


def _agreeing(world: World) -> State:
    """Return the live state with accounts as their people's entries have them, and without those of anybody else."""
    want = World(
        world.seen,
        replace(world.said, target=replace(world.said.target, users=replace(world.said.target.users, scope="all"))),
    ).want()
    users: dict[UserKey, User] = {}
    for key, user in world.have.users.items():
        wanted = want.state.users.get(key)
        if wanted is not None and user.managed:
            users[key] = replace(wanted, flags=user.flags)
    rows = {
        group: {key: role for key, role in people.items() if key in users}
        for group, people in world.have.memberships.items()
    }
    by_hand = {
        group: {key: role for key, role in people.items() if key in users}
        for group, people in world.have.by_hand.items()
    }
    return replace(world.have, users=users, memberships=rows, by_hand=by_hand)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(is_fit) | st.sampled_from(
    ("no", "0123", "2026-01-01", "~", "null", "a: b", "#x", "*all", "&x", "'", '"', "é", "-", "? x", "x" * 2000, "<<")
)
roles = st.sampled_from(ROSTER.roles)
found = st.builds(
    FoundLink,
    roles,
    st.sampled_from(("cn", "dn", "filter")),
    names,
    st.integers(0, 9),
    st.booleans(),
    st.integers(0, 2),
    st.lists(names, max_size=5).map(tuple),
)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Return rules with any names, and remarks with any characters."""
    held = st.lists(st.builds(Held, names, roles), max_size=3).map(tuple)
    remarks = st.lists(st.text(max_size=20), max_size=2).map(tuple)
    groups = {
        name: draw(
            st.builds(GroupDraft, st.just(name), st.lists(found, max_size=3).map(tuple), held, st.just(3), remarks)
        )
        for name in draw(st.lists(names, max_size=3))
    }
    return Draft(
        draw(names),
        tuple(groups.values()),
        draw(st.dictionaries(names, st.text(max_size=9), max_size=2)),
        draw(remarks),
        draw(st.dictionaries(names, st.text(max_size=9), max_size=2)),
    )


@few
@given(drafts())
def test_the_file_reads_as_the_rules_that_it_was_made_of(draft: Draft) -> None:
    """Whatever names hold: every text comes back as that text, and nothing in a comment becomes a rule."""
    source = read_source(file_text(draft, MANNER), "imported.yaml", ".")
    assert not source.problems
    want: dict[str, object] = {"version": 1}
    links = {
        group.name: [{one.selector: one.text, "access": one.role} for one in group.links]
        for group in draft.groups
        if group.links
    }
    grants = {group.name: [_grant(one, MANNER.until) for one in group.held] for group in draft.groups if group.held}
    want |= {"group_links": {draft.target: links}} if links else {}
    want |= {"grants": {draft.target: grants}} if grants else {}
    users = [pattern_of(name) for name in sorted(draft.protected)]
    want |= {"protected": {draft.target: {"users": users}}} if users else {}
    assert source.data == want


def _grant(held: Held, until: date) -> Mapping[str, str]:
    reason = f"imported: held by hand on {TODAY}"
    return {"user": held.user, "access": held.role, "until": until.isoformat(), "reason": reason}


@given(names, names)
def test_a_pattern_stands_for_its_name_alone(name: str, other: str) -> None:
    """Characters that mean something in patterns mean themselves."""
    assert matches_any(name, [pattern_of(name)])
    assert (
        matches_any(other, [pattern_of(name)]) == (other.lower() == name.lower())
        or not name.isascii()
        or not other.isascii()
    )
