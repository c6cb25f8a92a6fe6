"""Read what holds changes back: naming rules, protections, guards, waivers. Enforces nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from reconciler.model.access import NameLimits
from reconciler.policy.findings import Findings
from reconciler.policy.merge import Sections, check_target
from reconciler.policy.model import (
    ALL_TARGETS,
    GuardLimits,
    Limit,
    Naming,
    NamingRule,
    OnInvalidName,
    Protection,
    Waiver,
)
from reconciler.policy.node import Node
from reconciler.policy.rules import Reading, until_of
from reconciler.policy.values import pattern_of

_SET = re.compile(r"\[!?\]?[^\]]*\]")
OFF = "off"


def naming(sections: Sections, targets: Iterable[str], findings: Findings) -> dict[str, Naming]:
    """Return the naming rules of every target: its own keys, else those of ``*``."""
    units = sections.units["naming"]
    for names, node in units.items():
        if names[-1] == "pattern":
            pattern_of(node, findings)
    unsaid = Naming()
    return {
        target: Naming(_rule(units, target, "users", unsaid.users), _rule(units, target, "groups", unsaid.groups))
        for target in targets
    }


def protections(sections: Sections, targets: Iterable[str], findings: Findings) -> dict[str, Protection]:
    """Return what is protected in every target: what it says itself and what ``*`` says."""
    units = sections.units["protected"]
    for pattern in (item for node in units.values() for item in node.items()):
        check_shell_pattern(pattern, findings)
    found = {}
    for target in targets:
        users = _both(units, target, "users")
        groups = _both(units, target, "groups")
        places = [node.key_where for node in (*users, *groups)]
        found[target] = Protection(_patterns(users), _patterns(groups), places[0] if places else None)
    return found


def guards(sections: Sections, targets: Iterable[str]) -> dict[str, GuardLimits]:
    """Return the limits of every target: its own, else those of ``*``, else the defaults."""
    said: defaultdict[str, dict[str, Node]] = defaultdict(dict)
    for (target, guard), node in sections.units["guards"].items():
        said[target][guard] = node
    return {target: _limits({**said[ALL_TARGETS], **said[target]}) for target in targets}


def waivers(sections: Sections, reading: Reading) -> tuple[Waiver, ...]:
    """Return the waivers in the order of files and lines."""
    found = []
    for node in sections.lists["waivers"]:
        target_of(node, sections, reading.findings)
        until = until_of(node, reading, "waiver")
        if until:
            guard, target, approved_by = node.text("guard"), node.text("target"), node.text("approved_by")
            waiver = Waiver(guard, target, until, approved_by, node.text("reason"), node.where)
            found.append(replace(waiver, group=node.text("group"), plan=node.text("plan")))
    return tuple(found)


def target_of(node: Node, sections: Sections, findings: Findings) -> str:
    """Return the target that an entry names; an unknown one is an error."""
    target = node.child("target")
    check_target(str(target.data), (target.source, target.where), sections, findings)
    return str(target.data)


def _rule(units: Mapping[tuple[str, ...], Node], target: str, kind: str, unsaid: NamingRule) -> NamingRule:
    keys = ("pattern", "max_length", "reserved", "on_invalid")
    found = {key: units.get((target, kind, key)) or units.get((ALL_TARGETS, kind, key)) for key in keys}
    said = {key: node for key, node in found.items() if node}
    if not said:
        return unsaid
    pattern, length, reserved = (said[key].data if key in said else None for key in keys[:3])
    limits = NameLimits(
        pattern=str(pattern or ""),
        max_length=int(length) if isinstance(length, int | float) else 0,
        reserved=tuple(str(word) for word in reserved) if isinstance(reserved, list) else (),
    )
    on_invalid = OnInvalidName(str(said["on_invalid"].data)) if "on_invalid" in said else unsaid.on_invalid
    return NamingRule(limits, on_invalid, next(iter(said.values())).key_where)


def _both(units: Mapping[tuple[str, ...], Node], target: str, kind: str) -> list[Node]:
    return [node for name in (target, ALL_TARGETS) if (node := units.get((name, kind)))]


def _patterns(nodes: Iterable[Node]) -> tuple[str, ...]:
    return tuple(sorted({str(item.data) for node in nodes for item in node.items()}))


def check_shell_pattern(node: Node, findings: Findings) -> None:
    """Add an error for a shell-style pattern that cannot be meant as it is written."""
    if "[" in _SET.sub("", str(node.data)):
        message = 'A "[" is opened and not closed in this pattern. Close it, or write [[] for a bracket itself.'
        findings.error(node.source, node.where, "BAD-PATTERN", message)


def _limits(said: Mapping[str, Node]) -> GuardLimits:
    default = GuardLimits()
    return GuardLimits(
        max_removals=_limit(said.get("max_removals"), default.max_removals),
        max_removals_per_group=_limit(said.get("max_removals_per_group"), default.max_removals_per_group),
        empty_group=_choice(said.get("empty_group")),
        empty_admin_group=_choice(said.get("empty_admin_group")),
        empty_external_group=_choice(said.get("empty_external_group")),
        min_owners=_number(said.get("min_owners"), default.min_owners),
        max_privileged_grants=_number(said.get("max_privileged_grants"), default.max_privileged_grants),
        max_created_users=_number(said.get("max_created_users"), default.max_created_users),
        max_disabled_users=_limit(said.get("max_disabled_users"), default.max_disabled_users),
        max_directory_shrink=_limit(said.get("max_directory_shrink"), default.max_directory_shrink),
        protect_self=_word(said.get("protect_self")) not in {OFF, False},
        explicit=frozenset(said),
    )


def _choice(node: Node | None) -> Literal["refuse", "allow"]:
    return "allow" if _word(node) in {"allow", OFF} else "refuse"


def _word(node: Node | None) -> object:
    return node.data if node else None


def _limit(node: Node | None, default: Limit | None) -> Limit | None:
    """Return a limit as written: what it does not say has no limit."""
    if node is None:
        return default
    if not isinstance(node.data, dict):
        return None
    percent, count = node.data.get("percent"), node.data.get("count")
    return Limit(
        percent=float(percent) if isinstance(percent, int | float) else None,
        count=int(count) if isinstance(count, int | float) else None,
    )


def _number(node: Node | None, default: int | None) -> int | None:
    if node is None:
        return default
    return int(node.data) if isinstance(node.data, int | float) else None
