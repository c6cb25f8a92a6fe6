"""Read and write the files that are named on the command line: whole or not at all, and for nobody else to read."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.errors import UsageError
from reconciler.model.text import shortened

_LARGEST = 1 << 30  # bytes of a plan file: 100 times the largest sensible one
_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR


def read_text(name: str) -> str:
    """Return a file's text; raises UsageError for what cannot be read, is larger than 1 GiB or is no UTF-8."""
    try:
        with Path(name).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{shortened(name)} cannot be read: {error.strerror}.") from error
    if len(content) > _LARGEST:
        raise UsageError(f"{shortened(name)} is larger than 1 GiB: not a plan.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{shortened(name)} is not UTF-8 text: not a plan.") from error


def is_folder(name: str) -> bool:
    """Tell whether there is a folder; what cannot be looked at is none, and reading it says why."""
    try:
        return Path(name).is_dir()
    except OSError:
        return False


def refuse_folder(name: str | None) -> None:
    """Raise UsageError where the name of a policy folder was given in place of an id: there it is named with --policy."""
    if name and not name.isdecimal() and is_folder(name):
        folder = shortened(name)
        raise UsageError(f"{folder} is a folder, and an id is wanted here: name the folder with --policy {folder}.")


def is_missing(name: str) -> bool:
    """Tell whether there certainly is nothing of that name; for what cannot be looked at, reading it says why."""
    try:
        Path(name).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def write_text(name: str, pieces: Iterable[str]) -> None:
    """Write a file in one step, mode 600; raises UsageError and leaves an older file as it was when that fails."""
    with replacing(name) as place, place.open("w", encoding="utf-8") as file:
        file.writelines(pieces)


def write_new(name: str, text: str) -> None:
    """Write a file that is not there yet; raises UsageError, and touches nothing, where it is."""
    try:
        with Path(name).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(
            f"{shortened(name)} is there already, and nothing is overwritten: name another file."
        ) from error
    except OSError as error:
        raise UsageError(f"{shortened(name)} cannot be written: {error.strerror}.") from error


def write_all_new(texts: Mapping[Path, str]) -> None:
    """Write several files that are not there yet, with the folders that they need: all of them or none.

    Raises UsageError, and takes back what was made, where one is there already or cannot be written.
    """
    drafts: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for place, text in texts.items():
            for folder in _missing_above(place):
                folder.mkdir()
                made.append(folder)
            drafts[place] = place.with_name(f".reconcile-{os.getpid()}-{place.name}")
            with drafts[place].open("x", encoding="utf-8") as file:
                file.write(text)
        for place, draft in drafts.items():
            place.open("x").close()  # the name is ours now, or somebody else's
            made.append(place)
            draft.replace(place)
    except BaseException as error:
        for path in (*drafts.values(), *reversed(made)):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UsageError(f"{_named(error)}: {error.strerror}. Nothing was written.") from error
        raise


def _missing_above(place: Path) -> list[Path]:
    """Return the folders above a file that are not there, the outermost first."""
    return [folder for folder in reversed(place.parents) if not folder.exists()]


def _named(error: OSError) -> str:
    return shortened(str(error.filename)) if error.filename else "The files cannot be written"


@contextmanager
def replacing(name: str) -> Iterator[Path]:
    """Give a path to write to; when the block ends well, what was written there takes the place of the file.

    What is there and is no regular file (a pipe, ``/dev/stdout``) is written to directly. Raises UsageError.
    """
    path = Path(name)
    try:
        if _is_special(path):
            yield path
        else:
            with _draft(path.resolve()) as draft:
                yield draft
    except OSError as error:
        raise UsageError(f"{shortened(name)} cannot be written: {error.strerror}.") from error


def _is_special(path: Path) -> bool:
    """Tell whether something is there that must not be replaced by a file."""
    if path.is_dir():
        raise UsageError(f"{shortened(str(path))} is a folder: name a file in it.")
    return path.exists() and not path.is_file()


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Give a new file beside `path`; bring it to the disk before it takes the name, so that a crash leaves old or new."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".reconcile-")
    draft = Path(name)
    try:
        yield draft
        os.fsync(handle)
        draft.chmod(_OWNER_ONLY)  # whatever its writer made of it
        draft.replace(path)
    finally:
        os.close(handle)
        draft.unlink(missing_ok=True)
