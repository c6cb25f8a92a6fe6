"""Let several readers ask a server the same in turn, each in a process of its own; never judge what they took."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.processes import Failed, measured
from benchmarks.searches import Login, Question, dump

OURS, OTHER_DECODER, PYTHON_LDAP, LDAPSEARCH = "our read", "our read, decoder: ldap3", "python-ldap", "ldapsearch"


@dataclass(frozen=True, slots=True)
class Reading:
    """One complete read: seconds from connecting to the last entry held, MB of the whole process.

    Python's start and imports are not in the seconds; ldapsearch is counted from its start to its exit.
    """

    reader: str
    cpu: float
    wall: float
    peak_mb: float
    entries: int


@dataclass(frozen=True, slots=True)
class Task:
    """What is read: the policy that asks, and what it asked the server."""

    policy: Path
    login: Login
    questions: Sequence[Question]
    page_size: int

    def to_json(self) -> str:
        """Return the task as a file for benchmarks.reader."""
        return json.dumps(asdict(self), default=str)


def python_ldap_is_here() -> bool:
    """Tell whether there is a python-ldap to compare with: the wheel does not need it, scripts/bench installs it."""
    return find_spec("ldap") is not None


def readings(task: Task, folder: Path, rounds: int) -> list[Reading]:
    """Read `rounds` times with every reader in turn. Raises Failed unless all of them found as many entries."""
    readers = [OURS, OTHER_DECODER, *([PYTHON_LDAP] if python_ldap_is_here() else []), LDAPSEARCH]
    (folder / "task.json").write_text(task.to_json(), encoding="utf-8")
    found = [_read(reader, task, folder) for _ in range(rounds) for reader in readers]
    counts = {reading.reader: reading.entries for reading in found}
    if len(set(counts.values())) > 1:
        raise Failed(f"the readers did not find the same: {counts}")
    return found


def _read(reader: str, task: Task, folder: Path) -> Reading:
    if reader == LDAPSEARCH:
        used, entries = dump(task.login, task.questions, task.page_size, folder)
        cpu, wall = sum(usage.cpu for usage in used), sum(usage.wall for usage in used)
        return Reading(reader, cpu, wall, max((usage.peak_mb for usage in used), default=0.0), entries)
    figures = folder / "reader.json"
    command: list[str | Path] = [sys.executable, "-m", "benchmarks.reader", reader, folder / "task.json", figures]
    peak_mb = measured(command, folder, "reader").peak_mb
    return Reading(reader=reader, peak_mb=peak_mb, **json.loads(figures.read_text(encoding="utf-8")))
