"""Follow how directories are read: a live line on a terminal, every search with --debug; never touches the read itself."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from reconciler.cli.screen import Screen
from reconciler.directory.ldapsearch import ldapsearch
from reconciler.directory.observer import Question

_PATIENCE = 0.5  # seconds: a read that is over sooner shows nothing but that it is made


class Progress:
    """The observer of a run's reads."""

    def __init__(self, screen: Screen, clock: Callable[[], float] = monotonic) -> None:
        """`clock` counts seconds from anywhere."""
        self._screen, self._clock = screen, clock
        self._kind = ""
        self._entries = 0
        self._since = 0.0  # when the first entries of this kind were asked for
        self._began: float | None = None  # when the first question of this read was put

    def searching(self, question: Question) -> None:
        """Say the search where somebody looks for a mistake; several bases of one kind are counted together."""
        if self._screen.debug:
            self._screen.message("note", ldapsearch(question))
        now = self._clock()
        self._began = now if self._began is None else self._began
        if question.search.kind and question.search.kind != self._kind:
            self._kind, self._entries, self._since = question.search.kind, 0, now

    def found(self, entries: int) -> None:
        """Show the count and the speed once the read has taken long enough to be looked at."""
        self._entries += entries
        now = self._clock()
        if self._kind and self._began is not None and now - self._began >= _PATIENCE:
            speed = self._entries / max(now - self._since, 0.001)
            self._screen.progress(f"Reading {self._kind}: {self._entries:,} entries, {speed:,.0f}/s")

    def finished(self) -> None:
        """Show again what is being done as a whole."""
        self._kind, self._entries, self._began = "", 0, None
        self._screen.progress("")
