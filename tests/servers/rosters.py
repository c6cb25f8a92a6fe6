"""Rosters to try the `sql` target on, in SQLite and in PostgreSQL, with a way behind its back; never used by two tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
import pytest

from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef
from reconciler.targets.base import Batch, Options
from reconciler.targets.sql.settings import settings
from reconciler.targets.sql.target import SqlTarget
from tests.servers.postgres import PASSWORD, USER, PostgresServer, postgres

__all__ = ["postgres", "roster"]  # the fixtures, for one import line in a conftest.py

DIRECTORY = "corp"
ROLES = ("viewer", "editor", "owner")
NOW = "2026-11-20T04:00:00Z"
TABLES = ("users", "groups", "memberships")
PASSWORD_VARIABLE = "ROSTER_PASSWORD"

Row = tuple[object, ...]


class Roster(Protocol):
    """One empty roster."""

    def options(self) -> Options:
        """Return what a policy says of it."""

    def execute(self, statement: str) -> list[Row]:
        """Run one statement as an application would, and return the rows that it yields."""


@dataclass(frozen=True, slots=True)
class SqliteRoster:
    """A roster in a file, which is not there until the first apply."""

    path: Path

    def options(self) -> Options:
        """Return what a policy says of it."""
        return options(f"sqlite:///{self.path.name}", str(self.path.parent))

    def execute(self, statement: str) -> list[Row]:
        """Run one statement with foreign keys on, and commit it."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("PRAGMA foreign_keys = ON")
            return connection.execute(statement).fetchall()


@dataclass(frozen=True, slots=True)
class PostgresRoster:
    """A roster in a database of its own."""

    server: PostgresServer
    database: str
    user: str = USER

    def options(self) -> Options:
        """Return what a policy says of it; the password is in an environment variable."""
        secret = SecretRef("env", PASSWORD_VARIABLE, Position("x", 1))
        return options(self.server.url(self.database, self.user), password=secret)

    def execute(self, statement: str) -> list[Row]:
        """Run one statement, and commit it."""
        with self.server.connect(self.database) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def options(url: str, folder: str = "/", **more: object) -> Options:
    """Return the options of a roster for the directory `corp`."""
    return Options("roster", DIRECTORY, {"url": url, **more}, folder, ROLES)


def opened(roster: Roster, now: str = NOW, patience: float = 0.3) -> SqlTarget:
    """Return the target for a roster, with a clock that stands still and little patience with locks."""
    return SqlTarget(settings(roster.options()), lambda: now, patience)


def make_tables(roster: Roster) -> None:
    """Make the tables of an empty roster."""
    opened(roster).apply(Batch(()))


def content(roster: Roster) -> Mapping[str, list[Row]]:
    """Return the rows of all tables; a roster that is not there has none."""
    try:
        return {table: sorted(roster.execute(f"SELECT * FROM {table}"), key=str) for table in TABLES}  # noqa: S608 - our own names
    except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
        return {table: [] for table in TABLES}


class RosterScratch:
    """A roster as the conformance suite wants it."""

    directory = DIRECTORY

    def __init__(self, roster: Roster) -> None:
        self.roster = roster

    def open(self) -> SqlTarget:
        """Return a new target for the roster."""
        return opened(self.roster)

    def user_by_hand(self, username: str) -> None:
        """Make an account, and the tables before it."""
        make_tables(self.roster)
        self.roster.execute(f"INSERT INTO users (username) VALUES ('{username}')")  # noqa: S608 - a test's own words

    def group_by_hand(self, name: str) -> None:
        """Make a group, and the tables before it."""
        make_tables(self.roster)
        self.roster.execute(f"INSERT INTO groups (name) VALUES ('{name}')")  # noqa: S608 - a test's own words

    def membership_by_hand(self, username: str, group: str, role: str) -> None:
        """Make a membership of what is there."""
        self.roster.execute(
            f"INSERT INTO memberships (group_id, user_id, role) SELECT groups.id, users.id, '{role}' FROM groups, users "  # noqa: S608 - a test's own words
            f"WHERE groups.name = '{group}' AND users.username = '{username}'"
        )

    def content(self) -> object:
        """Return the rows of all tables."""
        return content(self.roster)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def roster(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Roster]:
    """Give an empty roster, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        yield SqliteRoster(tmp_path / "roster.db")
        return
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    server: PostgresServer = request.getfixturevalue("postgres")
    yield PostgresRoster(server, server.new_database())
