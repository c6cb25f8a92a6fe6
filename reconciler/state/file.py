"""The `file` store: pieces and logs as files of one private folder, for runs that all happen on one machine.

Whoever cannot lock the folder cannot write to it, and what was written is on the disk. A reader never makes anything.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from reconciler.policy.model import StateConfig
from reconciler.state.base import Item
from reconciler.state.folder import Folder, content_of, write_all
from reconciler.state.names import checked, checked_prefix, checked_record

_DEFAULT = ".reconcile"


class _End(NamedTuple):
    """How far a log was known to reach, and how many records it had then; spares reading it for every record."""

    inode: int
    size: int
    records: int


def opened(config: StateConfig, folder: str) -> FileStore:
    """Return the folder that the policy names; by default ``.reconcile`` in `folder`."""
    return FileStore(config.path or str(Path(folder, _DEFAULT)))


class FileStore:
    """A folder. Reading needs no lock; the version of a piece is the digest of its content."""

    def __init__(self, path: str) -> None:
        """The folder need not exist: the first write makes it."""
        self._folder = Folder(path)
        self._ends: dict[str, _End] = {}

    @property
    def address(self) -> str:
        """Return the path of the folder."""
        return self._folder.address

    def read(self, name: str) -> Item | None:
        """Return the piece of that name, None where there is none."""
        content = self._folder.read(checked(name))
        return None if content is None else Item(content, _version(content))

    def create(self, name: str, content: bytes) -> bool:
        """Keep a piece under a name that must be free."""
        checked(name)
        with self._folder.writing():
            if self._folder.read(name) is not None:
                return False
            self._folder.put(name, content)
            return True

    def replace(self, name: str, content: bytes, version: str) -> bool:
        """Put other content in the place of exactly this version."""
        checked(name)
        with self._folder.writing():
            found = self._folder.read(name)
            if found is None or _version(found) != version:
                return False
            self._folder.put(name, content)
            return True

    def delete(self, name: str) -> None:
        """Forget a piece or a log."""
        checked(name)
        if self._folder.is_there():
            with self._folder.writing():
                self._folder.remove(name)

    def names(self, prefix: str) -> Sequence[str]:
        """Return the names of all pieces and logs below a prefix, sorted."""
        return sorted(self._folder.names(checked_prefix(prefix)))

    def append(self, log: str, record: bytes, position: int) -> bool:
        """Add one record to a log that holds `position` records so far; a torn one at its end gives way."""
        line = checked_record(record) + b"\n"
        with (
            self._folder.writing(),
            suppress(FileNotFoundError),
            self._folder.growing(checked(log), make=not position) as file,
        ):
            end = self._end(log, file)
            if end.records != position:
                return False
            os.ftruncate(file, end.size)
            try:
                write_all(file, line)
            except OSError:
                os.ftruncate(file, end.size)
                raise
            self._ends[log] = _End(end.inode, end.size + len(line), position + 1)
            return True
        return False

    def records(self, log: str) -> Sequence[bytes]:
        """Return the records of a log in order; one without its end is not there."""
        return (self._folder.read(checked(log)) or b"").split(b"\n")[:-1]

    def close(self) -> None:
        """Do nothing: no file stays open between calls."""

    def _end(self, log: str, file: int) -> _End:
        """Return where the last whole record ends, and how many there are."""
        about = os.fstat(file)
        known = self._ends.get(log)
        if known and known[:2] == (about.st_ino, about.st_size):
            return known
        content = content_of(file)
        return _End(about.st_ino, content.rfind(b"\n") + 1, content.count(b"\n"))


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
