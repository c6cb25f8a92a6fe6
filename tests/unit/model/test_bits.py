"""Bits of one integer as a set of small integers."""

from __future__ import annotations

import pytest

from reconciler.model.bits import bits_of, indexes, ones

pytestmark = pytest.mark.parametrize(
    "chosen",
    [[], [0], [7, 8], [63, 64, 65], [20_000], list(range(0, 20_000, 97)), list(range(1, 20_000, 2)), list(range(300))],
    ids=["none", "first", "bytes", "words", "one far", "sparse", "dense", "all"],
)


def test_indexes_give_back_what_bits_were_made_of(chosen: list[int]) -> None:
    """Making bits and listing them are each other's inverse, for sparse and for dense sets."""
    assert indexes(bits_of(chosen)) == chosen


def test_order_and_repeats_do_not_matter(chosen: list[int]) -> None:
    """The same members give the same integer."""
    assert bits_of([*reversed(chosen), *chosen]) == bits_of(chosen)


def test_everything_holds_each_index(chosen: list[int]) -> None:
    """The set of everything up to the last member contains the members and has that size."""
    size = max(chosen, default=-1) + 1
    assert ones(size) & bits_of(chosen) == bits_of(chosen)
    assert ones(size).bit_count() == size
