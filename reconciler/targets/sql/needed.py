"""Which rows a few changes have to look at, so that one person's changes do not read everybody's; never touches a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.access import GroupKey, UserKey
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
    RenameGroup,
    UpdateUser,
    person_of,
)

FEW = 200  # changes; for more, whole tables are read, which takes fewer statements


@dataclass(frozen=True, slots=True)
class Needed:
    """Accounts by key, accounts by a username that is to be theirs, groups by name, groups by what they mirror."""

    accounts: frozenset[UserKey]
    usernames: frozenset[str]
    groups: frozenset[GroupKey]
    sources: frozenset[str]


def needed(changes: Sequence[Change]) -> Needed | None:
    """Return what these changes look at or might collide with; None where that is to be everything."""
    if len(changes) > FEW:
        return None
    return Needed(
        accounts=frozenset(key for change in changes for key in _accounts(change)),
        usernames=frozenset(name for change in changes for name in _usernames(change)),
        groups=frozenset(key for change in changes for key in _groups(change)),
        sources=frozenset(change.group.source for change in changes if isinstance(change, CreateGroup | AdoptGroup))
        - {""},
    )


def _accounts(change: Change) -> Iterable[UserKey]:
    """Yield the key that an account has after the change, and the one before, where it is another."""
    if key := person_of(change):
        yield UserKey(key)
    match change:
        case AdoptUser(have=found):
            yield found.key
        case UpdateUser(have={"key": str(before)}):
            yield UserKey(before)
        case _:
            return


def _usernames(change: Change) -> Iterable[str]:
    match change:
        case CreateUser(user=user):
            yield user.username
        case UpdateUser(want={"username": str(name)}):
            yield name
        case _:
            return


def _groups(change: Change) -> Iterable[GroupKey]:
    match change:
        case AddMembership(group=key) | ChangeRole(group=key) | RemoveMembership(group=key):
            yield key
        case CreateGroup(group=group) | AdoptGroup(group=group) | RemoveGroup(have=group):
            yield group.key
        case RenameGroup(have=before, want=after):
            yield before
            yield after
        case _:
            return
