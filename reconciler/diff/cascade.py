"""Hold back the removal of an account or a group with which something would go that stays; never removes anything itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.diff.rules import Findings
from reconciler.model.access import GroupKey, State, UserKey
from reconciler.model.change import Change, DisableUser, RemoveGroup, RemoveMembership, RemoveUser
from reconciler.model.plan import Hold, Withheld


def keep_what_hangs_together(have: State, findings: Findings) -> None:
    """Hold back removals of accounts and groups that hold memberships made by hand, or ones whose removal is held back.

    An account that cannot be removed is disabled instead, so that nobody who has left can log in.
    """
    users: dict[UserKey, tuple[Hold, str]] = {}
    groups: dict[GroupKey, tuple[Hold, str]] = {}
    for user, group, hold in (*_by_hand(have), *sorted(_held_back(findings.withheld))):
        users.setdefault(user, (hold, f"a membership in {group} stays"))
        groups.setdefault(group, (hold, "memberships in it stay"))
    changes, findings.changes = findings.changes, []
    for change in changes:
        why = None
        if isinstance(change, RemoveUser):
            why = users.get(change.who.key)
        elif isinstance(change, RemoveGroup):
            why = groups.get(change.have.key)
        if why is None:
            findings.changes.append(change)
        else:
            findings.hold(change, *why)
            findings.changes += instead_of(change)


def instead_of(change: Change) -> Iterable[DisableUser]:
    """Return what is done where a removal is held back."""
    if isinstance(change, RemoveUser) and change.have.active:
        return (DisableUser(change.who, change.reason),)
    return ()


def _by_hand(have: State) -> Iterator[tuple[UserKey, GroupKey, Hold]]:
    for group, people in sorted(have.by_hand.items()):
        for user in people:
            yield user, group, Hold.BY_HAND


def _held_back(withheld: Iterable[Withheld]) -> Iterator[tuple[UserKey, GroupKey, Hold]]:
    for held in withheld:
        if isinstance(held.change, RemoveMembership):
            yield held.change.who.key, held.change.group, held.hold
