"""Columns, cuts and pieces."""

from __future__ import annotations

import pytest

from reconciler.model.text import printable
from reconciler.render.look import Look, cells, chunked, cut, padded, shown
from reconciler.render.words import listed, value_text


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本語", 6), ("e\u0301a", 2), ("", 0), ("müller", 6)])
def test_cells_are_the_columns_of_a_terminal(text: str, width: int) -> None:
    """Wide characters take two, combining ones none."""
    assert cells(text) == width


@pytest.mark.parametrize("text", ["abcdef", "日本語日本語", "e\u0301" * 6])
@pytest.mark.parametrize("width", range(14))
def test_cut_text_fits_whatever_the_width(text: str, width: int) -> None:
    """Never one column too much, and a mark whenever something is missing and there is room for one."""
    short = cut(text, width)
    assert cells(short) <= width
    assert short == text or short.endswith("…") or width == 0


def test_mark_of_a_cut_is_ascii_where_the_output_is() -> None:
    """Three dots take three columns and are counted as such."""
    assert cut("abcdefgh", 6, Look(plain=True).mark) == "abc..."
    assert cut("abcdefgh", 2, "...") == ""


def test_padding_counts_columns_not_characters() -> None:
    """A name of three wide characters is filled to eight columns with two spaces."""
    assert padded("日本語", 8) == "日本語  "
    assert padded("abc", 2) == "abc"


def test_pieces_hold_every_line_once() -> None:
    """Nothing is lost at the seams, and nothing comes of nothing."""
    lines = [str(number) for number in range(4001)]
    assert "".join(chunked(lines)).split("\n")[:-1] == lines
    assert list(chunked([])) == []


@pytest.mark.parametrize("text", ["alice", "", "a b", "ü\x1b", "a\nb", "\u3164", "\x7f", "日本"])
def test_short_cut_for_plain_text_changes_nothing(text: str) -> None:
    """What is shown is what printable says."""
    assert shown(text) == printable(text)


def test_lists_and_values_read_as_people_write_them() -> None:
    """One, two and many; flags as yes and no; lists by their size."""
    assert [listed(parts) for parts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert [value_text(value) for value in (None, "", True, False, ("a", "b"), "x")] == [
        "nothing",
        "nothing",
        "yes",
        "no",
        "2 values",
        "x",
    ]
