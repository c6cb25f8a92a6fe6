"""Keep reports in the state store, one after the other, and read them back; decides nothing about what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.apply.chain import (
    FOLDER,
    HEAD,
    NOWHERE,
    Link,
    Verdict,
    checked,
    from_bytes,
    head_of,
    is_usable,
    link_of,
    linked,
    name_of,
    number_of,
    to_bytes,
)
from reconciler.errors import StateError
from reconciler.plan.encode import Document
from reconciler.state.base import Store

_TRIES = 1000  # other runs that may be quicker: a number is only lost to a report that somebody else has kept


def keep(store: Store, report: Document) -> Link:
    """Keep a report as the newest of the chain and return its place; raises StateError, and the report is then not kept."""
    before = newest(store)
    for _ in range(_TRIES):
        document = linked(report, before)
        link = link_of(document)
        if store.create(name_of(link.number), to_bytes(document)):
            _advance(store, link)
            return link
        before = _link_at(store, link.number)
    raise StateError(f"{store.address}: other runs keep their reports faster than we can; this one was not kept.")


def newest(store: Store) -> Link:
    """Return the place of the newest report: the one that the head names, or one after it.

    The head is believed even where its report is gone, so that what was cut off stays missing whatever follows.
    """
    item = store.read(HEAD)
    newest = link_of(from_bytes(item.content) or {}) if item else NOWHERE
    if newest == NOWHERE:
        last = max((number_of(name) or 0 for name in store.names(FOLDER)), default=0)
        newest = _link_at(store, last) if last else NOWHERE
    while store.read(name_of(newest.number + 1)) is not None:
        newest = _link_at(store, newest.number + 1)
    return newest


def reports(store: Store, unusable: Callable[[str], None], *, newest_first: bool = True) -> Iterator[Document]:
    """Yield all reports that are as they were written, the newest or the oldest first; whether the chain is whole, `verify` says.

    `unusable` is told the name of every other one: it was changed, or a later version has written it.
    """
    for name in _names(store)[:: -1 if newest_first else 1]:
        item = store.read(name)
        document = from_bytes(item.content) if item else None
        if document is None or not is_usable(document):
            unusable(name)
        else:
            yield document


def verify(store: Store, witness: str = "") -> Verdict:
    """Return what the chain in the store is worth; for `witness` see `checked`.

    The head is read before the reports: a run that keeps one meanwhile is then no fault.
    """
    head = store.read(HEAD)
    return checked(_contents(store), head.content if head else None, witness)


def _contents(store: Store) -> Iterator[tuple[str, bytes]]:
    for name in _names(store):
        item = store.read(name)
        yield name, item.content if item else b""


def _names(store: Store) -> list[str]:
    return sorted(store.names(FOLDER), key=lambda name: (number_of(name) or 0, name))


def _link_at(store: Store, number: int) -> Link:
    """Return the place of a report that is there: its name says the number, its content the digest, whatever that is worth."""
    item = store.read(name_of(number))
    return Link(number, link_of(from_bytes(item.content) or {}).id if item else "")


def _advance(store: Store, link: Link) -> None:
    """Let the head name this report, unless it names a later one by now; without it, the next run does."""
    any(_advanced(store, link) for _ in range(_TRIES))


def _advanced(store: Store, link: Link) -> bool:
    content, item = to_bytes(head_of(link)), store.read(HEAD)
    if item is None:
        return store.create(HEAD, content)
    named = link_of(from_bytes(item.content) or {}).number
    return named >= link.number or store.replace(HEAD, content, item.version)
