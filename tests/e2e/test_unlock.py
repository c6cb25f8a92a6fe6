"""`reconcile unlock`: the locks that are there, and the end of one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.state.file import FileStore
from reconciler.state.lease import Holder, Lease, encoded, stamp
from reconciler.state.lock import Lock, Terms, acquire, held
from tests.examples import reconcile

POLICY = "version: 1\ndirectories:\n  corp: {kind: ldif, file: people.ldif}\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/policy.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


@pytest.fixture
def store(work: Path) -> FileStore:
    return FileStore(str(work / "policies/.reconcile"))


@pytest.fixture
def lock(store: FileStore) -> Iterator[Lock]:
    with acquire(store, "roster", Terms(Holder("alice", "build-7", 4711), lambda: datetime.now(UTC))) as lock:
        yield lock


def test_without_an_id_all_locks_are_listed(work: Path, lock: Lock) -> None:
    """By the real clock, whatever stands for now."""
    done = reconcile("unlock", cwd=work)
    assert done.stdout.startswith("roster is held by alice on build-7 (process 4711) since ")
    assert done.stdout.endswith(f" s after the last one. Lock id: {lock.id}.\n")
    assert "ahead" not in done.stdout


def test_where_nobody_is_at_work_that_is_said_and_nothing_is_made(work: Path) -> None:
    """Looking is no write."""
    assert reconcile("unlock", cwd=work).stdout == "No target is locked.\n"
    assert sorted(path.name for path in (work / "policies").iterdir()) == ["policy.yaml"]


def test_a_lock_is_ended_by_its_id(work: Path, store: FileStore, lock: Lock) -> None:
    """With a warning where its run was alive a moment ago."""
    done = reconcile("unlock", lock.id, "--policy", "policies", cwd=work)
    assert done.stdout == "The lock of roster is free.\n"
    assert done.stderr.startswith(
        "warning: Its run may still be at work, and stops before it writes again: roster is held"
    )
    assert held(store) == []


def test_the_lock_of_a_run_that_ended_is_ended_without_a_word(work: Path, store: FileStore) -> None:
    """Which is what the command is there for."""
    then = stamp(datetime.now(UTC) - timedelta(hours=1))
    store.create("locks/roster", encoded(Lease("0123", "roster", Holder("alice", "build-7", 1), then, then)))
    done = reconcile("unlock", "0123", cwd=work)
    assert (done.stdout, done.stderr) == ("The lock of roster is free.\n", "")


def test_an_unknown_id_is_a_usage_error_that_lists_the_locks(work: Path, store: FileStore, lock: Lock) -> None:
    """Nothing is ended."""
    done = reconcile("unlock", "roster", cwd=work, code=64)
    assert done.stderr.startswith('error: No lock has the id "roster".\nroster is held by alice on build-7')
    assert [lease.id for lease in held(store)] == [lock.id]


def test_a_store_that_cannot_be_used_is_said_with_its_exit_code(work: Path, store: FileStore, lock: Lock) -> None:
    """As any other thing that a run talks to."""
    store.create("locks/gitlab", b"something else")
    done = reconcile("unlock", cwd=work, code=5)
    assert "locks/gitlab is no lock that this version can read" in done.stderr


def test_a_policy_that_is_one_file_has_its_store_beside_it(work: Path, lock: Lock) -> None:
    """As its other files are."""
    assert lock.id in reconcile("unlock", "--policy", "policies/policy.yaml", cwd=work).stdout


def test_what_lies_in_the_store_is_no_part_of_the_policy(work: Path, lock: Lock) -> None:
    """Even if it looks like it."""
    (work / "policies/.reconcile/policy.yaml").write_text("version: 2\n", encoding="utf-8")
    assert "valid" in reconcile("validate", cwd=work).stdout


@pytest.mark.parametrize("command", ["unlock", "log"])
def test_a_folder_in_place_of_an_id_is_told_where_it_belongs(work: Path, command: str) -> None:
    """Most commands take the policy there."""
    done = reconcile(command, "policies", cwd=work, code=64)
    assert "policies is a folder, and an id is wanted here: name the folder with --policy policies." in done.stderr
