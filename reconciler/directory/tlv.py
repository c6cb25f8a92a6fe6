"""Encode and take apart the few BER elements that controls and our own cache are made of; never reads past what is announced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from reconciler.directory.ber import SEARCH_ENTRY, BerError

BOOLEAN, INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET = 0x01, 0x02, 0x04, 0x0A, 0x30, 0x31
_LONG = 0x80
_MAX_WIDTH = 8  # bytes of a length


def encoded(tag: int, *contents: bytes) -> bytes:
    """Return an element of that tag."""
    content = b"".join(contents)
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    width = (size.bit_length() + 7) // 8
    return bytes((tag, _LONG | width)) + size.to_bytes(width, "big") + content


def entry(dn: bytes, attributes: Mapping[str, Sequence[bytes]]) -> bytes:
    """Return a SearchResultEntry (RFC 4511 4.5.2)."""
    parts = [_attribute(name, values) for name, values in attributes.items()]
    return encoded(SEARCH_ENTRY, encoded(OCTETS, dn), encoded(SEQUENCE, *parts))


def _attribute(name: str, values: Sequence[bytes]) -> bytes:
    described = _described(name)
    if len(values) == 1:
        size, rest = len(values[0]), len(described) + 4
        if size + rest < _LONG:  # one short value, as most attributes have
            return bytes((SEQUENCE, size + rest)) + described + bytes((SET, size + 2, OCTETS, size)) + values[0]
    return encoded(SEQUENCE, described, encoded(SET, *[encoded(OCTETS, value) for value in values]))


@lru_cache(4096)
def _described(name: str) -> bytes:
    return encoded(OCTETS, name.encode())


def bounds(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return start and end of the content of the element at `at`; raises BerError unless all of it lies before `end`."""
    if at + 2 > end:
        raise BerError("an element without a length")
    size, start = data[at + 1], at + 2
    if size >= _LONG:
        width = size - _LONG
        start += width
        if not 0 < width <= _MAX_WIDTH or start > end:
            raise BerError("a length that is indefinite or absurd")
        size = int.from_bytes(data[at + 2 : start], "big")
    if start + size > end:
        raise BerError("an element is longer than what holds it")
    return start, start + size


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """Return tag and content of the elements that the bytes consist of; raises BerError for anything left over."""
    found, at = [], 0
    while at < len(data):
        start, stop = bounds(data, at, len(data))
        found.append((data[at], data[start:stop]))
        at = stop
    return found


def sequence(data: bytes, tag: int = SEQUENCE) -> list[tuple[int, bytes]]:
    """Return the elements inside the one constructed element that the bytes are."""
    found = elements(data)
    if [kind for kind, _ in found] != [tag]:
        raise BerError(f"what should be one element of tag {tag:#04x} is not")
    return elements(found[0][1])


def boolean(content: bytes) -> bool:
    """Return a BOOLEAN's value: anything but zero is true (X.690 8.2)."""
    if len(content) != 1:
        raise BerError("a boolean of another length than one byte")
    return content != b"\0"


def number(content: bytes) -> int:
    """Return the value of an INTEGER or ENUMERATED of at most eight bytes."""
    if not 0 < len(content) <= _MAX_WIDTH:
        raise BerError("a number of no or too many bytes")
    return int.from_bytes(content, "big", signed=True)
