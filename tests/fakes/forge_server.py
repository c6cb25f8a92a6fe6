"""A forge on a real socket, with a log of every request and refusals on request; knows no forge itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: `path` as it was sent, without the query; `headers` by lower-case name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object
    url: str  # scheme and host that it was sent to

    @property
    def fields(self) -> Mapping[str, object]:
        """Return the body, where it is an object."""
        return self.body if isinstance(self.body, dict) else {}


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: a body of None is none."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer that ends what is going on."""

    def __init__(self, status: int, body: object, **headers: str) -> None:
        super().__init__(status)
        self.told = Told(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


class App(Protocol):
    """What is served."""

    def handle(self, asked: Asked) -> Told:
        """Answer a request; raises Refusal."""


@dataclass
class Running:
    """A running forge: its address, what was asked and answered, and what the next requests meet in place of it."""

    app: App
    url: str = ""
    log: list[tuple[Asked, int]] = field(default_factory=list)
    refusals: list[Told] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def writes(self) -> list[str]:
        """Return the requests that ask for a change, as method and path; a question of GraphQL is none."""
        return [
            f"{asked.method} {asked.path}"
            for asked, _ in self.log
            if asked.method != "GET" and not asked.path.endswith("/graphql")
        ]

    def answer(self, asked: Asked) -> Told:
        """Answer one request at a time, and note it."""
        with self.lock:
            try:
                told = self.refusals.pop(0) if self.refusals else self.app.handle(asked)
            except Refusal as refusal:
                told = refusal.told
            self.log.append((asked, told.status))
            return told


@contextmanager
def serving(app: App) -> Iterator[Running]:
    """Serve on loopback until the end of the block."""
    running = Running(app)

    class Handler(_Handler):
        """Of this forge."""

        of = running

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    running.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    of: Running
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def _do(self) -> None:
        parts = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            json.loads(content) if content else None,
            f"http://{self.headers.get('Host', '')}",
        )
        told = self.of.answer(asked)
        said = b"" if told.body is None else json.dumps(told.body).encode()
        self.send_response_only(told.status)  # without a date: the clock of a test is the only one
        for name, value in told.headers.items():
            self.send_header(name, value)
        if told.status != 204:
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: the log is `Running.log`."""
