"""Whatever is wrong with a roster's database is one clear line, and nothing is written."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from reconciler.errors import TargetError, TargetRejected, TargetUnreachable
from reconciler.model.access import Scope
from reconciler.targets.base import Batch
from tests.servers.apply_crowd import crowd
from tests.servers.rosters import (
    DIRECTORY,
    Roster,
    SqliteRoster,
    content,
    make_tables,
    opened,
)

SCOPE = Scope(DIRECTORY, frozenset())
NEWCOMER = Batch(tuple(crowd([1])))


@pytest.fixture
def sqlite(tmp_path: Path) -> SqliteRoster:
    """Give a roster file with one account."""
    roster = SqliteRoster(tmp_path / "roster.db")
    opened(roster).apply(Batch(tuple(crowd([0]))))
    return roster


@pytest.fixture
def become_nobody() -> Iterator[Callable[[], None]]:
    """Give up the rights of root, for whom no permission counts, until the end of the test."""
    whoever = os.geteuid()
    nobody = pwd.getpwnam("nobody").pw_uid
    yield lambda: os.seteuid(nobody) if whoever == 0 else None
    os.seteuid(whoever)


@pytest.fixture
def public_roster() -> Iterator[SqliteRoster]:
    """Give a roster with one account in a folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-public-"))
    folder.chmod(0o755)
    roster = SqliteRoster(folder / "roster.db")
    opened(roster).apply(Batch(tuple(crowd([0]))))
    yield roster
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_file_can_be_read_and_not_written(
    public_roster: SqliteRoster, become_nobody: Callable[[], None]
) -> None:
    """A plan is possible, an apply says what to do."""
    public_roster.path.chmod(0o444)
    public_roster.path.parent.chmod(0o555)
    before = public_roster.path.read_bytes()
    become_nobody()
    assert len(opened(public_roster).read(SCOPE).users) == 1
    with pytest.raises(TargetRejected, match=r"roster\.db cannot be written .* Nothing was written\. Make the file"):
        opened(public_roster).apply(NEWCOMER)
    assert public_roster.path.read_bytes() == before


def test_a_file_in_a_read_only_folder_cannot_be_written(
    public_roster: SqliteRoster, become_nobody: Callable[[], None]
) -> None:
    """SQLite needs a journal beside the file; without one nothing is begun."""
    public_roster.path.chmod(0o666)
    public_roster.path.parent.chmod(0o555)
    before = public_roster.path.read_bytes()
    become_nobody()
    with pytest.raises(TargetError, match=r"Nothing was written.*folder"):
        opened(public_roster).apply(NEWCOMER)
    assert public_roster.path.read_bytes() == before


def test_a_roster_cannot_be_made_in_a_read_only_folder(
    public_roster: SqliteRoster, become_nobody: Callable[[], None]
) -> None:
    """The plan sees an empty roster, the apply says what is missing."""
    missing = SqliteRoster(public_roster.path.with_name("new.db"))
    public_roster.path.parent.chmod(0o555)
    become_nobody()
    assert opened(missing).read(SCOPE).users == {}
    with pytest.raises(TargetUnreachable, match=r"new\.db cannot be opened .* Check the permissions"):
        opened(missing).apply(NEWCOMER)
    assert not missing.path.exists()


