"""Encode the changes of a plan document for the script of its page, in as few bytes as will do; never lay anything out.

Every text stands once, in `strings`; everything else is numbers. Text from outside is made printable here, so that neither
the page nor its script has to.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from reconciler.model.access import LOCAL
from reconciler.render.document import ChangeData, PlanData, ReasonData
from reconciler.render.look import shown
from reconciler.render.rows import SIGNS, Row, Rows
from reconciler.render.words import CAUSED_BY, HOLDS, cause, place

KINDS: Mapping[str, str] = {
    "membership.remove": "remove a membership",
    "membership.change": "change a role",
    "membership.add": "add a membership",
    "user.remove": "remove an account",
    "user.disable": "disable an account",
    "user.flag": "change a mark",
    "user.enable": "enable an account",
    "user.update": "update an account",
    "user.adopt": "adopt an account",
    "user.create": "create an account",
    "group.remove": "remove a group",
    "group.rename": "rename a group",
    "group.adopt": "adopt a group",
    "group.create": "create a group",
    "setting.set": "change a setting",
}
"""The types of changes in words, in the order in which they are offered."""

NONE = -1
"""Stands in a column where a change has no person, no group, no cause, or is not held back."""

PLAIN, GIVES, TAKES = range(3)
"""Whether a change gives or takes privileged access."""

_ROUTES = frozenset({"group_link", "group_import", "admin_group", "external_group", "auditor_group"})
_COLUMNS = ("kind", "target", "name", "person", "group", "what", "reason", "mark", "cause", "hold")
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class Entry(NamedTuple):
    """One change of a target, by the target's number; `hold` says why it is held back, empty where it is not."""

    target: int
    change: ChangeData
    row: Row
    hold: str = ""

    @property
    def mark(self) -> int:
        """Whether it gives or takes privileged access."""
        if not self.row.privileged:
            return PLAIN
        return GIVES if self.row.rank else TAKES

    @property
    def group(self) -> str:
        """The target group that it is about, as the target calls it; empty where it is about none."""
        return self.change["group"] or ""


def entries(plan: PlanData) -> list[Entry]:
    """Return all changes, the gravest first: what takes access away, what gives privileged access, the rest, what is held back."""
    found: list[Entry] = []
    for number, target in enumerate(plan["targets"]):
        rows = Rows(target["privileged_roles"])
        found += (Entry(number, change, rows.row(change)) for change in target["changes"])
        found += (
            Entry(number, held["change"], rows.row(held["change"]), _hold(held["hold"], held["detail"]))
            for held in target["withheld"]
        )
    return sorted(found, key=_weight)


def _weight(entry: Entry) -> tuple[object, ...]:
    row = entry.row
    return bool(entry.hold), not row.named, row.rank, entry.target, entry.group, row.name, row.verb


def _hold(hold: str, detail: str) -> str:
    words = HOLDS.get(hold, shown(hold))
    return f"{words} ({shown(detail)})" if detail else words


def data_block(plan: PlanData, changes: Sequence[Entry]) -> str:
    """Return the plan's changes as ASCII JSON that can stand inside of a script element: no character of it is markup."""
    return json.dumps(_Encoder(plan).encoded(changes), separators=(",", ":")).translate(_ESCAPES)


Value = TypeVar("Value", bound=Hashable)


class _Numbers(Generic[Value]):
    """Numbers values in the order in which they come."""

    def __init__(self) -> None:
        self.known: dict[Value, int] = {}

    def of(self, value: Value) -> int:
        return self.known.setdefault(value, len(self.known))


class _Encoder:
    """Encodes one plan; each table holds what thousands of changes have in common."""

    def __init__(self, plan: PlanData) -> None:
        self._plan = plan
        self._strings, self._kinds = _Numbers[str](), _Numbers[str]()
        self._people, self._groups = _Numbers[tuple[str, str]](), _Numbers[tuple[int, str]]()
        self._reasons: dict[tuple[object, ...], int] = {}
        self._said: dict[int, int] = {}

    def encoded(self, changes: Sequence[Entry]) -> Mapping[str, object]:
        text = self._strings.of
        columns: dict[str, list[int]] = {name: [] for name in _COLUMNS}
        for entry in changes:
            for name, number in zip(_COLUMNS, self._numbers(entry), strict=True):
                columns[name].append(number)
        labels = _labels(list(self._people.known), changes, self._plan)
        return {
            "rows": columns,
            "targets": [text(shown(target["name"])) for target in self._plan["targets"]],
            "people": [text(label) for label in labels],
            "groups": [[target, text(shown(name))] for target, name in self._groups.known],
            "kinds": [[shown(kind), KINDS.get(kind, shown(kind)), SIGNS.get(kind, "~")] for kind in self._kinds.known],
            "order": list(KINDS),
            "causes": list(CAUSED_BY.items()) if "base" in self._plan else [],
            "reasons": list(self._reasons),
            "strings": list(self._strings.known),
        }

    def _numbers(self, entry: Entry) -> Iterator[int]:
        change, row, text = entry.change, entry.row, self._strings.of
        yield self._kinds.of(change["type"])
        yield entry.target
        yield text(row.name)
        yield self._people.of(_person(entry, self._plan)) if change["user"] else NONE
        yield self._groups.of((entry.target, entry.group)) if entry.group else NONE
        yield text(row.verb)
        yield self._reason(change["reason"])
        yield entry.mark
        yield _cause(change)
        yield text(entry.hold) if entry.hold else NONE

    def _reason(self, reason: ReasonData) -> int:
        known = self._said.get(id(reason))
        if known is None:
            known = self._said[id(reason)] = self._reasons.setdefault(self._written(reason), len(self._reasons))
        return known

    def _written(self, reason: ReasonData) -> tuple[object, ...]:
        """Return a reason: in words, its rule, and where somebody is in a group the way from the rule's group down to theirs."""
        text, rule = self._strings.of, place(reason)
        way = reason["path"] if reason["why"] in _ROUTES else []
        detail = reason["detail"] if way else ""
        return (
            text(cause(reason)),
            text(rule) if rule else NONE,
            tuple(text(shown(name)) for name in way),
            text(shown(detail)) if detail else NONE,
        )


def _cause(change: ChangeData) -> int:
    known = list(CAUSED_BY)
    found = change.get("cause", "")
    return known.index(found) if found in known else NONE


def _person(entry: Entry, plan: PlanData) -> tuple[str, str]:
    """Return who a change is about: the directory, and the key there, which is the same in all targets.

    A key that a target has made is of that target alone: nobody of the directory is known by it.
    """
    user, target = entry.change["user"], plan["targets"][entry.target]
    key = user["key"] if user else ""
    return target["name"] if key.startswith(LOCAL) else target["directory"], key


def _labels(people: Sequence[tuple[str, str]], changes: Sequence[Entry], plan: PlanData) -> list[str]:
    """Return what each person is called: by all their user names, and by the key as well where another is called the same."""
    names: dict[tuple[str, str], set[str]] = {person: set() for person in people}
    for entry in changes:
        if entry.change["user"]:
            names[_person(entry, plan)].add(entry.row.name)
    labels = [" / ".join(sorted(names[person])) for person in people]
    often = Counter(labels)
    return [
        label if often[label] == 1 else f"{label} ({shown(directory)}: {shown(key)})"
        for label, (directory, key) in zip(labels, people, strict=True)
    ]
