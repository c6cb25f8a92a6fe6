"""Findings and places."""

from __future__ import annotations

from reconciler.model.diagnostic import Diagnostic, Position, Severity


def test_a_finding_is_one_line_with_its_place() -> None:
    """The form that editors and CI parse."""
    finding = Diagnostic(Severity.ERROR, "LINK", "It is wrong.", "Write it right.", Position("a.yaml", 3, 9))
    assert finding.line() == "a.yaml:3:9: error[LINK] It is wrong. Write it right."


def test_without_a_place_there_is_no_prefix() -> None:
    """And without a way out no space at the end."""
    assert Diagnostic(Severity.NOTE, "ODD", "It is odd.").line() == "note[ODD] It is odd."


def test_a_position_prints_as_plans_do() -> None:
    """Without its column; and positions sort by place."""
    assert str(Position("a.yaml", 3, 9)) == "a.yaml:3"
    assert Position("a.yaml", 3, 9) < Position("a.yaml", 10)
