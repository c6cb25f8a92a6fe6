"""What is so in GitLab right before a change, as a state with just what the change is about; never writes.

Numbers of accounts and groups are known from the read before the first change. What decides is asked again: an account by
one request, the members that a batch is about by one. That an account to be made is not there is not asked: GitLab says so
itself, when it refuses to make another of the name, the address or the identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock

from reconciler.model.access import Group, GroupKey, Role, Scope, State, User, UserKey
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
    UserChange,
)
from reconciler.model.names import login_key
from reconciler.plan.holds import Found, Holding, holdings
from reconciler.targets.answers import Refused
from reconciler.targets.gitlab import read
from reconciler.targets.gitlab.accounts import Account, account
from reconciler.targets.gitlab.api import STABLE_ID, Api
from reconciler.targets.gitlab.groups import Reading
from reconciler.targets.gitlab.rows import Member, Space
from reconciler.targets.gitlab.settings import MEMBERSHIP_LOCK
from reconciler.targets.pages import Item

_NOT_FOUND = 404
_Rows = dict[GroupKey, dict[UserKey, Role]]


@dataclass(frozen=True, slots=True)
class Sight:
    """How the changes of a batch stand to what is so now, in order, and what had to be asked for it.

    `members` are the direct members among the accounts of a batch of memberships, by number.
    """

    found: tuple[Found, ...]
    members: Mapping[int, Member] = field(default_factory=dict)


class Look:
    """Accounts and groups by the keys that a plan has for them; several threads may look at once."""

    def __init__(self, api: Api, found: read.Found) -> None:
        """Begin with what a read has found."""
        self.api = api
        self._lock = RLock()
        self._accounts = {one.number: one for one in found.accounts.values()}
        self._numbers = {key: one.number for key, one in found.accounts.items()}
        self._named = {login_key(one.user.username): one.number for one in found.accounts.values()}
        self._spaces = dict(found.spaces)
        self._adopted: dict[int, UserKey] = {}
        own = found.accounts.get(found.state.own) if found.state.own else None
        self._own = own.number if own else 0
        self._roles = Reading(api.settings)

    def is_own(self, change: UserChange) -> bool:
        """Tell whether a change is about the account of our own token."""
        found = self.account(change)
        return found is not None and found.number == self._own

    def account(self, change: Change) -> Account | None:
        """Return the account of a change as it was seen last, None where there is none."""
        with self._lock:
            for key in _keys(change):
                if (number := self._numbers.get(key)) is not None:
                    return self._accounts.get(number)
        return None

    def keep(self, found: Account, key: UserKey | None = None) -> None:
        """Remember an account as it is now; the keys that a plan may have for it stay its own."""
        with self._lock:
            self._accounts[found.number] = found
            self._numbers.setdefault(key or found.user.key, found.number)
            self._named[login_key(found.user.username)] = found.number

    def adopt(self, found: Account, key: UserKey) -> None:
        """Remember that an account is that of this person from now on, though what makes it ours is still to come."""
        with self._lock:
            self._adopted[found.number] = key
        self.keep(self._as_adopted(found), key)

    def space(self, name: GroupKey) -> Space | None:
        """Return the group or the project of that name, None where there is none."""
        with self._lock:
            known = self._spaces.get(name)
        found = known or self.api.group(name) or (self.api.project(name) if "/" in name else None)
        if found:
            self.settle(name, found)
        return found

    def settle(self, name: GroupKey, space: Space) -> None:
        """Remember a group."""
        with self._lock:
            self._spaces[name] = space

    def at(self, changes: Sequence[Change], *, again: bool = False) -> Sight:
        """Return how the changes of one batch stand to what is so now; `again`: after a call whose end is not clear."""
        first = changes[0]
        match first:
            case AddMembership() | ChangeRole() | RemoveMembership():
                return self._members(first.group, changes)
            case CreateUser():
                state = self._new_account(first, again=again)
            case CreateGroup(group=group):
                there = self.api.group(group.key)
                state = State(groups={group.key: Group(group.key, group.source)} if there else {})
                if there:
                    self.settle(group.key, there)
            case SetSetting():
                locked = self.api.lock()
                state = State(settings={} if locked is None else {MEMBERSHIP_LOCK: locked})
            case RemoveUser() | AdoptGroup() | RenameGroup() | RemoveGroup():
                return Sight(
                    tuple(Found(Holding.PENDING) for _ in changes)
                )  # what is there does not matter: see make.py
            case _:
                state = self._account(first)
        return Sight(holdings(state, changes))

    def parsed(self, item: Item) -> Account:
        """Return the account of a row; one that was adopted just now is ours already."""
        return self._as_adopted(account(item, self.api.settings.provider))

    def _as_adopted(self, found: Account) -> Account:
        with self._lock:
            key = self._adopted.get(found.number)
        if not key or found.user.managed:
            return found
        return replace(found, user=replace(found.user, key=key, managed=True))

    def _members(self, name: GroupKey, changes: Sequence[Change]) -> Sight:
        space = self.space(name)
        accounts = {one.number: one for change in changes if (one := self.account(change))}
        members = self._members_of(space, sorted(accounts)) if space and accounts else {}
        if members is None:
            space, members = None, {}
            with self._lock:
                self._spaces.pop(name, None)
        ours: _Rows = {name: {}}
        others: _Rows = {name: {}}
        for number, member in members.items():
            user = accounts[number].user
            (ours if user.managed else others)[name][user.key] = self._roles.held(member.access, member.by).role
        state = State(
            users={one.user.key: one.user for one in accounts.values() if one.user.managed},
            groups={name: Group(name)} if space else {},
            memberships=ours,
            by_hand=others,
        )
        return Sight(holdings(state, changes), members)

    def _members_of(self, space: Space, numbers: Sequence[int]) -> dict[int, Member] | None:
        """Return the direct members among these accounts, None where the group is gone."""
        try:
            return self.api.members_among(space, numbers)
        except Refused as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def _account(self, change: Change) -> State:
        """Return the account of a change, and another one that has the key which it is to get."""
        known = self.account(change)
        item = self.api.user(known.number) if known else None
        if known and not item:
            with self._lock:
                self._accounts.pop(known.number, None)
        found = [self.parsed(item)] if item else []
        for one in found:
            self.keep(one)
        if isinstance(change, UpdateUser | AdoptUser):
            with self._lock:
                other = self._accounts.get(self._numbers.get(change.who.key, 0))
            found += [other] if other and other.number not in {one.number for one in found} else []
        return _state_of(found)

    def _new_account(self, change: CreateUser, *, again: bool) -> State:
        """Return the accounts that are in the way of a new one."""
        user, found = change.user, dict[int, Account]()
        if known := self.account(change):
            found[known.number] = known
        with self._lock:
            other = self._accounts.get(self._named.get(login_key(user.username), 0))
        if other and not again:
            found[other.number] = other
        if again:
            items = [*self.api.users_by("username", user.username), *self.api.users_by(STABLE_ID, user.key)]
            dn = user.attributes.get("dn")
            items += self.api.users_by("extern_uid", dn) if isinstance(dn, str) else []
            for one in map(self.parsed, items):
                found[one.number] = one
                self.keep(one)
        return _state_of(found.values())

    def made(self, change: CreateUser) -> Account | None:
        """Return the account of the identity that a new one was to have, None where there is none."""
        dn = change.user.attributes.get("dn")
        items = self.api.users_by("extern_uid", dn) if isinstance(dn, str) else []
        return self.parsed(items[0]) if items else None


def begin(api: Api, found: read.Found | None) -> Look:
    """Return a look that rests on a read, which is made now where there was none."""
    return Look(api, found or read.read(api, Scope(api.settings.directory, frozenset())))


def _state_of(accounts: Iterable[Account]) -> State:
    users: dict[UserKey, User] = {one.user.key: one.user for one in accounts}
    return State(users=users)


def _keys(change: Change) -> Sequence[UserKey]:
    """Return the keys that the account of a change may have been read under, the surest first."""
    match change:
        case AddMembership(who=who) | ChangeRole(who=who) | RemoveMembership(who=who):  # most of all
            return who.key, who.account
        case CreateUser(user=user):
            return [user.key]
        case AdoptUser(who=who, have=have):
            return [have.key, who.key]
        case UpdateUser(who=who, have={"key": str(before)}):
            return [UserKey(before), who.key]
        case CreateGroup() | AdoptGroup() | RenameGroup() | RemoveGroup() | SetSetting():
            return []
        case _:
            return [change.who.key, change.who.account]
