"""Every query of docs/targets/sql.md runs in both databases and yields what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.model.access import Flag, Group, GroupKey, Role, User, UserKey
from reconciler.model.change import AddMembership, Change, CreateGroup, CreateUser, Who
from reconciler.model.reason import Reason, Why
from reconciler.targets.base import Batch
from tests.servers.rosters import Roster, RosterScratch, SqliteRoster, opened

PAGE = Path(__file__).parents[2] / "docs" / "targets" / "sql.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
REASON = Reason(Why.GROUP_LINK)
BACKEND = GroupKey("payments/backend")


@pytest.fixture
def filled(roster: Roster) -> Roster:
    """Give the roster that the page talks about."""
    opened(roster).apply(Batch(tuple(_changes())))
    roster.execute("INSERT INTO users (username, active) VALUES ('dave', FALSE)")
    by_hand = RosterScratch(roster)
    by_hand.group_by_hand("operations")
    by_hand.membership_by_hand("alice", "operations", "viewer")
    return roster


def test_every_query_yields_what_the_page_says(filled: Roster) -> None:
    """A text block after a query holds its rows."""
    shown = [
        (code, said) for (kind, code), (next_kind, said) in pairwise(BLOCKS) if (kind, next_kind) == ("sql", "text")
    ]
    assert len(shown) >= 8
    for query, said in shown:
        rows = [" | ".join("NULL" if value is None else str(value) for value in row) for row in filled.execute(query)]
        assert rows == said.splitlines(), query


def test_every_statement_runs(filled: Roster) -> None:
    """In the order of the page; SQLite knows no GRANT, and the roles that it names are made here."""
    if not isinstance(filled, SqliteRoster):
        for role in ("reconcile_plan", "reconcile_apply"):
            filled.execute(f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    for kind, code in BLOCKS:
        if kind == "sql" and not (code.startswith("GRANT") and isinstance(filled, SqliteRoster)):
            filled.execute(code)
    (erin,) = filled.execute("SELECT active, managed_by, created_at FROM users WHERE username = 'erin'")
    assert not erin[0]
    assert erin[1] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(erin[2]))
    assert len(filled.execute("SELECT * FROM who_has_what WHERE username = 'erin'")) == 1
    assert [row[0] for row in filled.execute("SELECT username FROM users WHERE username = 'carol' AND active")] == [
        "carol"
    ]


@pytest.mark.parametrize("roster", ["sqlite"], indirect=True)
def test_the_python_of_the_page_prints_what_the_page_says(filled: Roster) -> None:
    """An application needs no library."""
    assert isinstance(filled, SqliteRoster)
    ((code, said),) = [(code, said) for (kind, code), (_, said) in pairwise(BLOCKS) if kind == "python"]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=filled.path.parent, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == said


def _changes() -> list[Change]:
    alice, bob, carol = (Who(name, UserKey(f"uuid-{name}")) for name in ("alice", "bob", "carol"))
    return [
        CreateUser(User(alice.key, "alice", {"email": "alice@example.com"}), REASON),
        CreateUser(User(bob.key, "bob", {"email": "bob@example.com"}, flags={Flag.ADMIN: True}), REASON),
        CreateUser(User(carol.key, "carol", active=False), REASON),
        CreateGroup(Group(BACKEND), REASON),
        AddMembership(alice, BACKEND, Role("editor"), REASON),
        AddMembership(bob, BACKEND, Role("owner"), REASON),
        AddMembership(carol, BACKEND, Role("viewer"), REASON),
    ]
