"""Pass connections on to a server on another loopback port, from a fixed port or as a proxy; never understands a byte of them."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress


@contextmanager
def forwarded(port: int, to: int) -> Iterator[None]:
    """Listen on 127.0.0.1 while the block runs; raises OSError for a port that is taken."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            _pass_on(self.request, to)

    with _listening(port, Handler):
        yield


@contextmanager
def proxy(hosts: Mapping[str, int]) -> Iterator[str]:
    """Give the URL of a proxy that leads to ``HOST:PORT`` by way of a loopback port, and nowhere else, while the block runs."""

    class Handler(socketserver.StreamRequestHandler):
        rbufsize = 0  # what follows the request is not ours

        def handle(self) -> None:
            method, where, *_ = [*self.rfile.readline().decode("latin-1").split(), "", ""]
            while self.rfile.readline() not in {b"\r\n", b""}:
                pass
            if method != "CONNECT" or where not in hosts:
                self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _pass_on(self.request, hosts[where])

    with _listening(0, Handler) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _listening(port: int, handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def _pass_on(client: socket.socket, to: int) -> None:
    with socket.create_connection(("127.0.0.1", to), 5) as upstream:
        back = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
        back.start()
        _pump(client, upstream)
        back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
