"""Find and read the files of a policy folder, nothing outside it and nothing that is too large; parses nothing."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.model.text import printable

MEBIBYTE = 2**20
MAX_FILE = 16 * MEBIBYTE
MAX_FOLDER = 64 * MEBIBYTE
MAX_FILES = 10_000

_SUFFIXES = frozenset({".yaml", ".yml"})
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file as found: `name` is relative to the folder, with forward slashes; `path` is where to open it."""

    name: str
    path: str
    content: bytes = b""

    @property
    def shown(self) -> str:
        """The path as printed."""
        return printable(PurePath(self.path).as_posix())

    @property
    def folder(self) -> str:
        """Where relative paths in this file start."""
        return str(PurePath(self.path).parent)


class Unusable(Exception):
    """There is no policy to read; `problem` says why."""

    def __init__(self, code: str, summary: str) -> None:
        super().__init__(summary)
        self.problem = Diagnostic(Severity.ERROR, code, summary)


def find_files(root: str) -> tuple[list[PolicyFile], list[Diagnostic]]:
    """Return the files of a folder (or the one file that `root` is), unread and sorted by name, and what is wrong.

    Files are ``*.yaml`` and ``*.yml``; what starts with a dot is left alone.
    Raises Unusable where there is nothing to read.
    """
    shown = printable(PurePath(root).as_posix())
    top = Path(root)
    try:
        is_file, is_there = top.is_file(), top.exists()
    except OSError as error:
        raise Unusable("POLICY-MISSING", f'"{shown}" cannot be read: {error.strerror}.') from error
    if is_file:
        return [PolicyFile(top.name, str(top))], []
    if not is_there:
        raise Unusable(
            "POLICY-MISSING",
            f'There is no policy folder or file "{shown}". Name the one that you mean; `reconcile init` writes a first one.',
        )
    problems: list[Diagnostic] = []
    found = sorted(_walk(top, problems), key=lambda file: file.name)
    if not found and not problems:
        raise Unusable(
            "POLICY-EMPTY",
            f'The policy folder "{shown}" holds no *.yaml file. Name another; `reconcile init` writes a first one.',
        )
    if len(found) > MAX_FILES:
        raise Unusable(
            "POLICY-TOO-LARGE", f'"{shown}" holds more than {MAX_FILES:,} policy files. Name the right folder.'
        )
    return found, problems


def read_file(file: PolicyFile) -> PolicyFile | Diagnostic:
    """Return the file with its content, or why it cannot be used."""
    try:
        found = Path(file.path).stat()
        if not stat.S_ISREG(found.st_mode):
            return problem(file, "FILE-UNREADABLE", "This is not a regular file.")
        if found.st_size > MAX_FILE:
            size = f"{found.st_size / MEBIBYTE:,.1f} MiB"
            return problem(
                file, "FILE-TOO-LARGE", f"The file has {size}; the limit is {MAX_FILE // MEBIBYTE} MiB. Split it."
            )
        with Path(file.path).open("rb") as opened:
            return PolicyFile(file.name, file.path, opened.read(MAX_FILE))
    except OSError as error:
        return problem(file, "FILE-UNREADABLE", f"The file cannot be read: {error.strerror}.")


def decoded(file: PolicyFile) -> str | Diagnostic:
    """Return the text of a file, which must be UTF-8 without a byte order mark."""
    if file.content.startswith(_BOM):
        return problem(file, "FILE-BOM", "The file starts with a byte order mark. Save it as UTF-8 without one.")
    try:
        return file.content.decode()
    except UnicodeDecodeError as error:
        line_start = file.content.rfind(b"\n", 0, error.start) + 1
        line = file.content.count(b"\n", 0, error.start) + 1
        column = len(file.content[line_start : error.start].decode()) + 1
        byte = file.content[error.start]
        return problem(file, "FILE-ENCODING", f"Byte 0x{byte:02x} is not UTF-8. Save the file as UTF-8.", line, column)


def digest_of(files: Sequence[PolicyFile]) -> str:
    """Return ``sha256:`` over relative names and contents, the same wherever the folder lies and in whatever order."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.name):
        for part in (os.fsencode(file.name), file.content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return f"sha256:{digest.hexdigest()}"


def _walk(top: Path, problems: list[Diagnostic]) -> Iterator[PolicyFile]:
    """Give every policy file below `top`; a link that leads out of it, and a folder that cannot be listed, are problems."""
    inside = os.path.realpath(top)

    def unlisted(error: OSError) -> None:
        file = PolicyFile("", str(error.filename))
        problems.append(problem(file, "FILE-UNREADABLE", f"The folder cannot be read: {error.strerror}."))

    for folder, folders, names in os.walk(top, onerror=unlisted):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            file = _file(top, folder, name)
            if Path(file.path).is_symlink():
                problems.append(
                    problem(file, "FILE-OUTSIDE", "A link to a folder is not followed. Put the files here.")
                )
        for name in names:
            if name.startswith(".") or PurePath(name).suffix.lower() not in _SUFFIXES:
                continue
            file = _file(top, folder, name)
            if os.path.commonpath((inside, os.path.realpath(file.path))) == inside:
                yield file
            else:
                problems.append(
                    problem(file, "FILE-OUTSIDE", "This link leads out of the policy folder. Put the file here.")
                )


def _file(top: Path, folder: str, name: str) -> PolicyFile:
    path = Path(folder, name)
    return PolicyFile(path.relative_to(top).as_posix(), str(path))


def problem(file: PolicyFile, code: str, summary: str, line: int = 1, column: int = 1) -> Diagnostic:
    """Return what is wrong with a file; the excerpt of a file that is not understood would help nobody."""
    return Diagnostic(Severity.ERROR, code, summary, where=Position(file.shown, line, column))
