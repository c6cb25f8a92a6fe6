"""Stand between a client and an LDAP server, and do one thing wrong with one of the server's messages."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

from tests.fakes.ber import envelope, message_length, number, result, split, tlv

ENTRY, DONE = 0x64, 0x65
CLOSE, STALL = "close", "stall"
NOTICE_OF_DISCONNECTION = b"1.3.6.1.4.1.1466.20036"


@dataclass(frozen=True)
class Sent:
    """What the client gets in place of a message, and what happens then: nothing, or CLOSE, or STALL."""

    data: bytes
    then: str = ""


Fault: TypeAlias = Callable[[bytes], Sent]
"""Gets a whole message; one that it returns as it was is not touched."""


@dataclass
class Proxy:
    """A running proxy. `messages` are what the server sent on the last connection, before any fault."""

    url: str = ""
    fault: Fault = Sent
    at: int = 0  # the number of the message that the fault is for, from 1; 0 for none
    messages: list[bytes] = field(default_factory=list)


@contextmanager
def proxy(server: str, fault: Fault = Sent, at: int = 0) -> Iterator[Proxy]:
    """Forward a free loopback port to `server` (an ldap:// URL) while the block runs."""
    running, stopped = Proxy(fault=fault, at=at), threading.Event()
    parts = urlsplit(server)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((parts.hostname or "", parts.port or 389)) as upstream:
                running.messages.clear()
                for each in (upstream, self.request):  # else the kernel waits 40 ms for more to send
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                back = threading.Thread(target=_answers, args=(upstream, self.request, running, stopped), daemon=True)
                back.start()
                _copied(self.request, upstream)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as listening:
        running.url = f"ldap://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            stopped.set()
            listening.shutdown()
            thread.join()


def _copied(source: socket.socket, sink: socket.socket) -> None:
    """Hand on what the client says, until it or the server has gone."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def _answers(source: socket.socket, sink: socket.socket, running: Proxy, stopped: threading.Event) -> None:
    with suppress(OSError):
        for message in _whole(source):
            running.messages.append(message)
            sent = running.fault(message) if len(running.messages) == running.at else Sent(message)
            sink.sendall(sent.data)
            if sent.then == STALL:
                stopped.wait()
            if sent.then:
                break
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def _whole(source: socket.socket) -> Iterator[bytes]:
    buffer = b""
    while data := source.recv(65536):
        buffer += data
        while (end := message_length(buffer)) and len(buffer) >= end:
            yield buffer[:end]
            buffer = buffer[end:]


def parts_of(message: bytes) -> tuple[int, int, bytes, bytes]:
    """Return a message's id, its operation's tag and content, and the controls as they stand behind it."""
    _, message_id, rest = split(split(message)[1])
    tag, content, controls = split(rest)
    return int.from_bytes(message_id, "big"), tag, content, controls


def rebuilt(message: bytes, **changes: int | bytes) -> bytes:
    """Return a message with another `message_id`, `tag` or `content`, and lengths that are right for it."""
    message_id, tag, content, controls = parts_of(message)
    found: Mapping[str, int | bytes] = {"message_id": message_id, "tag": tag, "content": content, **changes}
    operation = tlv(int(found["tag"]), bytes(found["content"]))
    return tlv(0x30, number(int(found["message_id"])) + operation + controls)


def _tagged(tag: int) -> Fault:
    return lambda message: Sent(rebuilt(message, tag=tag))


def _coded(code: int) -> Fault:
    def fault(message: bytes) -> Sent:
        _, tag, content, _ = parts_of(message)
        if tag == ENTRY:
            return Sent(message)
        behind = split(content)[2]
        return Sent(rebuilt(message, content=number(code, 0x0A) + behind))

    return fault


def _without(place: Callable[[bytes], int]) -> Fault:
    """Lose one byte, so that what follows moves up."""

    def fault(message: bytes) -> Sent:
        at = place(message)
        return Sent(message[:at] + message[at + 1 :])

    return fault


def _shortened(place: Callable[[bytes], int]) -> Fault:
    """Lose one byte inside, and say so in the length of the whole message alone."""

    def fault(message: bytes) -> Sent:
        body = split(message)[1]
        at = len(body) - (len(message) - place(message))
        return Sent(tlv(0x30, body[:at] + body[at + 1 :]))

    return fault


def _outer_length(by: int) -> Fault:
    def fault(message: bytes) -> Sent:
        body = split(message)[1]
        header = tlv(0x30, bytes(len(body) + by))[: -(len(body) + by)]
        return Sent(header + body)

    return fault


def _inner_length(by: int) -> Fault:
    """Let the operation say a wrong length; that of the whole message is right."""

    def fault(message: bytes) -> Sent:
        message_id, tag, content, controls = parts_of(message)
        header = tlv(tag, bytes(len(content) + by))[: -(len(content) + by)]
        return Sent(tlv(0x30, number(message_id) + header + content + controls))

    return fault


def _indefinite_inside(message: bytes) -> Sent:
    message_id, tag, content, controls = parts_of(message)
    return Sent(tlv(0x30, number(message_id) + bytes([tag, 0x80]) + content + b"\0\0" + controls))


def _notice(message: bytes) -> Sent:
    content = result(0x78, 52, "going down")[2:] + tlv(0x8A, NOTICE_OF_DISCONNECTION)
    return Sent(envelope(0, tlv(0x78, content)) + message)


def _middle(message: bytes) -> int:
    return len(message) // 2


def _last(message: bytes) -> int:
    return len(message) - 1


ENDINGS: Mapping[str, Fault] = {
    "close before": lambda _: Sent(b"", CLOSE),
    "close in the middle": lambda message: Sent(message[: len(message) // 2], CLOSE),
    "close before the last byte": lambda message: Sent(message[:-1], CLOSE),
    "notice of disconnection": _notice,
}
STALLS: Mapping[str, Fault] = {
    "stall before": lambda _: Sent(b"", STALL),
    "stall in the middle": lambda message: Sent(message[: len(message) // 2], STALL),
}
CORRUPTIONS: Mapping[str, Fault] = {
    "no sequence": lambda message: Sent(b"\x31" + message[1:]),
    **{f"operation {tag:#04x}": _tagged(tag) for tag in (0x61, 0x64, 0x65, 0x69, 0x73, 0x78, 0x79, 0x7F)},
    "next message id": lambda message: Sent(rebuilt(message, message_id=parts_of(message)[0] + 1)),
    "message id 0": lambda message: Sent(rebuilt(message, message_id=0)),
    "one byte announced too many": _outer_length(1),
    "one byte announced too few": _outer_length(-1),
    "operation announces too many": _inner_length(1),
    "operation announces too few": _inner_length(-1),
    "a byte lost in the middle": _without(_middle),
    "the last byte lost": _without(_last),
    "a byte lost inside the middle": _shortened(_middle),
    "the last byte lost inside": _shortened(_last),
    "indefinite length": lambda message: Sent(b"\x30\x80" + split(message)[1] + b"\0\0"),
    "indefinite length inside": _indefinite_inside,
    "another protocol": lambda _: Sent(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
}
CODES: Mapping[str, Fault] = {f"code {code}": _coded(code) for code in (3, 4, 10, 11, 51, 52, 53, 80)}


def twice(message: bytes) -> Sent:
    """Send a message again."""
    return Sent(message * 2)


def dropped(_: bytes) -> Sent:
    """Leave a message out."""
    return Sent(b"")


def tags(messages: Sequence[bytes]) -> list[int]:
    """Return the operations of messages."""
    return [parts_of(message)[1] for message in messages]
