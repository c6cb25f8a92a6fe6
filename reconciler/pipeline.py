"""The whole run, top to bottom: read the directories, render, read each target, diff, plan, apply; no target by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from reconciler.apply.admission import admit
from reconciler.apply.manner import Manner
from reconciler.apply.perform import perform
from reconciler.apply.report import Report
from reconciler.apply.reporting import reported
from reconciler.apply.task import Task
from reconciler.desired.build import desire, rules_for
from reconciler.desired.links import Directory
from reconciler.directory.observer import SILENT, Observer
from reconciler.directory.sources import Reading, read_directories, read_for_snapshot
from reconciler.errors import TargetError, UsageError
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.past import NOTHING, Past
from reconciler.model.plan import Plan, TargetPlan
from reconciler.person import Request, plan_people
from reconciler.plan.build import facts_of
from reconciler.plan.clashes import with_clashes
from reconciler.plan.summary import only_adds
from reconciler.policy.model import Policy, TargetConfig
from reconciler.sections import Facing, scope_of, section_of
from reconciler.state.base import Store
from reconciler.targets.registry import create, opened, options_of


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the policy, the day that grants are judged by (UTC), the time (ISO 8601 UTC), and what to look at.

    `targets` empty means all. `snapshots` are snapshot files that stand in for the directories they were taken from.
    `only` are the people to plan for, empty for everybody. The `observer` is told how reads go; `past` is what earlier runs
    have left to know.
    """

    policy: Policy
    today: date
    now: str
    targets: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    git_commit: str = ""
    only: tuple[str, ...] = ()
    observer: Observer = SILENT
    past: Past = NOTHING


def make_plan(run: Run) -> Plan:
    """Return what should change in every chosen target; writes nothing anywhere.

    Where only changes of a directory were read, a plan that does more than add is made again from whole reads. Raises
    DirectoryError for any read that is not proven complete. A target that cannot be read is an error of its own section,
    and the others are planned all the same.
    """
    if run.only:
        return _plan_for(run)
    plan = _plan(run, whole=False)
    return plan if plan.confirmed or only_adds(plan) else _plan(run, whole=True)


def _plan(run: Run, *, whole: bool) -> Plan:
    targets = chosen_targets(run)
    snapshots = read_directories(run.policy, targets, run.snapshots, Reading(run.now, whole, run.observer))
    directories = {name: Directory(snapshot) for name, snapshot in snapshots.items()}
    sections = [plan_target(run, target, directories[target.directory]) for target in targets]
    return assembled(run, list(directories.values()), sections)


def _plan_for(run: Run) -> Plan:
    how = Reading(run.now, whole=True, observer=run.observer)
    targets, build = chosen_targets(run), partial(section_of, run.policy, run.today, run.past)
    answer = plan_people(Request(run.policy, targets, run.only, run.snapshots, run.today, how, build))
    return replace(assembled(run, list(map(Directory, answer.snapshots)), answer.sections), only=answer.only)


def assembled(run: Run, directories: Sequence[Directory], sections: Sequence[TargetPlan]) -> Plan:
    """Return the plan that these sections make up."""
    notes = [note for directory in directories for note in directory.findings() if not (run.only and note.subject)]
    return Plan(
        created_at=run.now,
        today=run.today.isoformat(),
        policy_digest=run.policy.digest,
        policy_root=run.policy.root,
        git_commit=run.git_commit,
        directories=tuple(facts_of(directory.snapshot) for directory in directories),
        targets=with_clashes(sections),
        notes=tuple(notes),
    )


def plan_target(run: Run, target: TargetConfig, directory: Directory) -> TargetPlan:
    """Return one target's section; an unreachable target yields a section that holds only its error."""
    section = TargetPlan(target.name, target.kind, "", target.directory, on_refusal=target.on_refusal)
    try:
        with opened(target) as app:
            section = replace(section, address=app.address)
            want = desire(rules_for(run.policy, target.name), directory, app.capabilities, run.today)
            have = app.read(scope_of(run.policy, target, want))
    except TargetError as error:
        return replace(section, error=str(error))
    return section_of(run.policy, run.today, run.past, Facing(target, section, have, want, app.capabilities))


def apply_plan(run: Run, task: Task, store: Store, manner: Manner) -> Report:
    """Make exactly this plan so and return what became of every change.

    Before any write raises what `admit` and `perform` raise for a plan that must not be applied: not any more, here, or now.
    """
    notes = admit(task, run.policy, run.today, run.now, run.git_commit)
    configs = run.policy.targets
    blank = Report(task.plan_id, (), manner.clock(), "", manner.origin, run.git_commit, notes, resumed=task.resumed)

    def made() -> Report:
        report = perform(task, store, lambda name: create(configs[name].kind, options_of(configs[name])), manner)
        return replace(report, git_commit=run.git_commit, notes=(*notes, *report.notes))

    return reported(task, store, blank, manner.clock, made)


def take_snapshot(run: Run, directory: str) -> tuple[Snapshot, Needs]:
    """Return a complete read of one directory, and the attributes that it was read for."""
    return read_for_snapshot(run.policy, directory, Reading(run.now, observer=run.observer))


def chosen_targets(run: Run) -> list[TargetConfig]:
    """Return the chosen targets by name; raises UsageError for a name that the policy does not have."""
    for name in sorted(set(run.targets) - set(run.policy.targets)):
        known = ", ".join(sorted(run.policy.targets)) or "none"
        raise UsageError(f'The policy has no target "{name}"; it has: {known}.')
    return [run.policy.targets[name] for name in sorted(set(run.targets or run.policy.targets))]
