"""Ask a running OpenLDAP what its own matching rules say, in messages of our own; shares no code with the client that is tested."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.fakes.ber import envelope, message_length, number, split, tlv
from tests.servers.slapd import Slapd

SUCCESS, COMPARE_FALSE, COMPARE_TRUE = 0, 5, 6
_REPLACE = 2


class Matching:
    """A bound connection, and one entry whose attribute gets values to compare with."""

    def __init__(self, connection: socket.socket, entry: str, attribute: str) -> None:
        """The entry must exist and may have the attribute."""
        self._connection, self._entry, self._attribute = connection, entry.encode(), attribute.encode()
        self._buffer, self._number = b"", 0

    def bind(self, dn: str, password: str) -> int:
        """Return the result code."""
        request = tlv(0x60, number(3) + tlv(0x04, dn.encode()) + tlv(0x80, password.encode()))
        return self._codes([request])[0]

    def store(self, value: bytes) -> int:
        """Let the entry hold that one value; anything but SUCCESS says why it cannot."""
        values = tlv(0x30, tlv(0x04, self._attribute) + tlv(0x31, tlv(0x04, value)))
        change = tlv(0x30, number(_REPLACE, 0x0A) + values)
        return self._codes([tlv(0x66, tlv(0x04, self._entry) + tlv(0x30, change))])[0]

    def compared(self, values: Sequence[bytes]) -> list[int]:
        """Return for each value whether it is the one that is held: COMPARE_TRUE, COMPARE_FALSE, or why it is no value."""
        assertions = (tlv(0x30, tlv(0x04, self._attribute) + tlv(0x04, value)) for value in values)
        return self._codes([tlv(0x6E, tlv(0x04, self._entry) + assertion) for assertion in assertions])

    def _codes(self, operations: Sequence[bytes]) -> list[int]:
        first, self._number = self._number + 1, self._number + len(operations)
        self._connection.sendall(b"".join(envelope(first + n, each) for n, each in enumerate(operations)))
        codes = dict(self._answer() for _ in operations)
        return [codes[first + n] for n in range(len(operations))]

    def _answer(self) -> tuple[int, int]:
        while not (end := message_length(self._buffer)) or len(self._buffer) < end:
            data = self._connection.recv(65536)
            assert data, "the server has gone"
            self._buffer += data
        message, self._buffer = self._buffer[:end], self._buffer[end:]
        _, message_id, rest = split(split(message)[1])
        return int.from_bytes(message_id, "big"), int.from_bytes(split(split(rest)[1])[1], "big")


@contextmanager
def matching(server: Slapd, entry: str, attribute: str) -> Iterator[Matching]:
    """Compare values of an attribute of an entry with the rights of the administrator while the block runs."""
    port = urlsplit(server.url).port
    with socket.create_connection(("127.0.0.1", port or 0), 10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found = Matching(connection, entry, attribute)
        assert found.bind(server.admin_dn, server.password) == SUCCESS
        yield found
