"""Work out which objects a target keeps refusing, and when each is tried again; pure, and keeps nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from reconciler.model.change import object_of
from reconciler.model.past import Trouble
from reconciler.model.plan import TargetPlan
from reconciler.targets.base import Outcome, Status

HELD_AFTER = 3
"""Runs on end in which an object fails before it is held back for a while."""

_LONGEST = 14  # days that one is held back at most


def troubles_after(
    before: Mapping[str, Trouble], section: TargetPlan, outcomes: Iterable[Outcome], now: str, *, whole: bool = True
) -> dict[str, Trouble]:
    """Return what is known of a target's troubles after a run at `now` (ISO 8601 UTC).

    What was made is solved, and so is what a `whole` plan, one about everybody, asks for no more. What failed again is tried in the next run up to
    `HELD_AFTER` failures on end, and after that in 1, 2, 4 … days, at most 14.
    """
    wanted = {object_of(change) for change in (*section.changes, *(held.change for held in section.withheld))}
    troubles = {name: trouble for name, trouble in before.items() if name in wanted or not whole}
    for outcome in outcomes:
        name = object_of(outcome.change)
        if outcome.status is Status.APPLIED:
            troubles.pop(name, None)
        elif outcome.status is Status.FAILED:
            troubles[name] = _again(before.get(name), outcome.message, now)
    return troubles


def _again(before: Trouble | None, message: str, now: str) -> Trouble:
    failures = before.failures + 1 if before else 1
    since = before.since if before else now
    if failures < HELD_AFTER:
        return Trouble(failures, since, message)
    days = min(2 ** (failures - HELD_AFTER), _LONGEST)
    retry_on = date.fromisoformat(now[:10]) + timedelta(days=days)
    return Trouble(failures, since, message, retry_on.isoformat())
