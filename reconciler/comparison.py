"""Lay two policies side by side over the same reads: what does the change of the policy bring about, and what is pending anyway?

Every directory is read once, and once more only where the change of the policy changes what is read of it; every target is
read once. Connections are those of the run's policy, for both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.desired.build import Desired, desire, rules_for
from reconciler.desired.links import Directory
from reconciler.directory.read import read_directory
from reconciler.directory.selection import read_with
from reconciler.directory.sources import Reading, chosen
from reconciler.errors import DirectoryError, TargetError
from reconciler.model.access import Scope
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.plan import Base, Plan, TargetPlan
from reconciler.model.text import shortened
from reconciler.pipeline import Run, assembled, chosen_targets
from reconciler.plan.cause import NOTHING_LEFT, Left, causes_of
from reconciler.plan.subject import named
from reconciler.plan.summary import verb_of
from reconciler.plan.taken import Before, with_rules_taken
from reconciler.policy.model import DirectoryConfig, Policy, TargetConfig
from reconciler.sections import Facing, scope_of, section_of
from reconciler.targets.registry import opened

_NAMED = 20  # changes that one note names


@dataclass(frozen=True, slots=True)
class Beside:
    """What a plan is laid beside: the policy of the base, whose connections the run's policy has; where it is from; what we
    left in each target at last; and what is to be said of the two policies.
    """

    policy: Policy
    facts: Base
    left: Mapping[str, Left] = field(default_factory=dict)
    notes: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class _Views:
    """One directory as each policy has it read; `base` is None where it could not be read as the base says."""

    head: Directory
    base: Directory | None


def plan_beside(run: Run, beside: Beside) -> Plan:
    """Return what should change by the run's policy, each change with its cause; writes nothing anywhere, not even a cache.

    Raises DirectoryError for a read that is not proven complete. A directory that can be read only as the head says has
    nothing pending: all its changes are caused by the policy.
    """
    targets = chosen_targets(run)
    views = dict(_read(run, beside.policy, targets))
    sections = [_section(run, beside, target, views[target.directory]) for target in targets]
    plan = assembled(run, [view.head for view in views.values()], sections)
    return replace(plan, base=beside.facts, notes=(*plan.notes, *beside.notes))


def _read(run: Run, base: Policy, targets: Sequence[TargetConfig]) -> Iterator[tuple[str, _Views]]:
    how = Reading(run.now, whole=True, observer=run.observer)
    pending = [base.targets[target.name] for target in targets]
    before = {config.name: (config, needs) for config, needs in chosen(base, pending, run.snapshots)}
    for config, needs in chosen(run.policy, targets, run.snapshots):
        other, wanted = before[config.name]
        together = Needs(needs.person | wanted.person, needs.group | wanted.group)
        head = Directory(_snapshot(config, together, how))
        yield config.name, _Views(head, head if _read_alike(config, other) else _as_before(other, together, how))


def _read_alike(head: DirectoryConfig, base: DirectoryConfig) -> bool:
    return read_with(head) == read_with(base)


def _as_before(config: DirectoryConfig, needs: Needs, how: Reading) -> Directory | None:
    try:
        return Directory(_snapshot(config, needs, how))
    except DirectoryError:
        return None


def _snapshot(config: DirectoryConfig, needs: Needs, how: Reading) -> Snapshot:
    return read_directory(config, needs, how.now, whole=how.whole, observer=how.observer)


def _section(run: Run, beside: Beside, target: TargetConfig, views: _Views) -> TargetPlan:
    """Return one target's section as `pipeline.plan_target` makes it, with causes."""
    section = TargetPlan(target.name, target.kind, "", target.directory, on_refusal=target.on_refusal)
    before = beside.policy.targets[target.name]
    try:
        with opened(target) as app, opened(before) as same:
            section = replace(section, address=app.address)
            want = desire(rules_for(run.policy, target.name), views.head, app.capabilities, run.today)
            scope = scope_of(run.policy, target, want)
            wanted: Desired | None = None
            if views.base is not None:
                wanted = desire(rules_for(beside.policy, target.name), views.base, same.capabilities, run.today)
                scope = _both(scope, scope_of(beside.policy, before, wanted))
            facing = Facing(target, section, app.read(scope), want, app.capabilities)
            capabilities = same.capabilities
    except TargetError as error:
        return replace(section, error=str(error))
    head = section_of(run.policy, run.today, run.past, facing)
    base = None
    if wanted is not None:
        other = replace(facing, target=before, want=wanted, capabilities=capabilities)
        base = section_of(beside.policy, run.today, run.past, other)
    caused = _with_causes(head, base, beside.left.get(target.name, NOTHING_LEFT))
    if wanted is None:
        return caused
    past = Before(wanted, beside.policy.root, beside.facts.root)
    return replace(caused, changes=with_rules_taken(caused.changes, caused.causes, past))


def _both(head: Scope, base: Scope) -> Scope:
    everything = head.all_managed_groups or base.all_managed_groups
    return Scope(head.directory, head.groups | base.groups, everything)


def _with_causes(head: TargetPlan, base: TargetPlan | None, left: Left) -> TargetPlan:
    found = causes_of(base.changes if base else None, head.changes, left)
    notes: list[Diagnostic] = []
    if base is None:
        text = (
            "The directory cannot be read as the base says: everything counts as caused by this change of the policy."
        )
        notes.append(Diagnostic(Severity.WARNING, "BASE-UNREADABLE", text))
    if found.prevented:
        lines = sorted(f"{verb_of(change)} {named(change)}" for change in found.prevented)
        count = "1 pending change is" if len(lines) == 1 else f"{len(lines)} pending changes are"
        text = f"{count} prevented by this change of the policy: {_some(lines)}."
        notes.append(Diagnostic(Severity.NOTE, "CHANGE-PREVENTED", text))
    if base and (lifted := sorted({refusal.guard for refusal in base.refusals} - {one.guard for one in head.refusals})):
        text = f"With the base this would be refused, and with this change of the policy it is not: {_some(lifted)}."
        notes.append(Diagnostic(Severity.WARNING, "REFUSAL-LIFTED", text))
    return replace(head, causes=found.causes, diagnostics=(*head.diagnostics, *notes))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(shortened(name) for name in names[:_NAMED]) + more
