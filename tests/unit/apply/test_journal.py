"""What a journal says to a run that comes later."""

from __future__ import annotations

from pathlib import Path

from reconciler.apply.journal import Journal, journal_name, read_history
from reconciler.state.file import FileStore

PLAN = "sha256:1"


def test_a_run_has_ended_when_its_journal_says_so_and_a_later_one_begins_anew(tmp_path: Path) -> None:
    """Who it was and when it began is that of the latest."""
    store = FileStore(str(tmp_path))
    journal = Journal(store, PLAN, read_history(store, PLAN))
    journal.begin(["roster"], "2026-11-20T12:00:00Z", "alice@one")
    assert not read_history(store, PLAN).ended
    journal.end(7)
    assert read_history(store, PLAN).ended
    journal.begin(["roster"], "2026-11-20T13:00:00Z", "bob@two")
    history = read_history(store, PLAN)
    assert (history.began, history.who, history.ended) == ("2026-11-20T13:00:00Z", "bob@two", False)


def test_what_a_later_version_writes_is_passed_over(tmp_path: Path) -> None:
    """It counts as a record and says nothing."""
    store = FileStore(str(tmp_path))
    assert store.append(journal_name(PLAN), b'{"kind":"another"}', 0)
    history = read_history(store, PLAN)
    assert (history.length, history.begun, history.ended) == (1, False, False)
