"""Join the sections of all files; what is set in two files is an error that names both; reads no meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from reconciler.model.diagnostic import Position
from reconciler.model.text import shortened
from reconciler.policy.findings import Findings
from reconciler.policy.node import Node
from reconciler.policy.source import Path, Source

UNITS: Mapping[str, int] = {
    "directories": 1,
    "targets": 1,
    "state": 0,
    "group_links": 2,
    "group_imports": 1,
    "grants": 2,
    "naming": 3,
    "protected": 2,
    "guards": 2,
    "apply": 1,
}
"""How many names lead, in each section, to what only one file may set: a target is one unit, a naming rule's key another, the whole state store one."""

LISTS = ("waivers", "expect")
"""Top-level lists, joined."""

_ITEMS: Mapping[str, int] = {"group_links": 4, "grants": 4, "group_imports": 3, "waivers": 2, "expect": 2}

_REFERRING: Mapping[str, bool] = {
    "group_links": False,
    "group_imports": False,
    "grants": False,
    "naming": True,
    "protected": True,
    "guards": True,
}

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sections:
    """All files as one: per section, each unit by the names that lead to it; top-level lists as lists.

    `named` holds per section every name on its first level with the place of each mention, units or none.
    """

    units: Mapping[str, Mapping[Names, Node]] = field(default_factory=dict)
    lists: Mapping[str, Sequence[Node]] = field(default_factory=dict)
    named: Mapping[str, Mapping[str, Sequence[Node]]] = field(default_factory=dict)


def without_broken(source: Source, paths: frozenset[Path]) -> Source:
    """Return the source with whole units marked as broken, so that one bad key does not look like a missing one."""
    return replace(
        source, broken=frozenset(path[: _ITEMS.get(str(path[0]), _depth(path)) if path else 0] for path in paths)
    )


def mergeable(sources: Sequence[Source]) -> bool:
    """Tell whether what is left can be judged: every file is read, and the sections that give names their meaning are whole."""
    vital = {(), ("version",), ("directories",), ("targets",)}
    return all(source.readable and not vital & source.broken and not _unknown(source) for source in sources)


def merged(sources: Sequence[Source], findings: Findings) -> Sections:
    """Return all sections; adds an error for each unit that two files set. The first, by file name, is kept."""
    roots = [Node(source, (), source.data) for source in sources]
    return Sections(
        units={name: _merged_units(roots, name, depth, findings) for name, depth in UNITS.items()},
        lists={name: tuple(chain.from_iterable(root.child(name).items() for root in roots)) for name in LISTS},
        named={name: _named(roots, name) for name in UNITS},
    )


def check_target(name: str, place: tuple[Source, Position], sections: Sections, findings: Findings) -> None:
    """Add an error where a name stands for no target."""
    known = sections.named["targets"]
    if name not in known:
        message = f'No target is called "{shortened(name, 60)}". {findings.alternatives(name, known)}'
        findings.error(*place, "UNKNOWN-TARGET", message)


def check_references(sections: Sections, findings: Findings) -> None:
    """Every section that speaks of targets speaks of known ones; ``*`` is all of them where a rule can hold for all."""
    for section, accepts_all in _REFERRING.items():
        for name, nodes in sections.named[section].items():
            if name != "*" or not accepts_all:
                for node in nodes:
                    check_target(name, (node.source, node.key_where), sections, findings)


def _depth(path: Path) -> int:
    return UNITS.get(str(path[0]), 0) + 1


def _unknown(source: Source) -> bool:
    known = {"version", *UNITS, *LISTS}
    return isinstance(source.data, dict) and not known.issuperset(source.data)


def _named(roots: Sequence[Node], section: str) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for root in roots:
        data = root.data.get(section) if isinstance(root.data, dict) else None
        for name, value in data.items() if isinstance(data, dict) else ():
            found.setdefault(name, []).append(Node(root.source, (section, name), value))
    return found


def _merged_units(roots: Sequence[Node], section: str, depth: int, findings: Findings) -> dict[Names, Node]:
    units: dict[Names, Node] = {}
    for root in roots:
        for names, node in _units(root.child(section), depth):
            first = units.setdefault(names, node)
            if first is not node:
                findings.error(
                    node.source,
                    node.key_where,
                    "SET-TWICE",
                    f"{'.'.join((section, *(shortened(name, 60) for name in names)))} is set in two files: here and at "
                    f"{first.key_where}. Keep it in one of them.",
                )
    return units


def _units(node: Node, depth: int) -> Iterator[tuple[Names, Node]]:
    if depth == 0:
        if node.data is not None:  # a section that this file does not have
            yield (), node
        return
    for key, value in node.entries():
        for names, unit in _units(value, depth - 1):
            yield (key, *names), unit
