"""Find in reports what happened to one person, under whatever name the reports know them by; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.model.names import fold
from reconciler.plan.encode import Document
from reconciler.targets.base import Status


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one person, and the report that it stands in."""

    report: Document
    target: str
    index: int
    change: Document

    @property
    def number(self) -> int:
        """Return the number of the report."""
        return int(self.report["number"])

    @property
    def place(self) -> tuple[str, str, int]:
        """Return the plan, the target and the place in its section: the same in every run of the plan."""
        return str(self.report["plan"]["id"]), self.target, self.index


def history(reports: Iterable[Document], name: str) -> list[Event]:
    """Return what happened to the person of that username or key, in the order of `reports`.

    Usernames compare without case. A person is a key: all that happened to the keys which ever had the name, and to those
    which they had before or got after, is in it. A change that a resumed run found made is there once, as it was first made.
    """
    events = list(_events(reports))
    keys = _connected({name, *_keys_called(events, name)}, events)
    return [event for event in _once(events) if str(event.change["user"]["key"]) in keys]


def keys_of(events: Iterable[Event]) -> list[str]:
    """Return the keys of the people in it, sorted: more than one where a name was given to another person later."""
    return sorted({str(event.change["user"]["key"]) for event in events})


def _events(reports: Iterable[Document]) -> Iterator[Event]:
    for report in reports:
        for target in report["targets"]:
            for index, change in enumerate(target["changes"]):
                if change["user"]:
                    yield Event(report, target["name"], index, change)


def _keys_called(events: Iterable[Event], name: str) -> set[str]:
    wanted = fold(name)
    return {
        str(event.change["user"]["key"])
        for event in events
        if any(fold(called) == wanted for called in _names(event.change))
    }


def _names(change: Document) -> Iterator[str]:
    """Yield the usernames that a change tells of."""
    yield change["user"]["username"]
    for side in (change["have"], change["want"]):
        if isinstance(side, dict) and isinstance(side.get("username"), str):
            yield side["username"]


def _connected(keys: set[str], events: Iterable[Event]) -> set[str]:
    """Return the keys, and all that a person had before or after one of them."""
    pairs = [pair for event in events if (pair := _key_change(event.change))]
    while more := {key for pair in pairs if not keys.isdisjoint(pair) for key in pair} - keys:
        keys = keys | more
    return keys


def _key_change(change: Document) -> frozenset[str] | None:
    have, want = change["have"], change["want"]
    if change["type"] != "user.update" or not isinstance(have, dict) or not isinstance(want, dict):
        return None
    before, after = have.get("key"), want.get("key")
    return frozenset({before, after}) if isinstance(before, str) and isinstance(after, str) else None


def _once(events: Iterable[Event]) -> list[Event]:
    """Leave out what a resumed run only found made: a change of the same plan that an earlier report has as applied."""
    first: dict[tuple[str, str, int], int] = {}
    told = list(events)
    for event in told:
        if event.change["status"] == Status.APPLIED:
            first[event.place] = min(first.get(event.place, event.number), event.number)
    return [event for event in told if event.number <= first.get(event.place, event.number)]
