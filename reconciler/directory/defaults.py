"""What differs between directory servers before anything is read: how to tell them apart and what to search for; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.model.directory import Dialect
from reconciler.model.filter import Filter, Or, parse_filter, to_text
from reconciler.policy.model import DirectoryConfig

_TRUE = "(objectClass=*)"
_SPACE = re.compile(r"\s")
_ACTIVE_DIRECTORY = b"1.2.840.113556.1.4.800"  # MS-ADTS 3.1.1.3.4.3: supportedCapabilities of every domain controller


class Filters(NamedTuple):
    """Which entries are people and which are groups; what matches both is a group."""

    people: Filter
    groups: Filter


_RFC = Filters(
    parse_filter("(|(objectClass=person)(objectClass=posixAccount))"),
    parse_filter("(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"),
)
_DYNAMIC = parse_filter("(objectClass=groupOfURLs)")
_DEFAULTS: Mapping[Dialect, Filters] = {
    "openldap": _RFC,
    "389ds": _RFC,
    "active_directory": Filters(
        parse_filter("(&(objectClass=user)(!(objectClass=computer)))"), parse_filter("(objectClass=group)")
    ),
}


def filters_of(config: DirectoryConfig, dialect: Dialect) -> Filters:
    """Return the policy's filters, the dialect's where it says nothing."""
    default = _DEFAULTS[dialect]
    groups = Or((default.groups, _DYNAMIC)) if config.dynamic_groups else default.groups
    return Filters(config.user_filter or default.people, config.group_filter or groups)


def dialect_of(config: DirectoryConfig, root: Mapping[str, Sequence[bytes]]) -> Dialect:
    """Return the policy's dialect; for `auto`, what the root DSE (attribute names in lower case) tells."""
    if config.dialect != "auto":
        return config.dialect
    if _ACTIVE_DIRECTORY in root.get("supportedcapabilities", ()):
        return "active_directory"
    vendor = b" ".join([*root.get("vendorname", ()), *root.get("vendorversion", ())])
    return "389ds" if b"389" in vendor else "openldap"


def wire_text(searched: Filter) -> str:
    r"""Return a filter as ldap3's parser understands it, which strips spaces from values and knows no empty lists.

    In the canonical text spaces and unescaped parentheses have one meaning each, so both can be replaced there.
    """
    text = to_text(searched).replace("(&)", _TRUE).replace("(|)", f"(!{_TRUE})")
    return _SPACE.sub(lambda found: "".join(f"\\{byte:02x}" for byte in found.group().encode()), text)
