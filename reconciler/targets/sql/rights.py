"""Find out what our credential may do to a roster, from permissions and grants; never writes, not even to try."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias, assert_never

from sqlalchemy import Connection, bindparam, text

from reconciler.database.places import PostgresServer, SqliteFile
from reconciler.targets.base import Right, Rights
from reconciler.targets.sql import connect
from reconciler.targets.sql.schema import groups, hidden_in, memberships, metadata, users, version
from reconciler.targets.sql.settings import Settings

_Sequences: TypeAlias = Mapping[str, bool]  # by table: whether its ids can be counted on


class _Role(NamedTuple):
    """Who we are to a PostgreSQL server. `schema` is where new tables would go, None where we may enter none."""

    name: str
    superuser: bool
    makes_roles: bool
    schema: str | None
    makes_tables: bool
    read_only: bool


class _Grants(NamedTuple):
    """What we may do with one table."""

    table: str
    reads: bool
    inserts: bool
    updates: bool
    deletes: bool
    writes: bool  # anything at all, if only one column
    locks: bool
    owns: bool


_WHO = text("""
    SELECT current_user::text, rolsuper, rolcreaterole, current_schema()::text,
      COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE),
      pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'
    FROM pg_roles WHERE rolname = current_user
""")
# LOCK TABLE ... IN SHARE ROW EXCLUSIVE MODE asks for UPDATE, DELETE or TRUNCATE
_TABLES = text("""
    SELECT relname::text,
      (SELECT bool_and(has_column_privilege(pg_class.oid, attnum, 'SELECT')) FROM pg_attribute
        WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped),
      has_table_privilege(oid, 'INSERT'), has_table_privilege(oid, 'UPDATE'), has_table_privilege(oid, 'DELETE'),
      has_any_column_privilege(oid, 'INSERT, UPDATE') OR has_table_privilege(oid, 'DELETE, TRUNCATE'),
      has_table_privilege(oid, 'UPDATE, DELETE, TRUNCATE'),
      pg_has_role(relowner, 'MEMBER')
    FROM pg_class WHERE relname IN :names AND relkind IN ('r', 'p') AND pg_table_is_visible(oid) ORDER BY relname
""").bindparams(bindparam("names", expanding=True))
_COUNTS = text("SELECT COALESCE(has_sequence_privilege(pg_get_serial_sequence(:table, 'id'), 'USAGE'), TRUE)")


def rights_of(settings: Settings, patience: float) -> Rights:
    """Return the rights; a lock is waited for at most `patience` seconds. Raises only TargetError."""
    match settings.place:
        case SqliteFile(path=path):
            return _of_missing(Path(path)) if connect.is_absent(settings) else _of_file(Path(path))
        case PostgresServer():
            with connect.reading(settings, patience) as connection:
                return _of_role(connection)
        case _:
            assert_never(settings.place)


def _of_missing(path: Path) -> Rights:
    """A plan reads a roster that is not there as an empty one, whatever the folder lets us do."""
    if _may(path.parent, os.W_OK | os.X_OK):
        return _as_user({Right.READ, Right.WRITE}, ["may make the file, which is not there yet"])
    return _as_user({Right.READ}, [], [f"to make the file, the right to write in {path.parent}"])


def _of_file(path: Path) -> Rights:
    can = {Right.READ} if _may(path, os.R_OK) else set()
    file, folder = _may(path, os.W_OK), _may(path.parent, os.W_OK | os.X_OK)
    detail = ["may write the file"] if file else []
    detail += [] if file or not folder else ["may put another file in its place"]
    lacks = [] if file else [f"the right to write {path}"]
    lacks += [] if folder else [f"the right to write in {path.parent}, where the journal stands"]
    return _as_user(can | ({Right.WRITE} if file or folder else set()), detail, lacks)


def _as_user(can: set[Right], detail: Iterable[str], lacks: Iterable[str] = ()) -> Rights:
    return Rights(frozenset(can), _account(), ", ".join(detail), tuple(lacks))


def _account() -> str:
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # containers run as numbers that nobody has given a name
        return f"uid {number}"


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _of_role(connection: Connection) -> Rights:
    role = _Role(*connection.execute(_WHO).one())
    hidden = hidden_in(connection)
    if hidden or role.schema is None:
        return Rights(frozenset(), role.name, "", (f"USAGE on the schema {hidden}".rstrip(),))
    names = list(metadata.tables)
    tables = {row[0]: _Grants(*row) for row in connection.execute(_TABLES, {"names": names})}
    if version.name not in tables:
        return _before_the_first_apply(role)
    sequences = {name: bool(connection.scalar(_COUNTS, {"table": name})) for name in (users.name, groups.name)}
    written = [name for name, grants in tables.items() if grants.writes]
    can = {Right.READ} if all(grants.reads for grants in tables.values()) else set()
    detail = [f"may write {', '.join(written)}"] if written else []
    more = [*_beyond(role), *(["owns tables of the roster"] if any(grants.owns for grants in tables.values()) else ())]
    more += ["may make tables"] if role.makes_tables else []
    can |= ({Right.WRITE} if written else set()) | ({Right.ADMIN} if more else set())
    return Rights(frozenset(can), role.name, ", ".join(detail + more), (*_lacking(tables, sequences), *_closed(role)))


def _before_the_first_apply(role: _Role) -> Rights:
    """Whoever makes the tables needs the right to, so it is not too much."""
    more = _beyond(role)
    can = {Right.READ, *([Right.WRITE] if role.makes_tables else []), *([Right.ADMIN] if more else [])}
    detail = ["may make the tables, which are not there yet"] if role.makes_tables else []
    lacks = () if role.makes_tables else (f"CREATE on schema {role.schema}, to make the tables",)
    return Rights(frozenset(can), role.name, ", ".join(detail + more), (*lacks, *_closed(role)))


def _beyond(role: _Role) -> list[str]:
    return [*(["is a superuser"] if role.superuser else ()), *(["may make roles"] if role.makes_roles else ())]


def _closed(role: _Role) -> tuple[str, ...]:
    return ("a server that can be written: this one is read-only",) if role.read_only else ()


def _lacking(tables: Mapping[str, _Grants], sequences: _Sequences) -> Iterable[str]:
    for table in (users.name, groups.name, memberships.name):
        grants = tables[table]
        held = {"SELECT": grants.reads, "INSERT": grants.inserts, "UPDATE": grants.updates, "DELETE": grants.deletes}
        missing = [word for word, granted in held.items() if not granted]
        if missing:
            yield f"{', '.join(missing)} on {table}"
        if not sequences.get(table, True):
            yield f"USAGE on the sequence of {table}.id"
    if not tables[version.name].locks:
        yield f"UPDATE on {version.name}, to lock it"
