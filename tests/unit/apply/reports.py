"""A report of everything that can happen, and how to make smaller ones."""

from __future__ import annotations

from dataclasses import replace

from reconciler.apply.record import Author, Course, record
from reconciler.apply.report import Report, TargetReport
from reconciler.plan.encode import Document, encode
from reconciler.targets.base import Outcome, Status
from tests.unit.model.changes import EVERY
from tests.unit.plan.test_plan_schema import everything

AUTHOR = Author("deploy", "runner-7", 4711, "alice", "github", "123", "https://ci.example/runs/123")
COURSE = Course("apply", "0.1.0", "2026-11-20T12:00:00Z", "2026-11-20T12:00:04Z", 4000, 7, "0123abcd")
_STATUSES = (Status.APPLIED, Status.FAILED, Status.STALE, Status.SKIPPED)
_MESSAGES = {
    Status.APPLIED: "",
    Status.FAILED: "no\x1b[31mthing",
    Status.STALE: "has gone",
    Status.SKIPPED: "not tried",
}


def outcomes() -> tuple[Outcome, ...]:
    """Return one ending per change, each kind of ending in turn."""
    endings = [_STATUSES[number % len(_STATUSES)] for number in range(len(EVERY))]
    return tuple(Outcome(change, end, _MESSAGES[end]) for change, end in zip(EVERY.values(), endings, strict=True))


def full() -> Document:
    """Return the report of a plan that holds one of each thing; one of its two targets was not tried."""
    told = TargetReport("roster", outcomes(), "lost on the way", 3500, {"PUT": 3, "GET": 1})
    return record(encode(everything()), Report("sha256:1", (told,)), AUTHOR, COURSE)


def small(commit: str = "", exit_code: int = 0) -> Document:
    """Return a report that differs from others by what is given."""
    return record(
        encode(everything()), Report("sha256:1", ()), AUTHOR, replace(COURSE, git_commit=commit, exit_code=exit_code)
    )
