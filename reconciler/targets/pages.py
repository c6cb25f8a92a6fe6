"""Read lists that come in pages, whole or not at all: a list that moved while it was read is read again; never guesses.

What can be seen of a list that changes between two pages is an entry that comes twice, a count that does not add up, a
next page that was there before. Where an entry can slip from one page to another and leave no such trace (one goes and
one comes between two pages of a list by number), `sure` has a list of several pages read until two reads are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Generic, Protocol, TypeVar

from reconciler.errors import TargetRejected
from reconciler.model.text import shortened
from reconciler.targets.answers import Answer, Map, Request, below

TRIES = 3
SIZE = 100
_NUMBER = re.compile("[0-9]{1,15}")
_MOST_PAGES = 10_000  # that are asked for on the server's word alone
_EMPTY_PAGES = 100  # that do not end a list, one after the other
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(r""";\s*rel\s*=\s*(?:"(?:[^"]* )?next(?: [^"]*)?"|next\b)""", re.IGNORECASE)

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_Key = TypeVar("_Key", bound=Hashable)


class Sender(Protocol):
    """What pages are read through."""

    @property
    def url(self) -> str:
        """Return the base address."""

    def send(self, request: Request) -> Answer:
        """Return the answer to a request."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list, and the answer that it came in, which can tell what is wrong with it."""

    data: Map
    answer: Answer

    def value(self, key: str, kind: type[_In]) -> _In:
        """Return a value of exactly this type. Raises as `Answer.value`."""
        return self.answer.value(self.data, key, kind)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list to read: the request for its start, what an entry is known by, and how a page names the one after it.

    `by`: ``number``, ``page`` and ``per_page`` count up, ends where ``X-Next-Page`` is empty, or at an empty page where
    there is no such header; ``link``, follow ``Link: …; rel="next"``. `X-Total` is held against what was read, unless it is
    not `counted` so: some servers count what they do not show us.
    """

    request: Request
    key: Callable[[Item], Hashable]
    by: str = "number"
    size: int = SIZE
    sure: bool = False
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Table(Generic[_Key, _Out]):
    """A list to read whose entries are not kept as they come: `entries` gives what is kept of a page, by key.

    As `Listing` in all else. `short_ends`: once a page was full, a shorter one is the last, whatever it names as the next:
    only for servers of which it is known that they leave no gaps.
    """

    request: Request
    entries: Callable[[Answer, Sequence[Map]], dict[_Key, _Out]]
    by: str = "number"
    size: int = SIZE
    sure: bool = False
    short_ends: bool = False
    counted: bool = True


class _Moved(Exception):
    """The list changed while it was read."""


class _NotBegun(Exception):
    """Something else had failed before this was begun."""


def read_list(sender: Sender, listing: Listing, tries: int = TRIES) -> list[Item]:
    """Return every entry, once, in order. Raises TargetRejected where so many reads found the list moving each time."""

    def entries(answer: Answer, rows: Sequence[Map]) -> dict[Hashable, Item]:
        return {listing.key(item): item for item in (Item(data, answer) for data in rows)}

    table = Table(listing.request, entries, listing.by, listing.size, listing.sure, counted=listing.counted)
    return list(read_table(sender, table, tries).values())


def read_table(sender: Sender, table: Table[_Key, _Out], tries: int = TRIES) -> dict[_Key, _Out]:
    """Return every entry by its key, in order. Raises TargetRejected where so many reads found the list moving each time."""
    before: list[_Key] | None = None
    fact = "it was never the same twice"
    for _ in range(tries):
        part = _Part[_Key, _Out]()
        try:
            for answer, rows in _pages(sender, table):
                part.add(_entries(table, answer, rows))
            part.check()
        except _Moved as moved:
            before, fact = None, str(moved)
            continue
        keys = list(part.found)
        if not table.sure or part.pages == 1 or keys == before:
            return part.found
        before = keys
    raise TargetRejected(
        f"{table.request.name} at {sender.url}: the list could not be read as a whole in {tries} reads, because "
        f"{fact}. Try again when less is going on there."
    )


def read_tables(sender: Sender, tables: Sequence[Table[_Key, _Out]], workers: int) -> list[dict[_Key, _Out]]:
    """Return what `read_table` does for each of these lists by number, in order, from so many threads.

    First the first page of each, then the others of all: so one long list keeps nobody waiting. A list that does not say
    how many pages it has, one that moved, and one of several pages that is to be `sure` is read page after page.
    """
    firsts = side_by_side(lambda table: _only(sender, table, 1), tables, workers)
    others = [(at, number) for at, first in enumerate(firsts) for number in range(2, first.pages + 1)]
    read = side_by_side(lambda other: _only(sender, tables[other[0]], other[1]), others, workers)
    parts = [_Part[_Key, _Out]() for _ in tables]
    moved = {at for at, first in enumerate(firsts) if not first.pages or (tables[at].sure and first.pages > 1)}
    for at, page in [*enumerate(firsts), *((at, page) for (at, _), page in zip(others, read, strict=True))]:
        try:
            parts[at].add(page)
        except _Moved:
            moved.add(at)
    for at, part in enumerate(parts):
        try:
            part.check()
        except _Moved:
            moved.add(at)
    again = sorted(moved)
    whole = dict(zip(again, side_by_side(lambda at: read_table(sender, tables[at]), again, workers), strict=True))
    return [whole.get(at, part.found) for at, part in enumerate(parts)]


@dataclass(frozen=True, slots=True)
class _Page(Generic[_Key, _Out]):
    """One page. `total`: of all entries, as announced; `pages`: how many there are, 0 where that is not said."""

    entries: dict[_Key, _Out]
    count: int
    total: str
    pages: int


@dataclass(slots=True)
class _Part(Generic[_Key, _Out]):
    """What was read of one list up to now."""

    found: dict[_Key, _Out] = field(default_factory=dict)
    total: str = ""
    pages: int = 0

    def add(self, page: _Page[_Key, _Out]) -> None:
        """Take one more page. Raises _Moved where it does not go with those before."""
        self.pages += 1
        if page.total and self.total and int(page.total) != int(self.total):
            raise _Moved(f"{int(self.total):,} entries were announced, then {int(page.total):,}")
        self.total = page.total or self.total
        if len(page.entries) != page.count or not self.found.keys().isdisjoint(page.entries):
            which = next((f"the entry {shortened(repr(key), 60)}" for key in page.entries if key in self.found), "one")
            raise _Moved(f"{which} came twice")
        self.found |= page.entries

    def check(self) -> None:
        """Raise _Moved where there is not what was announced."""
        if self.total and int(self.total) != len(self.found):
            raise _Moved(f"it had {len(self.found):,} entries where {int(self.total):,} were announced")


def _only(sender: Sender, table: Table[_Key, _Out], number: int) -> _Page[_Key, _Out]:
    """Read the page of this number."""
    answer = sender.send(_numbered(table, number))
    return _entries(table, answer, answer.maps())


def _entries(table: Table[_Key, _Out], answer: Answer, rows: Sequence[Map]) -> _Page[_Key, _Out]:
    said = answer.headers.get("x-total-pages", "").strip()
    last = not answer.headers.get("x-next-page", "-").strip()  # there and empty
    pages = int(said) if _NUMBER.fullmatch(said) and int(said) <= _MOST_PAGES else 0
    total = _total(answer) if table.counted else ""
    return _Page(table.entries(answer, rows), len(rows), total, max(pages, 1) if pages or last else 0)


def _pages(sender: Sender, table: Table[_Key, _Out]) -> Iterator[tuple[Answer, list[Map]]]:
    """Give one page after the other; no page is asked for twice."""
    request: Request | None = _numbered(table, 1) if table.by == "number" else _sized(table)
    number, empty, asked, full = 1, 0, {request.address if request else ""}, False
    while request is not None:
        answer = sender.send(request)
        rows = answer.maps()
        yield answer, rows
        if table.short_ends and full and len(rows) < table.size:
            return
        full = full or len(rows) == table.size
        empty = 0 if rows else empty + 1
        if empty > _EMPTY_PAGES:
            raise _Moved(f"{empty} empty pages on end did not end it")
        request = _after(answer, rows, table, number) if table.by == "number" else _linked(sender, answer, table)
        number += 1
        if request is not None and request.address in asked:
            raise _Moved("a page named one as the next that was there before")
        asked.add(request.address if request else "")


def _sized(table: Table[_Key, _Out]) -> Request:
    return replace(table.request, query=(*table.request.query, ("per_page", table.size)))


def _numbered(table: Table[_Key, _Out], number: int) -> Request:
    request = _sized(table)
    return replace(request, query=(*request.query, ("page", number)))


def _after(answer: Answer, rows: Sequence[Map], table: Table[_Key, _Out], number: int) -> Request | None:
    """Return the request for the page after this one. A short page is no end: servers cut the size that was asked for."""
    said = answer.headers.get("x-next-page")
    if said is None:
        return _numbered(table, number + 1) if rows else None
    if not said.strip():
        return None
    if said.strip() != str(number + 1):
        raise _Moved(f"page {number} named {shortened(said, 20)} as the next")
    return _numbered(table, number + 1)


def _linked(sender: Sender, answer: Answer, table: Table[_Key, _Out]) -> Request | None:
    links = [link for link, rest in _LINK.findall(answer.headers.get("link", "")) if _NEXT.search(rest)]
    if not links:
        return None
    place = below(sender.url, links[0]) if len(set(links)) == 1 else None
    if place is None:
        answer.fail(
            f"named {answer.shown(', '.join(links))} as the next page, which is not one place below {sender.url}"
        )
    return replace(table.request, path=place[0], query=place[1])


def _total(answer: Answer) -> str:
    said = answer.headers.get("x-total", "").strip()
    if said and not _NUMBER.fullmatch(said):
        answer.fail(f'announced "{answer.shown(said)}" entries, which is no number')
    return said


def side_by_side(work: Callable[[_In], _Out], things: Iterable[_In], workers: int) -> Sequence[_Out]:
    """Return the result for each thing, in order, from so many threads.

    After a failure nothing more is begun; what had begun ends, and the first error, in order, is raised.
    """
    failed = Event()

    def one(thing: _In) -> _Out:
        if failed.is_set():
            raise _NotBegun
        try:
            return work(thing)
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(max(1, workers), "target") as pool:
        running = [pool.submit(one, thing) for thing in things]
    errors = [error for future in running if (error := future.exception())]
    for error in errors:
        if not isinstance(error, _NotBegun):
            raise error
    return [future.result() for future in running]
