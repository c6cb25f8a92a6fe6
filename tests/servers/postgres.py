"""A scratch PostgreSQL server on a free port of 127.0.0.1; never touches a server that it did not start itself."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.servers.absent import absent

USER = "reconciler"
PASSWORD = "correct horse battery staple"
MISSING = "PostgreSQL is not installed"
_BINARIES = Path("/usr/lib/postgresql")
_UNPRIVILEGED = ("postgres", "nobody")  # initdb refuses root
_TRIES = 3
_PATIENCE = 30  # seconds


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server. `USER` logs in over TCP with `PASSWORD`, and may make databases."""

    port: int
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str, user: str = USER) -> str:
        """Return the URL that a policy would name: without a password."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database and return its name."""
        name = f"roster{next(self._numbers)}"
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return name

    @contextmanager
    def connect(self, database: str) -> Iterator[psycopg.Connection]:
        """Give an autocommitting connection of `USER`, for looking behind a target's back."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=database, user=USER, password=PASSWORD, autocommit=True
        ) as connection:
            yield connection

    def stop(self) -> None:
        """Stop the server and wait for its end; may be called twice."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # "fast": sessions are ended, nothing is waited for
            self.process.wait(_PATIENCE)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Give one server that all tests of the session share; each test makes a database of its own."""
    with running() as server:
        yield server


@contextmanager
def running() -> Iterator[PostgresServer]:
    """Give a fresh server, stopped and removed at the end; skips the test where PostgreSQL is missing."""
    binaries = _newest()
    if binaries is None:
        absent("postgres", MISSING)
    folder = Path(tempfile.mkdtemp(prefix="reconciler-postgres-"))
    try:
        _make(binaries, folder)
        server = _start(binaries, folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _newest() -> Path | None:
    found = sorted(_BINARIES.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


def _account() -> str | None:
    """Return whom to run as; None for ourselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _UNPRIVILEGED if name in names)


def _make(binaries: Path, folder: Path) -> None:
    account = _account()
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    if account is not None:
        for path in (folder, folder / "password"):
            shutil.chown(path, account)
    program = [str(binaries / "initdb"), "--pgdata", str(folder / "data"), "--encoding", "UTF8", "--no-locale"]
    login = ["--username", USER, "--pwfile", str(folder / "password"), "--auth", "scram-sha-256", "--no-sync"]
    subprocess.run([*program, *login], cwd=folder, user=account, check=True, capture_output=True, timeout=60)


def _start(binaries: Path, folder: Path) -> PostgresServer:
    for _ in range(_TRIES):
        port = _free_port()
        settings = [
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={folder}",
            "fsync=off",
            "max_connections=20",
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(port), *options],
                cwd=folder,
                user=_account(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        server = PostgresServer(port, process)
        if _answers(server):
            return server
        server.stop()
    raise AssertionError((folder / "log").read_text(encoding="utf-8", errors="replace"))


def _answers(server: PostgresServer) -> bool:
    """Wait until the server lets us in; False when it ended instead (somebody else took the port)."""
    end = time.monotonic() + _PATIENCE
    while server.process.poll() is None and time.monotonic() < end:
        try:
            with server.connect("postgres"):
                return True
        except psycopg.OperationalError:
            time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
