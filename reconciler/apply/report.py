"""What became of a plan: one outcome per change, as values; never applies anything itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from reconciler.targets.base import Outcome, Status


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One target's outcomes in the order of the plan; `error` is set when the target failed as a whole."""

    name: str
    outcomes: tuple[Outcome, ...] = ()
    error: str = ""

    def count(self, status: Status) -> int:
        """Return how many changes ended that way."""
        return Counter(outcome.status for outcome in self.outcomes)[status]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole apply: the plan's id and every target's outcomes."""

    plan_id: str
    targets: tuple[TargetReport, ...]

    def count(self, status: Status) -> int:
        """Return how many changes of all targets ended that way."""
        return sum(target.count(status) for target in self.targets)

    @property
    def exit_code(self) -> int:
        """Return 0, 5 (a target failed as a whole), 7 (applied in part) or 8 (stale, nothing written), see errors.py."""
        if self.count(Status.APPLIED) == 0 and self.count(Status.STALE):
            return 8
        failed = self.count(Status.FAILED) + self.count(Status.STALE) + self.count(Status.SKIPPED)
        if any(target.error for target in self.targets):
            return 7 if self.count(Status.APPLIED) else 5
        return 7 if failed else 0
