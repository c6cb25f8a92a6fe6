"""Keep a comparison to some people: what is theirs on both sides, and which of the findings are about them; pure.

The comparison itself is the same as for everybody. Guards see the live state as it was read, others' memberships included.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TypeVar

from reconciler.desired.build import Desired
from reconciler.diff.align import align_users
from reconciler.diff.rules import DiffRules, Findings
from reconciler.model.access import Group, GroupKey, Memberships, State, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateGroup,
    RemoveGroup,
    RemoveMembership,
    RenameGroup,
    UpdateUser,
    person_of,
)
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.paths import ancestors

_Value = TypeVar("_Value")


def narrowed(want: Desired, have: State, rules: DiffRules, only: frozenset[UserKey]) -> Desired:
    """Return what should be of these people alone: their accounts, and the groups in which they should have or have anything.

    `only` are the keys of people, or of accounts whose people are gone. A run for some people renames no group, so that an
    imported group which waits for its new name goes by the one that it has. It sets nothing that holds for everybody.
    """
    names = _live_names(want, have, rules)
    theirs = groups_of(have, accounts_of(have, want, rules, only))
    kept = {
        key: names.get(key, key)
        for key in want.state.groups
        if names.get(key, key) in theirs or not only.isdisjoint(want.state.memberships.get(key, ()))
    }
    settled = align_users(have, want, rules, Findings()).users.keys() | only
    explain = want.explain
    return replace(
        want,
        only=only,
        others={
            kept[key]: frozenset(people.keys() - settled)
            for key, people in want.state.memberships.items()
            if key in kept
        },
        state=State(
            users={key: user for key, user in want.state.users.items() if key in only},
            groups={
                kept[key]: replace(group, key=kept[key]) for key, group in want.state.groups.items() if key in kept
            },
            memberships={kept[key]: _of(people, only) for key, people in want.state.memberships.items() if key in kept},
        ),
        settings={},
        frozen_users=_of(want.frozen_users, only),
        frozen_groups=_renamed(want.frozen_groups, kept),
        doubtful=_renamed(want.doubtful, kept),
        missing_groups=_renamed(want.missing_groups, kept),
        explain=replace(
            explain,
            sources={kept.get(key, key): sources for key, sources in explain.sources.items()},
            ended=_renamed(explain.ended, kept),
            rules_at=_renamed(explain.rules_at, kept),
        ),
        diagnostics=tuple(finding for finding in want.diagnostics if _is_about(finding, want, only)),
    )


def accounts_of(have: State, want: Desired, rules: DiffRules, only: Collection[UserKey]) -> frozenset[UserKey]:
    """Return the keys of these people's live accounts of ours, whether or not they already carry the people's keys.

    An account that a run for them takes over, because it has the name of one of them, is theirs with all that it holds.
    """
    return _known(have, want, only) | _taken_over(have, want, rules, only)


def groups_of(have: State, accounts: Collection[UserKey]) -> frozenset[GroupKey]:
    """Return the groups in which one of these accounts holds anything, by hand or not."""
    rows = (*have.memberships.items(), *have.by_hand.items())
    return frozenset(group for group, people in rows if any(key in people for key in accounts))


def concerned(have: State, want: Desired) -> State:
    """Return the live state without what is not of the people that `want` is about; all of it where that is everybody.

    `have` is aligned: what was to be taken over for them goes by their keys.
    """
    if want.only is None:
        return have
    theirs = _known(have, want, want.only)
    return replace(
        have,
        users=_of(have.users, theirs),
        memberships=_rows_of(have.memberships, theirs),
        by_hand=_rows_of(have.by_hand, theirs),
    )


def keep_theirs(have: State, want: Desired, findings: Findings) -> None:
    """Leave out what is about others, and groups that are not needed to give or take a membership of theirs.

    `have` is what is `concerned`; where `want` is about everybody, nothing is left out.
    """
    if want.only is None:
        return
    people = want.only | have.users.keys()
    needed = {
        change.group for change in findings.changes if isinstance(change, AddMembership | ChangeRole | RemoveMembership)
    }
    needed |= {above for group in needed for above in ancestors(group)}
    held = {one.change.group for one in findings.withheld if isinstance(one.change, AddMembership)}
    findings.changes = [change for change in findings.changes if _is_theirs(change, people, needed)]
    findings.withheld = [one for one in findings.withheld if _is_theirs(one.change, people, held)]


def _is_theirs(change: Change, people: Collection[str], groups: Collection[GroupKey]) -> bool:
    match change:
        case CreateGroup(group=Group(key=key)) | AdoptGroup(group=Group(key=key)):
            return key in groups
        case RenameGroup() | RemoveGroup():
            return False
        case _:
            return person_of(change) in people


def _known(have: State, want: Desired, only: Collection[UserKey]) -> frozenset[UserKey]:
    return frozenset(
        key
        for key, user in have.users.items()
        if user.managed and (key in only or any(person.key in only for person in want.roll.behind(user)))
    )


def _taken_over(have: State, want: Desired, rules: DiffRules, only: Collection[UserKey]) -> frozenset[UserKey]:
    """Return the accounts that get the key of one of these people, by the keys that they have."""
    frozen, findings = _of(want.frozen_users, only), Findings()
    alone = replace(want, state=State(users=_of(want.state.users, only)), frozen_users=frozen)
    align_users(have, alone, rules, findings)
    adopted = {change.have.key for change in findings.changes if isinstance(change, AdoptUser)}
    rekeyed = {UserKey(str(change.have["key"])) for change in findings.changes if isinstance(change, UpdateUser)}
    return frozenset(adopted | rekeyed)


def _live_names(want: Desired, have: State, rules: DiffRules) -> Mapping[GroupKey, GroupKey]:
    """Return the imported groups that a run for everybody would rename, each with the name that it has now."""
    by_source = {group.source: key for key, group in have.groups.items() if group.source and group.managed}
    found = {}
    for key, group in want.state.groups.items():
        now = by_source.get(group.source)
        free = now is not None and key not in have.groups and now not in want.state.groups
        if now is not None and free and not (rules.protects_group(now) or rules.protects_group(key)):
            found[key] = now
    return found


def _of(values: Mapping[UserKey, _Value], keys: Collection[UserKey]) -> dict[UserKey, _Value]:
    return {key: value for key, value in values.items() if key in keys}


def _rows_of(rows: Memberships, keys: Collection[UserKey]) -> Memberships:
    return {group: theirs for group, people in rows.items() if (theirs := _of(people, keys))}


def _renamed(values: Mapping[GroupKey, _Value], kept: Mapping[GroupKey, GroupKey]) -> dict[GroupKey, _Value]:
    return {kept[key]: value for key, value in values.items() if key in kept}


def _is_about(finding: Diagnostic, want: Desired, only: Collection[UserKey]) -> bool:
    """Tell whether a finding is about these people, or about no single person or directory group."""
    about = _SUBJECTS.get(finding.code)
    return about is None or any(want.roll.people[index].key in only for index in about(want, finding.subject))


def _named(want: Desired, username: str) -> Collection[int]:
    return want.roll.named(username)


def _with_dn(want: Desired, dn: str) -> Collection[int]:
    return [index for index, person in enumerate(want.roll.people) if person.dn == dn]


def _in_group(want: Desired, dn: str) -> Collection[int]:
    directory = want.explain.directory
    index = directory.group_by_dn(dn)
    return () if index is None else directory.closure.people(index)


_SUBJECTS: Mapping[str, Callable[[Desired, str], Collection[int]]] = {
    "USER-NAME": _with_dn,
    "GRANT-ENDED": _named,
    "GRANT-AMBIGUOUS": _named,
    "GRANT-UNKNOWN-USER": _named,
    "IMPORT-NAME": _in_group,
    "IMPORT-CLASH": _in_group,
}
"""Findings about one person or one directory group, by code, and whom they are about."""
