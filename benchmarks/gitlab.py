"""The seed benchmark against a fake GitLab in a process of its own; never asks a real one.

Every plan and every apply is the real command in a process of its own. This process stays small, because Linux starts a
child's peak memory at its parent's. Run as ``python -m benchmarks.gitlab``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict
from urllib.request import Request, urlopen

from benchmarks.generate import POLICY, shape_from, shape_options
from benchmarks.gitlab_company import STATE, VARIABLE
from benchmarks.gitlab_results import APPLY, APPLY_AGAIN, PLAN, PLAN_AGAIN, Asked, Levels, Outcome, bars, text
from benchmarks.processes import Failed, measured
from benchmarks.shape import Shape
from benchmarks.stages import Stage

_ROOT = Path(__file__).parents[1]
_COMMAND = Path(sysconfig.get_path("scripts")) / "reconcile"
_TOKEN = "glpat-benchmark"


class Counted(TypedDict):
    """What the fake has counted."""

    counts: dict[str, int]
    statuses: dict[str, int]
    effects: int


@dataclass(frozen=True, slots=True)
class Fake:
    """A fake GitLab that runs."""

    url: str

    def counted(self) -> Counted:
        """Return what it has counted, and begin anew."""
        found: Counted = json.loads(self._get("/-/fake"))
        found["counts"].pop("fake", None)
        self._get("/-/fake", "DELETE")
        return found

    def levels(self) -> Levels:
        """Return who is in each group."""
        found: Levels = json.loads(self._get("/-/fake/state"))["groups"]
        return found

    def _get(self, path: str, method: str = "GET") -> bytes:
        with urlopen(Request(self.url + path, method=method)) as answer:  # noqa: S310 - our own, on loopback
            said: bytes = answer.read()
        return said


@dataclass(frozen=True, slots=True)
class Bench:
    """One generated company in a folder of its own."""

    shape: Shape
    folder: Path
    latency: float
    parallel: int
    quiet: bool

    def outcome(self) -> Outcome:
        """Generate, serve, plan and apply everything, and once more without a change."""
        self._say(f"generating {self.shape.people:,} people and {self.shape.groups:,} groups")
        self._generate()
        with self._served() as fake:
            self._generate("--url", fake.url, "--parallel", str(self.parallel))
            plan = self.folder / "plan.json"
            saved: list[str | Path] = ["apply", plan, "--policy", self._policy, "--auto-approve"]
            asked = [self._asked(fake, PLAN, ["plan", self._policy, "--out", plan]), self._asked(fake, APPLY, saved)]
            asked.append(self._asked(fake, PLAN_AGAIN, ["plan", self._policy]))
            asked.append(self._asked(fake, APPLY_AGAIN, ["apply", self._policy, "--auto-approve"]))
            stages = self._stages()
            return Outcome(self.shape, self.latency, self.parallel, asked, stages, fake.levels())

    @property
    def _policy(self) -> Path:
        return self.folder / POLICY

    def _asked(self, fake: Fake, name: str, arguments: Sequence[str | Path]) -> Asked:
        self._say(name)
        fake.counted()
        used = measured([_COMMAND, *arguments], self.folder, name.replace(", ", "-"))
        found = fake.counted()
        return Asked(name, used, found["counts"], found["statuses"], found["effects"])

    def _stages(self) -> list[Stage]:
        self._say("the stages of a plan without a change")
        figures = self.folder / "figures.json"
        measured([sys.executable, "-m", "benchmarks.staged", figures, "plan", self._policy], self.folder, "stages")
        return [Stage(**stage) for stage in json.loads(figures.read_text(encoding="utf-8"))["stages"]]

    def _generate(self, *more: str) -> None:
        shape = self.shape
        sizes = ("--people", shape.people, "--groups", shape.groups, "--mean", shape.mean, "--nested", shape.nested)
        links = ("--target-groups", shape.target_groups, "--links", shape.links, "--seed", shape.seed)
        command = [sys.executable, "-m", "benchmarks.gitlab_company", *map(str, (*sizes, *links)), *more]
        subprocess.run([*command, "--out", self.folder], check=True, cwd=_ROOT)

    @contextmanager
    def _served(self) -> Iterator[Fake]:
        """Serve the company's GitLab from a process of its own."""
        self._say("starting the fake GitLab")
        command = [sys.executable, "-m", "tests.fakes.gitlab", "--load", str(self.folder / STATE), "--token", _TOKEN]
        command += ["--latency", str(self.latency)]
        with subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        ) as process:
            try:
                said = process.stdout.readline().strip() if process.stdout else ""
                if not said:
                    raise Failed("the fake GitLab did not start")
                yield Fake(said)
            finally:
                process.terminate()

    def _say(self, message: str) -> None:
        if not self.quiet:
            print(f"benchmark: {message}", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for, print the report, and return 1 where a bar is missed."""
    arguments = _parser().parse_args(argv)
    os.environ[VARIABLE] = _TOKEN
    try:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            place = Path(folder).resolve()
            shape = shape_from(arguments)
            outcome = Bench(shape, place, arguments.latency, arguments.parallel, arguments.quiet).outcome()
    except (Failed, OSError, subprocess.CalledProcessError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    print("\n".join(text(outcome, _system())))
    return 0 if all(bar.kept for bar in bars(outcome)) else 1


def _system() -> str:
    where = f"{platform.system()} {platform.release()} {platform.machine()} with {os.cpu_count()} processors"
    return f"On {where}, Python {platform.python_version()}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench gitlab", description="Measure runs against a fake GitLab.")
    shape_options(parser)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds added to each answer (%(default)s)")
    parser.add_argument("--parallel", type=int, default=10, help="requests in flight (%(default)s)")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    return parser


if __name__ == "__main__":
    sys.exit(main())
