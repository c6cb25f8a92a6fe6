"""Text from outside, safe to show."""

from __future__ import annotations

import pytest

from reconciler.model.text import printable, shortened


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Zoë 日本", "Zoë 日本"),
        ("\x1b[31mred\n", "\\x1b[31mred\\x0a"),
        ("a\u202eb\u200bc", "a\\u202eb\\u200bc"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_a_terminal_would_obey_or_hide_is_escaped(text: str, safe: str) -> None:
    """Control, bidirectional, invisible characters and bytes that are no text; everything else stays."""
    assert printable(text) == safe


def test_a_long_text_is_cut_with_a_mark() -> None:
    """The cut is made before anything is escaped."""
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "abc…"
    assert shortened("\x00\x00\x00\x00", 1) == "\\x00…"
