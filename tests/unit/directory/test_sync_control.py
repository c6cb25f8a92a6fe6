"""RFC 4533's messages are understood exactly, and a phase is believed only where it is clear which."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.directory import sync_control as sync
from reconciler.directory.ber import BerError
from reconciler.directory.sync_control import Done, Info, State, SyncListener
from tests.fakes import ber as fake


def tlv(tag: int, *contents: bytes) -> bytes:
    """Return an element, by an encoder that shares nothing with ours."""
    return fake.tlv(tag, b"".join(contents))


A, B, C = (bytes([n]) * 16 for n in (1, 2, 3))
COOKIE = b"rid=000,csn=20261120040000.000000Z#000000#000#000000"
_TRUE, _FALSE = tlv(0x01, b"\xff"), tlv(0x01, b"\0")


def _state(state: int, uuid: bytes = A, *more: bytes) -> bytes:
    return tlv(0x30, tlv(0x0A, bytes([state])), tlv(0x04, uuid), *more)


def _set(deletes: bytes, *ids: bytes) -> bytes:
    return tlv(0xA3, deletes, tlv(0x31, *(tlv(0x04, each) for each in ids)))


def _done(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def test_a_request_says_refresh_only_and_since_when() -> None:
    """RFC 4533 2.2; without a cookie everything comes."""
    assert sync.request(b"") == (sync.REQUEST, bytes.fromhex("30030a0101"))
    assert sync.request(b"ab") == (sync.REQUEST, bytes.fromhex("30070a010104026162"))


def test_a_state_names_an_entry() -> None:
    """With or without a cookie, which is not final."""
    assert sync.state_of(_state(1)) == State(sync.ADD, A)
    assert sync.state_of(_state(3, B, tlv(0x04, COOKIE))) == State(sync.DELETE, B)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        _state(4),
        _state(1, A[:15]),
        _state(1, A + b"x"),
        _state(1, A, _TRUE),
        _state(1) + b"\0",
        tlv(0x30, tlv(0x04, A)),
        tlv(0x30, tlv(0x0A, b""), tlv(0x04, A)),
        tlv(0x31, tlv(0x0A, b"\x01"), tlv(0x04, A)),
    ],
)
def test_a_state_that_is_none_is_refused(value: bytes) -> None:
    """Another state, no UUID, something behind it."""
    with pytest.raises(BerError):
        sync.state_of(value)


@pytest.mark.parametrize(
    ("value", "info"),
    [
        (tlv(0x80, COOKIE), Info("unclear")),
        (tlv(0xA1), Info("delete")),
        (tlv(0xA1, tlv(0x04, COOKIE), _FALSE), Info("delete")),
        (tlv(0xA2, _TRUE), Info("present")),
        (_set(b"", A, B), Info("present", frozenset({A, B}))),
        (_set(_FALSE, A), Info("present", frozenset({A}))),
        (_set(_TRUE, A), Info("delete", frozenset({A}))),
        (tlv(0xA3, tlv(0x04, COOKIE), _TRUE, tlv(0x31)), Info("delete")),
    ],
)
def test_a_message_tells_its_phase(value: bytes, info: Info) -> None:
    """And the ids that are there, or gone."""
    assert sync.info_of(value) == info


@pytest.mark.parametrize(
    "value",
    [
        b"",
        tlv(0x84),
        tlv(0xA1, tlv(0x02, b"\0")),
        tlv(0xA3, _TRUE),
        tlv(0xA3, tlv(0x31), _TRUE),
        _set(_TRUE, A[:5]),
        tlv(0xA3, _TRUE, tlv(0x31, tlv(0x02, A))),
        tlv(0xA3, tlv(0x01, b""), tlv(0x31)),
        _set(_TRUE, A)[:-1],
        _set(_TRUE, A) * 2,
    ],
)
def test_a_message_that_is_none_is_refused(value: bytes) -> None:
    """A set that holds something else than UUIDs, for one."""
    with pytest.raises(BerError):
        sync.info_of(value)


def test_the_end_has_a_cookie_or_none_or_an_empty_one() -> None:
    """None leaves the old one in force; an empty one is none that could be sent again."""
    assert sync.done_of(b"") == Done(None, deletes=False)
    assert sync.done_of(_done()) == Done(None, deletes=False)
    assert sync.done_of(_done(_TRUE)) == Done(None, deletes=True)
    assert sync.done_of(_done(tlv(0x04, COOKIE))) == Done(COOKIE, deletes=False)
    assert sync.done_of(_done(tlv(0x04, b""), _TRUE)) == Done(b"", deletes=True)


@pytest.mark.parametrize(
    "value", [b"\0", tlv(0x31), _done(tlv(0x02, b"\0")), _done(_TRUE, tlv(0x04, COOKIE)), _done(tlv(0x01, b""))]
)
def test_an_end_that_is_none_is_refused(value: bytes) -> None:
    """In the wrong order, of the wrong type."""
    with pytest.raises(BerError):
        sync.done_of(value)


def _answer(*parts: Callable[[SyncListener], None], end: bytes | None = b"") -> SyncListener:
    listener = SyncListener(lambda _, entry: "" if entry[0] != b"wrong" else "it is wrong")
    for part in parts:
        part(listener)
    if end is not None:
        listener.done = {sync.DONE: end}
    return listener


def _entry(state: int, uuid: bytes, dn: bytes = b"cn=a") -> Callable[[SyncListener], None]:
    return lambda listener: listener.entry((dn, {}), {sync.STATE: _state(state, uuid)})


def _info(value: bytes, name: str = sync.INFO) -> Callable[[SyncListener], None]:
    return lambda listener: listener.intermediate(name, value)


_QUIET = _done(_TRUE)
_MOVED = _done(tlv(0x04, COOKIE), _TRUE)
_PRESENT = _done(tlv(0x04, COOKIE))


def test_a_quiet_answer_lets_nobody_go() -> None:
    """No cookie comes with it."""
    assert _answer(end=_QUIET).gone({A, B}) == set()


def test_in_a_delete_phase_those_named_are_gone() -> None:
    """By an entry of that state, or by a set; everybody else stays."""
    assert _answer(_entry(3, A), _info(_set(_TRUE, C)), end=_MOVED).gone({A, B, C}) == {A, C}
    assert _answer(_info(_set(_TRUE, C)), end=_PRESENT).gone({A, B, C}) == {C}
    assert _answer(_entry(1, A), end=_MOVED).gone({A, B}) == set()


def test_in_a_present_phase_those_not_named_are_gone() -> None:
    """As added, changed, present, or in a set."""
    assert _answer(_entry(1, A), _info(_set(_FALSE, B)), end=_PRESENT).gone({A, B, C}) == {C}
    assert _answer(_entry(0, A), end=_PRESENT).gone({A, B}) == {B}
    assert _answer(_entry(2, A), _info(tlv(0xA2)), end=_PRESENT).gone({A, B}) == {B}


@pytest.mark.parametrize(
    "answer",
    [
        _answer(end=_done()),  # 389: on every poll, and would let everybody go
        _answer(_entry(1, A), end=_PRESENT),  # no sign of a phase
        _answer(_entry(1, A), end=_done(_TRUE)),  # changes, and no cookie
        _answer(_entry(1, A), end=_done(tlv(0x04, b""), _TRUE)),  # what comes of a cookie that cannot be read
        _answer(_entry(1, A), _entry(1, B), _entry(1, C), end=_MOVED),  # everybody
        _answer(_info(_set(_FALSE, A)), _info(_set(_TRUE, B)), end=_MOVED),  # both phases
        _answer(_info(_set(_FALSE, A)), end=_MOVED),
        _answer(end=None),
        _answer(end=b"\0"),
        _answer(_entry(1, A, b"wrong"), end=_MOVED),
        _answer(lambda listener: listener.entry((b"cn=a", {}), {}), end=_MOVED),
        _answer(_info(b"\0"), end=_MOVED),
        _answer(_info(tlv(0xA1), "1.2.3"), end=_MOVED),  # a message that nobody asked for
    ],
)
def test_whatever_is_not_clear_is_refused(answer: SyncListener) -> None:
    """Then everything is read."""
    with pytest.raises(BerError):
        answer.gone({A, B, C})


def test_nobody_goes_where_nobody_was() -> None:
    """A search that finds nobody has a present phase without a sign of it."""
    assert _answer(end=_PRESENT).gone(set()) == set()


def test_new_cookies_say_nothing() -> None:
    """In the middle they are not final."""
    answer = _answer(_info(tlv(0x80, COOKIE)), end=_QUIET)
    assert answer.gone({A}) == set()
    assert answer.end().cookie is None
