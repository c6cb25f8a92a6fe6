"""The `sql` store: pieces and records as rows of two tables, in PostgreSQL for runs on many machines, or in a SQLite file.

Whoever writes first takes an advisory lock (SQLite: the file), so that a look and what follows from it are one step.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    QueuePool,
    String,
    Table,
    delete,
    func,
    insert,
    inspect,
    literal,
    select,
    text,
    union,
    update,
)

from reconciler.database.connect import postgres_engine, sqlite_engine
from reconciler.database.failures import Complaint, explained
from reconciler.database.places import Place, PostgresServer, SqliteFile, UnusablePlace, place_of_url
from reconciler.errors import PolicyError, StateError
from reconciler.model.text import shortened
from reconciler.policy.model import StateConfig
from reconciler.policy.secrets import resolve
from reconciler.state.base import Item
from reconciler.state.names import checked, checked_prefix, checked_record

_PATIENCE = 30.0  # seconds that another writer is waited for; writing takes it milliseconds
_ADVISORY_LOCK = 0x_7374_6174_65  # "state"
_PRIVATE = 0o600
_MANUAL = "docs/state.md"

_METADATA = MetaData()
_PIECES = Table(
    "reconcile_state",
    _METADATA,
    Column("name", String(512), primary_key=True),
    Column("version", String(32), nullable=False),
    Column("content", LargeBinary, nullable=False),
)
_RECORDS = Table(
    "reconcile_log",
    _METADATA,
    Column("name", String(512), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("record", LargeBinary, nullable=False),
)


def opened(config: StateConfig, _folder: str) -> SqlStore:
    """Return the database that the policy names, not yet connected."""
    address = shortened(config.url.partition("?")[0])
    try:
        place = place_of_url(config.url, config.password, config.folder)
    except UnusablePlace as error:
        raise StateError(f"state store: {error.key} {error.fact}.") from error
    if isinstance(place, PostgresServer) and not place.host:
        raise StateError(
            f"state store {address}: url names no host, and another one would be found on another machine. "
            "Name it; a Unix socket is postgresql://USER@/DATABASE?host=/FOLDER."
        )
    return SqlStore(_engines(place, address), address, place.path if isinstance(place, SqliteFile) else "")


class _Engines(NamedTuple):
    """How transactions are begun: the same for both on a server, which is told otherwise."""

    reading: Engine
    writing: Engine


class SqlStore:
    """Two tables, made by the first write. The version of a piece is a random word of its own."""

    def __init__(self, engines: _Engines, address: str, file: str) -> None:
        """`file` is that of SQLite, if it is one; it need not exist."""
        self._engines = engines
        self._file = file
        self._made = False  # whether the tables were seen
        self.address = address

    def read(self, name: str) -> Item | None:
        """Return the piece of that name, None where there is none."""
        query = select(_PIECES.c.content, _PIECES.c.version).where(_PIECES.c.name == checked(name))
        with self._reading() as connection:
            row = connection.execute(query).one_or_none() if connection else None
        return Item(bytes(row.content), row.version) if row else None

    def create(self, name: str, content: bytes) -> bool:
        """Keep a piece under a name that must be free."""
        checked(name)
        with self._writing() as connection:
            if connection.execute(select(_PIECES.c.name).where(_PIECES.c.name == name)).first():
                return False
            connection.execute(insert(_PIECES).values(name=name, version=_version(), content=content))
            return True

    def replace(self, name: str, content: bytes, version: str) -> bool:
        """Put other content in the place of exactly this version."""
        same = (_PIECES.c.name == checked(name)) & (_PIECES.c.version == version)
        with self._writing() as connection:
            done = connection.execute(update(_PIECES).where(same).values(version=_version(), content=content))
            return done.rowcount == 1

    def delete(self, name: str) -> None:
        """Forget a piece or a log."""
        checked(name)
        with self._reading() as connection:
            if connection is None:
                return
        with self._writing() as connection:
            for table in (_PIECES, _RECORDS):
                connection.execute(delete(table).where(table.c.name == name))

    def names(self, prefix: str) -> Sequence[str]:
        """Return the names of all pieces and logs below a prefix, sorted."""
        below = checked_prefix(prefix)
        queries = [
            select(table.c.name).where(table.c.name.startswith(below, autoescape=True)) for table in (_PIECES, _RECORDS)
        ]
        with self._reading() as connection:
            found = connection.scalars(union(*queries)) if connection else ()
            return sorted(name for name in found if name.startswith(below))  # to SQLite capitals are small letters, too

    def append(self, log: str, record: bytes, position: int) -> bool:
        """Add one record to a log that holds `position` records so far."""
        checked(log)
        checked_record(record)
        last = select(func.coalesce(func.max(_RECORDS.c.position), literal(0))).where(_RECORDS.c.name == log)
        with self._writing() as connection:
            if connection.scalar(last) != position:
                return False
            connection.execute(insert(_RECORDS).values(name=log, position=position + 1, record=record))
            return True

    def records(self, log: str) -> Sequence[bytes]:
        """Return the records of a log in order."""
        query = select(_RECORDS.c.record).where(_RECORDS.c.name == checked(log)).order_by(_RECORDS.c.position)
        with self._reading() as connection:
            return [bytes(record) for record in connection.scalars(query)] if connection else []

    def close(self) -> None:
        """Give back connections."""
        for engine in self._engines:
            engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection | None]:
        """Give a transaction that cannot write, None where there are no tables yet."""
        if self._file and not Path(self._file).exists():
            yield None
            return
        with _explained(self.address), self._engines.reading.connect() as plain:
            connection = plain.execution_options(postgresql_readonly=True)
            with connection.begin():
                yield connection if self._is_made(connection) else None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Give a transaction that keeps every other writer out; makes the tables where there are none."""
        if self._file:
            with suppress(OSError):  # the database says what is wrong, or it is there
                os.close(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
        with _explained(self.address), self._engines.writing.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            if not self._is_made(connection):
                _METADATA.create_all(connection)
            yield connection

    def _is_made(self, connection: Connection) -> bool:
        self._made = self._made or inspect(connection).has_table(_RECORDS.name)
        return self._made


def _engines(place: Place, address: str) -> _Engines:
    if isinstance(place, SqliteFile):
        reading, writing = (
            sqlite_engine(place, _PATIENCE, mode="rw", begin=begin) for begin in ("BEGIN", "BEGIN IMMEDIATE")
        )
        return _Engines(reading, writing)
    options = {"lock_timeout": f"{int(_PATIENCE * 1000)}", "synchronous_commit": "on"}
    try:
        password = None if place.password is None else resolve(place.password).reveal()
        engine = postgres_engine(place, password, options, isolation="READ COMMITTED", pool=QueuePool)
    except PolicyError as error:
        raise StateError(f"state store {address} cannot be logged in to: {error}") from error
    except ImportError as error:
        way_out = "pip install '.[postgres]' in a checkout of this program"
        raise StateError(f"state store {address} needs the package psycopg: {way_out}.") from error
    return _Engines(engine, engine)


def _explained(address: str) -> AbstractContextManager[None]:
    def raised(complaint: Complaint) -> StateError:
        unclear = " Whether it was written is not known." if complaint.perhaps_written else ""
        way_out = f" {complaint.way_out}." if complaint.way_out else ""
        return StateError(f"state store {address} {complaint.fact}.{unclear}{way_out}")

    return explained(raised, _MANUAL)


def _version() -> str:
    return secrets.token_hex(8)
