"""What became of a plan: one outcome per change, as values; never applies anything itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.targets.base import Outcome, Status


@dataclass(frozen=True, slots=True)
class BatchTime:
    """One call or transaction: its number in the journal, how many changes it held, and when it ran (ISO 8601 UTC)."""

    number: int
    changes: int
    began: str
    ended: str


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One target's outcomes in the order of the plan; `error` is set when the target failed as a whole.

    `earlier` of the applied changes were made before this run: by the one that it resumes. `requests` is how many the
    target sent, by kind, where it counts them.
    """

    name: str
    outcomes: tuple[Outcome, ...] = ()
    error: str = ""
    earlier: int = 0
    batches: tuple[BatchTime, ...] = ()
    requests: Mapping[str, int] = field(default_factory=dict)

    def count(self, status: Status) -> int:
        """Return how many changes ended that way."""
        return sum(outcome.status is status for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who applies, and where: the account and the machine, and what a CI system says of its run, empty outside of one.

    `actor` is the person whom the CI `system` names, `run` its own name for the run, `url` where to look at it.
    """

    user: str = ""
    host: str = ""
    pid: int = 0
    actor: str = ""
    system: str = ""
    run: str = ""
    url: str = ""

    @property
    def who(self) -> str:
        """Return the person and the account in a few words."""
        account = f"{self.user}@{self.host}"
        return f"{self.actor} ({account})" if self.actor else account


@dataclass(frozen=True, slots=True)
class Report:
    """A whole apply: the plan's id, every target's outcomes, and under which circumstances it ran.

    Times are ISO 8601 UTC. `git_commit` is the commit that the policy stands at now. `begun`: something may have been
    written. `interrupted`: somebody stopped it. `stale`: the plan was not what is there, so this run wrote nothing.
    `number` and `digest` are those of the report that was kept of it, `unkept` says why none was, where one should have been.
    """

    plan_id: str
    targets: tuple[TargetReport, ...]
    began: str = ""
    ended: str = ""
    origin: Origin = Origin()
    git_commit: str = ""
    notes: tuple[str, ...] = ()
    resumed: bool = False
    begun: bool = True
    interrupted: bool = False
    stale: bool = False
    number: int = 0
    digest: str = ""
    unkept: str = ""

    def count(self, status: Status) -> int:
        """Return how many changes of all targets ended that way."""
        return sum(target.count(status) for target in self.targets)

    @property
    def earlier(self) -> int:
        """Return how many changes had been made by the run that this one resumes."""
        return sum(target.earlier for target in self.targets)

    @property
    def finished(self) -> bool:
        """Nothing is left that resuming this plan could still do."""
        return self.begun and not any(self.count(status) for status in (Status.FAILED, Status.SKIPPED, Status.UNKNOWN))

    @property
    def exit_code(self) -> int:
        """Return 0, 5 (a target failed as a whole), 7 (applied in part), 8 (stale) or 130 (stopped before it began)."""
        if self.stale:
            return 8
        if self.interrupted and not self.begun:
            return 130
        unmade = sum(len(target.outcomes) for target in self.targets) - self.count(Status.APPLIED)
        if self.count(Status.STALE) and not (self.count(Status.APPLIED) or self.count(Status.UNKNOWN)):
            return 8
        if any(target.error for target in self.targets):
            return 7 if self.count(Status.APPLIED) or self.count(Status.UNKNOWN) else 5
        return 7 if unmade else 0
