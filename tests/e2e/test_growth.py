"""Twice the data asks no more questions and does at most a little more than twice the work; counted, never timed."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import CodeType, FrameType

import pytest
from sqlalchemy import Engine, event

from benchmarks.generate import LDIF, POLICY, write_directory, write_policy
from benchmarks.policy_files import Server
from benchmarks.readings import LDAPSEARCH, OTHER_DECODER, OURS, PYTHON_LDAP, python_ldap_is_here
from benchmarks.results import CHANGED, GROWTH_BUDGET, INITIAL, NO_CHANGE
from benchmarks.searches import Traffic, traffic
from benchmarks.seed import main
from benchmarks.shape import Shape
from benchmarks.staged import READING, REST
from reconciler.adoption.draft import Manner
from reconciler.apply.task import Task
from reconciler.importing import Order, import_rules
from reconciler.model.plan import Plan
from reconciler.pipeline import Run, apply_plan, make_plan
from reconciler.plan.encode import encode, to_text
from reconciler.policy.load import load_policy
from tests.servers import slapd
from tests.servers.slapd import Slapd
from tests.unit.apply.apps import manner, store_in

ONCE = Shape(people=400, groups=220, mean=8.0, nested=40, target_groups=40)
TWICE = ONCE.doubled()
TODAY = date(2026, 11, 21)
NOW = "2026-11-21T04:00:00Z"
QUADRATIC = 3.0  # times as many calls of one function: linear is 2, quadratic 4
STAGES = {
    "imports",
    "policy load",
    READING,
    "desired",
    "live read",
    "diff",
    "plan build",
    "JSON encode",
    "render text",
    REST,
}
FEW = 15  # searches and SQL statements of one plan


@dataclass(frozen=True, slots=True)
class Company:
    """A generated directory with the policy that reads it."""

    folder: Path

    def run(self) -> Run:
        """Return a run of the policy as it stands in its files now."""
        return Run(load_policy(str(self.folder / POLICY), TODAY).policy, TODAY, NOW)

    def filled(self) -> Company:
        """Return this company once its roster holds everything that the first plan asks for."""
        run = self.run()
        plan = make_plan(run)
        report = apply_plan(run, Task(plan, encode(plan)), store_in(self.folder), manner())
        assert report.exit_code == 0
        return self


@pytest.fixture
def generated(tmp_path: Path) -> Callable[[Shape], Company]:
    """Generate a company whose directory is an LDIF file."""

    def generate(shape: Shape) -> Company:
        folder = tmp_path / str(shape.people)
        write_policy(shape, folder / POLICY)
        write_directory(shape, folder / LDIF)
        return Company(folder)

    return generate


def _asked(server: Slapd, shape: Shape, folder: Path) -> Traffic:
    """Return what one plan asks of a server."""
    write_policy(shape, folder / POLICY, Server(server.url, server.reader_dn, "password"))
    (folder / POLICY / "password").write_text(server.password, encoding="utf-8")
    server.forget()
    plan = make_plan(Company(folder).run())
    assert plan.applyable
    assert (plan.directories[0].people, plan.directories[0].groups) == (shape.people, shape.groups)
    return traffic(server.operations("S"))


@pytest.mark.slapd
def test_twice_the_data_asks_no_further_ldap_search(
    start_slapd: Callable[[str], Slapd], generated: Callable[[Shape], Company], tmp_path: Path
) -> None:
    """One paged search per class of entry: 220 or 440 groups, 400 or 800 people, 400 or 800 links, the same questions."""
    asked = []
    for shape in (ONCE, TWICE):
        ldif = (generated(shape).folder / LDIF).read_text(encoding="utf-8")
        asked.append(_asked(start_slapd(ldif), shape, tmp_path / f"live-{shape.people}"))
    once, twice = asked
    assert twice.questions == once.questions
    assert twice.requests == once.requests <= FEW
    assert twice.entries - once.entries == (TWICE.people - ONCE.people) + (TWICE.groups - ONCE.groups)


@pytest.mark.slapd
def test_the_benchmark_measures_every_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole benchmark runs at a small size: all three plans, the load, every stage by its name, every reader."""
    if slapd.program() is None:
        pytest.skip(slapd.MISSING)
    options = ("--people", "60", "--groups", "40", "--mean", "4", "--nested", "10", "--target-groups", "8")
    figures = tmp_path / "figures.json"
    assert main([*options, "--repeat", "1", "--rounds", "2", "--quiet", "--json", str(figures)]) == 0
    (found,) = json.loads(figures.read_text(encoding="utf-8"))["results"]
    assert [run["name"] for run in found["runs"]] == [INITIAL, NO_CHANGE, CHANGED]
    initial, no_change, _ = found["runs"]
    assert {stage["name"] for stage in initial["stages"]} == STAGES
    assert initial["counts"]["changes"] > 0 == no_change["counts"]["changes"]
    assert (initial["counts"]["people"], initial["counts"]["groups"]) == (60, 40)
    assert len(no_change["traffic"]["questions"]) == 2
    readers = [reading["reader"] for reading in found["readings"]]
    there = [OURS, OTHER_DECODER, *([PYTHON_LDAP] if python_ldap_is_here() else []), LDAPSEARCH]
    assert readers == [*there, *there]
    assert {reading["entries"] for reading in found["readings"]} == {100}
    said = capsys.readouterr().out
    assert "60 people, 40 directory groups" in said
    assert ("python-ldap: not installed, not compared" in said) != python_ldap_is_here()


