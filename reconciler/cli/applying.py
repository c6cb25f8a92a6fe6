"""Show how far an apply has got: a bar on a terminal, a line every ten seconds elsewhere; never touch the apply itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

from reconciler.apply.manner import Progress
from reconciler.cli.screen import Screen
from reconciler.model.text import shortened

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""

_WIDTH = 20  # characters of the bar
_LOOK = 0.5  # seconds between two looks at the clock


class Applying:
    """The watcher of an apply. `tick` may be called from another thread than `applying`: each only reads or sets one value."""

    def __init__(self, screen: Screen, clock: Callable[[], float] = monotonic) -> None:
        """`clock` counts seconds from anywhere."""
        self._screen, self._clock = screen, clock
        self._last: Progress | None = None
        self._said = clock()

    def applying(self, progress: Progress) -> None:
        """Show it on a terminal; keep it for the next line elsewhere."""
        self._last = progress
        self._screen.progress(_bar(progress))
        self.tick()

    def tick(self) -> None:
        """Say a line where none was said for a while, and no bar is shown."""
        if self._screen.shows_progress or self._last is None:
            return
        now = self._clock()
        if now - self._said < EVERY:
            return
        self._said = now
        self._screen.message("note", _line(self._last))

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Look at the clock while something else is done: one call to a target may take long."""
        over = Event()
        thread = Thread(target=self._keep_ticking, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _keep_ticking(self, over: Event) -> None:
        while not over.wait(_LOOK):
            self.tick()


def _bar(progress: Progress) -> str:
    full = _WIDTH * progress.done // progress.total if progress.total else _WIDTH
    return f"[{'#' * full}{'-' * (_WIDTH - full)}] {_line(progress)}"


def _line(progress: Progress) -> str:
    failed = f", {progress.failed:,} not made" if progress.failed else ""
    return f"Applying {shortened(progress.target, 60)}: {progress.done:,} of {progress.total:,} changes{failed}"
