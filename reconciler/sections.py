"""Turn the two states of one target into its section of the plan; asks neither a directory nor a target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from reconciler.desired.build import Desired, desire, rules_for, without_marks
from reconciler.desired.links import Directory
from reconciler.diff.only import narrowed
from reconciler.diff.rules import DiffRules
from reconciler.model.access import Capabilities, Scope, State, UserKey
from reconciler.model.past import Past
from reconciler.model.plan import TargetPlan
from reconciler.plan.build import Safety, build_target
from reconciler.policy.model import GuardLimits, OnMissing, Policy, Protection, TargetConfig
from reconciler.targets.registry import opened


@dataclass(frozen=True, slots=True)
class Facing:
    """One target's section as far as it is known, and the two states to compare; `only` are the people it is for, or None."""

    target: TargetConfig
    section: TargetPlan
    have: State
    want: Desired
    capabilities: Capabilities
    only: frozenset[UserKey] | None = None


def section_of(policy: Policy, today: date, past: Past, facing: Facing) -> TargetPlan:
    """Return the section, filled: what is to be changed, judged on that day (UTC) and by what earlier runs have left."""
    limits = policy.guards.get(facing.target.name, GuardLimits())
    safety = Safety(limits, policy.waivers, today, facing.capabilities, past)
    protected = policy.protected.get(facing.target.name, Protection())
    rules = diff_rules(facing.target, protected, facing.capabilities)
    want = without_marks(facing.want, facing.capabilities.flags)
    if facing.only is not None:
        want = narrowed(want, facing.have, rules, facing.only)
    return build_target(facing.section, facing.have, want, rules, safety)


def diff_rules(target: TargetConfig, protected: Protection, can: Capabilities) -> DiffRules:
    """Return what the comparison of one target has to respect."""
    return DiffRules(
        target.users,
        target.groups,
        protected,
        can.roles,
        keeps_keys=can.keeps_keys,
        renames_users=can.renames_users,
        needs=can.needs,
        inherits=can.inherits,
        places=target.places,
    )


def desired_by_target(
    policy: Policy, today: date, targets: Iterable[TargetConfig], directories: Mapping[str, Directory]
) -> dict[str, Desired]:
    """Return what should be in each of these targets on that day (UTC), by name; connects to none."""
    found = {}
    for target in targets:
        with opened(target) as app:
            directory = directories[target.directory]
            found[target.name] = desire(rules_for(policy, target.name), directory, app.capabilities, today)
    return found


def scope_of(policy: Policy, target: TargetConfig, want: Desired) -> Scope:
    """Return what the live read has to cover; before an account is removed, everything that goes with it has to be seen."""
    removes = OnMissing.REMOVE in {target.users.when_missing, target.users.when_disabled}
    return Scope(target.directory, frozenset(want.state.groups), removes or bool(policy.imports.get(target.name)))
