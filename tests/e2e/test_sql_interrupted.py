"""An apply that is killed, interrupted or out of disk leaves the roster as it was."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.model.access import Scope
from reconciler.targets.base import Batch
from tests.servers.apply_crowd import crowd
from tests.servers.rosters import DIRECTORY, PostgresRoster, Roster, SqliteRoster, content, opened

ROOT = Path(__file__).parents[2]
MANY = "60000"  # accounts: a second or more of writing, and more than a cache holds
SCOPE = Scope(DIRECTORY, frozenset())
MAKE_SMALL_DISK = "mount -t tmpfs -o size=512k none small"
PROGRAM = [sys.executable, "-m", "tests.servers.apply_crowd"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_or_interrupted_apply_leaves_the_roster_as_it_was(roster: Roster, how: signal.Signals) -> None:
    """Whatever was written before the signal is rolled back, and the next run works as if nothing had been."""
    opened(roster).apply(Batch(tuple(crowd([0]))))
    before = content(roster)
    url = f"sqlite:///{roster.path}" if isinstance(roster, SqliteRoster) else str(roster.options().options["url"])
    process = subprocess.Popen([*PROGRAM, url, MANY], cwd=ROOT, stderr=subprocess.DEVNULL)
    _wait_until_it_writes(roster, process)
    process.send_signal(how)
    assert process.wait(60) == -how
    assert opened(roster, patience=10).read(SCOPE).users.keys() == {"uuid-000000000"}
    assert content(roster) == before


def test_a_full_disk_leaves_the_roster_as_it_was(tmp_path: Path) -> None:
    """The error says that the disk is full, and the file is the same to the byte."""
    (tmp_path / "small").mkdir()
    if _in_own_mounts(MAKE_SMALL_DISK, tmp_path).returncode != 0:
        pytest.skip("a small disk cannot be mounted")
    roster = SqliteRoster(tmp_path / "roster.db")
    opened(roster).apply(Batch(tuple(crowd([0]))))
    apply = f"(cd {ROOT} && {' '.join(PROGRAM)} sqlite:///{tmp_path}/small/roster.db 5000)"
    done = _in_own_mounts(
        f"{MAKE_SMALL_DISK} && cp roster.db small/ && {apply} && cmp roster.db small/roster.db", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "TargetRejected: target roster: " in done.stdout
    assert "roster.db cannot grow: the disk is full" in done.stdout
    assert "Nothing was written. Free some space." in done.stdout


def test_a_quota_leaves_the_roster_as_it_was(tmp_path: Path) -> None:
    """A file that may not grow is reported like a full disk: one line, nothing written."""
    roster = SqliteRoster(tmp_path / "roster.db")
    opened(roster).apply(Batch(tuple(crowd([0]))))
    before = roster.path.read_bytes()
    command = f"ulimit -f 512; exec {' '.join(PROGRAM)} sqlite:///{roster.path} 5000"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert "roster.db cannot be read or written: the disk reports an error" in done.stdout
    assert roster.path.read_bytes() == before


def _in_own_mounts(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    unshare = shutil.which("unshare") or "false"
    command = [unshare, "--mount", "--map-root-user", "sh", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def _wait_until_it_writes(roster: Roster, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while not _is_writing(roster):
        assert process.poll() is None, "it ended before it was seen to write"
        assert time.monotonic() < end
        time.sleep(0.002)


def _is_writing(roster: Roster) -> bool:
    if isinstance(roster, SqliteRoster):
        return roster.path.stat().st_size > 1_000_000
    assert isinstance(roster, PostgresRoster)
    with roster.server.connect("postgres") as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'reconcile' AND datname = %s AND query LIKE 'INSERT%%'",
            [roster.database],
        )
        return found.fetchone() is not None
