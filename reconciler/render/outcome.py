"""Show what became of a plan, in the nouns of its last line; know nothing but the plan document and plain results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from reconciler.render.document import ChangeData, PlanData
from reconciler.render.look import Look, chunked, shown
from reconciler.render.rows import SIGNS, subject, verb
from reconciler.render.words import listed

_PAST: Mapping[str, str] = {"+": "added", "~": "changed", "-": "removed"}
_UNMADE: Mapping[str, str] = {"failed": "failed", "stale": "no longer as planned", "skipped": "not tried"}
_MOST_UNTOUCHED = 20  # changes that nothing was done about are named up to here: the plan has them all


class Ending(Protocol):
    """What became of one change: apply's Outcome is one."""

    @property
    def status(self) -> str:
        """Return ``applied``, ``stale``, ``failed`` or ``skipped``."""

    @property
    def message(self) -> str:
        """Return why, where it was not applied."""


class TargetEndings(Protocol):
    """One target's endings in the order of the plan's changes: apply's TargetReport is one."""

    @property
    def name(self) -> str:
        """Return the target's name."""

    @property
    def outcomes(self) -> Sequence[Ending]:
        """Return one ending per change."""

    @property
    def error(self) -> str:
        """Return why the target failed as a whole, if it did."""


class _Unmade(NamedTuple):
    status: str
    change: ChangeData
    message: str


def outcome_text(plan: PlanData, endings: Sequence[TargetEndings], look: Look) -> Iterator[str]:
    """Return what became of the plan in pieces, each worth one write."""
    return (look.drawn(piece) for piece in chunked(outcome_lines(plan, endings, look)))


def outcome_lines(plan: PlanData, endings: Sequence[TargetEndings], look: Look) -> Iterator[str]:
    """Return what was not made so, by target, the next step, and last how much was."""
    changes = {target["name"]: target["changes"] for target in plan["targets"]}
    made: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for target in endings:
        pairs = list(zip(changes[target.name], target.outcomes, strict=True))
        made.update(SIGNS.get(change["type"], "~") for change, ending in pairs if ending.status == "applied")
        statuses.update(str(ending.status) for _, ending in pairs)
        unmade = [_Unmade(str(end.status), change, end.message) for change, end in pairs if end.status != "applied"]
        if unmade or target.error:
            yield from _target(target, unmade, look)
    yield from _next_step(statuses, look)
    yield _last_line(made, statuses)


def _target(target: TargetEndings, unmade: Sequence[_Unmade], look: Look) -> Iterator[str]:
    yield look.paint("strong", shown(target.name))
    if target.error:
        yield "  " + look.paint("refused", f"! {shown(target.error)}")
    for status in dict.fromkeys((*_UNMADE, *(item.status for item in unmade))):
        items = [item for item in unmade if item.status == status]
        named = items if status == "failed" else items[:_MOST_UNTOUCHED]
        word = _UNMADE.get(status, shown(status))
        style = "quiet" if status == "skipped" else "error"
        yield from (f"  {look.paint(style, word)}: {_address(item)}" for item in named)
        if len(items) > len(named):
            yield f"  {look.paint(style, word)}: {len(items) - len(named):,} more"


def _address(item: _Unmade) -> str:
    change = item.change
    group = f"{shown(change['group'] or '')}  " if change["type"].startswith("membership.") else ""
    sign = SIGNS.get(change["type"], "~")
    why = f"  ({shown(item.message)})" if item.message and item.status != "skipped" else ""
    return f"{sign} {group}{subject(change)}  {verb(change)}{why}"


def _next_step(statuses: Counter[str], look: Look) -> Iterator[str]:
    if not any(statuses[status] for status in _UNMADE):
        return
    yield ""
    if statuses["stale"] and not statuses["applied"] and not statuses["failed"]:
        yield look.paint(
            "error", "The plan is stale: the target is not what the plan expected, and nothing was written."
        )
        yield "Run `reconcile plan` again and review what it says now."
    else:
        yield look.paint("error", "Not everything was applied." if statuses["applied"] else "Nothing was applied.")
        yield "Correct what is named above and run `reconcile plan` again: it shows exactly what is left."


def _last_line(made: Counter[str], statuses: Counter[str]) -> str:
    done = ", ".join(f"{made[sign]} {word}" for sign, word in _PAST.items())
    missing = [f"{statuses[status]} {word}" for status, word in _UNMADE.items() if statuses[status]]
    return f"Applied: {done}.{f' {listed(missing)}.' if missing else ''}"
