"""Make and check the names that things have in a state store; never looks into one."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]+(?:/(?!\.)[A-Za-z0-9._-]+)*")
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-")
_EMPTY = "_"


def segment(name: str) -> str:
    """Return a name of the policy (a target, a directory) as one segment of a store's names.

    Lower-case letters, digits and ``-`` stay; each other byte of its UTF-8 form becomes ``_`` and two hexadecimal digits.
    Two names never become one, not even where a file system takes capitals and small letters for the same.
    """
    written = name.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if byte in _PLAIN else f"_{byte:02x}" for byte in written) or _EMPTY


def checked(name: str) -> str:
    """Return a name that a store can hold; raises ValueError for any other, which is a mistake of the caller."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name of a state store: {name!r}")
    return name


def checked_prefix(prefix: str) -> str:
    """Return what names can lie below; raises ValueError for anything else, which is a mistake of the caller."""
    if not prefix.endswith("/"):
        raise ValueError(f"not a prefix of a state store's names: {prefix!r}")
    checked(prefix[:-1])
    return prefix


def checked_record(record: bytes) -> bytes:
    """Return a record that fits on one line; raises ValueError for any other, which is a mistake of the caller."""
    if b"\n" in record:
        raise ValueError("a record is one line, without its end")
    return record
