"""What runs leave in the state store for the next one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.apply.past import read_past, write_seen, write_troubles
from reconciler.errors import StateError
from reconciler.model.past import NOTHING, Past, Seen, Trouble
from reconciler.model.plan import DirectoryFacts
from reconciler.state.base import Item
from reconciler.state.file import FileStore
from tests.builders import NOW
from tests.unit.apply.apps import section, store_in

FACTS = DirectoryFacts("corp", "x.ldif", NOW, "sha256:0", people=3, groups=2)
TROUBLES = {"user.create a": Trouble(3, NOW, "no", "2026-11-21"), "user.create b": Trouble(1, NOW, "no")}


def test_asking_a_store_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    """Nothing is remembered, and no folder appears."""
    assert read_past(store_in(tmp_path), {"roster": "corp"}) == NOTHING
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_is_read_back(tmp_path: Path) -> None:
    """Of the targets that are asked for, whatever they are called."""
    store, name = store_in(tmp_path), "Rost/er ✓"
    write_seen(store, section(name), [replace(FACTS, name="other", people=9), FACTS])
    write_troubles(store, name, TROUBLES)
    assert read_past(store_in(tmp_path), {name: "corp", "x": "other"}) == Past(
        {name: Seen(3, 2, NOW)}, {name: TROUBLES}
    )
    write_troubles(store, name, {})
    assert read_past(store, {"x": "other"}) == NOTHING


def test_each_target_remembers_its_own_directory(tmp_path: Path) -> None:
    """What one has taken says nothing of another; one that is new, or has a new name, goes by what was seen last."""
    store = store_in(tmp_path)
    write_seen(store, section("first"), [replace(FACTS, people=30)])
    write_seen(store, section("second"), [replace(FACTS, people=4, read_at="2026-11-21T04:00:00Z")])
    write_seen(store, replace(section("third"), directory="other"), [FACTS, replace(FACTS, name="other", people=7)])
    seen = read_past(store, {"first": "corp", "second": "corp", "renamed": "corp", "third": "other"}).seen
    assert {name: one.people for name, one in seen.items()} == {"first": 30, "second": 4, "renamed": 4, "third": 7}
    assert read_past(store, {"third": "corp"}).seen["third"].people == 4


def test_an_older_read_does_not_take_the_place_of_a_later_one(tmp_path: Path) -> None:
    """A plan may be applied days after it was made, and others in between."""
    store = store_in(tmp_path)
    write_seen(store, section(), [FACTS])
    write_seen(store, section(), [replace(FACTS, people=1, read_at="2026-11-19T04:00:00Z")])
    assert read_past(store, {"app0": "corp"}).seen["app0"].people == 3
    write_seen(store, section(), [replace(FACTS, people=1, read_at="2026-11-21T04:00:00Z")])
    assert read_past(store, {"app0": "corp"}).seen["app0"].people == 1


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"people": 1}', b'{"x": {}}', b"\xff"])
def test_what_cannot_be_understood_is_an_error_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    """Guards rest on it, so it is not taken for nothing."""
    store = store_in(tmp_path)
    store.create("seen/corp/app", content)
    store.create("troubles/roster", b'{"x": {}}')
    for target in ("app", "new", "roster"):
        with pytest.raises(StateError, match=r"is nothing that this version can read.*Remove it"):
            read_past(store, {target: "other" if target == "roster" else "corp"})


class _Busy(FileStore):
    """A store in which somebody else is always faster."""

    def replace(self, name: str, content: bytes, version: str) -> bool:
        """Write something else first."""
        item = self.read(name)
        assert item is not None
        assert super().replace(name, item.content + b" ", item.version)
        return super().replace(name, content, version)


def test_a_piece_that_somebody_else_keeps_writing_ends_in_an_error(tmp_path: Path) -> None:
    """It is tried often, and not for ever."""
    store = _Busy(str(tmp_path / ".reconcile"))
    write_troubles(store, "roster", TROUBLES)
    with pytest.raises(StateError, match="is written by somebody else all the time"):
        write_troubles(store, "roster", {})
    assert isinstance(store.read("troubles/roster"), Item)
