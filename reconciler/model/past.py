"""What earlier runs have left for this one to know, as values; never reads it anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Seen:
    """How many people and groups a directory had when it was last applied from; `read_at` is ISO 8601 UTC."""

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
    """What is remembered: directories by name, and troubles by target name and by `model.change.object_of`.

    Empty where nothing has been applied yet, or where no state store is asked.
    """

    directories: Mapping[str, Seen] = field(default_factory=dict)
    troubles: Mapping[str, Mapping[str, Trouble]] = field(default_factory=dict)


NOTHING = Past()
