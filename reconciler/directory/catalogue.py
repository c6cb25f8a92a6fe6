"""Read from a global catalogue only what it holds; never takes an attribute that is not there for one that nobody has.

A catalogue answers for every domain of a forest, with some attributes alone: those of the partial attribute set, which
every forest may extend (MS-ADTS 3.1.1.1.11).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from reconciler.directory.client import Client
from reconciler.directory.pages import RawEntry, complete_pages
from reconciler.directory.servers import Search
from reconciler.errors import ReadIncomplete
from reconciler.model.names import caseless
from reconciler.model.text import shortened

GROUPS = (
    "read from a global catalogue: of other domains' groups it holds the members of universal ones alone, so the others "
    "count as unreadable"
)
DATES = "the global catalogue does not hold accountExpires: accounts that have ended by a date look as if they went on"

_NAME, _DATE = "lDAPDisplayName", "accountExpires"
_HELD = "(&(objectClass=attributeSchema)(isMemberOfPartialAttributeSet=TRUE))"
_ALWAYS = frozenset({"objectclass", "cn", "distinguishedname", "objectguid"})


def catalogue_warnings(client: Client, where: str, schema_context: str, needed: Collection[str]) -> tuple[str, ...]:
    """Return what a plan from this catalogue has to say; raises ReadIncomplete where `needed` attributes are not held.

    `schema_context` is the DN of the forest's schema, which says what is held.
    """
    search = Search(f"{where}: which attributes the global catalogue holds", schema_context, _HELD, (_NAME,))
    held = set(_ALWAYS)
    for page in complete_pages(partial(client.page, search, 1000), search.what):
        held.update(name for entry in page for name in _names(entry))
    missing = sorted(name for name in needed if caseless(name.partition(";")[0]) not in held)
    if missing:
        raise ReadIncomplete(
            f"{where}: a global catalogue does not hold what the policy looks at ({shortened(', '.join(missing))}): nobody "
            "would seem to have it; read from the domain controllers of each domain, or add it to the forest's partial "
            "attribute set"
        )
    return (GROUPS,) if caseless(_DATE) in held else (GROUPS, DATES)


def _names(entry: RawEntry) -> list[str]:
    return [
        caseless(value.decode("utf-8", "replace"))
        for name, values in entry[1].items()
        if caseless(name) == caseless(_NAME)
        for value in values
    ]
