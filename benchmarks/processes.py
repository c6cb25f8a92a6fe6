"""Run a command as a process of its own and say what it used, seen from outside; never share memory with it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.stages import in_mb


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process used from its first instruction to its exit: Python's own start-up is in it."""

    cpu: float  # seconds, user and system
    wall: float  # seconds
    peak_mb: float
    code: int


class Failed(Exception):
    """A measured command ended with an exit code that makes its figures worthless."""


def measured(command: Sequence[str | Path], folder: Path, name: str, expect: Sequence[int] = (0,)) -> Usage:
    """Run `command`; its output goes to files in `folder` that begin with `name`. Raises Failed for another exit code.

    Linux starts a child's peak at its parent's, so this process has to stay smaller than what it measures.
    """
    output, errors = folder / f"{name}.out", folder / f"{name}.err"
    with output.open("wb") as out, errors.open("wb") as err:
        start = perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=_environment())
        _, status, used = os.wait4(process.pid, 0)
        wall = perf_counter() - start
    process.returncode = code = os.waitstatus_to_exitcode(status)
    if code not in expect:
        said = errors.read_text(errors="replace")[-2000:]
        raise Failed(f"{' '.join(map(str, command))}\nended with exit code {code}:\n{said}")
    return Usage(used.ru_utime + used.ru_stime, wall, in_mb(used.ru_maxrss), code)


def _environment() -> Mapping[str, str]:
    """Return this process's environment without what would make the program do more than it does for its users."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PYTHONDEVMODE"))}
