"""Count what a plan would do, the way its last line says it; pure."""

from __future__ import annotations

from typing import assert_never

from reconciler.model.access import Flag
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateGroup,
    CreateUser,
    DisableUser,
    EnableUser,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    SetFlag,
    SetSetting,
    UpdateUser,
    person_of,
)
from reconciler.model.plan import Plan

_PRIVILEGED = frozenset({Flag.ADMIN, Flag.AUDITOR})


def summary_of(plan: Plan) -> dict[str, int]:
    """Return the counts of add, change, remove, people affected, privileged grants, withheld and refused."""
    changes = [(target, change) for target in plan.targets for change in target.changes]
    verbs = [verb_of(change) for _, change in changes]
    return {
        "add": verbs.count("add"),
        "change": verbs.count("change"),
        "remove": verbs.count("remove"),
        "people": len({(target.directory, person) for target, change in changes if (person := person_of(change))}),
        "privileged_grants": sum(is_privileged_grant(change, target.privileged) for target, change in changes),
        "withheld": sum(len(target.withheld) for target in plan.targets),
        "refused": sum(len(target.refusals) for target in plan.targets),
    }


def only_adds(plan: Plan) -> bool:
    """Tell whether nothing in a plan rests on somebody being absent: every change adds, those held back too, and none is refused."""
    return all(
        not target.refusals
        and all(verb_of(change) == "add" for change in (*target.changes, *(held.change for held in target.withheld)))
        for target in plan.targets
    )


def verb_of(change: Change) -> str:
    """Return ``add``, ``change`` or ``remove``: what the sign before its line says."""
    match change:
        case CreateUser() | CreateGroup() | AddMembership():
            return "add"
        case DisableUser() | RemoveUser() | RemoveGroup() | RemoveMembership():
            return "remove"
        case AdoptUser() | UpdateUser() | EnableUser() | SetFlag() | AdoptGroup() | RenameGroup() | ChangeRole():
            return "change"
        case SetSetting():  # on or off: neither gives anybody a thing, nor takes it away
            return "change"
        case _:
            assert_never(change)


def is_privileged_grant(change: Change, privileged: frozenset[str]) -> bool:
    """Tell whether the change gives a privileged role, or a mark that opens everything: admin or auditor."""
    match change:
        case AddMembership(want=role) | ChangeRole(want=role):
            return role in privileged and not (isinstance(change, ChangeRole) and change.have in privileged)
        case CreateUser(user=user):
            return any(held for flag, held in user.flags.items() if flag in _PRIVILEGED)
        case SetFlag(flag=flag, want=wanted):
            return flag in _PRIVILEGED and wanted
        case _:
            return False
