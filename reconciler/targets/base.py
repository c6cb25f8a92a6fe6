"""What a target is: one app whose access we manage, behind a few methods; no target's own knowledge is here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Event
from typing import Protocol, runtime_checkable

from reconciler.model.access import Capabilities, GroupKey, Scope, State
from reconciler.model.change import Change
from reconciler.model.check import Check
from reconciler.model.known_link import KnownLink


class Status(StrEnum):
    """What became of one change."""

    APPLIED = "applied"
    STALE = "stale"  # its precondition no longer holds; nothing was written for it
    FAILED = "failed"  # the target refused this object
    SKIPPED = "skipped"  # not tried, because something before it failed
    UNKNOWN = "unknown"  # asked for, and no answer came: the next run asks what is there


@dataclass(frozen=True, slots=True)
class Outcome:
    """One change and what became of it; `message` says why, where it was not applied, or what is lacking, where it was."""

    change: Change
    status: Status
    message: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that go to the target in one call, or in one transaction.

    Batches of one `stage` may be made at the same time, at most `Target.parallel` of them; a later stage begins when all
    batches of the stages before it have ended. Stages do not fall from one batch to the next.
    """

    changes: tuple[Change, ...]
    stage: int = 0


class Right(StrEnum):
    """What a credential may do in a target."""

    READ = "read"  # everything that a plan looks at
    WRITE = "write"  # at least something of what is managed there
    ADMIN = "admin"  # more than any command needs


@dataclass(frozen=True, slots=True)
class Rights:
    """What the credential of a target may do there.

    `account` is whom the target takes us for, `detail` what the rights rest on, `lacks` what an apply needs and the
    credential does not have; all for people, and never a secret.
    """

    can: frozenset[Right]
    account: str = ""
    detail: str = ""
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What a target is made from: its policy keys, the folder that relative paths start in, its roles and directory.

    `options` holds the kind's own keys; secrets in it are `SecretRef` values and are resolved by the target when it connects.
    """

    name: str
    directory: str
    options: Mapping[str, object]
    folder: str
    roles: tuple[str, ...]


class Target(Protocol):
    """One app whose access we manage. Found by entry point `reconciler.targets`; built-ins use the same door.

    All methods raise only TargetError (unreachable or refused as a whole).
    """

    @property
    def capabilities(self) -> Capabilities:
        """Return roles in order, name limits and what can be created, disabled or removed; asks nobody."""

    @property
    def address(self) -> str:
        """Return where the target is, for people: never a secret."""

    @property
    def parallel(self) -> int:
        """Return how many batches of one stage may be made at the same time, at least 1; asks nobody."""

    def read(self, scope: Scope) -> State:
        """Return the live state of everything in scope, or raise: a part is never returned as the whole."""

    def rights(self) -> Rights:
        """Return what our credential may do, as the target itself says it; writes nothing, not even to try."""

    def batches(self, changes: Sequence[Change]) -> Iterable[Batch]:
        """Return how these changes, made in this order, group into calls: each of them, as it is, in just one. Pure.

        Changes of one stage may change places, those of different stages may not where one rests on another.
        """

    def apply(self, batch: Batch) -> list[Outcome]:
        """Make one batch so, after re-checking every precondition; one outcome per change, in order."""

    def close(self) -> None:
        """Give back connections; may be called twice."""


@runtime_checkable
class Counting(Protocol):
    """What a target has besides where it counts its requests; reports say how many there were."""

    @property
    def requests(self) -> Mapping[str, int]:
        """Return how many requests were sent so far, by kind; asks nobody."""


@runtime_checkable
class Stoppable(Protocol):
    """What a target has besides that waits, for a rate or before it tries again: somebody who stops a run need not wait, too."""

    def stop_on(self, stop: Event) -> None:
        """End every wait once this flag is set, and begin none; what needs no waiting still goes."""


@runtime_checkable
class Importing(Protocol):
    """What a target has besides that keeps links of its own: rules for what is live take these over, and guess nothing."""

    def links(self, scope: Scope) -> Mapping[GroupKey, Sequence[KnownLink]]:
        """Return the links of the directory's provider, by target group, in any order; a group without one may be left out."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """What a target may be tried on: a group that nobody uses, and the usernames of accounts that may be put into it."""

    group: str
    users: tuple[str, ...] = ()


@runtime_checkable
class Tryable(Protocol):
    """What a target has besides where somebody can try on their own instance whether it behaves as the target expects."""

    def trials(self, scratch: Scratch) -> Iterable[Check]:
        """Try one thing after the other, put everything back, and say what was found. Raises TargetError where nothing may be tried."""


class Factory(Protocol):
    """What the entry point names: build a target, without connecting. Raises TargetError for unusable options."""

    def __call__(self, options: Options) -> Target:
        """Return the target."""
