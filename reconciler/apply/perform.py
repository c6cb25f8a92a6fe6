"""Apply one admitted plan from the lock to the last word in its journal; decide nothing about access.

The order is what makes it safe: lock every target, look at what is there, and only when everything is as the plan expects
begin a journal, use up the plan's id, and write. Whatever happens after that, the journal says how to go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from threading import Event

from reconciler.apply.execute import Run
from reconciler.apply.journal import History, Journal, digits, read_history
from reconciler.apply.manner import Manner
from reconciler.apply.past import read_troubles, write_seen, write_troubles
from reconciler.apply.recheck import OpenTarget, Work, look
from reconciler.apply.report import Report, TargetReport
from reconciler.apply.task import Task
from reconciler.apply.troubles import troubles_after
from reconciler.apply.unfinished import forget, keep, supersede
from reconciler.errors import LockHeld, LockLost, PlanStale, StateError
from reconciler.state.base import Store
from reconciler.state.lock import Lock, acquire
from reconciler.targets.base import Stoppable, Target


class _Stopped(Exception):
    """Somebody stopped the run before it wrote anything."""


def perform(task: Task, store: Store, open_target: OpenTarget, manner: Manner) -> Report:
    """Make the plan so and return what became of every change.

    Before any write raises LockHeld for a target that another run works on, PlanStale for a plan that was applied already
    or that another one has replaced; StateError as the store, where nothing more is written from then on. A plan that is not
    what is there is a report, too, with every stale object in it.
    """
    began = manner.clock()
    try:
        with _locked(store, [section.name for section in task.sections], manner) as may_go_on, ExitStack() as stack:
            history = read_history(store, task.plan_id)
            _refuse_what_was_used(store, task, history)
            works = look(task, _stoppable(open_target, manner.stop), history, stack)
            report = _make(task, store, works, (history, may_go_on), manner)
    except _Stopped:
        report = replace(_untouched(task, [Work(section, None) for section in task.sections]), interrupted=True)
    return replace(report, began=began, ended=manner.clock(), origin=manner.origin, resumed=task.resumed)


def _stoppable(open_target: OpenTarget, stop: Event) -> OpenTarget:
    """Return what opens targets so that this flag ends their waits, also those of the look before the first write."""

    def opened(name: str) -> Target:
        target = open_target(name)
        if isinstance(target, Stoppable):
            target.stop_on(stop)
        return target

    return opened


@contextmanager
def _locked(store: Store, names: Sequence[str], manner: Manner) -> Iterator[Callable[[], None]]:
    """Hold the locks of all targets; gives what raises LockHeld once one of them is lost."""

    def wait(seconds: float) -> None:
        if manner.stop.wait(seconds):
            raise _Stopped

    with ExitStack() as stack:
        locks: dict[str, Lock] = {}
        for name in sorted(names):
            locks[name] = stack.enter_context(acquire(store, name, replace(manner.terms, wait=wait)))

        def may_go_on() -> None:
            for name, lock in locks.items():
                if not lock.still_held():
                    raise LockLost(
                        f"The lock of {name} was lost, to another run perhaps, so this one wrote nothing more."
                    )

        yield may_go_on


def _refuse_what_was_used(store: Store, task: Task, history: History) -> None:
    if history.superseded_by:
        raise PlanStale(
            f"The plan {history.superseded_by} has taken the place of this one. Nothing was written. Plan again."
        )
    if task.resumed or store.read(_burned(task.plan_id)) is None:
        return
    if store.read(f"plans/{digits(task.plan_id)}") is None:
        raise PlanStale(
            "This plan has been applied already, and a plan is applied once. Nothing was written. Plan again."
        )
    raise PlanStale(
        "This plan is being applied already: a run of it has not come to its end. Nothing was written. "
        f"`reconcile apply --resume {task.plan_id}` goes on with it."
    )


def _make(
    task: Task,
    store: Store,
    works: Sequence[Work],
    right: tuple[History, Callable[[], None]],
    manner: Manner,
) -> Report:
    if manner.stop.is_set():
        raise _Stopped
    nothing_holds = not any(work.todo or work.earlier or work.error for work in works)
    if any(work.stale for work in works) and (nothing_holds or not manner.allow_partial):
        return replace(_untouched(task, works), stale=True)
    if not any(work.target or work.earlier for work in works):  # no target answers, or there is nothing to do
        if not works:
            _remember(task, store, (), manner)
        return _untouched(task, works)
    history, may_go_on = right
    journal = Journal(store, task.plan_id, history)
    notes = _begin(task, store, journal, manner)
    with _how_to_go_on(task.plan_id):
        run = Run(journal, manner, may_go_on)
        reports = [run.make(work) for work in works]
        report = Report(task.plan_id, tuple(reports), notes=notes, interrupted=manner.stop.is_set())
        _remember(task, store, reports, manner)
        journal.end(report.exit_code)
        if report.finished:
            forget(store, task.plan_id)
    return report


def _begin(task: Task, store: Store, journal: Journal, manner: Manner) -> tuple[str, ...]:
    """Leave in the store what a later run needs to go on, and use up the plan's id; return what is to be said."""
    names = [section.name for section in task.sections]
    who, now = manner.origin.who, manner.clock()
    journal.begin(names, now, who)
    keep(store, task.document)
    fresh = store.create(_burned(task.plan_id), json.dumps({"at": now, "who": who}).encode())
    if not fresh and not task.resumed:
        raise PlanStale("This plan is being applied by another run. Nothing was written.")
    return supersede(store, task.plan_id, names)


@contextmanager
def _how_to_go_on(plan_id: str) -> Iterator[None]:
    """Add the way on to what ends a run after it has begun."""
    try:
        yield
    except (StateError, LockHeld) as error:
        raise type(error)(
            f"{error}\nThe journal says what was applied: `reconcile apply --resume {plan_id}` goes on."
        ) from error


def _remember(task: Task, store: Store, reports: Sequence[TargetReport], manner: Manner) -> None:
    """Leave to the next plan what targets keep refusing, and how large the directories were."""
    outcomes = {report.name: report.outcomes for report in reports}
    for section in task.plan.targets:
        if not section.refused:
            before = read_troubles(store, section.name)
            made = outcomes.get(section.name, ())
            write_troubles(store, section.name, troubles_after(before, section, made, manner.clock(), whole=task.whole))
            if task.whole:
                write_seen(store, section, task.plan.directories)


def _untouched(task: Task, works: Sequence[Work]) -> Report:
    """Return the report of a run that has written nothing."""
    reports = (TargetReport(work.section.name, work.outcomes({}), work.error, work.earlier) for work in works)
    return Report(task.plan_id, tuple(reports), begun=False)


def _burned(plan_id: str) -> str:
    return f"burned/{digits(plan_id)}"
