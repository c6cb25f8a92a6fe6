"""How one plan is to be applied: limits, a clock, who is told, and how it is stopped; decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from reconciler.apply.report import Origin
from reconciler.state.lock import Terms

Clock = Callable[[], str]
"""Gives the time as ISO 8601 UTC."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one target has got: changes that something became of, and how many of these were not made."""

    target: str
    done: int
    total: int
    failed: int


class Watcher(Protocol):
    """Who is told how an apply goes; must not raise."""

    def applying(self, progress: Progress) -> None:
        """Learn how far it has got."""


class _Nobody:
    def applying(self, progress: Progress) -> None:
        """Do nothing."""


NOBODY: Watcher = _Nobody()


@dataclass(frozen=True, slots=True)
class Manner:
    """How a plan is applied.

    `terms` say who takes the locks of targets and how long to wait for one. `max_errors` is how many changes may fail
    before the run stops. `stop` is set from outside: batches in flight are finished, and no other is begun.
    """

    clock: Clock
    terms: Terms
    origin: Origin = Origin()
    max_errors: int = 10
    allow_partial: bool = False
    watcher: Watcher = NOBODY
    stop: Event = field(default_factory=Event)
