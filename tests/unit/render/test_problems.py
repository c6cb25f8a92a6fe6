"""Policy problems as text."""

from __future__ import annotations

from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.render.look import Look
from reconciler.render.problems import problem_lines, problems_text, tally


class Plain:
    """A problem of another make."""

    def line(self) -> str:
        """Return what it says."""
        return "something\x1b is wrong"


def found(number: int, severity: Severity = Severity.ERROR) -> Diagnostic:
    where = Position("policies/a.yaml", number, 5)
    return Diagnostic(severity, "LINK", "No such group.", "Did you mean devs?", where, excerpt="cn: dev\n    ^")


def test_problem_shows_its_line_and_a_mark_under_the_place() -> None:
    """The first line is what tools parse, the excerpt is indented below it."""
    assert list(problem_lines([found(3)], Look())) == [
        "policies/a.yaml:3:5: error[LINK] No such group. Did you mean devs?",
        "    cn: dev",
        "        ^",
    ]


def test_ten_thousand_problems_are_shown_fifty_at_a_time() -> None:
    """The rest is counted."""
    text = "".join(problems_text([found(number) for number in range(10_000)], Look()))
    assert text.count("error[LINK]") == 50
    assert text.endswith("\n… and 9,950 more\n")


def test_severity_has_its_colour_on_a_terminal() -> None:
    """Warnings are yellow, errors red."""
    lines = list(problem_lines([found(1, Severity.WARNING), Plain()], Look(colour=True)))
    assert lines[0].startswith("\x1b[33mpolicies")
    assert lines[-1] == "\x1b[1;31msomething\\x1b is wrong\x1b[0m"


def test_tally_counts_each_severity() -> None:
    """Singular and plural, errors first, and what has no severity counts as an error."""
    assert tally([found(1), Plain(), found(2, Severity.WARNING)]) == "2 errors, 1 warning"
