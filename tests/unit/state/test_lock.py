"""One run at a time: who waits, who takes over, and how a holder notices that it lost the lock."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from reconciler.errors import LockHeld, StateError
from reconciler.state.base import Item
from reconciler.state.file import FileStore
from reconciler.state.lease import Holder, Lease, decoded, encoded, stamp
from reconciler.state.lock import Lock, Terms, acquire, elapsed, held, unlock

ALICE, BOB = Holder("alice", "build-7", 4711), Holder("bob", "laptop", 42)
TTL = 2.0  # seconds: the tests wait for real, and a busy machine has to renew in time
_HOLD = """
import sys, time
from datetime import UTC, datetime
from reconciler.state.file import FileStore
from reconciler.state.lease import this_process
from reconciler.state.lock import Terms, acquire
lock = acquire(FileStore(sys.argv[1]), "roster", Terms(this_process(), lambda: datetime.now(UTC), ttl=float(sys.argv[2])))
print(lock.id, flush=True)
time.sleep(60)
"""


def clock() -> datetime:
    return datetime.now(UTC)


def ahead(seconds: float) -> Callable[[], datetime]:
    return lambda: clock() + timedelta(seconds=seconds)


def terms(holder: Holder, timeout: float = 0, clock: Callable[[], datetime] = clock) -> Terms:
    return Terms(holder, clock, timeout, TTL)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "kept"))


def lease_in(store: FileStore, target: str = "roster") -> Lease | None:
    item = store.read(f"locks/{target}")
    return decoded(item.content) if item else None


def left_behind(store: FileStore, age: float, ttl: float = TTL) -> Lease:
    """Leave a lock as a run does that was killed; its last sign of life is `age` seconds old."""
    then = stamp(clock() - timedelta(seconds=age))
    lease = Lease("0123456789abcdef", "roster", ALICE, then, then, ttl)
    item = store.read("locks/roster")
    if item is None:
        assert store.create("locks/roster", encoded(lease))
    else:
        assert store.replace("locks/roster", encoded(lease), item.version)
    return lease


def test_a_lock_is_held_until_it_is_given_back(store: FileStore) -> None:
    """And then free for the next, under another id."""
    with acquire(store, "roster", terms(ALICE)) as first:
        lease = lease_in(store)
        assert lease is not None
        assert (lease.id, lease.holder, lease.target) == (first.id, ALICE, "roster")
        assert [found.id for found in held(store)] == [first.id]
    assert held(store) == []
    with acquire(store, "roster", terms(BOB)) as second:
        assert second.id != first.id
        assert second.replaced is None


def test_targets_are_locked_one_by_one(store: FileStore) -> None:
    """Whoever works on another is not in the way."""
    with acquire(store, "Roster", terms(ALICE)), acquire(store, "roster", terms(BOB)):
        assert [lease.target for lease in held(store)] == ["Roster", "roster"]


def test_who_comes_second_is_told_who_is_at_work(store: FileStore) -> None:
    """With everything that is needed to find that run, or to end its lock."""
    with acquire(store, "roster", terms(ALICE)) as lock:
        with pytest.raises(LockHeld) as caught:
            acquire(store, "roster", terms(BOB))
        assert re.fullmatch(
            r"roster is held by alice on build-7 \(process 4711\) since 20..-..-..T..:..:..\....Z; last sign of life "
            rf"\d s ago, it ends 2 s after the last one\. Lock id: {lock.id}\.\n"
            rf"Wait for it, or give --lock-timeout SECONDS; .* `reconcile unlock {lock.id}` ends the lock at once\.",
            str(caught.value),
        )
        assert caught.value.exit_code == 9


def test_who_waits_gets_it_when_it_is_given_back(store: FileStore) -> None:
    """Before the time is over."""
    first = acquire(store, "roster", terms(ALICE))

    def finish() -> None:
        time.sleep(0.3)
        first.release()

    waiter = Thread(target=finish)
    waiter.start()
    start = elapsed()
    with acquire(store, "roster", terms(BOB, timeout=60)) as second:
        assert elapsed() - start < 30
        assert second.replaced is None
    waiter.join()


def test_who_waits_for_a_run_that_goes_on_waits_in_vain(store: FileStore) -> None:
    """For longer than a lock lives without being renewed: it is."""
    with acquire(store, "roster", terms(ALICE)) as lock:
        start = elapsed()
        with pytest.raises(LockHeld):
            acquire(store, "roster", terms(BOB, timeout=1.5 * TTL))
        assert elapsed() - start >= 1.5 * TTL
        assert not lock.lost
        lease = lease_in(store)
        assert lease is not None
        assert lease.beat >= 2


def test_waiting_can_be_given_up(store: FileStore) -> None:
    """By whatever the waiting raises: a signal, most often."""

    def interrupted(seconds: float) -> None:
        assert 0 < seconds <= 20
        raise KeyboardInterrupt

    with acquire(store, "roster", terms(ALICE)), pytest.raises(KeyboardInterrupt):
        acquire(store, "roster", replace(terms(BOB, timeout=20), wait=interrupted))


def test_a_lock_that_was_left_behind_is_taken_after_it_stood_still(store: FileStore) -> None:
    """Without a timeout, too; the taker knows whose it was."""
    lease = left_behind(store, age=10)
    start = elapsed()
    with acquire(store, "roster", terms(BOB)) as lock:
        assert TTL <= elapsed() - start < TTL * 10
        assert lock.replaced == lease
        found = lease_in(store)
        assert found is not None
        assert found.holder == BOB


def test_a_lock_that_may_be_alive_is_not_taken_without_waiting(store: FileStore) -> None:
    """Its last sign of life is younger than it may be."""
    left_behind(store, age=0, ttl=60)
    start = elapsed()
    with pytest.raises(LockHeld):
        acquire(store, "roster", terms(BOB))
    assert elapsed() - start < 10


def test_a_heartbeat_from_the_future_never_makes_a_lock_old_early(store: FileStore) -> None:
    """It is watched for the whole of its life, on the waiter's own clock, before it is taken."""
    left_behind(store, age=-3600)
    with pytest.raises(LockHeld, match="ahead of the clock here"):
        acquire(store, "roster", terms(BOB))
    start = elapsed()
    with acquire(store, "roster", terms(BOB, timeout=60)) as lock:
        assert elapsed() - start >= TTL
        assert lock.replaced is not None


