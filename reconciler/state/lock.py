"""Let one run at a time work on a target, wherever the others run; knows nothing of what is done meanwhile.

A lock is a piece of the store that its holder renews every third of `ttl`. What is relied on:

- The store replaces a piece only if it is still the version that was read. Every step here is such a replacement.
- A holder that cannot renew stops by itself: it counts its own lock as lost when `ttl` has passed on its own machine.
- A lock is taken from a holder only after the taker has watched it stand still for the whole of `ttl` on its own machine.
  What the clocks of the two say decides only whether that is tried without being asked to wait, never how long it takes.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from types import TracebackType
from typing import Self

from reconciler.errors import LockHeld, StateError
from reconciler.state.base import Item, Store
from reconciler.state.lease import TTL, Holder, Lease, decoded, encoded, free, stamp
from reconciler.state.names import segment

PREFIX = "locks/"
_RENEWALS = 3  # in the time that a lock lives without one
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds between two looks at a lock that somebody else holds
_PATIENCE = 10.0  # seconds that a renewal under way is waited for before the lock is given back
_TRIES = 10  # renewals that may come between while a lock is broken

Clock = Callable[[], datetime]
"""Gives the time, UTC: of the real clock, which moves."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Who takes a lock, for how long it lives without a sign of life, and how long to wait for one that is held (seconds).

    `wait` sleeps that many seconds, and may raise to give up.
    """

    holder: Holder
    clock: Clock
    timeout: float = 0.0
    ttl: float = TTL
    wait: Callable[[float], None] = time.sleep


class Lock:
    """A lock that this process holds, renewed by a thread of its own until it is given back."""

    def __init__(self, store: Store, lease: Lease, clock: Clock, taken_at: float, replaced: Lease | None) -> None:
        """The lease is in the store already, written at `taken_at` (`elapsed`) or later."""
        self.replaced = replaced
        """The lease of a run that ended without giving it back, if there was one."""
        self._store, self._clock = store, clock
        self._name = _name(lease.target)
        self._lease = lease
        self._renewed_at = taken_at
        self._gone = False
        self._stop = Event()
        self._thread = Thread(target=self._keep, name=f"lock of {lease.target}", daemon=True)
        self._thread.start()

    @property
    def id(self) -> str:
        """Return the lock's id, which `reconcile unlock` takes."""
        return self._lease.id

    @property
    def lost(self) -> bool:
        """Whether somebody else may hold the lock by now; never again False once it was True."""
        if elapsed() - self._renewed_at > self._lease.ttl:
            self._gone = True
        return self._gone

    def still_held(self) -> bool:
        """Ask the store whether the lock is this one's still: `lost` learns that it was broken with the next renewal only.

        Raises StateError as the store.
        """
        if self._own() is None:
            self._gone = True
        return not self.lost

    def release(self) -> str:
        """Give the lock back; return what went wrong with that, nothing as a rule: the lock then ends by itself."""
        self._stop.set()
        self._thread.join(_PATIENCE)  # what it may still be writing is refused: the version has changed
        try:
            item = self._own()
            if item is not None:
                self._store.replace(self._name, free(self.id), item.version)
        except StateError as error:
            return str(error)
        return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _keep(self) -> None:
        while not self._stop.wait(self._lease.ttl / _RENEWALS) and not self.lost:
            now = elapsed()
            try:
                if not self._renew():
                    self._gone = True
            except StateError:  # it may answer again before the lock has run out; `lost` knows when it has
                continue
            self._renewed_at = now

    def _renew(self) -> bool:
        """Write another sign of life; False where the lock is somebody else's, or has been broken."""
        lease = self._lease.renewed(self._clock())
        item = self._own()
        if item is None:
            return False
        self._lease = lease
        return self._store.replace(self._name, encoded(lease), item.version) or self._own() is not None

    def _own(self) -> Item | None:
        """Return the lock as it stands in the store, None where it is not this one any more."""
        item = self._store.read(self._name)
        lease = _lease(self._name, item, self._store)
        return item if lease is not None and lease.id == self.id else None


