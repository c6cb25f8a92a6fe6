"""Judge one target's rules by what one snapshot of the directory holds; never asks a server or a target."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from reconciler.advice.subject import Subject
from reconciler.advice.written import finding, needless_grant
from reconciler.desired.build import Desired
from reconciler.desired.links import Directory, Source
from reconciler.model.access import Capabilities, GroupKey, Role
from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.model.reason import Why
from reconciler.policy.model import GroupLink

_REPLACED = frozenset({"LINK-MISSING-GROUP", "FLAG-GROUP-GAP"})
_COMPARISONS = 100_000  # names compared for suggestions: about a second
_CANDIDATES = 100  # links that one link is held against
_LISTED = 5


def advise_seen(subject: Subject, directory: Directory, want: Desired) -> tuple[Diagnostic, ...]:
    """Return what this directory says against the rules; `want` is what they make of it, `subject` knows the target.

    A linked group that is missing is an error here: who writes the rule can still correct it.
    """
    missing = tuple(_missing(subject, directory))
    places = {found.where for found in missing}
    kept = [found for found in want.diagnostics if found.code not in _REPLACED or found.where not in places]
    groups = [
        chain(_empty(rule.links, sources), _shadowed(rule.links, sources, subject), _grants(rule.name, want, subject))
        for rule in subject.rules.groups.values()
        for sources in (_sources(rule.name, want),)
    ]
    return (*missing, *kept, *chain.from_iterable(groups), *_overlaps(want))


def _missing(subject: Subject, directory: Directory) -> Iterator[Diagnostic]:
    nearest = _nearest(directory)
    target = subject.rules.target
    named = [(one.cn, one.where) for one in (target.admin_group, target.auditor_group, *target.external_groups) if one]
    for rule in subject.rules.groups.values():
        named += [(link.cn, link.where) for link in rule.links if link.cn]
        for link in rule.links:
            if link.dn and directory.group_by_dn(link.dn) is None:
                yield _unknown(link.dn, "Correct the DN, or create the group.", link.where, directory)
    for cn, where in named:
        if not directory.groups_by_cn(cn):
            yield _unknown(f"cn={cn}", nearest(cn) or "Correct the name, or create the group.", where, directory)


def _unknown(name: str, way_out: str, where: Position, directory: Directory) -> Diagnostic:
    summary = f'"{name}" matches no group in the snapshot of {directory.snapshot.read_at}.'
    return finding(Severity.ERROR, "LINK-UNKNOWN-GROUP", (summary, way_out), where)


def _nearest(directory: Directory) -> Callable[[str], str]:
    """Return what finds the known name that is most like a word; in all it compares no more than a fixed number of names."""
    known = sorted({group.cn for group in directory.snapshot.groups})
    left = [_COMPARISONS]

    def nearest(word: str) -> str:
        left[0] -= len(known)
        close = difflib.get_close_matches(word, known, 1) if left[0] >= 0 else ()
        return f'Did you mean "{close[0]}"?' if close else ""

    return nearest


def _sources(name: str, want: Desired) -> Mapping[Position, Source]:
    """Return what each link of a group was resolved to; a link that is ambiguous or has no known role is not there."""
    return {source.rule: source for source in want.explain.sources.get(GroupKey(name), ()) if _is_link(source)}


def _is_link(source: Source) -> bool:
    return source.why is Why.GROUP_LINK


def _empty(links: Sequence[GroupLink], sources: Mapping[Position, Source]) -> Iterator[Diagnostic]:
    for link in links:
        source = sources.get(link.where)
        if source and not source.people and not source.gap:
            fact = f"Nobody is in {source.label}" if link.filter is None else f"Nobody matches {source.label}"
            texts = (f"{fact}: this link gives nobody anything.", "Correct it, or remove it.")
            yield finding(Severity.WARNING, "LINK-EMPTY", texts, link.where)


def _shadowed(links: Sequence[GroupLink], sources: Mapping[Position, Source], subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each link to everybody of which another one gives at least the same role.

    Each link is compared with those that hold its rarest person, and with no more than a fixed number of them.
    """
    can = subject.capabilities
    sure = [sources[link.where] for link in links if link.where in sources and not sources[link.where].gap]
    holding: defaultdict[int, list[int]] = defaultdict(list)
    for number, source in enumerate(sure):
        for index in source.people:
            holding[index].append(number)
    everybody = [frozenset(source.people) for source in sure]
    for number, source in enumerate(sure if can else ()):
        rarest = min((holding[index] for index in source.people), key=len, default=[])
        for other in rarest[:_CANDIDATES]:
            if can and other != number and _covers((sure, everybody), other, number, can):
                winner = sure[other]
                texts = (
                    f"{winner.label} gives everybody of {source.label} {winner.role} anyway, by line {winner.rule.line}.",
                    "Remove this link, unless the two are to differ one day.",
                )
                yield finding(Severity.NOTE, "LINK-SHADOWED", texts, source.rule)
                break


def _covers(
    known: tuple[Sequence[Source], Sequence[frozenset[int]]], winner: int, loser: int, can: Capabilities
) -> bool:
    sources, everybody = known
    ranks = can.rank(sources[winner].role), can.rank(sources[loser].role)
    if ranks[0] < ranks[1] or not everybody[loser] <= everybody[winner]:
        return False
    same = ranks[0] == ranks[1] and everybody[loser] == everybody[winner]
    return not same or winner < loser


def _grants(name: str, want: Desired, subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each grant of what a link or an import gives the same person anyway."""
    can, sources = subject.capabilities, want.explain.sources.get(GroupKey(name), ())
    others = [source for source in sources if source.why is not Why.GRANT]
    given: dict[int, Source] = {index: source for source in others for index in source.people}  # ranked: the last wins
    for grant in subject.rules.groups[name].grants if can else ():
        found = want.roll.named(grant.user)
        source = given.get(found[0]) if len(found) == 1 else None
        if can and source and grant.until >= subject.today and _reaches(source, grant.access, can):
            yield needless_grant(grant, f"{source.label} gives {source.role}")


def _reaches(source: Source, access: str, can: Capabilities) -> bool:
    return access in can.roles and can.rank(source.role) >= can.rank(Role(access))


def _overlaps(want: Desired) -> Iterator[Diagnostic]:
    """Yield a finding for each import that makes groups which an earlier one makes, too, with some of their names."""
    shared: defaultdict[tuple[Position, Position], list[str]] = defaultdict(list)
    for key, sources in want.explain.sources.items():
        places = sorted({source.rule for source in sources if source.why is Why.GROUP_IMPORT})
        for later in places[1:]:
            shared[places[0], later].append(str(key))
    for (first, later), names in sorted(shared.items()):
        more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
        texts = (
            f"This import and the one at {first} both make {', '.join(sorted(names)[:_LISTED])}{more}.",
            "Keep one, or make their filters exclude each other.",
        )
        yield finding(Severity.WARNING, "IMPORT-OVERLAP", texts, later)
