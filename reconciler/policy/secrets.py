"""Hold a secret so that only one method gives it away, and find it only when it is asked for; never logs or keeps one."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NoReturn, SupportsIndex

from reconciler.errors import PolicyError
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.text import shortened
from reconciler.policy.excerpt import HIDDEN
from reconciler.policy.model import SecretRef

MAX_SECRET = 65_536  # bytes; the longest are private keys


class Secret:
    """A text that prints as ``•••`` everywhere. Two are equal only if they are the same object, so none can be guessed."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def resolve(ref: SecretRef) -> Secret:
    """Return what a reference stands for now; raises PolicyError where there is nothing.

    ``env``: the variable's value. ``file``: the first line, without its end.
    """
    text = _from_environment(ref) if ref.kind == "env" else _from_file(ref)
    try:
        text.encode()
    except UnicodeEncodeError:
        _fail(ref, "SECRET-UNREADABLE", f"The secret in {_place(ref)} is not UTF-8. Write it as UTF-8.")
    return Secret(text)


def _from_environment(ref: SecretRef) -> str:
    text = os.environ.get(ref.name, "")
    if not text:
        _fail(ref, "SECRET-UNSET", f"{_place(ref)} is not set or empty. Set it where this program runs.")
    return text


def _from_file(ref: SecretRef) -> str:
    try:
        if not stat.S_ISREG(Path(ref.name).stat().st_mode):
            _fail(ref, "SECRET-UNREADABLE", f"{_place(ref)} is not a regular file. Name one that holds the secret.")
        with Path(ref.name).open("rb") as opened:
            line = opened.readline(MAX_SECRET + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is not a path"
        _fail(ref, "SECRET-UNREADABLE", f"{_place(ref)} cannot be read: {reason}. Name a file that can be.")
    if len(line) > MAX_SECRET:
        _fail(ref, "SECRET-UNREADABLE", f"The first line of {_place(ref)} has more than {MAX_SECRET:,} bytes.")
    text = line.decode(errors="surrogateescape").rstrip("\r\n")
    if not text:
        _fail(ref, "SECRET-UNSET", f"The first line of {_place(ref)} is empty. The secret must stand there.")
    return text


def _place(ref: SecretRef) -> str:
    kind = "The environment variable" if ref.kind == "env" else "the file"
    return f'{kind} "{shortened(ref.name)}"'


def _fail(ref: SecretRef, code: str, summary: str) -> NoReturn:
    raise PolicyError([Diagnostic(Severity.ERROR, code, summary[0].upper() + summary[1:], where=ref.where)]) from None
