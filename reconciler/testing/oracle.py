"""What a target must look like after changes, worked out on values alone; never asks a target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from reconciler.model.access import (
    STABLE_ID_MISSING,
    Capabilities,
    Group,
    GroupKey,
    Memberships,
    Role,
    State,
    User,
    UserKey,
    Value,
)
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
    UserChange,
)
from reconciler.model.names import dn_key


def after(have: State, changes: Iterable[Change], capabilities: Capabilities) -> State:
    """Return the state that a target in state `have` must read as when all these changes are applied, in order."""
    oracle = _Oracle(have, capabilities)
    for change in changes:
        oracle.make(change)
    rows, by_hand = without_empty(oracle.members), without_empty(oracle.by_hand)
    return State(oracle.users, oracle.groups, rows, by_hand, settings=oracle.settings)


def without_empty(memberships: Memberships) -> dict[GroupKey, dict[UserKey, Role]]:
    """Return the memberships without groups that have none: a state may hold such groups or leave them out."""
    return {group: dict(members) for group, members in memberships.items() if members}


class _Oracle:
    """A state that can be changed."""

    def __init__(self, have: State, capabilities: Capabilities) -> None:
        """Copy the state, so that the caller's stays as it is."""
        self.users = dict(have.users)
        self.groups = dict(have.groups)
        self.members = without_empty(have.memberships)
        self.by_hand = without_empty(have.by_hand)
        self.settings = dict(have.settings)
        self._capabilities = capabilities
        self._moved: dict[UserKey, UserKey] = {}

    def make(self, change: Change) -> None:
        """Make one change so."""
        change = self._addressed(change)
        match change:
            case AddMembership() | ChangeRole() | RemoveMembership():
                self._membership(change)
            case CreateGroup() | AdoptGroup() | RenameGroup() | RemoveGroup():
                self._group(change)
            case CreateUser() | AdoptUser() | UpdateUser() | EnableUser() | DisableUser() | RemoveUser() | SetFlag():
                self._user(change)
            case SetSetting(name=name, want=on):
                self.settings[name] = on
            case _:
                assert_never(change)

    def _addressed(self, change: Change) -> Change:
        """Return the change with the key by which the target knows the account now."""
        match change:
            case CreateUser() | CreateGroup() | AdoptGroup() | RenameGroup() | RemoveGroup() | SetSetting():
                return change
            case _:
                who = change.who
        known = self._moved.get(who.account, who.account)
        return replace(change, who=replace(who, key=known)) if known and who.key not in self.users else change

    def _membership(self, change: MembershipChange) -> None:
        members = self.members.setdefault(change.group, {})
        match change:
            case AddMembership(who=who, want=want) | ChangeRole(who=who, want=want):
                members[who.key] = want
            case RemoveMembership(who=who):
                del members[who.key]
            case _:
                assert_never(change)

    def _group(self, change: GroupChange) -> None:
        match change:
            case CreateGroup(group=group) | AdoptGroup(group=group):
                self.groups[group.key] = group
            case RenameGroup(have=have, want=want, source=source):
                del self.groups[have]
                self.groups[want] = Group(want, source)
                for side in (self.members, self.by_hand):
                    side[want] = side.pop(have, {})
            case RemoveGroup(have=gone):
                del self.groups[gone.key]
                self.members.pop(gone.key, None)
            case _:
                assert_never(change)

    def _user(self, change: UserChange) -> None:
        match change:
            case CreateUser(user=user):
                self.users[user.key] = self._as_kept(user)
            case AdoptUser(who=who, have=have):
                self._rekey(have.key, who.key)
                self._put(who.key, replace(self.users[who.key], managed=True))
                if not self._capabilities.marks_memberships:  # whose account is ours, whose memberships are
                    self._own_rows(who.key)
            case UpdateUser(who=who, have=have_values, want=want):
                self._update(UserKey(str(have_values.get("key", who.key))), want)
            case EnableUser(who=who):
                self._put(who.key, replace(self.users[who.key], active=True))
            case DisableUser(who=who):
                self._put(who.key, replace(self.users[who.key], active=False))
            case RemoveUser(who=who):
                del self.users[who.key]
                for members in self.members.values():
                    members.pop(who.key, None)
            case SetFlag(who=who, flag=flag, want=on):
                user = self.users[who.key]
                self._put(who.key, replace(user, flags={**user.flags, flag: on}))
            case _:
                assert_never(change)

    def _own_rows(self, key: UserKey) -> None:
        for group, people in self.by_hand.items():
            if key in people:
                self.members.setdefault(group, {})[key] = people.pop(key)

    def _put(self, key: UserKey, user: User) -> None:
        self.users[key] = user

    def _as_kept(self, user: User) -> User:
        kept = {name: value for name, value in user.attributes.items() if name in self._capabilities.attributes}
        flags = {flag: user.flags.get(flag, False) for flag in self._capabilities.flags}
        return replace(user, attributes=kept, flags=flags)

    def _update(self, key: UserKey, want: Mapping[str, Value | None]) -> None:
        user = self.users[key]
        values = {**user.attributes, **{name: value for name, value in want.items() if name not in {"username", "key"}}}
        attributes = {name: value for name, value in values.items() if value is not None}
        self._put(key, replace(user, attributes=attributes, username=str(want.get("username", user.username))))
        if "key" in want:
            self._rekey(key, UserKey(str(want["key"])))
        elif "dn" in want and key.startswith(STABLE_ID_MISSING):
            self._moved[key] = UserKey(STABLE_ID_MISSING + dn_key(str(want["dn"])))
            self._rekey(key, self._moved[key])

    def _rekey(self, have: UserKey, want: UserKey) -> None:
        self.users[want] = replace(self.users.pop(have), key=want)
        for side in (self.members, self.by_hand):
            for members in side.values():
                if have in members:
                    members[want] = members.pop(have)
