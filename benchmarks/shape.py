"""Say how large and how awkward a generated directory is, and who is in which group; never write a file.

Everything derives from the seed and the index of the thing asked for, so any part can be made without the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from random import Random

LEVELS = 5  # nested groups stand on five levels: depth 4
_BIG = (0.75, 0.40, 0.26)  # shares of all people in the largest groups: 15,000, 8,000 and 5,200 of 20,000
_MEDIAN, _SPREAD = 2.2, 1.45  # of the logarithm of all other sizes: half are below 9, one of a hundred above 260
_LARGEST_SHARE = 0.2  # of all people, for all but the big groups
_CYCLE_EVERY = 10  # among the nested groups of the lowest level


class Kind(StrEnum):
    """How a group holds its members."""

    NAMES = "groupOfNames"
    UNIQUE_NAMES = "groupOfUniqueNames"
    POSIX = "posixGroup"


@dataclass(frozen=True)
class Shape:
    """The parameters of one generated company. `mean` is the average number of people directly in a group.

    `changed` is the percentage of memberships and departments that differ from the same seed's directory with 0.
    """

    people: int = 20_000
    groups: int = 11_000
    mean: float = 20.0
    nested: int = 500
    target_groups: int = 1_000
    links: int = 10
    seed: int = 7
    changed: float = 0.0

    def doubled(self) -> Shape:
        """Return the shape with twice the data: same mean and same number of links per target group."""
        return Shape(
            people=2 * self.people,
            groups=2 * self.groups,
            mean=self.mean,
            nested=2 * self.nested,
            target_groups=2 * self.target_groups,
            links=self.links,
            seed=self.seed,
            changed=self.changed,
        )

    def random(self, *place: str | int) -> Random:
        """Return a generator of numbers that belongs to one place, whatever else is drawn elsewhere."""
        return Random("/".join(map(str, (self.seed, *place))))

    @property
    def big(self) -> int:
        """How many of the first groups are the big ones."""
        return min(len(_BIG), self.groups)

    @property
    def nested_groups(self) -> range:
        """The groups that nest, level after level, behind the big ones."""
        return range(self.big, min(self.big + self.nested, self.groups))

    def kind(self, group: int) -> Kind:
        """Return how a group holds its members: of ten, eight by DN, one by unique name, one by user id."""
        if group in self.nested_groups or group % 10 > 1:
            return Kind.NAMES
        return Kind.UNIQUE_NAMES if group % 10 == 0 else Kind.POSIX

    @cached_property
    def sizes(self) -> Sequence[int]:
        """How many people are directly in each group, 1 or more: a heavy tail with the wanted mean."""
        big = [max(1, int(self.people * share)) for share in _BIG[: self.big]]
        drawn = self.random("sizes")
        raw = [drawn.lognormvariate(_MEDIAN, _SPREAD) for _ in range(self.groups - self.big)]
        return (*big, *_scaled(raw, int(self.mean * self.groups) - sum(big), int(self.people * _LARGEST_SHARE)))

    def members(self, group: int) -> list[int]:
        """Return the people directly in a group, in the order that the directory lists them."""
        chosen = self.random("members", group).sample(range(self.people), self.sizes[group])
        return (
            _exchanged(chosen, self.people, self.changed / 100, self.random("changed", group))
            if self.changed
            else chosen
        )

    @cached_property
    def nesting(self) -> Mapping[int, Sequence[int]]:
        """The groups directly in each group: a tree on five levels, cycles back to its roots, one group in itself."""
        inside: dict[int, list[int]] = defaultdict(list)
        for parent, child in self._nested_pairs():
            inside[parent].append(child)
        return inside

    def _nested_pairs(self) -> Iterator[tuple[int, int]]:
        levels = _levels(self.nested_groups)
        drawn = self.random("nesting")
        roots = {group: group for group in self.nested_groups}
        for above, below in pairwise(levels):
            for group in below:
                parent = drawn.choice(above)
                roots[group] = roots[parent]
                yield parent, group
        if levels:
            yield from ((group, roots[group]) for group in levels[-1][::_CYCLE_EVERY])
            yield levels[0][0], levels[0][0]


def _levels(groups: range) -> list[range]:
    """Return the groups of each level, root first; fewer levels than five where there are fewer groups."""
    step = -(-len(groups) // LEVELS)
    return [groups[start : start + step] for start in range(0, len(groups), step)] if step else []


def _scaled(raw: Sequence[float], total: int, largest: int) -> list[int]:
    """Return `raw` scaled so that the clamped whole numbers add up to about `total`."""
    factor = 1.0
    sizes: list[int] = []
    for _ in range(12):  # clamping takes from the tail, so the factor is found step by step
        sizes = [max(1, min(int(size * factor), largest)) for size in raw]
        factor *= max(total, 1) / max(sum(sizes), 1)
    return sizes


def _exchanged(chosen: list[int], people: int, share: float, drawn: Random) -> list[int]:
    """Return `chosen` with a share of its people replaced by others, nobody twice."""
    present = set(chosen)
    result = list(chosen)
    for place, person in enumerate(chosen):
        if drawn.random() >= share:
            continue
        other = drawn.randrange(people)
        if other not in present:
            present = (present - {person}) | {other}
            result[place] = other
    return result
