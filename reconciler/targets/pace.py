"""Let requests go at a pace that all workers share, and none while a server has asked to wait; never sends anything."""

from __future__ import annotations

from calendar import timegm
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import random
from threading import Event, Lock
from time import gmtime, monotonic

from reconciler.errors import TargetError

Limit = tuple[str, str]
"""What is limited and whose it is, such as ``("delete_member", "42")``: the rate is that of the first, the count of both."""

EVERYTHING: Limit = ("", "")
"""What every request is a part of."""


class Stopped(TargetError):
    """Somebody wants the run to end, so this request was not sent (again)."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Where time and chance come from. `wall` is in seconds since 1970; `pause` waits until the flag is set, at most so long."""

    clock: Callable[[], float] = monotonic
    wall: Callable[[], float] = lambda: float(timegm(gmtime()))
    chance: Callable[[], float] = random
    pause: Callable[[Event, float], object] = Event.wait


REAL = Timing()


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds, at most `burst` of them at once.

    In any stretch of `seconds` at most ``count + burst`` go out, one less than that for a burst of 1: a server that counts
    in fixed windows is kept to by a burst of 1.
    """

    count: int
    seconds: float
    burst: int = 1

    @property
    def interval(self) -> float:
        """Return the seconds from one request to the next."""
        return self.seconds / self.count


class Pace:
    """One gate for all workers. `rates` are those of `Limit` names; that of the empty name holds for everything."""

    def __init__(self, rates: Mapping[str, Rate], stop: Event, timing: Timing) -> None:
        self._rates = dict(rates)
        self._stop = stop
        self._timing = timing
        self._lock = Lock()
        self._full: dict[Limit, float] = {}  # when a limit's burst would be whole again
        self._held: dict[Limit, float] = {}  # until when nothing goes

    def wait(self, limits: Sequence[Limit] = ()) -> None:
        """Return when a request under these limits may go, which is counted as gone. Raises Stopped."""
        mine = (EVERYTHING, *limits)
        self.sleep_until(self._reserve(mine))
        while (held := self._held_until(mine)) > self._timing.clock():  # somebody was asked to wait in the meantime
            self.sleep_until(held)

    def stop_on(self, stop: Event) -> None:
        """Take another flag for the one that ends waits."""
        self._stop = stop

    def hold(self, seconds: float, limits: Sequence[Limit] = ()) -> None:
        """Let nothing go for so long under any of these limits, or nothing at all where there are none."""
        until = self._timing.clock() + seconds
        with self._lock:
            for limit in limits or (EVERYTHING,):
                self._held[limit] = max(until, self._held.get(limit, until))

    def sleep_until(self, moment: float) -> None:
        """Return at that moment of the clock. Raises Stopped where it would have to wait after the flag is set."""
        while (left := moment - self._timing.clock()) > 0:
            if self._stop.is_set():
                raise Stopped("The run was asked to stop.")
            self._timing.pause(self._stop, left)

    def _reserve(self, limits: Sequence[Limit]) -> float:
        """Return the first moment that suits every limit, and take it."""
        with self._lock:
            moment = self._timing.clock()
            rates = {limit: self._rates[limit[0]] for limit in limits if limit[0] in self._rates}
            for limit, rate in rates.items():
                moment = max(moment, self._full.get(limit, moment) - (rate.burst - 1) * rate.interval)
            for limit, rate in rates.items():
                self._full[limit] = max(moment, self._full.get(limit, moment)) + rate.interval
            return moment

    def _held_until(self, limits: Sequence[Limit]) -> float:
        with self._lock:
            return max((self._held[limit] for limit in limits if limit in self._held), default=0.0)
