"""Conclude from some entries of a directory how a policy would name it; pure, and never reads an entry itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.directory import Dialect
from reconciler.model.names import DnSyntaxError, caseless, dn_key, is_under, parent, parse_dn
from reconciler.policy.model import default_attribute

CANDIDATES: Mapping[str, Sequence[str]] = {
    "username": ("uid", "sAMAccountName", "userPrincipalName"),
    "email": ("mail",),
    "name": ("displayName", "cn"),
    "ssh_keys": ("sshPublicKey", "ipaSshPubKey"),
}
"""The attributes that may hold what accounts need, by our word, the usual one first."""

_RDN = re.compile(r"(?:[^,\\]|\\.)+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """One group of the directory; `unique`: no other group that was found has its CN."""

    cn: str
    dn: str
    unique: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """What a policy can say of a directory. `group_base` is empty where groups are not kept in a place of their own; `people_filter` is
    the dialect's own.

    `people` counts those who were looked at, `all_people` tells whether that is everybody. Groups are sorted by CN.
    """

    dialect: Dialect
    base: str
    group_base: str = ""
    people_filter: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    people: int = 0
    all_people: bool = True
    groups: tuple[FoundGroup, ...] = ()


def proposed_contexts(contexts: Iterable[str], own: str = "") -> list[str]:
    """Return the naming contexts that people may be in, the most likely one first; `own` is the server's default context.

    Left out is what servers keep for themselves (configuration, schema, DNS, monitoring), unless there is nothing else.
    """
    every = list(dict.fromkeys(filter(None, [own, *contexts])))
    likely = [name for name in every if name == own or not _is_internal(name)]
    return likely or every


def attributes_in(people: Iterable[Collection[str]], dialect: Dialect) -> dict[str, str]:
    """Return, by our word, the attribute that most entries have, the usual one of several; each entry is its attributes' names."""
    count = Counter(caseless(name) for entry in people for name in entry)
    found = {}
    for word, usual in CANDIDATES.items():
        own = default_attribute(word, dialect)
        best = own if count[caseless(own)] else max(usual, key=lambda name: count[caseless(name)])
        if count[caseless(best)]:
            found[word] = best
    return found


def found_groups(groups: Iterable[tuple[str, str]]) -> tuple[FoundGroup, ...]:
    """Return groups, given as CN and DN, sorted; groups without a CN cannot be linked by one and are left out."""
    pairs = sorted((cn, dn) for cn, dn in groups if cn)
    count = Counter(caseless(cn) for cn, _ in pairs)
    return tuple(FoundGroup(cn, dn, count[caseless(cn)] == 1) for cn, dn in pairs)


def common_place(names: Iterable[str]) -> str:
    """Return the entry that all these entries lie below, as the first of them writes it; empty where there is none."""
    written = list(names)
    above = {parent(dn_key(name)) for name in written}
    place = _above(written[0]) if written else ""
    while place and not all(is_under(key, dn_key(place)) for key in above):
        place = _above(place)
    return place


def narrower(place: str, base: str) -> str:
    """Return a place where it is another one than the base, else nothing."""
    return "" if dn_key(place) == dn_key(base) else place


def is_dn(text: str) -> bool:
    """Tell whether a text is the name of an entry."""
    try:
        return bool(parse_dn(text))
    except DnSyntaxError:
        return False


def _above(name: str) -> str:
    first = _RDN.match(name)
    return name[first.end() + 1 :].lstrip() if first else ""


def _is_internal(name: str) -> bool:
    first = caseless(name).replace(" ", "")
    return first.startswith(("cn=", "dc=domaindnszones,", "dc=forestdnszones,", "o=netscaperoot"))
