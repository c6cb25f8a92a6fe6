"""Measure stages of this process: own CPU, wall time, the highest memory; never keep what a stage returns."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from time import perf_counter, process_time
from typing import ParamSpec, TypeVar

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): set the high-water mark of resident memory to what is in use now

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


@dataclass(slots=True)
class Stage:
    """One measured stage: seconds of user and system time of this process, seconds of wall time, MB at the highest."""

    name: str
    cpu: float = 0.0
    wall: float = 0.0
    peak_mb: float = 0.0


class Stages:
    """The stages of one run, in the order in which they first began.

    A stage may run several times: times add up. A stage inside another one is not counted in the outer one.
    """

    def __init__(self) -> None:
        """Start with no stage; what is used outside of all stages is not counted."""
        self._stages: dict[str, Stage] = {}
        self._open: list[Stage] = []
        self._cpu = self._wall = 0.0

    @property
    def done(self) -> list[Stage]:
        """The stages measured."""
        return list(self._stages.values())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block under that name."""
        self._credit()
        self._open.append(self._stages.setdefault(name, Stage(name)))
        try:
            yield
        finally:
            self._credit()
            self._open.pop()

    def watched(self, name: str, function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        """Return `function` such that every call of it is a stage."""

        @wraps(function)
        def measured(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
            with self.stage(name):
                return function(*args, **kwargs)

        return measured

    def _credit(self) -> None:
        """Book what was used since the last call to the innermost open stage, and start counting anew."""
        if self._open:
            stage = self._open[-1]
            stage.cpu += process_time() - self._cpu
            stage.wall += perf_counter() - self._wall
            stage.peak_mb = max(stage.peak_mb, peak_mb())
        _forget_peak()
        self._cpu, self._wall = process_time(), perf_counter()


def peak_mb() -> float:
    """Return the high-water mark of resident memory in MB, since the last stage began where the system can tell."""
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return in_mb(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def in_mb(maxrss: int) -> float:
    """Return `ru_maxrss` in MB: getrusage(2) counts kilobytes, on macOS bytes."""
    return maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _forget_peak() -> None:
    if _CLEAR_REFS.exists():
        _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
