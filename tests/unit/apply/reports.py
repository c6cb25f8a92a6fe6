"""A report of everything that can happen, and how to make smaller ones."""

from __future__ import annotations

from dataclasses import replace

from reconciler.apply.record import Failure, record
from reconciler.apply.report import BatchTime, Origin, Report, TargetReport
from reconciler.plan.encode import Document, encode
from reconciler.targets.base import Outcome, Status
from tests.unit.model.changes import EVERY
from tests.unit.plan.test_plan_schema import everything

ORIGIN = Origin("deploy", "runner-7", 4711, "alice", "github", "123", "https://ci.example/runs/123")
BEGAN, ENDED = "2026-11-20T12:00:00Z", "2026-11-20T12:00:04Z"
BATCH = BatchTime(1, 14, BEGAN, ENDED)
_STATUSES = tuple(Status)
_MESSAGES = {Status.APPLIED: "", Status.FAILED: "no\x1b[31mthing"}


def outcomes() -> tuple[Outcome, ...]:
    """Return one ending per change, each kind of ending in turn."""
    endings = [_STATUSES[number % len(_STATUSES)] for number in range(len(EVERY))]
    return tuple(
        Outcome(change, end, _MESSAGES.get(end, "says why"))
        for change, end in zip(EVERY.values(), endings, strict=True)
    )


def made(*targets: TargetReport) -> Report:
    """Return what became of a plan."""
    return Report("sha256:1", targets, BEGAN, ENDED, ORIGIN, "0123abcd", ("The same policy.",))


def full() -> Document:
    """Return the report of a plan that holds one of each thing; one of its two targets was not tried."""
    told = TargetReport("roster", outcomes(), "lost on the way", 1, (BATCH,), {"PUT": 3, "GET": 1})
    return record(encode(everything()), made(told))


def small(commit: str = "", exit_code: int = 0) -> Document:
    """Return a report that differs from others by what is given."""
    return record(encode(everything()), replace(made(), git_commit=commit), Failure("", exit_code))
