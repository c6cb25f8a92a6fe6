"""Find what somebody will hold in the groups above one, once the next apply is done; changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from reconciler.desired.build import Desired
from reconciler.explain.ask import Sides
from reconciler.model.access import GroupKey, Role, UserKey
from reconciler.model.change import AddMembership, ChangeRole, RemoveMembership
from reconciler.model.paths import PathKey, ancestors, found_above, path_key


def ruled_above(want: Desired, group: GroupKey) -> frozenset[GroupKey]:
    """Return the groups above one that rules name: what is held and what changes there decides what is wanted below."""
    known = {path_key(name): name for name in want.state.groups}
    return frozenset(found_above(group, known))


class Lift(NamedTuple):
    """A role that somebody has in a group because of one that stands above it."""

    role: Role
    group: GroupKey


class Above:
    """What holds above each group of a target that hands roles down; nothing where it does not.

    That is what is there, with the changes that an apply would make; where nobody asked what is there, what the rules give.
    """

    def __init__(self, side: Sides) -> None:
        """Look at one target, found as it is."""
        self._ranks = {role: rank for rank, role in enumerate(side.can.roles)}
        self._rows: dict[PathKey, list[tuple[GroupKey, Mapping[UserKey, Role]]]] = defaultdict(list)
        self._made: dict[tuple[UserKey, PathKey], tuple[GroupKey, Role] | None] = {}
        if not side.can.inherits:
            return
        have, want = side.have, side.want
        tables = [have.above, have.by_hand, have.memberships] if have else [want.state.memberships] if want else []
        for group, people in [row for table in tables for row in table.items()]:
            self._rows[path_key(group)].append((group, people))
        for change in side.section.changes:
            match change:
                case AddMembership() | ChangeRole():
                    self._made[change.who.key, path_key(change.group)] = change.group, change.want
                case RemoveMembership():
                    self._made[change.who.key, path_key(change.group)] = None

    def lift(self, person: UserKey, accounts: AbstractSet[UserKey], group: GroupKey, role: Role | None) -> Lift | None:
        """Return what makes somebody's role in a group a higher one than the rules of that group give; a role of none stays."""
        found: Lift | None = None
        if role is None:
            return None
        for place in map(path_key, ancestors(group)):
            for where, held in self._held(person, accounts, place):
                if self._ranks.get(held, -1) > self._ranks[found.role if found else role]:
                    found = Lift(held, where)
        return found

    def _held(self, person: UserKey, accounts: AbstractSet[UserKey], place: PathKey) -> Iterator[tuple[GroupKey, Role]]:
        if (person, place) in self._made:
            made = self._made[person, place]
            if made:
                yield made
            return
        for group, people in self._rows.get(place, ()):
            yield from ((group, people[key]) for key in {person, *accounts} & people.keys())
