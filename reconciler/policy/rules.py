"""Read what gives access: group links, imports and grants; evaluates none of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from reconciler.model.filter import Filter
from reconciler.model.text import shortened
from reconciler.policy.findings import Findings
from reconciler.policy.kinds import roles_of
from reconciler.policy.merge import Sections
from reconciler.policy.model import Grant, GroupImport, GroupLink, GroupRule, TargetConfig
from reconciler.policy.node import Node
from reconciler.policy.values import date_of, filter_of, template_of

_SELECTORS = ("cn", "dn", "filter")


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a rule takes besides the rule: the sound targets, the day, the place for findings."""

    targets: Mapping[str, TargetConfig]
    today: date
    findings: Findings


def groups(sections: Sections, reading: Reading) -> dict[str, dict[str, GroupRule]]:
    """Return all that is said about each target group, by target and name, sorted."""
    links, grants = sections.units["group_links"], sections.units["grants"]
    found: defaultdict[str, dict[str, GroupRule]] = defaultdict(dict)
    for names in sorted({*links, *grants}):
        target, group = names
        linked, granted = links.get(names), grants.get(names)
        first = linked or granted or links[names]
        found[target][group] = GroupRule(
            group,
            first.key_where,
            _links(target, linked, reading) if linked else (),
            _grants(target, granted, reading) if granted else (),
        )
    return dict(found)


def imports(sections: Sections, reading: Reading) -> dict[str, tuple[GroupImport, ...]]:
    """Return the imports of each target, in the order written."""
    return {
        target: tuple(found for item in node.items() if (found := _import(target, item, reading)))
        for (target,), node in sorted(sections.units["group_imports"].items())
    }


def role_of(node: Node, target: str, reading: Reading) -> str:
    """Return the role that a rule gives: what `access` says, or the target's only one; a wrong one is an error."""
    config = reading.targets.get(target)
    access, roles = node.get("access"), roles_of(config)
    if access is None:
        if len(roles) != 1 and config:
            message = f'"access" is missing. Say which role of {target} it gives.'
            reading.findings.error(node.source, node.where, "MISSING-KEY", message)
        return roles[0] if roles else ""
    check_role(access, target, reading)
    return str(access.data)


def check_role(node: Node, target: str, reading: Reading) -> None:
    """Add an error for a role that the target is known not to have."""
    role, roles = str(node.data), roles_of(reading.targets.get(target))
    if roles and role not in roles:
        message = f'{target} has no role "{shortened(role, 60)}". {reading.findings.alternatives(role, roles)}'
        reading.findings.error(node.source, node.where, "UNKNOWN-ROLE", message)


def until_of(node: Node, reading: Reading, effect: str) -> date | None:
    """Return the last day of a rule; a warning says that a past one has no effect."""
    until = node.child("until")
    day = date_of(until, reading.findings)
    if day and day < reading.today:
        message = f"This {effect} ended on {day} and has no effect. Remove it."
        reading.findings.warning(until.source, until.where, "PAST-DATE", message)
    return day


def _links(target: str, node: Node, reading: Reading) -> tuple[GroupLink, ...]:
    links: list[GroupLink] = []
    first: dict[tuple[str, ...], Node] = {}
    for item in node.items():
        link = _link(target, item, reading)
        same = first.setdefault((link.cn, link.dn, item.text("filter"), link.access), item)
        if same is not item:
            message = f"This link says the same as the one on line {same.where.line}. Remove one of them."
            reading.findings.warning(item.source, item.where, "DUPLICATE-LINK", message)
        links.append(link)
    if node.data == []:
        message = (
            f'"{shortened(str(node.path[-1]), 60)}" has no link, so nobody is to be in it. Remove it to leave it alone.'
        )
        reading.findings.warning(node.source, node.key_where, "NO-LINK", message)
    return tuple(links)


def _link(target: str, node: Node, reading: Reading) -> GroupLink:
    cn, dn, selected = selector_of(node, "A group link", reading.findings)
    return GroupLink(role_of(node, target, reading), node.where, cn, dn, selected)


def selector_of(node: Node, what: str, findings: Findings) -> tuple[str, str, Filter | None]:
    """Return the cn, dn and filter that select people, of which just one is set; an error says what else `what` has."""
    said = {key: selector for key in _SELECTORS if (selector := node.get(key))}
    if len(said) != 1:
        found = f"this one has {' and '.join(said)}" if said else "this one has none of them"
        message = f"{what} has exactly one of cn, dn and filter; {found}."
        findings.error(node.source, node.where, "LINK-SELECTOR", message)
    dn, wanted = said.get("dn"), said.get("filter")
    if dn and "=" not in str(dn.data):
        message = (
            f'"{shortened(str(dn.data), 60)}" is not a DN such as cn=devs,ou=groups,dc=example,dc=com. Is it a cn?'
        )
        findings.error(dn.source, dn.where, "BAD-DN", message)
    return node.text("cn"), node.text("dn"), filter_of(wanted, findings) if wanted else None


def _grants(target: str, node: Node, reading: Reading) -> tuple[Grant, ...]:
    return tuple(found for item in node.items() if (found := _grant(target, item, reading)))


def _grant(target: str, node: Node, reading: Reading) -> Grant | None:
    access, until = role_of(node, target, reading), until_of(node, reading, "grant")
    return Grant(node.text("user"), access, until, node.text("reason"), node.where) if until else None


def _import(target: str, node: Node, reading: Reading) -> GroupImport | None:
    name = node.child("name")
    template = template_of(name, reading.findings)
    if template and "{" not in template:
        message = f'Every imported group would be called "{shortened(template, 60)}". Use a field, such as {{cn}}.'
        reading.findings.error(name.source, name.where, "BAD-TEMPLATE", message)
    selected, access = filter_of(node.child("filter"), reading.findings), role_of(node, target, reading)
    return GroupImport(selected, template, access, node.where) if selected else None
