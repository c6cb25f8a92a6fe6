"""Write what became of the policy's own tests: JUnit XML and JSON; pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from reconciler.desired.expectations import Verdict, title
from reconciler.model.text import printable


def junit(verdicts: Sequence[Verdict], suite: str) -> str:
    """Return JUnit XML: one suite, a case per test with its file and line, the facts that are otherwise as its failure."""
    failed = sum(bool(one.failures) for one in verdicts)
    counts = f'tests="{len(verdicts)}" failures="{failed}" errors="0" skipped="0"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts}>",
        f'  <testsuite name="{_text(suite)}" {counts}>',
        *(line for one in verdicts for line in _case(one)),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def cases_json(verdicts: Sequence[Verdict]) -> str:
    """Return every test with its place and what does not hold, as JSON."""
    cases = [
        {
            "name": printable(title(one.expectation)),
            "target": one.expectation.target,
            "path": one.expectation.where.path,
            "line": one.expectation.where.line,
            "column": one.expectation.where.column,
            "failures": [printable(fact) for fact in one.failures],
        }
        for one in verdicts
    ]
    failed = sum(bool(one.failures) for one in verdicts)
    return json.dumps({"tests": len(cases), "failed": failed, "cases": cases}, indent=2) + "\n"


def _case(verdict: Verdict) -> list[str]:
    where = verdict.expectation.where
    names = f'classname="{_text(verdict.expectation.target)}" name="{_text(title(verdict.expectation))}"'
    start = f'    <testcase {names} file="{_text(where.path)}" line="{where.line}"'
    if not verdict.failures:
        return [f"{start}/>"]
    said = "\n".join(problem.line() for problem in verdict.problems())
    lines = "\n".join(map(_text, said.split("\n")))
    first = _text(verdict.failures[0])
    return [f"{start}>", f'      <failure type="EXPECT" message="{first}">{lines}</failure>', "    </testcase>"]


def _text(text: str) -> str:
    """Return text that XML can hold: control characters are shown, the non-characters that it forbids replaced."""
    return escape(printable(text)).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
