"""Which names a target can hold, and how others are made legal."""

from __future__ import annotations

import pytest

from reconciler.desired.naming import name_problem, normalize
from reconciler.model.access import NameLimits

LOWER = NameLimits(pattern="[a-z0-9][a-z0-9_-]*", max_length=12, reserved=("root",))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("payments", ""),
        ("", "is empty"),
        ("a-name-too-long", "has 15 characters, more than 12"),
        ("Payments", "does not match [a-z0-9][a-z0-9_-]*"),
        ("root", "is reserved"),
    ],
)
def test_a_name_is_legal_or_its_problem_is_said(name: str, problem: str) -> None:
    """As the end of a sentence."""
    assert name_problem(name, [NameLimits(), LOWER]) == problem


def test_a_reserved_word_is_reserved_in_any_case() -> None:
    """Accounts compare so."""
    assert name_problem("ROOT", [NameLimits(reserved=("Root",))]) == "is reserved"


def test_the_whole_name_has_to_match() -> None:
    """A pattern without anchors is no search."""
    assert name_problem("ok!", [NameLimits(pattern="[a-z]+")])


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("Zürich Office", "zurich-offic"),
        ("a (b) / c", "a-b-c"),
        ("--x--", "x"),
        ("日本", ""),
        ("elevenchars-and", "elevenchars"),
    ],
)
def test_a_name_is_normalized(name: str, normal: str) -> None:
    """NFKD to ASCII, lower case where the pattern has no upper case, runs to one dash, trimmed, cut at the limit."""
    assert normalize(name, [LOWER]) == normal


def test_case_is_kept_where_the_pattern_allows_it() -> None:
    """Only the illegal characters go."""
    assert normalize("Pay Ments", [NameLimits(pattern="[A-Za-z-]+")]) == "Pay-Ments"


def test_without_a_pattern_only_what_cannot_be_printed_goes() -> None:
    """No limit, nothing to cut."""
    assert normalize("a\tb c", [NameLimits()]) == "a-b c"
