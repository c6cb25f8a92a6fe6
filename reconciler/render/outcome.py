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
_UNMADE: Mapping[str, str] = {
    "failed": "failed",
    "stale": "no longer as planned",
    "unknown": "without an answer",
    "skipped": "not tried",
}
_APPLIED = "applied"
_MOST_UNTOUCHED = 20  # changes that nothing was done about are named up to here: the plan has them all


class Ending(Protocol):
    """What became of one change: apply's Outcome is one."""

    @property
    def status(self) -> str:
        """Return ``applied``, ``stale``, ``failed``, ``unknown`` or ``skipped``."""

    @property
    def message(self) -> str:
        """Return why, where it was not applied, and what is lacking, where not all of it was."""


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


class Ends(Protocol):
    """What became of a whole plan: apply's Report is one."""

    @property
    def plan_id(self) -> str:
        """Return the plan's id."""

    @property
    def targets(self) -> Sequence[TargetEndings]:
        """Return what became of each target."""

    @property
    def earlier(self) -> int:
        """Return how many changes the run had made that this one resumes."""

    @property
    def resumed(self) -> bool:
        """Return whether this run goes on with an earlier one."""

    @property
    def begun(self) -> bool:
        """Return whether something may have been written, so that the plan can be resumed."""

    @property
    def interrupted(self) -> bool:
        """Return whether somebody stopped it."""

    @property
    def stale(self) -> bool:
        """Return whether the plan was not what is there, so that this run wrote nothing."""

    @property
    def finished(self) -> bool:
        """Return whether nothing is left that resuming could do."""


class _Named(NamedTuple):
    """A change of which something is to be said: it was not made, or not all of it."""

    status: str
    change: ChangeData
    message: str


def outcome_text(plan: PlanData, ends: Ends, look: Look) -> Iterator[str]:
    """Return what became of the plan in pieces, each worth one write."""
    return (look.drawn(piece) for piece in chunked(outcome_lines(plan, ends, look)))


def outcome_lines(plan: PlanData, ends: Ends, look: Look) -> Iterator[str]:
    """Return what was not made so, or not all of it, by target, the next step, and last how much was."""
    changes = {target["name"]: target["changes"] for target in plan["targets"]}
    made: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    noted = False
    for target in ends.targets:
        pairs = list(zip(changes[target.name], target.outcomes, strict=True))
        made.update(SIGNS.get(change["type"], "~") for change, ending in pairs if ending.status == "applied")
        statuses.update(str(ending.status) for _, ending in pairs)
        named = [
            _Named(str(end.status), change, end.message)
            for change, end in pairs
            if end.status != _APPLIED or end.message
        ]
        if named or target.error:
            yield from _target(target, named, look)
        noted = noted or bool(named)
    if any(statuses[status] for status in _UNMADE):
        yield from _next_step(ends, statuses, look)
    elif noted:
        yield ""
    if ends.resumed:
        yield f"Resumed: {ends.earlier} of the changes had been made before."
    yield _last_line(made, statuses)


def _target(target: TargetEndings, named: Sequence[_Named], look: Look) -> Iterator[str]:
    yield look.paint("strong", shown(target.name))
    if target.error:
        yield "  " + look.paint("refused", f"! {shown(target.error)}")
    for status in dict.fromkeys((*_UNMADE, *(item.status for item in named))):
        items = [item for item in named if item.status == status]
        shortlist = items if status == "failed" else items[:_MOST_UNTOUCHED]
        word = _UNMADE.get(status, shown(status))
        style = {"skipped": "quiet", _APPLIED: "warning"}.get(status, "error")
        yield from (f"  {look.paint(style, _waiting(item) or word)}: {_address(item)}" for item in shortlist)
        if len(items) > len(shortlist):
            yield f"  {look.paint(style, word)}: {len(items) - len(shortlist):,} more"


def _waiting(item: _Named) -> str:
    """Return the word for what was asked for and has to wait for somebody, empty for all else."""
    return "not in force" if item.status == "skipped" and item.message.startswith("it waits") else ""


def _address(item: _Named) -> str:
    change = item.change
    group = f"{shown(change['group'] or '')}  " if change["type"].startswith("membership.") else ""
    sign = SIGNS.get(change["type"], "~")
    told = item.message and (item.status != "skipped" or _waiting(item))
    why = f"  ({shown(item.message)})" if told else ""
    return f"{sign} {group}{subject(change)}  {verb(change)}{why}"


def _next_step(ends: Ends, statuses: Counter[str], look: Look) -> Iterator[str]:
    yield ""
    if ends.stale or (statuses["stale"] and not any(statuses[status] for status in ("applied", "failed", "unknown"))):
        more = " more" if ends.resumed else ""
        yield look.paint(
            "error", f"The plan is stale: the target is not what the plan expected, and nothing{more} was written."
        )
        yield "Run `reconcile plan` again and review what it says now."
        if ends.stale:
            yield "Or leave out what is named above, and apply what still holds: --allow-partial."
        return
    nothing = "It is not known whether anything was applied." if statuses["unknown"] else "Nothing was applied."
    what = "Not everything was applied." if statuses["applied"] else nothing
    yield look.paint("error", f"Interrupted. {what}" if ends.interrupted else what)
    if ends.begun and not ends.finished:
        first = "Go on with" if ends.interrupted else "Correct what is named above, and go on with"
        yield f"{first}: reconcile apply --resume {ends.plan_id}"
        yield "Or run `reconcile plan` again: it shows exactly what is left."
    else:
        yield "Correct what is named above and run `reconcile plan` again: it shows exactly what is left."


def _last_line(made: Counter[str], statuses: Counter[str]) -> str:
    done = ", ".join(f"{made[sign]} {word}" for sign, word in _PAST.items())
    missing = [f"{statuses[status]} {word}" for status, word in _UNMADE.items() if statuses[status]]
    return f"Applied: {done}.{f' {listed(missing)}.' if missing else ''}"
