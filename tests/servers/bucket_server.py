"""Moto's S3 and IAM behind a small gate that can go wrong on request: a process of its own, never more than that.

``python -m tests.servers.bucket_server [deaf]`` prints its port. Requests are served one after another, so that what moto
checks and what it then writes are one step, as the real service promises. A ``deaf`` one ignores conditions, as older
services do; it checks no signature either, for the conditions are part of what is signed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

CONTROL = "/-/fault"
_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH")
_ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
_ANSWERS = {
    "busy": ("503 Slow Down", "SlowDown"),
    "broken": ("500 Internal Server Error", "InternalError"),
    "lost": ("500 Internal Server Error", "InternalError"),
    "conflict": ("409 Conflict", "ConditionalRequestConflict"),
    "unknown": ("501 Not Implemented", "NotImplemented"),
    "odd": ("418 I'm a teapot", "Teapot"),
}

Environment = dict[str, Any]
Start = Callable[..., Any]


class Gate:
    """Lets requests through, but for those that a fault is waiting for.

    A fault is ``{"do": …, "method": …, "key": …, "times": …}``: ``lost`` is done all the same, and the answer gets lost;
    ``torn`` is answered with half of the content; every other one is answered with an error and not done.
    """

    def __init__(self, inner: Callable[[Environment, Start], Iterable[bytes]], *, deaf: bool) -> None:
        self._inner = inner
        self._deaf = deaf
        self._faults: list[dict[str, Any]] = []

    def __call__(self, environment: Environment, start: Start) -> Iterable[bytes]:
        """Serve one request."""
        if environment["PATH_INFO"] == CONTROL:
            self._faults = json.loads(environment["wsgi.input"].read(int(environment["CONTENT_LENGTH"])))
            start("204 No Content", [])
            return []
        if self._deaf:
            for name in _CONDITIONS:
                environment.pop(name, None)
        what = self._fault(environment)
        if what == "torn":
            return self._torn(environment, start)
        if what:
            if what == "lost":
                list(self._inner(environment, lambda *_: lambda _: None))
            else:
                environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
            status, code = _ANSWERS[what]
            start(status, [("Content-Type", "application/xml")])
            return [_ERROR.format(code=code, message="as the test wants it.").encode()]
        return self._inner(environment, start)

    def _fault(self, environment: Environment) -> str:
        for fault in self._faults:
            matches = environment["REQUEST_METHOD"] == fault["method"] and fault["key"] in environment["PATH_INFO"]
            if matches and fault["times"]:
                fault["times"] -= 1
                return str(fault["do"])
        return ""

    def _torn(self, environment: Environment, start: Start) -> Iterable[bytes]:
        content = b"".join(self._inner(environment, start))
        return [content[: len(content) // 2]]


class Quiet(WSGIRequestHandler):
    """Says nothing of requests."""

    def log(self, *_: object, **__: object) -> None:
        """Do nothing."""


def main(arguments: Sequence[str]) -> None:
    """Serve until killed."""
    gate = Gate(DomainDispatcherApplication(create_backend_app), deaf="deaf" in arguments)
    server = make_server("127.0.0.1", 0, gate, request_handler=Quiet)
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
