"""What a PostgreSQL server may answer instead of a roster: one clear line each, no secret, and nothing written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.errors import TargetError, TargetRejected, TargetUnreachable
from reconciler.model.access import Scope
from reconciler.targets.base import Batch
from reconciler.targets.sql import create
from tests.servers.apply_crowd import crowd
from tests.servers.postgres import PASSWORD, PostgresServer
from tests.servers.rosters import DIRECTORY, PASSWORD_VARIABLE, PostgresRoster, content, opened, options

pytestmark = pytest.mark.postgres

SCOPE = Scope(DIRECTORY, frozenset())
NEWCOMER = Batch(tuple(crowd([1])))


@pytest.fixture
def postgres_roster(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> PostgresRoster:
    """Give a roster with one account."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    roster = PostgresRoster(postgres, postgres.new_database())
    opened(roster).apply(Batch(tuple(crowd([0]))))
    return roster


def test_a_refused_login_does_not_show_the_password(
    postgres_roster: PostgresRoster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the place and what to check."""
    monkeypatch.setenv(PASSWORD_VARIABLE, "wr0ng-and-secret")
    for attempt in _attempts(postgres_roster):
        with pytest.raises(TargetRejected, match=r"refused the login .* Check user, password") as caught:
            attempt()
        assert "wr0ng" not in _everything_said(caught.value)


def test_a_missing_password_is_named(postgres_roster: PostgresRoster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that is not set is named, and it is the target that cannot be reached."""
    monkeypatch.delenv(PASSWORD_VARIABLE)
    with pytest.raises(TargetError, match=r"cannot be logged in to: .*ROSTER_PASSWORD"):
        opened(postgres_roster).read(SCOPE)


def test_no_password_at_all_is_a_refused_login(
    postgres_roster: PostgresRoster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server asks for one, and the policy names none."""
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")
    with pytest.raises(TargetRejected, match="refused the login"):
        create(options(postgres_roster.server.url(postgres_roster.database))).read(SCOPE)


def test_a_missing_driver_is_named(postgres_roster: PostgresRoster, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra of the package."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        TargetRejected, match=r"needs the package psycopg: pip install '\.\[postgres\]' in a checkout of this program\."
    ):
        opened(postgres_roster).read(SCOPE)


def test_a_missing_database_is_named(postgres_roster: PostgresRoster) -> None:
    """The server is there, the database is not."""
    with pytest.raises(TargetRejected, match="has no such database"):
        opened(replace(postgres_roster, database="nowhere")).read(SCOPE)


def test_a_server_that_is_down_is_unreachable(postgres_roster: PostgresRoster) -> None:
    """Nobody listens on the port."""
    down = replace(postgres_roster, server=replace(postgres_roster.server, port=1))
    for attempt in _attempts(down):
        with pytest.raises(TargetUnreachable, match=r"does not answer .* Check that the server is up") as caught:
            attempt()
        assert PASSWORD not in _everything_said(caught.value)


def test_a_locked_table_is_waited_for_and_then_reported(postgres_roster: PostgresRoster) -> None:
    """An application that writes holds us off; reading goes on."""
    with postgres_roster.server.connect(postgres_roster.database) as other, other.transaction():
        other.execute("INSERT INTO users (username) VALUES ('half-done')")
        assert len(opened(postgres_roster).read(SCOPE).users) == 1
        with pytest.raises(TargetUnreachable, match="is locked by another program"):
            opened(postgres_roster).apply(NEWCOMER)


def test_a_read_only_server_is_reported(postgres_roster: PostgresRoster) -> None:
    """A standby can be read and not written."""
    postgres_roster.execute(f"ALTER DATABASE {postgres_roster.database} SET default_transaction_read_only = on")
    assert len(opened(postgres_roster).read(SCOPE).users) == 1
    with pytest.raises(TargetRejected, match=r"is read-only .* Connect to the primary"):
        opened(postgres_roster).apply(NEWCOMER)


def test_missing_rights_are_reported(postgres_roster: PostgresRoster) -> None:
    """A user who may only read makes plans; an apply says what to grant."""
    user = f"auditor_{postgres_roster.database}"
    postgres_roster.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'")
    postgres_roster.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")
    auditor = replace(postgres_roster, user=user)
    assert len(opened(auditor).read(SCOPE).users) == 1
    with pytest.raises(TargetRejected, match=r"does not let this user do that .* Grant the rights"):
        opened(auditor).apply(NEWCOMER)


def test_a_session_that_is_ended_leaves_the_roster_as_it_was(postgres_roster: PostgresRoster) -> None:
    """The server ends the session in the middle of the transaction."""
    postgres_roster.execute(
        "CREATE FUNCTION go_away() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN new; END'"
    )
    postgres_roster.execute("CREATE TRIGGER away AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION go_away()")
    before = content(postgres_roster)
    with pytest.raises(TargetUnreachable, match=r"ended the session .* Plan again to see whether anything was written"):
        opened(postgres_roster).apply(NEWCOMER)
    assert content(postgres_roster) == before


def _attempts(roster: PostgresRoster) -> list[Callable[[], object]]:
    """Return both ways to get into trouble: reading and applying."""
    return [lambda: opened(roster).read(SCOPE), lambda: opened(roster).apply(NEWCOMER)]


def _everything_said(error: BaseException) -> str:
    """Return the text of an error and of everything that caused it."""
    cause = error.__cause__
    return str(error) + (_everything_said(cause) if cause is not None else "")
