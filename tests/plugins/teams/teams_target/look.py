"""What is so in the app right before a change, as a state with just what the change is about; never writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import RLock

from reconciler.model.access import GroupKey, Role, State, UserKey
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
from reconciler.plan.holds import Found, holdings

from .app import Account, App, Team

Rows = dict[GroupKey, dict[UserKey, Role]]


class Look:
    """Numbers of accounts and groups, read once and kept up; whatever decides is read again at each look."""

    def __init__(self, app: App) -> None:
        """Read everybody and every group."""
        self.app = app
        self._lock = RLock()
        self._accounts: dict[UserKey, Account] = {}
        self._keys: dict[int, UserKey] = {}
        self._teams: dict[GroupKey, Team] = {}
        for account in app.accounts():
            self.keep(account)

    def keep(self, account: Account) -> None:
        """Remember an account as it is now."""
        with self._lock:
            self._accounts.pop(self._keys.get(account.number, account.user.key), None)
            self._accounts[account.user.key] = account
            self._keys[account.number] = account.user.key

    def account(self, key: UserKey) -> Account:
        """Return an account that a look has found."""
        with self._lock:
            return self._accounts[key]

    def team(self, name: GroupKey) -> Team:
        """Return a group that a look has found."""
        with self._lock:
            return self._teams[name]

    def at(self, changes: Sequence[Change]) -> tuple[Found, ...]:
        """Return how the changes of one batch stand to what is so now."""
        users: dict[UserKey, Account] = {}
        for change in changes:
            users |= self._people(change, single=len(changes) == 1)
        names = dict.fromkeys(name for change in changes for name in names_in(change))
        teams = {team.group.key: team for name in names for team in self.app.teams(name)}
        for account in users.values():
            self.keep(account)
        with self._lock:
            self._teams.update(teams)
        state = State(
            {key: account.user for key, account in users.items()},
            {name: team.group for name, team in teams.items()},
            *self._memberships(changes, users, teams),
        )
        return holdings(state, changes)

    def _memberships(
        self, changes: Sequence[Change], users: Mapping[UserKey, Account], teams: Mapping[GroupKey, Team]
    ) -> tuple[Rows, Rows]:
        """Return what is in the groups of which members come or go, and what hangs on an account that goes.

        Ours first, then what belongs to accounts that are not ours.
        """
        ours: Rows = {}
        others: Rows = {}
        for change in changes:
            match change:
                case AddMembership() | ChangeRole() | RemoveMembership() | RemoveGroup():
                    team = teams.get(group_of(change))
                    if team and team.group.key not in ours:
                        ours[team.group.key], others[team.group.key] = self._rows(team)
                case RemoveUser(who=who) if who.key in users:
                    of = self.app.groups_of(users[who.key].number)
                    ours |= {GroupKey(f"#{number}"): {who.key: role} for number, role in of.items()}
                case _:
                    pass
        return ours, others

    def _rows(self, team: Team) -> tuple[dict[UserKey, Role], dict[UserKey, Role]]:
        ours: dict[UserKey, Role] = {}
        others: dict[UserKey, Role] = {}
        for number, role in self.app.members(team).items():
            with self._lock:
                key = self._keys.get(number, UserKey(f"#{number}"))
                mine = key in self._accounts and self._accounts[key].user.managed
            (ours if mine else others)[key] = role
        return ours, others

    def _people(self, change: Change, *, single: bool) -> dict[UserKey, Account]:
        """Return the accounts that a change is about, and those that may be in its way."""
        keys, names = _sought(change)
        if not single:
            with self._lock:
                known = {key: self._accounts[key] for key in keys if key in self._accounts}
            return {key: account for key, account in known.items() if account.user.managed}
        found = [account for key in sorted(keys) for account in self.app.named("external_id", key)]
        found += [account for name in sorted(names) for account in self.app.named("username", name)]
        return {account.user.key: account for account in found}


def _sought(change: Change) -> tuple[set[UserKey], set[str]]:
    """Return the keys and the usernames that decide whether a change of accounts can be made."""
    keys = {UserKey(person_of(change))} - {UserKey("")}
    match change:
        case CreateUser(user=user):
            return keys, {user.username}
        case AdoptUser(have=have):
            return keys, {have.username}
        case UpdateUser(have=values, want=want):
            return keys | {UserKey(str(values.get("key", change.who.key)))}, {
                str(want[word]) for word in want if word == "username"
            }
        case _:
            return keys, set()


def group_of(change: Change) -> GroupKey:
    """Return the name of the group of a change that has just one; empty for others."""
    match change:
        case AddMembership(group=name) | ChangeRole(group=name) | RemoveMembership(group=name):
            return name
        case CreateGroup(group=group) | AdoptGroup(group=group) | RemoveGroup(have=group):
            return group.key
        case _:
            return GroupKey("")


def names_in(change: Change) -> list[GroupKey]:
    """Return the names of all groups that a change is about."""
    if isinstance(change, RenameGroup):
        return [change.have, change.want]
    return [name] if (name := group_of(change)) else []
