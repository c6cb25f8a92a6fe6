"""Targets that hold a state in memory and keep the protocol, and what an apply of them needs besides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from reconciler.apply.manner import Manner, Progress
from reconciler.apply.perform import perform
from reconciler.apply.report import Origin, Report
from reconciler.apply.task import Task
from reconciler.errors import TargetUnreachable
from reconciler.model.access import Capabilities, Scope, State
from reconciler.model.change import Change, CreateUser, object_of
from reconciler.model.plan import TargetPlan
from reconciler.plan.encode import encode
from reconciler.plan.holds import Holding, holdings
from reconciler.state.file import FileStore
from reconciler.state.lease import Holder
from reconciler.state.lock import Terms
from reconciler.targets.base import Batch, Outcome, Rights, Status, Target
from reconciler.testing.oracle import after
from tests.builders import NOW, ROSTER, plan_of, user
from tests.unit.model.changes import WHY

NAMES = ("ann", "bob", "cy", "dee")
CHANGES = tuple(CreateUser(user(name), WHY) for name in NAMES)
Answer = Status | BaseException | Callable[[], None]


@dataclass
class App:
    """A target of `size` changes per call. It does what `answers` says of a change; what is not there is refused as stale.

    A function among the answers is called before the change is made. `reads` says of each read whether it is answered.
    """

    size: int = 2
    parallel: int = 1
    stages: int = 1  # batches per stage, 1: each has its own
    deals: bool = False  # whether changes of a stage change places: the even ones first
    answers: Mapping[str, Answer] = field(default_factory=dict)
    state: State = State()
    reads: list[bool] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    closed: int = 0

    @property
    def capabilities(self) -> Capabilities:
        """Return those of a roster."""
        return ROSTER

    @property
    def address(self) -> str:
        """Return an address."""
        return "memory"

    def read(self, scope: Scope) -> State:
        """Return what is there."""
        self.scopes.append(scope)
        if self.reads and not self.reads.pop(0):
            raise TargetUnreachable("no answer")
        return self.state

    def rights(self) -> Rights:
        """Return nothing: applying asks no target for its rights."""
        raise AssertionError

    def batches(self, changes: Sequence[Change]) -> Iterable[Batch]:
        """Cut the changes into pieces."""
        changes = [*changes[::2], *changes[1::2]] if self.deals else changes
        for number, start in enumerate(range(0, len(changes), self.size)):
            yield Batch(tuple(changes[start : start + self.size]), number // self.stages)

    def apply(self, batch: Batch) -> list[Outcome]:
        """Make each change, or do as told."""
        return [self._make(change) for change in batch.changes]

    def _make(self, change: Change) -> Outcome:
        name = object_of(change).rpartition("id-")[2]
        answer = self.answers.get(name, Status.APPLIED)
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            answer()
        elif answer is not Status.APPLIED:
            return Outcome(change, answer, f"no {name}")
        (found,) = holdings(self.state, [change])
        if found.holding is not Holding.PENDING:
            return Outcome(change, Status.STALE, found.words)
        self.state = after(self.state, [change], ROSTER)
        self.made.append(name)
        return Outcome(change, Status.APPLIED)

    def close(self) -> None:
        """Count."""
        self.closed += 1


@dataclass
class Watching:
    """Keeps what it is told."""

    seen: list[Progress] = field(default_factory=list)

    def applying(self, progress: Progress) -> None:
        """Keep it."""
        self.seen.append(progress)


def section(name: str = "app0", changes: Sequence[Change] = CHANGES) -> TargetPlan:
    """Return a section of a plan."""
    return TargetPlan(name, "sql", "memory", "corp", tuple(changes))


def task(*sections: TargetPlan, resumed: bool = False) -> Task:
    """Return a plan of these sections as something to apply."""
    plan = plan_of(*sections)
    return Task(plan, encode(plan), resumed=resumed)


def manner(**more: object) -> Manner:
    """Return how tests apply, at the time of all tests."""
    said = {"max_errors": 10, "allow_partial": False, "stop": Event(), "watcher": Watching(), **more}
    terms = Terms(Holder("tester", "here", 1), lambda: datetime.now(UTC))
    return Manner(lambda: NOW, terms, Origin("tester", "here", url="https://ci.example/1"), **said)  # type: ignore[arg-type]  # tests name what they change


def store_in(folder: Path) -> FileStore:
    """Return a state store."""
    return FileStore(str(folder / ".reconcile"))


def run(folder: Path, *apps: App, resumed: bool = False, changes: Sequence[Change] = CHANGES, **more: object) -> Report:
    """Apply the same changes to every app; `more` says how."""
    named = {f"app{number}": app for number, app in enumerate(apps)}
    sections = [section(name, changes) for name in named]
    return perform(task(*sections, resumed=resumed), store_in(folder), opening(named), manner(**more))


def opening(apps: Mapping[str, App]) -> Callable[[str], Target]:
    """Return what opens these apps by name."""
    return lambda name: apps[name]


def statuses(report: Report, number: int = 0) -> list[str]:
    """Return what became of every change of one target."""
    return [str(outcome.status) for outcome in report.targets[number].outcomes]
