"""Group a plan's changes into the calls that GitLab takes, in stages that may not overtake each other; pure, asks nobody.

A stage is for changes that do not need one another: the type of the change, and within it what rests on what. A role above
goes before one below, since GitLab refuses a role lower than the inherited one; who becomes owner before who ceases to be
one; an e-mail address, a DN or an SSH key that another account gives up after that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, zip_longest

from reconciler.model.access import GroupKey, Role, Value
from reconciler.model.change import (
    AddMembership,
    Change,
    ChangeRole,
    CreateGroup,
    RemoveMembership,
    UpdateUser,
    type_name,
)
from reconciler.targets.base import Batch
from reconciler.targets.gitlab.api import MOST_IDS
from reconciler.targets.gitlab.settings import OWNER

_UNIQUE = ("email", "dn", "kerberos")  # values that no two accounts can have at once; nor can they have one SSH key
_Held = tuple[str, Value]


def batches(changes: Sequence[Change]) -> Iterator[Batch]:
    """Yield every change once: additions and changes of role by the hundred, the rest by itself.

    Removals are dealt out, one of each group in turn, since GitLab limits them for each group by itself.
    """
    stage = 0
    for _, run in groupby(changes, key=type_name):
        levels = _levels(list(run))
        for level in sorted(levels):
            yield from (Batch(tuple(some), stage) for some in _calls(levels[level]))
            stage += 1


def above(path: GroupKey) -> Iterator[GroupKey]:
    """Yield the groups above one, the nearest first."""
    while "/" in path:
        path = GroupKey(path.rpartition("/")[0])
        yield path


def _levels(run: Sequence[Change]) -> dict[int, list[Change]]:
    """Return changes of one type by how many of the others have to be made before."""
    first = run[0]
    if isinstance(first, UpdateUser):
        return _by_values([change for change in run if isinstance(change, UpdateUser)])
    levels: defaultdict[int, list[Change]] = defaultdict(list)
    reached: dict[Hashable, int] = {}
    for change in run:
        level = max((reached[thing] + 1 for thing in _rests_on(change) if thing in reached), default=0)
        levels[level].append(change)
        for thing in _is(change):
            reached[thing] = max(level, reached.get(thing, 0))
    return levels


def _rests_on(change: Change) -> Iterator[Hashable]:
    match change:
        case CreateGroup(group=group):
            yield from above(group.key)
        case ChangeRole(who=who, group=group, have=have):
            yield from ((who.key, higher) for higher in above(group))
            if have == OWNER:
                yield from (("owner of", place) for place in (group, *above(group)))
        case _:
            return


def _is(change: Change) -> Iterator[Hashable]:
    match change:
        case CreateGroup(group=group):
            yield group.key
        case ChangeRole(who=who, group=group, want=want):
            yield who.key, group
            if want == OWNER:
                yield "owner of", group
        case _:
            return


def _by_values(run: Sequence[UpdateUser]) -> dict[int, list[Change]]:
    """Return updates by how many others have to give up, one after the other, what they take; in a circle nobody can."""
    holders = {value: change for change in run for value in _values(change.have, change.want)}
    levels: defaultdict[int, list[Change]] = defaultdict(list)
    for change in run:
        level, waits = 0, _holders([change], holders)
        while waits and level < len(run):
            waits, level = _holders(waits, holders), level + 1
        levels[level].append(change)
    return levels


def _holders(changes: Iterable[UpdateUser], holders: Mapping[_Held, UpdateUser]) -> list[UpdateUser]:
    """Return the updates, each once, that give up a value which one of these takes."""
    found = {
        id(holder): holder
        for change in changes
        for value in _values(change.want, change.have)
        if (holder := holders.get(value)) and holder is not change
    }
    return list(found.values())


def _values(some: Mapping[str, Value | None], others: Mapping[str, Value | None]) -> Iterator[_Held]:
    """Yield what only one account can have of these attributes, without what is among the others as well."""
    yield from ((name, value) for name in _UNIQUE if name in others and (value := some.get(name)) is not None)
    yield from (("ssh_keys", key) for key in sorted(_keys(some) - _keys(others)))


def _keys(some: Mapping[str, Value | None]) -> set[str]:
    """Return SSH keys without their comments."""
    found = some.get("ssh_keys")
    return {" ".join(text.split()[:2]) for text in found} if isinstance(found, tuple) else set()


def _calls(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Yield changes that do not need one another as they go out together."""
    together: defaultdict[tuple[GroupKey, Role], list[Change]] = defaultdict(list)
    in_turn: defaultdict[GroupKey, list[Change]] = defaultdict(list)
    alone: list[Change] = []
    for change in changes:
        match change:
            case AddMembership(group=group, want=role) | ChangeRole(group=group, want=role):
                together[group, role].append(change)
            case RemoveMembership(group=group):
                in_turn[group].append(change)
            case _:
                alone.append(change)
    for some in together.values():
        yield from (some[start : start + MOST_IDS] for start in range(0, len(some), MOST_IDS))
    yield from ([change] for change in _dealt(in_turn.values()))
    yield from ([change] for change in alone)


def _dealt(piles: Iterable[Sequence[Change]]) -> Iterator[Change]:
    for turn in zip_longest(*piles):
        yield from (change for change in turn if change is not None)
