"""Open the engine of a database; never reads or writes a row of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import partial
from typing import TypeAlias
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, Pool, create_engine, event

from reconciler.database.places import PostgresServer, SqliteFile

_CONNECT_TIMEOUT = "10"  # seconds

_Parameter: TypeAlias = str | int | None


def sqlite_engine(file: SqliteFile, patience: float, *, mode: str, begin: str) -> Engine:
    """Return an engine on a file that is opened in this `mode` of SQLite's URIs; a transaction starts with `begin`.

    A lock is waited for at most `patience` seconds. Nothing is opened yet.
    """
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


def postgres_engine(
    server: PostgresServer,
    password: str | None,
    options: Mapping[str, str],
    *,
    isolation: str,
    pool: type[Pool] = NullPool,
) -> Engine:
    """Return an engine on a server; `options` are settings of every session. Nothing is opened yet.

    A connection that waits in a `pool` is tried before it is used again.

    Raises ImportError where the driver, an extra, is not installed.
    """
    import psycopg.conninfo  # noqa: PLC0415 - an extra that only this kind of database needs

    parameters = _parameters(server, password, options)
    return create_engine(
        "postgresql+psycopg://",
        poolclass=pool,
        pool_pre_ping=pool is not NullPool,
        hide_parameters=True,
        isolation_level=isolation,
        use_native_hstore=False,
        creator=partial(psycopg.connect, psycopg.conninfo.make_conninfo("", **parameters)),
    )


def _parameters(server: PostgresServer, password: str | None, options: Mapping[str, str]) -> dict[str, _Parameter]:
    return {
        "connect_timeout": _CONNECT_TIMEOUT,
        "application_name": "reconcile",
        **server.parameters,
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        "dbname": server.database,
        "host": server.host or None,
        "port": server.port,
        "user": server.user or None,
        "password": password,
    }
