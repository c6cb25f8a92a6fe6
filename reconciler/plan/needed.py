"""What of a target a few changes have to look at, so that one person's changes do not read everybody's; asks no target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.access import GroupKey, Scope, UserKey
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
    UpdateUser,
    person_of,
)
from reconciler.plan.known import known_as

FEW = 200  # changes; for more, everything is read, which takes fewer statements or requests


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


def scope_for(directory: str, changes: Sequence[Change], *, part: bool = False) -> Scope:
    """Return what a live read has to cover so that `holdings` of these changes can be told: no group but those concerned.

    `part`: if they are few, no account but those concerned, either. A target that cannot give a part gives everything then.
    """
    groups = frozenset(key for change in changes for key in _groups(change))
    few = needed(changes) if part else None
    if few is None:
        return Scope(directory, groups, any(map(_hangs_on_more, changes)))
    return Scope(directory, groups, any(map(_hangs_on_more, changes)), few.accounts, few.usernames, few.sources)


def _hangs_on_more(change: Change) -> bool:
    """Tell whether more than the named groups decides: what an account holds anywhere, or who else mirrors a group."""
    match change:
        case CreateGroup(group=group) | AdoptGroup(group=group) | RemoveGroup(have=group):
            return bool(group.source)
        case _:
            return isinstance(change, RenameGroup | RemoveUser)


def _accounts(change: Change) -> Iterable[UserKey]:
    """Yield every key that an account has after the change or before."""
    if key := person_of(change):
        yield UserKey(key)
    yield from known_as(change)
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
