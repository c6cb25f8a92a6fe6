"""What was found out about one thing that a run needs: whether it is as it should be, and the way out where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Whether a run can go on."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, in a word or two, and what was found, as a sentence without its full stop."""

    name: str
    status: Status
    what: str
    way_out: str = ""
