"""Who carries an instance-wide mark: admin_group, external_groups and auditor_group; never grants a role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.desired.links import Directory, Source, ambiguous, sentence, source_of
from reconciler.model.access import Flag, Role
from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.model.reason import Why
from reconciler.policy.model import NamedGroup, TargetConfig


@dataclass(frozen=True, slots=True)
class Flags:
    """The groups behind each managed flag.

    A gap must not widen anybody's access: with one, nobody gains or loses admin or auditor, and nobody loses external, which
    is still given to those who are known to be (`only_given`).
    """

    sources: Mapping[Flag, tuple[Source, ...]]
    diagnostics: tuple[Diagnostic, ...]
    only_given: frozenset[Flag] = frozenset()

    def holders(self, flag: Flag) -> frozenset[int]:
        """Return the indexes of all people who should carry the flag."""
        return frozenset(person for source in self.sources[flag] for person in source.people)


def resolve_flags(target: TargetConfig, directory: Directory, kept: frozenset[Flag]) -> Flags:
    """Return who should be admin, external and auditor, where the policy manages these marks; `kept` are those the target has."""
    rules: list[tuple[Flag, Why, Sequence[NamedGroup]]] = []
    if target.admin_group is not None:
        rules.append((Flag.ADMIN, Why.ADMIN_GROUP, (target.admin_group,)))
    if target.external_groups:
        rules.append((Flag.EXTERNAL, Why.EXTERNAL_GROUP, target.external_groups))
    if target.auditor_group is not None:
        rules.append((Flag.AUDITOR, Why.AUDITOR_GROUP, (target.auditor_group,)))
    sources: dict[Flag, tuple[Source, ...]] = {}
    findings: list[Diagnostic] = []
    only_given: set[Flag] = set()
    for flag, why, groups in rules:
        if flag not in kept:
            findings.append(unknown_mark(flag, groups[0].where))
            continue
        resolved = [_resolve(group, flag, why, directory) for group in groups]
        findings += [found for found in resolved if isinstance(found, Diagnostic)]
        whole = tuple(found for found in resolved if isinstance(found, Source))
        if len(whole) == len(groups):
            sources[flag] = whole
        elif flag is Flag.EXTERNAL and whole:
            sources[flag] = whole
            only_given.add(flag)
    return Flags(sources, tuple(findings), frozenset(only_given))


def no_admins(named: NamedGroup | None, flags: Flags, directory: Directory) -> str:
    """Return why the admin group names nobody who could log in, as a sentence.

    Empty where it names somebody, where the policy names no such group or an ambiguous one, and where the group cannot be
    read: then nobody can tell.
    """
    if named is None:
        return ""
    if not directory.groups_by_cn(named.cn):
        return f"The admin group cn={named.cn} is not in the directory."
    if Flag.ADMIN not in flags.sources:
        return ""
    holders = flags.holders(Flag.ADMIN)
    if not holders:
        return f"Nobody is in the admin group cn={named.cn}."
    if all(directory.snapshot.people[index].disabled for index in holders):
        return f"Everybody in the admin group cn={named.cn} is disabled in the directory."
    return ""


def no_externals(target: TargetConfig, flags: Flags, directory: Directory) -> str:
    """Return which groups that mark external users or auditors are missing, or name nobody at all, in sentences.

    Empty where they name somebody, and where one cannot be read: then nobody can tell. Of several external groups all are
    one, so some of them may be empty.
    """
    says = []
    for flag, what, groups in (
        (Flag.EXTERNAL, "external", target.external_groups),
        (Flag.AUDITOR, "auditor", (target.auditor_group,) if target.auditor_group else ()),
    ):
        names = [f"cn={named.cn}" for named in groups]
        missing = [f"cn={named.cn}" for named in groups if not directory.groups_by_cn(named.cn)]
        says += [f"The {what} group {name} is not in the directory." for name in missing]
        if (
            groups
            and not missing
            and flag in flags.sources
            and flag not in flags.only_given
            and not flags.holders(flag)
        ):
            says.append(f"Nobody is in the {what} group{'s' if len(names) > 1 else ''} {', '.join(names)}.")
    return " ".join(says)


def _resolve(named: NamedGroup, flag: Flag, why: Why, directory: Directory) -> Source | Diagnostic:
    found = directory.groups_by_cn(named.cn)
    name = f"cn={named.cn}"
    if len(found) > 1:
        return ambiguous(name, [directory.snapshot.groups[index] for index in found], named.where)
    if not found:
        return _gap(f"the group {name} is not in the directory", flag, named)
    source = source_of(found[0], directory, Role(flag), why, named.where)
    return _gap(source.gap, flag, named) if source.gap else source


def unknown_mark(flag: Flag, where: Position) -> Diagnostic:
    """Return the error for a mark that the target does not have."""
    return Diagnostic(
        Severity.ERROR, "FLAG-UNKNOWN", f"This target cannot mark anybody as {flag}.", "Remove the key.", where
    )


def _gap(fact: str, flag: Flag, named: NamedGroup) -> Diagnostic:
    return Diagnostic(
        Severity.WARNING,
        "FLAG-GROUP-GAP",
        sentence(fact),
        f"Nobody {'loses' if flag is Flag.EXTERNAL else 'gains or loses'} {flag} until it is there and readable.",
        named.where,
    )
