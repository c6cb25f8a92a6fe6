"""Answer LDAP searches from a list, and go wrong exactly as a test says; shares no code with the client that it tests."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from tests.fakes import ldap_ranges
from tests.fakes.ber import (
    PAGED,
    elements,
    entry,
    envelope,
    extended_result,
    message_length,
    paged_control,
    paging,
    result,
    split,
    tlv,
)
from tests.fakes.ldap_filters import by_object_class

STARTTLS, WHO_AM_I = b"1.3.6.1.4.1.1466.20037", b"1.3.6.1.4.1.4203.1.11.3"
BIND, UNBIND, SEARCH, EXTENDED = 0x60, 0x42, 0x63, 0x77
BASE_SCOPE = 0
NO_SUCH_OBJECT, SIZE_LIMIT, OPERATIONS_ERROR, PROTOCOL_ERROR = 32, 4, 1, 2
PAST_THE_END = "00002121: SvcErr: DSID-03140393, problem 5012 (DIR_ERROR), data 0"

Entry = tuple[str, Mapping[str, Sequence[bytes | str]]]


@dataclass(frozen=True)
class Request:
    """One search as it came; `number` counts the pages of a base from 1, and is 0 where none are asked for."""

    message_id: int
    base: str
    scope: int
    searched: bytes  # the filter, in BER
    attributes: Sequence[str]
    size: int
    cookie: bytes
    number: int = 0


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
    pause: float = 0.0  # seconds before each of these pieces
    references_first: bool = False  # before the entries instead of behind them


Script = Callable[[str, int, Reply], None]
"""Gets the base, the number of the page (from 1) and the reply."""


def _nothing(base: str, number: int, reply: Reply) -> None:
    """Answer as a good server does."""


def _unchanged(request: Request) -> None:
    """Leave the directory as it is."""


def _as_it_is(request: Request, reply: Reply) -> None:
    """Answer as a good server does."""


class Gate(Protocol):
    """The logins of one connection."""

    identity: str

    def bind(self, content: bytes) -> bytes:
        """Return the answer to a bind request."""


class _OpenGate:
    """Answer every bind with the same code, and know nobody."""

    identity = ""

    def __init__(self, code: int, message: str) -> None:
        self._answer = result(0x61, code, message)

    def bind(self, _content: bytes) -> bytes:
        return self._answer


@dataclass
class Directory:
    """What the responder holds, and how it answers other things than searches.

    `entries` may be dictionaries and lists that a script changes between two requests.
    """

    entries: Mapping[str, Sequence[Entry]]  # by base; a search finds all below its own
    script: Script = _nothing
    before: Callable[[Request], None] = _unchanged  # called before anything is looked up
    base_script: Callable[[Request, Reply], None] = _as_it_is  # for searches of one entry
    matches: Callable[[str, Mapping[str, Sequence[bytes | str]], bytes], bool] = by_object_class
    page_cap: int = 0  # MaxPageSize; 0 is none
    value_cap: int = 0  # MaxValRange; 0 is none
    cut: Callable[[ldap_ranges.Ask], ldap_ranges.Slice] = ldap_ranges.honest
    root: Mapping[str, Sequence[bytes | str]] = field(default_factory=dict)  # in place of the usual root DSE
    bind_code: int = 0
    bind_message: str = ""
    gate: Callable[[], Gate] | None = None  # in place of the code: what a new connection logs in at
    identifies: bool = True  # says who is logged in (RFC 4532)
    starttls_code: int = 52
    after_starttls: bytes = b""  # sent in clear right behind the answer
    tls: ssl.SSLContext | None = None  # what StartTLS leads to
    controls: Sequence[bytes] = (PAGED,)
    schema: str = "cn=schema"
    attribute_types: Sequence[str] = (
        "( 2.5.4.3 NAME 'cn' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
        "( 2.5.4.31 NAME 'member' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )",
    )
    object_classes: Sequence[str] = ("( 2.5.6.9 NAME 'groupOfNames' STRUCTURAL MUST ( member $ cn ) )",)
    requests: list[tuple[int, bytes]] = field(default_factory=list)  # operation tag and content, as received
    asked: list[Request] = field(default_factory=list)  # the searches among them
    pages: dict[str, int] = field(default_factory=dict)

    def searches(self) -> int:
        """Count the search requests."""
        return sum(tag == SEARCH for tag, _ in self.requests)

    def passwords(self) -> int:
        """Count the bind requests."""
        return sum(tag == BIND for tag, _ in self.requests)

    def root_dse(self) -> Entry:
        """Return the root DSE."""
        if self.root:
            return "", self.root
        root: dict[str, Sequence[bytes | str]] = {"subschemaSubentry": [self.schema], "vendorName": ["Fake"]}
        if self.controls:
            root["supportedControl"] = list(self.controls)
        return "", root

    def one(self, dn: str) -> list[Entry]:
        """Return the entry of that DN (or ``<GUID=…>``: hexadecimal bytes, or their text with hyphens), in a list that is empty where there is none."""
        if not dn:
            return [self.root_dse()]
        places = self.root_dse()[1].get("subschemaSubentry", ())
        if _plain(dn) in {_plain(str(place)) for place in places}:
            return [(dn, {"attributeTypes": self.attribute_types, "objectClasses": self.object_classes})]
        every = (each for listed in self.entries.values() for each in listed)
        if dn.startswith("<GUID="):
            guid = uuid.UUID(dn[6:-1])
            guids = {guid.bytes_le if "-" in dn else guid.bytes}
            return [each for each in every if not guids.isdisjoint(each[1].get("objectGUID", ()))]
        return [each for each in every if _plain(each[0]) == _plain(dn)]

    def below(self, base: str) -> list[Entry] | None:
        """Return the base's own list and whatever else lies under it; None where the base does not exist."""
        own, suffix = self.entries.get(base), _plain(base)
        found = list(own or ())
        for place, listed in self.entries.items():
            if place != base:
                found += [each for each in listed if f",{_plain(each[0])}".endswith(f",{suffix}")]
        return found if found or own is not None else None


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
        request_queue_size = 64
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
        self.gate = directory.gate() if directory.gate else _OpenGate(directory.bind_code, directory.bind_message)

    def run(self) -> None:
        while (message := self._receive()) is not None:
            _, body, _ = split(message)
            _, number, rest = split(body)
            tag, content, controls = split(rest)
            self.directory.requests.append((tag, content))
            message_id = int.from_bytes(number, "big")
            if tag == BIND:
                self._send(envelope(message_id, self.gate.bind(content)))
            elif tag == SEARCH:
                if not self._search(_request(message_id, content, controls)):
                    return
            elif tag == EXTENDED:
                self._extended(message_id, split(content)[1])
            else:
                return

    def _extended(self, message_id: int, name: bytes) -> None:
        if name == WHO_AM_I and self.directory.identifies:
            self._send(envelope(message_id, extended_result(self.gate.identity.encode())))
            return
        if name != STARTTLS:
            self._send(envelope(message_id, result(0x78, PROTOCOL_ERROR, "unknown operation")))
            return
        answer = envelope(message_id, result(0x78, self.directory.starttls_code, "no TLS here"))
        self._send(answer + self.directory.after_starttls)
        if self.directory.tls is not None:
            self.connection = self.directory.tls.wrap_socket(self.connection, server_side=True)

    def _search(self, request: Request) -> bool:
        if request.size:
            number = self.directory.pages[request.base] = self.directory.pages.get(request.base, 0) + 1
            request = Request(**{**vars(request), "number": number})
        self.directory.asked.append(request)
        self.directory.before(request)
        if request.scope == BASE_SCOPE:
            reply = self._encoded_entries(request, self.directory.one(request.base))
            self.directory.base_script(request, reply)
        else:
            reply = self._page(request)
            if request.size:
                self.directory.script(request.base, request.number, reply)
        return self._answer(reply)

    def _page(self, request: Request) -> Reply:
        every = self.directory.below(request.base)
        if every is None:
            return Reply(request.message_id, [], b"", NO_SUCH_OBJECT)
        every = [each for each in every if self.directory.matches(*each, request.searched)]
        size = min(filter(None, (request.size, self.directory.page_cap)), default=len(every) or 1)
        start = int(request.cookie or b"0")
        reply = self._encoded_entries(request, every[start : start + size])
        more = start + size < len(every)
        if request.size:
            reply.cookie = b"%d" % (start + size) if more else b""
        elif more:
            reply.code = SIZE_LIMIT
        return reply

    def _encoded_entries(self, request: Request, entries: Sequence[Entry]) -> Reply:
        cap, cut = self.directory.value_cap, self.directory.cut
        reply = Reply(request.message_id, [], None, 0 if entries else NO_SUCH_OBJECT * (request.scope == BASE_SCOPE))
        try:
            for each in entries:
                attributes = ldap_ranges.selected(each, request.attributes, cap, cut)
                reply.entries.append(entry(request.message_id, each[0], attributes))
        except ldap_ranges.PastTheEndError:
            reply.entries, reply.code, reply.message = [], OPERATIONS_ERROR, PAST_THE_END
        return reply

    def _answer(self, reply: Reply) -> bool:
        data = _encoded(reply)
        data = data[: int(len(data) * reply.keep)]
        step = reply.chunk or len(data) or 1
        for start in range(0, len(data), step):
            if reply.pause and self.stopped.wait(reply.pause):
                return False
            self._send(data[start : start + step])
        if reply.then == "hang":
            self.stopped.wait()
        return not reply.then

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


def _request(message_id: int, content: bytes, controls: bytes) -> Request:
    _, base, rest = split(content)
    _, scope, rest = split(rest)
    for _ in range(4):  # aliases, limits, types only
        _, _, rest = split(rest)
    after = split(rest)[2]
    names = [name.decode() for _, name in elements(split(after)[1])]
    size, cookie = paging(controls)
    return Request(message_id, base.decode(), scope[0], rest[: len(rest) - len(after)], names, size, cookie)


def _encoded(reply: Reply) -> bytes:
    references = [envelope(reply.request, tlv(0x73, tlv(0x04, link.encode()))) for link in reply.references]
    middle = len(reply.entries) * (not reply.references_first)
    data = b"".join([*reply.entries[:middle], *references, *reply.entries[middle:], reply.raw])
    if not reply.done:
        return data
    end = result(0x65, reply.code, reply.message, reply.referrals, reply.matched_dn)
    number = reply.request if reply.message_id is None else reply.message_id
    return data + envelope(number, end, b"" if reply.cookie is None else paged_control(reply.cookie))


def _plain(dn: str) -> str:
    """Return a DN that compares well enough for a list that a test made."""
    return re.sub(r"\s*(?<!\\),\s*", ",", dn).strip().lower()
