"""Answer LDAP searches from a list, and go wrong exactly as a test says; shares no code with the client that it tests."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

PAGED = b"1.2.840.113556.1.4.319"
STARTTLS = b"1.3.6.1.4.1.1466.20037"
BIND, UNBIND, SEARCH, EXTENDED = 0x60, 0x42, 0x63, 0x77

Entry = tuple[str, Mapping[str, Sequence[bytes | str]]]


@dataclass
class Reply:
    """One answer to a search, as a script may change it before it is sent."""

    request: int  # the message id that all parts of the answer carry
    entries: list[bytes]
    cookie: bytes | None
    code: int = 0
    message: str = ""
    matched_dn: str = ""
    references: list[str] = field(default_factory=list)
    referrals: list[str] = field(default_factory=list)
    raw: bytes = b""  # sent between the entries and the end
    message_id: int | None = None  # of the end, where it is not the request's
    done: bool = True  # whether the end is sent at all
    keep: float = 1.0  # which part of the bytes is sent
    then: str = ""  # "close" or "hang"
    chunk: int = 0  # send so many bytes at a time


Script = Callable[[str, int, Reply], None]
"""Gets the base, the number of the page (from 1) and the reply."""


def _nothing(base: str, number: int, reply: Reply) -> None:
    """Answer as a good server does."""


@dataclass
class Directory:
    """What the responder holds, and how it answers other things than searches."""

    entries: Mapping[str, Sequence[Entry]]  # by base
    script: Script = _nothing
    bind_code: int = 0
    bind_message: str = ""
    starttls_code: int = 52
    after_starttls: bytes = b""  # sent in clear right behind the answer
    tls: ssl.SSLContext | None = None  # what StartTLS leads to
    controls: Sequence[bytes] = (PAGED,)
    schema: str = "cn=schema"
    requests: list[tuple[int, bytes]] = field(default_factory=list)  # operation tag and content, as received
    pages: dict[str, int] = field(default_factory=dict)

    def searches(self) -> int:
        """Count the search requests."""
        return sum(tag == SEARCH for tag, _ in self.requests)

    def passwords(self) -> int:
        """Count the bind requests."""
        return sum(tag == BIND for tag, _ in self.requests)


@contextmanager
def responder(directory: Directory) -> Iterator[str]:
    """Serve on a free loopback port while the block runs; gives the URL."""
    stopped = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            dialogue = _Dialogue(self.request, directory, stopped)
            try:
                dialogue.run()
            finally:
                dialogue.connection.close()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"ldap://127.0.0.1:{server.server_address[1]}"
        finally:
            stopped.set()
            server.shutdown()
            thread.join()


class _Dialogue:
    """One connection."""

    def __init__(self, connection: socket.socket, directory: Directory, stopped: threading.Event) -> None:
        self.connection, self.directory, self.stopped = connection, directory, stopped
        self.buffer = b""

    def run(self) -> None:
        while (message := self._receive()) is not None:
            _, body, _ = split(message)
            _, number, rest = split(body)
            tag, content, controls = split(rest)
            self.directory.requests.append((tag, content))
            message_id = int.from_bytes(number, "big")
            if tag == BIND:
                self._send(envelope(message_id, result(0x61, self.directory.bind_code, self.directory.bind_message)))
            elif tag == SEARCH:
                if not self._search(message_id, content, controls):
                    return
            elif tag == EXTENDED:
                answer = envelope(message_id, result(0x78, self.directory.starttls_code, "no TLS here"))
                self._send(answer + self.directory.after_starttls)
                if self.directory.tls is not None:
                    self.connection = self.directory.tls.wrap_socket(self.connection, server_side=True)
            else:
                return

    def _search(self, message_id: int, content: bytes, controls: bytes) -> bool:
        base = split(content)[1].decode()
        size, cookie = paging(controls)
        if not size:
            entries = [self._root_dse()] if not base else [self._schema()] if base == self.directory.schema else []
            self._send(
                self._encoded(message_id, Reply(message_id, [entry(message_id, *each) for each in entries], None))
            )
            return True
        number = self.directory.pages[base] = self.directory.pages.get(base, 0) + 1
        every = self.directory.entries.get(base, [])
        start = int(cookie or b"0")
        page = [entry(message_id, *each) for each in every[start : start + size]]
        rest = b"%d" % (start + size) if start + size < len(every) else b""
        reply = Reply(message_id, page, rest)
        self.directory.script(base, number, reply)
        return self._answer(message_id, reply)

    def _answer(self, message_id: int, reply: Reply) -> bool:
        data = self._encoded(message_id, reply)
        data = data[: int(len(data) * reply.keep)]
        step = reply.chunk or len(data) or 1
        for start in range(0, len(data), step):
            self._send(data[start : start + step])
        if reply.then == "hang":
            self.stopped.wait()
        return not reply.then

    def _encoded(self, message_id: int, reply: Reply) -> bytes:
        references = [envelope(message_id, tlv(0x73, tlv(0x04, reference.encode()))) for reference in reply.references]
        data = b"".join([*reply.entries, *references, reply.raw])
        if not reply.done:
            return data
        end = result(0x65, reply.code, reply.message, reply.referrals, reply.matched_dn)
        number = message_id if reply.message_id is None else reply.message_id
        return data + envelope(number, end, b"" if reply.cookie is None else paged_control(reply.cookie))

    def _root_dse(self) -> Entry:
        root: dict[str, Sequence[bytes | str]] = {"subschemaSubentry": [self.directory.schema], "vendorName": ["Fake"]}
        if self.directory.controls:
            root["supportedControl"] = list(self.directory.controls)
        return "", root

    def _schema(self) -> Entry:
        return self.directory.schema, {
            "attributeTypes": [
                "( 2.5.4.3 NAME 'cn' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
                "( 2.5.4.31 NAME 'member' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )",
            ],
            "objectClasses": ["( 2.5.6.9 NAME 'groupOfNames' STRUCTURAL MUST ( member $ cn ) )"],
        }

    def _receive(self) -> bytes | None:
        while True:
            end = message_length(self.buffer)
            if end and len(self.buffer) >= end:
                message, self.buffer = self.buffer[:end], self.buffer[end:]
                return message
            try:
                data = self.connection.recv(65536)
            except OSError:
                return None
            if not data:
                return None
            self.buffer += data

    def _send(self, data: bytes) -> None:
        try:
            self.connection.sendall(data)
        except OSError:
            return


def tlv(tag: int, content: bytes) -> bytes:
    """Return one BER element with a definite length."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def split(data: bytes) -> tuple[int, bytes, bytes]:
    """Return tag, content and what follows of the first element."""
    size, start = data[1], 2
    if size >= 0x80:
        start = 2 + (size & 0x7F)
        size = int.from_bytes(data[2:start], "big")
    return data[0], data[start : start + size], data[start + size :]


