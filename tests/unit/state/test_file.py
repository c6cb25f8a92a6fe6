"""The folder that state is kept in by default: private, never left by a link, and never half-written."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.state.file import FileStore
from reconciler.state.folder import Folder

_WITH_LITTLE_ROOM = """
import resource, sys
from reconciler.errors import StateError
from reconciler.state.file import FileStore
store = FileStore(sys.argv[1])
assert store.create("a/small", b"x")
assert store.append("logs/a", b"first", 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for write in (lambda: store.create("a/large", b"x" * 10_000), lambda: store.append("logs/a", b"x" * 10_000, 1)):
    try:
        write()
    except StateError as error:
        print(error)
assert store.append("logs/a", b"second", 1)
"""
_AS_SOMEBODY_ELSE = """
import os, sys
from reconciler.errors import StateError
from reconciler.state.file import FileStore
os.setgroups([]); os.setgid(65534); os.setuid(65534)
store = FileStore(sys.argv[1])
for act in (lambda: store.create("a/b", b"x"), lambda: store.read("a/b")):
    try:
        print(act())
    except StateError as error:
        print(error)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a program as somebody else")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o377, 0o777])
def test_everything_is_its_owners_alone(folder: Path, umask: int) -> None:
    """Whatever the umask is; and git is told to leave it alone."""
    before = os.umask(umask)
    try:
        store = FileStore(str(folder))
        store.create("a/b/c", b"one")
        item = store.read("a/b/c")
        assert item is not None
        store.replace("a/b/c", b"two", item.version)
        store.append("logs/a", b"{}", 0)
    finally:
        os.umask(before)
    assert (folder / ".gitignore").read_text(encoding="utf-8") == "*\n"
    modes = {path.relative_to(folder): path.stat().st_mode & 0o7777 for path in folder.rglob("*") if path.is_file()}
    assert {str(path) for path in modes} == {".gitignore", ".lock", "a/b/c", "logs/a"}
    assert set(modes.values()) == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / "a", folder / "a/b", folder / "logs")} == {0o700}


def test_reading_makes_nothing(folder: Path) -> None:
    """A plan leaves no trace; neither does a name that is refused, nor what cannot be forgotten."""
    store = FileStore(str(folder))
    assert store.read("a/b") is None
    assert store.names("a/") == []
    assert store.records("logs/a") == []
    store.delete("a/b")
    with pytest.raises(ValueError, match="not a name"):
        store.create("../a", b"")
    assert not folder.exists()


def test_a_folder_that_others_may_read_is_closed_by_the_first_write(folder: Path) -> None:
    """A cache may have made it before, with the rights that the umask leaves."""
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    FileStore(str(folder)).create("a/b", b"")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_everybody_may_write_is_refused(folder: Path) -> None:
    """A lock or a used plan could have been taken out of it."""
    folder.mkdir()
    folder.chmod(0o777)
    store = FileStore(str(folder))
    with pytest.raises(StateError, match="can be written by everybody"):
        store.read("a/b")
    with pytest.raises(StateError, match="can be written by everybody"):
        store.create("a/b", b"")


def test_a_torn_record_does_not_count_and_gives_way(folder: Path) -> None:
    """As a run leaves it that was killed while it wrote."""
    store = FileStore(str(folder))
    store.append("logs/a", b'{"n":1}', 0)
    with (folder / "logs/a").open("ab") as log:
        log.write(b'{"n":2')
    assert store.records("logs/a") == [b'{"n":1}']
    assert not store.append("logs/a", b'{"n":3}', 2)
    assert store.append("logs/a", b'{"n":3}', 1)
    assert (folder / "logs/a").read_bytes() == b'{"n":1}\n{"n":3}\n'


def test_a_log_of_nothing_but_a_torn_record_is_empty(folder: Path) -> None:
    """The run was killed while it wrote the first."""
    (folder / "logs").mkdir(parents=True)
    folder.chmod(0o700)
    (folder / "logs/a").write_bytes(b'{"n"')
    store = FileStore(str(folder))
    assert store.records("logs/a") == []
    assert store.append("logs/a", b"{}", 0)
    assert store.records("logs/a") == [b"{}"]


def test_what_an_interrupted_write_left_is_in_nobodys_way(folder: Path) -> None:
    """It is not listed, and the next write takes its place."""
    store = FileStore(str(folder))
    store.create("a/b", b"one")
    (folder / "a/.new").write_bytes(b"half")
    assert store.names("a/") == ["a/b"]
    assert store.create("a/c", b"two")
    assert sorted(path.name for path in (folder / "a").iterdir()) == ["b", "c"]


