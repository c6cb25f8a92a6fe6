"""See to it that every run which held its locks leaves a report, whatever ended it; change nothing of what a run does."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from reconciler.apply.journal import History, read_history
from reconciler.apply.ledger import keep
from reconciler.apply.manner import Clock
from reconciler.apply.record import Failure, record
from reconciler.apply.report import Origin, Report, TargetReport
from reconciler.apply.task import Task
from reconciler.errors import AppliedInPart, LockHeld, LockLost, ReconcileError, StateError, UsageError
from reconciler.model.plan import TargetPlan
from reconciler.plan.decode import decode
from reconciler.plan.encode import Document
from reconciler.state.base import Store
from reconciler.targets.base import Outcome, Status

_NO_ANSWER = "no answer came before the run ended"
_NOT_TRIED = "not tried"
_WHO = re.compile(r"(?:(?P<actor>.*) \()?(?P<user>[^()]*)@(?P<host>[^()]*)\)?")


def reported(task: Task, store: Store, blank: Report, clock: Clock, run: Callable[[], Report]) -> Report:
    """Return what `run` returns, with the place of the report that was kept of it; raises what `run` raises.

    A run that something ended is reported as far as its journal knows, from what `blank` says of it. One that never held
    its locks, or that had nothing to do, leaves none. Where the store does not take the report, `unkept` says so.
    """
    before = read_history(store, task.plan_id)
    try:
        report = run()
    except Exception as error:
        if not isinstance(error, LockHeld) or isinstance(error, LockLost):
            _keep_ended(task, store, replace(blank, ended=clock()), (before, error))
        raise
    if not report.targets or (report.interrupted and not report.begun):
        return report
    try:
        link = keep(store, record(task.document, report))
    except StateError as error:
        return replace(report, unkept=str(error))
    return replace(report, number=link.number, digest=link.id)


def keep_lost(store: Store, text: bytes, history: History, successor: str) -> None:
    """Keep the report of a run that was killed, from its journal: the plan `successor` has taken the place of its plan.

    `text` is the plan as it was kept for resuming. A run that came to its end has left a report itself.
    """
    if not history.begun or history.ended:
        return
    try:
        plan, document = decode(text.decode(errors="replace"))
    except UsageError:
        return  # what its changes were is known no more; the journal stays
    who = _WHO.fullmatch(history.who)
    origin = Origin(who["user"], who["host"], actor=who["actor"] or "") if who else Origin(history.who)
    blank = Report(document["id"], (), history.began, history.began, origin, plan.git_commit)
    failure = Failure(
        f"The run ended without a word; what it left is from its journal. The plan {successor} took its place.",
        AppliedInPart.exit_code,
    )
    keep(store, _ended(document, plan.targets, blank, (history, failure), History()))


def _keep_ended(task: Task, store: Store, blank: Report, ending: tuple[History, Exception]) -> None:
    """Keep what is known of a run that an error has ended; the error is told whatever becomes of that.

    What the journal held `before`, and what a run before this one has brought to its end in it, is not this run's doing.
    """
    before, error = ending
    code = error.exit_code if isinstance(error, ReconcileError) else ReconcileError.exit_code
    words = str(error) if isinstance(error, ReconcileError) else f"unexpected {type(error).__name__}: {error}"
    with suppress(StateError):
        history = read_history(store, task.plan_id)
        if history.length == before.length or history.ended or history.began < blank.began:
            history = before = History()
        keep(store, _ended(task.document, task.plan.targets, blank, (history, Failure(words, code)), before))


def _ended(
    document: Document,
    sections: tuple[TargetPlan, ...],
    blank: Report,
    known: tuple[History, Failure],
    before: History,
) -> Document:
    history, failure = known
    targets = tuple(
        TargetReport(
            section.name, tuple(_outcomes(section, history)), earlier=len(before.applied.get(section.name, ()))
        )
        for section in sections
    )
    return record(document, replace(blank, targets=targets), failure)


def _outcomes(section: TargetPlan, history: History) -> list[Outcome]:
    applied = history.applied.get(section.name, frozenset())
    asked = history.asked.get(section.name, frozenset())
    return [
        Outcome(change, Status.APPLIED)
        if place in applied
        else Outcome(change, Status.UNKNOWN, _NO_ANSWER)
        if place in asked
        else Outcome(change, Status.SKIPPED, _NOT_TRIED)
        for place, change in enumerate(section.changes)
    ]
