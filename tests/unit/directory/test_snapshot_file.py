"""A snapshot file is whole or not there, private, the same bytes for the same content, and cannot fill the memory."""

from __future__ import annotations

import gzip
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.directory.snapshot_codec import digest_of
from reconciler.directory.snapshot_file import Caps, read_snapshot, snapshot_head, write_snapshot
from reconciler.errors import DirectoryError, DirectoryUnreachable, ReadIncomplete
from reconciler.model.access import UserKey
from reconciler.model.directory import Needs, Person, Snapshot
from reconciler.model.schema import DirectorySchema

NEEDS = Needs(frozenset({"uid"}), frozenset({"cn"}))


def _snapshot(people: int = 3) -> Snapshot:
    everybody = tuple(Person(UserKey(f"{n}"), f"uid={n}", {"uid": (f"{n}",)}) for n in range(people))
    bare = Snapshot("corp", "corp.ldif", "2026-11-20T04:00:00Z", everybody, (), DirectorySchema(), "")
    return replace(bare, digest=digest_of(bare))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a good file."""
    path = tmp_path / "corp.snapshot"
    write_snapshot(_snapshot(), NEEDS, path)
    return path


def _error(path: Path) -> str:
    with pytest.raises(DirectoryError) as caught:
        read_snapshot(path)
    assert caught.value.exit_code == 4
    assert str(caught.value).startswith(f"snapshot {path}: ")
    return str(caught.value)


def test_what_was_written_is_read(file: Path) -> None:
    """With the attributes that it was read for."""
    assert read_snapshot(file) == (_snapshot(), NEEDS)
    assert snapshot_head(file).directory == "corp"


def test_the_same_content_gives_the_same_bytes(tmp_path: Path, file: Path) -> None:
    """No time, no name of a file in it."""
    write_snapshot(_snapshot(), NEEDS, tmp_path / "other name")
    assert (tmp_path / "other name").read_bytes() == file.read_bytes()


def test_only_the_owner_can_read_it(file: Path) -> None:
    """It holds names and addresses of people."""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_is_replaced_whole(file: Path) -> None:
    """Nothing else stays in the folder."""
    write_snapshot(_snapshot(5), NEEDS, file)
    assert len(read_snapshot(file).snapshot.people) == 5
    assert list(file.parent.iterdir()) == [file]


def test_a_write_that_fails_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no rest beside it."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_snapshot(_snapshot(5), NEEDS, file)
    assert len(read_snapshot(file).snapshot.people) == 3
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """Of the file system, with its path."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_snapshot(_snapshot(), NEEDS, tmp_path / "nowhere" / "corp.snapshot")


def test_a_file_that_is_not_there_was_never_reached(tmp_path: Path) -> None:
    """Nothing was read at all."""
    with pytest.raises(DirectoryUnreachable, match="No such file"):
        read_snapshot(tmp_path / "nowhere")
    with pytest.raises(DirectoryUnreachable, match="Is a directory"):
        read_snapshot(tmp_path)


def test_a_cut_file_says_so(file: Path) -> None:
    """At any byte."""
    whole = file.read_bytes()
    for size in range(0, len(whole), 7):
        file.write_bytes(whole[:size])
        assert "cut off" in _error(file)


def test_a_damaged_file_says_so(file: Path) -> None:
    """Whether gzip or the checksum sees it."""
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    file.write_bytes(whole)
    assert "damaged" in _error(file) or "cut off" in _error(file)


def test_another_file_says_so(file: Path) -> None:
    """Not gzip, or gzip of something else, or two files in one."""
    file.write_text("version: 1\n")
    assert "no gzip file" in _error(file)
    file.write_bytes(gzip.compress(b"version: 1\n"))
    assert "line 1: this is not JSON" in _error(file)
    write_snapshot(_snapshot(), NEEDS, file)
    file.write_bytes(file.read_bytes() * 2)
    assert "something follows the last line" in _error(file)


@pytest.mark.parametrize("content", [b"\0" * 50_000_000, b"{}\n" * 10_000_000])
def test_a_small_file_cannot_fill_the_memory(file: Path, content: bytes) -> None:
    """One endless line, or endlessly many."""
    whole = gzip.decompress(file.read_bytes())
    head, rest = whole.split(b"\n", 1)
    file.write_bytes(gzip.compress(head + b"\n" + content + rest, 1))
    caps = Caps(line=1_000_000, total=2_000_000)
    with pytest.raises(ReadIncomplete, match=r"unfolds to more than 2000000 bytes|missing"):
        read_snapshot(file, caps)


def test_the_caps_count_lines_and_all_bytes(file: Path) -> None:
    """A good file above them is refused as well."""
    with pytest.raises(ReadIncomplete, match="a line to more than 20"):
        read_snapshot(file, Caps(line=20))
    with pytest.raises(ReadIncomplete, match="unfolds to more than 500 bytes"):
        read_snapshot(file, Caps(total=500))
