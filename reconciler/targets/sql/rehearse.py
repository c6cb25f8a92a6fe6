"""Try a batch on rows in memory: which preconditions still hold, and how the rows are to look at the end; writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from reconciler.model.access import GroupKey, Role, User, UserKey
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
from reconciler.model.names import login_key
from reconciler.model.text import shortened
from reconciler.plan.rests import Thing, gives, needs
from reconciler.plan.subject import named
from reconciler.targets.base import Outcome, Status
from reconciler.targets.sql.draft import Blocked, Draft, Refused, Stale
from reconciler.targets.sql.rows import Roster, Touched
from reconciler.targets.sql.try_groups import try_group, try_membership
from reconciler.targets.sql.try_users import try_user

_KEEPING = frozenset({"owner", "in"})  # what keeps somebody in a group, or the account and the group that hang on it
_NOT_TRIED = "not tried: other changes of this run are stale, so nothing was written"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would become of every change, in order; `draft` is to be written only if nothing is `stale`."""

    outcomes: list[Outcome]
    draft: Draft
    stale: bool


def touched(changes: Iterable[Change]) -> Touched:
    """Return what has to be read before these changes can be rehearsed."""
    names: set[GroupKey] = set()
    keys: set[UserKey] = set()
    keys_before: dict[UserKey, UserKey] = {}
    for change in changes:
        match change:
            case AddMembership(group=group) | ChangeRole(group=group) | RemoveMembership(group=group):
                names.add(group)
            case RemoveGroup(have=group_row):
                names.add(group_row.key)
            case RenameGroup(have=name):
                names.add(name)
            case RemoveUser(who=who):
                keys.add(who.key)
            case AdoptUser(who=who, have=User(key=key)):
                keys_before[who.key] = key
            case UpdateUser(who=who, have={"key": str(text)}):
                keys_before[who.key] = UserKey(text)
            case _:
                pass
    return Touched(frozenset(names), frozenset(keys | {keys_before.get(key, key) for key in keys}))


def rehearse(directory: str, have: Roster, changes: Sequence[Change], owner: Role | None = None) -> Rehearsal:
    """Try every change in order; a change may rest on those before it.

    `owner` is the role of owners: a group whose new one is refused keeps those that it has.
    """
    draft = Draft(directory, have)
    lacking: dict[Thing, Change] = {}
    outcomes = []
    for change in changes:
        outcome = _resting(change, owner, lacking) or _outcome(draft, change)
        if outcome.status is not Status.APPLIED:
            lacking |= {thing: change for thing in gives(change, owner) if thing[0] in _KEEPING}
        outcomes.append(outcome)
    _check_names(draft, outcomes)
    stale = any(outcome.status is Status.STALE for outcome in outcomes)
    if stale:
        outcomes = [
            Outcome(outcome.change, Status.SKIPPED, _NOT_TRIED) if outcome.status is Status.APPLIED else outcome
            for outcome in outcomes
        ]
    return Rehearsal(outcomes, draft, stale)


def _resting(change: Change, owner: Role | None, lacking: Mapping[Thing, Change]) -> Outcome | None:
    """Return that a change is not tried which would take away what has to stay for now."""
    missing = next((lacking[thing] for thing in needs(change, owner) if thing in lacking), None)
    if missing is None:
        return None
    return Outcome(change, Status.SKIPPED, f"not tried: it rests on {named(missing)}")


def _outcome(draft: Draft, change: Change) -> Outcome:
    try:
        _try(draft, change)
    except Stale as error:
        return Outcome(change, Status.STALE, str(error))
    except Refused as error:
        return Outcome(change, Status.FAILED, str(error))
    except Blocked as error:
        return Outcome(change, Status.SKIPPED, str(error))
    return Outcome(change, Status.APPLIED)


def _try(draft: Draft, change: Change) -> None:
    match change:
        case AddMembership() | ChangeRole() | RemoveMembership():
            try_membership(draft, change)
        case CreateUser() | AdoptUser() | UpdateUser() | EnableUser() | DisableUser() | RemoveUser() | SetFlag():
            try_user(draft, change)
        case CreateGroup() | AdoptGroup() | RenameGroup() | RemoveGroup():
            try_group(draft, change)
        case SetSetting(name=name):
            raise Stale(f"{shortened(name)}: a roster has no such setting")
        case _:
            assert_never(change)


def _check_names(draft: Draft, outcomes: list[Outcome]) -> None:
    """Make changes stale whose new name is somebody else's at the end; only there, so that names can be exchanged."""
    users = Counter(login_key(row.username) for row in draft.users.values())
    groups = Counter(row.name for row in draft.groups.values())
    for number, outcome in enumerate(outcomes):
        if outcome.status is not Status.APPLIED:
            continue
        match outcome.change:
            case CreateUser(user=user) if users[login_key(user.username)] > 1:
                message = _name_taken(draft, user.username, user.key)
            case UpdateUser(who=who, want={"username": str(name)}) if users[login_key(name)] > 1:
                message = _name_taken(draft, name, who.key)
            case CreateGroup(group=group) if groups[group.key] > 1:
                message = f"{shortened(group.key)}: a group of that name is there already"
            case RenameGroup(want=key) if groups[key] > 1:
                message = f"{shortened(key)}: a group of that name is there already"
            case _:
                continue
        outcomes[number] = Outcome(outcome.change, Status.STALE, message)


def _name_taken(draft: Draft, username: str, key: UserKey) -> str:
    wanted = login_key(username)
    holders = (row for row in draft.users.values() if login_key(row.username) == wanted and row.external_id != key)
    holder = next(holders, None)
    owner = "" if holder is None else f" ({shortened(holder.username)}, {draft.owner(holder.managed_by)})"
    return f"{shortened(username)}: an account of that name is there already{owner}"