@pytest.mark.parametrize("skew", [-3600, 3600])
@pytest.mark.parametrize("timeout", [0, 1.5 * TTL])
def test_clocks_that_differ_take_nothing_from_a_run_that_is_alive(
    store: FileStore, skew: float, timeout: float
) -> None:
    """An hour apart, either way, whether one waits or not."""
    with acquire(store, "roster", terms(ALICE, clock=ahead(skew))) as lock:
        with pytest.raises(LockHeld):
            acquire(store, "roster", terms(BOB, timeout))
        assert not lock.lost
        assert [lease.id for lease in held(store)] == [lock.id]


def test_of_many_that_want_a_lock_left_behind_one_gets_it(store: FileStore) -> None:
    """All have watched it stand still, and one is faster."""
    left_behind(store, age=10)
    locks: list[Lock] = []
    losers: list[LockHeld] = []

    def want(number: int) -> None:
        try:
            locks.append(acquire(store, "roster", terms(replace(BOB, pid=number))))
        except LockHeld as error:
            losers.append(error)

    threads = [Thread(target=want, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(locks), len(losers)) == (1, 5)
    assert not locks[0].lost
    locks[0].release()


def test_a_run_that_was_killed_keeps_its_lock_for_a_while_only(store: FileStore, tmp_path: Path) -> None:
    """Killed for real, so nothing was given back."""
    with holding(tmp_path / "kept", 2 * TTL) as (process, lock_id):
        with pytest.raises(LockHeld, match=lock_id):
            acquire(store, "roster", terms(BOB))
        process.kill()
        process.wait()
        with pytest.raises(LockHeld, match=lock_id):
            acquire(store, "roster", terms(BOB))
        with acquire(store, "roster", terms(BOB, timeout=60)) as lock:
            assert lock.replaced is not None
            assert lock.replaced.id == lock_id


def test_a_run_that_was_stopped_and_goes_on_knows_that_it_lost(store: FileStore) -> None:
    """Somebody took over while it could not renew; what it gives back is not the other's lock."""
    lock = acquire(store, "roster", terms(ALICE))
    lease = left_behind(store, age=0)  # stands for the one who took over
    soon(lambda: lock.lost)
    assert lock.release() == ""
    assert lease_in(store) == lease


def test_a_holder_that_cannot_renew_counts_its_lock_as_lost(store: FileStore, tmp_path: Path) -> None:
    """When others may believe that it has ended; giving it back says why it could not be."""
    lock = acquire(store, "roster", terms(ALICE))
    start = elapsed()
    (tmp_path / "kept/locks").rename(tmp_path / "kept/elsewhere")
    (tmp_path / "kept/locks").write_bytes(b"no folder")
    soon(lambda: lock.lost)
    assert elapsed() - start >= TTL / 2
    (tmp_path / "kept/locks").unlink()
    (tmp_path / "kept/elsewhere").rename(tmp_path / "kept/locks")
    assert lock.lost, "once lost, it stays so"
    (tmp_path / "kept").chmod(0o777)
    assert "can be written by everybody" in lock.release()


class Hanging(FileStore):
    """A store that answers, and takes nothing that is renewed."""

    def replace(self, name: str, content: bytes, version: str) -> bool:
        """Say that it cannot."""
        raise StateError(f"{name}: {len(content)} bytes are too much for {version}")


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
def test_nobody_takes_over_before_the_holder_counts_its_lock_as_lost(tmp_path: Path, skew: float) -> None:
    """Whatever the clock of the taker says of the last sign of life: two runs never hold one lock."""
    lock = acquire(Hanging(str(tmp_path / "kept")), "roster", terms(ALICE))
    with acquire(FileStore(str(tmp_path / "kept")), "roster", terms(BOB, 20, ahead(skew))):
        assert lock.lost


def test_a_store_that_is_away_for_a_moment_costs_nothing(store: FileStore, tmp_path: Path) -> None:
    """The next renewal finds it again."""
    with acquire(store, "roster", terms(ALICE)) as lock:
        (tmp_path / "kept").chmod(0o777)
        time.sleep(TTL * 0.4)  # one renewal fails
        (tmp_path / "kept").chmod(0o700)
        time.sleep(TTL * 0.7)
        assert not lock.lost


def test_a_lock_is_broken_by_its_id(store: FileStore) -> None:
    """And no other; its holder notices, and the target is free at once."""
    with acquire(store, "roster", terms(ALICE)) as lock, acquire(store, "gitlab", terms(ALICE)) as other:
        assert unlock(store, "another") is None
        broken = unlock(store, lock.id)
        assert broken is not None
        assert broken.id == lock.id
        assert unlock(store, lock.id) is None
        soon(lambda: lock.lost)
        assert not other.lost
        with acquire(store, "roster", terms(BOB)):
            assert {lease.holder for lease in held(store)} == {ALICE, BOB}


class Renewing(FileStore):
    """A store in which somebody else always renews the lock just before it is written."""

    def replace(self, name: str, content: bytes, version: str) -> bool:
        """Renew first."""
        lease = lease_in(self)
        item = super().read(name)
        assert lease is not None
        assert item is not None
        super().replace(name, encoded(lease.renewed(clock())), item.version)
        return super().replace(name, content, version)


def test_a_lock_that_is_renewed_all_the_time_is_said_to_be(tmp_path: Path) -> None:
    """Breaking it does not go on for ever."""
    store = Renewing(str(tmp_path / "kept"))
    lease = left_behind(FileStore(str(tmp_path / "kept")), age=0)
    with pytest.raises(StateError, match="was renewed each time"):
        unlock(store, lease.id)


class Vanishing(FileStore):
    """A store in which a lock is given back between two looks."""

    looks = 0

    def read(self, name: str) -> Item | None:
        """Give the first look only."""
        self.looks += 1
        return super().read(name) if self.looks == 1 else None


def test_a_lock_that_was_given_back_meanwhile_is_not_broken(tmp_path: Path) -> None:
    """There is nothing left to end."""
    lease = left_behind(FileStore(str(tmp_path / "kept")), age=0)
    assert unlock(Vanishing(str(tmp_path / "kept")), lease.id) is None


def test_a_lock_that_nobody_can_read_is_not_taken(store: FileStore) -> None:
    """A newer version may have written it; the message names it."""
    store.create("locks/roster", b"something else")
    with pytest.raises(StateError, match=r"locks/roster is no lock that this version can read"):
        acquire(store, "roster", terms(BOB))
    with pytest.raises(StateError, match="is no lock"):
        held(store)


def soon(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@contextmanager
def holding(folder: Path, ttl: float) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give a process that holds the lock of `roster`, and the lock's id."""
    command = [sys.executable, "-c", _HOLD, str(folder), str(ttl)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()
