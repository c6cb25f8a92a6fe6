"""Compare groups: create what rules name, adopt or rename where allowed, remove what an import made and lost."""

from __future__ import annotations

from dataclasses import replace

from reconciler.desired.build import Desired
from reconciler.diff.align import adopt_group
from reconciler.diff.rules import DiffRules, Findings
from reconciler.model.access import Group, GroupKey, State
from reconciler.model.change import CreateGroup, RemoveGroup
from reconciler.model.paths import ancestors, path_key
from reconciler.model.plan import Hold
from reconciler.model.reason import Reason, Why
from reconciler.policy.model import OnMissing


def diff_groups(have: State, want: Desired, rules: DiffRules, findings: Findings) -> None:
    """Note what has to change so that every group that a rule names is there; where groups nest, with those above it."""
    missing = _Missing(have, want, rules, findings) if rules.inherits else None
    mirrored = {group.source for group in have.groups.values() if group.source and group.managed}
    for key, wanted in want.state.groups.items():
        held = have.groups.get(key)
        if held is None and wanted.source in mirrored:
            continue  # there under another name, and what keeps it from its new one has been said
        if held is None:
            _create(wanted, want, rules, findings, missing)
        elif not held.managed:
            adopt_group(held, want, rules, findings)
        else:
            findings.unchanged_groups += 1
    for key in gone_groups(have, want, rules):
        change = RemoveGroup(have.groups[key], Reason(Why.GROUP_GONE, rules.groups.where))
        if rules.protects_group(key):
            findings.hold(change, Hold.PROTECTED)
        else:
            findings.changes.append(change)


def gone_groups(have: State, want: Desired, rules: DiffRules) -> list[GroupKey]:
    """Return the groups that an import made, whose directory group is gone, and that the policy wants removed."""
    if rules.groups.when_missing is not OnMissing.REMOVE or not want.imports:
        return []
    return sorted(
        key
        for key, group in have.groups.items()
        if group.managed and group.source and group.source not in want.directory_groups and key not in want.state.groups
    )


def _create(wanted: Group, want: Desired, rules: DiffRules, findings: Findings, missing: _Missing | None) -> None:
    change = CreateGroup(wanted, want.explain.group(wanted.key))
    if rules.protects_group(wanted.key):
        findings.hold(change, Hold.PROTECTED)
    elif not rules.groups.create:
        findings.hold(change, Hold.NO_GROUP, "groups.create is false")
    elif missing is not None and (obstacle := missing.obstacle(wanted.key)):
        findings.hold(change, Hold.NO_GROUP, f"{obstacle} above it is not there, and protected")
    else:
        findings.changes.append(change)
        if missing is not None:
            missing.create_above(change)


class _Missing:
    """Groups that are not there and lie above those that rules name: with the first group below them, they are made, too."""

    def __init__(self, have: State, want: Desired, rules: DiffRules, findings: Findings) -> None:
        """Take note of what is there, and of what is made by a rule of its own."""
        self._rules, self._findings = rules, findings
        self._there = {path_key(key) for key in have.groups}
        self._ruled = {path_key(key) for key in want.state.groups}

    def obstacle(self, group: GroupKey) -> GroupKey | None:
        """Return the outermost group above one that is not there and must not be made, if any."""
        return next((key for key in self._above(group) if self._rules.protects_group(key)), None)

    def create_above(self, below: CreateGroup) -> None:
        """Note the creation of what is missing above a group and has no rule of its own; the reason is that of the group below."""
        for key in self._above(below.group.key):
            if path_key(key) not in self._ruled:
                detail = "; ".join(filter(None, (below.reason.detail, f"for {below.group.key}, which lies below")))
                self._findings.changes.append(CreateGroup(Group(key), replace(below.reason, detail=detail)))
                self._there.add(path_key(key))

    def _above(self, group: GroupKey) -> list[GroupKey]:
        return [key for key in ancestors(group) if path_key(key) not in self._there]
