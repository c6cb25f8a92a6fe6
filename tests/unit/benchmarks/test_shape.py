"""The shape of a generated company: counts, distribution, nesting, change; never written anywhere."""

from __future__ import annotations

from itertools import chain, pairwise
from statistics import median

import pytest

from benchmarks.shape import LEVELS, Kind, Shape

FULL = Shape()
SMALL = Shape(people=400, groups=220, mean=12.0, nested=20, target_groups=20)


def test_full_size_has_the_mean_that_was_asked_for() -> None:
    """The clamped sizes of 11,000 groups average 20 people within two percent."""
    assert sum(FULL.sizes) / FULL.groups == pytest.approx(FULL.mean, rel=0.02)


def test_full_size_has_groups_of_more_than_five_thousand() -> None:
    """The three big groups hold 15,000, 8,000 and 5,200 of 20,000 people."""
    assert [size for size in FULL.sizes if size > 5_000] == [15_000, 8_000, 5_200]


def test_sizes_have_a_heavy_tail() -> None:
    """Half of the groups are far smaller than the mean, and the largest hundredth holds a large part of everybody."""
    sizes = sorted(FULL.sizes)
    assert median(sizes) < FULL.mean / 2
    assert sum(sizes[-len(sizes) // 100 :]) > 0.2 * sum(sizes)
    assert sizes[0] >= 1


def test_a_mean_that_cannot_be_reached_leaves_one_person_in_each_group() -> None:
    """The big groups alone hold more than the mean allows: all others are as small as they can be."""
    shape = Shape(people=1_000, groups=10, mean=5.0)
    assert shape.sizes[shape.big :] == (1,) * 7


@pytest.mark.parametrize("groups", [0, 1, 2])
def test_a_directory_may_have_fewer_groups_than_big_ones(groups: int) -> None:
    """No group, or only some of the big ones: nothing is scaled and nothing nests."""
    shape = Shape(people=10, groups=groups)
    assert len(shape.sizes) == groups
    assert not shape.nesting


def test_members_are_as_many_as_the_size_and_nobody_is_listed_twice() -> None:
    """A group's members are different people of the directory."""
    for group in range(SMALL.groups):
        members = SMALL.members(group)
        assert len(set(members)) == len(members) == SMALL.sizes[group]
        assert set(members) <= set(range(SMALL.people))


def test_another_seed_gives_other_members() -> None:
    """Who is in a group derives from the seed."""
    assert Shape(people=400, seed=1).members(0) != Shape(people=400, seed=2).members(0)


def test_one_percent_changed_exchanges_one_percent_of_the_members() -> None:
    """Sizes stay, and about one of a hundred memberships is somebody else's; no group lists a person twice."""
    changed = Shape(people=2_000, groups=500, changed=1.0)
    before = Shape(people=2_000, groups=500)
    assert changed.sizes == before.sizes
    exchanged = 0
    for group in range(before.groups):
        members = changed.members(group)
        assert len(set(members)) == len(members) == before.sizes[group]
        exchanged += len(set(before.members(group)) - set(members))
    assert exchanged / sum(before.sizes) == pytest.approx(0.01, rel=0.3)


def test_all_three_kinds_of_group_are_there_in_their_shares() -> None:
    """About a tenth of the groups are groupOfUniqueNames, a tenth posixGroup; whatever nests holds DNs."""
    kinds = [FULL.kind(group) for group in range(FULL.groups)]
    assert kinds.count(Kind.UNIQUE_NAMES) / len(kinds) == pytest.approx(0.1, abs=0.01)
    assert kinds.count(Kind.POSIX) / len(kinds) == pytest.approx(0.1, abs=0.01)
    assert {FULL.kind(group) for group in FULL.nested_groups} == {Kind.NAMES}


def test_nested_groups_reach_depth_four() -> None:
    """From a root the longest path without a repeated group passes four groups."""
    assert _depth(FULL) == LEVELS - 1 == 4


def test_nesting_holds_cycles_and_a_group_in_itself() -> None:
    """Some roots are inside their own subtree, and the first root is directly inside itself."""
    first = FULL.nested_groups[0]
    assert first in FULL.nesting[first]
    assert sum(_reaches_itself(FULL, group) for group in FULL.nested_groups) > 1


def test_only_the_nested_groups_nest() -> None:
    """500 groups take part, each below the roots inside at least one other."""
    inside = set(chain.from_iterable(FULL.nesting.values()))
    assert inside | set(FULL.nesting) <= set(FULL.nested_groups)
    assert set(FULL.nested_groups[100:]) <= inside


@pytest.mark.parametrize("nested", [0, 1, 3, 7])
def test_few_nested_groups_make_fewer_levels(nested: int) -> None:
    """Any number of nested groups is possible; no index leaves the directory."""
    shape = Shape(people=50, groups=12, nested=nested)
    inside = set(chain.from_iterable(shape.nesting.values())) | set(shape.nesting)
    assert inside <= set(range(12))
    assert bool(inside) == (nested > 0)


def test_doubling_doubles_the_memberships_and_nothing_about_one_group() -> None:
    """Twice the people, groups and target groups; the mean, and so the size of a usual group, stays."""
    doubled = FULL.doubled()
    assert (doubled.people, doubled.groups, doubled.nested, doubled.target_groups) == (40_000, 22_000, 1_000, 2_000)
    assert (doubled.mean, doubled.links, doubled.seed) == (FULL.mean, FULL.links, FULL.seed)
    assert sum(doubled.sizes) / sum(FULL.sizes) == pytest.approx(2.0, rel=0.02)


def _depth(shape: Shape) -> int:
    """Return the longest way from a root to a group first met there, level by level."""
    level = set(shape.nested_groups[: len(shape.nested_groups) // LEVELS])
    seen, depth = set(level), 0
    while level := {child for group in level for child in shape.nesting.get(group, ())} - seen:
        seen |= level
        depth += 1
    return depth


def _reaches_itself(shape: Shape, start: int) -> bool:
    level, seen = set(shape.nesting.get(start, ())), set[int]()
    while level - seen:
        seen |= level
        level = {child for group in level for child in shape.nesting.get(group, ())}
    return start in seen


def test_levels_follow_each_other() -> None:
    """A tree edge goes one level down; only the edges that close a cycle go back to the roots."""
    step = len(FULL.nested_groups) // LEVELS
    levels = [set(FULL.nested_groups[start : start + step]) for start in range(0, len(FULL.nested_groups), step)]
    for above, below in pairwise(levels):
        assert {child for group in above for child in FULL.nesting.get(group, ())} <= below | levels[0]
