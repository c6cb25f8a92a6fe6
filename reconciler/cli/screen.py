"""Write results to stdout and messages to stderr; never decide what they say or how a run ends."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import RLock
from typing import IO, TYPE_CHECKING, Literal

from reconciler.cli.clock import iso, now
from reconciler.errors import Problem, ReconcileError, UsageError
from reconciler.model.diagnostic import Diagnostic
from reconciler.render.look import Look, shown
from reconciler.render.problems import SHOWN, problems_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.status import Status

Level = Literal["error", "warning", "note"]


class OutputLost(ReconcileError):
    """The result could not be written: a full disk, most often."""


@dataclass(frozen=True, slots=True)
class _Live:
    """What moves on the terminal, and how to change its text."""

    status: Status
    show: Callable[[str], None]


@dataclass(slots=True)
class Screen:
    """Where one run shows things; the three options that every command has say how."""

    debug: bool = False
    colour: bool = True
    log_format: str = "text"
    _live: _Live | None = field(default=None, repr=False)  # while `working` shows something
    _turn: RLock = field(default_factory=RLock, repr=False, compare=False)  # of those who set that aside, or end it

    def look(self) -> Look:
        """Return how text on stdout may look."""
        return _look(sys.stdout, colour=self.colour)

    def result(self, pieces: Iterable[str]) -> None:
        """Write to stdout and flush.

        A reader that has seen enough (``| head``) is no error: the rest is dropped and the run goes on to its own end.
        Raises OutputLost for everything else.
        """
        try:
            for piece in pieces:
                sys.stdout.write(piece)
            sys.stdout.flush()
        except BrokenPipeError:
            _discard(sys.stdout)
        except OSError as error:
            _discard(sys.stdout)
            raise OutputLost(f"The result could not be written to standard output: {error.strerror}.") from error

    def line(self, text: str) -> None:
        """Write one line to stdout."""
        self.result([self.look().drawn(text) + "\n"])

    def message(self, level: Level, text: str) -> None:
        """Say something beside the result."""
        safe = "\n".join(shown(line) for line in text.split("\n"))
        with self._set_aside():
            self._say(level, safe)

    def _say(self, level: Level, safe: str) -> None:
        if self.log_format == "json":
            _write_message(json.dumps({"time": _time(), "level": level, "message": safe}) + "\n")
            return
        look = _look(sys.stderr, colour=self.colour)
        label = "" if level == "note" else look.paint(level, f"{level}:") + " "
        _write_message(look.drawn(f"{label}{safe}\n"))

    def problems(self, problems: Iterable[Problem]) -> None:
        """Say what is wrong with a policy beside the result, the first fifty of it."""
        found = tuple(problems)
        if self.log_format == "json":
            for problem in found[:SHOWN]:
                _write_message(json.dumps({"time": _time(), **problem_data(problem)}) + "\n")
            return
        for piece in problems_text(found, _look(sys.stderr, colour=self.colour)):
            _write_message(piece)

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show that something is going on, on a terminal only, and nothing of it afterwards."""
        if self.log_format == "json" or not _is_terminal(sys.stderr) or _dumb():
            yield
            return
        from rich.console import Console  # noqa: PLC0415 - 33 ms, wanted only where somebody is looking
        from rich.text import Text  # noqa: PLC0415 - as above

        look = _look(sys.stderr, colour=self.colour)
        console = Console(stderr=True, no_color=not look.colour, highlight=False)
        with console.status(Text(text)) as status:
            self._live = _Live(
                status, lambda line: status.update(Text(line or text, no_wrap=True, overflow="ellipsis"))
            )
            try:
                yield
            finally:
                with self._turn:
                    self._live = None

    @property
    def shows_progress(self) -> bool:
        """Whether `progress` is seen by somebody."""
        return self._live is not None

    def progress(self, text: str) -> None:
        """Show how far the work has got in place of what `working` shows, where it shows anything; empty: that again."""
        if self._live is not None:
            self._live.show(text)

    @contextmanager
    def _set_aside(self) -> Iterator[None]:
        """Take away what `working` shows while something else is written: rich would wrap that to the terminal's width."""
        with self._turn:
            live = self._live
            if live is None:
                yield
                return
            live.status.stop()
            yield
            live.status.start()


def problem_data(problem: Problem) -> dict[str, object]:
    """Return a problem as plain data: what JSON output and JSON messages hold."""
    if not isinstance(problem, Diagnostic):
        return {"level": "error", "message": shown(problem.line())}
    where = problem.where
    return {
        "level": str(problem.severity),
        "code": problem.code,
        "message": shown(f"{problem.summary} {problem.detail}".strip()),
        "path": where.path if where else None,
        "line": where.line if where else None,
        "column": where.column if where else None,
    }


def settle_streams() -> None:
    """Make sure that both streams exist and that no character can break them."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the whole run
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as above
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def can_ask() -> bool:
    """Tell whether a person is there to answer: input and messages are both a terminal."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)


def ask(question: str) -> str:
    """Return the answer typed, empty at the end of input."""
    _write_message(question)
    return sys.stdin.readline().strip()


def _look(stream: IO[str], *, colour: bool) -> Look:
    terminal = _is_terminal(stream)
    wanted = colour and terminal and not os.environ.get("NO_COLOR") and not _dumb()
    width = shutil.get_terminal_size().columns if terminal else 0
    try:
        "→…•".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Look(wanted, width, plain=True)
    return Look(wanted, width)


def _is_terminal(stream: IO[str] | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _dumb() -> bool:
    return os.environ.get("TERM") == "dumb"


def _time() -> str:
    try:
        return iso(now())
    except UsageError:
        return ""


def _write_message(text: str) -> None:
    """Write to stderr; nobody is left to tell when that fails."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _discard(stream: IO[str]) -> None:
    """Send what is still in the stream's buffer, and all that follows, nowhere: else the interpreter fails on exit."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
