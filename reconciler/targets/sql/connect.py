"""Open one transaction on the roster's database; never reads or writes a row of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import assert_never

from sqlalchemy import Connection, Engine, text

from reconciler.database.connect import postgres_engine, sqlite_engine
from reconciler.database.places import PostgresServer, SqliteFile
from reconciler.errors import PolicyError, TargetError, TargetRejected, TargetUnreachable
from reconciler.model.text import shortened
from reconciler.policy.secrets import resolve
from reconciler.targets.sql.failures import explained
from reconciler.targets.sql.settings import Settings

_ADVISORY_LOCK = 0x_726F_7374_6572  # "roster"; holds off other runs while the tables may not exist yet


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
                engine = sqlite_engine(file, patience, mode="rw", begin="BEGIN")
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
                engine = sqlite_engine(file, patience, mode="rwc", begin="BEGIN IMMEDIATE")
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


def _postgres(server: PostgresServer, patience: float, settings: Settings, *, isolation: str) -> Engine:
    # a policy that hides rows from us is an error, never a smaller roster
    options = {"lock_timeout": f"{int(patience * 1000)}", "row_security": "off"}
    try:
        return postgres_engine(server, _password(server, settings), options, isolation=isolation)
    except ImportError as error:
        raise TargetRejected(
            f"{place_of(settings)} needs the package psycopg: pip install '.[postgres]' in a checkout of this program."
        ) from error


def _password(server: PostgresServer, settings: Settings) -> str | None:
    if server.password is None:
        return None
    try:
        return resolve(server.password).reveal()
    except PolicyError as error:
        raise TargetError(f"{place_of(settings)} cannot be logged in to: {error}") from error
