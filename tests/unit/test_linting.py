"""Whole policies judged: the examples on the pages of codes do what the pages say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from reconciler.errors import PolicyError
from reconciler.linting import Linting, lint_policy
from reconciler.model.diagnostic import Diagnostic
from reconciler.policy.codes import registry
from reconciler.policy.load import load_policy

TODAY = date(2026, 11, 20)
DIRECTORY = "version: 1\ndirectories:\n  corp: {kind: ldif, file: people.ldif}\n"
TARGET = 'targets:\n  roster: {kind: sql, url: "sqlite:///r.db", directory: corp, roles: [viewer, editor, owner]}\n'
WHOLE = (
    "BAD-DN",
    "BAD-FILTER",
    "BAD-NAME",
    "BAD-PATTERN",
    "BAD-TEMPLATE",
    "CONTRADICTION",
    "DUPLICATE-LINK",
    "EMPTY-EXPECTATION",
    "EMPTY-NAME",
    "FILTER-CONTRADICTION",
    "LINK-SELECTOR",
    "LINK-SHADOWED",
    "MISSING-KEY",
    "NAMING-UNSATISFIABLE",
    "NO-LINK",
    "PRIVILEGED-FILTER",
    "PROTECTION-NEEDLESS",
    "RULE-PROTECTED",
    "SAME-TARGET",
    "TARGET-WITHOUT-RULE",
    "UNKNOWN-ROLE",
    "UNKNOWN-TARGET",
    "WAIVER-NEEDLESS",
)
"""Codes whose examples are whole sections, and that need no directory."""


@pytest.mark.parametrize("name", WHOLE)
def test_an_example_of_what_is_wrong_is_found_and_what_is_right_is_not(name: str, tmp_path: Path) -> None:
    """As a reader would try it."""
    code = registry()[name]
    assert name in found(tmp_path, code.wrong)
    assert found(tmp_path, code.right) <= {"TARGET-WITHOUT-RULE"} - {name}


def test_what_is_found_twice_is_said_once_with_its_line(tmp_path: Path) -> None:
    """By place; the line is shown as for any problem."""
    write(tmp_path, "group_links:\n  roster:\n    api: [{filter: '(|)', access: owner}, {cn: a, access: viewer}]\n")
    seen = lint_policy(load_policy(str(tmp_path), TODAY), Linting(TODAY, "2026-11-20T04:00:00Z"))
    assert [one.code for one in seen] == ["FILTER-CONTRADICTION", "PRIVILEGED-FILTER"]
    assert all("filter: '(|)'" in one.excerpt for one in seen)


def write(folder: Path, example: str) -> None:
    target = "" if example.startswith("targets:") else TARGET
    (folder / "policy.yaml").write_text(f"{DIRECTORY}{target}{example}", encoding="utf-8")


def found(folder: Path, example: str) -> set[str]:
    """Return the codes of everything that is found in a policy with this section."""
    write(folder, example)
    try:
        loaded = load_policy(str(folder), TODAY)
    except PolicyError as error:
        return {problem.code for problem in error.problems if isinstance(problem, Diagnostic)}
    return {one.code for one in lint_policy(loaded, Linting(TODAY, "2026-11-20T04:00:00Z"))}
