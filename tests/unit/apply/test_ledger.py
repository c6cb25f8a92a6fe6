"""Reports in a real store: kept once each, in one chain, by however many runs at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.apply.chain import HEAD, NOWHERE, link_of, name_of, to_bytes
from reconciler.apply.ledger import keep, newest, reports, verify
from reconciler.errors import StateError
from reconciler.plan.encode import Document
from reconciler.state.base import Item
from reconciler.state.file import FileStore
from tests.unit.apply.reports import small


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    """Give a store that is not made yet."""
    return FileStore(str(tmp_path / "state"))


def shown(store: FileStore) -> list[Document]:
    """Return the reports that can be read."""
    return list(reports(store, lambda _name: None))


def test_reports_are_kept_one_after_the_other_and_come_back_newest_first(store: FileStore) -> None:
    """A reader makes nothing."""
    assert (newest(store), shown(store), verify(store).faults) == (NOWHERE, [], ())
    assert not Path(store.address).exists()
    links = [keep(store, small(f"commit {number}")) for number in range(3)]
    assert [link.number for link in links] == [1, 2, 3]
    assert [(each["number"], each["git_commit"]) for each in shown(store)] == [
        (3, "commit 2"),
        (2, "commit 1"),
        (1, "commit 0"),
    ]
    verdict = verify(store, links[0].id)
    assert (verdict.newest, verdict.faults, verdict.notes) == (links[2], (), ())
    assert newest(store) == links[2]


def test_many_runs_at_once_keep_one_chain(store: FileStore) -> None:
    """Whoever loses a number takes the next."""
    with ThreadPoolExecutor(8) as pool:
        links = list(pool.map(lambda number: keep(store, small(f"commit {number}")), range(24)))
    assert sorted(link.number for link in links) == list(range(1, 25))
    assert {each["git_commit"] for each in shown(store)} == {f"commit {number}" for number in range(24)}
    verdict = verify(store)
    assert (verdict.newest.number, verdict.faults, verdict.notes) == (24, (), ())


def test_a_head_that_a_run_did_not_come_to_is_caught_up_with(store: FileStore) -> None:
    """By the next run."""
    keep(store, small("one"))
    head = store.read(HEAD)
    assert head
    keep(store, small("two"))
    _put(store, HEAD, head.content)
    assert verify(store).notes
    assert newest(store).number == 2
    keep(store, small("three"))
    verdict = verify(store)
    assert (verdict.newest.number, verdict.faults, verdict.notes) == (3, (), ())


def test_what_was_cut_off_stays_missing_whatever_follows(store: FileStore) -> None:
    """The next report takes the place after the one that the head names."""
    for number in range(3):
        keep(store, small(f"commit {number}"))
    store.delete(name_of(3))
    assert verify(store).faults == ("the newest 1 of 3 reports were cut off",)
    assert keep(store, small("after")).number == 4
    assert "1 missing before reports/00000004: it was taken out" in verify(store).faults


@pytest.mark.parametrize("content", [None, b"nonsense"])
def test_without_a_usable_head_the_chain_goes_on_from_the_newest_report(
    store: FileStore, content: bytes | None
) -> None:
    """And the head is made again: only that it was gone is known no more."""
    first = keep(store, small("one"))
    if content is None:
        store.delete(HEAD)
    else:
        _put(store, HEAD, content)
    assert verify(store).faults
    second = keep(store, small("two"))
    assert (second.number, shown(store)[0]["previous"]) == (2, first.id)
    assert verify(store).faults == ()


def test_a_report_that_is_none_is_passed_over_and_told(store: FileStore) -> None:
    """The list shows the others; the next one cannot name a digest that is not there."""
    keep(store, small("one"))
    _put(store, name_of(1), b"nonsense")
    unusable: list[str] = []
    assert list(reports(store, unusable.append)) == []
    assert unusable == [name_of(1)]
    assert verify(store).faults
    keep(store, small("two"))
    assert [each["git_commit"] for each in shown(store)] == ["two"]
    assert verify(store).faults


class Elsewhere(FileStore):
    """A store in which others are always quicker, or something was deleted since it was listed."""

    def create(self, name: str, content: bytes) -> bool:
        """Be too late."""
        del name, content
        return False

    def names(self, prefix: str) -> Sequence[str]:
        """Name what is gone by now."""
        del prefix
        return [name_of(1)]


def test_a_number_that_is_never_free_is_an_error(tmp_path: Path) -> None:
    """It ends, and says that the report was not kept."""
    with pytest.raises(StateError, match="this one was not kept"):
        keep(Elsewhere(str(tmp_path)), small())


def test_what_goes_while_it_is_listed_is_no_report(tmp_path: Path) -> None:
    """And a fault of the chain."""
    assert shown(Elsewhere(str(tmp_path))) == []
    assert verify(Elsewhere(str(tmp_path))).faults


class Contested(FileStore):
    """A store whose head others change all the time."""

    def replace(self, name: str, content: bytes, version: str) -> bool:
        """Lose once, to a run that kept a later report."""
        del content, version
        item = self.read(name)
        assert item
        later = {**json.loads(item.content), "number": 9}
        return not super().replace(name, to_bytes(later), item.version)


def test_a_head_that_names_a_later_report_is_left_alone(tmp_path: Path) -> None:
    """Somebody else was quicker there."""
    store = Contested(str(tmp_path / "state"))
    keep(store, small("one"))
    assert keep(store, small("two")).number == 2
    head = store.read(HEAD)
    assert head
    assert link_of(json.loads(head.content)).number == 9


def _put(store: FileStore, name: str, content: bytes) -> None:
    item = store.read(name)
    assert isinstance(item, Item)
    assert store.replace(name, content, item.version)
