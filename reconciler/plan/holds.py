"""Tell which changes of a run can still be made on a live state, and which are made already; pure, never asks a target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from reconciler.model.access import Role, State, User, UserKey, Value
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
    MembershipChange,
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
from reconciler.plan.draft import Draft, quoted, value_of
from reconciler.plan.known import with_known_accounts


class Holding(StrEnum):
    """How one change stands to what is there."""

    PENDING = "pending"  # its precondition holds: it can be made
    DONE = "done"  # what it wants is so already
    STALE = "stale"  # neither: something else is there


@dataclass(frozen=True, slots=True)
class Found:
    """How one change stands to what is there; `words` say what is there now, empty where the change can be made."""

    holding: Holding
    words: str = ""


_PENDING = Found(Holding.PENDING)


def holdings(have: State, changes: Sequence[Change]) -> tuple[Found, ...]:
    """Return how every change stands to the live state, in order; a change may rest on earlier ones that can be made.

    What rests on a stale change is stale, too. Whether a new name of an account is free is judged at the end of the run,
    so that names can be exchanged. Accounts that the target knows by other keys than their people's are found by these.
    """
    have = with_known_accounts(have, changes)
    spoiled: dict[int, Found] = {}
    leaving = frozenset(change.who.key for change in changes if isinstance(change, RemoveUser))
    while True:
        draft = Draft(have)
        found = tuple(
            spoiled.get(number) or _gone(draft, change, leaving) or _look(draft, change)
            for number, change in enumerate(changes)
        )
        taken = _taken_names(draft, changes, found)
        if not taken:
            return found
        spoiled |= taken


def _gone(draft: Draft, change: Change, leaving: Collection[UserKey]) -> Found | None:
    """Return that a change of an account is done where this run removes the account in the end, and it is not there."""
    match change:
        case UpdateUser(who=who, have=values):
            before = UserKey(str(values.get("key", who.key)))
        case AdoptUser(who=who, have=account):
            before = account.key
        case EnableUser(who=who) | DisableUser(who=who) | SetFlag(who=who):
            before = who.key
        case _:
            return None
    if who.key not in leaving or {who.key, before} & draft.users.keys():
        return None
    return _done(f"{shortened(who.username)}: the account is gone already, as this plan wants it in the end")


def _look(draft: Draft, change: Change) -> Found:
    """Return how a change stands to the draft, and make it there where it can be made."""
    match change:
        case AddMembership() | ChangeRole() | RemoveMembership():
            return _membership(draft, change)
        case CreateGroup() | AdoptGroup() | RenameGroup() | RemoveGroup():
            return _group(draft, change)
        case CreateUser() | AdoptUser() | UpdateUser() | RemoveUser():
            return _account(draft, change)
        case EnableUser() | DisableUser() | SetFlag():
            return _mark(draft, change)
        case SetSetting():
            return _setting(draft, change)
        case _:
            assert_never(change)


def _done(words: str) -> Found:
    return Found(Holding.DONE, words)


def _stale(words: str) -> Found:
    return Found(Holding.STALE, words)


def _membership(draft: Draft, change: MembershipChange) -> Found:
    key = change.who.key
    if (by_hand := draft.by_hand.get(change.group, {}).get(key)) is not None:
        return _stale(f"{_where(change)}: there is a membership made by hand, {shortened(by_hand)}")
    have = None if isinstance(change, AddMembership) else change.have
    want = None if isinstance(change, RemoveMembership) else change.want
    role = draft.role(change.group, key)
    if role == want:
        return _done(
            f"{_where(change)}: {_role(role)} already" if role else f"{_where(change)}: there is no membership any more"
        )
    if lack := draft.lack_of_place(change.group, key):
        return _stale(f"{_where(change)}: {lack}")
    if role != have:
        return _stale(
            f"{_where(change)}: {_role(role)}, the plan expected {'none' if have is None else shortened(have)}"
        )
    draft.give(change.group, key, want)
    return _PENDING


def _where(change: MembershipChange) -> str:
    return f"{shortened(change.who.username)} in {shortened(change.group)}"


def _role(role: Role | None) -> str:
    return "there is no membership" if role is None else f"the role is {shortened(role)}"


def _group(draft: Draft, change: GroupChange) -> Found:
    match change:
        case CreateGroup(group=group):
            return _create_group(draft, change) if group.key not in draft.groups else _there(draft, change)
        case AdoptGroup(group=group):
            held = draft.groups.get(group.key)
            if held is None:
                return _stale(f"{shortened(group.key)}: there is no group of that name any more")
            if held.managed:
                return _there(draft, change)
            draft.groups[group.key] = replace(group, managed=True)
            return _PENDING
        case RenameGroup():
            return _rename_group(draft, change)
        case RemoveGroup():
            return _remove_group(draft, change)
        case _:
            assert_never(change)


def _create_group(draft: Draft, change: CreateGroup) -> Found:
    group = change.group
    same = [one.key for one in draft.groups.values() if group.source and one.managed and one.source == group.source]
    if same:
        return _stale(
            f"{shortened(group.key)}: the group {shortened(same[0])} mirrors {shortened(group.source)} already"
        )
    draft.groups[group.key] = group
    return _PENDING


def _there(draft: Draft, change: CreateGroup | AdoptGroup) -> Found:
    held, name = draft.groups[change.group.key], shortened(change.group.key)
    if not held.managed:
        return _stale(f"{name}: a group of that name is there, and it is not ours")
    if held.source != change.group.source:
        return _stale(f'{name}: the group mirrors "{shortened(held.source)}" now')
    return _done(f"{name}: the group is there already, and it is ours")


def _rename_group(draft: Draft, change: RenameGroup) -> Found:
    new = draft.groups.get(change.want)
    if new is not None and new.managed and new.source == change.source:
        return _done(f"{shortened(change.have)}: the group is called {shortened(change.want)} already")
    if words := draft.not_ours(change.have, change.source):
        return _stale(words)
    if new is not None:
        return _stale(f"{shortened(change.want)}: a group of that name is there already")
    draft.rename(change.have, change.want)
    return _PENDING


def _remove_group(draft: Draft, change: RemoveGroup) -> Found:
    name = change.have.key
    if name not in draft.groups:
        return _done(f"{shortened(name)}: there is no group of that name any more")
    if words := draft.not_ours(name, change.have.source):
        return _stale(words)
    if count := draft.members_of(name):
        return _stale(f"{shortened(name)}: the plan does not end all memberships in the group, {count} would stay")
    del draft.groups[name]
    return _PENDING


def _account(draft: Draft, change: CreateUser | AdoptUser | UpdateUser | RemoveUser) -> Found:
    match change:
        case CreateUser():
            return _create_user(draft, change)
        case AdoptUser():
            return _adopt_user(draft, change)
        case UpdateUser():
            return _update_user(draft, change)
        case RemoveUser():
            return _remove_user(draft, change)
        case _:
            assert_never(change)


def _create_user(draft: Draft, change: CreateUser) -> Found:
    want = change.user
    held = draft.users.get(want.key)
    if held is None:
        draft.users[want.key] = want
        return _PENDING
    name = shortened(want.username)
    if not held.managed:
        return _stale(f"{name}: an account with the key {shortened(want.key)} is there, and it is not ours")
    kept = {known: want.attributes[known] for known in held.attributes if known in want.attributes}
    flags = {flag: want.flags.get(flag, False) for flag in held.flags}
    if (
        replace(held, attributes={**held.attributes, **kept}, flags=flags, username=want.username, active=want.active)
        != held
    ):
        return _stale(f"{name}: an account with the key {shortened(want.key)} is there already, and it is another one")
    return _done(f"{name}: the account is there already, and it is ours")


def _adopt_user(draft: Draft, change: AdoptUser) -> Found:
    name, key = shortened(change.have.username), change.who.key
    there = draft.users.get(key)
    if there is not None and there.managed:
        return _done(f"{name}: the account is ours already")
    held = draft.users.get(change.have.key)
    if held is None or held.username != change.have.username:
        return _stale(f"{name}: there is no account of that name with the key {shortened(change.have.key)} any more")
    if held.managed:
        return _stale(f"{name}: the account is ours already, with the key {shortened(held.key)}")
    if there is not None and there is not held:
        return _stale(f"{name}: another account has the key {shortened(key)} already")
    draft.rekey(held.key, key)
    draft.users[key] = replace(draft.users[key], managed=True)
    return _PENDING


def _update_user(draft: Draft, change: UpdateUser) -> Found:
    who, name = change.who, shortened(change.who.username)
    there = draft.users.get(who.key)
    if there and there.managed and all(_same(there, fact, value) for fact, value in change.want.items()):
        return _done(f"{name}: {', '.join(map(shortened, sorted(change.want)))} as the plan wants it already")
    key = UserKey(str(change.have.get("key", who.key)))
    held = draft.users.get(key)
    if held is None or not held.managed:
        return _stale(f"{name}: {draft.lack(key)}")
    for fact, expected in sorted(change.have.items()):
        if not _same(held, fact, expected):
            found = quoted(value_of(held, fact))
            return _stale(f"{name}: {shortened(fact)} is {found}, the plan expected {quoted(expected)}")
    if there is not None and there is not held:
        return _stale(f"{name}: another account has the key {shortened(who.key)} already")
    draft.update(held, who.key, change.want)
    return _PENDING


def _same(held: User, fact: str, value: Value | None) -> bool:
    """Tell whether an account holds that value; none and an empty one are the same."""
    return (value_of(held, fact) or None) == (value or None)


def _remove_user(draft: Draft, change: RemoveUser) -> Found:
    key, name = change.who.key, shortened(change.who.username)
    held = draft.users.get(key)
    if held is None:
        return _done(f"{name}: there is no account with the key {shortened(key)} any more")
    if not held.managed:
        return _stale(f"{name}: {draft.lack(key)}")
    if held.username != change.have.username:
        return _stale(f"{name}: the account is called {shortened(held.username)} now")
    if key in draft.holders():
        return _stale(f"{name}: the plan does not end all memberships that hang on the account")
    del draft.users[key]
    return _PENDING


def _mark(draft: Draft, change: EnableUser | DisableUser | SetFlag) -> Found:
    key, name = change.who.key, shortened(change.who.username)
    held = draft.users.get(key)
    if held is None or not held.managed:
        return _stale(f"{name}: {draft.lack(key)}")
    match change:
        case SetFlag(flag=flag, want=want):
            if held.flags.get(flag, False) == want:
                return _done(f"{name}: {flag} is {quoted(want)} already")
            draft.users[key] = replace(held, flags={**held.flags, flag: want})
        case EnableUser() | DisableUser():
            want = isinstance(change, EnableUser)
            if held.active == want:
                return _done(f"{name}: the account is {'active' if want else 'disabled'} already")
            if held.disabled_by_hand:
                return _stale(f"{name}: the account was disabled by hand, so it is not ours to enable")
            draft.users[key] = replace(held, active=want)
        case _:
            assert_never(change)
    return _PENDING


def _setting(draft: Draft, change: SetSetting) -> Found:
    held = draft.settings.get(change.name)
    if held is None:
        return _stale(f"{shortened(change.name)}: the target has no such setting any more")
    if held == change.want:
        return _done(f"{shortened(change.name)}: {quoted(held)} already")
    draft.settings[change.name] = change.want
    return _PENDING


def _taken_names(draft: Draft, changes: Sequence[Change], found: Sequence[Found]) -> dict[int, Found]:
    """Return the changes, by number, whose new name of an account would be somebody else's at the end, as stale."""
    if not any(isinstance(change, CreateUser | UpdateUser) for change in changes):
        return {}
    names = Counter(login_key(user.username) for user in draft.users.values())
    taken = {}
    for number, change in enumerate(changes):
        match change:
            case CreateUser(user=user):
                name = user.username
            case UpdateUser(want={"username": str(text)}):
                name = text
            case _:
                continue
        if found[number].holding is Holding.PENDING and names[login_key(name)] > 1:
            taken[number] = _stale(f"{shortened(name)}: an account of that name is there already")
    return taken
