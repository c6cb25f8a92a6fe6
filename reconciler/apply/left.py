"""Put together from our own reports what we left in each target at last; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from reconciler.plan.cause import ACCOUNT, Left, Thing
from reconciler.plan.encode import Document
from reconciler.targets.base import Status

_MADE = frozenset({Status.APPLIED, Status.UNKNOWN})
"""Where no answer came, the change is taken for made: a run that found it not made would have made it again since."""


def left_by(reports: Iterable[Document]) -> Mapping[str, Left]:
    """Return what the reports, the oldest first, say that we left, by target."""
    found: defaultdict[str, _Target] = defaultdict(_Target)
    for report in reports:
        for section in report["targets"]:
            for change in section["changes"]:
                if change["status"] in _MADE:
                    found[section["name"]].make(change)
    return {name: Left(target.people, frozenset(target.groups)) for name, target in found.items()}


class _Target:
    """One target, as our changes leave it one by one."""

    def __init__(self) -> None:
        self.people: dict[str, dict[Thing, object]] = {}
        self.groups: set[str] = set()

    def make(self, change: Document) -> None:
        """Let one change of a report have been made."""
        user, kind = change["user"], change["type"]
        if kind == "setting.set":
            return  # a switch is never what the directory says
        if not user:
            self._group(kind, change)
        elif kind == "user.remove":
            self.people.pop(user["key"], None)
        else:
            self.people.setdefault(user["key"], {}).update(_given(kind, change))
            if kind == "user.update":
                self._rekey(user["key"], change)

    def _rekey(self, found_by: str, change: Document) -> None:
        before, after = (change[side].get("key") for side in ("have", "want"))
        if before and after and before != after:
            known = self.people.pop(found_by, {}) | self.people.pop(before, {})
            self.people[after] = self.people.get(after, {}) | known

    def _group(self, kind: str, change: Document) -> None:
        if kind == "group.remove":
            self.groups.discard(change["group"])
        elif kind == "group.rename":
            before, after = change["have"]["key"], change["want"]["key"]
            self.groups.discard(before)
            self.groups.add(after)
            for things in self.people.values():
                if ("role", before) in things:
                    things["role", after] = things.pop(("role", before))
        else:
            self.groups.add(change["group"])


def _given(kind: str, change: Document) -> Mapping[Thing, object]:
    """Return what a person has once the change is made; None for what was taken."""
    want = change["want"]
    if kind.startswith("membership."):
        return {("role", change["group"]): want}
    if kind == "user.flag":
        return {("flag", change["flag"]): want}
    if kind == "user.update":
        return dict(_values(want))
    if kind == "user.create":
        flags = {("flag", flag): held for flag, held in want["flags"].items()}
        return {
            ACCOUNT: want["active"],
            ("value", "username"): want["username"],
            **dict(_values(want["attributes"])),
            **flags,
        }
    return {ACCOUNT: kind != "user.disable"}


def _values(values: Mapping[str, object]) -> Iterator[tuple[Thing, object]]:
    """Yield attributes as a plan's changes have them: lists are tuples there."""
    for name, value in values.items():
        yield ("value", name), tuple(value) if isinstance(value, list) else value
