"""The words for what a plan holds: counts, reasons, values; pure text, never a layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.render.document import FindingData, ReasonData
from reconciler.render.look import shown

_PLURALS = {
    "directory": "directories",
    "person": "people",
    "entry": "entries",
    "refused": "refused",
    "search": "searches",
}


def counted(count: int, noun: str) -> str:
    """Return ``1 group``, ``2 groups``, ``12,000 people``."""
    return f"{count:,} {noun if count == 1 else _PLURALS.get(noun, noun + 's')}"


def listed(parts: list[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def via(path: list[str]) -> str:
    """Return a directory path from the rule's group down to the person's own: in this group by way of that one."""
    return " via ".join(shown(name) for name in path)


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _member(path: str, detail: str) -> str:
    if path:
        return "; ".join(filter(None, (path, detail)))
    return f"matches {detail}" if detail else "named by the rule"


def _left_group(path: str, detail: str) -> str:
    where = f"no longer {'matches' if path.startswith('(') else 'in'} {path}" if path else "no rule gives it any more"
    return "; ".join(filter(None, (where, detail)))


def _rule_taken(path: str, detail: str) -> str:
    return "; ".join(filter(None, (f"no longer given by {path}" if path else "no longer given", detail)))


def _by_hand(path: str, detail: str) -> str:
    where = f"does not match {path}" if path.startswith("(") else f"not in {path}" if path else "no rule gives it"
    return "; ".join(filter(None, (detail or "added by hand", where)))


_CAUSES: Mapping[str, Callable[[str, str], str]] = {
    "group_link": _member,
    "group_import": _member,
    "grant": lambda path, detail: _joined("grant", path, detail),
    "admin_group": lambda path, detail: _joined("admin group", path, detail),
    "external_group": lambda path, detail: _joined("external group", path, detail),
    "auditor_group": lambda path, detail: _joined("auditor group", path, detail),
    "scope": lambda path, detail: _joined("in the directory", path, detail),
    "left_group": _left_group,
    "rule_taken": _rule_taken,
    "by_hand": _by_hand,
    "grant_ended": lambda path, detail: _joined("grant ended", path, detail),
    "left_directory": lambda path, detail: _joined("left the directory", path and f"and {path}", detail),
    "disabled": lambda path, detail: "; ".join(filter(None, ("disabled in the directory", path or detail))),
    "returned": lambda path, detail: _joined("back in the directory", path, detail),
    "attribute": lambda path, detail: _joined("differs from the directory", path, detail),
    "named_by_rule": lambda path, detail: _joined("named by a rule", path, detail),
    "setting": lambda path, detail: _joined("set by the policy", path, detail),
    "group_gone": lambda path, detail: _joined(path or "its directory group", "is gone", detail),
}


def cause(reason: ReasonData) -> str:
    """Return why, without the rule's place; a cause that this version does not know is shown by its name."""
    path, detail = via(reason["path"]), shown(reason["detail"])
    say = _CAUSES.get(reason["why"])
    return say(path, detail) if say else _joined(shown(reason["why"]), path, detail)


def place(reason: ReasonData) -> str:
    """Return the rule's ``path:line``, empty where there is none."""
    rule = reason["rule"]
    return f"{shown(rule['path'])}:{rule['line']}" if rule else ""


HOLDS: Mapping[str, str] = {
    "protected": "protected by the policy",
    "by_hand": "made by hand, not ours to change",
    "frozen_group": "a linked directory group is missing or unreadable",
    "frozen_user": "the directory entry cannot be used",
    "last_owner": "the group keeps its last owners",
    "no_account": "no account, and users.create is off",
    "no_group": "no such group, and groups.create is off",
    "inactive": "disabled by hand, not ours to enable",
    "own_account": "the account that this program uses must not lock itself out",
    "quarantined": "the target keeps refusing it",
}


CAUSED_BY: Mapping[str, str] = {
    "policy": "Caused by this change of the policy",
    "directory": "Pending: the directory changed since the last apply",
    "drift": "Pending: the target was changed by somebody else",
}
"""What can have brought a change about, as a plan with a base to compare with says it; what is reviewed first."""


def finding_line(finding: FindingData) -> str:
    """Return ``path:line:col: severity[CODE] summary detail``, the form that tools parse."""
    where = finding["where"]
    at = f"{shown(where['path'])}:{where['line']}:{where['column']}: " if where else ""
    text = _joined(shown(finding["summary"]), shown(finding["detail"]))
    return f"{at}{finding['severity']}[{finding['code']}] {text}"


def value_text(value: object) -> str:
    """Return an attribute's value: text as it is, yes and no, a list by its size (keys are long and say nothing)."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return counted(len(value), "value")
    return shown(str(value))
