"""Read RFC 2849 content records from a stream, one entry at a time; never follow a URL and never guess what is missing."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from reconciler.errors import ReadIncomplete
from reconciler.model.names import caseless
from reconciler.model.text import shortened

MAX_LINE = 16 << 20  # bytes of one value, folded or not
MAX_ENTRY = 512 << 20  # bytes of one entry: a group of some million members

_DESCRIPTION = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.-]*(;[A-Za-z0-9=*-]+)*")
_SHOWN = 60


class LdifError(ReadIncomplete):
    """A file that is not whole, valid LDIF; the message starts with ``path:line``."""

    def __init__(self, name: str, line: int, message: str) -> None:
        """Put the place before the message."""
        super().__init__(f"{name}:{line}: {message}")
        self.line = line


@dataclass(slots=True)
class LdifEntry:
    """One content record: attribute descriptions in lower case with their options, values in file order.

    `line` is the line of its DN, counted from 1.
    """

    dn: bytes
    line: int
    attributes: dict[str, list[bytes]] = field(default_factory=dict)


def read_entries(stream: BinaryIO, name: str) -> Iterator[LdifEntry]:
    """Yield every entry of `stream`; raises LdifError, with `name` as path, for anything RFC 2849 does not allow.

    Two things are taken beyond the RFC because common tools write them: values in plain UTF-8, and the lack of ``version:``.
    """
    entry: LdifEntry | None = None
    descriptions: dict[bytes, str] = {}
    size, first = 0, True
    for number, line in _logical_lines(stream, name):
        if not line:
            if entry is not None:
                yield _finished(entry, name)
            entry, size = None, 0
            continue
        described, colon, rest = line.partition(b":")
        if not colon:
            raise LdifError(name, number, f'"{_shown(line)}" has no colon: expected "attribute: value"')
        if entry is None:
            if first and _word(described) == "version":
                _check_version(_value(rest, name, number), name, number)
            else:
                entry = LdifEntry(_dn(described, rest, name, number), number)
            first = False
            continue
        size += len(line)
        if size > MAX_ENTRY:
            raise LdifError(name, entry.line, f"the entry is larger than {MAX_ENTRY >> 20} MiB")
        key = descriptions.get(described) or _describe(described, descriptions, name, number)
        entry.attributes.setdefault(key, []).append(_value(rest, name, number))
    if entry is not None:
        yield _finished(entry, name)


def _logical_lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield unfolded lines without their ends, comments left out, each with the number of its first physical line."""
    number = start = 0
    parts: list[bytes] = []
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        line = _without_end(raw, name, number)
        if line[:1] == b" ":
            if not parts or not parts[0]:
                raise LdifError(name, number, "a continuation (a line that starts with a space) continues nothing")
            parts.append(line[1:])
            if len(line) > 1 and sum(map(len, parts)) > MAX_LINE:
                raise LdifError(name, start, f"the value is longer than {MAX_LINE >> 20} MiB")
            continue
        if parts and parts[0][:1] != b"#":
            yield start, parts[0] if len(parts) == 1 else b"".join(parts)
        parts, start = [line], number
    if parts and parts[0][:1] != b"#":
        yield start, b"".join(parts)


def _without_end(raw: bytes, name: str, number: int) -> bytes:
    if raw[-1:] != b"\n":
        if len(raw) > MAX_LINE:
            raise LdifError(name, number, f"the line is longer than {MAX_LINE >> 20} MiB")
        if raw[:1] != b"#":
            raise LdifError(
                name, number, "the file ends in the middle of a line: it was cut, or lacks its last newline"
            )
        return raw
    return raw[:-2] if raw[-2:-1] == b"\r" else raw[:-1]


def _value(rest: bytes, name: str, number: int) -> bytes:
    """Return the value behind the first colon (RFC 2849 value-spec)."""
    if rest[:1] == b":":
        try:
            return base64.b64decode(rest[1:].strip(b" "), validate=True)
        except binascii.Error as error:
            raise LdifError(name, number, f"bad base64, the value may have been cut: {error}") from error
    if rest[:1] == b"<":
        raise LdifError(name, number, f'"{_shown(rest)}": values by URL are not read; write the value itself')
    if b"\0" in rest or b"\r" in rest:
        raise LdifError(name, number, "a control character in a plain value: write the value in base64")
    if not rest.isascii():
        try:
            rest.decode()
        except UnicodeDecodeError as error:
            raise LdifError(name, number, "a plain value that is not UTF-8: write it in base64") from error
    return rest.lstrip(b" ")


def _dn(described: bytes, rest: bytes, name: str, number: int) -> bytes:
    if _word(described) != "dn":
        raise LdifError(name, number, f'"{_shown(described)}:" where an entry must start with "dn:"')
    return _value(rest, name, number)


def _describe(described: bytes, known: dict[bytes, str], name: str, number: int) -> str:
    """Return the attribute description in lower case, remembering it; refuse what is no content record."""
    word = _word(described)
    if word in {"changetype", "control"}:
        raise LdifError(name, number, f'"{word}:" makes this a change record: export the entries themselves')
    if word == "dn":
        raise LdifError(name, number, 'a second "dn:" in one entry: an empty line is missing before it')
    if not _DESCRIPTION.fullmatch(described):
        raise LdifError(name, number, f'"{_shown(described)}" is no attribute description')
    return known.setdefault(described, word)


def _check_version(value: bytes, name: str, number: int) -> None:
    if value.strip() != b"1":
        raise LdifError(name, number, f'LDIF version "{_shown(value)}" is not known: only version 1 exists')


def _finished(entry: LdifEntry, name: str) -> LdifEntry:
    if not entry.attributes:
        raise LdifError(name, entry.line, "the entry has no attributes: it was cut, or is no content record")
    return entry


def _word(described: bytes) -> str:
    return caseless(described.decode("ascii", "replace"))


def _shown(text: bytes) -> str:
    return shortened(text.decode(errors="backslashreplace"), _SHOWN)
