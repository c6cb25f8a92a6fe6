"""Read from a URL which database is meant; never connects and never resolves a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from reconciler.model.text import shortened
from reconciler.policy.model import SecretRef

_SQLITE = "sqlite:///"
_POSTGRES_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_FILE_PARAMETERS = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl"})
_PARAMETERS = _FILE_PARAMETERS | {"sslmode", "connect_timeout", "target_session_attrs", "gssencmode", "krbsrvname"}


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A database in one file; `path` is absolute."""

    path: str


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A database on a PostgreSQL server; `parameters` go to libpq as they are, the password is resolved when connecting."""

    database: str
    host: str = ""  # empty: libpq's own Unix socket
    port: int | None = None
    user: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    password: SecretRef | None = None


Place: TypeAlias = SqliteFile | PostgresServer


class UnusablePlace(ValueError):
    """A key of the policy does not say which database is meant: the `key`, and the `fact` as the end of a sentence."""

    def __init__(self, key: str, fact: str) -> None:
        super().__init__(f"{key} {fact}")
        self.key = key
        self.fact = fact


def place_of_url(url: str, password: object, folder: str) -> Place:
    """Return the database behind a URL; relative paths start in `folder`. Raises UnusablePlace."""
    return _sqlite(url, password, folder) if url.startswith("sqlite:") else _postgres(url, password, folder)


def _sqlite(url: str, password: object, folder: str) -> SqliteFile:
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path == ":memory:":
        raise UnusablePlace(
            "url", "names no file: write sqlite:///FILE, with three slashes, or four for an absolute path"
        )
    if "?" in path or "\x00" in path:
        raise UnusablePlace("url", "has something after the file's name: SQLite files take no parameters here")
    if password is not None:
        raise UnusablePlace("password", "has no use for a SQLite file: remove it")
    return SqliteFile(_resolved(path, folder))


def _postgres(url: str, password: object, folder: str) -> PostgresServer:
    parts, port = _split(url)
    database = unquote(parts.path.removeprefix("/"))
    if not database:
        raise UnusablePlace("url", "names no database: write postgresql://USER@HOST/DATABASE")
    if parts.password is not None:
        raise UnusablePlace("url", "holds a password: take it out and write `password: {env: NAME}` or `{file: PATH}`")
    if password is not None and not isinstance(password, SecretRef):
        raise UnusablePlace("password", "is not a reference: write `{env: NAME}` or `{file: PATH}`")
    host, parameters = _parameters(parts, folder)
    return PostgresServer(database, host, port, unquote(parts.username or ""), parameters, password)


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        fact = "is not a URL: write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        raise UnusablePlace("url", fact) from error
    if parts.scheme not in _POSTGRES_SCHEMES:
        raise UnusablePlace("url", f'has scheme "{shortened(parts.scheme)}": only sqlite and postgresql are supported')
    return parts, port


def _parameters(parts: SplitResult, folder: str) -> tuple[str, dict[str, str]]:
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = given.pop("host", "") or parts.hostname or ""
    for name, value in given.items():
        if name not in _PARAMETERS:
            known = ", ".join(sorted(_PARAMETERS | {"host"}))
            raise UnusablePlace(
                "url", f'has the parameter "{shortened(name)}", which is not allowed here (allowed: {known})'
            )
        if name in _FILE_PARAMETERS and value != "system":
            given[name] = _resolved(value, folder)
    return host, given if _is_local(host) else _verified(given)


def _verified(given: dict[str, str]) -> dict[str, str]:
    """Fill in full verification of the server, so that a password never travels to a server that proved nothing."""
    if "sslmode" in given:
        return given
    return {"sslrootcert": "system", **given, "sslmode": "verify-full"}


def _is_local(host: str) -> bool:
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _resolved(path: str, folder: str) -> str:
    return str(Path(folder, path).absolute())
