"""Find in a saved plan what it does about one person or one target group; reads nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from reconciler.errors import UsageError
from reconciler.explain.answer import FORMAT_VERSION
from reconciler.model.names import caseless, login_key
from reconciler.model.text import shortened
from reconciler.plan.encode import Document

_Change: TypeAlias = Mapping[str, object]


def explain_saved(plan: Mapping[str, object], name: str, group: str, targets: Sequence[str]) -> Document:
    """Return what the plan changes for that login or stable id, or in that group; `targets` empty means all.

    The plan is one that plan/decode.py has checked. Raises UsageError where it has nothing about them.
    """
    sections = [
        section
        for section in cast("Sequence[Mapping[str, object]]", plan["targets"])
        if not targets or section["name"] in targets
    ]
    found = [_of(section, _about(name, group)) for section in sections]
    if not any(one["changes"] or one["held"] for one in found):
        what = f'"{shortened(name)}"' if name else f"the group {shortened(group)}"
        raise UsageError(
            f"The plan changes nothing about {what}. A plan holds only what differs: ask without --plan for what stays as it is."
        )
    return {
        "format_version": FORMAT_VERSION,
        "asked": {"user": name, "group": group},
        "today": plan["today"],
        "live": True,
        "plan": plan["id"],
        "directories": plan["directories"],
        "person": None,
        "targets": found,
    }


def _about(name: str, group: str) -> Callable[[_Change], bool]:
    def concerns(change: _Change) -> bool:
        who = change["user"]
        if group and change["group"] != group:
            return False
        if not name:
            return True
        if not isinstance(who, dict):
            return False
        return login_key(str(who["username"])) == login_key(name) or caseless(str(who["key"])) == caseless(name)

    return concerns


def _of(section: Mapping[str, object], concerns: Callable[[_Change], bool]) -> Document:
    changes = cast("Sequence[_Change]", section["changes"])
    held = cast("Sequence[Mapping[str, _Change]]", section["withheld"])
    return {
        "name": section["name"],
        "kind": section["kind"],
        "address": section["address"],
        "error": section["error"],
        "changes": [change for change in changes if concerns(change)],
        "held": [one for one in held if concerns(one["change"])],
    }
