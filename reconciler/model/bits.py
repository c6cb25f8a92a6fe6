"""Sets of small integers as bits of one big integer: made and listed fast; never knows what the integers mean."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress, count

_DIGITS = bytes(byte & 1 for byte in range(256))  # "0" is even and "1" is odd in ASCII
_DENSE = 8  # with more than one bit of eight set, looking at every bit beats searching for the next one


def bits_of(indexes: Iterable[int]) -> int:
    """Return the integer whose bits at `indexes` (0 or more, any order, repeats allowed) are set."""
    chosen = list(indexes)
    if not chosen:
        return 0
    buffer = bytearray((max(chosen) >> 3) + 1)
    for index in chosen:
        buffer[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(buffer, "little")


def indexes(bits: int) -> list[int]:
    """Return the places of the set bits of a non-negative integer, lowest first."""
    digits = bin(bits)[:1:-1]
    if bits.bit_count() * _DENSE > len(digits):
        return list(compress(count(), digits.encode().translate(_DIGITS)))
    found = []
    place = digits.find("1")
    while place >= 0:
        found.append(place)
        place = digits.find("1", place + 1)
    return found


def ones(size: int) -> int:
    """Return the integer whose lowest `size` bits are set: the set of everything."""
    return (1 << size) - 1
