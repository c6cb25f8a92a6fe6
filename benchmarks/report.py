"""Say in plain text, or as JSON, what a benchmark measured, against which budget, and what it does not prove."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from statistics import median

from benchmarks.readings import LDAPSEARCH, OURS, PYTHON_LDAP
from benchmarks.results import GROWTH_BUDGET, NO_CHANGE, Results, Run, growth, verdicts
from benchmarks.shape import Shape

_CAVEATS = """\
What these figures do not say:
  - Servers run on this machine, on loopback, without TLS: a network adds a round trip to each search.
  - slapd's own CPU is not counted; it shares the processors with us, so wall time would be shorter with more of them.
  - ldapsearch writes LDIF text and python-ldap gives lists of bytes, both resolve nothing; our read decodes, resolves members
    and builds the snapshot. Readers are measured from connecting to the last entry held, ldapsearch with its start and exit.
  - Stages are measured in a process of their own, each import at its first use; whole-process figures are the command's.
  - The roster is a SQLite file. GitLab's own synchronisation of a directory of this size is known to take 1.8 hours at first
    and 15 minutes afterwards. That is not comparable: it searches once per group, and it includes writing to a database
    behind an API. An app behind an API would add its network and server time to the figures above."""


def text(system: Mapping[str, str], results: Results, doubled: Results | None = None) -> Iterator[str]:
    """Yield the report line by line."""
    yield "On " + ", ".join(f"{name} {value}" for name, value in system.items())
    for one in (results, doubled):
        if one is not None:
            yield from ("", *_results(one))
    if doubled is not None:
        yield from ("", *_growth(results, doubled))
    if results.shape == Shape(seed=results.shape.seed):
        yield from ("", "Budget:")
        for verdict in verdicts(results, doubled):
            judged = "kept" if verdict.kept else "MISSED"
            yield f"  {verdict.what}: {verdict.figure:.2f} {verdict.unit} of {verdict.limit:g} {verdict.unit}: {judged}"
    else:
        yield from ("", "The budget is for the default size; these figures are not judged by it.")
    yield from ("", *_CAVEATS.splitlines())


def document(system: Mapping[str, str], results: Results, doubled: Results | None = None) -> dict[str, object]:
    """Return everything measured as JSON values."""
    return {
        "system": dict(system),
        "results": [_plain(one) for one in (results, doubled) if one is not None],
        "budget": [{**asdict(verdict), "kept": verdict.kept} for verdict in verdicts(results, doubled)],
    }


def _results(results: Results) -> Iterator[str]:
    shape = results.shape
    yield (
        f"Seed benchmark: {shape.people:,} people, {shape.groups:,} directory groups of {shape.mean:g} people on average, "
        f"{shape.nested:,} of them nested, {shape.target_groups:,} target groups of {shape.links} links, seed {shape.seed}"
    )
    for run in results.runs:
        yield from ("", *_run(run))
    yield from ("", *_compared(results))
    used = results.apply
    yield ""
    yield f"apply of the initial plan: own CPU {used.cpu:.2f} s, wall {used.wall:.2f} s, peak {used.peak_mb:.0f} MB"


def _run(run: Run) -> Iterator[str]:
    yield f"plan, {run.name}".ljust(32) + "own CPU s    wall s   peak MB"
    for stage in run.stages:
        yield f"  {stage.name:<30}{stage.cpu:9.2f} {stage.wall:9.2f} {stage.peak_mb:9.0f}"
    summed = f"{sum(stage.cpu for stage in run.stages):9.2f} {sum(stage.wall for stage in run.stages):9.2f}"
    yield f"  {'all stages':<30}{summed} {max(stage.peak_mb for stage in run.stages):9.0f}"
    for usage in run.whole:
        yield f"  {'reconcile plan, whole process':<30}{usage.cpu:9.2f} {usage.wall:9.2f} {usage.peak_mb:9.0f}"
    yield f"  {run.traffic.requests:,} LDAP searches, {run.traffic.entries:,} entries; " + ", ".join(
        f"{count:,} {name}" for name, count in run.counts.items()
    )


def _compared(results: Results) -> Iterator[str]:
    """Yield every reader's medians, and its wall time beside python-ldap's and ldapsearch's, round by round."""
    yield "the same searches by".ljust(32) + f"own CPU s    wall s   peak MB   {PYTHON_LDAP} = 1   {LDAPSEARCH} = 1"
    for reader in results.readers:
        found = results.of(reader)
        cpu, wall = median(one.cpu for one in found), median(one.wall for one in found)
        beside = f"{_times(results, reader, PYTHON_LDAP):>16} {_times(results, reader, LDAPSEARCH):>16}"
        yield f"  {reader:<30}{cpu:9.2f} {wall:9.2f} {max(one.peak_mb for one in found):9.0f}{beside}"
    if PYTHON_LDAP not in results.readers:
        yield f"  {PYTHON_LDAP}: not installed, not compared"
    rounds, entries = len(results.of(OURS)), max((one.entries for one in results.readings), default=0)
    yield f"  medians of {rounds} rounds, in which every reader reads {entries:,} entries in turn; ratios are of wall time"


def _times(results: Results, reader: str, other: str) -> str:
    times = results.times(reader, other)
    return "" if times is None else f"{times:.2f}"


def _growth(results: Results, doubled: Results) -> Iterator[str]:
    yield f"Own CPU with doubled data, plan, {NO_CHANGE} (budget {GROWTH_BUDGET:g} times)"
    for name, factor in growth(results.run(NO_CHANGE), doubled.run(NO_CHANGE)):
        yield f"  {name:<30}{_factor(factor)}"


def _factor(factor: float | None) -> str:
    if factor is None:
        return "too short to compare"
    return f"{factor:9.2f} times" + (": MORE than the budget" if factor > GROWTH_BUDGET else "")


def _plain(results: Results) -> dict[str, object]:
    return {
        "shape": asdict(results.shape),
        "runs": [asdict(run) for run in results.runs],
        "apply": asdict(results.apply),
        "readings": [asdict(reading) for reading in results.readings],
    }
