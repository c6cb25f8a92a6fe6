"""Explain the rows of one target group by directory groups; whoever a link names holds at least its role already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.adoption.catalogue import Catalogue, Entry, words_of
from reconciler.adoption.cover import Candidate, cover
from reconciler.adoption.draft import FoundLink
from reconciler.adoption.holders import Holders
from reconciler.model.access import Role
from reconciler.model.bits import bits_of, indexes


@dataclass(frozen=True, slots=True)
class Explained:
    """Links, highest role first, and who has which role by them, by index. `notes` are sentences about what was left out."""

    links: tuple[FoundLink, ...] = ()
    given: dict[int, Role] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Level:
    """One role: who has just that and is to be explained, and who may be in a link that gives it, both as bits."""

    role: Role
    need: int
    allowed: int
    candidates: list[Candidate] = field(default_factory=list)


def explain(name: str, holders: Holders, catalogue: Catalogue, roles: Sequence[Role], ignored: int = 0) -> Explained:
    """Return links by which nobody gets a role that they do not hold; `roles` are the target's, lowest first.

    A row by hand counts as present only with the role that rules give, so its person is in links of just that role.
    `ignored` are people, as bits, who do not count.
    """
    levels = _levels(holders, roles, ignored)
    words = words_of(name)
    entries: dict[int, Entry] = {}
    for entry in catalogue.filed_under(sorted(holders.ours.keys() | holders.by_hand.keys())):
        level = next((one for one in levels if not entry.members & ~one.allowed), None)
        if level is not None and entry.members & level.need:
            kinship = len(entry.words & words)
            level.candidates.append(Candidate(entry.number, entry.members, entry.members & level.need, kinship))
            entries[entry.number] = entry
    links: list[FoundLink] = []
    given: dict[int, Role] = {}
    for level in levels:
        for one in cover(level.need, level.candidates):
            links.append(_link(entries[one.number], level.role, catalogue, ignored))
            given |= {person: level.role for person in indexes(one.members) if person not in given}
    return Explained(tuple(links), given)


def _levels(holders: Holders, roles: Sequence[Role], ignored: int) -> list[_Level]:
    """Return the roles that somebody holds, highest first."""
    levels, above = [], 0
    for role in reversed(roles):
        need = bits_of(person for person, held in holders.ours.items() if held == role)
        by_hand = bits_of(person for person, held in holders.by_hand.items() if held == role)
        above |= need
        if need:
            levels.append(_Level(role, need, above | by_hand | ignored))
    return levels


def _link(entry: Entry, role: Role, catalogue: Catalogue, ignored: int) -> FoundLink:
    return FoundLink(
        role=role,
        selector=entry.selector,
        text=entry.name,
        people=entry.members.bit_count(),
        absent=(entry.members & ignored).bit_count(),
        twins=tuple(twin.name for twin in catalogue.twins(entry)),
    )
