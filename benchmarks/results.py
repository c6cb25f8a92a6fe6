"""Hold what one benchmark measured, and judge it by the budget; never measure or print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.processes import Usage
from benchmarks.readings import OURS, PYTHON_LDAP, Reading
from benchmarks.searches import Traffic
from benchmarks.shape import Shape
from benchmarks.stages import Stage

CPU_BUDGET = 3.0  # seconds of own CPU of `reconcile plan`, no change, at the default size
MEMORY_BUDGET = 250.0  # MB, the same run
READ_BUDGET = 2.0  # times the wall time of a bare python-ldap read in the same rounds, reduction to a snapshot included
GROWTH_BUDGET = 2.4  # times, when the data doubles
MEASURABLE = 0.05  # seconds: below that a ratio of two times is noise
INITIAL, NO_CHANGE, CHANGED = "initial", "no change", "1 % changed"


@dataclass(frozen=True, slots=True)
class Run:
    """One plan: the real command as a process of its own, as often as asked for, and its stages measured in another."""

    name: str
    whole: Sequence[Usage]
    stages: Sequence[Stage]
    counts: Mapping[str, int]
    traffic: Traffic

    @property
    def cpu(self) -> float:
        """Seconds of own CPU of the whole command: the median of its runs."""
        return median(usage.cpu for usage in self.whole)

    @property
    def peak_mb(self) -> float:
        """The highest memory of the whole command, of all its runs."""
        return max(usage.peak_mb for usage in self.whole)

    def stage(self, name: str) -> Stage | None:
        """Return one stage by its name."""
        return next((stage for stage in self.stages if stage.name == name), None)


@dataclass(frozen=True, slots=True)
class Results:
    """Everything measured at one size. `apply` is the first load; `readings` are those of several readers, round by round,
    each asking what the plan without a change asked.
    """

    shape: Shape
    runs: Sequence[Run]
    apply: Usage
    readings: Sequence[Reading]

    def run(self, name: str) -> Run:
        """Return one run by its name."""
        return next(run for run in self.runs if run.name == name)

    @property
    def readers(self) -> list[str]:
        """Who read, in order."""
        return list(dict.fromkeys(reading.reader for reading in self.readings))

    def of(self, reader: str) -> list[Reading]:
        """Return one reader's readings, a round each."""
        return [reading for reading in self.readings if reading.reader == reader]

    def times(self, reader: str, other: str) -> float | None:
        """Return how many times the wall time of `other` a reader takes: the median of the rounds, whose two readings had
        the same neighbours on the machine. None where one of them never read.
        """
        pairs = zip(self.of(reader), self.of(other), strict=False)
        factors = [one.wall / another.wall for one, another in pairs]
        return median(factors) if factors else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure against its limit."""

    what: str
    figure: float
    limit: float
    unit: str

    @property
    def kept(self) -> bool:
        """Whether the figure is within the limit."""
        return self.figure <= self.limit


def verdicts(results: Results, doubled: Results | None = None) -> list[Verdict]:
    """Return the budget's figures; growth only where a run with doubled data is there to compare."""
    run = results.run(NO_CHANGE)
    found = [
        Verdict("own CPU of a plan without a change", run.cpu, CPU_BUDGET, "s"),
        Verdict("peak memory of a plan without a change", run.peak_mb, MEMORY_BUDGET, "MB"),
    ]
    times = results.times(OURS, PYTHON_LDAP)
    if times is not None:
        found.append(Verdict("wall time of our read beside a bare python-ldap read", times, READ_BUDGET, "times"))
    if doubled is not None:
        twice = doubled.run(NO_CHANGE)
        found.append(Verdict("growth of own CPU with doubled data", twice.cpu / run.cpu, GROWTH_BUDGET, "times"))
        found.append(Verdict("growth of memory with doubled data", twice.peak_mb / run.peak_mb, GROWTH_BUDGET, "times"))
    return found


def growth(run: Run, twice: Run) -> list[tuple[str, float | None]]:
    """Return for each stage how much more CPU it takes with doubled data; None where it is too short to tell."""
    found: list[tuple[str, float | None]] = []
    for stage in run.stages:
        other = twice.stage(stage.name)
        if other is not None:
            found.append((stage.name, other.cpu / stage.cpu if stage.cpu >= MEASURABLE else None))
    return found
