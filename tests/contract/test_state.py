"""What every state store promises, tried on each of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from threading import Thread

import pytest

from reconciler.state.base import Store
from tests.servers.stores import Place

RECORDS = [b'{"kind":"begin"}', b"", "ä…".encode(), b"x" * 5000]


def test_nothing_is_there_at_first(store: Store) -> None:
    """A store that was never written to is an empty one."""
    assert store.read("locks/roster") is None
    assert store.names("locks/") == []
    assert store.records("journals/a") == []
    store.delete("locks/roster")


def test_a_piece_is_read_as_it_was_created(store: Store, another: Callable[[], Store]) -> None:
    """Byte for byte, here and by whoever opens the store next."""
    content = b"\x00\xff\r\n" + b"x" * 100_000
    assert store.create("plans/abc", content)
    for opened in (store, another()):
        item = opened.read("plans/abc")
        assert item is not None
        assert item.content == content
    assert store.create("empty", b"")
    item = store.read("empty")
    assert item is not None
    assert item.content == b""


def test_a_name_is_created_once(store: Store, another: Callable[[], Store]) -> None:
    """Who comes second changes nothing."""
    assert store.create("burned/abc", b"first")
    assert not store.create("burned/abc", b"second")
    assert not another().create("burned/abc", b"third")
    item = store.read("burned/abc")
    assert item is not None
    assert item.content == b"first"


def test_a_piece_is_replaced_only_in_the_version_that_was_read(store: Store) -> None:
    """An old version, a made-up one and one that is gone change nothing."""
    store.create("seen/corp", b"one")
    first = store.read("seen/corp")
    assert first is not None
    assert store.replace("seen/corp", b"two", first.version)
    assert not store.replace("seen/corp", b"three", first.version)
    second = store.read("seen/corp")
    assert second is not None
    assert (second.content, second.version != first.version) == (b"two", True)
    store.delete("seen/corp")
    assert not store.replace("seen/corp", b"three", second.version)
    assert store.read("seen/corp") is None


def test_a_piece_can_be_forgotten_and_made_again(store: Store) -> None:
    """Twice forgotten is no error."""
    store.create("plans/a", b"one")
    store.delete("plans/a")
    store.delete("plans/a")
    assert store.read("plans/a") is None
    assert store.create("plans/a", b"two")


def test_names_are_those_below_a_prefix_sorted(store: Store) -> None:
    """Pieces and logs alike, at any depth, and no others."""
    for name in ("reports/00000002", "reports/00000001", "reports-old/1", "reports/deep/er", "report"):
        assert store.create(name, b"{}")
    for position in range(3):
        assert store.append("reports/log", b"{}", position)
    assert list(store.names("reports/")) == ["reports/00000001", "reports/00000002", "reports/deep/er", "reports/log"]
    assert store.names("repo/") == []
    assert store.names("Reports/") == []


def test_a_log_holds_its_records_in_order(store: Store, another: Callable[[], Store]) -> None:
    """Each byte for byte; who opens the store next goes on where it ends."""
    for position, record in enumerate(RECORDS):
        assert store.append("journals/a", record, position)
    assert store.records("journals/a") == RECORDS
    other = another()
    assert other.append("journals/a", b"more", len(RECORDS))
    assert store.append("journals/a", b"and more", len(RECORDS) + 1)
    assert other.records("journals/a") == [*RECORDS, b"more", b"and more"]


@pytest.mark.parametrize("position", [0, 1, 3, 4])
def test_a_record_is_added_only_at_the_end(store: Store, another: Callable[[], Store], position: int) -> None:
    """Whoever believes that the log is shorter or longer writes nothing."""
    for index in range(2):
        store.append("journals/a", b"{}", index)
    for opened in (store, another()):
        assert not opened.append("journals/a", b"{}", position)
        assert len(opened.records("journals/a")) == 2
    assert not store.append("journals/new", b"{}", position + 1)
    assert store.records("journals/new") == []


def test_a_log_can_be_forgotten_and_begun_again(store: Store, another: Callable[[], Store]) -> None:
    """By somebody else, too, while this one believes to know its end."""
    for index in range(3):
        store.append("journals/a", b"{}", index)
    another().delete("journals/a")
    assert store.records("journals/a") == []
    assert store.names("journals/") == []
    assert not store.append("journals/a", b"{}", 3)
    assert store.append("journals/a", b"new", 0)
    assert store.records("journals/a") == [b"new"]


def test_a_name_that_is_none_is_refused(store: Store) -> None:
    """It is a mistake of the caller, and nothing is looked at or written."""
    for name in ("", "/a", "a/", "a//b", ".", "..", "a/../b", ".hidden", "a/.hidden", "a b", "a\n", "ä", "a\\b", "a:b"):
        for action in (
            lambda name=name: store.read(name),
            lambda name=name: store.create(name, b""),
            lambda name=name: store.replace(name, b"", "1"),
            lambda name=name: store.delete(name),
            lambda name=name: store.append(name, b"", 0),
            lambda name=name: store.records(name),
        ):
            with pytest.raises(ValueError, match="not a name"):
                action()


def test_a_prefix_or_a_record_that_is_none_is_refused(store: Store) -> None:
    """For the same reason."""
    for prefix in ("", "a", "/", "../", "a//"):
        with pytest.raises(ValueError, match="not a"):
            store.names(prefix)
    with pytest.raises(ValueError, match="one line"):
        store.append("journals/a", b"two\nlines", 0)


def test_several_threads_may_use_one_store(store: Store) -> None:
    """A lock is renewed while a journal is written."""
    store.create("counter", b"0")

    def count() -> None:
        done = 0
        while done < 10:
            item = store.read("counter")
            assert item is not None
            done += store.replace("counter", str(int(item.content) + 1).encode(), item.version)

    threads = [Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    item = store.read("counter")
    assert item is not None
    assert item.content == b"30"


def test_of_two_processes_one_creates_a_name(store: Store, place: Place) -> None:
    """Never both, never none, whatever they are at."""
    won = [set(map(int, lines.split())) for lines in _raced(place, "create", 20)]
    assert won[0] | won[1] == set(range(20))
    assert not won[0] & won[1]
    assert len(store.names("race/")) == 20


def test_two_processes_that_replace_lose_nothing(store: Store, place: Place) -> None:
    """Each of the additions is in the number at the end."""
    store.create("counter", b"0")
    _raced(place, "replace", 12)
    item = store.read("counter")
    assert item is not None
    assert item.content == b"24"


def test_two_processes_that_append_lose_nothing(store: Store, place: Place) -> None:
    """Each record is there once, those of one process in its order."""
    _raced(place, "append", 8)
    records = [record.decode().split() for record in store.records("logs/race")]
    assert len(records) == 16
    for process in {process for process, _ in records}:
        assert [number for who, number in records if who == process] == [str(number) for number in range(8)]


def test_a_process_that_is_killed_leaves_whole_records(store: Store, place: Place) -> None:
    """What it was told to be kept is there, nothing is half there, and the log goes on."""
    kept = 0
    for _ in range(3):
        with _worker(place, "flood", kept) as worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
            seen = [int(worker.stdout.readline()) for _ in range(8)]
            worker.kill()
            seen += [int(line) for line in worker.stdout.read().splitlines()]
        records = store.records("logs/flood")
        assert records == [f"{number} {'x' * 2000}".encode() for number in range(len(records))]
        assert len(records) in {seen[-1] + 1, seen[-1] + 2}
        kept = len(records)


def test_the_address_says_where_it_is(store: Store) -> None:
    """For people, without anything secret; closing twice is no error."""
    assert store.address
    assert "secret" not in store.address
    store.close()
    store.close()


def _raced(place: Place, action: str, count: int) -> Sequence[str]:
    """Let two processes do the same at the same time; return what they print."""
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(place, action, count)) for _ in range(2)]
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        printed = [worker.communicate(timeout=60)[0] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0]
    return printed


def _worker(place: Place, action: str, count: int) -> subprocess.Popen[str]:
    """Return a process that is ready to start."""
    command = [sys.executable, "-m", "tests.servers.state_worker", place.written(), action, str(count)]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    return worker
