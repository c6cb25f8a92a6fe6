"""Sections of the plans of drawn worlds, for laws to hold against; no law itself."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume

from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    Change,
    ChangeRole,
    CreateGroup,
    RemoveGroup,
    RemoveMembership,
    RenameGroup,
)
from reconciler.model.plan import TargetPlan
from reconciler.policy.model import GuardLimits
from tests.builders import NO_LIMITS, World


def sound(world: World) -> TargetPlan:
    """Return the section of a world without guards in the way; worlds with names that clash have no plan to apply."""
    limits = NO_LIMITS if world.limits == GuardLimits() else world.limits
    section = replace(world, limits=limits).section()
    assume(not section.refusals)
    return section


def groups_of(change: Change) -> list[str]:
    """Return the groups that a change names, before and after it."""
    match change:
        case AddMembership(group=name) | ChangeRole(group=name) | RemoveMembership(group=name):
            return [name]
        case CreateGroup(group=group) | AdoptGroup(group=group) | RemoveGroup(have=group):
            return [group.key]
        case RenameGroup(have=before, want=after):
            return [before, after]
        case _:
            return []