def test_twice_the_data_runs_no_further_sql_statement(generated: Callable[[Shape], Company]) -> None:
    """A plan without a change reads whole tables: the same statements whatever is in them, and not one that writes."""
    counted = []
    for shape in (ONCE, TWICE):
        company = generated(shape).filled()
        with _statements() as statements:
            plan = make_plan(company.run())
        assert plan.empty
        assert plan.targets[0].unchanged.memberships > shape.people
        counted.append(statements)
    once, twice = counted
    assert twice == once
    assert 0 < len(once) <= FEW
    assert not [text for text in once if text.split()[0].upper() in {"INSERT", "UPDATE", "DELETE", "CREATE", "DROP"}]


def test_applying_twice_the_data_takes_at_most_little_more_than_twice_the_statements(
    generated: Callable[[Shape], Company],
) -> None:
    """The first load writes many rows per statement: far fewer statements than memberships, and they grow no faster."""
    counted = []
    for shape in (ONCE, TWICE):
        company = generated(shape)
        with _statements() as statements:
            company.filled()
        counted.append(len(statements))
    assert counted[1] <= GROWTH_BUDGET * counted[0]
    assert counted[0] < ONCE.people


@pytest.mark.parametrize("load", ["initial", "none"])
def test_twice_the_data_makes_little_more_than_twice_the_calls(
    generated: Callable[[Shape], Company], load: str
) -> None:
    """All calls together stay within the budget of 2.4 times, and no single function that is called often is quadratic."""
    counted = []
    for shape in (ONCE, TWICE):
        company = generated(shape)
        run = (company if load == "initial" else company.filled()).run()
        with _calls() as calls:
            text = to_text(encode(make_plan(run)))
        assert len(text) > 0
        counted.append(calls)
    once, twice = counted
    assert twice.total() <= GROWTH_BUDGET * once.total()
    often = {name: (count, twice[name]) for name, count in once.items() if count >= ONCE.target_groups}
    assert not {name: pair for name, pair in often.items() if pair[1] > QUADRATIC * pair[0]}


def test_importing_twice_the_roster_makes_little_more_than_twice_the_calls(
    generated: Callable[[Shape], Company],
) -> None:
    """Rules for what is live are found without holding every directory group against every group of the target."""
    counted, small = [], replace(ONCE, people=200, groups=110, nested=20, target_groups=20)
    for shape in (small, small.doubled()):
        company = generated(shape).filled()
        for file in (company.folder / POLICY).glob("*.yaml"):
            if file.name != "connections.yaml":
                file.unlink()
        run = replace(company.run(), targets=("roster",))
        order = Order(run, str(company.folder / POLICY), "imported.yaml", Manner(TODAY, TODAY))
        with _calls() as calls:
            imported = import_rules(order)
        assert imported.empty
        assert imported.text.count("{cn:") > shape.target_groups
        counted.append(calls)
    once, twice = counted
    assert twice.total() <= GROWTH_BUDGET * once.total()
    often = {name: (count, twice[name]) for name, count in once.items() if count >= small.target_groups}
    assert not {name: pair for name, pair in often.items() if pair[1] > QUADRATIC * pair[0]}


def test_a_policy_of_twice_the_size_is_read_and_checked_once(generated: Callable[[Shape], Company]) -> None:
    """Each file is read in one pass and validated once; calls grow with the text and no faster."""
    counted = []
    for shape in (ONCE, TWICE):
        company = generated(shape)
        with _calls() as calls:
            policy = company.run().policy
        assert len(policy.groups["roster"]) == shape.target_groups
        for step in ("read_source", "check_schema"):
            assert _calls_of(calls, step) == len(policy.files)
        counted.append(calls.total())
    assert counted[1] <= GROWTH_BUDGET * counted[0]


def test_a_plan_reads_each_directory_and_each_target_once(generated: Callable[[Shape], Company]) -> None:
    """Nothing is read again for a later stage."""
    run = generated(ONCE).run()
    with _calls() as calls:
        plan: Plan = make_plan(run)
    assert not plan.empty
    for step in ("read_directory", "desire", "compare", "build_target"):
        assert _calls_of(calls, step) == 1


@contextmanager
def _statements() -> Iterator[list[str]]:
    """Collect the text of every SQL statement that any engine runs."""
    found: list[str] = []

    def note(*arguments: object) -> None:
        found.append(str(arguments[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextmanager
def _calls() -> Iterator[Counter[str]]:
    """Count the calls of the project's own Python functions, by file and name."""
    codes: Counter[CodeType] = Counter()
    found: Counter[str] = Counter()

    def note(frame: FrameType, what: str, _argument: object) -> None:
        if what == "call":
            codes[frame.f_code] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)
        for code, count in codes.items():
            place = Path(code.co_filename)
            if "reconciler" in place.parts:
                found[f"{place.name}:{code.co_qualname}"] += count


def _calls_of(calls: Counter[str], function: str) -> int:
    return sum(count for name, count in calls.items() if name.endswith(f":{function}"))
