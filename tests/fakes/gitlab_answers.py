"""What GitLab's API answers with and how it pages; decides nothing about users, groups or members."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

Row = TypeVar("Row")
SortKey = tuple[str | int | float, int]
PAGE_CAP = 100
COUNTED = 10_000  # above that many records there are no totals and no link to the last page


class Refusal(Exception):
    """An answer that ends the request: a status and the body that GitLab gives with it."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def message(status: int, text: object) -> Refusal:
    """Return a refusal in the form ``{"message": …}``."""
    return Refusal(status, {"message": text})


def error(status: int, text: str) -> Refusal:
    """Return a refusal in the form ``{"error": …}``, which is how parameters are refused."""
    return Refusal(status, {"error": text})


def forbidden(reason: str = "") -> Refusal:
    """Return GitLab's 403."""
    return message(403, f"403 Forbidden - {reason}" if reason else "403 Forbidden")


def missing(what: str = "") -> Refusal:
    """Return GitLab's 404."""
    return message(404, f"404 {what} Not Found" if what else "404 Not Found")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `body` is the bytes of it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"


@dataclass(slots=True)
class Request:
    """A request whose token was accepted. `path` holds decoded segments; `params` are those of query and body."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    params: Mapping[str, object]
    url: str  # of this path, without a query
    viewer: int = 0  # the user id of the token
    token: str = ""
    admin: bool = False

    def text(self, name: str) -> str:
        """Return a parameter as text, empty where there is none."""
        value = self.params.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a parameter as truth."""
        value = self.params.get(name)
        return default if value is None else str(value).lower() in {"true", "1", "t", "yes"}

    def number(self, name: str, default: int = 0) -> int:
        """Return a parameter as a whole number; another text is refused."""
        value = self.params.get(name)
        if value in {None, ""}:
            return default
        try:
            return int(str(value))
        except ValueError:
            raise error(400, f"{name} is invalid") from None

    def numbers(self, name: str) -> list[int]:
        """Return a parameter as whole numbers: a list, or text with commas."""
        value = self.params.get(name)
        parts = value if isinstance(value, list) else str("" if value is None else value).split(",")
        return [int(part) for part in parts if str(part).strip().isdigit()]

    def need(self, *names: str) -> None:
        """Refuse the request where a parameter is not there."""
        absent = [name for name in names if self.params.get(name) is None]
        if absent:
            raise error(400, ", ".join(f"{name} is missing" for name in absent))


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a value as JSON."""
    return Reply(status, json.dumps(value, separators=(",", ":")).encode(), headers or {})


def refuse(refusal: Refusal) -> Reply:
    """Return a refusal as an answer."""
    return answer(refusal.body, refusal.status)


@dataclass(slots=True)
class Listing(Generic[Row]):
    """Everything that a filter lets through, in ascending order of `keys`; `down` reads it from the end."""

    rows: Sequence[Row]
    keys: Sequence[SortKey] = ()
    down: bool = False


def per_page(request: Request) -> int:
    """Return the size of a page: 20 where none is asked for, and never more than 100, without a word."""
    size = request.number("per_page", 20)
    if size < 1:
        raise error(400, "per_page does not have a valid value")
    return min(size, PAGE_CAP)


def by_offset(request: Request, listing: Listing[Row], encode: Callable[[Row], bytes], cap: int = 0) -> Reply:
    """Return one numbered page; `cap` is how many records may be paged through like this, 0 for all."""
    size, page = per_page(request), max(request.number("page", 1), 1)
    if cap and page * size > cap:
        raise error(
            405,
            f"Offset pagination has a maximum allowed offset of {cap} for requests that return objects of type User. "
            "Remaining records can be retrieved using keyset pagination.",
        )
    total, start = len(listing.rows), (page - 1) * size
    pages = max(-(-total // size), 1)
    if listing.down:
        shown: Sequence[Row] = listing.rows[max(total - start - size, 0) : max(total - start, 0)][::-1]
    else:
        shown = listing.rows[start : start + size]
    headers = {
        "X-Page": str(page),
        "X-Per-Page": str(size),
        "X-Prev-Page": str(page - 1) if page > 1 else "",
        "X-Next-Page": str(page + 1) if page < pages else "",
        "Link": _links(request, size, page, pages, last=total <= COUNTED),
    }
    if total <= COUNTED:
        headers |= {"X-Total": str(total), "X-Total-Pages": str(pages)}
    return Reply(200, b"[" + b",".join(map(encode, shown)) + b"]", headers)


def _links(request: Request, size: int, page: int, pages: int, *, last: bool) -> str:
    wanted = [("prev", page - 1)] if page > 1 else []
    wanted += [("next", page + 1)] if page < pages else []
    wanted += [("first", 1)]
    wanted += [("last", pages)] if last else []
    return ", ".join(
        f'<{_url(request, page=str(number), per_page=str(size))}>; rel="{name}"' for name, number in wanted
    )


def _url(request: Request, **changed: str) -> str:
    return f"{request.url}?{urlencode({**request.query, **changed}, quote_via=quote)}"


def by_keyset(request: Request, listing: Listing[Row], encode: Callable[[Row], bytes], *, tail: bool) -> Reply:
    """Return one page of a keyset, whose next page is in Link only.

    `tail`: the last page with records still has a link, to a page that is empty and has none.
    """
    size, cursor = per_page(request), request.text("cursor")
    keys, rows = listing.keys, listing.rows
    if listing.down:
        end = bisect_left(keys, _cursor_key(cursor)) if cursor else len(keys)
        first = max(end - size, 0)
        shown = list(rows[first:end])[::-1]
        edge, more = (keys[first] if shown else None), first > 0
    else:
        start = bisect_right(keys, _cursor_key(cursor)) if cursor else 0
        shown = list(rows[start : start + size])
        edge = keys[start + len(shown) - 1] if shown else None
        more = start + size < len(rows)
    headers = {}
    if edge is not None and (more or tail):
        token = base64.urlsafe_b64encode(json.dumps(edge).encode()).decode()
        headers["Link"] = f'<{_url(request, cursor=token, per_page=str(size))}>; rel="next"'
    return Reply(200, b"[" + b",".join(map(encode, shown)) + b"]", headers)


def _cursor_key(cursor: str) -> SortKey:
    try:
        value, row = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        raise error(400, "cursor is invalid") from None
    return (value, row)
