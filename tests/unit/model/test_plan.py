"""What a plan says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Refusal, TargetPlan, has_errors
from tests.builders import plan_of
from tests.unit.model.changes import EVERY

EMPTY = TargetPlan("roster", "sql", "sqlite:///roster.db", "corp")
REFUSAL = Refusal("max_removals", "Removes 2 of 3.", 2, 1, 3, None, (), "")


def finding(severity: Severity) -> Diagnostic:
    return Diagnostic(severity, "X", "Something.")


def test_an_empty_plan_is_complete_and_could_be_applied() -> None:
    """Nothing is to be done, and nothing is in the way."""
    plan = plan_of(EMPTY)
    assert (plan.empty, plan.complete, plan.applyable, plan.errored) == (True, True, True, False)


def test_a_plan_with_changes_is_not_empty() -> None:
    """Of any target."""
    assert not plan_of(EMPTY, replace(EMPTY, changes=(EVERY["user.create"],))).empty


def test_a_target_that_could_not_be_read_makes_a_plan_errored() -> None:
    """Then it is neither complete nor to be applied."""
    plan = plan_of(EMPTY, replace(EMPTY, error="no answer"))
    assert (plan.errored, plan.complete, plan.applyable) == (True, False, False)


def test_a_directory_that_was_not_read_to_the_end_makes_a_plan_incomplete() -> None:
    """It cannot be applied."""
    plan = plan_of(EMPTY)
    partial = replace(plan, directories=(replace(plan.directories[0], complete=False),))
    assert (partial.errored, partial.complete, partial.applyable) == (False, False, False)


@pytest.mark.parametrize(
    "section", [replace(EMPTY, refusals=(REFUSAL,)), replace(EMPTY, diagnostics=(finding(Severity.ERROR),))]
)
def test_a_refusal_and_an_error_stand_in_the_way(section: TargetPlan) -> None:
    """The plan is whole, and not applyable."""
    plan = plan_of(EMPTY, section)
    assert (plan.complete, plan.applyable) == (True, False)


def test_a_refused_target_stops_the_others_unless_its_policy_says_otherwise() -> None:
    """And then only where another target is left to apply, and nothing else is in the way."""
    refused = replace(EMPTY, refusals=(REFUSAL,))
    on = replace(refused, on_refusal="continue")
    assert (refused.refused, on.refused, EMPTY.refused) == (True, True, False)
    assert plan_of(EMPTY, on).applyable
    assert not plan_of(EMPTY, on, refused).applyable
    assert not plan_of(on, on).applyable
    assert not plan_of(replace(EMPTY, error="no answer"), on).applyable
    assert not plan_of(EMPTY, replace(on, diagnostics=(finding(Severity.ERROR),))).applyable
    assert plan_of().applyable


def test_only_errors_are_errors() -> None:
    """Warnings and notes are not."""
    assert not has_errors((finding(Severity.WARNING), finding(Severity.NOTE)))
    assert has_errors((finding(Severity.NOTE), finding(Severity.ERROR)))
