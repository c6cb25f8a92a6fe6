"""Hold back what would leave a group with too few owners; refuse nothing, so that the run goes on."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TypeGuard

from reconciler.diff.cascade import instead_of
from reconciler.model.access import GroupKey, Role, UserKey
from reconciler.model.change import (
    AddMembership,
    Change,
    ChangeRole,
    DisableUser,
    EnableUser,
    RemoveMembership,
    RemoveUser,
)
from reconciler.model.plan import Hold, Withheld
from reconciler.plan.subject import Subject


def keep_owners(
    subject: Subject, owner: Role | None, minimum: int | None
) -> tuple[tuple[Change, ...], tuple[Withheld, ...]]:
    """Return the changes that may be made and those held back so that each group keeps its minimum of owners.

    Not a refusal: the run goes on. Who is last in the plan's order stays, so the choice is the same in every run. Groups
    that have fewer owners than the minimum already are not made worse; groups that go away keep nobody. Owners whose
    account is disabled, or will be, cannot do an owner's work: they count for the minimum among themselves only. An
    account that stays is disabled where it would have been removed. `subject.changes` stand in the order of the plan.
    """
    if owner is None or not minimum:
        return tuple(subject.changes), ()
    owners = _Owners(subject, owner, minimum)
    staying: set[UserKey] = set()
    kept: list[Change] = []
    held: list[Change] = []
    for change in subject.changes:
        if _ends_ownership(change, owner) and not owners.can_spare(change):
            staying.add(change.who.key)
            held.append(change)
        elif isinstance(change, RemoveUser) and change.who.key in staying:
            held.append(change)
            kept += instead_of(change)
        else:
            kept.append(change)
    detail = f"min_owners is {minimum}"
    return tuple(kept), tuple(Withheld(change, Hold.LAST_OWNER, detail) for change in held)


class _Owners:
    """How many owners each group can lose: of all, and of those whose account is active once the plan is made."""

    def __init__(self, subject: Subject, owner: Role, minimum: int) -> None:
        self._going = subject.going
        self._inactive = _inactive_after(subject)
        self._spare: Counter[GroupKey] = Counter()
        self._spare_active: Counter[GroupKey] = Counter()
        gained: defaultdict[GroupKey, list[UserKey]] = defaultdict(list)
        for change in subject.changes:
            if isinstance(change, AddMembership | ChangeRole) and change.want == owner:
                gained[change.group].append(change.who.key)
        for group in {change.group for change in subject.changes if isinstance(change, RemoveMembership | ChangeRole)}:
            rows = {**subject.have.by_hand.get(group, {}), **subject.have.memberships.get(group, {})}
            found = [key for key, role in rows.items() if role == owner] + gained[group]
            self._spare[group] = len(found) - minimum
            self._spare_active[group] = sum(key not in self._inactive for key in found) - minimum

    def can_spare(self, change: RemoveMembership | ChangeRole) -> bool:
        """Tell whether the group can do without this owner, and count the owner as gone if so."""
        if change.group in self._going:
            return True
        active = change.who.key not in self._inactive
        if self._spare[change.group] < 1 or (active and self._spare_active[change.group] < 1):
            return False
        self._spare[change.group] -= 1
        self._spare_active[change.group] -= active
        return True


def _inactive_after(subject: Subject) -> set[UserKey]:
    """Return the accounts that are disabled, or will be, or go."""
    enabled = {change.who.key for change in subject.changes if isinstance(change, EnableUser)}
    closed = {change.who.key for change in subject.changes if isinstance(change, DisableUser | RemoveUser)}
    return {key for key, user in subject.have.users.items() if not user.active} - enabled | closed


def _ends_ownership(change: Change, owner: Role) -> TypeGuard[RemoveMembership | ChangeRole]:
    return isinstance(change, RemoveMembership | ChangeRole) and change.have == owner
