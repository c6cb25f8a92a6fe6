"""Few sets that together are one: exact first, then the greatest gain, and none that is needless."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.adoption.cover import Candidate, cover
from reconciler.model.bits import bits_of


def sets(*people: str, need: str) -> list[Candidate]:
    """Return a candidate for each text of digits, which are its people; what it explains are those of `need` among them."""
    wanted = bits_of(map(int, need))
    found = [bits_of(map(int, one)) for one in people]
    return [Candidate(number, members, members & wanted) for number, members in enumerate(found)]


def chosen(need: str, *people: str) -> list[int]:
    return [one.number for one in cover(bits_of(map(int, need)), sets(*people, need=need))]


def test_an_exact_set_is_taken_before_a_larger_one_and_before_parts() -> None:
    """One link that says just this is what somebody meant."""
    assert chosen("123", "12", "123456", "123", "3") == [2]


def test_of_sets_alike_the_name_decides_then_the_first() -> None:
    """A directory has groups with the same people: the one whose name speaks for it is taken."""
    alike = sets("123", "123", "123", need="123")
    assert [one.number for one in cover(0b1110, alike)] == [0]
    speaking = [*alike[:2], Candidate(2, 0b1110, 0b1110, kinship=1)]
    assert [one.number for one in cover(0b1110, speaking)] == [2]


def test_the_greatest_gain_goes_first_and_the_rest_stays_open() -> None:
    """What no set explains is nobody's business here."""
    assert chosen("1234567", "123", "34", "56", "5") == [0, 1, 2]
    assert chosen("12", "3") == []
    assert chosen("12") == []


def test_a_set_that_later_ones_make_needless_is_dropped() -> None:
    """The largest comes first, and two others explain all of it."""
    assert chosen("123456", "2345", "123", "456") == [1, 2]


@given(st.lists(st.frozensets(st.integers(0, 9)), max_size=8), st.frozensets(st.integers(0, 9), min_size=1))
def test_a_cover_explains_what_all_do_and_none_is_needless(parts: list[frozenset[int]], need: frozenset[int]) -> None:
    """Whatever the sets are."""
    wanted = bits_of(need)
    candidates = [Candidate(number, bits_of(part), bits_of(part) & wanted) for number, part in enumerate(parts)]
    candidates = [one for one in candidates if one.explains]
    found = [set(parts[one.number]) & need for one in cover(wanted, candidates)]
    assert set().union(*found) == set().union(*(set(parts[one.number]) & need for one in candidates))
    for number, one in enumerate(found):
        assert not one <= set().union(*(other for place, other in enumerate(found) if place != number))
