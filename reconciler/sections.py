"""Turn the two states of one target into its section of the plan; asks neither a directory nor a target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from reconciler.desired.build import Desired, without_marks
from reconciler.diff.only import narrowed
from reconciler.diff.rules import DiffRules
from reconciler.model.access import Capabilities, Scope, State, UserKey
from reconciler.model.past import Past
from reconciler.model.plan import TargetPlan
from reconciler.plan.build import Safety, build_target
from reconciler.policy.model import GuardLimits, OnMissing, Policy, Protection, TargetConfig


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
    rules = comparison_rules(policy, facing.target, facing.capabilities)
    want = without_marks(facing.want, facing.capabilities.flags)
    if facing.only is not None:
        want = narrowed(want, facing.have, rules, facing.only)
    return build_target(facing.section, facing.have, want, rules, safety)


def comparison_rules(policy: Policy, target: TargetConfig, can: Capabilities) -> DiffRules:
    """Return what the comparison of one target has to respect, with what the policy protects there."""
    return diff_rules(target, policy.protected.get(target.name, Protection()), can)


def diff_rules(target: TargetConfig, protected: Protection, can: Capabilities) -> DiffRules:
    """Return what the comparison of a target with these capabilities has to respect."""
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


def scope_of(policy: Policy, target: TargetConfig, want: Desired) -> Scope:
    """Return what the live read has to cover; before an account is removed, everything that goes with it has to be seen."""
    removes = OnMissing.REMOVE in {target.users.when_missing, target.users.when_disabled}
    return Scope(target.directory, frozenset(want.state.groups), removes or bool(policy.imports.get(target.name)))
