"""How often a GitLab is asked: no more than the data needs, and twice the data at most twice; counted, never timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from benchmarks.generate import LDIF, POLICY, write_directory
from benchmarks.gitlab import main
from benchmarks.gitlab_company import VARIABLE, state, write_policy
from benchmarks.gitlab_results import READS, reads_of_plan, writes_of_load
from benchmarks.shape import Shape
from reconciler.apply.task import Task
from reconciler.model.plan import Plan
from reconciler.pipeline import Run, apply_plan, make_plan
from reconciler.plan.encode import encode
from reconciler.policy.load import load_policy
from tests.e2e.gitlab_reading import SECRET
from tests.fakes.gitlab_seed import load
from tests.fakes.gitlab_server import Served, serving
from tests.fakes.gitlab_world import World
from tests.unit.apply.apps import manner, store_in

ONCE = Shape(people=250, groups=120, mean=8.0, nested=20, target_groups=20)
PROBES = {"version", "token"}  # what is asked to know that this GitLab and this token will do
TODAY, NOW = date(2026, 11, 21), "2026-11-21T04:00:00Z"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the token."""
    monkeypatch.setenv(VARIABLE, SECRET)


@dataclass(frozen=True, slots=True)
class Company:
    """A generated company, the policy for its GitLab, and the GitLab, where everybody has an account and is in no group."""

    folder: Path
    served: Served

    def plan(self) -> tuple[Plan, dict[str, int]]:
        """Return a plan, and the requests that it took, by kind; what only has to be asked once, apart."""
        self.served.forget()
        plan = make_plan(self._run())
        return plan, dict(self.served.counts)

    def apply(self, plan: Plan) -> dict[str, int]:
        """Make a plan so, and return the requests that it took, by kind."""
        self.served.forget()
        report = apply_plan(self._run(), Task(plan, encode(plan)), store_in(self.folder), manner())
        assert report.exit_code == 0
        return dict(self.served.counts)

    def sizes(self) -> list[int]:
        """Return how many members each group has."""
        return [len(group.members) for group in self.served.world.groups.values()]

    def _run(self) -> Run:
        return Run(load_policy(str(self.folder / POLICY), TODAY).policy, TODAY, NOW)


@contextmanager
def company(shape: Shape, folder: Path) -> Iterator[Company]:
    """Serve the GitLab of a generated company."""
    world = World()
    load(world, state(shape))
    world.add_token(SECRET, world.user("root"), "api")
    with serving(world) as served:
        write_policy(shape, folder / POLICY, served.url, 4)
        write_directory(shape, folder / LDIF)
        yield Company(folder, served)


def test_a_plan_asks_for_each_page_once_and_a_load_writes_by_the_hundred(tmp_path: Path) -> None:
    """Accounts, groups and members by pages of 100; additions by 100 of one role in one group; nothing where nothing changes."""
    users = ONCE.people + 1
    with company(ONCE, tmp_path) as found:
        initial, asked = found.plan()
        assert sum(asked.values()) == reads_of_plan(users, found.sizes()) + len(PROBES)
        applied = found.apply(initial)
        levels = {
            group.full_path: found.served.world.levels(group.full_path) for group in found.served.world.groups.values()
        }
        assert max(found.sizes()) > 100
        writes = {kind: number for kind, number in applied.items() if kind not in READS}
        assert writes == {"members.add": writes_of_load(levels)}
        assert applied["members.list"] == asked["members.list"] + 2 * writes["members.add"]
        again, asked = found.plan()
        assert again.empty
        assert again.targets[0].unchanged.memberships == sum(found.sizes())
        assert sum(asked.values()) == reads_of_plan(users, found.sizes()) + len(PROBES)
        assert asked.keys() == {*PROBES, "user", "users.list", "groups.list", "members.list"}
        assert not found.served.writes()


def test_twice_the_data_asks_a_gitlab_at_most_twice_as_often(tmp_path: Path) -> None:
    """Plan, load, and plan without a change: all kinds of requests together."""
    counted = []
    for shape in (ONCE, ONCE.doubled()):
        with company(shape, tmp_path / str(shape.people)) as found:
            initial, first = found.plan()
            counted.append([sum(first.values()), sum(found.apply(initial).values()), sum(found.plan()[1].values())])
    for once, twice in zip(*counted, strict=True):
        assert once < twice <= 2.4 * once


def test_the_benchmark_of_a_gitlab_keeps_its_bars_at_a_small_size(capsys: pytest.CaptureFixture[str]) -> None:
    """The real command against a fake in a process of its own: every run is reported, and no bar is missed."""
    options = ("--people", "250", "--groups", "60", "--mean", "4", "--nested", "10", "--target-groups", "8")
    assert main([*options, "--latency", "0", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "250 accounts, 60 directory groups, 8 GitLab groups" in said
    for run in ("plan, initial:", "apply, initial:", "plan, no change:", "apply, no change:"):
        assert run in said
    assert "MISSED" not in said
    assert said.count(": kept") == 6
    assert "Nothing here was measured on a real GitLab." in said
