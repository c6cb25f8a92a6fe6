"""The report: the budget is judged at its own size only, growth only where it can be told, and nothing is hidden."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from benchmarks.processes import Usage
from benchmarks.readings import LDAPSEARCH, OURS, PYTHON_LDAP, Reading
from benchmarks.report import document, text
from benchmarks.results import CHANGED, INITIAL, NO_CHANGE, Results, Run, growth, verdicts
from benchmarks.searches import Traffic
from benchmarks.shape import Shape
from benchmarks.staged import READING
from benchmarks.stages import Stage

SYSTEM = {"Linux": "6.1 x86_64 with 2 processors", "Python": "3.11.2"}


def _run(name: str, factor: float = 1.0) -> Run:
    whole = [Usage(seconds * factor, seconds * factor, 100 * factor, 0) for seconds in (1.0, 9.0, 2.0)]
    stages = [Stage(READING, 2.0 * factor, 2.5 * factor, 90), Stage("diff", 0.01 * factor, 0.01 * factor, 95)]
    return Run(name, whole, stages, {"people": 20_000, "changes": 0}, Traffic(34, 31_003, ()))


def _readings(*readers: str) -> list[Reading]:
    """Three rounds, of which the second was disturbed; our read takes 1.5 times the second reader, that twice the third."""
    seconds = {OURS: 3.0, PYTHON_LDAP: 2.0, LDAPSEARCH: 1.0}
    return [Reading(reader, 0.1, seconds[reader] * noise, 90, 31_000) for noise in (1, 7, 1.25) for reader in readers]


def _results(shape: Shape | None = None, factor: float = 1.0, readings: Sequence[Reading] | None = None) -> Results:
    runs = [_run(name, factor) for name in (INITIAL, NO_CHANGE, CHANGED)]
    found = _readings(OURS, PYTHON_LDAP, LDAPSEARCH) if readings is None else readings
    return Results(shape or Shape(), runs, Usage(8.0, 9.0, 240.0, 0), found)


def test_cpu_is_the_median_and_memory_the_highest_of_all_repetitions() -> None:
    """One disturbed run does not decide; memory is never disturbed downwards."""
    run = Run("x", [Usage(1.0, 1, 10, 0), Usage(9.0, 9, 30, 0), Usage(2.0, 2, 20, 0)], [], {}, Traffic(0, 0, ()))
    assert (run.cpu, run.peak_mb) == (2.0, 30)


def test_the_budget_is_judged_by_the_plan_without_a_change() -> None:
    """2 seconds of 3, 100 MB of 250 and 1.5 times of 2 are kept; 2.5 times with doubled data is missed."""
    assert [verdict.kept for verdict in verdicts(_results())] == [True, True, True]
    judged = verdicts(_results(), _results(Shape().doubled(), factor=2.5))
    assert [verdict.kept for verdict in judged] == [True, True, True, False, False]
    assert [verdict.figure for verdict in judged] == [2.0, 100.0, 1.5, 2.5, 2.5]


def test_a_read_is_judged_only_beside_python_ldap() -> None:
    """Where it is not installed, the report says so and claims nothing."""
    alone = _results(readings=_readings(OURS, LDAPSEARCH))
    assert [verdict.unit for verdict in verdicts(alone)] == ["s", "MB"]
    said = "\n".join(text(SYSTEM, alone))
    assert "python-ldap: not installed, not compared" in said
    assert "beside a bare python-ldap read" not in said


def test_a_reader_is_compared_within_each_round() -> None:
    """A round that the machine disturbed for everybody changes no ratio; seconds are medians."""
    results = _results()
    assert (results.times(OURS, PYTHON_LDAP), results.times(OURS, LDAPSEARCH)) == (1.5, 3.0)
    assert results.times(OURS, "unknown") is None
    said = "\n".join(text(SYSTEM, results))
    assert f"  {OURS:<30}     0.10      3.75        90            1.50             3.00" in said
    assert f"  {LDAPSEARCH:<30}     0.10      1.25        90            0.50             1.00" in said
    assert "medians of 3 rounds, in which every reader reads 31,000 entries in turn" in said
    assert "not installed" not in said


def test_growth_of_a_stage_is_told_only_where_it_takes_long_enough() -> None:
    """Ten milliseconds against twenty say nothing."""
    assert growth(_run(NO_CHANGE), _run(NO_CHANGE, 2.0)) == [(READING, 2.0), ("diff", None)]


def test_the_report_names_every_stage_and_every_repetition() -> None:
    """Three plans of three repetitions, the versions and the caveats are there."""
    said = "\n".join(text(SYSTEM, _results()))
    assert said.count("reconcile plan, whole process") == 9
    assert said.count(READING) >= 3
    assert "34 LDAP searches, 31,003 entries; 20,000 people, 0 changes" in said
    assert "Python 3.11.2" in said
    assert "not comparable" in said


def test_a_missed_budget_is_said_aloud() -> None:
    """The figure stands beside its limit, whatever it is."""
    said = "\n".join(text(SYSTEM, _results(factor=2.0)))
    assert "own CPU of a plan without a change: 4.00 s of 3 s: MISSED" in said
    assert "peak memory of a plan without a change: 200.00 MB of 250 MB: kept" in said


def test_another_size_is_not_judged() -> None:
    """A small directory proves nothing about a large one."""
    said = "\n".join(text(SYSTEM, _results(Shape(people=100))))
    assert "not judged" in said
    assert "kept" not in said


def test_doubled_data_adds_its_own_table_and_the_growth() -> None:
    """Both sizes are printed, and the factor of each stage."""
    said = "\n".join(text(SYSTEM, _results(), _results(Shape().doubled(), factor=2.0)))
    assert "40,000 people, 22,000 directory groups" in said
    assert f"  {READING:<30}     2.00 times" in said
    assert "too short to compare" in said


def test_a_stage_that_outgrows_the_budget_is_said_aloud() -> None:
    """A whole within the budget does not hide a stage beyond it."""
    said = "\n".join(text(SYSTEM, _results(), _results(Shape().doubled(), factor=2.5)))
    assert f"  {READING:<30}     2.50 times: MORE than the budget" in said


def test_json_holds_everything_measured() -> None:
    """The document survives JSON and names each verdict."""
    found = json.loads(json.dumps(document(SYSTEM, _results(), _results(Shape().doubled(), factor=2.0))))
    assert [one["shape"]["people"] for one in found["results"]] == [20_000, 40_000]
    assert found["results"][0]["runs"][1]["stages"][0] == {"name": READING, "cpu": 2.0, "wall": 2.5, "peak_mb": 90}
    assert found["budget"][0] == {
        "what": "own CPU of a plan without a change",
        "figure": 2.0,
        "limit": 3.0,
        "unit": "s",
        "kept": True,
    }


def test_a_run_that_is_not_there_is_an_error() -> None:
    """Nothing is invented."""
    with pytest.raises(StopIteration):
        _results().run("unknown")
