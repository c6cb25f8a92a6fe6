"""Read a whole directory from an LDAP server with one paged search per class of entry and base; never one search per group."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

from reconciler.directory.client import Client
from reconciler.directory.collection import paused_collection
from reconciler.directory.ground import Ground, survey, where_of
from reconciler.directory.pages import RawEntry, complete_pages, located
from reconciler.directory.reduction import Origin, Reduction, moment_of
from reconciler.directory.selection import read_with
from reconciler.directory.servers import Search
from reconciler.directory.session import connected
from reconciler.model.directory import Needs, Snapshot
from reconciler.policy.model import DirectoryConfig


def read_ldap(config: DirectoryConfig, needs: Needs, read_at: str, *, whole: bool = False) -> Snapshot:  # noqa: ARG001 - until there is a cache
    """Return a complete read, or raise: DirectoryUnreachable before a bind succeeded, ReadIncomplete for anything after it.

    `whole`: nothing is taken from a cache.
    """
    with connected(config, where_of(config)) as client, paused_collection():
        ground = survey(client, config, needs)
        reduction = Reduction(needs, ground.schema, moment_of(read_at))
        read_entries(client, ground, reduction)
        with located(ground.where):
            return reduction.snapshot(origin_of(client, ground, read_at), ground.warnings)


def read_entries(client: Client, ground: Ground, reduction: Reduction) -> None:
    """Give every entry to the reduction, people first; raises ReadIncomplete where the end is not proven."""
    searches = [(search, reduction.add_person) for search in ground.people]
    searches += [(search, reduction.add_group) for search in ground.groups]
    for search, take in searches:
        for page in pages_of(client, ground, search):
            with located(search.what):
                for dn, attributes in page:
                    take(dn, attributes)


def pages_of(client: Client, ground: Ground, search: Search) -> Iterator[list[RawEntry]]:
    """Yield what a search finds, page by page; ending normally is the proof that nothing is missing."""
    yield from complete_pages(partial(client.page, search, ground.config.page_size), search.what, ground.harmless)


def origin_of(client: Client, ground: Ground, read_at: str) -> Origin:
    """Return what a snapshot says about where it comes from."""
    config = ground.config
    source = f"{client.url.rstrip('/')}/{quote(config.bases[0], safe='=,+')}"
    if len(config.bases) > 1:
        source += f" and {len(config.bases) - 1} more"
    return Origin(config.name, source, read_at, read_with(config), ground.dialect)
