"""Plans carried out, on targets that are a few lines long and keep the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from reconciler.apply.execute import execute
from reconciler.apply.report import Report
from reconciler.errors import TargetRejected, TargetUnreachable
from reconciler.model.access import Capabilities, Scope, State
from reconciler.model.change import Change, CreateUser
from reconciler.model.plan import Refusal, TargetPlan
from reconciler.targets.base import Batch, Outcome, Status, Target
from tests.builders import ROSTER, plan_of, user
from tests.unit.model.changes import WHY

NAMES = ("ann", "bob", "cy", "dee")
CHANGES = tuple(CreateUser(user(name), WHY) for name in NAMES)


@dataclass
class App:
    """A target that makes `size` changes per call, and answers or raises what `answers` says for a name."""

    size: int = 2
    answers: Mapping[str, Status | BaseException] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    closed: int = 0

    @property
    def capabilities(self) -> Capabilities:
        """Return those of a roster."""
        return ROSTER

    @property
    def address(self) -> str:
        """Return an address."""
        return "memory"

    @property
    def parallel(self) -> int:
        """Return 1."""
        return 1

    def read(self, scope: Scope) -> State:
        """Return nothing: applying asks no target for its state."""
        raise AssertionError(scope)

    def batches(self, changes: Sequence[Change]) -> Iterable[Batch]:
        """Cut the changes into pieces."""
        for start in range(0, len(changes), self.size):
            yield Batch(tuple(changes[start : start + self.size]))

    def apply(self, batch: Batch) -> list[Outcome]:
        """Make each change, or do as told."""
        outcomes = []
        for change in batch.changes:
            assert isinstance(change, CreateUser)
            answer = self.answers.get(change.user.username, Status.APPLIED)
            if isinstance(answer, BaseException):
                raise answer
            if answer is Status.APPLIED:
                self.made.append(change.user.username)
            outcomes.append(Outcome(change, answer))
        return outcomes

    def close(self) -> None:
        """Count."""
        self.closed += 1


def section(name: str = "roster", changes: tuple[Change, ...] = CHANGES) -> TargetPlan:
    return TargetPlan(name, "sql", "memory", "corp", changes)


def opening(*apps: App) -> Callable[[str], Target]:
    waiting = list(apps)
    return lambda _: waiting.pop(0)


def run(*apps: App) -> Report:
    sections = [section(f"app{number}") for number, _ in enumerate(apps)]
    return execute(plan_of(*sections), "sha256:1", opening(*apps))


def statuses(report: Report, number: int = 0) -> list[str]:
    return [str(outcome.status) for outcome in report.targets[number].outcomes]


def test_everything_is_made_in_the_order_of_the_plan() -> None:
    """Batch by batch; the report has one outcome per change, and the target is closed."""
    app = App()
    report = run(app)
    assert app.made == list(NAMES)
    assert [outcome.change for outcome in report.targets[0].outcomes] == list(CHANGES)
    assert (report.plan_id, statuses(report), report.exit_code, app.closed) == ("sha256:1", ["applied"] * 4, 0, 1)


def test_a_target_without_changes_is_not_even_opened() -> None:
    """Nothing is to be done there."""
    report = execute(plan_of(section(changes=())), "sha256:1", opening())
    assert (report.targets, report.exit_code) == ((), 0)


def test_a_target_that_a_guard_has_refused_is_not_even_opened() -> None:
    """The others are made as planned."""
    app = App()
    refused = replace(section("other"), refusals=(Refusal("max_removals", "Removes.", 2, 1, 2, None, (), ""),))
    report = execute(plan_of(refused, section()), "sha256:1", opening(app))
    assert ([target.name for target in report.targets], report.exit_code) == (["roster"], 0)
    assert app.made == list(NAMES)


def test_a_change_that_is_refused_does_not_stop_the_others() -> None:
    """One object is wrong; the plan is applied in part."""
    app = App(answers={"bob": Status.FAILED})
    report = run(app)
    assert statuses(report) == ["applied", "failed", "applied", "applied"]
    assert (app.made, report.exit_code) == (["ann", "cy", "dee"], 7)


def test_a_stale_change_stops_its_target() -> None:
    """The plan is not what is there any more: later batches are not tried, and they say so."""
    first, later = App(answers={"ann": Status.STALE}, size=1), App(answers={"cy": Status.STALE}, size=1)
    report = run(first)
    assert (statuses(report), report.exit_code, first.made) == (["stale", "skipped", "skipped", "skipped"], 8, [])
    assert {outcome.message for outcome in report.targets[0].outcomes[1:]} == {"not tried"}
    report = run(later)
    assert (statuses(report), report.exit_code) == (["applied", "applied", "stale", "skipped"], 7)
    assert first.closed == later.closed == 1


def test_a_target_that_fails_as_a_whole_does_not_stop_the_others() -> None:
    """What it had not answered for is skipped; its error is in the report."""
    bad, good = App(answers={"cy": TargetRejected("no")}), App()
    report = run(bad, good)
    assert (statuses(report, 0), statuses(report, 1)) == (
        ["applied", "applied", "skipped", "skipped"],
        ["applied"] * 4,
    )
    assert [target.error for target in report.targets] == ["no", ""]
    assert (report.exit_code, bad.closed, good.closed) == (7, 1, 1)


def test_a_target_that_fails_before_anything_is_written_is_an_error_of_its_own() -> None:
    """Exit code 5: nothing was applied anywhere."""
    report = run(App(answers={"ann": TargetUnreachable("no answer")}))
    assert (statuses(report), report.exit_code) == (["skipped"] * 4, 5)


def test_a_target_that_cannot_be_opened_is_reported_and_the_next_one_is_tried() -> None:
    """Nothing has to be closed."""
    app = App()

    def open_target(name: str) -> Target:
        if name == "bad":
            raise TargetUnreachable("no adapter")
        return app

    report = execute(plan_of(section("bad"), section("good")), "sha256:1", open_target)
    assert (report.targets[0].error, statuses(report, 0), app.made) == ("no adapter", ["skipped"] * 4, list(NAMES))
    assert report.exit_code == 7


def test_an_interruption_goes_through_and_the_target_is_closed() -> None:
    """Ctrl-C is no outcome; the transaction is the target's business."""
    app = App(answers={"cy": KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        run(app)
    assert (app.made, app.closed) == (["ann", "bob"], 1)


def test_a_bug_in_a_target_goes_through_and_the_target_is_closed() -> None:
    """Only the errors that a target may raise are outcomes."""
    app = App(answers={"ann": ZeroDivisionError()})
    with pytest.raises(ZeroDivisionError):
        run(app)
    assert app.closed == 1
