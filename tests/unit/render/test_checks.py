"""Checks as text: in columns, wrapped where the width is known, escaped, counted."""

from __future__ import annotations

from reconciler.model.check import Check, Status
from reconciler.render.checks import check_lines, checks_tally
from reconciler.render.look import Look

CHECKS = [
    Check("login", Status.OK, "somebody \x1b[2J"),
    Check("encryption", Status.WARNING, "one two three four five six seven eight", "nine ten eleven twelve thirteen"),
    Check("read", Status.FAILED, "gone"),
]


def test_checks_stand_in_columns() -> None:
    """Status, name, what was found; the way out below it; control characters are escaped."""
    assert list(check_lines("ldaps://dc1", CHECKS, Look())) == [
        "  ldaps://dc1",
        "    ok:       login       somebody \\x1b[2J",
        "    warning:  encryption  one two three four five six seven eight",
        "                          nine ten eleven twelve thirteen",
        "    failed:   read        gone",
    ]


def test_what_does_not_fit_goes_on_below_itself() -> None:
    """No line is wider than the terminal."""
    lines = list(check_lines("", CHECKS, Look(width=48)))
    assert lines[1:5] == [
        "    warning:  encryption  one two three four",
        "                          five six seven eight",
        "                          nine ten eleven twelve",
        "                          thirteen",
    ]
    assert all(len(line) <= 48 for line in lines)


def test_colour_says_how_bad_it_is() -> None:
    """Red for what failed."""
    assert next(check_lines("", CHECKS[2:], Look(colour=True))).startswith("    \x1b[1;31mfailed: \x1b[0m  read")


def test_the_last_line_counts() -> None:
    """What failed first."""
    assert checks_tally(CHECKS) == "3 checks: 1 failed, 1 warning"
    assert checks_tally(CHECKS[:1]) == "1 check: all is well"
