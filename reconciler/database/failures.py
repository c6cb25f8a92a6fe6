"""Understand what databases complain about; never lets a secret out, and decides nothing about what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.model.text import shortened


@dataclass(frozen=True, slots=True)
class Complaint:
    """What went wrong: a `fact` as the end of a sentence, and perhaps a `way_out` as a sentence without its end.

    `answered` tells whether the database said no, or was in no state to say anything. `perhaps_written` is true where the
    connection broke, so that nobody can tell whether a commit came through.
    """

    fact: str
    way_out: str = ""
    answered: bool = True
    perhaps_written: bool = False


class _Known(NamedTuple):
    """What a code that starts like this means; in the tables below the first match wins."""

    code: str
    answered: bool
    fact: str
    way_out: str


_NO, _NOTHING = True, False  # what a database that complains has answered

# result code names, https://www.sqlite.org/rescode.html
_SQLITE = (
    _Known("SQLITE_BUSY", _NOTHING, "is locked by another program", "Try again when it has finished"),
    _Known("SQLITE_LOCKED", _NOTHING, "is locked by another program", "Try again when it has finished"),
    _Known(
        "SQLITE_READONLY_ROLLBACK",
        _NO,
        "was left by an interrupted write and is read-only, so it cannot be put right",
        "Make the file and its folder writable",
    ),
    _Known("SQLITE_READONLY", _NO, "cannot be written", "Make the file and its folder writable"),
    _Known("SQLITE_PERM", _NO, "may not be used", "Check the permissions of the file and its folder"),
    _Known("SQLITE_CANTOPEN", _NOTHING, "cannot be opened", "Check the permissions of the file and its folder"),
    _Known("SQLITE_FULL", _NO, "cannot grow: the disk is full", "Free some space"),
    _Known(
        "SQLITE_IOERR",
        _NOTHING,
        "cannot be read or written: the disk reports an error",
        "Check disk and quota",
    ),
    _Known("SQLITE_CORRUPT", _NO, "is damaged", "Restore it from a backup"),
    _Known("SQLITE_NOTADB", _NO, "is not a SQLite database", "Correct the url or move that file away"),
)

# SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES = (
    _Known("28", _NO, "refused the login", "Check user, password and pg_hba.conf"),
    _Known("3D000", _NO, "has no such database", "Create it or correct the url"),
    _Known("42501", _NO, "does not let this user do that", "Grant the rights that {manual} names"),
    _Known("25006", _NO, "is read-only", "Connect to the primary server"),
    _Known("53", _NO, "is out of disk space, memory or connections", "Make room"),
    _Known("55P03", _NOTHING, "is locked by another program", "Try again when it has finished"),
    _Known("40", _NOTHING, "was in the way of another program", "Try again"),
    _Known("57", _NOTHING, "is stopping or ended the session", "Try again when the server is up"),
    _Known("08", _NOTHING, "does not answer", "Check that the server is up and the url is right"),
)


@contextmanager
def explained(raised: Callable[[Complaint], Exception], manual: str) -> Iterator[None]:
    """Raise what `raised` makes of whatever the database complains about inside; `manual` is the page that lists rights."""
    try:
        yield
    except DBAPIError as error:
        raise raised(_from_driver(error, manual)) from error
    except SQLAlchemyError as error:
        raise raised(Complaint(f"gave an answer that makes no sense: {_line(error)}")) from error


def _from_driver(error: DBAPIError, manual: str) -> Complaint:
    cause = error.orig if error.orig is not None else error
    code = getattr(cause, "sqlite_errorname", None)
    broken = error.connection_invalidated
    known = _find(_SQLITE, code) if isinstance(code, str) else _find(_POSTGRES, _sqlstate(cause))
    if known is None:
        return Complaint(f"refused: {_line(cause)}", perhaps_written=broken)
    way_out = known.way_out.format(manual=manual)
    return Complaint(f"{known.fact} ({_line(cause)})", way_out, known.answered, broken)


def _find(table: tuple[_Known, ...], code: str) -> _Known | None:
    return next((known for known in table if code.startswith(known.code)), None)


def _sqlstate(cause: BaseException) -> str:
    """Return the server's code; where the connection was never made libpq keeps only the text (class 08, 28 or 3D000)."""
    code = getattr(cause, "sqlstate", None)
    if isinstance(code, str):
        return code
    text = str(cause)
    if "authentication failed" in text or "pg_hba.conf" in text or "no password supplied" in text:
        return "28000"
    if 'FATAL:  database "' in text:
        return "3D000"
    return "08000" if type(cause).__name__ in {"OperationalError", "ConnectionTimeout"} else ""


def _line(error: BaseException) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return shortened(lines[0].strip().rstrip("."))
