"""The fake GitLab on a real socket, with a log of every request and faults on request; shares nothing with the client."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from ssl import SSLContext, SSLError
from threading import Event, Lock, Thread
from typing import IO
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.gitlab_answers import Refusal, Reply, Request, answer, error, refuse
from tests.fakes.gitlab_app import App
from tests.fakes.gitlab_faults import Fault, Faults
from tests.fakes.gitlab_seed import dump
from tests.fakes.gitlab_world import World

REASONS = {status.value: status.phrase for status in HTTPStatus}
LONGEST_URL = 16 * 1024  # above it the web server says 414


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as it came, and what became of it; a status of 0 is no answer."""

    kind: str
    method: str
    path: str  # after /api/v4, as it was sent, without the query
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object
    status: int
    fault: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request as it came from the socket."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes


@dataclass
class Served:
    """A running GitLab; `url` is what a client is given, without /api/v4."""

    app: App
    url: str = ""
    log: list[Entry] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # requests by kind of endpoint
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Faults = field(default_factory=Faults)
    keep: bool = True  # whether `log` is kept: a benchmark needs the counters alone
    lock: Lock = field(default_factory=Lock)
    ended: Event = field(default_factory=Event)
    open: set[socket.socket] = field(default_factory=set)

    @property
    def world(self) -> World:
        """Return the state."""
        return self.app.world

    @property
    def port(self) -> int:
        """Return where it listens."""
        return urlsplit(self.url).port or 0

    def fail(self, *faults: Fault) -> None:
        """From now on these faults, and no others."""
        self.faults.set(*faults)

    def writes(self) -> list[Entry]:
        """Return the requests that ask for a change; a GraphQL query is none."""
        return [entry for entry in self.log if entry.method != "GET" and entry.kind != "graphql"]

    def forget(self) -> None:
        """Forget requests, counters and effects, not the state."""
        with self.lock:
            self.log.clear()
            self.counts.clear()
            self.statuses.clear()
            self.world.effects.clear()

    def note(self, arrived: Arrived, request: Request | None, kind: str, status: int, *, fault: bool) -> None:
        """Count a request, and keep it."""
        with self.lock:
            self.counts[kind] += 1
            self.statuses[status] += 1
            if self.keep and request is not None:
                path, body = self.inner(arrived.target), _parsed(arrived)
                entry = Entry(kind, arrived.method, path, request.query, arrived.headers, body, status, fault)
                self.log.append(entry)

    def inner(self, target: str) -> str:
        """Return the path after /api/v4; what is not below it stays as it is."""
        path = target.partition("?")[0]
        return path.removeprefix(self.world.instance.prefix).removeprefix("/api/v4")


