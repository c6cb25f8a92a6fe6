"""Whatever bytes come, our decoder of search entries gives what ldap3's own gives, or refuses: never another entry."""

from __future__ import annotations

from typing import Any, TypeAlias

import ldap3
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from ldap3.strategy.sync import SyncStrategy
from ldap3.utils.asn1 import decode_message_fast

from reconciler.directory.ber import SEARCH_ENTRY, BerError, EntryDecoder, MessageStream, operation
from tests.fakes.ber_forms import OCTETS, SEQUENCE, SET, WIDEST, Attributes, Encoder

Entry: TypeAlias = tuple[int, bytes, dict[str, list[bytes]]]
"""Message id, DN, values by attribute description."""

_OPTIONS = ["", ";binary", ";lang-en;x-1", ";range=0-1499"]
_NAMES = st.builds(
    "{}{}".format, st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True), st.sampled_from(_OPTIONS)
)
_LENGTHS = st.sampled_from([0, 1, 125, 126, 127, 128, 129, 255, 256, 65_535, 65_536])
_VALUES = st.binary(max_size=40) | st.builds(
    lambda byte, size: byte * size, st.binary(min_size=1, max_size=1), _LENGTHS
)
_ATTRIBUTES = st.lists(
    st.tuples(_NAMES.map(str.encode), st.lists(_VALUES, max_size=5) | st.lists(st.just(b"uid=a"), max_size=300)),
    max_size=6,
    unique_by=lambda attribute: attribute[0].lower(),
)
_DNS = st.text(max_size=40).map(str.encode) | st.just(b"cn=" + b"x" * 300)
_ENCODERS = st.builds(Encoder, st.lists(st.integers(0, WIDEST) | st.just(0), min_size=1, max_size=7))
_IDS = st.integers(1, 2**31 - 1)
_SMALL = [(b"cn", [b"a", b"b" * 130]), (b"sn", []), (b"member;range=0-1", [b"", b"uid=a,dc=b"])]
_LDAP3: Any = ldap3.Connection(ldap3.Server("nowhere", get_info=ldap3.NONE), check_names=False)  # never opened
_TELLING = [0x00, 0x01, 0x02, OCTETS, 0x24, SEQUENCE, SET, 0x64, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xA0, 0xFF]


@given(_ENCODERS, _IDS, _DNS, _ATTRIBUTES)
@example(Encoder([0, 0, 0, 1]), 7, b"cn=a", [(b"cn", [b"a"])])  # a short attribute that holds a length of two bytes
def test_an_entry_in_any_form_is_the_same_to_both_decoders(
    encoder: Encoder, message_id: int, dn: bytes, attributes: Attributes
) -> None:
    """Short, long and padded lengths, options, no values, many values, any bytes as a value."""
    message = encoder.entry(message_id, dn, attributes)
    written = (message_id, dn, {name.decode(): list(values) for name, values in attributes})
    assert _ours(message) == written
    assert _theirs(message) == written


@given(_ENCODERS, _IDS, st.data())
def test_a_damaged_entry_is_refused_or_the_same_to_both_decoders(
    encoder: Encoder, message_id: int, data: st.DataObject
) -> None:
    """Bytes changed, cut out or put in. What ldap3 accepts and we refuse is the allowed direction, the other is not."""
    message = bytearray(encoder.entry(message_id, b"cn=a,dc=b", data.draw(st.just(_SMALL) | _ATTRIBUTES)))
    for _ in range(data.draw(st.integers(1, 3))):
        _damage(message, data)
    found = _ours(bytes(message))
    event("refused" if found is None else "read")
    if found is not None:
        assert _theirs(bytes(message)) == found


@given(_ENCODERS, st.data())
def test_a_wrong_length_never_moves_bytes_from_one_place_to_another(encoder: Encoder, data: st.DataObject) -> None:
    """The likeliest damage: one header byte says more or less than there is."""
    message = bytearray(encoder.entry(5, b"cn=a,dc=b", _SMALL))
    headers = [at + 1 for at in range(len(message) - 1) if message[at] in {SEQUENCE, SET, OCTETS, 0x02, 0x64}]
    at = data.draw(st.sampled_from(headers))
    message[at] = max(0, min(255, message[at] + data.draw(st.integers(-3, 3))))
    found = _ours(bytes(message))
    assert found is None or found == _theirs(bytes(message))


@pytest.mark.parametrize("cut", range(1, 60))
def test_what_ldap3_reads_from_a_cut_entry_is_refused(cut: int) -> None:
    """ldap3 takes what is there for a shorter value; we do not, whichever byte is the last."""
    message = Encoder().entry(5, b"cn=a,dc=b", [(b"description", [b"x" * 60])])
    assert _ours(message[:-cut]) is None
    assert _theirs_unchecked(message[:-cut]) is not None


def test_a_name_that_comes_twice_in_another_case_is_refused() -> None:
    """ldap3 keeps the later values and forgets the earlier ones (RFC 4511 4.5.2 allows no name twice)."""
    message = Encoder().entry(5, b"cn=a", [(b"member", [b"uid=a"]), (b"Member", [b"uid=b"])])
    assert _ours(message) is None
    theirs = _theirs(message)
    assert theirs is not None
    assert list(theirs[2].values()) == [[b"uid=b"]]


def _damage(message: bytearray, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, max(0, len(message) - 1)))
    byte = data.draw(st.sampled_from(_TELLING) | st.integers(0, 255))
    match data.draw(st.sampled_from(["bit", "byte", "cut", "insert", "end"])):
        case "bit":
            message[at : at + 1] = bytes(one ^ 1 << byte % 8 for one in message[at : at + 1])
        case "byte":
            message[at : at + 1] = bytes([byte])
        case "cut":
            del message[at : at + 1 + byte % 4]
        case "insert":
            message[at:at] = bytes([byte])
        case _:
            del message[at:]


def _ours(data: bytes) -> Entry | None:
    """Return the entry, None for what is refused or is no entry; any other exception fails the test."""
    rest = [data]
    try:
        message = MessageStream(lambda _: rest.pop() if rest else b"").message()
        if message is None:
            return None
        buffer, start, end = message
        number, at = operation(buffer, start)
        if buffer[at] != SEARCH_ENTRY:
            return None
        dn, attributes = EntryDecoder().entry(buffer, at, end)
    except BerError:
        return None
    return number, dn, attributes


def _theirs(data: bytes) -> Entry | None:
    """Return what ldap3 makes of the first message of `data`, None where it has not come to its end."""
    size = SyncStrategy.compute_ldap_message_size(data)
    return _theirs_unchecked(data[:size]) if 0 <= size <= len(data) else None


def _theirs_unchecked(message: bytes) -> Entry | None:
    """Return the entry as ldap3's own decoder understands it, however it fails."""
    try:
        decoded = decode_message_fast(message)
        found = _LDAP3.strategy.decode_response_fast(decoded)
        if found["type"] != "searchResEntry":
            return None
        attributes = {name: list(values or ()) for name, values in found["raw_attributes"].items()}
    except Exception:  # noqa: BLE001 - KeyError, IndexError, TypeError and others: ldap3 checks nothing
        return None
    return decoded["messageID"], found["raw_dn"], attributes
