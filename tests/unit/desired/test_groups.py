"""Nested directory groups; the laws are in properties/."""

from __future__ import annotations

from reconciler.desired.groups import Closure
from tests.builders import person, snapshot, team


def test_nesting_and_cycles_are_followed() -> None:
    """A cycle is one group; who is in a flat group is answered from the snapshot itself."""
    teams = (team("a", "ann", groups=("b",)), team("b", groups=("a", "c")), team("c", "bob"), team("d", "cy"))
    seen = snapshot([person("ann"), person("bob"), person("cy")], teams)
    closure = Closure(seen.groups)
    assert [list(closure.people(index)) for index in range(4)] == [[0, 1], [0, 1], [1], [2]]
    assert closure.people(3) is seen.groups[3].people
    assert closure.people(0) is closure.people(1)


def test_a_gap_is_found_however_deep() -> None:
    """The group itself first, then those in it."""
    teams = (
        team("a", groups=("b", "c")),
        team("b", groups=("c",)),
        team("c", readable=False),
        team("d", readable=False),
    )
    closure = Closure(snapshot((), (*teams, team("e"))).groups)
    assert [closure.unreadable(index) for index in range(5)] == [2, 2, 2, 3, None]


def test_the_shortest_way_is_the_way() -> None:
    """Of equal ones the first by DN."""
    teams = (team("a", groups=("b", "c")), team("b", groups=("d",)), team("c", groups=("d",)), team("d", "ann"))
    assert Closure(snapshot([person("ann")], teams).groups).ways(0) == {0: (0, 1, 3)}
