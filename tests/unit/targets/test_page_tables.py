"""Lists read side by side are what they are one after the other, and the last short page needs none after it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

import pytest

from reconciler.errors import TargetRejected
from reconciler.targets.answers import Answer, Map, Refused, Request
from reconciler.targets.pages import Table, read_table, read_tables

SIZE = 3


def page(request: Request, shown: Sequence[int], headers: dict[str, str]) -> Answer:
    """Return numbers as an answer."""
    body = json.dumps([{"id": number} for number in shown]).encode()
    return Answer(request, 200, {"content-type": "application/json", **headers}, body, f"GET {request.path}")


@dataclass
class Shelf:
    """A server of lists by number, `/NAME`; `totals` says whether it announces how much there is."""

    lists: dict[str, list[int]]
    totals: bool = True
    url: str = "https://h/api"
    asked: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def send(self, request: Request) -> Answer:
        """Return the page that is asked for."""
        with self.lock:
            self.asked.append(request.address)
            query, rows = dict(request.query), self.lists[request.path[1:]]
            number = int(query.get("page", 1))
            shown = rows[(number - 1) * SIZE : number * SIZE]
            pages = max(1, -(-len(rows) // SIZE))
            headers = {"x-next-page": str(number + 1) if number < pages else ""}
            if self.totals:
                headers |= {"x-total": str(len(rows)), "x-total-pages": str(pages)}
            self.changed(request)
        return page(request, shown, headers | self.said())

    def changed(self, request: Request) -> None:
        """Change after an answer: nothing here."""

    def said(self) -> dict[str, str]:
        """Return further headers: here none."""
        return {}


@dataclass
class Restless(Shelf):
    """Loses its first entry after each of the first so many pages that are first ones."""

    losses: int = 1

    def changed(self, request: Request) -> None:
        """Lose an entry."""
        if dict(request.query)["page"] == 1 and self.losses:
            self.losses -= 1
            del self.lists[request.path[1:]][0]


def entries(answer: Answer, rows: Sequence[Map]) -> dict[int, str]:
    """Keep a word for each number."""
    return {answer.value(row, "id", int): f"number {row['id']}" for row in rows}


def table(name: str, *, sure: bool = False) -> Table[int, str]:
    """Return a list of the shelf."""
    return Table(Request("GET", f"/{name}"), entries, size=SIZE, sure=sure)


LISTS = {"none": 0, "one": 1, "full": SIZE, "some": SIZE + 1, "many": 40}


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("totals", [True, False])
def test_many_lists_at_once_are_each_what_they_are_alone(workers: int, *, totals: bool) -> None:
    """Each page once where it is said how many there are; else a first page is read twice."""
    shelf = Shelf({name: list(range(size)) for name, size in LISTS.items()}, totals)
    alone = [read_table(shelf, table(name)) for name in LISTS]
    shelf.asked.clear()
    found = read_tables(shelf, [table(name) for name in LISTS], workers)
    assert found == alone
    assert [list(each) for each in found] == [list(range(size)) for size in LISTS.values()]
    twice = {address for address, times in Counter(shelf.asked).items() if times > 1}
    assert twice == (set() if totals else {"/some?per_page=3&page=1", "/many?per_page=3&page=1"})


def test_only_the_list_that_moved_is_read_again() -> None:
    """And one that never stands still is an error."""
    shelf = Restless({"many": list(range(10)), "some": list(range(4))}, losses=1)
    assert [len(each) for each in read_tables(shelf, [table("many"), table("some")], 1)] == [9, 4]
    assert len(shelf.asked) == 4 + 2 + 3
    with pytest.raises(TargetRejected, match="GET /many at https://h/api: the list could not be read as a whole"):
        read_tables(Restless({"many": list(range(40))}, losses=99), [table("many")], 2)


def test_a_list_that_is_to_be_sure_is_read_until_two_reads_are_the_same() -> None:
    """Where it has several pages."""
    shelf = Shelf({"some": [1, 2, 3, 4], "one": [1]})
    assert [list(each) for each in read_tables(shelf, [table("some", sure=True), table("one", sure=True)], 2)] == [
        [1, 2, 3, 4],
        [1],
    ]
    assert len(shelf.asked) == 2 + 4 + 1


@dataclass
class Boasting(Shelf):
    """Says that it has a great many pages."""

    number: str = "999999999"

    def said(self) -> dict[str, str]:
        """Return a header with that."""
        return {"x-total-pages": self.number}


@pytest.mark.parametrize("said", ["999999999", "many", "-1"])
def test_no_number_of_pages_is_taken_on_trust(said: str) -> None:
    """What cannot be is not asked for: the list is read page after page."""
    shelf = Boasting({"some": [1, 2, 3, 4]}, number=said)
    assert list(read_tables(shelf, [table("some")], 1)[0]) == [1, 2, 3, 4]
    assert len(shelf.asked) == 3


def test_an_entry_of_another_shape_is_an_error() -> None:
    """With the request's name."""

    def broken(answer: Answer, rows: Sequence[Map]) -> dict[str, str]:
        return {answer.value(row, "name", str): "" for row in rows}

    with pytest.raises(Refused, match="GET /one"):
        read_tables(Shelf({"one": [1]}), [Table(Request("GET", "/one"), broken)], 1)


@dataclass
class Linked:
    """A server of one list by links that always names a next page after one with entries."""

    rows: list[int]
    url: str = "https://h/api"
    asked: int = 0

    def send(self, request: Request) -> Answer:
        """Return the page that is asked for."""
        self.asked += 1
        after = int(dict(request.query).get("after", 0))
        shown = self.rows[after : after + SIZE]
        headers = {"link": f'<{self.url}/list?after={after + len(shown)}>; rel="next"'} if shown else {}
        return page(request, shown, headers)


@pytest.mark.parametrize(("size", "asked"), [(0, 1), (1, 2), (2, 2), (3, 2), (4, 2), (6, 3), (7, 3)])
def test_a_short_page_after_a_full_one_is_the_last(size: int, asked: int) -> None:
    """A first short page may be short because the server cuts pages."""
    server = Linked(list(range(size)))
    short = Table(Request("GET", "/list"), entries, "link", SIZE, short_ends=True)
    assert list(read_table(server, short)) == list(range(size))
    assert server.asked == asked
