"""Objects that a target keeps refusing: counted, held back for longer and longer, and forgotten once solved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.apply.troubles import troubles_after
from reconciler.model.past import Trouble
from reconciler.model.plan import Hold, Withheld
from reconciler.targets.base import Outcome, Status
from tests.builders import NOW
from tests.unit.apply.apps import CHANGES, section

ANN, BOB = "user.create id-ann", "user.create id-bob"
LATER = "2026-11-22T04:00:00Z"


def test_a_failure_is_remembered_with_its_words_and_its_first_time() -> None:
    """Since when stays, the words are the last ones."""
    once = troubles_after({}, section(), [Outcome(CHANGES[0], Status.FAILED, "409")], NOW)
    assert once == {ANN: Trouble(1, NOW, "409")}
    twice = troubles_after(once, section(), [Outcome(CHANGES[0], Status.FAILED, "410")], LATER)
    assert twice == {ANN: Trouble(2, NOW, "410")}


@pytest.mark.parametrize(
    ("failures", "retry_on"),
    [
        (2, "2026-11-21"),
        (3, "2026-11-22"),
        (4, "2026-11-24"),
        (5, "2026-11-28"),
        (6, "2026-12-04"),
        (60, "2026-12-04"),
    ],
)
def test_from_the_third_failure_on_end_it_is_held_back_for_longer_and_longer(failures: int, retry_on: str) -> None:
    """One day, two, four, eight, and never more than fourteen."""
    before = {ANN: Trouble(failures, "2026-11-01T04:00:00Z", "no")}
    after = troubles_after(before, section(), [Outcome(CHANGES[0], Status.FAILED, "no")], NOW)
    assert after[ANN] == Trouble(failures + 1, "2026-11-01T04:00:00Z", "no", retry_on)


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.STALE, Status.UNKNOWN])
def test_what_was_not_refused_is_neither_better_nor_worse(status: Status) -> None:
    """It was not tried, or nothing is known."""
    before = {ANN: Trouble(3, NOW, "no", "2026-11-21")}
    assert troubles_after(before, section(), [Outcome(CHANGES[0], status, "x")], NOW) == before


def test_what_was_made_and_what_is_asked_for_no_more_is_solved() -> None:
    """Bob is not in the plan any more; what a plan holds back is."""
    gone = "user.create id-gone"
    before = {ANN: Trouble(2, NOW, "no"), BOB: Trouble(4, NOW, "no", "2026-11-22"), gone: Trouble(1, NOW, "no")}
    held = section(changes=CHANGES[:1])
    assert troubles_after(before, held, [Outcome(CHANGES[0], Status.APPLIED)], NOW) == {}
    held = replace(held, withheld=(Withheld(CHANGES[1], Hold.QUARANTINED, "no"),))
    assert troubles_after(before, held, [Outcome(CHANGES[0], Status.APPLIED)], NOW) == {BOB: before[BOB]}


def test_a_plan_for_one_person_says_nothing_about_the_others() -> None:
    """Bob is not in it because nobody asked about him."""
    before = {ANN: Trouble(2, NOW, "no"), BOB: Trouble(4, NOW, "no", "2026-11-22")}
    after = troubles_after(
        before, section(changes=CHANGES[:1]), [Outcome(CHANGES[0], Status.APPLIED)], NOW, whole=False
    )
    assert after == {BOB: before[BOB]}
