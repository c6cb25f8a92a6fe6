"""Files named on the command line."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.files import is_folder, is_missing, read_text, replacing, write_all_new, write_text
from reconciler.errors import UsageError


def test_file_is_written_for_its_owner_only(tmp_path: Path) -> None:
    """A plan names people and their rights."""
    path = tmp_path / "plan.json"
    path.write_text("old")
    path.chmod(0o644)
    write_text(str(path), ["naïve", "\n"])
    assert read_text(str(path)) == "naïve\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    """Whole or not at all."""
    path = tmp_path / "plan.json"
    path.write_text("old")
    with pytest.raises(UsageError, match=r"plan\.json cannot be written: No space left"):
        write_half(str(path))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def write_half(name: str) -> None:
    with replacing(name) as draft:
        draft.write_text("half")
        raise OSError(28, "No space left on device")


def test_link_stays_a_link(tmp_path: Path) -> None:
    """What it points to is written."""
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_text(str(tmp_path / "link"), "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_pipe_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """`--out /dev/stdout` and `--out >(…)` do what they say."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text(str(pipe), "through")
    reader.join()
    assert read == ["through"]
    assert pipe.is_fifo()


@pytest.mark.parametrize(("name", "fact"), [("", "is a folder"), ("no/such/folder/plan.json", "No such file")])
def test_place_that_cannot_be_written_is_a_usage_error(name: str, fact: str, tmp_path: Path) -> None:
    """The message names the file and the fact."""
    with pytest.raises(UsageError, match=fact):
        write_text(str(tmp_path / name), "x")


def test_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    """Missing, a folder, or no text at all."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, fact in (("missing", "No such file"), (".", "Is a directory"), ("binary", "not UTF-8")):
        with pytest.raises(UsageError, match=fact):
            read_text(str(tmp_path / name))


def test_endless_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at a size that no plan has."""
    monkeypatch.setattr("reconciler.cli.files._LARGEST", 1000)
    with pytest.raises(UsageError, match="larger than"):
        read_text("/dev/zero")


def test_what_cannot_be_looked_at_is_neither_a_folder_nor_missing(tmp_path: Path) -> None:
    """Reading it says what is wrong with it."""
    file = tmp_path / "plan.json"
    file.touch()
    looked = {name: (is_folder(name), is_missing(name)) for name in (str(tmp_path), str(file), "x" * 300, "a\0b")}
    assert list(looked.values()) == [(True, False), (False, False), (False, False), (False, False)]
    assert is_missing(str(tmp_path / "no"))
    assert is_missing(str(file / "below"))


def test_several_new_files_are_written_with_their_folders(tmp_path: Path) -> None:
    """Nothing but them is left, and their modes are those of files that anybody makes."""
    texts = {tmp_path / "a/b/one": "1\n", tmp_path / "a/two": "2\n"}
    write_all_new(texts)
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == texts
    (tmp_path / "usual").touch()
    assert (tmp_path / "a/two").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_of_several_files_none_is_written_where_one_is_there(tmp_path: Path) -> None:
    """Even where that is a link to nowhere: files and folders that were made are gone again, the rest is as it was."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there/two").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"two: File exists\. Nothing was written\.$"):
        write_all_new({tmp_path / "a/b/one": "1\n", tmp_path / "there/two": "2\n"})
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["there", "there/two"]


def test_of_several_files_none_is_written_where_the_run_is_interrupted(tmp_path: Path) -> None:
    """What interrupts goes on to whoever waits for it."""

    class Interrupting(dict[Path, str]):
        def items(self) -> Any:
            yield tmp_path / "a/one", "1\n"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_all_new(Interrupting())
    assert list(tmp_path.iterdir()) == []
