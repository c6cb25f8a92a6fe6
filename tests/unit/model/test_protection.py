"""Names that no change may touch."""

from __future__ import annotations

import pytest

from reconciler.model.protection import matches_any


@pytest.mark.parametrize(
    ("name", "patterns", "matches"),
    [
        ("root", ("root",), True),
        ("ROOT", ("root",), True),
        ("rooted", ("root",), False),
        ("svc-ci", ("root", "svc-*"), True),
        ("a/b", ("a/*",), True),
        ("a/b/c", ("a/*",), False),
        ("a/b/c", ("a/**",), True),
        ("a", ("a/**",), False),
        ("ab", ("a?",), True),
        ("a/", ("a?",), False),
        ("a.b", ("a.b",), True),
        ("axb", ("a.b",), False),
        ("line\nbreak", ("line**",), True),
        ("svc-a", ("svc-[ab]",), True),
        ("svc-c", ("svc-[ab]",), False),
        ("svc-c", ("svc-[!ab]",), True),
        ("svc-7", ("svc-[0-9]",), True),
        ("a]b", ("a[]]b",), True),
        ("a^b", ("a[x^]b",), True),
        ("a[b", ("a[[]b",), True),
        ("a[b", ("a[b",), True),
        ("[]", ("[]",), True),
        ("!", ("[!]",), True),
        ("b", ("[z-a]",), False),
        ("z", ("[z-a]",), True),
        ("ab", ("a[b",), False),
        ("root", (), False),
    ],
)
def test_a_star_stops_at_a_slash_and_two_do_not(name: str, patterns: tuple[str, ...], *, matches: bool) -> None:
    """The whole name has to match, in any case; everything but stars and question marks is literal."""
    assert matches_any(name, patterns) is matches
