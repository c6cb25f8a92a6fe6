"""Decide whether the pages of one search prove a complete answer; never talk to a server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.directory.references import gaps
from reconciler.errors import ReadIncomplete
from reconciler.model.names import DnKey
from reconciler.model.text import shortened

RawAttributes: TypeAlias = dict[str, list[bytes]]
RawEntry: TypeAlias = tuple[bytes, RawAttributes]
"""A DN and the attributes as they came: descriptions in the server's spelling, values as bytes."""

MAX_PAGES = 1_000_000
MAX_EMPTY_PAGES = 100  # in a row: an empty page with a cookie is legal (RFC 2696 3), a hundred are a server gone wrong

# RFC 4511 4.1.9 and appendix A; what a person should know where the name alone says little
_CODES = {
    1: "operationsError",
    2: "protocolError",
    3: "timeLimitExceeded",
    4: "sizeLimitExceeded",
    8: "strongerAuthRequired",
    9: "partialResults",
    10: "referral",
    11: "adminLimitExceeded",
    12: "unavailableCriticalExtension",
    13: "confidentialityRequired",
    32: "noSuchObject",
    34: "invalidDNSyntax",
    48: "inappropriateAuthentication",
    49: "invalidCredentials",
    50: "insufficientAccessRights",
    51: "busy",
    52: "unavailable",
    53: "unwillingToPerform",
    80: "other",
    4096: "e-syncRefreshRequired",
}
_NOT_HERE = frozenset({10, 32, 34, 50})
_WAYS_OUT = {
    3: "raise the server's time limit for this account",
    4: "raise the server's size limit (for paged searches too) for this account",
    10: "name the server that holds this base",
    11: "raise the server's administrative limit for this account",
    12: "the server refuses paged results (RFC 2696), without which no read is proven complete",
    32: "the search base does not exist, or this account may not see it",
    50: "give this account the right to read",
}


class NotHere(ReadIncomplete):
    """What was asked for lies elsewhere, is not there, or may not be seen: asking again changes nothing."""


@dataclass(frozen=True, slots=True)
class Page:
    """One search answer. `cookie` is None where the server did not answer the paging control."""

    entries: list[RawEntry]
    code: int
    message: str
    cookie: bytes | None
    references: tuple[str, ...] = ()


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put the place before the message of a ReadIncomplete that does not know it."""
    try:
        yield
    except ReadIncomplete as error:
        raise ReadIncomplete(f"{where}: {error}") from error


def code_text(code: int, message: str = "") -> str:
    """Return a result code in words, with the server's own message where there is one."""
    name = f"{_CODES.get(code, 'result code')} ({code})"
    return f'{name}, the server says "{shortened(message)}"' if message else name


def complete_pages(
    fetch: Callable[[bytes], Page], what: str, harmless: Collection[DnKey] = frozenset()
) -> Iterator[list[RawEntry]]:
    """Yield the entries of each page; `fetch` gets the cookie of the page before, empty for the first, and need not say where.

    `harmless` are naming contexts that the server may refer to without a part of the answer being there.

    Ending normally is the proof of completeness: every page succeeded, answered the paging control, pointed nowhere else,
    and the last one gave an empty cookie. Anything else raises ReadIncomplete, which names `what` and the page.
    """
    cookie = b""
    cookies: set[bytes] = set()
    first_names: set[bytes] = set()
    empty = 0
    for number in range(1, MAX_PAGES + 1):
        where = f"{what}: page {number}"
        with located(where):
            page = fetch(cookie)
        check_page(page, where, harmless)
        yield page.entries
        cookie = page.cookie or b""
        if not cookie:
            return
        empty = 0 if page.entries else empty + 1
        first = page.entries[0][0] if page.entries else b""
        # some servers give one cookie for a whole search, so a repeated one is wrong only where nothing new comes with it
        if empty > MAX_EMPTY_PAGES or (cookie in cookies and (not first or first in first_names)):
            raise ReadIncomplete(f"{where} brings nothing new, but the server promises more: it would never end")
        cookies.add(cookie)
        first_names.add(first)
    raise ReadIncomplete(f"{what}: no end after {MAX_PAGES} pages")


def check_code(page: Page, where: str) -> None:
    """Raise ReadIncomplete unless the answer ended with success; `where` says what was being read."""
    if page.code:
        way_out = f"; {_WAYS_OUT[page.code]}" if page.code in _WAYS_OUT else ""
        family = NotHere if page.code in _NOT_HERE else ReadIncomplete
        raise family(f"{where} ended with {code_text(page.code, page.message)}, so entries may be missing{way_out}")


def check_page(page: Page, where: str, harmless: Collection[DnKey]) -> None:
    """Raise ReadIncomplete unless the page succeeded, answered the paging control and leaves nothing to other servers."""
    check_code(page, where)
    elsewhere = gaps(page.references, harmless)
    if elsewhere:
        raise NotHere(
            f"{where} refers to {shortened(elsewhere[0])} for a part of the answer, which is not followed: "
            "entries are missing; read from a server that holds all of the base, or choose a base without that part"
        )
    if page.cookie is None:
        raise ReadIncomplete(
            f"{where} came without an answer to the paging control, so nothing shows that it is complete"
        )
