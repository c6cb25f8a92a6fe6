"""What became of a plan."""

from __future__ import annotations

import pytest

from reconciler.apply.report import Report, TargetReport
from reconciler.targets.base import Outcome, Status
from tests.unit.model.changes import EVERY

A, S, F, K = Status.APPLIED, Status.STALE, Status.FAILED, Status.SKIPPED


def target(*statuses: Status, error: str = "") -> TargetReport:
    return TargetReport("roster", tuple(Outcome(EVERY["user.create"], status) for status in statuses), error)


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        ((), 0),
        ((target(A, A), target(A)), 0),
        ((target(A, F),), 7),
        ((target(F, F),), 7),
        ((target(A), target(S, K)), 7),
        ((target(S, K, K),), 8),
        ((target(S), target(F)), 8),
        ((target(K, K, error="no answer"),), 5),
        ((target(A), target(K, error="no answer")), 7),
    ],
)
def test_the_exit_code_says_what_to_do_next(targets: tuple[TargetReport, ...], code: int) -> None:
    """All done, done in part, nothing written because stale, or because a target could not be reached."""
    assert Report("sha256:1", targets).exit_code == code


def test_outcomes_are_counted_over_all_targets() -> None:
    """And by target."""
    report = Report("sha256:1", (target(A, A, F), target(A)))
    assert [report.count(status) for status in (A, F, S)] == [3, 1, 0]
    assert report.targets[0].count(A) == 2
