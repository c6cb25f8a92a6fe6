"""A change is a value: the union of everything a plan can ask of a target; never applies anything.

Every change knows who or what it concerns, `have` (before), `want` (after) and the reason, which apply never reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from reconciler.model.access import Flag, Group, GroupKey, Role, User, UserKey, Value
from reconciler.model.reason import Reason


@dataclass(frozen=True, slots=True, order=True)
class Who:
    """The person of a change: the name as printed, and the key that the target finds the account by.

    `account` is the key that the target has for the account, where it is not the person's and stays; else empty.
    """

    username: str
    key: UserKey
    account: UserKey = UserKey("")


@dataclass(frozen=True, slots=True)
class CreateUser:
    """Make an account that does not exist."""

    user: User
    reason: Reason


@dataclass(frozen=True, slots=True)
class AdoptUser:
    """Put our mark on an account that somebody else made; the policy says `adopt: true`."""

    who: Who
    have: User
    reason: Reason


@dataclass(frozen=True, slots=True)
class UpdateUser:
    """Change attributes: only those that differ, by name: ``username``, ``key``, and those of `User`."""

    who: Who
    have: Mapping[str, Value | None]
    want: Mapping[str, Value | None]
    reason: Reason


@dataclass(frozen=True, slots=True)
class EnableUser:
    """Undo our own disabling."""

    who: Who
    reason: Reason


@dataclass(frozen=True, slots=True)
class DisableUser:
    """Block the account, the target's reversible way."""

    who: Who
    reason: Reason


@dataclass(frozen=True, slots=True)
class RemoveUser:
    """Delete the account; changes before it end every membership, and one that they do not name makes it stale."""

    who: Who
    have: User
    reason: Reason


@dataclass(frozen=True, slots=True)
class SetFlag:
    """Give or take an instance-wide mark."""

    who: Who
    flag: Flag
    have: bool
    want: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class CreateGroup:
    """Make a group that does not exist."""

    group: Group
    reason: Reason


@dataclass(frozen=True, slots=True)
class AdoptGroup:
    """Put our mark on a group that somebody else made; the policy says `adopt: true`."""

    group: Group
    reason: Reason


@dataclass(frozen=True, slots=True)
class RenameGroup:
    """Give an imported group the name that its directory group now yields."""

    have: GroupKey
    want: GroupKey
    source: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class RemoveGroup:
    """Delete a group that an import made and whose directory group is gone; what is in it ends before, by changes of its own."""

    have: Group
    reason: Reason


@dataclass(frozen=True, slots=True)
class AddMembership:
    """Give a role in a group."""

    who: Who
    group: GroupKey
    want: Role
    reason: Reason


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """Change a role in place: never remove and add."""

    who: Who
    group: GroupKey
    have: Role
    want: Role
    reason: Reason


@dataclass(frozen=True, slots=True)
class RemoveMembership:
    """Take a role away."""

    who: Who
    group: GroupKey
    have: Role
    reason: Reason


@dataclass(frozen=True, slots=True)
class SetSetting:
    """Turn an instance-wide switch of the target on or off."""

    name: str
    have: bool
    want: bool
    reason: Reason


UserChange: TypeAlias = CreateUser | AdoptUser | UpdateUser | EnableUser | DisableUser | RemoveUser | SetFlag
GroupChange: TypeAlias = CreateGroup | AdoptGroup | RenameGroup | RemoveGroup
MembershipChange: TypeAlias = AddMembership | ChangeRole | RemoveMembership
Change: TypeAlias = UserChange | GroupChange | MembershipChange | SetSetting


def type_name(change: Change) -> str:  # noqa: C901, PLR0911, PLR0912 - one flat arm per type of the union
    """Return the stable name that plan JSON and reports use, such as ``membership.add``."""
    match change:
        case CreateUser():
            return "user.create"
        case AdoptUser():
            return "user.adopt"
        case UpdateUser():
            return "user.update"
        case EnableUser():
            return "user.enable"
        case DisableUser():
            return "user.disable"
        case RemoveUser():
            return "user.remove"
        case SetFlag():
            return "user.flag"
        case CreateGroup():
            return "group.create"
        case AdoptGroup():
            return "group.adopt"
        case RenameGroup():
            return "group.rename"
        case RemoveGroup():
            return "group.remove"
        case AddMembership():
            return "membership.add"
        case ChangeRole():
            return "membership.change"
        case RemoveMembership():
            return "membership.remove"
        case SetSetting():
            return "setting.set"
        case _:
            assert_never(change)


def person_of(change: Change) -> str:
    """Return the key of the person concerned, empty for changes of groups and of settings."""
    match change:
        case CreateUser(user=user):
            return user.key
        case CreateGroup() | AdoptGroup() | RenameGroup() | RemoveGroup() | SetSetting():
            return ""
        case _:
            return change.who.key


def object_of(change: Change) -> str:
    """Return the name of what a change is about, the same in every run: its type, the person's key, the group's or the setting's name."""
    match change:
        case (
            AddMembership(who=who, group=group)
            | ChangeRole(who=who, group=group)
            | RemoveMembership(who=who, group=group)
        ):
            return f"{type_name(change)} {who.key} {group}"
        case CreateGroup(group=Group(key=key)) | AdoptGroup(group=Group(key=key)) | RemoveGroup(have=Group(key=key)):
            return f"{type_name(change)} {key}"
        case RenameGroup(have=key):
            return f"{type_name(change)} {key}"
        case SetFlag(who=who, flag=flag):
            return f"{type_name(change)} {who.key} {flag}"
        case SetSetting(name=name):
            return f"{type_name(change)} {name}"
        case _:
            return f"{type_name(change)} {person_of(change)}"
