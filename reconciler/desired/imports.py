"""Mirror directory groups as target groups: which ones, and under which name; never asks the target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.desired.links import Directory, Source, schema_findings, source_of, template_findings
from reconciler.desired.naming import name_problem, normalize
from reconciler.desired.people import NoValueError, single_value
from reconciler.model.access import GroupKey, NameLimits, Role
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.directory import DirectoryGroup
from reconciler.model.reason import Why
from reconciler.model.template import fill
from reconciler.policy.model import GroupImport, NamingRule, OnInvalidName


@dataclass(frozen=True, slots=True)
class Imported:
    """One target group that imports make: its name, the directory group's stable id, what its members get."""

    key: GroupKey
    source_key: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class _Named:
    group: int
    name: str
    source: Source
    rule: GroupImport


def resolve_imports(
    rules: Sequence[GroupImport], directory: Directory, naming: NamingRule, hard: NameLimits
) -> tuple[tuple[Imported, ...], tuple[Diagnostic, ...]]:
    """Return every imported group by name, and what was skipped and why.

    A directory group whose name is not usable is skipped, which is not the same as absent: what the target holds of it
    stays. Two directory groups with one name are both skipped. What is skipped is an error unless `on_invalid` is ``skip``;
    one directory group under two names is always one.
    """
    named: list[_Named] = []
    findings: list[Diagnostic] = []
    for rule in rules:
        findings += schema_findings(rule.filter, directory, rule.where)
        findings += template_findings(rule.name, directory, rule.where)
        for index in directory.groups_matching(rule.filter):
            name, problem = _name(rule, directory.snapshot.groups[index], directory, (naming, hard))
            if problem:
                findings.append(_skipped(directory.snapshot.groups[index], problem, rule, naming))
                continue
            source = source_of(index, directory, Role(rule.access), Why.GROUP_IMPORT, rule.where)
            named.append(_Named(index, name, source, rule))
    clashes = [*_same_name(named, directory, naming), *_two_names(named, directory)]
    findings += [finding for _, finding in clashes]
    lost = {item for item, _ in clashes}
    return _merged([item for item in named if item.group not in lost], directory), tuple(findings)


def _name(
    rule: GroupImport, group: DirectoryGroup, directory: Directory, limits: tuple[NamingRule, NameLimits]
) -> tuple[str, str]:
    """Return the name and what is wrong with it, empty where nothing is."""
    naming, hard = limits
    schema = directory.snapshot.schema
    try:
        name = fill(rule.name, lambda word: single_value(group.dn, group.attributes, schema.canonical(word)))
    except NoValueError as error:
        return "", f"{error}, which the name template needs"
    both = (hard, naming.limits)
    problem = name_problem(name, both)
    if problem and naming.on_invalid is OnInvalidName.NORMALIZE:
        normal = normalize(name, both)
        if not name_problem(normal, both):
            return normal, ""
    return name, (f'would be called "{name}", which {problem}' if problem else "")


def _skipped(group: DirectoryGroup, problem: str, rule: GroupImport, naming: NamingRule) -> Diagnostic:
    skip = naming.on_invalid is OnInvalidName.SKIP
    return Diagnostic(
        severity=_severity(naming),
        code="IMPORT-NAME",
        summary=f"{group.dn} {problem}.",
        detail="It is skipped; what the target holds of it stays."
        if skip
        else "Correct the group or the template, or set naming.<target>.groups.on_invalid to skip or normalize.",
        where=rule.where,
        subject=group.dn,
    )


def _severity(naming: NamingRule) -> Severity:
    return Severity.WARNING if naming.on_invalid is OnInvalidName.SKIP else Severity.ERROR


def _same_name(named: Sequence[_Named], directory: Directory, naming: NamingRule) -> list[tuple[int, Diagnostic]]:
    """Return each directory group that would be called like another, with the finding."""
    groups = directory.snapshot.groups
    by_name: defaultdict[str, dict[int, _Named]] = defaultdict(dict)
    for item in named:
        by_name[item.name][item.group] = item
    found = []
    for name, same in sorted(by_name.items()):
        for index, item in sorted(same.items()):
            others = ", ".join(groups[other].dn for other in sorted(same) if other != index)
            if others:
                fact = f'would be called "{name}", like {others}'
                found.append((index, _clash(groups[index], fact, item, _severity(naming))))
    return found


def _two_names(named: Sequence[_Named], directory: Directory) -> list[tuple[int, Diagnostic]]:
    """Return each directory group that rules import under several names, with the error."""
    by_group: defaultdict[int, dict[str, _Named]] = defaultdict(dict)
    for item in named:
        by_group[item.group][item.name] = item
    found = []
    for index, names in sorted(by_group.items()):
        if len(names) > 1:
            listed = " and ".join(f'"{name}"' for name in sorted(names))
            fact = f"is imported under {len(names)} names: {listed}"
            found.append((index, _clash(directory.snapshot.groups[index], fact, names[min(names)], Severity.ERROR)))
    return found


def _clash(group: DirectoryGroup, fact: str, item: _Named, severity: Severity) -> Diagnostic:
    return Diagnostic(
        severity,
        "IMPORT-CLASH",
        f"{group.dn} {fact}.",
        "Change the name template.",
        item.rule.where,
        subject=group.dn,
    )


def _merged(named: Sequence[_Named], directory: Directory) -> tuple[Imported, ...]:
    by_name: dict[str, list[_Named]] = {}
    for item in named:
        by_name.setdefault(item.name, []).append(item)
    keys: Mapping[str, str] = {name: directory.snapshot.groups[items[0].group].key for name, items in by_name.items()}
    return tuple(
        Imported(GroupKey(name), keys[name], tuple(item.source for item in items))
        for name, items in sorted(by_name.items())
    )
