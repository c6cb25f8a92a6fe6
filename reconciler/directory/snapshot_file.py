"""Write and read snapshot files: gzip over JSON Lines, whole or not at all; never holds what the policy does not name."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from reconciler.directory.collection import paused_collection
from reconciler.directory.snapshot_codec import Head, Saved, SnapshotSyntaxError, decode, encode, head_of
from reconciler.errors import DirectoryUnreachable, ReadIncomplete
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.text import shortened

_FAST = 1  # gzip level: half a second less than the usual one at 30,000 entries, for a quarter more bytes

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Caps:
    """How much a file may unfold to, so that a small hostile one cannot fill the memory."""

    line: int = 256 << 20  # bytes: a group with some ten million members
    total: int = 4 << 30


def write_snapshot(snapshot: Snapshot, needs: Needs, path: str | Path) -> None:
    """Write the file beside `path` and put it in place, readable by its owner only; raises OSError, leaving no trace."""
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            with gzip.GzipFile(filename="", mode="wb", compresslevel=_FAST, fileobj=file, mtime=0) as packed:
                for line in encode(Saved(snapshot, needs)):
                    packed.write(line)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_snapshot(path: str | Path, caps: Caps = Caps()) -> Saved:
    """Return what `write_snapshot` wrote; raises DirectoryUnreachable without the file, ReadIncomplete for a bad one."""
    with paused_collection():
        return _read(path, decode, caps)


def snapshot_head(path: str | Path) -> Head:
    """Return which directory a file was taken from, by its first line; raises like `read_snapshot`."""
    return _read(path, head_of, Caps())


def _read(path: str | Path, decoder: Callable[[Iterable[bytes]], _Result], caps: Caps) -> _Result:
    try:
        with Path(path).open("rb") as file, gzip.GzipFile(fileobj=file, mode="rb") as packed:
            return decoder(_lines(cast("BinaryIO", packed), caps))  # GzipFile has all of BinaryIO that is used
    except SnapshotSyntaxError as error:
        raise ReadIncomplete(f"snapshot {path}: {error}") from error
    except EOFError as error:
        raise ReadIncomplete(f"snapshot {path}: the file is cut off") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ReadIncomplete(f"snapshot {path}: no gzip file, or damaged: {shortened(str(error))}") from error
    except OSError as error:
        raise DirectoryUnreachable(f"snapshot {path}: {error.strerror or shortened(str(error))}") from error


def _lines(packed: BinaryIO, caps: Caps) -> Iterator[bytes]:
    total = 0
    while line := packed.readline(caps.line + 1):
        total += len(line)
        if len(line) > caps.line or total > caps.total:
            raise SnapshotSyntaxError(f"it unfolds to more than {caps.total} bytes, or a line to more than {caps.line}")
        yield line
