"""Turn what databases complain about into one clear line; never lets a driver's exception or a secret out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.errors import TargetError, TargetRejected, TargetUnreachable
from reconciler.model.text import shortened

_NOTHING_WRITTEN = "Nothing was written."
_PERHAPS_WRITTEN = "Plan again to see whether anything was written."


class _Known(NamedTuple):
    """What a code that starts like this means; in the tables below the first match wins."""

    code: str
    family: type[TargetError]
    fact: str
    way_out: str


# result code names, https://www.sqlite.org/rescode.html
_SQLITE = (
    _Known("SQLITE_BUSY", TargetUnreachable, "is locked by another program", "Try again when it has finished"),
    _Known("SQLITE_LOCKED", TargetUnreachable, "is locked by another program", "Try again when it has finished"),
    _Known(
        "SQLITE_READONLY_ROLLBACK",
        TargetRejected,
        "was left by an interrupted write and is read-only, so it cannot be put right",
        "Make the file and its folder writable",
    ),
    _Known("SQLITE_READONLY", TargetRejected, "cannot be written", "Make the file and its folder writable"),
    _Known("SQLITE_PERM", TargetRejected, "may not be used", "Check the permissions of the file and its folder"),
    _Known(
        "SQLITE_CANTOPEN", TargetUnreachable, "cannot be opened", "Check the permissions of the file and its folder"
    ),
    _Known("SQLITE_FULL", TargetRejected, "cannot grow: the disk is full", "Free some space"),
    _Known(
        "SQLITE_IOERR",
        TargetUnreachable,
        "cannot be read or written: the disk reports an error",
        "Check disk and quota",
    ),
    _Known("SQLITE_CORRUPT", TargetRejected, "is damaged", "Restore it from a backup"),
    _Known("SQLITE_NOTADB", TargetRejected, "is not a SQLite database", "Correct the url or move that file away"),
)

# SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES = (
    _Known("28", TargetRejected, "refused the login", "Check user, password and pg_hba.conf"),
    _Known("3D000", TargetRejected, "has no such database", "Create it or correct the url"),
    _Known(
        "42501", TargetRejected, "does not let this user do that", "Grant the rights that docs/targets/sql.md names"
    ),
    _Known("25006", TargetRejected, "is read-only", "Connect to the primary server"),
    _Known("53", TargetRejected, "is out of disk space, memory or connections", "Make room"),
    _Known("55P03", TargetUnreachable, "is locked by another program", "Try again when it has finished"),
    _Known("40", TargetUnreachable, "was in the way of another program", "Try again"),
    _Known("57", TargetUnreachable, "is stopping or ended the session", "Try again when the server is up"),
    _Known("08", TargetUnreachable, "does not answer", "Check that the server is up and the url is right"),
)


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Raise TargetUnreachable or TargetRejected, naming `place`, for whatever the database complains about inside."""
    try:
        yield
    except DBAPIError as error:
        raise _from_driver(place, error) from error
    except SQLAlchemyError as error:
        raise TargetRejected(
            f"{place} gave an answer that makes no sense: {_line(error)}. {_NOTHING_WRITTEN}"
        ) from error


def _from_driver(place: str, error: DBAPIError) -> TargetError:
    cause = error.orig if error.orig is not None else error
    code = getattr(cause, "sqlite_errorname", None)
    written = _PERHAPS_WRITTEN if error.connection_invalidated else _NOTHING_WRITTEN
    known = _find(_SQLITE, code) if isinstance(code, str) else _find(_POSTGRES, _sqlstate(cause))
    if known is None:
        return TargetRejected(f"{place} refused: {_line(cause)}. {written}")
    return known.family(f"{place} {known.fact} ({_line(cause)}). {written} {known.way_out}.")


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
