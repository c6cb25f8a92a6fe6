"""Read the searches that dynamic groups hold (memberURL, RFC 4516) and say which can be made; never makes one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from reconciler.desired.filters import filter_problems
from reconciler.directory.defaults import wire_text
from reconciler.model.filter import FilterSyntaxError, parse_filter
from reconciler.model.names import DnSyntaxError, dn_key
from reconciler.model.schema import DirectorySchema
from reconciler.model.text import shortened

Scope = Literal["sub", "one", "base"]

_MISREAD = re.compile(rb"[\x00-\x1f\x7f#]|^ | $")  # what urlsplit takes for something else, or leaves out
_SCOPES: dict[str, Scope] = {"": "base", "base": "base", "one": "one", "sub": "sub"}  # RFC 4516 3: base is the default


@dataclass(frozen=True, slots=True)
class MemberSearch:
    """One search whose results are a group's members; the filter as it goes to a server."""

    base: str
    scope: Scope
    filter: str


class UnusableUrl(ValueError):
    """A memberURL that does not say which entries are meant; the message says why."""


def member_search(url: bytes, schema: DirectorySchema) -> MemberSearch:
    """Return what a memberURL asks for; raises UnusableUrl for one that this server alone cannot answer."""
    if _MISREAD.search(url):
        raise UnusableUrl("it is no LDAP URL: it holds a # or a control character that is not written as %xx")
    try:
        parts = urlsplit(url.decode())
        fields = [unquote(field, errors="strict") for field in f"{parts.query}???".split("?")]
        base = unquote(parts.path.removeprefix("/"), errors="strict")
        dn_key(base)
        wanted = parse_filter(fields[2] or "(objectClass=*)")
    except (ValueError, DnSyntaxError, FilterSyntaxError) as error:
        raise UnusableUrl(f"it is no LDAP URL: {shortened(str(error))}") from error
    attributes, scope, extensions = fields[0], fields[1], fields[3]
    if parts.scheme not in {"ldap", "ldaps", "ldapi"} or scope not in _SCOPES:
        raise UnusableUrl("it is no LDAP URL with the scope base, one or sub")
    if parts.netloc:
        raise UnusableUrl(f"it names another server, {shortened(parts.netloc, 60)}")
    if not base:
        raise UnusableUrl("it names no base")
    if attributes or extensions:
        raise UnusableUrl("it names attributes or extensions, so its members are not simply the entries that it finds")
    problems = filter_problems(wanted, schema) if schema.from_server else ()
    if problems:
        raise UnusableUrl(f"its filter cannot be relied on: {problems[0]}")
    return MemberSearch(base, _SCOPES[scope], wire_text(wanted))
