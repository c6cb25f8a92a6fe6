"""Read the policy's own tests: what a person has and lacks, what must hold in groups; judges nothing."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.text import shortened
from reconciler.policy.findings import Findings
from reconciler.policy.limits import check_shell_pattern, target_of
from reconciler.policy.merge import Sections
from reconciler.policy.model import Expectation, GroupLink
from reconciler.policy.node import Node
from reconciler.policy.rules import Reading, check_role, selector_of
from reconciler.policy.values import path_of

_OF_PERSON = ("has", "lacks")
_OF_GROUPS = ("role", "at_least", "at_most", "nobody_outside")


def expectations(sections: Sections, reading: Reading) -> tuple[Expectation, ...]:
    """Return the policy's tests in the order of files and lines."""
    return tuple(_expectation(node, sections, reading) for node in sections.lists["expect"])


def _expectation(node: Node, sections: Sections, reading: Reading) -> Expectation:
    target = target_of(node, sections, reading.findings)
    roles = dict(node.child("has").entries())
    role = node.get("role")
    for one in (*roles.values(), *([role] if role else [])):
        check_role(one, target, reading)
    _check(node, roles, reading.findings)
    for pattern in node.child("groups").items():
        check_shell_pattern(pattern, reading.findings)
    return Expectation(
        user=node.text("user"),
        target=target,
        where=node.where,
        has={group: str(one.data) for group, one in sorted(roles.items())},
        lacks=node.texts("lacks"),
        groups=node.texts("groups"),
        role=node.text("role"),
        at_least=_number(node, "at_least"),
        at_most=_number(node, "at_most"),
        nobody_outside=_outside(node, reading.findings),
        directory=path_of(node.child("directory")),
    )


def _number(node: Node, key: str) -> int | None:
    return node.whole(key, 0) if node.get(key) else None


def _outside(node: Node, findings: Findings) -> GroupLink | None:
    found = node.get("nobody_outside")
    if found is None:
        return None
    cn, dn, wanted = selector_of(found, '"nobody_outside"', findings)
    return GroupLink("", found.where, cn, dn, wanted)


def _check(node: Node, roles: Mapping[str, Node], findings: Findings) -> None:
    """Add an error for a test that would hold for ever, that never could, or that is half of one."""
    said = {key: found for key in (*_OF_PERSON, *_OF_GROUPS, "user", "groups") if (found := node.get(key))}
    for subject, keys in (("user", _OF_PERSON), ("groups", _OF_GROUPS)):
        half = [key for key in keys if key in said and subject not in said]
        if half:
            message = f'"{half[0]}" says nothing without "{subject}". Add it.'
            findings.error(node.source, said[half[0]].key_where, "MISSING-KEY", message)
    if "user" in said and "groups" in said:
        message = "This is about a person and about groups. Make two expectations of it."
        findings.error(node.source, said["groups"].key_where, "CONTRADICTION", message)
    elif not roles and not node.texts("lacks") and not said.keys() & set(_OF_GROUPS[1:]):
        message = (
            "This expects nothing. Say what a user has or lacks, or at_least, at_most or nobody_outside of groups."
        )
        findings.error(node.source, node.where, "EMPTY-EXPECTATION", message)
    for group in node.texts("lacks"):
        if group in roles:
            message = f'"{shortened(group, 60)}" is expected both in has and in lacks. Keep one.'
            findings.error(node.source, roles[group].key_where, "CONTRADICTION", message)
    if "at_least" in said and "at_most" in said and node.whole("at_least", 0) > node.whole("at_most", 0):
        message = "At least more than at most can never hold. Correct one of them."
        findings.error(node.source, said["at_least"].key_where, "CONTRADICTION", message)
