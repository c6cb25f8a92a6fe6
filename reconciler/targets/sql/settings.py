"""Read the policy keys of a `sql` target as values; never connects and never resolves a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn, TypeAlias
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from reconciler.errors import TargetError
from reconciler.model.access import Capabilities, Flag, NameLimits, Role
from reconciler.model.text import shortened
from reconciler.policy.model import SecretRef
from reconciler.targets.base import Options

_SQLITE = "sqlite:///"
_POSTGRES_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_KEYS = frozenset({"url", "password", "privileged_roles"})
_FILE_PARAMETERS = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl"})
_PARAMETERS = _FILE_PARAMETERS | {"sslmode", "connect_timeout", "target_session_attrs", "gssencmode", "krbsrvname"}
_DEFAULT_ROLE = Role("member")
_OWNER = Role("owner")
# 1 to 255 characters, none of them a control or line-breaking one or half of a pair, no space at either end
_NAMES = NameLimits(
    pattern=r"(?!\s)[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,255}(?<!\s)",
    max_length=255,
)


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A roster in one file; `path` is absolute."""

    path: str


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A roster on a PostgreSQL server; `parameters` go to libpq as they are, the password is resolved when connecting."""

    database: str
    host: str = ""  # empty: libpq's own Unix socket
    port: int | None = None
    user: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    password: SecretRef | None = None


Place: TypeAlias = SqliteFile | PostgresServer


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a `sql` target is made from; `address` is for people and holds no secret."""

    name: str
    directory: str
    address: str
    place: Place
    capabilities: Capabilities


def settings(options: Options) -> Settings:
    """Return the settings that the policy's keys mean; raises TargetError that names the key which is not usable."""
    unknown = sorted(set(options.options) - _KEYS)
    if unknown:
        _refuse(options, unknown[0], f"is no key of kind sql (known: {', '.join(sorted(_KEYS))})")
    url = options.options.get("url")
    if not isinstance(url, str) or not url:
        _refuse(options, "url", "is missing: write sqlite:///FILE or postgresql://USER@HOST/DATABASE")
    place = _sqlite(url, options) if url.startswith("sqlite:") else _postgres(url, options)
    address = url.partition("?")[0]
    return Settings(options.name, options.directory, shortened(address), place, _capabilities(options))


def _capabilities(options: Options) -> Capabilities:
    roles = tuple(Role(role) for role in options.roles) or (_DEFAULT_ROLE,)
    owner = _OWNER if _OWNER in roles else None
    return Capabilities(
        roles=roles,
        owner_role=owner,
        privileged_roles=_privileged(options, roles, owner),
        user_names=_NAMES,
        group_names=_NAMES,
        attributes=frozenset({"email", "name", "ssh_keys"}),
        flags=frozenset(Flag),
        marks_memberships=True,
    )


def _privileged(options: Options, roles: tuple[Role, ...], owner: Role | None) -> frozenset[Role]:
    listed = options.options.get("privileged_roles")
    if listed is None:
        highest = roles[1:][-1:]
        return frozenset((*highest, owner) if owner else highest)
    if not isinstance(listed, list | tuple):
        _refuse(options, "privileged_roles", "is not a list of role names")
    for role in listed:
        if role not in roles:
            _refuse(
                options, "privileged_roles", f'names "{shortened(str(role))}", which is no role ({", ".join(roles)})'
            )
    return frozenset(Role(role) for role in listed)


def _sqlite(url: str, options: Options) -> SqliteFile:
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path == ":memory:":
        _refuse(options, "url", "names no file: write sqlite:///FILE, with three slashes, or four for an absolute path")
    if "?" in path or "\x00" in path:
        _refuse(options, "url", "has something after the file's name: SQLite files take no parameters here")
    if options.options.get("password") is not None:
        _refuse(options, "password", "has no use for a SQLite file: remove it")
    return SqliteFile(_resolved(path, options))


def _postgres(url: str, options: Options) -> PostgresServer:
    parts, port = _split(url, options)
    database = unquote(parts.path.removeprefix("/"))
    if not database:
        _refuse(options, "url", "names no database: write postgresql://USER@HOST/DATABASE")
    if parts.password is not None:
        _refuse(options, "url", "holds a password: take it out and write `password: {env: NAME}` or `{file: PATH}`")
    password = options.options.get("password")
    if password is not None and not isinstance(password, SecretRef):
        _refuse(options, "password", "is not a reference: write `{env: NAME}` or `{file: PATH}`")
    host, parameters = _parameters(parts, options)
    return PostgresServer(database, host, port, unquote(parts.username or ""), parameters, password)


def _split(url: str, options: Options) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        _refuse(options, "url", "is not a URL: write sqlite:///FILE or postgresql://USER@HOST/DATABASE")
    if parts.scheme not in _POSTGRES_SCHEMES:
        _refuse(options, "url", f'has scheme "{shortened(parts.scheme)}": only sqlite and postgresql are supported')
    return parts, port


def _parameters(parts: SplitResult, options: Options) -> tuple[str, dict[str, str]]:
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = given.pop("host", "") or parts.hostname or ""
    for name, value in given.items():
        if name not in _PARAMETERS:
            known = ", ".join(sorted(_PARAMETERS | {"host"}))
            _refuse(
                options, "url", f'has the parameter "{shortened(name)}", which is not allowed here (allowed: {known})'
            )
        if name in _FILE_PARAMETERS and value != "system":
            given[name] = _resolved(value, options)
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


def _resolved(path: str, options: Options) -> str:
    return str(Path(options.folder, path).absolute())


def _refuse(options: Options, key: str, fact: str) -> NoReturn:
    raise TargetError(f"target {shortened(options.name)}: {shortened(key)} {fact}")
