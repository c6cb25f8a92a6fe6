"""Show what is wrong with a policy: one line each, the line of the file, a mark under the place; never reads the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.errors import Problem
from reconciler.model.diagnostic import Diagnostic
from reconciler.render.look import Look, chunked, shown
from reconciler.render.words import counted

SHOWN = 50
_STYLES = {"error": "error", "warning": "warning"}


def problems_text(problems: Sequence[Problem], look: Look, limit: int = SHOWN) -> Iterator[str]:
    """Return the first `limit` problems and how many more there are, in pieces, each worth one write."""
    return (look.drawn(piece) for piece in chunked(problem_lines(problems, look, limit)))


def problem_lines(problems: Sequence[Problem], look: Look, limit: int = SHOWN) -> Iterator[str]:
    """Return the lines: ``path:line:col: severity[CODE] message``, then the excerpt, indented."""
    for problem in problems[:limit]:
        style = _STYLES.get(problem.severity, "note") if isinstance(problem, Diagnostic) else "error"
        yield look.paint(style, shown(problem.line()))
        if isinstance(problem, Diagnostic):
            yield from (f"    {look.paint('quiet', shown(line))}" for line in problem.excerpt.splitlines())
    if len(problems) > limit:
        yield f"… and {len(problems) - limit:,} more"


def tally(problems: Sequence[Problem]) -> str:
    """Return ``2 errors, 1 warning``."""
    severities = [str(problem.severity) for problem in problems if isinstance(problem, Diagnostic)]
    counts = {word: severities.count(word) for word in ("error", "warning", "note")}
    counts["error"] += len(problems) - len(severities)
    return ", ".join(counted(count, word) for word, count in counts.items() if count)