def acquire(store: Store, target: str, terms: Terms) -> Lock:
    """Return the lock of a target.

    Raises LockHeld where another run holds it for longer than `terms.timeout`, StateError as the store. A lock that
    looks like one of a run that has ended is watched for its whole `ttl`, whatever the timeout, before it is taken.
    """
    name, end, pause = _name(target), elapsed() + terms.timeout, _FIRST_PAUSE
    watch = _Watch()
    while True:
        item = store.read(name)
        held = _lease(name, item, store)
        if held is None or watch.proves_dead(held):
            if lock := _taken(store, target, terms, item, held):
                return lock
        elif elapsed() >= end and not watch.suspects(held, terms.clock()):
            raise LockHeld(_held_message(held, terms.clock()))
        left = end - elapsed()
        terms.wait(min(pause, left) if left > 0 else pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def held(store: Store) -> Sequence[Lease]:
    """Return all locks that are held, by target."""
    found = (_lease(name, store.read(name), store) for name in store.names(PREFIX))
    return sorted((lease for lease in found if lease is not None), key=lambda lease: lease.target)


def unlock(store: Store, lock_id: str) -> Lease | None:
    """Break the lock with this id and return it, None where there is none; its run stops before its next batch."""
    for lease in held(store):
        if lease.id == lock_id:
            return lease if _broken(store, lease) else None
    return None


def elapsed() -> float:
    """Return seconds that also pass while the machine sleeps, where the system counts them so."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class _Watch:
    """How long a lock was seen to stand still, on this machine's own clock."""

    def __init__(self) -> None:
        self._seen = ("", -1)
        self._since = 0.0
        self._changes = 0

    def proves_dead(self, lease: Lease) -> bool:
        """Tell whether it has stood still for long enough; looks at it anew."""
        if self._seen != (lease.id, lease.beat):
            self._seen, self._since = (lease.id, lease.beat), elapsed()
            self._changes += 1
        return elapsed() - self._since > lease.ttl

    def suspects(self, lease: Lease, now: datetime) -> bool:
        """Tell whether it looks like one of a run that has ended, and has not been seen to move."""
        return self._changes == 1 and lease.overdue(now)


def _taken(store: Store, target: str, terms: Terms, item: Item | None, replaced: Lease | None) -> Lock | None:
    """Take a lock that is free or was left behind; None where somebody else was faster."""
    started, now = elapsed(), stamp(terms.clock())
    lease = Lease(secrets.token_hex(8), target, terms.holder, now, now, terms.ttl)
    name, content = _name(target), encoded(lease)
    won = store.create(name, content) if item is None else store.replace(name, content, item.version)
    return Lock(store, lease, terms.clock, started, replaced) if won else None


def _broken(store: Store, lease: Lease) -> bool:
    name = _name(lease.target)
    for _ in range(_TRIES):
        item = store.read(name)
        found = _lease(name, item, store)
        if item is None or found is None or found.id != lease.id:
            return False
        if store.replace(name, free(lease.id), item.version):
            return True
    raise StateError(
        f"state store {store.address}: the lock {lease.id} was renewed each time it was to be broken. Try again."
    )


def _lease(name: str, item: Item | None, store: Store) -> Lease | None:
    if item is None:
        return None
    try:
        return decoded(item.content)
    except ValueError as error:
        raise StateError(
            f"state store {store.address}: {name} is no lock that this version can read. When no run is at work, remove it."
        ) from error


def _held_message(lease: Lease, now: datetime) -> str:
    return (
        f"{lease.described(now)}.\nWait for it, or give --lock-timeout SECONDS; when that run is surely over, "
        f"`reconcile unlock {lease.id}` ends the lock at once."
    )


def _name(target: str) -> str:
    return PREFIX + segment(target)
