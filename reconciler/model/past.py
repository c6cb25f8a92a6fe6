"""What earlier runs have left for this one to know, as values; never reads it anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Seen:
    """How many people and groups a directory had when a target was last applied from it; `read_at` is ISO 8601 UTC."""

    people: int
    groups: int
    read_at: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """One object that its target keeps refusing: in how many runs on end, since when, with what words.

    `retry_on` is the first day (ISO 8601, UTC) on which it is tried again, empty while it is still tried in every run.
    """

    failures: int
    since: str
    message: str
    retry_on: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered: directories as each target last saw its own, and troubles by `model.change.object_of`; both by target name.

    Empty where nothing has been applied yet, or where no state store is asked.
    """

    seen: Mapping[str, Seen] = field(default_factory=dict)
    troubles: Mapping[str, Mapping[str, Trouble]] = field(default_factory=dict)


NOTHING = Past()
