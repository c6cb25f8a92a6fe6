"""Open one transaction on the roster's database; never reads or writes a row of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias, assert_never
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text

from reconciler.errors import PolicyError, TargetError, TargetRejected, TargetUnreachable
from reconciler.model.text import shortened
from reconciler.policy.secrets import resolve
from reconciler.targets.sql.failures import explained
from reconciler.targets.sql.settings import PostgresServer, Settings, SqliteFile

_CONNECT_TIMEOUT = "10"  # seconds
_ADVISORY_LOCK = 0x_726F_7374_6572  # "roster"; holds off other runs while the tables may not exist yet

_Parameter: TypeAlias = str | int | None


def place_of(settings: Settings) -> str:
    """Return the target's name and where its roster is, for messages."""
    where = settings.place.path if isinstance(settings.place, SqliteFile) else settings.address
    return f"target {shortened(settings.name)}: {shortened(where)}"


def is_absent(settings: Settings) -> bool:
    """Tell whether the roster is a file that does not exist yet; raises TargetUnreachable where its folder is missing."""
    if not isinstance(settings.place, SqliteFile) or Path(settings.place.path).exists():
        return False
    folder = Path(settings.place.path).parent
    if not folder.is_dir():
        raise TargetUnreachable(
            f"{place_of(settings)} cannot be made: there is no folder {shortened(str(folder))}. Make it or correct the url."
        )
    return True


@contextmanager
def reading(settings: Settings, patience: float) -> Iterator[Connection]:
    """Give a transaction that sees one moment of the database and cannot write.

    A lock is waited for at most `patience` seconds. Raises only TargetError.
    """
    with explained(place_of(settings)):
        match settings.place:
            case SqliteFile() as file:
                engine = _sqlite(file, patience, mode="rw", begin="BEGIN")
            case PostgresServer() as server:
                engine = _postgres(server, patience, settings, isolation="REPEATABLE READ")
            case _:
                assert_never(settings.place)
        with engine.connect().execution_options(postgresql_readonly=True) as connection, connection.begin():
            if engine.dialect.name == "sqlite":
                connection.execute(text("PRAGMA query_only = ON"))
            yield connection


@contextmanager
def writing(settings: Settings, patience: float) -> Iterator[Connection]:
    """Give the only transaction that writes: committed at the end, rolled back by whatever is raised inside.

    A lock is waited for at most `patience` seconds. Raises TargetError, and what is raised inside.
    """
    with explained(place_of(settings)):
        match settings.place:
            case SqliteFile() as file:
                engine = _sqlite(file, patience, mode="rwc", begin="BEGIN IMMEDIATE")
            case PostgresServer() as server:
                engine = _postgres(server, patience, settings, isolation="READ COMMITTED")
            case _:
                assert_never(settings.place)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield connection


def lock(connection: Connection, tables: Iterable[str]) -> None:
    """Keep everybody else from writing these tables until the end of the transaction; SQLite did so at its beginning."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE"))


def _sqlite(file: SqliteFile, patience: float, *, mode: str, begin: str) -> Engine:
    # reading needs "rw" too: what an interrupted write left behind is rolled back by whoever opens the file next
    uri = f"file:{quote(file.path)}?mode={mode}"
    engine = create_engine("sqlite://", poolclass=NullPool, hide_parameters=True, creator=partial(_open, uri, patience))
    # isolation_level None stops the driver from beginning transactions at moments of its own
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _open(uri: str, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _postgres(server: PostgresServer, patience: float, settings: Settings, *, isolation: str) -> Engine:
    try:
        import psycopg.conninfo  # noqa: PLC0415 - an extra that only this kind of roster needs
    except ImportError as error:
        raise TargetRejected(
            f'{place_of(settings)} needs the package psycopg: install "reconciler[postgres]".'
        ) from error
    parameters = _parameters(server, patience, _password(server, settings))
    return create_engine(
        "postgresql+psycopg://",
        poolclass=NullPool,
        hide_parameters=True,
        isolation_level=isolation,
        use_native_hstore=False,
        creator=partial(psycopg.connect, psycopg.conninfo.make_conninfo("", **parameters)),
    )


def _parameters(server: PostgresServer, patience: float, password: str | None) -> dict[str, _Parameter]:
    return {
        "connect_timeout": _CONNECT_TIMEOUT,
        "application_name": "reconcile",
        **server.parameters,
        # a policy that hides rows from us is an error, never a smaller roster
        "options": f"-c lock_timeout={int(patience * 1000)} -c row_security=off",
        "dbname": server.database,
        "host": server.host or None,
        "port": server.port,
        "user": server.user or None,
        "password": password,
    }


def _password(server: PostgresServer, settings: Settings) -> str | None:
    if server.password is None:
        return None
    try:
        return resolve(server.password).reveal()
    except PolicyError as error:
        raise TargetError(f"{place_of(settings)} cannot be logged in to: {error}") from error
