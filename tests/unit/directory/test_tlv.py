"""Elements are written as BER has them, and read exactly or refused."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.directory import tlv
from reconciler.directory.ber import BerError, EntryDecoder
from tests.fakes import ber as fake

_ATTRIBUTES = st.dictionaries(
    st.from_regex(r"[A-Za-z][A-Za-z0-9;-]{0,140}", fullmatch=True),
    st.lists(st.binary(max_size=300), max_size=4),
    max_size=5,
)


@given(st.binary(max_size=70_000))
def test_an_element_is_written_as_another_encoder_does(content: bytes) -> None:
    """Lengths of one byte and of more."""
    assert tlv.encoded(0x04, content) == fake.tlv(0x04, content)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=5))
def test_elements_are_what_was_written(parts: list[tuple[int, bytes]]) -> None:
    """In order."""
    assert tlv.elements(b"".join(tlv.encoded(tag, content) for tag, content in parts)) == parts


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), min_size=1, max_size=5), st.data())
def test_elements_that_are_cut_short_are_refused(parts: list[tuple[int, bytes]], data: st.DataObject) -> None:
    """Wherever the end is, except between two."""
    written = [tlv.encoded(tag, content) for tag, content in parts]
    ends = {sum(map(len, written[:n])) for n in range(len(written) + 1)}
    whole = b"".join(written)
    end = data.draw(st.integers(0, len(whole)).filter(lambda at: at not in ends))
    with pytest.raises(BerError):
        tlv.elements(whole[:end])


@pytest.mark.parametrize("written", [b"\x04\x80", b"\x04\x89" + b"\0" * 9, b"\x04\x82\x01", b"\x04"])
def test_absurd_lengths_are_refused(written: bytes) -> None:
    """Indefinite, too wide, or cut."""
    with pytest.raises(BerError):
        tlv.elements(written)


@given(st.binary(max_size=100), _ATTRIBUTES)
def test_an_entry_is_read_back_by_the_decoder_of_entries(dn: bytes, attributes: dict[str, list[bytes]]) -> None:
    """With all values, and its DN alone where nobody asks for more."""
    assume(len(set(map(str.lower, attributes))) == len(attributes))
    written = tlv.entry(dn, attributes)
    assert EntryDecoder().entry(written, 0, len(written)) == (dn, attributes)
    assert EntryDecoder().dn(written) == dn


def test_a_sequence_is_one_element_and_nothing_else() -> None:
    """What follows it belongs to somebody else."""
    inner = tlv.encoded(tlv.OCTETS, b"x")
    assert tlv.sequence(tlv.encoded(tlv.SEQUENCE, inner)) == [(tlv.OCTETS, b"x")]
    for wrong in (b"", inner, tlv.encoded(tlv.SEQUENCE, inner) * 2):
        with pytest.raises(BerError):
            tlv.sequence(wrong)


@given(st.integers(-(2**31), 2**31 - 1))
def test_numbers_are_signed(value: int) -> None:
    """As ASN.1 has them."""
    assert tlv.number(value.to_bytes(4, "big", signed=True)) == value


def test_numbers_and_booleans_have_their_sizes() -> None:
    """No bytes are no number, and two are no boolean."""
    assert tlv.boolean(b"\xff")
    assert tlv.boolean(b"\x01")
    assert not tlv.boolean(b"\0")
    for read, wrong in ((tlv.number, b""), (tlv.number, b"\0" * 9), (tlv.boolean, b""), (tlv.boolean, b"\0\0")):
        with pytest.raises(BerError):
            read(wrong)