@pytest.mark.parametrize("link", ["kept", "kept/a", "kept/a/b", "kept/.lock"])
def test_a_link_is_not_followed(tmp_path: Path, folder: Path, link: str) -> None:
    """Wherever it stands, what it leads to is neither read nor written."""
    outside = tmp_path / "outside"
    (outside / "a").mkdir(parents=True)
    outside.chmod(0o700)
    (outside / "a/b").write_bytes(b"somebody else's")
    place = tmp_path / link
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    goal = {"kept": outside, "kept/a": outside / "a", "kept/a/b": outside / "a/b", "kept/.lock": outside / "lock"}[link]
    place.symlink_to(goal)
    store = FileStore(str(folder))
    with pytest.raises(StateError, match="has a link in the place of a file or folder"):
        store.create("a/b", b"ours")
    if link != "kept/.lock":
        with pytest.raises(StateError, match="has a link in the place of a file or folder"):
            store.read("a/b")
        with pytest.raises(StateError, match="has a link in the place of a file or folder"):
            store.names("a/")
    assert (outside / "a/b").read_bytes() == b"somebody else's"
    assert not (outside / "lock").exists()


def test_what_is_no_file_is_refused(folder: Path) -> None:
    """A folder or a pipe under the name of a piece is not waited for."""
    store = FileStore(str(folder))
    store.create("a/b", b"")
    (folder / "a/folder").mkdir()
    os.mkfifo(folder / "a/pipe")
    for name in ("a/folder", "a/pipe"):
        with pytest.raises(StateError, match="no file"):
            store.read(name)


def test_a_file_in_the_place_of_the_folder_is_refused(folder: Path) -> None:
    """It is not removed either."""
    folder.write_bytes(b"mine")
    with pytest.raises(StateError, match=r"kept has a link in the place of a file or folder"):
        FileStore(str(folder)).create("a/b", b"")
    assert folder.read_bytes() == b"mine"


def test_a_folder_in_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    """A slip of the pen in a path should not start with nothing known."""
    with pytest.raises(StateError, match=r"there is no folder .*missing. Make it"):
        FileStore(str(tmp_path / "missing/kept")).create("a/b", b"")


def test_another_writer_is_waited_for_and_then_named(folder: Path) -> None:
    """A program that hangs with the folder locked does not make this one hang."""
    kept = Folder(str(folder), patience=0.05)
    with kept.writing():
        pass
    with (folder / ".lock").open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StateError, match=r"kept by another program for 0.05 s"), kept.writing():
            raise AssertionError
    with kept.writing():
        kept.put("a", b"x")
    assert kept.read("a") == b"x"


def test_a_full_disk_is_said_and_leaves_everything_whole(folder: Path) -> None:
    """Here a limit on the size of files stands for it."""
    done = subprocess.run(
        [sys.executable, "-c", _WITH_LITTLE_ROOM, str(folder)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    told = f"state store {folder} has no room left. Free some space. ({os.strerror(errno.EFBIG)})"
    assert done.stdout.splitlines() == [told, told]
    store = FileStore(str(folder))
    assert store.names("a/") == ["a/small"]
    assert store.records("logs/a") == [b"first", b"second"]


@needs_root
def test_a_folder_of_another_owner_is_refused(folder: Path) -> None:
    """Even where its rights would let us in."""
    FileStore(str(folder)).create("a/b", b"")
    folder.chmod(0o755)
    _open_way(folder)
    lines = _as_somebody_else(folder)
    assert lines[0].startswith(f"state store {folder} belongs to another user. Run this as its owner")
    assert lines[1] == lines[0]


@needs_root
def test_a_folder_that_may_not_be_written_is_said(folder: Path) -> None:
    """It cannot be made, so nothing is kept; reading finds nothing."""
    _open_way(folder)
    refused, found = _as_somebody_else(folder)
    assert refused.startswith(f"state store {folder} may not be used. Give the user who runs this the right")
    assert refused.endswith(f"({os.strerror(errno.EACCES)})")
    assert found == "None"


@needs_root
def test_a_folder_that_may_only_be_read_is_said(folder: Path) -> None:
    """Its owner may have taken that right away, and then it is not given back by itself."""
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    folder.chmod(0o500)
    _open_way(folder)
    refused, found = _as_somebody_else(folder)
    assert refused.startswith(f"state store {folder} may not be used. Give the user who runs this the right")
    assert found == "None"


def _open_way(folder: Path) -> None:
    """Let others reach a scratch folder."""
    for above in folder.parents:
        if above.is_relative_to("/tmp") and above != Path("/tmp"):
            above.chmod(0o755)


def _as_somebody_else(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _AS_SOMEBODY_ELSE, str(folder)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
