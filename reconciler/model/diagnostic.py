"""Values that tell a person what is wrong and where; never raise or print."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: an error stops the run, a warning is shown, a note explains."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file: `line` and `column` count from 1; the path is as printed, with forward slashes."""

    path: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        """Return ``path:line``, the form that plans print."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a stable `code`, one sentence of `summary`, the way out in `detail`, a place, an excerpt.

    `subject` names the directory entry, user or group concerned, where there is one.
    """

    severity: Severity
    code: str
    summary: str
    detail: str = ""
    where: Position | None = None
    excerpt: str = ""
    subject: str = ""

    def line(self) -> str:
        """Return ``path:line:col: severity[CODE] summary detail`` on one line; without a place the prefix is left out."""
        place = f"{self.where.path}:{self.where.line}:{self.where.column}: " if self.where else ""
        text = f"{self.summary} {self.detail}".rstrip()
        return f"{place}{self.severity}[{self.code}] {text}"
