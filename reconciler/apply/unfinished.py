"""Find applies that have not come to their end, and what they were applying; apply nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from reconciler.apply.journal import Journal, digits, read_history
from reconciler.apply.reporting import keep_lost
from reconciler.errors import PlanStale, UsageError
from reconciler.model.plan import Plan
from reconciler.model.text import shortened
from reconciler.plan.decode import decode
from reconciler.plan.encode import Document, pieces, utf8
from reconciler.state.base import Store

_PREFIX = "plans/"
_ID = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")
LATEST = "latest"
"""In place of an id: the one that has not come to its end."""


def keep(store: Store, document: Document) -> None:
    """Keep a plan for as long as it may have to be resumed; one that is there already is the same."""
    store.create(_name(str(document["id"])), utf8(pieces(document)))


def forget(store: Store, plan_id: str) -> None:
    """Forget a plan that nothing is left to do of."""
    store.delete(_name(plan_id))


def plan_to_resume(store: Store, wanted: str) -> tuple[Plan, Document]:
    """Return the plan that is to go on: that whose id starts with `wanted`, or the only one that has not come to its end.

    Raises UsageError where there is none, or more than one, and PlanStale where another plan has taken its place.
    """
    plan_id = _chosen(store, wanted)
    item = store.read(_name(plan_id))
    if item is None:
        raise UsageError(f"{plan_id} has come to its end meanwhile; there is nothing to resume.")
    return decode(item.content.decode(errors="replace"), f"the plan kept in {store.address}")


def supersede(store: Store, plan_id: str, targets: Collection[str]) -> tuple[str, ...]:
    """Say in the journals of unfinished applies of these targets that this plan takes their place; return a note for each.

    The caller holds the locks of the targets, so none of those is still at work; one that was killed is reported now.
    """
    notes = []
    for other in unfinished(store):
        history = read_history(store, other)
        if other != plan_id and set(history.targets) & set(targets):
            item = store.read(_name(other))
            keep_lost(store, item.content if item else b"", history, plan_id)
            Journal(store, other, history).supersede(plan_id)
            forget(store, other)
            notes.append(
                f"The apply of {other} has not come to its end; this plan, made from what is there, takes its place."
            )
    return tuple(notes)


def unfinished(store: Store) -> Iterable[str]:
    """Return the ids of the plans that may be resumed, sorted."""
    return [f"sha256:{name.removeprefix(_PREFIX)}" for name in store.names(_PREFIX)]


def _chosen(store: Store, wanted: str) -> str:
    found = _ID.fullmatch(wanted)
    if wanted != LATEST and found is None:
        raise UsageError(f'"{shortened(wanted, 80)}" is no plan id: give sha256:… or at least 6 of its digits.')
    start = found.group(1) if found else ""
    fitting = [plan_id for plan_id in unfinished(store) if digits(plan_id).startswith(start)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(f"Several applies have not come to their end: {', '.join(fitting)}. Say which: --resume ID.")
    if found:
        _say_what_became_of(store, found.group(1))
    raise UsageError(f"There is nothing to resume: no apply in {store.address} is waiting for it.")


def _say_what_became_of(store: Store, start: str) -> None:
    """Raise PlanStale where the journal of a plan says that another one has taken its place."""
    for name in store.names("journals/"):
        if name.startswith(f"journals/{start}"):
            history = read_history(store, name.removeprefix("journals/"))
            if history.superseded_by:
                raise PlanStale(
                    f"The plan {history.superseded_by} has taken the place of this one; nothing was written. "
                    "Resume that one, or plan again."
                )


def _name(plan_id: str) -> str:
    return _PREFIX + digits(plan_id)
