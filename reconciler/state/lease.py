"""Who holds a lock, as a value and as the text that a store keeps; reads no clock and no store."""

from __future__ import annotations

import json
import os
import pwd
import socket
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from reconciler.model.text import shortened

TTL = 60.0


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock, or wants to."""

    owner: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class Lease:
    """One run's hold on one target. `started` and `heartbeat` are ISO 8601 UTC by the holder's clock, `ttl` is seconds.

    The holder renews it every third of `ttl`, `beat` counts how often; a run that has not for `ttl` has ended.
    """

    id: str
    target: str
    holder: Holder
    started: str
    heartbeat: str
    ttl: float = TTL
    beat: int = 0

    def renewed(self, now: datetime) -> Lease:
        """Return the same hold with another sign of life."""
        return replace(self, heartbeat=stamp(now), beat=self.beat + 1)

    def age(self, now: datetime) -> float:
        """Return how many seconds ago the last sign of life was; negative where the holder's clock is ahead of this one."""
        return (now - datetime.fromisoformat(self.heartbeat)).total_seconds()

    def overdue(self, now: datetime) -> bool:
        """Tell whether no sign of life came for `ttl` seconds; one from the future never is too old."""
        return self.age(now) > self.ttl

    def described(self, now: datetime) -> str:
        """Return who holds it since when, and when it was last seen alive, for people."""
        who, age = self.holder, self.age(now)
        seen = f"{age:.0f} s ago" if age >= 0 else f"{-age:.0f} s ahead of the clock here"
        return (
            f"{shortened(self.target)} is held by {shortened(who.owner)} on {shortened(who.host)} (process {who.pid}) "
            f"since {self.started}; last sign of life {seen}, it ends {self.ttl:g} s after the last one. Lock id: {self.id}"
        )


def this_process() -> Holder:
    """Return who runs here: the user by name, or by number where it has none."""
    try:
        owner = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        owner = f"user {os.getuid()}"
    return Holder(owner, socket.gethostname(), os.getpid())


def stamp(now: datetime) -> str:
    """Return a moment as a lease writes it."""
    return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encoded(lease: Lease) -> bytes:
    """Return a lease as JSON."""
    return json.dumps(asdict(lease), sort_keys=True).encode()


def free(last: str) -> bytes:
    """Return what stands in place of a lease that was given back: not every store can delete on a condition."""
    return json.dumps({"free": True, "last": last}).encode()


def decoded(content: bytes) -> Lease | None:
    """Return the lease that a text is, None for one that was given back; raises ValueError for anything else."""
    values = json.loads(content)
    if isinstance(values, dict) and values.get("free") is True:
        return None
    epoch = datetime.fromtimestamp(0, UTC)
    try:
        lease = Lease(**{**values, "holder": Holder(**values["holder"])})
        lease.renewed(epoch).overdue(epoch)
        lease.described(epoch)
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error
    return lease
