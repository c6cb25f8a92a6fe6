"""The `sql` store against a real server: rights, passwords, tables, and what it says when something is wrong."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.policy.model import StateConfig
from reconciler.state.base import Store
from reconciler.state.open import open_store
from tests.examples import ROOT
from tests.servers.postgres import PASSWORD, PostgresServer, postgres
from tests.servers.stores import PASSWORD_VARIABLE, database

__all__ = ["postgres"]

_PAGE = (ROOT / "docs/state.md").read_text(encoding="utf-8")

Open = Callable[[StateConfig], Store]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Give what opens a store; the right password is in the environment."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    with ExitStack() as stack:
        yield lambda config: stack.enter_context(closing(open_store(config, "/")))


def test_reading_makes_no_tables(postgres: PostgresServer, opened: Open) -> None:
    """The first write does; the address holds no parameters."""
    name = postgres.new_database()
    store = opened(database(postgres.url(name) + "?connect_timeout=5"))
    assert store.address == postgres.url(name)
    assert (store.read("a/b"), store.names("a/"), store.records("logs/a")) == (None, [], [])
    store.delete("a/b")
    with postgres.connect(name) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    store.create("a/b", b"")
    with postgres.connect(name) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
    assert tables == [("reconcile_log",), ("reconcile_state",)]


def test_the_tables_and_rights_of_the_manual_are_enough(postgres: PostgresServer, opened: Open) -> None:
    """For a user who may make no table; the manual's statements are run as they stand there."""
    name = postgres.new_database()
    (statements,) = re.findall(r"^```sql\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
    with postgres.connect(name) as connection:
        connection.execute(f"DROP ROLE IF EXISTS reconcile; CREATE ROLE reconcile LOGIN PASSWORD '{PASSWORD}'".encode())
        connection.execute(statements.encode())
    store = opened(database(postgres.url(name, "reconcile")))
    assert store.create("a/b", b"one")
    item = store.read("a/b")
    assert item is not None
    assert store.replace("a/b", b"two", item.version)
    assert store.append("logs/a", b"{}", 0)
    assert store.records("logs/a") == [b"{}"]
    store.delete("a/b")
    store.delete("logs/a")
    assert store.names("a/") == []
    with postgres.connect(name) as connection:
        connection.execute("REVOKE ALL ON reconcile_state, reconcile_log FROM reconcile")
        connection.execute("GRANT SELECT ON reconcile_state, reconcile_log TO reconcile")
    assert store.names("a/") == []
    with pytest.raises(
        StateError, match=r"does not let this user do that .* Grant the rights that docs/state.md names"
    ):
        store.create("a/b", b"")


def test_a_wrong_password_is_refused_and_not_said(
    postgres: PostgresServer, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is the right one."""
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong horse")
    store = opened(database(postgres.url(postgres.new_database())))
    with pytest.raises(StateError, match=r"refused the login .* Check user, password and pg_hba.conf") as caught:
        store.create("a/b", b"")
    assert "horse" not in str(caught.value)


def test_a_password_that_is_not_there_is_named(
    postgres: PostgresServer, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of its variable."""
    monkeypatch.delenv(PASSWORD_VARIABLE)
    with pytest.raises(StateError, match=rf'cannot be logged in to: .*"{PASSWORD_VARIABLE}" is not set'):
        opened(database(postgres.url("postgres")))


def test_a_server_that_does_not_answer_is_named(opened: Open) -> None:
    """Port 9 of this machine belongs to nobody."""
    store = opened(database("postgresql://reconciler@127.0.0.1:9/state"))
    for act in (lambda: store.read("a/b"), lambda: store.names("a/")):
        with pytest.raises(StateError, match=r"postgresql://reconciler@127\.0\.0\.1:9/state does not answer"):
            act()


def test_a_connection_that_broke_between_calls_is_made_anew(postgres: PostgresServer, opened: Open) -> None:
    """A server may have been restarted while a run worked on its targets."""
    name = postgres.new_database()
    store = opened(database(postgres.url(name)))
    store.create("a/b", b"x")
    with postgres.connect("postgres") as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        assert connection.execute(ended, (name,)).fetchall() == [(True,)]
    assert store.read("a/b") is not None


def test_another_table_of_that_name_is_not_written(postgres: PostgresServer, opened: Open) -> None:
    """What the database says of it is passed on."""
    name = postgres.new_database()
    with postgres.connect(name) as connection:
        connection.execute("CREATE TABLE reconcile_log (ours text)")
    with pytest.raises(StateError, match=r"refused: .*reconcile_state"):
        opened(database(postgres.url(name))).create("a/b", b"")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql:///state", "url names no host, and another one would be found on another machine"),
        ("postgresql://db", "url names no database"),
        ("postgresql://db/state?options=-c", 'url has the parameter "options", which is not allowed here'),
        ("mysql://db/state", 'url has scheme "mysql"'),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(opened: Open, url: str, message: str) -> None:
    """Before anything is connected to."""
    with pytest.raises(StateError, match=message):
        opened(database(url))


def test_a_sqlite_file_is_its_owners_alone_and_made_by_the_first_write(opened: Open, tmp_path: Path) -> None:
    """A relative path starts in the folder of the file that says it."""
    config = StateConfig("sql", url="sqlite:///state.db", folder=str(tmp_path))
    store = opened(config)
    assert store.read("a/b") is None
    assert list(tmp_path.iterdir()) == []
    assert store.create("a/b", b"")
    assert stat.S_IMODE((tmp_path / "state.db").stat().st_mode) == 0o600
    with pytest.raises(StateError, match="cannot be opened"):
        opened(replace(config, url="sqlite:///missing/state.db")).create("a/b", b"")
    (tmp_path / "other.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(StateError, match="is not a SQLite database"):
        opened(replace(config, url="sqlite:///other.db")).read("a/b")
