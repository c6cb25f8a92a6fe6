"""Read a whole directory from an LDAP server with one paged search per class of entry and base; never one search per group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from urllib.parse import quote

from reconciler.directory.claims import under_any
from reconciler.directory.client import Client
from reconciler.directory.collection import paused_collection
from reconciler.directory.dynamic import MemberSearch, UnusableUrl, member_search
from reconciler.directory.ground import ANY, Ground, survey, where_of
from reconciler.directory.members import key_of
from reconciler.directory.moved import FEW, IDS, candidates, check_all_came, recognise
from reconciler.directory.observer import SILENT, Observer
from reconciler.directory.pages import NotHere, RawAttributes, RawEntry, check_code, complete_pages, located
from reconciler.directory.ranges import completed
from reconciler.directory.reduction import Origin, Reduction, moment_of
from reconciler.directory.selection import read_with
from reconciler.directory.servers import Search
from reconciler.directory.session import connected
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.names import DnKey
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig

_NOBODY_THERE = frozenset({0, 32, 34, 50})  # no such entry, no name that this server can have, none that we may see


def read_ldap(
    config: DirectoryConfig, needs: Needs, read_at: str, *, whole: bool = False, observer: Observer = SILENT
) -> Snapshot:
    """Return a complete read, or raise: DirectoryUnreachable before a bind succeeded, ReadIncomplete for anything after it.

    `whole`: nothing is taken from a cache.
    """
    with connected(config, where_of(config), observer) as (client, root), paused_collection():
        ground = survey(client, config, needs, root)
        if config.incremental is None:
            return read_whole(client, ground, needs, read_at)
        from reconciler.directory.incremental import read_by_changes  # noqa: PLC0415 - only where a policy asks for it

        return read_by_changes(client, ground, needs, read_at, whole=whole)


def read_whole(client: Client, ground: Ground, needs: Needs, read_at: str, warnings: Sequence[str] = ()) -> Snapshot:
    """Return a snapshot of everything, page by page."""
    reduction = Reduction(needs, ground.schema, moment_of(read_at), ground.traits)
    read_entries(client, ground, reduction)
    expand_groups(client, ground, reduction)
    look_again(client, ground, reduction)
    with located(ground.where):
        return reduction.snapshot(origin_of(client, ground, read_at), (*ground.warnings, *warnings))


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
    for page in complete_pages(partial(client.page, search, ground.config.page_size), search.what, ground.harmless):
        if ground.dialect == "active_directory":
            with located(search.what):
                yield [completed(entry, partial(_attributes, client, search.what)) for entry in page]
        else:
            yield page


def expand_groups(client: Client, ground: Ground, reduction: Reduction) -> None:
    """Make the searches of dynamic groups, where the policy asks for it; a group with one that cannot be made stays out."""
    for group, urls in reduction.searches.items():
        try:
            wanted = [member_search(url, ground.schema) for url in urls]
            found = [dn for each in wanted for dn in _found_by(client, ground, group, each)]
        except (UnusableUrl, NotHere):
            continue
        if wanted:
            reduction.add_members(group, found)


def _found_by(client: Client, ground: Ground, group: str, wanted: MemberSearch) -> Iterator[bytes]:
    what = f'{ground.where}: members of "{shortened(group)}" under "{shortened(wanted.base)}"'
    search = Search(what, wanted.base, wanted.filter, ("1.1",), wanted.scope)
    for page in pages_of(client, ground, search):
        yield from (dn for dn, _ in page)


def look_again(client: Client, ground: Ground, reduction: Reduction) -> None:
    """Find those again who were renamed while the directory was read.

    Of several bases, all but the last are listed once more: whoever moved into one that had been read would be in none.
    """
    for search in (*ground.people[:-1], *ground.groups[:-1]):
        with located(search.what):
            pages = pages_of(client, ground, replace(search, attributes=IDS))
            check_all_came(reduction, chain.from_iterable(pages))
    bases = (*ground.config.bases, *ground.config.group_bases)
    names = candidates(reduction, bases)
    if not names:
        return
    with located(ground.where):
        recognise(reduction, _entries_again(client, ground, names), names)


def _entries_again(client: Client, ground: Ground, names: Sequence[bytes]) -> Iterator[RawEntry]:
    """Active Directory lists what has changed since the read began; elsewhere each name is looked up, or all are listed."""
    what = f"{ground.where}: who it is that groups name and that was not among the entries"
    since = ground.root.get("highestcommittedusn", (b"",))[0] if ground.dialect == "active_directory" else b""
    if since.isdigit() or len(names) > FEW:
        changed = f"(uSNChanged>={since.decode()})" if since.isdigit() else ""
        for search in (*ground.people, *ground.groups):
            narrowed = f"(&{search.filter}{changed})" if changed else search.filter
            for page in pages_of(client, ground, replace(search, filter=narrowed, attributes=IDS)):
                yield from page
        return
    for name in names:
        answer = client.entry(Search(what, name.decode(), _selecting(ground, name), IDS))
        if answer.code not in _NOBODY_THERE:
            check_code(answer, what)
        yield from answer.entries


def _selecting(ground: Ground, name: bytes) -> str:
    """Return the filter that selects what would have come from that place: a group outside the groups' base would not."""
    filters = [
        each.filter for each in (*ground.people, *ground.groups) if under_any(DnKey(key_of(name) or ""), (each.base,))
    ]
    return f"(|{''.join(dict.fromkeys(filters))})"


def _attributes(client: Client, what: str, dn: bytes, names: Sequence[str]) -> RawAttributes:
    answer = client.entry(Search(what, dn.decode(), ANY, tuple(names)))
    check_code(answer, what)
    if len(answer.entries) != 1:
        raise ReadIncomplete(
            f'{what}: "{shortened(dn.decode())}" was there, and is not when the rest of it is asked for'
        )
    return answer.entries[0][1]


def origin_of(client: Client, ground: Ground, read_at: str) -> Origin:
    """Return what a snapshot says about where it comes from."""
    config = ground.config
    source = f"{client.url.rstrip('/')}/{quote(config.bases[0], safe='=,+')}"
    if len(config.bases) > 1:
        source += f" and {len(config.bases) - 1} more"
    return Origin(config.name, source, read_at, read_with(config), ground.dialect)
