"""What a plan document means as an exit code."""

from __future__ import annotations

from typing import cast

import pytest

from reconciler.cli.verdict import is_empty, obstacle, refused
from reconciler.plan.encode import Document


def document(**more: object) -> Document:
    target: dict[str, object] = {"changes": [], "refusals": [], "diagnostics": []}
    summary = {"refused": 0}
    start: dict[str, object] = {
        "applyable": False,
        "errored": False,
        "summary": summary,
        "notes": [],
        "targets": [target],
    }
    return cast("Document", start | more)


ERROR = {"severity": "error"}


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (document(applyable=True), 0),
        (document(summary={"refused": 1}, notes=[ERROR], errored=True), 6),
        (document(notes=[ERROR], errored=True), 3),
        (document(targets=[{"changes": [], "diagnostics": [{"severity": "warning"}, ERROR]}]), 3),
        (document(errored=True), 5),
        (document(), 4),
    ],
)
def test_exit_code_says_who_has_to_act(plan: Document, code: int) -> None:
    """A reviewer before a policy author before an operator; a plan that is only incomplete is the directory's."""
    assert obstacle(plan) == code


def test_plan_is_empty_when_no_target_has_changes() -> None:
    """Withheld changes are none."""
    assert is_empty(document())
    assert not is_empty(document(targets=[{"changes": [], "refusals": []}, {"changes": [{}], "refusals": []}]))
    assert is_empty(document(targets=[{"changes": [{}], "refusals": [{}]}]))


def test_a_refusal_is_said_also_where_other_targets_are_applied() -> None:
    """Their policy says `on_refusal: continue`; somebody has to look all the same."""
    assert refused(document(applyable=True, summary={"refused": 1})) == 6
    assert refused(document(applyable=True)) == 0