def message_length(data: bytes) -> int:
    """Return the length of the first message, 0 while its header is not there."""
    if len(data) < 2 or (data[1] >= 0x80 and len(data) < 2 + (data[1] & 0x7F)):
        return 0
    size, start = data[1], 2
    if size >= 0x80:
        start = 2 + (size & 0x7F)
        size = int.from_bytes(data[2:start], "big")
    return start + size


def number(value: int, tag: int = 0x02) -> bytes:
    """Return an integer (or, with tag 0x0a, an enumerated) of no negative value."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def envelope(message_id: int, operation: bytes, controls: bytes = b"") -> bytes:
    """Return a whole LDAP message."""
    return tlv(0x30, number(message_id) + operation + (tlv(0xA0, controls) if controls else b""))


def result(tag: int, code: int, message: str = "", referrals: Sequence[str] = (), matched_dn: str = "") -> bytes:
    """Return an LDAPResult under some operation's tag."""
    text = number(code, 0x0A) + tlv(0x04, matched_dn.encode()) + tlv(0x04, message.encode())
    links = b"".join(tlv(0x04, referral.encode()) for referral in referrals)
    return tlv(tag, text + (tlv(0xA3, links) if links else b""))


def entry(message_id: int, dn: str | bytes, attributes: Mapping[str, Sequence[bytes | str]]) -> bytes:
    """Return a search entry as a whole message."""
    listed = b"".join(
        tlv(0x30, tlv(0x04, name.encode()) + tlv(0x31, b"".join(tlv(0x04, raw(value)) for value in values)))
        for name, values in attributes.items()
    )
    return envelope(message_id, tlv(0x64, tlv(0x04, raw(dn)) + tlv(0x30, listed)))


def raw(value: bytes | str) -> bytes:
    """Return text as UTF-8, bytes as they are."""
    return value.encode() if isinstance(value, str) else value


def paged_control(cookie: bytes, size: int = 0) -> bytes:
    """Return the paging control of an answer."""
    return tlv(0x30, tlv(0x04, PAGED) + tlv(0x04, tlv(0x30, number(size) + tlv(0x04, cookie))))


def paging(controls: bytes) -> tuple[int, bytes]:
    """Return page size and cookie that a request asks for; size 0 where it does not page. The control must be critical."""
    if not controls:
        return 0, b""
    _, every, _ = split(controls)
    _, control, _ = split(every)
    _, oid, rest = split(control)
    assert oid == PAGED
    tag, critical, rest = split(rest)
    assert (tag, critical) == (0x01, b"\xff")
    _, value, _ = split(rest)
    _, pair, _ = split(value)
    _, size, rest = split(pair)
    return int.from_bytes(size, "big"), split(rest)[1]