def test_what_a_killed_apply_left_is_put_right_only_by_who_may_write(
    public_roster: SqliteRoster, become_nobody: Callable[[], None]
) -> None:
    """A reader without rights is told so, and not shown what was half-written; one with rights sees what was before."""
    journal = public_roster.path.with_name("roster.db-journal")
    with closing(sqlite3.connect(public_roster.path, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")  # so that changed pages reach the file before the commit
        writer.execute("BEGIN")
        writer.execute("UPDATE users SET name = 'half done'")
        writer.executemany("INSERT INTO groups (name) VALUES (?)", [[f"{number:01000}"] for number in range(100)])
        half_done, old_pages = public_roster.path.read_bytes(), journal.read_bytes()
    public_roster.path.write_bytes(half_done)
    journal.write_bytes(old_pages)
    public_roster.path.chmod(0o444)
    journal.chmod(0o444)
    public_roster.path.parent.chmod(0o555)
    become_nobody()
    with pytest.raises(TargetRejected, match=r"was left by an interrupted write and is read-only"):
        opened(public_roster).read(SCOPE)
    os.seteuid(public_roster.path.stat().st_uid)
    public_roster.path.parent.chmod(0o755)
    public_roster.path.chmod(0o644)
    state = opened(public_roster).read(SCOPE)
    assert len(state.groups) == 0
    assert [user.attributes["name"] for user in state.users.values()] == ["0" * 200]


def test_an_unreadable_file_is_not_an_empty_roster(
    public_roster: SqliteRoster, become_nobody: Callable[[], None]
) -> None:
    """Not being allowed to look is an error, never "nothing there"."""
    public_roster.path.chmod(0o000)
    become_nobody()
    with pytest.raises(TargetUnreachable, match="cannot be opened"):
        opened(public_roster).read(SCOPE)


@pytest.mark.parametrize("begin", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"])
def test_a_locked_file_is_waited_for_and_then_reported(sqlite: SqliteRoster, begin: str) -> None:
    """Another program that writes holds us off."""
    before = content(sqlite)
    with closing(sqlite3.connect(sqlite.path, isolation_level=None)) as other:
        other.execute(begin)
        with pytest.raises(TargetUnreachable, match=r"is locked by another program .* Try again when"):
            opened(sqlite).apply(NEWCOMER)
        if begin == "BEGIN EXCLUSIVE":
            with pytest.raises(TargetUnreachable, match="is locked by another program"):
                opened(sqlite).read(SCOPE)
    assert content(sqlite) == before


def test_a_reader_that_does_not_end_holds_off_the_commit(sqlite: SqliteRoster) -> None:
    """What was written before the commit is rolled back."""
    before = content(sqlite)
    with closing(sqlite3.connect(sqlite.path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM users").fetchall()
        with pytest.raises(TargetUnreachable, match="is locked by another program"):
            opened(sqlite).apply(NEWCOMER)
    assert content(sqlite) == before


def test_a_file_of_something_else_is_not_touched(tmp_path: Path) -> None:
    """A text file by that name is no roster."""
    roster = SqliteRoster(tmp_path / "roster.db")
    roster.path.write_text("The minutes of the last meeting.\n" * 100, encoding="utf-8")
    before = roster.path.read_bytes()
    for attempt in _attempts(roster):
        with pytest.raises(TargetRejected, match=r"is not a SQLite database .* Correct the url or move that file away"):
            attempt()
    assert roster.path.read_bytes() == before


def test_a_damaged_file_is_reported(sqlite: SqliteRoster) -> None:
    """Pages full of noise are not read as "nothing"."""
    opened(sqlite).apply(Batch(tuple(crowd(range(1, 2000)))))
    whole = sqlite.path.read_bytes()
    sqlite.path.write_bytes(whole[:8192] + b"\xa5" * (len(whole) - 8192))
    for attempt in _attempts(sqlite):
        with pytest.raises(TargetRejected, match=r"roster\.db is damaged .* Restore it from a backup"):
            attempt()


def test_an_empty_file_is_an_empty_roster(tmp_path: Path) -> None:
    """SQLite takes it for a new database, and so do we."""
    roster = SqliteRoster(tmp_path / "roster.db")
    roster.path.touch()
    assert opened(roster).read(SCOPE).users == {}
    opened(roster).apply(NEWCOMER)
    assert len(content(roster)["users"]) == 1


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """It is found by the plan already, and not made."""
    roster = SqliteRoster(tmp_path / "no-such-folder" / "roster.db")
    for attempt in _attempts(roster):
        with pytest.raises(
            TargetUnreachable, match=r"there is no folder .*no-such-folder\. Make it or correct the url"
        ):
            attempt()
    assert not roster.path.parent.exists()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder by the roster's name is reported."""
    (tmp_path / "roster.db").mkdir()
    for attempt in _attempts(SqliteRoster(tmp_path / "roster.db")):
        with pytest.raises(TargetUnreachable, match="cannot be opened"):
            attempt()


def test_a_newer_roster_is_not_touched(roster: Roster) -> None:
    """What we do not know we neither read nor write."""
    make_tables(roster)
    roster.execute("INSERT INTO roster_version VALUES (2)")
    for attempt in _attempts(roster):
        with pytest.raises(TargetRejected, match="schema version 2, this program works with version 1: Use a newer"):
            attempt()
    assert content(roster)["users"] == []


def test_a_roster_without_a_version_is_not_touched(roster: Roster) -> None:
    """Somebody emptied that table; guessing is not for us."""
    make_tables(roster)
    roster.execute("DELETE FROM roster_version")
    for attempt in _attempts(roster):
        with pytest.raises(TargetRejected, match=r"schema version None, .* Restore it from a backup"):
            attempt()


def test_tables_of_another_application_are_not_touched(roster: Roster) -> None:
    """A database that has a table "groups" of its own gets no roster."""
    roster.execute("CREATE TABLE groups (title TEXT)")
    for attempt in _attempts(roster):
        with pytest.raises(TargetRejected, match='already holds a table "groups" that is not a roster\'s'):
            attempt()
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedTable)):
        roster.execute("SELECT * FROM users")


def test_a_database_that_swallows_rows_is_found_out(sqlite: SqliteRoster) -> None:
    """Every statement has to hit as many rows as it must, or everything is rolled back."""
    sqlite.execute("CREATE TRIGGER quiet BEFORE INSERT ON users BEGIN SELECT RAISE(IGNORE); END")
    before = content(sqlite)
    with pytest.raises(TargetRejected, match=r"2 rows were to be written and 0 were, .* trigger"):
        opened(sqlite).apply(Batch(tuple(crowd([1, 2]))))
    assert content(sqlite) == before


def test_a_database_that_refuses_a_row_refuses_the_run(sqlite: SqliteRoster) -> None:
    """The words of an application's own trigger reach the reader, and nothing is written."""
    sqlite.execute(
        "CREATE TRIGGER closed BEFORE INSERT ON users WHEN new.username = 'user2' "
        "BEGIN SELECT RAISE(ABORT, 'we are closed'); END"
    )
    before = content(sqlite)
    with pytest.raises(TargetRejected, match=r"refused: we are closed\. Nothing was written"):
        opened(sqlite).apply(Batch(tuple(crowd([1, 2]))))
    assert content(sqlite) == before


def _attempts(roster: Roster) -> list[Callable[[], object]]:
    """Return both ways to get into trouble: reading and applying."""
    return [lambda: opened(roster).read(SCOPE), lambda: opened(roster).apply(NEWCOMER)]
