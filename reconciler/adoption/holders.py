"""Who of the directory holds what in each target group, by index; judges nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.desired.roll import Roll
from reconciler.model.access import GroupKey, Role, State, User, UserKey


@dataclass(frozen=True, slots=True)
class Holders:
    """The rows of one target group, people by their index in the snapshot.

    `ours` are rows that a plan may change, `by_hand` those that it leaves alone. `strangers` counts rows of accounts of ours
    behind which nobody of the directory stands, or not certainly one.
    """

    ours: Mapping[int, Role]
    by_hand: Mapping[int, Role]
    strangers: int = 0


def people_behind(accounts: Mapping[UserKey, User], roll: Roll) -> dict[UserKey, int]:
    """Return whose each managed account is, by index; an account that may be several people's, or nobody's, is left out.

    As plans match: by key; where one side has no stable id, by DN, then by username.
    """
    found: dict[UserKey, int] = {}
    claims: defaultdict[int, list[UserKey]] = defaultdict(list)
    for key, account in accounts.items():
        index = roll.index_of.get(key)
        if not account.managed:
            continue
        if index is not None:
            found[key] = index
        elif len(people := roll.behind(account)) == 1:
            claims[roll.index_of[people[0].key]].append(key)
    taken = {roll.index_of[key] for key in accounts if key in roll.index_of}
    for index, keys in claims.items():
        if len(keys) == 1 and index not in taken:
            found[keys[0]] = index
    return found


def holders_of(have: State, group: GroupKey, people: Mapping[UserKey, int]) -> Holders:
    """Return the rows of one group."""
    rows = have.memberships.get(group, {})
    ours = {people[key]: role for key, role in rows.items() if key in people}
    by_hand = {people[key]: role for key, role in have.by_hand.get(group, {}).items() if key in people}
    return Holders(ours, by_hand, len(rows) - len(ours))
