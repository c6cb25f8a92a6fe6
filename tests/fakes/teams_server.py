"""The teams app on a real socket, with a log of every request and faults on request; shares nothing with the client."""

from __future__ import annotations

import json
import re
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Event, Lock, Thread
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.teams import App, Reply

Ending = Literal["answer", "reset", "hang", "cut", "drip"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the requests that match: those from number `first` on, at most `times` of them.

    `effect`: whether the app does what was asked before it goes wrong. `change` makes another answer of the app's own, or
    of nothing where there was no effect. `ending`: ``reset`` closes without an answer, ``hang`` never answers, ``cut``
    promises more bytes than it sends, ``drip`` sends byte by byte. `meanwhile` happens in the app before the request.
    """

    method: str
    path: str  # a regular expression for the whole path
    effect: bool = False
    change: Callable[[Reply], Reply] = lambda reply: reply
    ending: Ending = "answer"
    first: int = 1
    times: int = 1
    meanwhile: Callable[[App], None] = lambda _app: None
    query: Mapping[str, str] = field(default_factory=dict)  # what the app takes in place of what was asked


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as it came, and what became of it; a status of 0 is no answer."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object
    status: int = 0
    fault: bool = False


@dataclass
class Served:
    """A running app."""

    app: App
    url: str
    log: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    met: list[int] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    ended: Event = field(default_factory=Event)

    def fail(self, *faults: Fault) -> None:
        """From now on these faults, and no others."""
        with self.lock:
            self.faults, self.met = list(faults), [0] * len(faults)

    def writes(self) -> list[Entry]:
        """Return the requests that ask for a change."""
        return [entry for entry in self.log if entry.method != "GET"]

    def fault_of(self, method: str, path: str) -> Fault | None:
        """Return what goes wrong with this request, and count it."""
        with self.lock:
            for number, fault in enumerate(self.faults):
                if fault.method == method and re.fullmatch(fault.path, path):
                    self.met[number] += 1
                    if fault.first <= self.met[number] < fault.first + fault.times:
                        return fault
            return None


@contextmanager
def serving(app: App | None = None, tls: SSLContext | None = None) -> Iterator[Served]:
    """Serve an app on loopback until the end of the block, over TLS where there is a context."""
    served = Served(app or App(), "")

    class Handler(_Handler):
        """Of this app."""

        of = served

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    served.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}/api/v1"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    of: Served
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def _do(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        entry = Entry(self.command, parts.path, query, headers, body)
        fault = self.of.fault_of(self.command, parts.path)
        if fault:
            fault.meanwhile(self.of.app)
        reply = Reply(200)
        if fault is None or fault.effect:
            asked = {**query, **(fault.query if fault else {})}
            reply = self.of.app.handle(self.command, parts.path, asked, body, token)
        if fault:
            reply = fault.change(reply)
        answered = fault is None or fault.ending in {"answer", "drip", "cut"}
        with self.of.lock:
            self.of.log.append(replace(entry, status=reply.status if answered else 0, fault=fault is not None))
        self._end(reply, fault.ending if fault else "answer")

    do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - http.server's names

    def _end(self, reply: Reply, ending: Ending) -> None:
        if ending in {"reset", "hang"}:
            if ending == "hang":
                self.of.ended.wait(10)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        content = _content(reply)
        promised = len(content) + (10 if ending == "cut" else 0)
        lines = [f"HTTP/1.1 {reply.status} Answer", f"Date: {self.date_time_string()}"]
        if reply.status != 204:
            lines += [f"Content-Type: {reply.media}", f"Content-Length: {promised}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self.close_connection = ending == "cut"
        if ending != "drip":
            self.wfile.write(head + content)
            return
        self.wfile.write(head)
        for byte in content:
            if self.of.ended.wait(0.2):
                return
            self.wfile.write(bytes([byte]))

    def handle(self) -> None:
        """Serve until either side has enough."""
        try:
            super().handle()
        except OSError:
            return  # the client went away

    def finish(self) -> None:
        """Close, whatever is left of the connection."""
        try:
            super().finish()
        except (OSError, ValueError):
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: the log is `Served.log`."""


def _content(reply: Reply) -> bytes:
    if reply.body is None:
        return b""
    if isinstance(reply.body, bytes):
        return reply.body
    return (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()


def status(code: int, body: object = None, media: str = "application/json", **headers: str) -> Callable[[Reply], Reply]:
    """Return a change to an answer of that status; header names are written with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _reply: Reply(code, {"error": f"fault {code}"} if body is None else body, named, media)


def truncated(reply: Reply) -> Reply:
    """Return the answer with half of its body, whose length is told truly."""
    content = _content(reply)
    return replace(reply, body=content[: len(content) // 2])
