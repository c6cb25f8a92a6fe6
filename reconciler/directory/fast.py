"""Let ldap3 read search entries through our own decoder; never decode any other message, nor change what an answer means.

ldap3 2.9.1 reads 4 KiB at a time, copies the rest of its buffer for every message, and builds each value twice through
generic tuples; on a directory of 30,000 entries that is ten times the work of walking the bytes once.
"""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPExceptionError, LDAPSessionTerminatedByServerError, LDAPSocketReceiveError
from ldap3.strategy.base import RESPONSE_COMPLETE, SESSION_TERMINATED_BY_SERVER
from ldap3.strategy.sync import SyncStrategy
from ldap3.utils.asn1 import decode_message_fast

from reconciler.directory.ber import SEARCH_ENTRY, BerError, EntryDecoder, MessageStream, check_answer, operation
from reconciler.directory.controls import Listener
from reconciler.directory.pages import code_text

KNOWN_VERSION = "2.9.1"  # whose private parts the class below was written against
OUT_OF_TIME = "the whole read took longer than read_timeout allows"
_UNFINISHED = frozenset({"searchResEntry", "searchResRef", "intermediateResponse"})
_COPIED = ("send", "open", "get_response", "post_send_single_response", "post_send_search")


def install(connection: Any) -> bool:
    """Give a connection that is not open yet the fast strategy; with another version of ldap3 leave it as it is.

    The connection must not follow ranges by itself: ldap3's code for that needs two dictionaries per entry.
    """
    if ldap3.__version__ != KNOWN_VERSION or connection.auto_range:
        return False
    connection.strategy = FastSyncStrategy(connection)
    for name in _COPIED:  # bound methods that the connection copied from its first strategy
        setattr(connection, name, getattr(connection.strategy, name))
    return True


class FastSyncStrategy(SyncStrategy):  # type: ignore[misc]  # ldap3 has no types
    """ldap3's synchronous strategy with its receiving side replaced.

    An entry comes as ldap3's own dictionary, less the decoded ``attributes``; controls of an entry are left out.
    """

    def __init__(self, connection: Any) -> None:
        """Start without a stream: the socket does not exist yet."""
        super().__init__(connection)
        self._stream: MessageStream | None = None
        self._stream_socket: Any = None
        self.deadline = inf  # of time.monotonic(): nothing is received after it
        self._decoder = EntryDecoder()
        self.listener: Listener | None = None
        """Who takes the entries of the next answer as they come, in place of a list of them."""

    def _open_socket(self, *address: Any, **how: Any) -> None:
        """Open as ldap3 does, but leave no socket behind that could not be connected or encrypted."""
        try:
            super()._open_socket(*address, **how)
        except BaseException:
            if self.connection.socket is not None:
                self.connection.socket.close()
            raise

    def _get_response(self, message_id: int, _timeout: object) -> Any:
        """Return the answer's messages and ldap3's mark behind them; the timeout is the socket's own, as in ldap3."""
        responses: list[Any] = []
        try:
            stream = self._stream_of_connection()
            while message := stream.message():
                data, start, end = message
                number, at = operation(data, start)
                if number == message_id and self._taken(data, at, end, responses):
                    continue
                check_answer(data, at, end)
                response = self._decoded(data[start:end], number, message_id)
                responses.append(response)
                if response["type"] not in _UNFINISHED:
                    responses.append(RESPONSE_COMPLETE)
                    return responses
        except (OSError, BerError) as error:
            self._close_quietly()
            raise LDAPSocketReceiveError(f"error receiving data: {error}") from error
        return SESSION_TERMINATED_BY_SERVER

    def _taken(self, data: bytes, at: int, end: int, entries: list[Any]) -> bool:
        """Take the operation at `at` if it is an entry, or if the listener wants it."""
        if self.listener is not None:
            return self.listener.takes(data, at, end)
        if data[at] != SEARCH_ENTRY:
            return False
        dn, attributes = self._decoder.entry(data, at, end)
        entries.append({"type": "searchResEntry", "raw_dn": dn, "raw_attributes": attributes})
        return True

    def _stream_of_connection(self) -> MessageStream:
        """Return the stream of the present socket, which StartTLS replaces by an encrypted one.

        What came in clear behind the answer to StartTLS could be anybody's (RFC 4513 3.1): it is refused.
        """
        if self._stream is None or self._stream_socket is not self.connection.socket:
            if self._stream is not None and self._stream.pending and self.connection.tls_started:
                raise BerError("unencrypted bytes behind the answer to StartTLS")
            self._stream_socket = self.connection.socket
            self._stream = MessageStream(self._received)
        return self._stream

    def _received(self, size: int) -> bytes:
        """Receive as the socket does; a server that sends a byte now and then never meets the socket's own timeout."""
        if monotonic() > self.deadline:
            raise TimeoutError(OUT_OF_TIME)
        data: bytes = self._stream_socket.recv(size)
        return data

    def _decoded(self, message: bytes, number: int, message_id: int) -> dict[str, Any]:
        response: dict[str, Any] = self.decode_response_fast(decode_message_fast(message))
        if number == 0:
            self._close_quietly()
            said = code_text(response.get("result", 0), response.get("message", ""))
            raise LDAPSessionTerminatedByServerError(f"the server ended the connection: {said}")
        if number != message_id:
            raise BerError("an answer to another request")
        return response

    def _close_quietly(self) -> None:
        try:
            self.close()
        except (OSError, LDAPExceptionError):
            self.connection.closed = True  # it is of no use any more, however it ended
