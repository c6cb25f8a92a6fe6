"""Choose few sets that together are one set: an exact one first, else greedily; never knows what the sets mean."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.bits import indexes


@dataclass(frozen=True, slots=True)
class Candidate:
    """One set, as bits: `members` is all of it, `explains` the part that it is wanted for.

    `kinship` is higher where its name speaks for it. `number` tells sets apart, and the lower one is taken of two alike.
    """

    number: int
    members: int
    explains: int
    kinship: int = 0


def cover(need: int, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates, by number, that together explain as much of `need` as all of them do; `explains` are parts of it.

    One that explains all of it alone is taken alone, first one that is just that. Else always the one that explains most of
    what is left is taken; then those that have become needless are dropped.
    """
    whole = [candidate for candidate in candidates if candidate.explains == need]
    if whole:
        return [min(whole, key=lambda one: (one.members != need, *_taste(one)))]
    return sorted(_needed(_greedy(need, candidates)), key=lambda one: one.number)


def _greedy(need: int, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Take the largest gain again and again; a gain never grows, so one is worked out anew only when it comes to the top."""
    left, chosen = need, list[Candidate]()
    queue = [(-one.explains.bit_count(), _taste(one), place) for place, one in enumerate(candidates)]
    heapq.heapify(queue)
    while queue and left:
        gain, taste, place = heapq.heappop(queue)
        now = -(candidates[place].explains & left).bit_count()
        if now == gain and gain:
            chosen.append(candidates[place])
            left &= ~candidates[place].explains
        elif now:
            heapq.heappush(queue, (now, taste, place))
    return chosen


def _needed(chosen: Sequence[Candidate]) -> list[Candidate]:
    """Return the chosen without those whose people all the others explain, too; small ones go first."""
    times: Counter[int] = Counter()
    for one in chosen:
        times.update(indexes(one.explains))
    kept = []
    for one in sorted(chosen, key=lambda one: (one.explains.bit_count(), -one.number)):
        people = indexes(one.explains)
        if all(times[person] > 1 for person in people):
            times.subtract(people)
        else:
            kept.append(one)
    return kept


def _taste(one: Candidate) -> tuple[int, int, int]:
    return -one.kinship, one.members.bit_count(), one.number
