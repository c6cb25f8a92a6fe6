"""Compare groups: create what rules name, adopt or rename where allowed, remove what an import made and lost."""

from __future__ import annotations

from reconciler.desired.build import Desired
from reconciler.diff.align import adopt_group
from reconciler.diff.rules import DiffRules, Findings
from reconciler.model.access import Group, GroupKey, State
from reconciler.model.change import CreateGroup, RemoveGroup
from reconciler.model.plan import Hold
from reconciler.model.reason import Reason, Why
from reconciler.policy.model import OnMissing


def diff_groups(have: State, want: Desired, rules: DiffRules, findings: Findings) -> None:
    """Note what has to change so that every group that a rule names is there."""
    mirrored = {group.source for group in have.groups.values() if group.source and group.managed}
    for key, wanted in want.state.groups.items():
        held = have.groups.get(key)
        if held is None and wanted.source in mirrored:
            continue  # there under another name, and what keeps it from its new one has been said
        if held is None:
            _create(wanted, want, rules, findings)
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


def _create(wanted: Group, want: Desired, rules: DiffRules, findings: Findings) -> None:
    change = CreateGroup(wanted, want.explain.group(wanted.key))
    if rules.protects_group(wanted.key):
        findings.hold(change, Hold.PROTECTED)
    elif rules.groups.create:
        findings.changes.append(change)
    else:
        findings.hold(change, Hold.NO_GROUP, "groups.create is false")
