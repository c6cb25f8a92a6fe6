"""Say of access that a change of the policy takes which rule gave it until now: the base knows, the head cannot; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.desired.build import Desired
from reconciler.model.change import Change, ChangeRole, RemoveMembership, SetFlag
from reconciler.model.plan import Cause
from reconciler.model.reason import Reason, Why

# what a policy says of a role or a mark that none of its rules gives
_GUESSED = frozenset({Why.LEFT_GROUP, Why.BY_HAND, Why.GRANT_ENDED})


@dataclass(frozen=True, slots=True)
class Before:
    """What should be by the base. It lay at `root` for this run, and people know it as `called`."""

    base: Desired
    root: str = ""
    called: str = ""


def with_rules_taken(changes: Sequence[Change], causes: Sequence[Cause], before: Before) -> tuple[Change, ...]:
    """Return the changes, those that the policy causes with the rule of the base where one gave what is now taken.

    By itself a policy can only say which of its rules does not give it; that somebody has left a group is then not true.
    """
    return tuple(
        _told(change, before) if cause is Cause.POLICY else change
        for change, cause in zip(changes, causes, strict=True)
    )


def _told(change: Change, before: Before) -> Change:
    if change.reason.why not in _GUESSED:
        return change
    given = _given(change, before.base)
    if given is None or (given.why is Why.GRANT and change.reason.why is Why.GRANT_ENDED):
        return change
    detail = "; ".join(filter(None, (given.detail, _place(given, before), _still(change))))
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


def _still(change: Change) -> str:
    """Return what gives the lower role, in this group or above it, as the reason says; empty for what goes."""
    return "".join(change.reason.detail.partition("still ")[1:]) if isinstance(change, ChangeRole) else ""


def _place(given: Reason, before: Before) -> str:
    """Return where the rule stands in the base; each of these is given by a rule."""
    rule = given.rule
    return f"{before.called}{rule.path.removeprefix(before.root)}:{rule.line} of the base" if rule else ""
