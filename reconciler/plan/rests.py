"""Tell which changes of a run cannot be made once an earlier one was not; pure, and looks at no state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from reconciler.model.access import Role
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateGroup,
    CreateUser,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    SetSetting,
    UpdateUser,
    person_of,
)
from reconciler.model.names import login_key
from reconciler.model.paths import ancestors

Thing: TypeAlias = tuple[str, str]
"""What a change may need: a ``user`` or a ``group`` to be there by its key, a ``name`` to be free, nothing left ``in`` one, or
the new ``owner`` whom a group was to have before it loses one.
"""


def gives(change: Change, owner: Role | None) -> Iterator[Thing]:
    """Yield what later changes of the run may rest on, and lack if this one is not made; `owner` is the role of owners."""
    match change:
        case AddMembership(group=name, want=role) | ChangeRole(group=name, want=role) if role == owner:
            yield "owner", name
        case CreateUser() | AdoptUser():
            yield "user", person_of(change)
        case UpdateUser(who=who, have=have):
            if "key" in have:
                yield "user", who.key
            if "username" in have:
                yield "name", login_key(str(have["username"]))
        case CreateGroup(group=group) | AdoptGroup(group=group):
            yield "group", group.key
        case RenameGroup(want=name):
            yield "group", name
        case RemoveMembership(who=who, group=name):
            yield "in", who.key
            yield "in", name
        case _:
            pass


def needs(change: Change, owner: Role | None, *, nests: bool = False) -> Iterator[Thing]:
    """Yield what the change rests on; `owner` is the role of owners: a group gets its new ones before it loses any.

    `nests`: a group is made in those above it.
    """
    if isinstance(change, RemoveMembership | ChangeRole) and change.have == owner:
        yield "owner", change.group
    match change:
        case CreateUser(user=user):
            yield "name", login_key(user.username)
        case (
            AddMembership(who=who, group=name) | ChangeRole(who=who, group=name) | RemoveMembership(who=who, group=name)
        ):
            yield "user", who.key
            yield "group", name
        case RemoveGroup(have=group):
            yield "in", group.key
        case CreateGroup(group=made):
            yield from (("group", above) for above in ancestors(made.key) if nests)
        case AdoptUser() | AdoptGroup() | RenameGroup() | SetSetting():
            pass
        case _:
            if not (isinstance(change, UpdateUser) and "key" in change.have):
                yield "user", change.who.key
            if isinstance(change, UpdateUser) and "username" in change.want:
                yield "name", login_key(str(change.want["username"]))
            if isinstance(change, RemoveUser):
                yield "in", change.who.key
