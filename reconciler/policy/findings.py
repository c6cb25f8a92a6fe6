"""Collect what is found in a policy, each with its place, its line and the nearest known name; decides nothing."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from reconciler.errors import PolicyError, Problem
from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.model.text import shortened
from reconciler.policy.excerpt import excerpt
from reconciler.policy.source import Source

SHOWN = 50
"""How many problems a person is shown at once."""

KEPT = 20_000
"""How many problems are kept at all; a policy with more is not described any better by them."""

_COMPARISONS = 100_000  # names compared for suggestions in one run: about a second
_LONGEST = 100  # characters of a name for which a suggestion is looked for


class Findings:
    """Problems and warnings in the order found, up to a number that no policy can make too large."""

    def __init__(self) -> None:
        self.problems: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self._comparisons = _COMPARISONS

    @property
    def full(self) -> bool:
        """Whether no more problems are kept."""
        return len(self.problems) >= KEPT

    def error(self, source: Source, where: Position, code: str, message: str) -> None:
        """Keep an error. The first sentence of the message is the fact, what follows is the way out."""
        if not self.full:
            self.problems.append(diagnostic(Severity.ERROR, source, where, code, message))

    def warning(self, source: Source, where: Position, code: str, message: str) -> None:
        """Keep a warning."""
        if len(self.warnings) < KEPT:
            self.warnings.append(diagnostic(Severity.WARNING, source, where, code, message))

    def nearest(self, word: str, known: Collection[str]) -> str:
        """Return ``Did you mean "x"?`` for the known name that is most like `word`, else nothing.

        The number of comparisons in one run is bounded, so that no policy can make it slow.
        """
        self._comparisons -= len(known)
        if self._comparisons < 0 or len(word) > _LONGEST:
            return ""
        close = difflib.get_close_matches(word, [name for name in known if len(name) <= _LONGEST], 1)
        folded = [name for name in known if name.casefold() == word.casefold()]
        best = (folded or close)[:1]
        return f'Did you mean "{shortened(best[0], _LONGEST)}"?' if best else ""

    def alternatives(self, word: str, known: Collection[str]) -> str:
        """Return the suggestion for `word`, or all known names where none is near and they are few."""
        if suggestion := self.nearest(word, known):
            return suggestion
        return f"Known: {listed(known)}." if 0 < len(known) <= 20 else ""  # noqa: PLR2004 - fits in a few lines


def diagnostic(severity: Severity, source: Source, where: Position, code: str, message: str) -> Diagnostic:
    """Return a finding with its excerpt."""
    return Diagnostic(severity, code, message.rstrip(), where=where, excerpt=excerpt(source.lines, where))


def listed(names: Collection[str]) -> str:
    """Return names as a list in a sentence, safe to print."""
    return ", ".join(shortened(name, _LONGEST) for name in names)


def error_of(findings: Findings) -> PolicyError:
    """Return the error that holds all problems, sorted by place, and says so where there are more."""
    more = [
        Diagnostic(Severity.ERROR, "TOO-MANY", f"There are more than {KEPT:,} problems; the others are not listed.")
    ]
    return PolicyError((*by_place(findings.problems), *(more if findings.full else ())))


def by_place(findings: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return findings sorted by path, line, column, code; those without a place first."""
    nowhere = Position("", 0, 0)
    return tuple(sorted(findings, key=lambda found: (found.where or nowhere, found.code, found.summary)))


def shown(problems: Sequence[Problem], limit: int = SHOWN) -> tuple[tuple[Problem, ...], str]:
    """Return the first problems, and ``and 9,950 more`` where there are others."""
    rest = len(problems) - limit
    return tuple(problems[:limit]), f"and {rest:,} more" if rest > 0 else ""
