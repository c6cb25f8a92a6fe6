"""Make a plan so, batch by batch, and say what became of every change; decide nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.apply.report import Report, TargetReport
from reconciler.errors import TargetError
from reconciler.model.plan import Plan, TargetPlan
from reconciler.targets.base import Outcome, Status, Target


def execute(plan: Plan, plan_id: str, open_target: Callable[[str], Target]) -> Report:
    """Apply every target's changes in the order of the plan.

    A target that fails as a whole does not stop the others: its own changes are reported as skipped. One that a guard has
    refused is left as it is.
    """
    sections = [section for section in plan.targets if section.changes and not section.refused]
    return Report(plan_id, tuple(_apply_target(section, open_target) for section in sections))


def _apply_target(section: TargetPlan, open_target: Callable[[str], Target]) -> TargetReport:
    outcomes: list[Outcome] = []
    try:
        target = open_target(section.name)
    except TargetError as error:
        return TargetReport(section.name, tuple(_skipped(section, 0)), str(error))
    try:
        for batch in target.batches(section.changes):
            made = target.apply(batch)
            outcomes += made
            if any(outcome.status is Status.STALE for outcome in made):
                break
    except TargetError as error:
        return TargetReport(section.name, (*outcomes, *_skipped(section, len(outcomes))), str(error))
    finally:
        target.close()
    return TargetReport(section.name, (*outcomes, *_skipped(section, len(outcomes))))


def _skipped(section: TargetPlan, done: int) -> Iterable[Outcome]:
    return (Outcome(change, Status.SKIPPED, "not tried") for change in section.changes[done:])
