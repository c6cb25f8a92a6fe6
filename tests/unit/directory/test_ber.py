"""Messages are found in any stream, and a search entry is read exactly or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.directory import ber
from reconciler.directory.ber import BerError, EntryDecoder, MessageStream, check_answer, operation
from reconciler.model.names import caseless
from tests.fakes.ber import PAGED, entry, envelope, number, paged_control, result, split, tlv

_VALUES = st.lists(st.binary(max_size=300), max_size=4)
_ATTRIBUTES = st.dictionaries(st.from_regex(r"[a-z][a-z0-9;-]{0,140}", fullmatch=True), _VALUES, max_size=5)


class _Socket:
    """Gives bytes in pieces of some size, then the end."""

    def __init__(self, data: bytes, piece: int = 1 << 20) -> None:
        self._data, self._piece = data, piece

    def recv(self, size: int) -> bytes:
        """Return the next piece, never more than asked for."""
        part = self._data[: min(size, self._piece)]
        self._data = self._data[len(part) :]
        return part


def _messages(data: bytes, piece: int = 1 << 20) -> list[bytes]:
    stream = MessageStream(_Socket(data, piece).recv)
    found = []
    while message := stream.message():
        buffer, start, end = message
        found.append(buffer[start:end])
    return found


def _decoded(message: bytes) -> tuple[int, bytes, dict[str, list[bytes]]]:
    message_id, at = operation(message, 0)
    dn, attributes = EntryDecoder().entry(message, at, len(message))
    return message_id, dn, attributes


@given(st.integers(0, 2**31 - 1), st.binary(max_size=300), _ATTRIBUTES)
def test_an_entry_is_read_as_it_was_written(message_id: int, dn: bytes, attributes: dict[str, list[bytes]]) -> None:
    """Lengths of one byte and of several, no values, no attributes."""
    assert _decoded(entry(message_id, dn, attributes)) == (message_id, dn, attributes)


@given(st.lists(st.binary(max_size=400), max_size=6), st.integers(1, 50))
def test_messages_are_found_in_pieces_of_any_size(contents: list[bytes], piece: int) -> None:
    """One byte at a time, or several messages at once."""
    messages = [tlv(0x30, content) for content in contents]
    assert _messages(b"".join(messages), piece) == messages


@given(st.data())
def test_a_cut_message_is_an_error_and_a_cut_between_messages_is_not(data: st.DataObject) -> None:
    """Who closes in the middle has not finished."""
    first, second = (entry(n, b"cn=a", {"cn": [b"x" * n]}) for n in (200, 7))
    size = data.draw(st.integers(0, len(first + second)))
    part = (first + second)[:size]
    if size in {0, len(first), len(first + second)}:
        assert b"".join(_messages(part)) == part
    else:
        with pytest.raises(BerError, match="in the middle of a message"):
            _messages(part)


@given(st.data())
def test_a_changed_byte_never_gives_another_exception(data: st.DataObject) -> None:
    """It may still be an entry, another one; it is never read past its end."""
    message = bytearray(entry(5, b"cn=a,dc=b", {"cn": [b"a", b"b" * 200], "sn": [], "x": [b""]}))
    for _ in range(data.draw(st.integers(1, 3))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    try:
        (found,) = _messages(bytes(message))
        _, dn, attributes = _decoded(found)
    except (BerError, ValueError):
        return
    assert len(dn) + sum(len(value) for values in attributes.values() for value in values) <= len(message)


def _outcome(decoder: EntryDecoder, message: bytes) -> object:
    """Return the entry, names in lower case, or that it was refused."""
    try:
        dn, attributes = decoder.entry(message, operation(message, 0)[1], len(message))
    except BerError:
        return BerError
    return dn, {caseless(name): values for name, values in attributes.items()}


@given(_ATTRIBUTES, st.data())
def test_a_decoder_that_has_met_the_attributes_reads_the_same(
    attributes: dict[str, list[bytes]], data: st.DataObject
) -> None:
    """Also where bytes were changed since, and whatever follows the message in the buffer."""
    usual = {"cn": [b"a"], "sn": [b"b" * 100], "x": [b""], **attributes}
    message = entry(5, b"cn=a,dc=b", usual)
    decoder = EntryDecoder()
    assert _outcome(decoder, message) == _outcome(decoder, message) == _outcome(EntryDecoder(), message)
    start = operation(message, 0)[1]
    changed = bytearray(message)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(start, len(changed) - 1))] = data.draw(st.sampled_from([*range(9), *range(256)]))
    for buffer in (bytes(changed), bytes(changed + message)):
        assert _outcome(decoder, buffer) == _outcome(EntryDecoder(), buffer)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (tlv(0x30, number(1) + tlv(0x64, tlv(0x04, b"cn=a") + tlv(0x30, b"") + b"xx")), "contradict each other"),
        (tlv(0x30, number(1) + tlv(0x64, tlv(0x04, b"cn=a") + tlv(0x31, b""))), "tag 0x31 where 0x30 belongs"),
        (entry(1, b"cn=a", {"cn": [b"a"]}).replace(b"\x04\x01a", b"\x02\x01a"), "a value is no octet string"),
        (entry(1, b"cn=a", {"cn": [b"a"]}).replace(b"\x04\x01a", b"\x04\x05a"), "longer than the attribute"),
        (entry(1, b"cn=a", {"cn": [b"a"]}).replace(b"\x04\x02cn\x31", b"\x04\x02cn\x30"), "tag 0x30 where 0x31"),
        (entry(1, b"cn=a", {"cn": [b"a"]}).replace(b"cn\x31\x03", b"cn\x31\x04"), "contradict each other"),
        (entry(1, b"cn=a", {"c\u00f6": [b"a"]}), "not ASCII"),
        (entry(1, b"cn=a", {"cn": [b"a"], "Cn": [b"a"]}).replace(b"Cn", b"cn"), "came twice"),
        (tlv(0x30, number(1)), "without an operation"),
        (tlv(0x30, number(1) + b"\x64"), "shorter than its lengths say"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(message: bytes, said: str) -> None:
    """Tags and sums of lengths are checked everywhere."""
    with pytest.raises(BerError, match=said):
        _decoded(message)


@pytest.mark.parametrize(
    "data", [b"\x30\x80", b"\x30\x89" + b"\1" * 9, b"\x31\x00", b"HTTP/1.1 200 OK", b"\x30\xff" + b"\1" * 9]
)
def test_what_is_no_message_is_refused_at_once(data: bytes) -> None:
    """Without waiting for more bytes."""
    with pytest.raises(BerError, match=r"no LDAP message|indefinite or absurd"):
        _messages(data + b"\0" * 200)


def test_a_message_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A length alone cannot fill the memory."""
    monkeypatch.setattr(ber, "MAX_MESSAGE", 100)
    with pytest.raises(BerError, match="a message of 101 bytes"):
        _messages(tlv(0x30, b"x" * 101))


