"""Tell which continuation references leave nobody out: those to a domain's own configuration and DNS zones; pure.

A search from the root of an Active Directory domain ends with references to the naming contexts below it. None is ever
followed. Configuration, schema and DNS zones hold no people; a child domain does, so a reference to one leaves a gap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from reconciler.model.names import DnKey, DnSyntaxError, dn_key, rdn_of

_ZONES = frozenset({"dc=domaindnszones", "dc=forestdnszones"})  # MS-ADTS 6.1.1.1: application naming contexts for DNS


def other_contexts(root: Mapping[str, Sequence[bytes]]) -> frozenset[DnKey]:
    """Return the naming contexts of a root DSE (attribute names in lower case) that hold neither people nor groups."""
    named = [*root.get("configurationnamingcontext", ()), *root.get("schemanamingcontext", ())]
    zones = [key for key in keys_of(root.get("namingcontexts", ())) if rdn_of(key) in _ZONES]
    return frozenset((*keys_of(named), *zones)) - {DnKey("")}


def keys_of(values: Iterable[bytes]) -> list[DnKey]:
    """Return the canonical keys of DNs; what is none is left out."""
    return [dn_key(value.decode()) for value in values if _is_dn(value)]


def gaps(references: Iterable[str], harmless: Collection[DnKey]) -> list[str]:
    """Return the references, LDAP URLs (RFC 4516), that lead to anything but the `harmless` naming contexts."""
    return [reference for reference in references if _context(reference) not in harmless]


def _context(reference: str) -> DnKey | None:
    try:
        return dn_key(unquote(urlsplit(reference).path.removeprefix("/"), errors="strict"))
    except (ValueError, DnSyntaxError):
        return None


def _is_dn(value: bytes) -> bool:
    try:
        dn_key(value.decode())
    except (UnicodeDecodeError, DnSyntaxError):
        return False
    return True
