"""The whole run, top to bottom: read the directories, render, read each target, diff, plan, apply; no target by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from reconciler.apply.execute import execute
from reconciler.apply.report import Report
from reconciler.desired.build import Desired, desire, rules_for
from reconciler.desired.expectations import unmet
from reconciler.desired.links import Directory
from reconciler.diff.only import narrowed
from reconciler.diff.rules import DiffRules
from reconciler.directory.observer import SILENT, Observer
from reconciler.directory.sources import Reading, read_directories, read_for_snapshot
from reconciler.errors import PlanRefused, PlanStale, TargetError, UsageError
from reconciler.model.access import Scope
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.plan import Plan, TargetPlan
from reconciler.person import Facing, Request, plan_people
from reconciler.plan.build import Safety, build_target, facts_of
from reconciler.plan.clashes import with_clashes
from reconciler.plan.summary import only_adds
from reconciler.plan.validity import displaced, outdated
from reconciler.policy.model import GuardLimits, OnMissing, Policy, Protection, TargetConfig
from reconciler.targets.registry import create, opened, options_of


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the policy, the day that grants are judged by (UTC), the time (ISO 8601 UTC), and what to look at.

    `targets` empty means all. `snapshots` are snapshot files that stand in for the directories they were taken from.
    `only` are the people to plan for, empty for everybody. The `observer` is told how reads go.
    """

    policy: Policy
    today: date
    now: str
    targets: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    git_commit: str = ""
    only: tuple[str, ...] = ()
    observer: Observer = SILENT


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
    return _of(run, list(directories.values()), sections)


def _plan_for(run: Run) -> Plan:
    how = Reading(run.now, whole=True, observer=run.observer)
    targets, build = chosen_targets(run), partial(_built, run)
    answer = plan_people(Request(run.policy, targets, run.only, run.snapshots, run.today, how, build))
    return replace(_of(run, list(map(Directory, answer.snapshots)), answer.sections), only=answer.only)


def _of(run: Run, directories: Sequence[Directory], sections: Sequence[TargetPlan]) -> Plan:
    return Plan(
        created_at=run.now,
        today=run.today.isoformat(),
        policy_digest=run.policy.digest,
        policy_root=run.policy.root,
        git_commit=run.git_commit,
        directories=tuple(facts_of(directory.snapshot) for directory in directories),
        targets=with_clashes(sections),
        notes=tuple(
            note for directory in directories for note in directory.findings() if not (run.only and note.subject)
        ),
    )


def plan_target(run: Run, target: TargetConfig, directory: Directory) -> TargetPlan:
    """Return one target's section; an unreachable target yields a section that holds only its error."""
    section = TargetPlan(target.name, target.kind, "", target.directory)
    try:
        with opened(target) as app:
            section = replace(section, address=app.address)
            want = desire(rules_for(run.policy, target.name), directory, app.capabilities, run.today)
            have = app.read(scope_of(run.policy, target, want))
    except TargetError as error:
        return replace(section, error=str(error))
    return _built(run, Facing(target, section, have, want, app.capabilities))


def _built(run: Run, facing: Facing) -> TargetPlan:
    limits = run.policy.guards.get(facing.target.name, GuardLimits())
    safety = Safety(limits, run.policy.waivers, run.today, facing.capabilities)
    rules, want = diff_rules(run.policy, facing.target, safety), facing.want
    if facing.only is not None:
        want = narrowed(want, facing.have, rules, facing.only)
    return build_target(facing.section, facing.have, want, rules, safety)


def apply_plan(run: Run, plan: Plan, plan_id: str) -> Report:
    """Make exactly this plan so and return what became of every change.

    Before any write raises PlanRefused for a plan that is not applyable, and PlanStale for one that another policy made,
    that is about other targets, or that rests on a grant or waiver which is over; TargetError as `create`.
    """
    if plan.policy_digest != run.policy.digest:
        raise PlanStale("The policy has changed since this plan was made; nothing was written. Plan again.")
    if not plan.applyable:
        raise PlanRefused("This plan holds refusals or errors; nothing was written. `reconcile show` names them.")
    if reason := outdated(plan, run.policy, run.today) or displaced(plan.targets, _present(run.policy, plan)):
        raise PlanStale(f"{reason} Nothing was written. Plan again.")
    configs = run.policy.targets
    return execute(plan, plan_id, lambda name: create(configs[name].kind, options_of(configs[name])))


def _present(policy: Policy, plan: Plan) -> dict[str, TargetPlan]:
    """Return what the policy says now about the plan's targets, those that it still has; connects to none."""
    found = {}
    for name in {section.name for section in plan.targets} & set(policy.targets):
        config = policy.targets[name]
        with opened(config) as app:
            found[name] = TargetPlan(name, config.kind, app.address, config.directory)
    return found


def take_snapshot(run: Run, directory: str) -> tuple[Snapshot, Needs]:
    """Return a complete read of one directory, and the attributes that it was read for."""
    return read_for_snapshot(run.policy, directory, Reading(run.now, observer=run.observer))


def check_expectations(run: Run) -> tuple[Diagnostic, ...]:
    """Return the policy's own tests that do not hold; asks no target for its live state.

    Directories are read whole, because that somebody lacks something rests on absence.
    """
    targets = [run.policy.targets[name] for name in sorted({expected.target for expected in run.policy.expect})]
    how = Reading(run.now, whole=True, observer=run.observer)
    snapshots = read_directories(run.policy, targets, run.snapshots, how)
    directories = {name: Directory(snapshot) for name, snapshot in snapshots.items()}
    wanted = {}
    for target in targets:
        with opened(target) as app:
            rules = rules_for(run.policy, target.name)
            wanted[target.name] = desire(rules, directories[target.directory], app.capabilities, run.today)
    return unmet(run.policy.expect, wanted)


def chosen_targets(run: Run) -> list[TargetConfig]:
    """Return the chosen targets by name; raises UsageError for a name that the policy does not have."""
    for name in sorted(set(run.targets) - set(run.policy.targets)):
        known = ", ".join(sorted(run.policy.targets)) or "none"
        raise UsageError(f'The policy has no target "{name}"; it has: {known}.')
    return [run.policy.targets[name] for name in sorted(set(run.targets or run.policy.targets))]


def scope_of(policy: Policy, target: TargetConfig, want: Desired) -> Scope:
    """Return what the live read has to cover; before an account is removed, everything that goes with it has to be seen."""
    removes = OnMissing.REMOVE in {target.users.when_missing, target.users.when_disabled}
    return Scope(target.directory, frozenset(want.state.groups), removes or bool(policy.imports.get(target.name)))


def diff_rules(policy: Policy, target: TargetConfig, safety: Safety) -> DiffRules:
    """Return what the comparison has to respect."""
    protected = policy.protected.get(target.name, Protection())
    return DiffRules(target.users, target.groups, protected, safety.capabilities.roles)
