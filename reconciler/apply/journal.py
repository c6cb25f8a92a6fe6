"""Write down before each batch what is about to be asked for, and after it what became of it; apply nothing.

A journal is a log of the state store, one per plan. Whatever stands in it is durable before the next thing happens, so a
run that is killed leaves behind what it had asked for, and `History` says what is known of every change.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from reconciler.errors import StateError
from reconciler.model.text import shortened
from reconciler.state.base import Store
from reconciler.targets.base import Outcome, Status

Record: TypeAlias = dict[str, Any]
"""JSON-ready data. `Any` is at home only here: json has no better type."""

Ending: TypeAlias = tuple[int, Status, str]
"""A change by its place in its target's section, what became of it, and the message."""

_DIGEST = "sha256:"


def journal_name(plan_id: str) -> str:
    """Return the name that a plan's journal has in the state store."""
    return f"journals/{digits(plan_id)}"


def digits(plan_id: str) -> str:
    """Return a plan id without the name of its digest."""
    return plan_id.removeprefix(_DIGEST)


@dataclass(frozen=True, slots=True)
class History:
    """What a journal says. Changes are named by target and place.

    `applied`: made, and known to be. `asked`: asked for, and what became of it is not known. `batches`: how many were begun.
    `began` and `who` are those of the latest run, which has said how it `ended` or has not.
    """

    length: int = 0
    batches: int = 0
    begun: bool = False
    superseded_by: str = ""
    targets: tuple[str, ...] = ()
    applied: Mapping[str, frozenset[int]] = field(default_factory=dict)
    asked: Mapping[str, frozenset[int]] = field(default_factory=dict)
    began: str = ""
    who: str = ""
    ended: bool = False


def read_history(store: Store, plan_id: str) -> History:
    """Return what the journal of a plan says; an empty history where there is none. Raises StateError for a broken one."""
    lines = store.records(journal_name(plan_id))
    try:
        return _history([json.loads(line) for line in lines])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(
            f"{store.address}: the journal of {plan_id} cannot be understood ({shortened(repr(error))}). "
            "Plan again: the new plan is made from what is there."
        ) from error


def _history(records: Sequence[Record]) -> History:
    applied: defaultdict[str, set[int]] = defaultdict(set)
    asked: defaultdict[str, set[int]] = defaultdict(set)
    begun, superseded_by, targets, batches = False, "", [], 0
    latest: Record = {}
    for record in records:
        match record["kind"]:
            case "begin":
                begun, targets, latest = True, list(record["targets"]), {**record, "ended": False}
            case "intent":
                batches = max(batches, int(record["batch"]))
                asked[record["target"]].update(record["changes"])
            case "outcome":
                ended = {place: status for place, status, _ in record["outcomes"] if status != Status.UNKNOWN}
                asked[record["target"]].difference_update(ended)
                applied[record["target"]].update(place for place, status in ended.items() if status == Status.APPLIED)
            case "end":
                latest["ended"] = True
            case "superseded":
                superseded_by = str(record["by"])
            case _:
                pass  # what a later version writes
    return History(
        len(records),
        batches,
        begun,
        superseded_by,
        tuple(targets),
        _frozen(applied),
        _frozen(asked),
        str(latest.get("at", "")),
        str(latest.get("who", "")),
        bool(latest.get("ended", False)),
    )


def _frozen(places: Mapping[str, set[int]]) -> dict[str, frozenset[int]]:
    return {target: frozenset(found) for target, found in places.items()}


class Journal:
    """The journal of one plan, open for writing. Only one run writes to it: it holds the locks of the plan's targets."""

    def __init__(self, store: Store, plan_id: str, history: History) -> None:
        """Go on after `history`."""
        self._store = store
        self._plan_id = plan_id
        self._length = history.length
        self._batches = history.batches

    def begin(self, targets: Iterable[str], now: str, who: str) -> None:
        """Say that the plan is being applied, or that this goes on."""
        self._write({"kind": "begin", "plan": self._plan_id, "targets": list(targets), "at": now, "who": who})

    def intend(self, target: str, places: Iterable[int]) -> int:
        """Say which changes are about to be asked for; return the number of the batch."""
        self._batches += 1
        self._write({"kind": "intent", "target": target, "batch": self._batches, "changes": list(places)})
        return self._batches

    def outcome(self, target: str, batch: int, places: Iterable[int], outcomes: Iterable[Outcome]) -> None:
        """Say what became of them."""
        ended = [[place, str(one.status), one.message] for place, one in zip(places, outcomes, strict=True)]
        self._write({"kind": "outcome", "target": target, "batch": batch, "outcomes": ended})

    def end(self, exit_code: int) -> None:
        """Say that the run has come to its end."""
        self._write({"kind": "end", "exit_code": exit_code})

    def supersede(self, plan_id: str) -> None:
        """Say that another plan, made from what was left behind, is applied now in place of this one."""
        self._write({"kind": "superseded", "by": plan_id})

    def _write(self, record: Record) -> None:
        line = json.dumps(record, separators=(",", ":")).encode()
        if not self._store.append(journal_name(self._plan_id), line, self._length):
            raise StateError(
                f"{self._store.address}: somebody else writes to the journal of {self._plan_id}, so this run stops. "
                "See what is there with `reconcile plan`."
            )
        self._length += 1
