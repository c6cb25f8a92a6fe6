"""Keep files in a folder that is one user's alone, each written whole or not at all; knows nothing of what is in them.

Every file is reached from the folder step by step, without following a link, so that nothing in it leads out of it.
Whoever writes holds a lock on the file ``.lock``; who only reads needs none, for a file is replaced in one step.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from reconciler.errors import StateError
from reconciler.model.text import shortened

_IGNORE, _LOCK, _NEW = ".gitignore", ".lock", ".new"
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_WRITABLE_BY_ALL = 0o002
_PATIENCE = 30.0  # seconds that another writer is waited for; writing takes it milliseconds
_PAUSE = 0.01  # seconds between two looks whether it has finished
_FULL = "has no room left. Free some space"
_READ_ONLY = "cannot be written. Give the user who runs this the right to write there"
_NO_LOCKS = "is on a file system without locks. Name a folder on another one (state: {kind: file, path: …})"
_LINK = "has a link in the place of a file or folder. Remove it"
_WAYS_OUT: Mapping[int, str] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: "may not be used. Give the user who runs this the right to read and write there",
    errno.EPERM: _READ_ONLY,
    errno.ENOLCK: _NO_LOCKS,
    errno.EOPNOTSUPP: _NO_LOCKS,
    errno.ELOOP: _LINK,
    errno.ENOTDIR: _LINK,
}


class Folder:
    """A folder and what is below it. Names are those of a state store, checked already. Raises only StateError."""

    def __init__(self, path: str, patience: float = _PATIENCE) -> None:
        """The folder need not exist; another writer is waited for at most `patience` seconds."""
        self._path = Path(path).absolute()
        self._patience = patience
        self.address = shortened(str(self._path))

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, None where there is none."""
        with self._explained():
            try:
                with self._parent(name) as parent, self._opened(name, os.O_RDONLY | os.O_NONBLOCK, parent) as file:
                    return content_of(file)
            except FileNotFoundError:
                return None

    def names(self, prefix: str) -> list[str]:
        """Return the names of all files below a prefix, unsorted; those that start with a dot are the folder's own."""
        with self._explained():
            try:
                with self._parent(f"{prefix}.") as folder:
                    return [f"{prefix}{name}" for name in self._below(folder)]
            except FileNotFoundError:
                return []

    def is_there(self) -> bool:
        """Tell whether the folder has been made."""
        return self._path.exists()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep every other writer out; makes the folder where there is none."""
        with self._explained(), self._top(make=True) as top:
            lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _PRIVATE_FILE, dir_fd=top)
            try:
                os.fchmod(lock, _PRIVATE_FILE)
                self._take(lock)
                if not _exists(_IGNORE, top):  # the policy's folder is mostly part of a repository
                    _write_new(_IGNORE, b"*\n", top)
                yield
            finally:
                os.close(lock)

    def put(self, name: str, content: bytes) -> None:
        """Write a file in place of the one that may be there; only inside `writing`."""
        with self._parent(name, make=True) as parent:
            _write_new(_last(name), content, parent)

    def remove(self, name: str) -> None:
        """Remove a file if there is one; only inside `writing`."""
        with suppress(FileNotFoundError), self._parent(name) as parent:
            os.unlink(_last(name), dir_fd=parent)
            os.fsync(parent)

    @contextmanager
    def growing(self, name: str, *, make: bool) -> Iterator[int]:
        """Give a file to add to; FileNotFoundError where there is none and none is to be made; only inside `writing`."""
        with self._parent(name, make=make) as parent:
            new = make and not _exists(_last(name), parent)
            flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT if new else 0)
            with self._opened(name, flags, parent) as file:
                if new:
                    os.fchmod(file, _PRIVATE_FILE)  # whatever the umask took away
                    os.fsync(parent)
                yield file

    @contextmanager
    def _top(self, *, make: bool) -> Iterator[int]:
        """Give the folder itself."""
        if make:
            self._make()
        with _folder(str(self._path), None) as top:
            self._check(top)
            mode = stat.S_IMODE(os.fstat(top).st_mode)
            if make and mode & ~_PRIVATE_FOLDER:
                os.fchmod(top, mode & _PRIVATE_FOLDER)
            yield top

    def _make(self) -> None:
        try:
            self._path.mkdir(_PRIVATE_FOLDER)
        except FileExistsError:
            return
        except FileNotFoundError:
            above = shortened(str(self._path.parent))
            raise self._error(f"cannot be made: there is no folder {above}. Make it") from None
        self._path.chmod(_PRIVATE_FOLDER)  # whatever the umask took away
        with _folder(str(self._path.parent), None) as above_it:
            os.fsync(above_it)

    def _check(self, top: int) -> None:
        """Refuse a folder that somebody else rules over, or could have written to."""
        about = os.fstat(top)
        if about.st_uid != os.geteuid():
            raise self._error(
                "belongs to another user. Run this as its owner, or name another folder (state: {kind: file, path: …})"
            )
        if about.st_mode & _WRITABLE_BY_ALL:
            raise self._error("can be written by everybody, so nothing in it is certain. Take that right away")

    @contextmanager
    def _parent(self, name: str, *, make: bool = False) -> Iterator[int]:
        """Give the folder that a name lies in."""
        with ExitStack() as opened:
            here = opened.enter_context(self._top(make=make))
            for part in name.split("/")[:-1]:
                if make and not _exists(part, here):
                    os.mkdir(part, _PRIVATE_FOLDER, dir_fd=here)
                    os.chmod(part, _PRIVATE_FOLDER, dir_fd=here)
                    os.fsync(here)
                here = opened.enter_context(_folder(part, here))
            yield here

    def _below(self, folder: int) -> Iterator[str]:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_symlink(), entry.is_dir(follow_symlinks=False)) for entry in entries]
        for name, is_link, is_folder in found:
            if name.startswith("."):
                continue
            if is_link:
                raise self._error(_LINK)
            if is_folder:
                with _folder(name, folder) as inner:
                    yield from (f"{name}/{below}" for below in self._below(inner))
            else:
                yield name

    @contextmanager
    def _opened(self, name: str, flags: int, parent: int) -> Iterator[int]:
        file = os.open(_last(name), flags | os.O_NOFOLLOW | os.O_CLOEXEC, _PRIVATE_FILE, dir_fd=parent)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise self._error(f"has something in the place of the file {name} that is no file. Remove it")
            yield file
        finally:
            os.close(file)

    def _take(self, lock: int) -> None:
        end = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    fact = f"has been kept by another program for {self._patience:g} s. Look for one that hangs"
                    raise self._error(fact) from None
                time.sleep(_PAUSE)
            else:
                return

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise StateError for whatever the operating system complains about inside."""
        try:
            yield
        except OSError as error:
            fact = _WAYS_OUT.get(error.errno or 0, "cannot be used. Look at its disk")
            raise StateError(f"{self._error(fact)} ({error.strerror})") from error

    def _error(self, fact: str) -> StateError:
        return StateError(f"state store {self.address} {fact}.")


def write_all(file: int, content: bytes) -> None:
    """Write everything, down to the disk."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


@contextmanager
def _folder(path: str, parent: int | None) -> Iterator[int]:
    found = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        yield found
    finally:
        os.close(found)


def _write_new(name: str, content: bytes, parent: int) -> None:
    """Write a file beside the old one, and put it in its place when it is whole and on the disk."""
    with suppress(FileNotFoundError):  # of a writer that was interrupted: there is only one at a time
        os.unlink(_NEW, dir_fd=parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(_NEW, flags, _PRIVATE_FILE, dir_fd=parent)
    try:
        os.fchmod(file, _PRIVATE_FILE)  # whatever the umask took away
        write_all(file, content)
    finally:
        os.close(file)
    os.rename(_NEW, name, src_dir_fd=parent, dst_dir_fd=parent)
    os.fsync(parent)


def content_of(file: int) -> bytes:
    """Return everything in a file that was opened just now."""
    with open(file, "rb", closefd=False) as opened:
        return opened.read()


def _exists(name: str, parent: int) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _last(name: str) -> str:
    return name.rpartition("/")[2]
