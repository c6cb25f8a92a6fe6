"""Tell which accounts of a target without stable ids are whose, as a plan's changes say it; pure, looks at no directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.diff.align import with_users_rekeyed
from reconciler.model.access import STABLE_ID_MISSING, State, UserKey, Value
from reconciler.model.change import (
    AddMembership,
    Change,
    ChangeRole,
    CreateUser,
    DisableUser,
    EnableUser,
    RemoveMembership,
    RemoveUser,
    SetFlag,
    UpdateUser,
    person_of,
)
from reconciler.model.names import DnSyntaxError, dn_key


def known_as(change: Change) -> Iterator[UserKey]:
    """Yield the keys, other than the person's, by which the target may know the account of a change, the surest first.

    They are what it was known by when the plan was made, and what it is known by once the plan has moved its identity. An
    account that the plan makes with an identity is known by that until it has the person's id.
    """
    match change:
        case CreateUser(user=user):
            yield from _of(user.attributes.get("dn"))
        case (
            UpdateUser(who=who)
            | EnableUser(who=who)
            | DisableUser(who=who)
            | RemoveUser(who=who)
            | SetFlag(who=who)
            | AddMembership(who=who)
            | ChangeRole(who=who)
            | RemoveMembership(who=who)
        ) if who.account:
            yield who.account
            if isinstance(change, UpdateUser):
                yield from _of(change.want.get("dn"))
        case _:
            return


def with_known_accounts(have: State, changes: Iterable[Change]) -> State:
    """Return the live state with accounts under the keys of the people whose they are; whether they are ours stays as it is."""
    found: dict[UserKey, UserKey] = {}
    for change in changes:
        for known in known_as(change):
            key = UserKey(person_of(change))
            if known in have.users and key not in have.users:
                found.setdefault(key, known)
    return with_users_rekeyed(have, {known: replace(have.users[known], key=key) for key, known in found.items()})


def _of(dn: Value | None) -> Iterator[UserKey]:
    try:
        if isinstance(dn, str):
            yield UserKey(STABLE_ID_MISSING + dn_key(dn))
    except DnSyntaxError:
        return
