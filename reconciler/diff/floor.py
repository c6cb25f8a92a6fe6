"""Find out which role somebody has in a group by what lies above it, where a target inherits roles; changes nothing itself.

What holds above is what will be there once the plan is made: a change that is held back is not made, so what it would
have taken still holds, and what it would have given does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.desired.build import Desired
from reconciler.diff.rules import DiffRules
from reconciler.model.access import GroupKey, Role, State, UserKey
from reconciler.model.change import AddMembership, Change, ChangeRole, RemoveMembership, object_of
from reconciler.model.paths import depth, found_above, path_key
from reconciler.model.reason import Reason

_Roles = Mapping[UserKey, Role]
_NOBODY: _Roles = {}


class Floors:
    """What each group that rules name has above it. Costs a look-up for each membership and group above, else nothing.

    Groups have to be asked in the order of `groups`, and each settled before the next.
    """

    def __init__(self, have: State, want: Desired, rules: DiffRules, not_made: Collection[str] = ()) -> None:
        """`not_made` names the changes (`object_of`) that will be held back after all."""
        self._have, self._not_made = have, not_made
        self._ranks = {role: rank for rank, role in enumerate(rules.roles)}
        self._chains = _chains(have, want) if rules.inherits else {}
        self._there = {key: _rows(have, key) for chain in self._chains.values() for key in chain}
        self._said: dict[tuple[Reason, str], Reason] = {}
        ruled = want.state.memberships
        self.groups: Sequence[GroupKey] = sorted(ruled, key=depth) if rules.inherits else [*ruled]

    def lifted(self, group: GroupKey, wanted: _Roles) -> tuple[_Roles, Mapping[UserKey, GroupKey]]:
        """Return what everybody should have in a group, at least what holds above; and whose role comes from which group."""
        above = [(key, roles) for key in self._chains.get(group, ()) for roles in self._there[key]]
        if not above:
            return wanted, {}
        ranks, found = self._ranks, dict(wanted)
        lifts: dict[UserKey, GroupKey] = {}
        for ancestor, roles in above:
            for key in wanted.keys() & roles.keys():
                if ranks.get(roles[key], -1) > ranks[found[key]]:
                    found[key], lifts[key] = roles[key], ancestor
        return (found, lifts) if lifts else (wanted, {})

    def settle(self, group: GroupKey, changes: Iterable[Change]) -> None:
        """Note what will be in a group: what is there, and the changes found for it."""
        if group not in self._there:
            return
        rows = dict(self._have.memberships.get(group, _NOBODY))
        made = [change for change in changes if object_of(change) not in self._not_made]
        rows |= {one.who.key: one.want for one in made if isinstance(one, AddMembership | ChangeRole)}
        for gone in [one for one in made if isinstance(one, RemoveMembership)]:
            del rows[gone.who.key]
        self._there[group] = (rows, self._have.by_hand.get(group, _NOBODY))

    def explained(self, reason: Reason, role: Role, ancestor: GroupKey) -> Reason:
        """Return the reason for a role that comes from above; people with one reason share one object."""
        detail = "; ".join(filter(None, (reason.detail, f"at least {role}, as in {ancestor}")))
        return self._said.setdefault((reason, detail), replace(reason, detail=detail))


def _chains(have: State, want: Desired) -> dict[GroupKey, tuple[GroupKey, ...]]:
    """Return the groups above each that rules name, outermost first: those in which anybody has or will have anything."""
    known = {path_key(key): key for key in (*have.above, *have.by_hand, *have.memberships, *want.state.memberships)}
    return {key: found_above(key, known) for key in want.state.memberships}


def _rows(have: State, key: GroupKey) -> tuple[_Roles, ...]:
    return tuple(rows[key] for rows in (have.memberships, have.by_hand, have.above) if key in rows)
