"""Encode search entries with every form of length that BER allows, the longer than needed included; shares no code with a decoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

SEQUENCE, SET, INTEGER, OCTETS, ENTRY = 0x30, 0x31, 0x02, 0x04, 0x64
WIDEST = 8  # bytes of a length; ldap3 looks no further

Attributes = Sequence[tuple[bytes, Sequence[bytes]]]


class Encoder:
    """Takes the width of each length in turn: 0 is the shortest form, n the long form with at least n bytes."""

    def __init__(self, widths: Sequence[int] = (0,)) -> None:
        self._widths: Iterator[int] = cycle(widths)

    def element(self, tag: int, content: bytes) -> bytes:
        """Return one element."""
        size, width = len(content), next(self._widths)
        if not width and size < 0x80:
            return bytes([tag, size]) + content
        width = max(width, (size.bit_length() + 7) // 8)
        return bytes([tag, 0x80 + width]) + size.to_bytes(width, "big") + content

    def entry(self, message_id: int, dn: bytes, attributes: Attributes) -> bytes:
        """Return a search entry as a whole message (RFC 4511 4.5.2)."""
        listed = b"".join(self._attribute(name, values) for name, values in attributes)
        body = self.element(OCTETS, dn) + self.element(SEQUENCE, listed)
        number = self.element(INTEGER, message_id.to_bytes(message_id.bit_length() // 8 + 1, "big"))
        return self.element(SEQUENCE, number + self.element(ENTRY, body))

    def _attribute(self, name: bytes, values: Sequence[bytes]) -> bytes:
        every = b"".join(self.element(OCTETS, value) for value in values)
        return self.element(SEQUENCE, self.element(OCTETS, name) + self.element(SET, every))
