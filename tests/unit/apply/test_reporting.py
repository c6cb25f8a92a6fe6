"""Every run that held its locks leaves a report, whatever ended it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.apply.chain import name_of
from reconciler.apply.journal import Journal, read_history
from reconciler.apply.ledger import reports
from reconciler.apply.report import Origin, Report, TargetReport
from reconciler.apply.reporting import keep_lost, reported
from reconciler.apply.task import Task
from reconciler.errors import LockHeld, LockLost, PlanStale, StateError, TargetRejected
from reconciler.plan.encode import Document, encode, to_text
from reconciler.state.file import FileStore
from reconciler.targets.base import Outcome, Status
from tests.builders import plan_of
from tests.unit.apply.reports import BEGAN, ENDED, ORIGIN, made, outcomes
from tests.unit.plan.test_plan_schema import FULL

PLAN = plan_of(replace(FULL, refusals=()))
TASK = Task(PLAN, encode(PLAN))
BLANK = replace(made(), plan_id=TASK.plan_id)
WENT_WELL = replace(BLANK, targets=(TargetReport("roster", outcomes()),))


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    """Give a store that is not made yet."""
    return FileStore(str(tmp_path / "state"))


def clock() -> str:
    return ENDED


def kept(store: FileStore) -> list[Document]:
    return list(reports(store, pytest.fail))


def raising(error: Exception, store: FileStore | None = None) -> Callable[[], Report]:
    """Return a run that writes a journal, where it is given a store, and ends with the error in its second batch."""

    def run() -> Report:
        if store:
            journal = Journal(store, TASK.plan_id, read_history(store, TASK.plan_id))
            journal.begin(["roster"], BEGAN, "deploy@runner-7")
            batch = journal.intend("roster", [0, 1])
            done = [Outcome(FULL.changes[place], Status.APPLIED) for place in (0, 1)]
            journal.outcome("roster", batch, [0, 1], done)
            journal.intend("roster", [2])
        raise error

    return run


def test_a_run_that_ended_by_itself_is_kept_and_told_its_place(store: FileStore) -> None:
    """Number and digest of the report."""
    report = reported(TASK, store, BLANK, clock, lambda: WENT_WELL)
    (document,) = kept(store)
    assert (report.number, report.digest, report.unkept) == (1, document["id"], "")
    assert document["exit_code"] == WENT_WELL.exit_code
    assert document["failure"] == ""


@pytest.mark.parametrize(
    "report",
    [replace(BLANK, targets=(), begun=False), replace(WENT_WELL, begun=False, interrupted=True)],
    ids=["nothing to do", "stopped while it waited"],
)
def test_a_run_that_held_no_lock_leaves_no_report(store: FileStore, report: Report) -> None:
    """An empty plan, and somebody who stopped waiting."""
    assert reported(TASK, store, BLANK, clock, lambda: report) == report
    assert not Path(store.address).exists()


def test_a_run_that_somebody_stopped_after_it_began_is_kept(store: FileStore) -> None:
    """As one that was interrupted."""
    reported(TASK, store, BLANK, clock, lambda: replace(WENT_WELL, interrupted=True))
    assert kept(store)[0]["interrupted"]


def test_a_lock_that_another_run_holds_leaves_no_report(store: FileStore) -> None:
    """The run did nothing."""
    with pytest.raises(LockHeld):
        reported(TASK, store, BLANK, clock, raising(LockHeld("held")))
    assert kept(store) == []


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PlanStale("applied already"), 8, "applied already"),
        (LockLost("lost"), 9, "lost"),
        (TargetRejected("no"), 5, "no"),
        (StateError("full"), 5, "full"),
        (KeyError("odd"), 1, "unexpected KeyError: 'odd'"),
    ],
)
def test_what_ended_a_run_is_kept_with_what_its_journal_knows(
    store: FileStore, error: Exception, code: int, words: str
) -> None:
    """Made, asked for without an answer, not tried; and the error goes on its way."""
    with pytest.raises(type(error)):
        reported(TASK, store, BLANK, clock, raising(error, store))
    (document,) = kept(store)
    assert (document["exit_code"], document["failure"], document["ended"]) == (code, words, ENDED)
    statuses = [change["status"] for change in document["targets"][0]["changes"]]
    assert statuses == ["applied", "applied", "unknown", *["skipped"] * (len(FULL.changes) - 3)]
    assert document["who"]["actor"] == "alice"


def test_a_run_that_ended_before_its_journal_began_is_kept_as_one_that_did_nothing(store: FileStore) -> None:
    """A plan that was applied before, most often."""
    with pytest.raises(PlanStale):
        reported(TASK, store, BLANK, clock, raising(PlanStale("again")))
    (document,) = kept(store)
    assert {change["status"] for change in document["targets"][0]["changes"]} == {"skipped"}


def test_what_an_earlier_run_made_is_not_told_again_as_this_ones_doing(store: FileStore) -> None:
    """A plan that is applied for the second time, right away or after waiting for the first."""
    with pytest.raises(PlanStale):
        reported(TASK, store, BLANK, clock, raising(PlanStale("first"), store))
    with pytest.raises(PlanStale):
        reported(TASK, store, BLANK, clock, raising(PlanStale("again")))
    again, first = kept(store)
    assert (first["summary"]["skipped"], again["summary"]["skipped"]) == (len(FULL.changes) - 3, len(FULL.changes))

    def waited() -> Report:
        with pytest.raises(PlanStale):
            raising(PlanStale("first"), store)()
        Journal(store, TASK.plan_id, read_history(store, TASK.plan_id)).end(0)
        raise PlanStale("again")

    with pytest.raises(PlanStale):
        reported(TASK, store, BLANK, clock, waited)
    assert kept(store)[0]["summary"]["skipped"] == len(FULL.changes)
    with pytest.raises(PlanStale):
        reported(TASK, store, replace(BLANK, began=ENDED), clock, raising(PlanStale("later"), store))
    assert kept(store)[0]["summary"]["skipped"] == len(FULL.changes), "the journal began before this run did"


def test_what_a_resumed_run_had_found_made_is_counted_where_it_dies_too(store: FileStore) -> None:
    """As in the report of one that came to its end."""
    for times in range(2):
        with pytest.raises(StateError):
            reported(replace(TASK, resumed=bool(times)), store, BLANK, clock, raising(StateError("full"), store))
    again, first = kept(store)
    assert (first["targets"][0]["earlier"], again["targets"][0]["earlier"]) == (0, 2)


class Full(FileStore):
    """A store that takes no report."""

    def create(self, name: str, content: bytes) -> bool:
        """Refuse."""
        if name == name_of(1):
            raise StateError("the disk is full")
        return super().create(name, content)


def test_a_report_that_is_not_kept_is_said_and_stops_nothing(tmp_path: Path) -> None:
    """What was applied stays so; a run that had an error of its own keeps that."""
    store = Full(str(tmp_path / "state"))
    assert reported(TASK, store, BLANK, clock, lambda: WENT_WELL).unkept == "the disk is full"
    with pytest.raises(PlanStale, match="again"):
        reported(TASK, store, BLANK, clock, raising(PlanStale("again")))


def killed(store: FileStore, who: str = "alice (deploy@runner-7)", *, ended: bool = False) -> Document | None:
    """Leave a journal as a killed run does, and return the report that is kept of it when its place is taken."""
    journal = Journal(store, TASK.plan_id, read_history(store, TASK.plan_id))
    journal.begin(["roster"], BEGAN, who)
    journal.intend("roster", [0])
    if ended:
        journal.end(7)
    keep_lost(store, to_text(TASK.document).encode(), read_history(store, TASK.plan_id), "sha256:2")
    return next(iter(kept(store)), None)


def test_a_run_that_was_killed_is_reported_by_the_one_that_takes_its_place(store: FileStore) -> None:
    """Who it was and what it had asked for is in its journal."""
    document = killed(store)
    assert document
    assert {key: document["who"][key] for key in ("actor", "user", "host")} == {
        "actor": ORIGIN.actor,
        "user": ORIGIN.user,
        "host": ORIGIN.host,
    }
    assert (document["plan"]["id"], document["exit_code"], document["began"]) == (TASK.plan_id, 7, BEGAN)
    assert "The plan sha256:2 took its place" in document["failure"]
    assert document["targets"][0]["changes"][0]["status"] == "unknown"


@pytest.mark.parametrize(
    ("who", "expected"),
    [("deploy@runner-7", Origin("deploy", "runner-7")), ("somebody", Origin("somebody")), ("", Origin())],
)
def test_whoever_a_journal_names_is_named(store: FileStore, who: str, expected: Origin) -> None:
    """In the words of this version, or as it stands there."""
    document = killed(store, who)
    assert document
    assert (document["who"]["user"], document["who"]["host"]) == (expected.user, expected.host)


def test_a_run_that_came_to_its_end_is_not_reported_twice(store: FileStore) -> None:
    """It has left a report itself; and one that never began has nothing to tell."""
    assert killed(store, ended=True) is None
    keep_lost(store, b"", read_history(store, "sha256:another"), "sha256:2")
    assert kept(store) == []


def test_a_plan_that_is_not_there_any_more_has_no_changes_to_tell_of(store: FileStore) -> None:
    """The journal stays."""
    journal = Journal(store, TASK.plan_id, read_history(store, TASK.plan_id))
    journal.begin(["roster"], BEGAN, "x@y")
    keep_lost(store, b"nonsense", read_history(store, TASK.plan_id), "sha256:2")
    assert kept(store) == []
