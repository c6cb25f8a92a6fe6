"""The call that makes a batch so; never looks first and never decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from reconciler.model.access import UserKey
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
    GroupChange,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    SetFlag,
    SetSetting,
    UpdateUser,
    UserChange,
)

from .app import active, fields_of
from .look import Look


def make(changes: Sequence[Change], look: Look) -> Mapping[int, str | None]:
    """Make changes that one call can make; return by identity why some were refused, None where the answer does not say."""
    first = changes[0]
    match first:
        case AddMembership():
            return _add(first, changes, look)
        case ChangeRole(who=who, group=group, want=role):
            look.app.change(look.team(group).number, look.account(who.key).number, role)
        case RemoveMembership(who=who, group=group):
            look.app.remove(look.team(group).number, look.account(who.key).number)
        case CreateGroup() | AdoptGroup() | RenameGroup() | RemoveGroup():
            _group(first, look)
        case CreateUser() | AdoptUser() | UpdateUser() | EnableUser() | DisableUser() | RemoveUser() | SetFlag():
            _user(first, look)
        case SetSetting(name=name):
            raise ValueError(f"the app has no setting {name}")
        case _:
            assert_never(first)
    return {}


def _add(first: AddMembership, changes: Sequence[Change], look: Look) -> Mapping[int, str | None]:
    numbers = {
        id(change): look.account(change.who.key).number for change in changes if isinstance(change, AddMembership)
    }
    said = look.app.add(look.team(first.group).number, list(numbers.values()), first.want)
    return {
        which: said.get(number)
        for which, number in numbers.items()
        if said.get(number, "") is not None or number not in said
    }


def _group(change: GroupChange, look: Look) -> None:
    match change:
        case CreateGroup(group=group):
            look.app.create_group(group)
        case AdoptGroup(group=group):
            look.app.update_group(look.team(group.key).number, look.app.marked(group))
        case RenameGroup(have=have, want=want):
            look.app.update_group(look.team(have).number, {"name": want})
        case RemoveGroup(have=group):
            look.app.delete_group(look.team(group.key).number)
        case _:
            assert_never(change)


def _user(change: UserChange, look: Look) -> None:
    match change:
        case CreateUser(user=user):
            look.keep(look.app.create_user(user))
        case AdoptUser(who=who, have=have):
            _set(look, look.account(have.key).number, look.app.mark(who.key))
        case UpdateUser(who=who, have=values, want=want):
            number = look.account(UserKey(str(values.get("key", who.key)))).number
            fields = fields_of({word: value for word, value in want.items() if word != "key"})
            _set(look, number, {**fields, **(look.app.mark(who.key) if "key" in want else {})})
        case EnableUser(who=who):
            _set(look, look.account(who.key).number, active(on=True))
        case DisableUser(who=who):
            _set(look, look.account(who.key).number, active(on=False))
        case SetFlag(who=who, flag=flag, want=on):
            _set(look, look.account(who.key).number, {str(flag): on})
        case RemoveUser(who=who):
            look.app.delete_user(look.account(who.key).number)
        case _:
            assert_never(change)


def _set(look: Look, number: int, fields: Mapping[str, object]) -> None:
    look.keep(look.app.update_user(number, fields))