@contextmanager
def serving(world: World | None = None, tls: SSLContext | None = None, port: int = 0) -> Iterator[Served]:
    """Serve a GitLab on loopback until the end of the block, over TLS where there is a context."""
    served = Served(App(world))
    with socket.create_server(("127.0.0.1", port), backlog=512) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        served.url = f"http{'s' if tls else ''}://{address}{served.world.instance.prefix}"
        served.world.instance.external_url = served.world.instance.external_url or served.url
        thread = Thread(target=_accept, args=(served, listener, tls), daemon=True)
        thread.start()
        try:
            yield served
        finally:
            served.ended.set()
            listener.shutdown(socket.SHUT_RDWR)  # wakes whoever accepts
            thread.join()
            for connection in list(served.open):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _accept(served: Served, listener: socket.socket, tls: SSLContext | None) -> None:
    while not served.ended.is_set():
        with suppress(OSError):
            connection, _ = listener.accept()
            connection.settimeout(60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Thread(target=_talk, args=(served, connection, tls), daemon=True).start()


def _talk(served: Served, plain: socket.socket, tls: SSLContext | None) -> None:
    """Answer one connection until either side has enough."""
    with suppress(OSError, SSLError), plain:
        connection: socket.socket = tls.wrap_socket(plain, server_side=True) if tls else plain
        served.open.add(connection)
        try:
            with connection, connection.makefile("rb") as stream:
                talk = _Talk(served, connection, "https" if tls else "http")
                while not served.ended.is_set() and talk.turn(stream):
                    pass
        finally:
            served.open.discard(connection)


def read_request(stream: IO[bytes]) -> Arrived | None:
    """Return the next request of a connection, None at its end."""
    line = stream.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers: dict[str, str] = {}
    while (row := stream.readline()) not in {b"\r\n", b"\n", b""}:
        name, _, value = row.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    return Arrived(line[0], line[1], headers, stream.read(length) if length else b"")


def _parsed(arrived: Arrived) -> object:
    """Return the body as a value: JSON, or a form."""
    if not arrived.content:
        return None
    if "json" in arrived.headers.get("content-type", "application/json"):
        return json.loads(arrived.content)
    return params(arrived.content.decode())


def params(text: str) -> dict[str, str]:
    """Return the parameters of a query or form; those named `x[]` are joined by commas under `x`."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name.endswith("[]"):
            found[name[:-2]] = f"{found[name[:-2]]},{value}" if name[:-2] in found else value
        else:
            found[name] = value
    return found


class _Talk:
    """One connection's way through the app."""

    def __init__(self, served: Served, connection: socket.socket, scheme: str) -> None:
        self.served = served
        self.connection = connection
        self.scheme = scheme

    def turn(self, stream: IO[bytes]) -> bool:
        """Answer one request; whether there may be another one."""
        arrived = read_request(stream)
        if arrived is None:
            return False
        served = self.served
        fault = served.faults.of(arrived.method, served.inner(arrived.target))
        if fault:
            with served.world.lock:
                fault.meanwhile(served.world)
        request, kind, reply = None, "none", Reply(500)
        if fault is None or fault.works:
            request, kind, reply = self.answer(arrived)
        else:
            request = self.request(arrived, "", {})
        if fault and fault.reply:
            kind, reply = "fault", fault.reply
        ending = fault.ending if fault else "answer"
        sent = ending in {"answer", "cut"}
        served.note(arrived, request, kind, reply.status if sent else 0, fault=fault is not None)
        delay = served.world.instance.latency + (fault.delay if fault else 0)
        if delay:
            time.sleep(delay)
        return self.end(arrived, reply, ending)

    def request(self, arrived: Arrived, path: str, body: Mapping[str, object]) -> Request:
        """Return a request with the rights of nobody yet."""
        where, _, text = arrived.target.partition("?")
        query = params(text) if text else {}
        parts = tuple(unquote(part) for part in path.split("/") if part)
        url = f"{self.scheme}://{arrived.headers.get('host', '')}{where}"
        return Request(arrived.method, parts, query, {**query, **body}, url)

    def answer(self, arrived: Arrived) -> tuple[Request | None, str, Reply]:
        """Return what the app says."""
        prefix = self.served.world.instance.prefix
        if len(arrived.target) > LONGEST_URL:
            return None, "none", Reply(414, b"<html>414 Request-URI Too Large</html>", {}, "text/html")
        where = arrived.target.partition("?")[0]
        try:
            body = _parsed(arrived)
        except ValueError:
            return None, "none", refuse(error(400, "The given JSON could not be parsed"))
        held = body if isinstance(body, dict) else {}
        if where.startswith(f"{prefix}/-/fake"):
            return None, "fake", self.fake(arrived.method, state=where.endswith("/state"))
        graphql = where == f"{prefix}/api/graphql" and self.served.world.instance.graphql
        if not graphql and not where.startswith(f"{prefix}/api/v4/"):
            return None, "none", Reply(404, b"<html>Not Found</html>", {}, "text/html")
        request = self.request(arrived, "graphql" if graphql else where[len(prefix) + 8 :], held)
        try:
            kind, reply = self.served.app.handle(request, arrived.headers)
        except Refusal as refusal:
            kind, reply = "none", refuse(refusal)
        return request, kind, reply

    def fake(self, method: str, *, state: bool) -> Reply:
        """Answer for the fake itself: the state, or counters to read and to forget."""
        served = self.served
        if state:
            return answer(dump(served.world))
        if method == "DELETE":
            served.forget()
        statuses = {str(status): number for status, number in served.statuses.items()}
        return answer({"counts": served.counts, "statuses": statuses, "effects": len(served.world.effects)})

    def end(self, arrived: Arrived, reply: Reply, ending: str) -> bool:
        """Send the answer, or do not; whether the connection goes on."""
        if ending in {"reset", "hang"}:
            if ending == "hang":
                self.served.ended.wait(30)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        closing = ending == "cut" or arrived.headers.get("connection", "").lower() == "close"
        promised = len(reply.body) + (10 if ending == "cut" else 0)
        lines = [f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, '')}", f"Content-Type: {reply.media}"]
        if reply.status != 204:
            lines.append(f"Content-Length: {promised}")
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines += ["Connection: close"] if closing else []
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        self.connection.sendall(head if arrived.method == "HEAD" else head + reply.body)
        return not closing
