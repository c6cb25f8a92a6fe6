"""Findings: suggestions within a budget, order by place, and how many are shown."""

from __future__ import annotations

from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.policy.findings import KEPT, Findings, by_place, error_of, shown
from reconciler.policy.source import read_source

SOURCE = read_source("a: b\n", "p.yaml", ".")
HERE = SOURCE.key_at(("a",))


def found(line: int | None, code: str = "X") -> Diagnostic:
    return Diagnostic(Severity.ERROR, code, "Something.", where=Position("p", line) if line else None)


def test_the_nearest_name_is_offered() -> None:
    """By spelling, and whatever the case; nothing where nothing is near or the word is endless."""
    findings = Findings()
    assert findings.nearest("acess", ["access", "cn"]) == 'Did you mean "access"?'
    assert findings.nearest("OWNER", ["owner", "member"]) == 'Did you mean "owner"?'
    assert findings.nearest("zzz", ["owner"]) == ""
    assert findings.nearest("x" * 200, ["x" * 200]) == ""
    assert findings.nearest("xx", ["x" * 200]) == ""


def test_all_names_are_listed_where_they_are_few() -> None:
    """Too many, or none, are not."""
    findings = Findings()
    assert findings.alternatives("zzz", ["a", "b"]) == "Known: a, b."
    assert findings.alternatives("zzz", []) == ""
    assert findings.alternatives("zzz", [str(n) for n in range(21)]) == ""


def test_suggestions_end_when_they_have_cost_enough() -> None:
    """Ten thousand wrong names among ten thousand right ones would take minutes."""
    findings = Findings()
    known = [f"n{n}" for n in range(10_000)]
    answers = [findings.nearest("n1x", known) for _ in range(20)]
    assert answers[0] == 'Did you mean "n1"?'
    assert answers[10:] == [""] * 10


def test_problems_are_kept_up_to_a_limit_and_the_rest_is_said() -> None:
    """Warnings too, and neither makes the other fewer."""
    findings = Findings()
    for _ in range(KEPT + 5):
        findings.error(SOURCE, HERE, "X", "m")
        findings.warning(SOURCE, HERE, "Y", "m")
    assert (len(findings.problems), len(findings.warnings), findings.full) == (KEPT, KEPT, True)
    last = error_of(findings).problems[-1]
    assert isinstance(last, Diagnostic)
    assert last.code == "TOO-MANY"


def test_findings_are_sorted_by_place_and_those_without_one_come_first() -> None:
    """Then by code, so that the order never depends on the order of checks."""
    findings = [found(3), found(2, "B"), found(2, "A"), found(None)]
    assert by_place(findings) == (findings[3], findings[2], findings[1], findings[0])


def test_fifty_problems_are_shown_and_the_others_counted() -> None:
    """The number that is left out has its thousands apart."""
    problems = [found(n) for n in range(1, 10_001)]
    assert shown(problems) == (tuple(problems[:50]), "and 9,950 more")
    assert shown(problems[:50]) == (tuple(problems[:50]), "")
    assert shown(problems[:3], limit=2)[1] == "and 1 more"
