"""The seed benchmark: a generated company in a real slapd, planned against a SQLite roster; never touches anything else.

Every plan runs as the real command in a process of its own, and once more with its stages measured.
This process stays small, because Linux starts a child's peak memory at its parent's. Run as ``python -m benchmarks.seed``.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

from benchmarks.generate import LDIF, POLICY, shape_from, shape_options, write_policy
from benchmarks.policy_files import PAGE_SIZE, Server
from benchmarks.processes import Failed, Usage, measured
from benchmarks.readings import Task, python_ldap_is_here, readings
from benchmarks.report import document, text
from benchmarks.results import CHANGED, INITIAL, NO_CHANGE, Results, Run
from benchmarks.searches import Login, traffic
from benchmarks.shape import Shape
from benchmarks.stages import Stage
from tests.servers import slapd

_CHANGED_PERCENT = 1.0
_ROOT = Path(__file__).parents[1]
_PASSWORD = "password"
_COMMAND = Path(sysconfig.get_path("scripts")) / "reconcile"
_Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Company:
    """One generated company in a folder of its own, how often each plan is repeated, and how often all readers read."""

    shape: Shape
    folder: Path
    repeat: int
    rounds: int
    say: _Say

    @property
    def policy(self) -> Path:
        """The policy folder, the same for all directories, so that all of them meet the same roster."""
        return self.folder / POLICY

    def results(self) -> Results:
        """Generate, load, plan and apply everything once."""
        self.folder.mkdir(parents=True)
        with self._served(0.0) as server:
            initial = self._run(INITIAL, server)
            apply = self._apply()
            no_change = self._run(NO_CHANGE, server)
            self.say(f"reading the same with every reader in turn, {self.rounds} times")
            login = Login(server.url, server.reader_dn, self.policy / _PASSWORD)
            task = Task(self.policy, login, no_change.traffic.questions, PAGE_SIZE)
            found = readings(task, self.folder, self.rounds)
        with self._served(_CHANGED_PERCENT) as server:
            changed = self._run(CHANGED, server)
        return Results(self.shape, (initial, no_change, changed), apply, found)

    @contextmanager
    def _served(self, changed: float) -> Iterator[slapd.Slapd]:
        """Generate one directory, load it into a slapd of its own, and write the policy that reads it."""
        generated = self.folder / f"generated-{changed:g}"
        self.say(f"generating {self.shape.people:,} people and {self.shape.groups:,} groups")
        _python("benchmarks.generate", *_options(self.shape), "--changed", str(changed), "--out", generated)
        self.say("loading them into slapd")
        server = slapd.start(self.folder / f"slapd-{changed:g}", generated / LDIF)
        try:
            write_policy(self.shape, self.policy, Server(server.url, server.reader_dn, _PASSWORD))
            (self.policy / _PASSWORD).write_text(server.password, encoding="utf-8")
            yield server
        finally:
            server.stop()

    def _run(self, name: str, server: slapd.Slapd) -> Run:
        self.say(f"planning, {name}: the command, {self.repeat} times, then its stages")
        whole = [self._plan(f"{name}-{number}") for number in range(self.repeat)]
        server.forget()
        figures = self.folder / f"{name}-figures.json"
        staged = f"{name}-stages"
        measured([sys.executable, "-m", "benchmarks.staged", figures, *self._planning], self.folder, staged)
        asked = traffic(server.operations("S"))
        found = json.loads(figures.read_text(encoding="utf-8"))
        sizes = {
            "bytes of JSON": self._plan_file.stat().st_size,
            "bytes of text": (self.folder / f"{staged}.out").stat().st_size,
        }
        return Run(name, whole, [Stage(**stage) for stage in found["stages"]], {**found["counts"], **sizes}, asked)

    def _plan(self, name: str) -> Usage:
        return measured([_COMMAND, *self._planning], self.folder, name)

    @property
    def _plan_file(self) -> Path:
        return self.folder / "plan.json"

    @property
    def _planning(self) -> list[str | Path]:
        """The command line of every plan."""
        return ["plan", self.policy, "--out", self._plan_file]

    def _apply(self) -> Usage:
        self.say("applying the initial plan")
        command: list[str | Path] = [
            _COMMAND,
            "apply",
            self.folder / "plan.json",
            "--policy",
            self.policy,
            "--auto-approve",
        ]
        return measured(command, self.folder, "apply")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for and print the report; return the exit code."""
    arguments = _parser().parse_args(argv)
    shape = shape_from(arguments)
    try:
        with _folder(arguments.keep) as folder:
            results = _company(shape, folder / "once", arguments).results()
            doubled = _company(shape.doubled(), folder / "twice", arguments).results() if arguments.double else None
    except (Failed, FileNotFoundError, FileExistsError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    print("\n".join(text(system(), results, doubled)))
    if arguments.json:
        arguments.json.write_text(json.dumps(document(system(), results, doubled), indent=2) + "\n", encoding="utf-8")
    return 0


def system() -> dict[str, str]:
    """Return what the figures depend on beside the program: the machine and the versions."""
    found = slapd.program()
    said = subprocess.run([found, "-VV"], check=False, capture_output=True, text=True).stderr if found else ""
    return {
        platform.system(): f"{platform.release()} {platform.machine()} with {cpu_count()} processors",
        "Python": platform.python_version(),
        "reconciler": version("reconciler"),
        "ldap3": version("ldap3"),
        "python-ldap": version("python-ldap") if python_ldap_is_here() else "not installed",
        "SQLAlchemy": version("sqlalchemy"),
        "SQLite": sqlite3.sqlite_version,
        "slapd": next((word for word in said.split() if word[:1].isdigit()), "unknown"),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure plan and apply with a generated company."
    )
    shape_options(parser)
    parser.add_argument("--repeat", type=int, default=3, help="how often each plan runs as a whole (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often every reader reads, in turn (%(default)s)")
    parser.add_argument("--double", action="store_true", help="repeat with doubled data and print growth factors")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured as JSON as well")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this new folder and leave it")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    return parser


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Give the folder to work in, one that is deleted afterwards unless it is to be kept."""
    with nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        yield Path(folder).resolve()


def _company(shape: Shape, folder: Path, arguments: argparse.Namespace) -> Company:
    say = _silent if arguments.quiet else _progress
    return Company(shape, folder, arguments.repeat, arguments.rounds, say)


def _options(shape: Shape) -> list[str]:
    """Return the generator's command line for a shape."""
    options = {
        "--people": shape.people,
        "--groups": shape.groups,
        "--mean": shape.mean,
        "--nested": shape.nested,
        "--target-groups": shape.target_groups,
        "--links": shape.links,
        "--seed": shape.seed,
    }
    return [part for name, value in options.items() for part in (name, str(value))]


def _python(module: str, *arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, cwd=_ROOT)


def _progress(message: str) -> None:
    print(f"benchmark: {message}", file=sys.stderr, flush=True)


def _silent(_message: str) -> None:
    """Say nothing."""


if __name__ == "__main__":
    sys.exit(main())
