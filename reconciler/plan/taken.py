"""Say of access that a change of the policy takes which rule gave it until now: the base knows, the head cannot; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.desired.build import Desired
from reconciler.model.change import Change, ChangeRole, RemoveMembership, SetFlag
from reconciler.model.plan import Cause
from reconciler.model.reason import Reason, Why

_GUESSED = frozenset(
    {Why.LEFT_GROUP, Why.BY_HAND}
)  # what a policy says of a role or a mark that none of its rules gives


@dataclass(frozen=True, slots=True)
class Sides:
    """What should be by the base and by the head. The base lay at `root` for this run, and people know it as `called`."""

    base: Desired
    head: Desired
    root: str = ""
    called: str = ""


def with_rules_taken(changes: Sequence[Change], causes: Sequence[Cause], sides: Sides) -> tuple[Change, ...]:
    """Return the changes, those that the policy causes with the rule of the base where one gave what is now taken.

    By itself a policy can only say which of its rules does not give it; that somebody has left a group is then not true.
    """
    return tuple(
        _told(change, sides) if cause is Cause.POLICY else change for change, cause in zip(changes, causes, strict=True)
    )


def _told(change: Change, sides: Sides) -> Change:
    if change.reason.why not in _GUESSED:
        return change
    given = _given(change, sides.base)
    if given is None:
        return change
    still = sides.head.explain.still(change.group, change.who.key) if isinstance(change, ChangeRole) else ""
    detail = "; ".join(filter(None, (given.detail, _place(given, sides), still)))
    return replace(change, reason=Reason(Why.RULE_TAKEN, None, given.path, detail))


def _given(change: Change, before: Desired) -> Reason | None:
    """Return why the base gives just what the change takes; None where it does not."""
    match change:
        case RemoveMembership(who=who, group=group, have=held) | ChangeRole(who=who, group=group, have=held):
            role = before.state.memberships.get(group, {}).get(who.key)
            return before.explain.gained(group, who.key) if role == held else None
        case SetFlag(who=who, flag=flag, want=False) if flag in before.flags and before.explain.carries(flag, who.key):
            return before.explain.flagged(flag, who.key)
        case _:
            return None


def _place(given: Reason, sides: Sides) -> str:
    """Return where the rule stands in the base; each of these is given by a rule."""
    rule = given.rule
    return f"{sides.called}{rule.path.removeprefix(sides.root)}:{rule.line} of the base" if rule else ""
