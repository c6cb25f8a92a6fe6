"""Take over the links that a target itself keeps, as far as the directory knows what they name; guesses nothing."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.adoption.draft import FoundLink, Selector
from reconciler.adoption.explain import Explained
from reconciler.desired.links import Directory, Source, resolve_link, sentence
from reconciler.model.access import Role
from reconciler.model.diagnostic import Position, Severity
from reconciler.model.filter import FilterSyntaxError, parse_filter, to_text
from reconciler.model.known_link import KnownLink
from reconciler.policy.fit import is_fit
from reconciler.policy.model import GroupLink

_NOWHERE = Position("", 0, 0)


def resolve_known(known: Sequence[KnownLink], directory: Directory, roles: Sequence[Role]) -> Explained:
    """Return a target's own links, and who has what by them; those that no rule can say are named in the notes.

    `roles` are the target's, lowest first.
    """
    ranks = {role: rank for rank, role in enumerate(roles)}
    found: dict[FoundLink, Source] = {}
    notes: list[str] = []
    for link in known:
        said, selector = _said(link)
        source, problem = _resolved(link, directory) if link.role in ranks else (None, f"{link.role} is no role here.")
        if problem or source is None or not is_fit(said):
            notes.append(f"The target links it to {said} as {link.role}: {problem or 'no policy can hold that name.'}")
        else:
            found[FoundLink(link.role, selector, said, len(source.people), known=True)] = source
    links = sorted(found, key=lambda one: (-ranks[one.role], one.selector, one.text))
    given: dict[int, Role] = {}
    for one in links:
        given |= {person: one.role for person in found[one].people if person not in given}
    return Explained(tuple(links), given, tuple(sorted(notes)))


def filters_of(known: Sequence[KnownLink]) -> tuple[GroupLink, ...]:
    """Return the links by filter as rules: a read of the directory has to bring the attributes that they look at."""
    return tuple(link for one in known if one.filter and isinstance(link := _rule(one), GroupLink))


def _said(link: KnownLink) -> tuple[str, Selector]:
    if link.filter:
        rule = _rule(link)
        return (to_text(rule.filter) if isinstance(rule, GroupLink) and rule.filter else link.filter), "filter"
    return (link.cn, "cn") if link.cn else (link.dn, "dn")


def _rule(link: KnownLink) -> GroupLink | str:
    """Return the link as a rule, or what is wrong with its filter."""
    try:
        wanted = parse_filter(link.filter) if link.filter else None
    except FilterSyntaxError as error:
        return str(error)
    return GroupLink(link.role, _NOWHERE, cn=link.cn, dn=link.dn, filter=wanted)


def _resolved(link: KnownLink, directory: Directory) -> tuple[Source | None, str]:
    """Return who the link names, or why nobody can tell, as a sentence."""
    rule = _rule(link)
    if isinstance(rule, str):
        return None, f"that is no filter: {rule}."
    source, findings = resolve_link(rule, directory)
    errors = [finding.summary for finding in findings if finding.severity is Severity.ERROR]
    if source is None or errors:
        return None, " ".join(errors)
    return source, sentence(source.gap) if source.gap else ""
