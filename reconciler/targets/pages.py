"""Read lists that come in pages, whole or not at all: a list that moved while it was read is read again; never guesses.

What can be seen of a list that changes between two pages is an entry that comes twice, a count that does not add up, a
next page that was there before. Where an entry can slip from one page to another and leave no such trace (one goes and
one comes between two pages of a list by number), `sure` has a list of several pages read until two reads are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event
from typing import Protocol, TypeVar

from reconciler.errors import TargetRejected
from reconciler.model.text import shortened
from reconciler.targets.answers import Answer, Map, Request, below

TRIES = 3
SIZE = 100
_NUMBER = re.compile("[0-9]{1,15}")
_EMPTY_PAGES = 100  # that do not end a list, one after the other
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(r""";\s*rel\s*=\s*(?:"(?:[^"]* )?next(?: [^"]*)?"|next\b)""", re.IGNORECASE)

_In = TypeVar("_In")
_Out = TypeVar("_Out")


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
    there is no such header; ``link``, follow ``Link: …; rel="next"``. `X-Total` is held against what was read.
    """

    request: Request
    key: Callable[[Item], Hashable]
    by: str = "number"
    size: int = SIZE
    sure: bool = False


class _Moved(Exception):
    """The list changed while it was read."""


class _NotBegun(Exception):
    """Something else had failed before this was begun."""


def read_list(sender: Sender, listing: Listing, tries: int = TRIES) -> list[Item]:
    """Return every entry, once, in order. Raises TargetRejected where so many reads found the list moving each time."""
    before: list[Hashable] | None = None
    fact = "it was never the same twice"
    for _ in range(tries):
        try:
            items, pages = _read(sender, listing)
        except _Moved as moved:
            before, fact = None, str(moved)
            continue
        keys = [listing.key(item) for item in items]
        if not listing.sure or pages == 1 or keys == before:
            return items
        before = keys
    raise TargetRejected(
        f"{listing.request.name} at {sender.url}: the list could not be read as a whole in {tries} reads, because "
        f"{fact}. Try again when less is going on there."
    )


def _read(sender: Sender, listing: Listing) -> tuple[list[Item], int]:
    found: dict[Hashable, Item] = {}
    total, pages = "", 0
    for answer in _pages(sender, listing):
        pages += 1
        total = _total(answer, total)
        for item in (Item(data, answer) for data in answer.maps()):
            key = listing.key(item)
            if key in found:
                raise _Moved(f"the entry {shortened(repr(key), 60)} came twice")
            found[key] = item
    if total and int(total) != len(found):
        raise _Moved(f"it had {len(found):,} entries where {int(total):,} were announced")
    return list(found.values()), pages


def _pages(sender: Sender, listing: Listing) -> Iterator[Answer]:
    """Give one page after the other; no page is asked for twice."""
    request: Request | None = _numbered(listing, 1) if listing.by == "number" else _sized(listing)
    number, empty, asked = 1, 0, {request.address if request else ""}
    while request is not None:
        answer = sender.send(request)
        yield answer
        empty = 0 if answer.maps() else empty + 1
        if empty > _EMPTY_PAGES:
            raise _Moved(f"{empty} empty pages on end did not end it")
        request = _after(answer, listing, number) if listing.by == "number" else _linked(sender, answer, listing)
        number += 1
        if request is not None and request.address in asked:
            raise _Moved("a page named one as the next that was there before")
        asked.add(request.address if request else "")


def _sized(listing: Listing) -> Request:
    return replace(listing.request, query=(*listing.request.query, ("per_page", listing.size)))


def _numbered(listing: Listing, number: int) -> Request:
    request = _sized(listing)
    return replace(request, query=(*request.query, ("page", number)))


def _after(answer: Answer, listing: Listing, number: int) -> Request | None:
    """Return the request for the page after this one. A short page is no end: servers cut the size that was asked for."""
    said = answer.headers.get("x-next-page")
    if said is None:
        return _numbered(listing, number + 1) if answer.maps() else None
    if not said.strip():
        return None
    if said.strip() != str(number + 1):
        raise _Moved(f"page {number} named {shortened(said, 20)} as the next")
    return _numbered(listing, number + 1)


def _linked(sender: Sender, answer: Answer, listing: Listing) -> Request | None:
    links = [link for link, rest in _LINK.findall(answer.headers.get("link", "")) if _NEXT.search(rest)]
    if not links:
        return None
    place = below(sender.url, links[0]) if len(set(links)) == 1 else None
    if place is None:
        answer.fail(
            f"named {answer.shown(', '.join(links))} as the next page, which is not one place below {sender.url}"
        )
    return replace(listing.request, path=place[0], query=place[1])


def _total(answer: Answer, before: str) -> str:
    said = answer.headers.get("x-total", "").strip()
    if not said:
        return before
    if not _NUMBER.fullmatch(said):
        answer.fail(f'announced "{answer.shown(said)}" entries, which is no number')
    if before and int(said) != int(before):
        raise _Moved(f"{int(before):,} entries were announced, then {int(said):,}")
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
