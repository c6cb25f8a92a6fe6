"""Filters that are true for nobody."""

from __future__ import annotations

import pytest

from reconciler.advice.contradiction import never_true
from reconciler.model.filter import parse_filter


@pytest.mark.parametrize(
    "text",
    [
        "(|)",
        "(!(&))",
        "(!(|(&)(ou=a)))",
        "(&(ou=a)(!(ou=a)))",
        "(|(&(ou=a)(!(ou=a)))(|))",
        "(&(ou=a)(|))",
        "(&(|(ou=a)(ou=b))(!(|(ou=a)(ou=b))))",
    ],
)
def test_a_contradiction_is_seen(text: str) -> None:
    """A part beside its own NOT, an empty OR, and what rests on them."""
    assert never_true(parse_filter(text))


@pytest.mark.parametrize("text", ["(ou=a)", "(&)", "(!(ou=a))", "(!(&(ou=a)))", "(&(ou=a)(ou=b))", "(|(|)(ou=a))"])
def test_what_may_be_true_is_none(text: str) -> None:
    """An attribute may have several values."""
    assert not never_true(parse_filter(text))
