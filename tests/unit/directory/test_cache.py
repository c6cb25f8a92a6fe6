"""A cache gives back exactly what was written, or nothing; whatever happens in between."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.directory.cache import Cache, Head

HEAD = Head("binding", (b"cookie", b"\xff\0"), "2026-11-20T04:00:00Z", 3, (bytes(16),))
CONTENT = [b"one", b"two"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a cache is, with something in it."""
    Cache(str(tmp_path / "cache" / "corp")).write(HEAD, CONTENT)
    return tmp_path / "cache" / "corp"


def _state(folder: Path) -> tuple[Head, bytes] | None:
    cache = Cache(str(folder))
    head = cache.head()
    content = cache.content(head) if head else None
    return None if head is None or content is None else (replace(head, content="", sha256=""), content)


def test_what_was_written_is_read(folder: Path) -> None:
    """Head and content."""
    assert _state(folder) == (HEAD, b"onetwo")


def test_a_new_head_names_the_content_that_is_there(folder: Path) -> None:
    """The content is not written again."""
    cache = Cache(str(folder))
    head = cache.head()
    assert head
    before = {path.name: path.stat().st_ino for path in folder.glob("content-*")}
    cache.write(replace(head, runs=4), None)
    assert _state(folder) == (replace(HEAD, runs=4), b"onetwo")
    assert {path.name: path.stat().st_ino for path in folder.glob("content-*")} == before


def test_the_content_before_is_removed(folder: Path) -> None:
    """One head and one content are left."""
    Cache(str(folder)).write(HEAD, [b"three"])
    assert _state(folder) == (HEAD, b"three")
    assert len(list(folder.glob("[!.]*"))) == 2


def test_git_sees_nothing_of_a_cache(folder: Path) -> None:
    """Nor of one that an earlier version made; what its owner wrote there is left."""
    ignored = folder / ".gitignore"
    assert ignored.read_text(encoding="ascii") == "*\n"
    ignored.unlink()
    Cache(str(folder)).write(HEAD, None)
    assert ignored.read_text(encoding="ascii") == "*\n"
    ignored.write_text("*.bak\n", encoding="ascii")
    Cache(str(folder)).write(HEAD, None)
    assert ignored.read_text(encoding="ascii") == "*.bak\n"


def test_nothing_is_read_where_nothing_is(tmp_path: Path) -> None:
    """The folder need not exist."""
    assert _state(tmp_path / "nowhere") is None


def test_a_head_that_is_cut_short_or_changed_is_none(folder: Path) -> None:
    """At every byte."""
    whole = (folder / "head").read_bytes()
    for at in range(len(whole)):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
            (folder / "head").write_bytes(damaged)
            assert _state(folder) is None


def test_content_that_is_cut_short_or_changed_is_none(folder: Path) -> None:
    """At every byte, and where it is longer."""
    (path,) = folder.glob("content-*")
    whole = path.read_bytes()
    damaged = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    for each in [*damaged, *(whole[:at] for at in range(len(whole))), whole + b"\0"]:
        path.write_bytes(each)
        assert _state(folder) is None
    path.unlink()
    assert _state(folder) is None


@pytest.mark.parametrize(
    "change", [{"format": 2}, {"content": "../head"}, {"content": ""}, {"more": 1}, {"cookies": ["?"]}]
)
def test_a_head_of_another_making_is_none(folder: Path, change: dict[str, object]) -> None:
    """Another format, a name outside the folder, something unknown: even with the right checksum."""
    values = json.loads((folder / "head").read_bytes().partition(b"\n")[2]) | change
    body = json.dumps(values).encode()
    (folder / "head").write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    assert _state(folder) is None


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o640])
@pytest.mark.parametrize("name", ["head", "content-*"])
def test_what_others_may_read_or_write_is_not_used(folder: Path, name: str, mode: int) -> None:
    """Whoever writes it decides who is in which group."""
    (path,) = folder.glob(name)
    path.chmod(mode)
    assert _state(folder) is None


def test_a_link_is_not_followed(folder: Path) -> None:
    """It may lead to a file of somebody else's choice."""
    (folder / "head").rename(folder / "elsewhere")
    (folder / "head").symlink_to(folder / "elsewhere")
    assert _state(folder) is None


def test_everything_is_the_owners_alone(folder: Path) -> None:
    """Whatever the umask, and whatever the folder was before."""
    folder.chmod(0o755)
    before = os.umask(0)
    try:
        Cache(str(folder)).write(HEAD, CONTENT)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_write_that_is_interrupted_leaves_what_there_was(folder: Path) -> None:
    """The content is in a file of its own until the head names it."""

    def interrupted() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Cache(str(folder)).write(HEAD, interrupted())
    assert _state(folder) == (HEAD, b"onetwo")


def test_what_interrupted_runs_left_is_removed_in_time(folder: Path) -> None:
    """Not at once: it may be another run that is writing."""
    for name, age in (("content-old", 7200), ("new-old", 7200), ("content-new", 0), ("new-new", 0)):
        (folder / name).write_bytes(b"")
        at = (folder / "head").stat().st_mtime - age
        os.utime(folder / name, (at, at))
    Cache(str(folder)).write(HEAD, CONTENT)
    left = {path.name for path in folder.iterdir()}
    assert {"content-new", "new-new"} <= left
    assert not {"content-old", "new-old"} & left


def test_two_runs_at_once_leave_one_of_the_two(folder: Path) -> None:
    """The second begins before the first has ended, and ends after it."""

    def meanwhile() -> Iterator[bytes]:
        yield b"sec"
        Cache(str(folder)).write(replace(HEAD, runs=1), [b"first"])
        assert _state(folder) == (replace(HEAD, runs=1), b"first")
        yield b"ond"

    Cache(str(folder)).write(replace(HEAD, runs=2), meanwhile())
    assert _state(folder) == (replace(HEAD, runs=2), b"second")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """For the caller to say something about."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        Cache(str(tmp_path / "file" / "corp")).write(HEAD, CONTENT)
