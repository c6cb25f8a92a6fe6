"""Attributes that come in slices are followed to their end, or the read ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.directory.pages import RawAttributes
from reconciler.directory.ranges import completed
from reconciler.errors import ReadIncomplete

DN = b"CN=big,DC=ad"


def _values(count: int, start: int = 0) -> list[bytes]:
    return [b"CN=u%d" % number for number in range(start, start + count)]


class Server:
    """One entry whose `member` is sent in slices; `before` runs before each answer and may change it."""

    def __init__(self, count: int, limit: int, before: Callable[[Server, int], None] = lambda *_: None) -> None:
        self.values, self.limit, self.usn, self.asked, self.before = _values(count), limit, 1, 0, before

    def ask(self, dn: bytes, names: Sequence[str]) -> RawAttributes:
        """Answer as Active Directory does."""
        assert dn == DN
        self.asked += 1
        self.before(self, self.asked)
        start = int(names[0].partition("range=")[2].removesuffix("-*"))
        part = self.values[start : start + self.limit]
        last = "*" if start + self.limit >= len(self.values) else str(start + len(part) - 1)
        return {f"member;range={start}-{last}": part, "uSNChanged": [b"%d" % self.usn]}

    def read(self) -> dict[str, list[bytes]]:
        """Return the entry's attributes, whole."""
        first: RawAttributes = {
            "cn": [b"big"],
            "member": [],
            f"Member;Range=0-{self.limit - 1}": self.values[: self.limit],
        }
        return completed((DN, first), self.ask)[1]


@given(count=st.integers(1, 60), limit=st.integers(2, 20))
def test_every_value_comes_once_and_in_order(count: int, limit: int) -> None:
    """Whatever the sizes; each slice overlaps the one before by one value."""
    server = Server(count, limit)
    assert server.read() == {"cn": [b"big"], "member": _values(count)}
    assert server.asked == max(1, -(-(count - 1) // (limit - 1)))


def test_an_entry_without_slices_is_left_as_it_is() -> None:
    """Nothing is asked."""
    entry = (DN, {"member": [b"CN=u"], "memberOf;x-ranges": [b"y"]})
    assert completed(entry, Server(1, 2).ask) is entry


def test_a_changed_version_begins_anew() -> None:
    """The group was changed between two slices: nothing of the old ones is kept."""

    def before(server: Server, number: int) -> None:
        if number == 3:
            server.usn, server.values = 2, _values(25, start=100)

    server = Server(25, 10, before)
    assert server.read()["member"] == _values(25, start=100)


def test_a_member_that_was_deleted_meanwhile_is_noticed_without_a_version() -> None:
    """Deleting a person takes the value away and leaves uSNChanged alone: all that follow move up by one."""

    def before(server: Server, number: int) -> None:
        if number == 2:
            del server.values[3]

    server = Server(25, 10, before)
    assert server.read()["member"] == [value for value in _values(25) if value != b"CN=u3"]


def test_an_entry_that_never_holds_still_is_not_proven() -> None:
    """After a few tries the read ends."""

    def before(server: Server, number: int) -> None:
        server.usn = number

    with pytest.raises(
        ReadIncomplete, match=r'entry "CN=big,DC=ad": "Member" changed 3 times while it was read in slices'
    ):
        Server(25, 10, before).read()


def test_an_entry_that_shrinks_to_less_than_a_slice_begins_anew() -> None:
    """The attribute comes under its plain name then; where it stays so, nothing is proven."""

    def ask(_: bytes, __: Sequence[str]) -> RawAttributes:
        return {"member": [b"CN=u"], "uSNChanged": [b"1"]}

    with pytest.raises(ReadIncomplete, match="changed 3 times"):
        completed((DN, {"member;range=0-1": [b"a", b"b"]}), ask)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({}, 'only a part of "member" was sent, and the rest did not come when it was asked for'),
        ({"member;range=0-1": [b"a"]}, '"member;range=0-1" came with 1 values'),
        ({"member;range=0-1": [b"a", b"b", b"c"]}, '"member;range=0-1" came with 3 values'),
    ],
)
def test_an_answer_that_is_no_slice_ends_the_read(answer: RawAttributes, said: str) -> None:
    """What did not come may be somebody."""
    with pytest.raises(ReadIncomplete) as caught:
        completed((DN, {"member;range=0-1": [b"a", b"b"]}), lambda *_: answer)
    assert said in str(caught.value)


def test_a_server_that_never_comes_to_an_end_is_left() -> None:
    """The same last value again and again, and never a `*`."""

    def ask(_: bytes, names: Sequence[str]) -> RawAttributes:
        start = int(names[0].partition("range=")[2].removesuffix("-*"))
        values = [b"a", b"b"][start:]
        return {f"member;range={start}-{start + len(values) - 1}": values}

    with pytest.raises(ReadIncomplete, match="the one from 1 on brings nothing new"):
        completed((DN, {"member;range=0-1": [b"a", b"b"]}), ask)


def test_a_slice_that_does_not_begin_where_it_was_asked_to_begins_anew() -> None:
    """A server that repeats the first slice for ever proves nothing."""

    def ask(_: bytes, __: Sequence[str]) -> RawAttributes:
        return {"member;range=0-1": [b"a", b"b"]}

    with pytest.raises(ReadIncomplete, match="changed 3 times"):
        completed((DN, {"member;range=0-1": [b"a", b"b"]}), ask)
