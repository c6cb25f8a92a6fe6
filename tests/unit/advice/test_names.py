"""Naming rules that no name can satisfy."""

from __future__ import annotations

import pytest

from reconciler.advice.names import unsatisfiable
from reconciler.model.access import NameLimits


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ((NameLimits("[a-z]{5,}", 4),), "[a-z]{5,} takes at least 5 characters, and 4 are allowed"),
        ((NameLimits(max_length=2), NameLimits("abc.*")), "abc.* takes at least 3 characters, and 2 are allowed"),
        ((NameLimits("^(root|admin)$", reserved=("Root", "admin")),), "each word of ^(root|admin)$ is refused"),
        ((NameLimits("root"), NameLimits("[0-9]+")), "each word of root is refused by another limit"),
    ],
)
def test_a_rule_without_any_legal_name_is_seen(limits: tuple[NameLimits, ...], why: str) -> None:
    """Too long for the limit, or only words that something else refuses."""
    assert unsatisfiable(limits).startswith(why)


@pytest.mark.parametrize(
    "limits",
    [
        NameLimits(),
        NameLimits(max_length=1),
        NameLimits("[a-z]{5,}", 5),
        NameLimits("^(root|ops)$", reserved=("root",)),
        NameLimits("(?=x)[a-z]*", 3),
    ],
)
def test_a_rule_with_a_legal_name_is_not(limits: NameLimits) -> None:
    """Nothing is said where it is not certain."""
    assert not unsatisfiable((limits,))
