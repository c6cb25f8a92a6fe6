"""Directory groups that may explain a set of people, found without looking at all of them; chooses none."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.adoption.draft import Selector
from reconciler.desired.links import Directory
from reconciler.model.bits import indexes
from reconciler.model.names import caseless
from reconciler.policy.fit import is_fit

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One directory group: everybody in it, nested ones too, as bits; how a link names it, and the words of its name."""

    number: int
    members: int
    selector: Selector
    name: str
    words: frozenset[str]


class Catalogue:
    """The groups that could be a part of some target group, each filed under one of its people.

    A group can only be a part of a set in which each of its people is, so it is filed under the one who is in the fewest
    sets: looking for the parts of all sets then takes about as many steps as the sets have people.
    """

    def __init__(self, directory: Directory, sets: Sequence[int], largest: int, ignored: int = 0) -> None:
        """`sets` says by person in how many sets they are, `largest` how many the largest has; `ignored` are people, as
        bits, who may be in a part without being in the set.
        """
        self._filed: defaultdict[int, list[Entry]] = defaultdict(list)
        self._twins: defaultdict[int, list[Entry]] = defaultdict(list)
        for number in range(len(directory.snapshot.groups)):
            members = directory.closure.bits(number) if _is_readable(directory, number) else 0
            counted = members & ~ignored
            if not counted or counted.bit_count() > largest:
                continue
            rarest = min(indexes(counted), key=lambda person: sets[person])
            entry = _entry(directory, number, members) if sets[rarest] else None
            if entry is not None:
                self._filed[rarest].append(entry)
                self._twins[members].append(entry)

    def filed_under(self, people: Iterable[int]) -> Iterator[Entry]:
        """Yield every group that could be a part of a set of these people, each once."""
        for person in people:
            yield from self._filed.get(person, ())

    def twins(self, entry: Entry) -> Sequence[Entry]:
        """Return the other groups with the same people."""
        return [other for other in self._twins[entry.members] if other is not entry]


def words_of(name: str) -> frozenset[str]:
    """Return the words of a name, in whatever case they are written."""
    return frozenset(_WORD.findall(caseless(name)))


def _is_readable(directory: Directory, number: int) -> bool:
    return directory.closure.unreadable(number) is None


def _entry(directory: Directory, number: int, members: int) -> Entry | None:
    """Return a group as a link can name it: by its CN where that is its own, else by its DN; None where a policy holds neither."""
    group = directory.snapshot.groups[number]
    if is_fit(group.cn) and list(directory.groups_by_cn(group.cn)) == [number]:
        return Entry(number, members, "cn", group.cn, words_of(group.cn))
    if is_fit(group.dn) and "=" in group.dn and directory.group_by_dn(group.dn) == number:
        return Entry(number, members, "dn", group.dn, words_of(group.cn))
    return None
