"""Nested groups: the closure agrees with following every edge by hand, whatever the cycles."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.groups import Closure
from reconciler.model.directory import DirectoryGroup, Readability

PEOPLE = 8
DEEP = 3000


def group(number: int, people: tuple[int, ...], groups: tuple[int, ...], *, readable: bool = True) -> DirectoryGroup:
    seen = Readability.READ if readable else Readability.UNREADABLE
    return DirectoryGroup(f"k{number}", f"cn=g{number}", f"g{number}", {}, people, groups, readability=seen)


@st.composite
def forests(draw: st.DrawFn) -> list[DirectoryGroup]:
    size = draw(st.integers(1, 9))
    edges = st.sets(st.integers(0, size - 1), max_size=3)
    people = st.sets(st.integers(0, PEOPLE - 1), max_size=3)
    unreadable = draw(st.sets(st.integers(0, size - 1), max_size=1))
    return [
        group(number, tuple(sorted(draw(people))), tuple(sorted(draw(edges))), readable=number not in unreadable)
        for number in range(size)
    ]


def reached(groups: list[DirectoryGroup], start: int) -> set[int]:
    """Follow every edge, the slow and certain way."""
    found, new = {start}, [start]
    while new:
        new = [child for index in new for child in groups[index].groups if child not in found]
        found.update(new)
    return found


@given(forests())
def test_people_are_those_of_every_group_that_can_be_reached(groups: list[DirectoryGroup]) -> None:
    """Direct and nested members, ascending and each once."""
    closure = Closure(groups)
    for index in range(len(groups)):
        wanted = {person for at in reached(groups, index) for person in groups[at].people}
        assert list(closure.people(index)) == sorted(wanted)


@given(forests())
def test_a_group_has_a_gap_if_any_group_in_it_is_unreadable(groups: list[DirectoryGroup]) -> None:
    """However deep; and the group that is named is one of those."""
    closure = Closure(groups)
    for index in range(len(groups)):
        gaps = {at for at in reached(groups, index) if groups[at].readability is Readability.UNREADABLE}
        found = closure.unreadable(index)
        assert (found in gaps) if gaps else found is None


@given(forests())
def test_a_way_leads_from_the_group_to_the_person(groups: list[DirectoryGroup]) -> None:
    """Each step is an edge, the last group holds the person, and no other way is shorter."""
    closure = Closure(groups)
    for index in range(len(groups)):
        ways = closure.ways(index)
        assert sorted(ways) == list(closure.people(index))
        for person, way in ways.items():
            assert way[0] == index
            assert all(below in groups[above].groups for above, below in pairwise(way))
            assert person in groups[way[-1]].people
            assert len(way) == _shortest(groups, index, person)


def test_a_chain_of_3000_groups_is_followed_to_its_end() -> None:
    """No recursion limit, and the last group's only member is in all of them."""
    groups = [group(number, (), (number + 1,)) for number in range(DEEP)] + [group(DEEP, (5,), ())]
    closure = Closure(groups)
    assert [list(closure.people(index)) for index in (0, DEEP // 2, DEEP)] == [[5], [5], [5]]
    assert closure.ways(0) == {5: tuple(range(DEEP + 1))}


def test_a_cycle_of_3000_groups_is_one_group() -> None:
    """Everybody in any of them is in all of them, and one unreadable group is a gap in all of them."""
    ring = [group(number, (number % 7,), ((number + 1) % DEEP,), readable=number != 9) for number in range(DEEP)]
    closure = Closure(ring)
    assert all(list(closure.people(index)) == [0, 1, 2, 3, 4, 5, 6] for index in (0, 1, DEEP - 1))
    assert {closure.unreadable(index) for index in (0, 8, 10, DEEP - 1)} == {9}


def _shortest(groups: list[DirectoryGroup], start: int, person: int) -> int:
    level, seen, length = [start], {start}, 1
    while not any(person in groups[index].people for index in level):
        level = [child for index in level for child in groups[index].groups if child not in seen]
        seen.update(level)
        length += 1
    return length
