"""A clock that only moves when somebody waits, so that waits of hours take no time and can be counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from reconciler.targets.pace import Timing

NOON = 1_795_176_000.0  # 2026-11-20T12:00:00Z


@dataclass
class StandingClock:
    """Seconds since the start, and every wait asked for; `stops_after` waits somebody sets the flag."""

    now: float = 0.0
    chance: float = 1.0
    waits: list[float] = field(default_factory=list)
    stops_after: int = 1_000_000

    def timing(self) -> Timing:
        """Return this clock as the seam takes one."""
        return Timing(lambda: self.now, lambda: NOON + self.now, lambda: self.chance, self._pause)

    def _pause(self, stop: Event, seconds: float) -> None:
        self.waits.append(round(seconds, 6))
        if len(self.waits) > self.stops_after:
            stop.set()
            return
        self.now += seconds
