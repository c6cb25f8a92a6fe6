"""Ask every target in bulk what is there, before anything is written, and say what of a plan can still be made; write nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from reconciler.apply.journal import History
from reconciler.apply.task import Task
from reconciler.errors import TargetError
from reconciler.model.plan import TargetPlan
from reconciler.plan.holds import Found, Holding, holdings
from reconciler.plan.needed import scope_for
from reconciler.targets.base import Outcome, Status, Target

OpenTarget = Callable[[str], Target]

_NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Work:
    """One target's section, and what is known of its changes by their places before this run writes anything.

    `todo` are the places of changes that can be made, in order. `known` holds an outcome for every other one; `earlier`
    counts those of them that the run before this one had made. `target` is None where it could not be asked: see `error`.
    `part`: the plan is about some people alone, so that a part of the live state is enough.
    """

    section: TargetPlan
    target: Target | None
    todo: tuple[int, ...] = ()
    known: Mapping[int, Outcome] = field(default_factory=dict)
    earlier: int = 0
    error: str = ""
    part: bool = False

    @property
    def stale(self) -> bool:
        """Whether something is not as the plan expected."""
        return any(outcome.status is Status.STALE for outcome in self.known.values())

    def outcomes(self, made: Mapping[int, Outcome]) -> tuple[Outcome, ...]:
        """Return one outcome per change: what is known, what this run has `made`, and for all others that they were not tried."""
        return tuple(
            made.get(place) or self.known.get(place) or Outcome(change, Status.SKIPPED, _NOT_TRIED)
            for place, change in enumerate(self.section.changes)
        )


def look(task: Task, open_target: OpenTarget, history: History, stack: ExitStack) -> list[Work]:
    """Return what can be made in every section; targets stay open until the stack is closed.

    A target that cannot be asked has its error, and does not keep the others from being looked at.
    """
    part = not task.whole
    return [replace(_look(section, open_target, history, stack, part=part), part=part) for section in task.sections]


def _look(section: TargetPlan, open_target: OpenTarget, history: History, stack: ExitStack, *, part: bool) -> Work:
    applied = history.applied.get(section.name, frozenset())
    known = {place: Outcome(section.changes[place], Status.APPLIED) for place in applied}
    try:
        target = open_target(section.name)
        stack.callback(target.close)
        found = stand(
            section, target, [place for place in range(len(section.changes)) if place not in applied], part=part
        )
    except TargetError as error:
        return Work(section, None, (), known, len(known), str(error))
    asked = history.asked.get(section.name, frozenset())
    made = {place for place, one in found.items() if one.holding is Holding.DONE and place in asked}
    known |= {place: Outcome(section.changes[place], Status.APPLIED) for place in made}
    earlier = len(known)
    todo = tuple(place for place, one in found.items() if one.holding is Holding.PENDING)
    known |= {
        place: Outcome(section.changes[place], Status.STALE, one.words)
        for place, one in found.items()
        if place not in known and one.holding is not Holding.PENDING
    }
    return Work(section, target, todo, known, earlier)


def stand(section: TargetPlan, target: Target, places: Sequence[int], *, part: bool) -> dict[int, Found]:
    """Return how these changes of a section stand to what the target holds now; raises TargetError."""
    changes = [section.changes[place] for place in places]
    if not changes:
        return {}
    have = target.read(scope_for(section.directory, changes, part=part))
    return dict(zip(places, holdings(have, changes), strict=True))
