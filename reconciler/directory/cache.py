"""Keep a replica in a folder from one run to the next; never trusts what is not exactly what it wrote, or not its owner's alone.

A file of its own name holds the content and is written first; the head names it, with its checksum, and replaces the old
head in one step. So whatever is interrupted leaves the old state or the new one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FORMAT = 1
_HEAD = "head"
_IGNORE = ".gitignore"
_CONTENT = "content-"
_NEW = "new-"
_FORGOTTEN = 3600  # seconds after which a file that no head names was left behind by a run that did not end
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700


@dataclass(frozen=True, slots=True)
class Head:
    """What is known beside the content.

    `binding` tells what the replica is one of; `cookies` are those of the server, one per search or one for all.
    `confirmed_at` is the time of the whole read that the replica goes back to, `runs` how many reads of changes came after
    it, `unclear` how many reads in a row ended up whole because changes could not be followed, `again` the ids of groups to
    look at once more.
    """

    binding: str
    cookies: tuple[bytes, ...]
    confirmed_at: str
    runs: int
    again: tuple[bytes, ...] = ()
    unclear: int = 0
    content: str = ""
    sha256: str = ""


class Cache:
    """The folder of one directory."""

    def __init__(self, folder: str) -> None:
        """The folder need not exist."""
        self._folder = Path(folder)

    def head(self) -> Head | None:
        """Return what was written last; None where there is nothing, or anything wrong with it."""
        try:
            return _decoded(self._read(_HEAD))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def content(self, head: Head) -> bytes | None:
        """Return the content that belongs to a head, None where it is not there exactly as it was written."""
        try:
            data = self._read(head.content)
        except (OSError, ValueError):
            return None
        return data if hashlib.sha256(data).hexdigest() == head.sha256 else None

    def write(self, head: Head, content: Iterable[bytes] | None) -> None:
        """Keep this in place of what there was; without `content` the head names what is there. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_FOLDER)
        self._folder.chmod(_PRIVATE_FOLDER)
        with suppress(FileExistsError):  # the policy's folder is mostly part of a repository
            self._create(_IGNORE, [b"*\n"])
        old = self.head()
        if content is not None:
            name = f"{_CONTENT}{secrets.token_hex(8)}"
            head = replace(head, content=name, sha256=self._create(name, content))
        new = f"{_NEW}{secrets.token_hex(8)}"
        self._create(new, [_encoded(head)])
        (self._folder / new).replace(self._folder / _HEAD)
        self._sync_folder()
        self._clear(old.content if old else "", head.content)

    def _read(self, name: str) -> bytes:
        """Return a file's bytes; raises ValueError where somebody else could have written it."""
        if not name or "/" in name:
            raise ValueError(name)
        descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
                raise ValueError(name)
            return file.read()

    def _create(self, name: str, parts: Iterable[bytes]) -> str:
        """Write a new file to the disk itself and return its checksum."""
        checksum = hashlib.sha256()
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                checksum.update(part)
                file.write(part)
            file.flush()
            os.fsync(descriptor)
        return checksum.hexdigest()

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _clear(self, old: str, present: str) -> None:
        """Remove the content before this one, and what an interrupted run left; not what another may be writing."""
        before = (self._folder / _HEAD).stat().st_mtime - _FORGOTTEN
        for path in [*self._folder.glob(f"{_CONTENT}*"), *self._folder.glob(f"{_NEW}*")]:
            try:
                if path.name != present and (path.name == old or path.stat().st_mtime < before):
                    path.unlink()
            except FileNotFoundError:  # another run was first
                continue


def _encoded(head: Head) -> bytes:
    values = asdict(head) | {"format": FORMAT}
    values["cookies"] = [_text(cookie) for cookie in head.cookies]
    values["again"] = [_text(uuid) for uuid in head.again]
    body = json.dumps(values, sort_keys=True).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _decoded(data: bytes) -> Head:
    checksum, _, body = data.partition(b"\n")
    if checksum != hashlib.sha256(body).hexdigest().encode():
        raise ValueError("a head that was not written so")
    values = json.loads(body)
    if values.pop("format") != FORMAT:
        raise ValueError("a head of another format")
    values["cookies"] = tuple(map(_bytes, values["cookies"]))
    values["again"] = tuple(map(_bytes, values["again"]))
    return Head(**values)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error
