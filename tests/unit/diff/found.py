"""What a comparison found, in words that tests can compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.diff.compare import compare
from reconciler.diff.rules import Findings
from reconciler.model.access import State
from reconciler.model.change import (
    AddMembership,
    Change,
    ChangeRole,
    RemoveMembership,
    RenameGroup,
    SetFlag,
    SetSetting,
    UpdateUser,
    person_of,
    type_name,
)
from reconciler.policy.model import GroupRule, Protection, TargetConfig
from tests.builders import TARGET, World, imported, link, person, rule, rules, snapshot, team

PEOPLE = (person("ann"), person("bob"))
DEVS = (team("devs", "ann", "bob"),)
API = rule("api", link("devs"))


def world(
    have: State = State(),  # noqa: B008 - a frozen value
    *said: GroupRule,
    target: TargetConfig = TARGET,
    protected: Protection = Protection(),  # noqa: B008 - a frozen value
) -> World:
    """Return a world of two developers, who are viewers of `api` unless rules are given."""
    imports = [imported("(cn=app-*)")]
    return World(snapshot(PEOPLE, DEVS), rules(*(said or (API,)), imports=imports, target=target), have, protected)


def findings(of: World) -> Findings:
    """Return what comparing the live state with the wanted one finds."""
    return compare(of.have, of.want(), of.diff_rules())[1]


def changes(of: World) -> list[str]:
    """Return the changes in words, sorted."""
    return sorted(map(words, findings(of).changes))


def held(of: World) -> list[str]:
    """Return what is held back in words, sorted, with the kind of hold."""
    return sorted(f"{one.hold}: {words(one.change)}" for one in findings(of).withheld)


def clashes(of: World) -> list[str]:
    """Return the clashes in words."""
    return [f"{one.kind} {one.name}: {one.detail}" for one in findings(of).clashes]


def words(change: Change) -> str:
    """Return one change as a few words."""
    name = type_name(change)
    match change:
        case AddMembership(who=who, group=group, want=role) | RemoveMembership(who=who, group=group, have=role):
            return f"{name} {group} {who.username} {role}"
        case ChangeRole(who=who, group=group, have=role, want=new):
            return f"{name} {group} {who.username} {role} {new}"
        case UpdateUser(who=who, have=before, want=after):
            return f"{name} {who.username} {_pairs(before, after)}"
        case SetFlag(who=who, flag=flag, want=wanted):
            return f"{name} {who.username} {flag} {wanted}"
        case RenameGroup(have=old, want=new_name):
            return f"{name} {old} {new_name}"
        case _:
            return f"{name} {_subject(change)}"


def _pairs(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {before[name]} {after[name]}" for name in sorted(after))


def _subject(change: Change) -> str:
    who = getattr(change, "who", None) or getattr(change, "user", None)
    if person_of(change) and who is not None:
        return str(who.username)
    if isinstance(change, SetSetting):
        return f"{change.name} {change.want}"
    group = getattr(change, "group", None) or getattr(change, "have", None)
    return str(group.key) if group is not None else ""


def with_target(of: World, target: TargetConfig) -> World:
    """Return the same world under other settings."""
    return replace(of, said=replace(of.said, target=target))
