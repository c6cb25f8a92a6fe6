"""Show what was found out about directories: one check a line, in columns, as wide as the terminal; never judges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from reconciler.model.check import Check, Status
from reconciler.render.look import Look, cells, padded, shown
from reconciler.render.words import counted

_STYLES = {Status.OK: "good", Status.WARNING: "warning", Status.FAILED: "error"}
_STATUS = max(len(status) for status in Status)
_LEAST = 20  # columns of words that are worth reading


def check_lines(title: str, checks: Sequence[Check], look: Look) -> Iterator[str]:
    """Return a title and its checks; what does not fit goes on below itself, and so does the way out."""
    if title:
        yield f"  {look.paint('strong', shown(title))}"
    names = max((cells(check.name) for check in checks), default=0)
    for check in checks:
        status = look.paint(_STYLES[check.status], f"{check.status}:".ljust(_STATUS + 1))
        indent = 4 + _STATUS + 1 + 2 + names + 2
        first, *rest = _wrapped(check.what, look.width - indent if look.width else 0)
        yield f"    {status}  {padded(check.name, names)}  {first}"
        ways_out = _wrapped(check.way_out, look.width - indent if look.width else 0) if check.way_out else []
        yield from (" " * indent + line for line in rest)
        yield from (" " * indent + look.paint("note", line) for line in ways_out)


def checks_tally(checks: Sequence[Check]) -> str:
    """Return ``12 checks: 1 failed, 2 warnings``."""
    failed = sum(check.status is Status.FAILED for check in checks)
    warnings = sum(check.status is Status.WARNING for check in checks)
    parts = [f"{failed:,} failed"] if failed else []
    parts += [counted(warnings, "warning")] if warnings else []
    return f"{counted(len(checks), 'check')}: {', '.join(parts) or 'all is well'}"


def _wrapped(text: str, room: int) -> list[str]:
    if not room:
        return [shown(text)]
    return wrap(shown(text), max(room, _LEAST), break_on_hyphens=False, break_long_words=False) or [""]
