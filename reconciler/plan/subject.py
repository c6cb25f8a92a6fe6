"""What guards look at: one target's live state and the changes that are to be made; refuse nothing themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeGuard, TypeVar, assert_never

from reconciler.diff.rules import is_demotion
from reconciler.model.access import Flag, Group, GroupKey, Role, State, Totals
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
from reconciler.model.past import Seen


@dataclass(frozen=True, slots=True)
class Subject:
    """What guards look at: one target, its live state under the plan's keys, and the changes that are to be made.

    `inherits`: roles hold in groups below. `whole`: the plan is for everybody, else for some people of whom alone anything was asked.
    `people` and `groups` are how many the directory holds now, `seen` is what it held when it was last applied from, None
    where nobody remembers. `missing_groups`, `no_admins` and `no_externals` are those of what is desired.
    """

    target: str
    have: State
    changes: Sequence[Change]
    privileged: frozenset[str]
    today: date
    roles: Sequence[Role] = ()
    inherits: bool = False
    directory: str = ""
    whole: bool = True
    people: int = 0
    groups: int = 0
    seen: Seen | None = None
    missing_groups: Mapping[GroupKey, Sequence[str]] = field(default_factory=dict)
    no_admins: str = ""
    no_externals: str = ""

    @property
    def removals(self) -> Sequence[RemoveMembership]:
        """Return the memberships to be taken away."""
        return [change for change in self.changes if isinstance(change, RemoveMembership)]

    @property
    def losses(self) -> Sequence[RemoveMembership | ChangeRole]:
        """Return the memberships to be taken away, and those that are to end with a lower role."""
        return [change for change in self.changes if isinstance(change, RemoveMembership) or self._lowers(change)]

    @property
    def lost_admins(self) -> Sequence[SetFlag]:
        """Return who is to lose the admin mark; to lose another mark takes less, or nothing."""
        changes = [change for change in self.changes if isinstance(change, SetFlag) and not change.want]
        return [change for change in changes if change.flag is Flag.ADMIN]

    @property
    def admins(self) -> int:
        """Return how many accounts of ours carry the admin mark now."""
        if self.have.totals is not None:
            return self.have.totals.admins
        return sum(user.managed and user.flags.get(Flag.ADMIN, False) for user in self.have.users.values())

    @property
    def closed(self) -> Sequence[DisableUser | RemoveUser]:
        """Return the accounts to be disabled or removed."""
        return [change for change in self.changes if isinstance(change, DisableUser | RemoveUser)]

    @property
    def holdings(self) -> Totals:
        """Return how much of ours there is in all; of accounts those that are open, or closed by this plan."""
        have, closing = self.have, {change.who.key for change in self.closed}
        inactive = sum(not have.users[key].active for key in closing)
        if have.totals is not None:
            return replace(have.totals, accounts=have.totals.accounts + inactive)
        return Totals(
            accounts=sum(user.managed and user.active for user in have.users.values()) + inactive,
            admins=self.admins,
            groups=sum(group.managed for group in have.groups.values()),
            memberships=sum(map(len, have.memberships.values())),
        )

    @property
    def going(self) -> frozenset[GroupKey]:
        """Return the groups that are to be removed."""
        return frozenset(change.have.key for change in self.changes if isinstance(change, RemoveGroup))

    def _lowers(self, change: Change) -> TypeGuard[ChangeRole]:
        return lowers(change, self.roles)


def lowers(change: Change, roles: Sequence[Role]) -> TypeGuard[ChangeRole]:
    """Tell whether somebody is to end with a lower role."""
    return isinstance(change, ChangeRole) and is_demotion(change.have, change.want, roles)


def takes_access(change: Change, roles: Sequence[Role]) -> bool:
    """Tell whether a person can do less once the change is made; who is marked external sees less, too."""
    match change:
        case RemoveMembership() | DisableUser() | RemoveUser():
            return True
        case SetFlag(flag=flag, want=wanted):
            return wanted == (flag is Flag.EXTERNAL)
        case _:
            return lowers(change, roles)


_Loss = TypeVar("_Loss", RemoveMembership, RemoveMembership | ChangeRole)


def by_group(losses: Sequence[_Loss]) -> Mapping[GroupKey, list[_Loss]]:
    """Return the losses of each group, groups by name."""
    found: dict[GroupKey, list[_Loss]] = {}
    for change in losses:
        found.setdefault(change.group, []).append(change)
    return dict(sorted(found.items()))


def named(change: Change) -> str:
    """Return what a refusal calls the change: the group and the person, the mark and the person, or the one that there is."""
    match change:
        case (
            AddMembership(who=who, group=group)
            | ChangeRole(who=who, group=group)
            | RemoveMembership(who=who, group=group)
        ):
            return f"{group}: {who.username}"
        case SetFlag(who=who, flag=flag):
            return f"{flag}: {who.username}"
        case CreateUser(user=user):
            return user.username
        case (
            AdoptUser(who=who) | UpdateUser(who=who) | EnableUser(who=who) | DisableUser(who=who) | RemoveUser(who=who)
        ):
            return who.username
        case CreateGroup(group=Group(key=key)) | AdoptGroup(group=Group(key=key)) | RemoveGroup(have=Group(key=key)):
            return key
        case RenameGroup(have=key) | SetSetting(name=key):
            return key
        case _:
            assert_never(change)
