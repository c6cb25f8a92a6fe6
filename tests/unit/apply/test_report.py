"""What became of a plan."""

from __future__ import annotations

import pytest

from reconciler.apply.report import Report, TargetReport
from reconciler.targets.base import Outcome, Status
from tests.unit.model.changes import EVERY

A, S, F, K, U = Status.APPLIED, Status.STALE, Status.FAILED, Status.SKIPPED, Status.UNKNOWN


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
        ((target(S, U),), 7),
        ((target(S), target(U, error="no answer")), 7),
        ((target(K, K, error="no answer"),), 5),
        ((target(A), target(K, error="no answer")), 7),
        ((target(U, K, error="no answer"),), 7),
    ],
)
def test_the_exit_code_says_what_to_do_next(targets: tuple[TargetReport, ...], code: int) -> None:
    """All done, done in part or perhaps, nothing written because stale, or because a target could not be reached."""
    assert Report("sha256:1", targets).exit_code == code


def test_how_a_run_ended_has_the_last_word() -> None:
    """Stale before anything was written, and stopped before or after it had begun."""
    report = Report("sha256:1", (target(A, S, K),), stale=True)
    assert (report.exit_code, report.finished) == (8, False)
    stopped = Report("sha256:1", (target(K),), interrupted=True, begun=False)
    assert (stopped.exit_code, stopped.finished) == (130, False)
    assert Report("sha256:1", (target(A, K),), interrupted=True).exit_code == 7
    assert Report("sha256:1", (target(A, A),), interrupted=True).exit_code == 0


@pytest.mark.parametrize(("statuses", "finished"), [((A, S), True), ((A, F), False), ((A, K), False), ((A, U), False)])
def test_a_plan_is_finished_when_resuming_could_do_nothing_more(statuses: tuple[Status, ...], finished: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """What is stale was left out on purpose, and a new plan is needed for it."""
    assert Report("sha256:1", (target(*statuses),)).finished == finished


def test_outcomes_are_counted_over_all_targets() -> None:
    """And by target."""
    report = Report("sha256:1", (target(A, A, F), target(A)))
    assert [report.count(status) for status in (A, F, S)] == [3, 1, 0]
    assert report.targets[0].count(A) == 2
    earlier = TargetReport("roster", earlier=2)
    assert Report("sha256:1", (earlier, earlier)).earlier == 4
