"""Words for what is odd in a directory that was read completely; pure, never reads anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.directory.sids import foreign
from reconciler.model.directory import DirectoryGroup, Person
from reconciler.model.names import DnKey
from reconciler.model.text import shortened

_NAMED = 5


def about_logins(
    ambiguous: Iterable[str], logins: Mapping[bytes, Sequence[DnKey]], people: Mapping[DnKey, Person]
) -> list[str]:
    """Return a warning for each login that two people have: nobody knows whom a group means by it."""
    warnings: list[str] = []
    for uid in sorted(ambiguous):
        holders = logins[uid.encode("utf-8", "surrogateescape")]
        named = " and ".join(f'"{shortened(people[key].dn)}"' for key in sorted(holders)[:2])
        warnings.append(
            f'uid "{shortened(uid)}" belongs to {len(holders)} people ({named}): groups that name it by memberUid '
            "count as unreadable"
        )
    return warnings


def about_dynamic_groups(dns: Iterable[str]) -> list[str]:
    """Return a warning for groups whose members are the result of a search that nobody made."""
    named = sorted(dns)
    if not named:
        return []
    fact = f"{_listed(named)} {_has(named)} members by a search (memberURL), which was not made"
    return [
        f"{fact}, so the group counts as unreadable; read from a server, dynamic_groups: true in the policy makes such searches"
    ]


def about_foreign_members(groups: Iterable[DirectoryGroup]) -> list[str]:
    """Return a warning for members of other domains, and one for those that stand for whoever the system says."""
    elsewhere: dict[str, list[str]] = {}
    well_known: dict[str, list[str]] = {}
    for group in groups:
        for found in filter(None, map(foreign, group.dangling)):
            (well_known if found.well_known else elsewhere).setdefault(group.dn, []).append(found.sid)
    warnings = []
    if elsewhere:
        warnings.append(
            f"{_with_sids(elsewhere)}: members of other domains, who are not in this directory and get nothing from it"
        )
    if well_known:
        warnings.append(
            f"{_with_sids(well_known)}: stands for whoever the system says, not for an entry, so the group counts as unreadable"
        )
    return warnings


def about_claimed_groups(dns: Iterable[str]) -> list[str]:
    """Return a warning for groups whose members come from memberOf."""
    named = sorted(dns)
    if not named:
        return []
    return [f"the members of {_listed(named)} come from memberOf, because {_show(named)} none to this account"]


def has_well_known(group: DirectoryGroup) -> bool:
    """Tell whether a group has members that stand for whoever the system says."""
    return any(found.well_known for found in filter(None, map(foreign, group.dangling)))


def _with_sids(sids: Mapping[str, Sequence[str]]) -> str:
    return _listed([f"{dn} has {', '.join(sorted(sids[dn])[:_NAMED])}" for dn in sorted(sids)])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(shortened, names[:_NAMED])) + more


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _show(names: Sequence[str]) -> str:
    return "it shows" if len(names) == 1 else "they show"
