"""Hold back what would leave a group with too few owners; refuse nothing, so that the run goes on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TypeGuard

from reconciler.diff.cascade import instead_of
from reconciler.model.access import GroupKey, Role, State, UserKey
from reconciler.model.change import (
    AddMembership,
    Change,
    ChangeRole,
    DisableUser,
    EnableUser,
    RemoveMembership,
    RemoveUser,
)
from reconciler.model.paths import PathKey, ancestors, path_key
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
    """How many owners each group can lose: of all, and of those whose account is active once the plan is made.

    Where a target inherits, owners of the groups above count, too. Those above lose theirs first, so that whoever is left
    there when a group is asked about stays.
    """

    def __init__(self, subject: Subject, owner: Role, minimum: int) -> None:
        self._subject, self._owner, self._minimum = subject, owner, minimum
        self._key = path_key if subject.inherits else _as_it_is
        self._going = subject.going
        self._inactive = _inactive_after(subject)
        self._gained: defaultdict[PathKey, list[UserKey]] = defaultdict(list)
        for change in subject.changes:
            if isinstance(change, AddMembership | ChangeRole) and change.want == owner:
                self._gained[self._key(change.group)].append(change.who.key)
        self._names = _names(subject.have) if subject.inherits else {}
        self._here: dict[PathKey, set[UserKey]] = {}
        self._above: dict[PathKey, frozenset[UserKey]] = {}
        self._spare: Counter[PathKey] = Counter()
        self._spare_active: Counter[PathKey] = Counter()

    def can_spare(self, change: RemoveMembership | ChangeRole) -> bool:
        """Tell whether the group can do without this owner, and count the owner as gone if so."""
        if change.group in self._going:
            return True
        group, who = self._key(change.group), change.who.key
        if group not in self._above:
            self._count(change.group)
        active = who not in self._inactive
        if who not in self._above[group]:
            if self._spare[group] < 1 or (active and self._spare_active[group] < 1):
                return False
            self._spare[group] -= 1
            self._spare_active[group] -= active
        self._here[group].discard(who)
        return True

    def _count(self, name: GroupKey) -> None:
        group = self._key(name)
        above = ancestors(name) if self._subject.inherits else ()
        self._above[group] = frozenset().union(*map(self._owners, above))
        found = self._owners(name) | self._above[group]
        self._spare[group] = len(found) - self._minimum
        self._spare_active[group] = len(found - self._inactive) - self._minimum

    def _owners(self, name: GroupKey) -> set[UserKey]:
        """Return who is an owner in a group itself, without those who were counted as gone."""
        group, have = self._key(name), self._subject.have
        if group not in self._here:
            found = set(self._gained[group])
            for key in self._names.get(group, (name,)):
                for rows in (have.above.get(key, {}), have.by_hand.get(key, {}), have.memberships.get(key, {})):
                    found.update(who for who, role in rows.items() if role == self._owner)
            self._here[group] = found
        return self._here[group]


def _as_it_is(name: GroupKey) -> PathKey:
    return PathKey(name)


def _names(have: State) -> Mapping[PathKey, set[GroupKey]]:
    """Return what groups are called in the live state."""
    found: defaultdict[PathKey, set[GroupKey]] = defaultdict(set)
    for key in (*have.above, *have.by_hand, *have.memberships):
        found[path_key(key)].add(key)
    return found


def _inactive_after(subject: Subject) -> set[UserKey]:
    """Return the accounts that are disabled, or will be, or go."""
    enabled = {change.who.key for change in subject.changes if isinstance(change, EnableUser)}
    closed = {change.who.key for change in subject.changes if isinstance(change, DisableUser | RemoveUser)}
    return {key for key, user in subject.have.users.items() if not user.active} - enabled | closed


def _ends_ownership(change: Change, owner: Role) -> TypeGuard[RemoveMembership | ChangeRole]:
    return isinstance(change, RemoveMembership | ChangeRole) and change.have == owner
