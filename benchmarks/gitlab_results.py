"""Judge what a GitLab was asked by the bars, and say it in plain text with what it does not prove; never measure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.processes import Usage
from benchmarks.shape import Shape
from benchmarks.stages import Stage

TOLERANCE = 0.02
FEW = 2  # version and rights of the token are asked, too, however small a GitLab is
PAGE = 100  # accounts in one page, and in one call that adds members
CPU_BAR, MEMORY_BAR = 10.0, 350.0  # seconds of own CPU and MB of `reconcile plan`, no change, at the default size
APPLY_CPU_BAR, APPLY_MEMORY_BAR = 90.0, 600.0  # the same of the initial `reconcile apply`, of some 286,000 memberships
PLAN, APPLY, PLAN_AGAIN, APPLY_AGAIN = "plan, initial", "apply, initial", "plan, no change", "apply, no change"
READS = ("version", "user", "token", "users.list", "groups.list", "groups.get", "projects.get", "members.list")
_CAVEATS = """\
What is comparable: how many requests are made, and the CPU and memory of this program.
What is not: the time. This GitLab is a fake in Python on the same machine. It has no database, no hooks, no background jobs and
sends no mail, and the time of its answers is a sleep; a call that adds 100 members takes a real one longer than a read.
GitLab's own synchronisation of a directory of this size is known to take 1.8 hours at first and 15 minutes afterwards, on a
machine and a database that we do not know. It runs inside GitLab and searches once per group; this reads an LDIF file.
Nothing here was measured on a real GitLab."""

Levels = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One command as a process of its own, and the requests that the GitLab has counted meanwhile, by kind and by status."""

    name: str
    usage: Usage
    kinds: Mapping[str, int]
    statuses: Mapping[str, int]
    effects: int

    @property
    def reads(self) -> int:
        """How many requests only read."""
        return sum(number for kind, number in self.kinds.items() if kind in READS)

    @property
    def writes(self) -> int:
        """How many requests were of any other kind."""
        return sum(self.kinds.values()) - self.reads


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure and what it should be: at most `limit`, or with a tolerance just about it."""

    what: str
    figure: float
    limit: float
    unit: str = "requests"
    tolerance: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether the figure is good enough."""
        if self.tolerance:
            return abs(self.figure - self.limit) <= max(self.tolerance * self.limit, FEW)
        return self.figure <= self.limit


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that was measured: commands in order, stages of a plan without a change, and who is where in the end."""

    shape: Shape
    latency: float
    parallel: int
    asked: Sequence[Asked]
    stages: Sequence[Stage]
    levels: Levels

    def of(self, name: str) -> Asked:
        """Return one command by its name."""
        return next(one for one in self.asked if one.name == name)


def reads_of_plan(users: int, sizes: Sequence[int]) -> int:
    """Return how many requests a plan needs: one to begin, pages of accounts, of groups, and of each group's members."""
    return 1 + _pages(users) + _pages(len(sizes)) + sum(max(1, _pages(size)) for size in sizes)


def writes_of_load(levels: Levels) -> int:
    """Return how many calls give everybody what they have: a hundred of one role in one group at a time."""
    return sum(_pages(number) for people in levels.values() for number in Counter(people.values()).values())


def bars(outcome: Outcome) -> list[Bar]:
    """Return every figure beside what it should be; CPU and memory at the default size alone."""
    users = outcome.shape.people + 1  # with the token's own
    empty, full = [0] * len(outcome.levels), [len(people) for people in outcome.levels.values()]
    initial, again = outcome.of(PLAN), outcome.of(PLAN_AGAIN)
    applied, last = outcome.of(APPLY), outcome.of(APPLY_AGAIN)
    found = [
        Bar("reads of the initial plan", initial.reads, reads_of_plan(users, empty), tolerance=TOLERANCE),
        Bar("reads of a plan without a change", again.reads, reads_of_plan(users, full), tolerance=TOLERANCE),
        Bar("writes of the initial apply", applied.writes, writes_of_load(outcome.levels)),
        Bar("writes without a change", again.writes + last.writes + initial.writes, 0),
        Bar("effects in GitLab without a change", again.effects + last.effects + initial.effects, 0, "changes"),
        Bar("requests about one account alone", sum(map(_single, outcome.asked)), 0),
    ]
    if outcome.shape == Shape(seed=outcome.shape.seed):
        found.append(Bar("own CPU of a plan without a change", again.usage.cpu, CPU_BAR, "s"))
        found.append(Bar("peak memory of a plan without a change", again.usage.peak_mb, MEMORY_BAR, "MB"))
        found.append(Bar("own CPU of the initial apply", applied.usage.cpu, APPLY_CPU_BAR, "s"))
        found.append(Bar("peak memory of the initial apply", applied.usage.peak_mb, APPLY_MEMORY_BAR, "MB"))
    return found


def _single(asked: Asked) -> int:
    return sum(number for kind, number in asked.kinds.items() if kind.startswith(("users.get", "keys", "attributes")))


def text(outcome: Outcome, system: str) -> Iterator[str]:
    """Yield the report line by line."""
    shape = outcome.shape
    yield system
    yield (
        f"GitLab benchmark: {shape.people:,} accounts, {shape.groups:,} directory groups, {shape.target_groups:,} GitLab groups "
        f"of {shape.links} links, seed {shape.seed}; {outcome.latency * 1000:g} ms latency, {outcome.parallel} requests in flight"
    )
    yield f"{sum(map(len, outcome.levels.values())):,} memberships in the end, in {len(outcome.levels):,} groups"
    for one in outcome.asked:
        used = one.usage
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(one.kinds.items()))
        yield ""
        yield f"{one.name}: wall {used.wall:.1f} s, own CPU {used.cpu:.2f} s, peak {used.peak_mb:.0f} MB"
        yield f"  {one.reads:,} reads, {one.writes:,} writes: {kinds}"
    yield from ("", f"stages of a {PLAN_AGAIN}".ljust(36) + "own CPU s    wall s   peak MB")
    for stage in outcome.stages:
        yield f"  {stage.name:<34}{stage.cpu:9.2f} {stage.wall:9.2f} {stage.peak_mb:9.0f}"
    yield ""
    for bar in bars(outcome):
        about = f" ± {bar.tolerance:.0%}" if bar.tolerance else ""
        verdict = "kept" if bar.kept else "MISSED"
        yield f"  {bar.what}: {_said(bar.figure)} of {_said(bar.limit)}{about} {bar.unit}: {verdict}"
    initial = outcome.of(PLAN).usage.wall + outcome.of(APPLY).usage.wall
    yield f"  initial plan and apply: {initial / 60:.1f} minutes, beside 1.8 hours"
    yield f"  plan and apply without a change: {outcome.of(APPLY_AGAIN).usage.wall / 60:.1f} minutes, beside 15 minutes"
    yield from ("", *_CAVEATS.splitlines())


def _pages(number: int) -> int:
    return -(-number // PAGE)


def _said(figure: float) -> str:
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:,.4g}"
