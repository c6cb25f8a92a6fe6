"""Lists in pages: whole, in order, each entry once; and what moves while it is read is read again or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

import pytest

from reconciler.errors import TargetError, TargetRejected
from reconciler.targets.answers import Answer, Refused, Request
from reconciler.targets.pages import Item, Listing, read_list, side_by_side

BASE = "https://h/api"


@dataclass
class Scripted:
    """A server that answers with these pages, one after the other; the last one stays."""

    pages: Sequence[tuple[Sequence[int], dict[str, str]]]
    url: str = BASE
    asked: list[str] = field(default_factory=list)

    def send(self, request: Request) -> Answer:
        """Return the next page."""
        ids, headers = self.pages[min(len(self.asked), len(self.pages) - 1)]
        self.asked.append(request.address)
        body = json.dumps([{"id": number} for number in ids]).encode()
        return Answer(request, 200, {"content-type": "application/json", **headers}, body, "target x: GET /users")


def number(item: Item) -> int:
    """Return what an entry is known by."""
    return item.answer.value(item.data, "id", int)


def ids(server: Scripted, by: str = "number", *, sure: bool = False) -> list[int]:
    """Read the list of users."""
    listing = Listing(Request("GET", "/users", (("active", "yes"),)), number, by, 2, sure)
    return [number(item) for item in read_list(server, listing)]


def page(*numbers: int, next_page: str | None = "", total: str = "") -> tuple[Sequence[int], dict[str, str]]:
    """Return a page by number; a next page of None is no header."""
    headers = {} if next_page is None else {"x-next-page": next_page}
    return numbers, headers | ({"x-total": total} if total else {})


def linked(*numbers: int, after: str = "") -> tuple[Sequence[int], dict[str, str]]:
    """Return a page by link."""
    return numbers, {"link": after} if after else {}


def following(link: str) -> str:
    """Return a header that names the next page among others."""
    return f'<{BASE}/users?page=1>; rel="first", <{link}>; rel="next"'


def test_pages_by_number_are_read_to_the_end() -> None:
    """With the query of the list and the size asked for."""
    server = Scripted([page(1, 2, next_page="2", total="3"), page(3, total="3")])
    assert ids(server) == [1, 2, 3]
    assert server.asked == ["/users?active=yes&per_page=2&page=1", "/users?active=yes&per_page=2&page=2"]


def test_without_a_word_about_the_next_page_an_empty_one_is_the_end() -> None:
    """A short page is none: a server may cut the size that was asked for."""
    server = Scripted([page(1, next_page=None), page(2, next_page=None), page(next_page=None)])
    assert ids(server) == [1, 2]
    assert len(server.asked) == 3


def test_an_empty_list_is_empty() -> None:
    """One request, no entry."""
    assert ids(Scripted([page(total="0")])) == []


def test_pages_by_link_are_followed() -> None:
    """Relative or absolute, as long as they lead to the same place."""
    pages = [
        linked(1, 2, after=following(f"{BASE}/users?after=2")),
        linked(3, after="</api/users?after=3>; rel=next"),
        linked(),
    ]
    server = Scripted(pages)
    assert ids(server, "link") == [1, 2, 3]
    assert server.asked == ["/users?active=yes&per_page=2", "/users?after=2", "/users?after=3"]


@pytest.mark.parametrize("link", ["https://evil/api/users?page=2", "http://h/api/users?page=2", "/elsewhere"])
def test_a_next_page_somewhere_else_is_not_followed(link: str) -> None:
    """The credential would go with it."""
    server = Scripted([linked(1, after=following(link))])
    with pytest.raises(Refused, match="as the next page, which is not one place below https://h/api"):
        ids(server, "link")
    assert len(server.asked) == 1


def test_two_different_next_pages_are_one_too_many() -> None:
    """Which of them is meant cannot be known."""
    after = f'<{BASE}/users?a>; rel="next", <{BASE}/users?b>; rel="next"'
    with pytest.raises(Refused, match="not one place"):
        ids(Scripted([linked(1, after=after)]), "link")


SMALL = [page(1, 2, next_page="2"), page(3)]
MOVED = {
    "an entry twice": ([page(1, 2, next_page="2"), page(2, 3)], "the entry 2 came twice"),
    "an entry missing": (
        [page(1, 2, next_page="2", total="4"), page(3, total="4")],
        "it had 3 entries where 4 were announced",
    ),
    "another total": (
        [page(1, 2, next_page="2", total="4"), page(3, total="3")],
        "4 entries were announced, then 3",
    ),
    "a page again": ([page(1, next_page="2"), page(2, next_page="2")], "page 2 named 2 as the next"),
    "a page left out": ([page(1, next_page="3")], "page 1 named 3 as the next"),
    "endless nothing": (
        [page(next_page=str(number)) for number in range(2, 105)],
        "101 empty pages on end did not end it",
    ),
}


@pytest.mark.parametrize("name", MOVED)
def test_a_list_that_moves_is_read_again(name: str) -> None:
    """And what is read then is what counts."""
    assert ids(Scripted([*MOVED[name][0][:102], *SMALL])) == [1, 2, 3]


@pytest.mark.parametrize("name", ["an entry twice", "an entry missing", "another total"])
def test_a_list_that_never_stands_still_is_an_error(name: str) -> None:
    """A part is never returned as the whole."""
    pages, fact = MOVED[name]
    with pytest.raises(TargetRejected) as caught:
        ids(Scripted(pages * 3))
    assert str(caught.value) == (
        f"GET /users at https://h/api: the list could not be read as a whole in 3 reads, because {fact}. "
        "Try again when less is going on there."
    )


def test_links_in_a_circle_are_an_error() -> None:
    """Whether they lead to the page itself or to one before it."""
    here = following(f"{BASE}/users?after=1")
    for pages in ([linked(1, after=here), linked(2, after=here)] * 3, [linked(after=here)] * 9):
        with pytest.raises(TargetRejected, match="a page named one as the next that was there before"):
            ids(Scripted(pages), "link")


def test_a_total_that_is_no_number_is_refused() -> None:
    """Nothing can be held against it."""
    with pytest.raises(Refused, match='announced "many" entries, which is no number'):
        ids(Scripted([page(1, total="many")]))


def test_sure_means_twice_the_same() -> None:
    """A swap that leaves no trace in one read shows between two; a single page cannot be torn."""
    torn = [page(1, 2, next_page="2"), page(4)]
    assert ids(Scripted([*torn, *SMALL, *SMALL]), sure=True) == [1, 2, 3]
    assert ids(Scripted([*SMALL, *SMALL]), sure=True) == [1, 2, 3]
    single = Scripted([page(1)])
    assert ids(single, sure=True) == [1]
    assert len(single.asked) == 1
    with pytest.raises(TargetRejected, match="because it was never the same twice"):
        ids(Scripted([*torn, *SMALL, *torn]), sure=True)


def test_side_by_side_keeps_the_order() -> None:
    """Whichever is ready first."""
    second = Event()

    def work(thing: int) -> int:
        if thing == 1:
            assert second.wait(30)
        second.set()
        return thing * 10

    assert side_by_side(work, [1, 2, 3], 2) == [10, 20, 30]
    assert side_by_side(work, [], 2) == []


@pytest.mark.parametrize("workers", [1, 4])
def test_one_failure_side_by_side_is_a_failure(workers: int) -> None:
    """And what has not begun is not begun any more."""
    ran: list[int] = []

    def work(thing: int) -> None:
        ran.append(thing)
        if thing == 0:
            raise TargetError("no")

    with pytest.raises(TargetError, match="no"):
        side_by_side(work, range(1000), workers)
    assert len(ran) < 1000
