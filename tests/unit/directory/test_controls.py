"""What comes with an answer reaches the listener, part by part."""

from __future__ import annotations

import pytest

from reconciler.directory.ber import BerError
from reconciler.directory.controls import Controls, Listener, controls_of
from reconciler.directory.pages import RawEntry
from tests.fakes import ber as fake


def tlv(tag: int, *contents: bytes) -> bytes:
    """Return an element, by an encoder that shares nothing with ours."""
    return fake.tlv(tag, b"".join(contents))


_OID, _OTHER = b"1.3.6.1.4.1.4203.1.9.1.2", b"1.2.3"
ENTRY = tlv(0x64, tlv(0x04, b"cn=a"), tlv(0x30))


def _control(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def _controls(*controls: bytes) -> bytes:
    return tlv(0xA0, *controls)


class _Heard(Listener):
    def __init__(self) -> None:
        super().__init__()
        self.noted: list[object] = []

    def entry(self, entry: RawEntry, controls: Controls) -> None:
        """Note it."""
        self.noted.append((entry, controls))

    def intermediate(self, name: str, value: bytes) -> None:
        """Note it."""
        self.noted.append((name, value))


def _heard(message: bytes) -> tuple[bool, _Heard]:
    listener = _Heard()
    return listener.takes(message, 0, len(message)), listener


def test_controls_come_with_or_without_criticality_and_value() -> None:
    """RFC 4511 4.1.11: both are optional."""
    written = _controls(
        _control(tlv(0x04, _OID), tlv(0x01, b"\xff"), tlv(0x04, b"v")),
        _control(tlv(0x04, _OTHER), tlv(0x04, b"w")),
        _control(tlv(0x04, b"3"), tlv(0x01, b"\0")),
        _control(tlv(0x04, b"4")),
    )
    assert controls_of(written) == {_OID.decode(): b"v", _OTHER.decode(): b"w", "3": b"", "4": b""}
    assert controls_of(b"") == {}


@pytest.mark.parametrize(
    "written",
    [
        b"\x00",
        tlv(0x30),
        _controls() * 2,
        _controls(tlv(0x04, b"x")),
        _controls(_control()),
        _controls(_control(tlv(0x01, b"\0"))),
        _controls(_control(tlv(0x04, b"1"), tlv(0x02, b"\0"))),
        _controls(_control(tlv(0x04, b"1"), tlv(0x04, b"v"), tlv(0x04, b"v"))),
        _controls(_control(tlv(0x04, b"1")))[:-1],
    ],
)
def test_what_is_no_control_is_refused(written: bytes) -> None:
    """It could be anything."""
    with pytest.raises(BerError):
        controls_of(written)


def test_an_entry_is_taken_with_its_controls() -> None:
    """Nobody else needs it."""
    taken, listener = _heard(ENTRY + _controls(_control(tlv(0x04, _OID), tlv(0x04, b"v"))))
    assert taken
    assert listener.noted == [((b"cn=a", {}), {_OID.decode(): b"v"})]


def test_an_intermediate_response_is_taken() -> None:
    """Name and value are both optional (RFC 4511 4.13)."""
    assert _heard(tlv(0x79, tlv(0x80, b"1.2"), tlv(0x81, b"x")))[1].noted == [("1.2", b"x")]
    taken, listener = _heard(tlv(0x79))
    assert taken
    assert listener.noted == [("", b"")]


def test_the_end_is_noted_and_left_to_others() -> None:
    """The result code is not ours to judge."""
    taken, listener = _heard(tlv(0x65, b"") + _controls(_control(tlv(0x04, _OID))))
    assert not taken
    assert listener.done == {_OID.decode(): b""}


def test_other_answers_are_left_to_others() -> None:
    """References, for one."""
    taken, listener = _heard(tlv(0x73, tlv(0x04, b"ldap://elsewhere")))
    assert not taken
    assert not listener.noted


def test_an_entry_that_is_cut_short_is_refused() -> None:
    """At every byte."""
    for end in range(2, len(ENTRY)):
        with pytest.raises(BerError):
            _heard(ENTRY[:end])