@pytest.mark.parametrize(
    ("content", "number"), [(b"\x7f", 127), (b"\x00\x81", 129), (b"\x81", -127), (b"\xff\xff", -1)]
)
def test_the_id_of_a_message_has_a_sign(content: bytes, number: int) -> None:
    """An INTEGER of BER is a two's complement (X.690 8.3): one byte of 129 is no answer to our message 129."""
    message = bytes([0x30, len(content) + 4, 0x02, len(content), *content, 0x64, 0x00])
    assert operation(message, 0) == (number, 4 + len(content))


def test_what_is_left_in_the_buffer_is_known() -> None:
    """StartTLS must find nothing behind its answer."""
    stream = MessageStream(_Socket(envelope(1, tlv(0x78, b"")) + b"more").recv)
    assert stream.message()
    assert stream.pending == 4


def test_only_so_many_names_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server cannot fill the memory with names either."""
    monkeypatch.setattr(ber, "_MAX_NAMES", 1)
    decoder = EntryDecoder()
    message = entry(1, b"cn=a", {"cn": [b"a"], "sn": [b"b"]})
    at = operation(message, 0)[1]
    assert decoder.entry(message, at, len(message)) == decoder.entry(message, at, len(message))
    assert len(decoder._names) == 1


DONE = envelope(5, result(0x65, 0, "fine", ["ldap://a"]), paged_control(b"cookie"))


def _checked(message: bytes) -> None:
    check_answer(message, operation(message, 0)[1], len(message))


@pytest.mark.parametrize(
    "message",
    [
        DONE,
        envelope(5, result(0x65, 4, "x" * 300), paged_control(b"")),
        envelope(1, result(0x61, 0)),
        envelope(1, tlv(0x61, number(0, 0x0A) + tlv(4, b"") * 2 + tlv(0x87, b"credentials"))),
        envelope(0, tlv(0x78, number(52, 0x0A) + tlv(4, b"") * 2 + tlv(0x8A, b"1.3.6"))),
        envelope(5, tlv(0x73, tlv(4, b"ldap://a") + tlv(4, b"ldap://b"))),
        envelope(5, result(0x65, 0), tlv(0x30, tlv(4, b"1.2.3") + tlv(1, b"\xff") + tlv(4, b"anything"))),
        envelope(5, result(0x65, 0), tlv(0x30, tlv(4, b"1.2.3"))),
    ],
)
def test_answers_that_servers_give_are_let_through(message: bytes) -> None:
    """Results with everything that may follow them, references, controls of any kind."""
    _checked(message)


@pytest.mark.parametrize("place", range(len(DONE) - 2))
def test_a_result_with_a_byte_too_few_is_refused(place: int) -> None:
    """Whichever byte it is: ldap3 would take the next one's neighbour, and a cookie of half the length for a cookie."""
    _, body, _ = split(DONE)
    with pytest.raises(BerError):
        _checked(tlv(0x30, body[:place] + body[place + 1 :]))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (envelope(5, tlv(0x79, b"")), "nobody asked for"),
        (envelope(5, tlv(0x6B, b"")), "nobody asked for"),
        (envelope(5, tlv(0x65, b"")), "a result that is none"),
        (envelope(5, tlv(0x65, tlv(0x0A, b"") + tlv(4, b"") * 2)), "contradict each other"),
        (envelope(5, tlv(0x65, number(0) + tlv(4, b"") * 2)), "a result that is none"),
        (envelope(5, result(0x65, 0), tlv(0x30, tlv(4, PAGED))), "a paging control that is none"),
        (envelope(5, result(0x65, 0), tlv(0x30, tlv(4, PAGED) + tlv(4, b""))), "a paging control that is none"),
        (envelope(5, result(0x65, 0), tlv(0x30, tlv(4, PAGED) + tlv(4, tlv(0x30, number(0))))), "that is none"),
        (envelope(5, result(0x65, 0)) + b"\x04", "without a length"),
    ],
)
def test_an_answer_that_is_none_is_refused(message: bytes, said: str) -> None:
    """Other operations, results without a code, a paging control without a cookie."""
    with pytest.raises(BerError, match=said):
        _checked(message)
