"""What must still be so in the target when a change is made; pure, and the same for every target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, assert_never

from reconciler.model.access import Value
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
)

Precondition: TypeAlias = Mapping[str, Value | None]


def precondition(change: Change) -> Precondition:  # noqa: C901, PLR0911, PLR0912 - one flat arm per type of the union
    """Return the facts that a target re-checks before it makes this change: a name to the value expected, None for absent."""
    match change:
        case CreateUser():
            return {"user": None}
        case AdoptUser(have=have):
            return {"user": have.username, "managed": False}
        case UpdateUser(have=have):
            return dict(sorted(have.items()))
        case EnableUser():
            return {"active": False}
        case DisableUser():
            return {"active": True}
        case RemoveUser(have=have):
            return {"user": have.username, "managed": True}
        case SetFlag(flag=flag, have=held):
            return {str(flag): held}
        case CreateGroup():
            return {"group": None}
        case AdoptGroup(group=group):
            return {"group": str(group.key), "managed": False}
        case RenameGroup(have=name, source=source):
            return {"group": str(name), "source": source, "new_name": None}
        case RemoveGroup(have=gone):
            return {"group": str(gone.key), "managed": True, "source": gone.source}
        case AddMembership():
            return {"role": None}
        case ChangeRole(have=role) | RemoveMembership(have=role):
            return {"role": str(role)}
        case SetSetting(have=held):
            return {"setting": held}
        case _:
            assert_never(change)
