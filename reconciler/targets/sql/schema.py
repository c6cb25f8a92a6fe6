"""The roster's tables, its view and its version; never writes a row of anybody's access."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
    func,
    insert,
    inspect,
    select,
    text,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from reconciler.errors import TargetRejected

VERSION = 1
VIEW = "who_has_what"

metadata = MetaData(
    naming_convention={"ix": "%(table_name)s_%(column_0_N_name)s", "ck": "%(table_name)s_%(constraint_name)s"}
)


class _UtcNow(FunctionElement[str]):
    """The time of the database server as ISO 8601 UTC; for rows that people insert by hand."""

    inherit_cache = True


@compiles(_UtcNow, "sqlite")
def _utc_now_sqlite(_element: _UtcNow, _compiler: SQLCompiler, **_options: object) -> str:
    return "(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))"


@compiles(_UtcNow, "postgresql")
def _utc_now_postgresql(_element: _UtcNow, _compiler: SQLCompiler, **_options: object) -> str:
    return "to_char(now() AT TIME ZONE 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"


def _flag(name: str) -> Column[bool]:
    return Column(
        name, Boolean(create_constraint=True, name=f"{name}_is_boolean"), nullable=False, server_default=false()
    )


def _moment(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=_UtcNow())


def _is_text(column: str) -> CheckConstraint:
    """SQLite keeps whatever it is given, whatever the column's type."""
    return CheckConstraint(f"typeof({column}) = 'text'", name=f"{column}_is_text").ddl_if(dialect="sqlite")


users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("external_id", Text),
    Column("managed_by", Text),
    Column("email", Text),
    Column("name", Text),
    Column("ssh_keys", Text),
    Column("active", Boolean(create_constraint=True, name="active_is_boolean"), nullable=False, server_default=true()),
    Column("disabled_by", Text),
    _flag("admin"),
    _flag("external"),
    _moment("created_at"),
    _moment("changed_at"),
    CheckConstraint("managed_by IS NULL OR external_id IS NOT NULL", name="managed_has_external_id"),
    # whoever enables an account by hand has to clear the mark, or a later disabling by hand would pass for ours
    CheckConstraint("disabled_by IS NULL OR NOT active", name="active_is_not_disabled"),
    _is_text("username"),
    sqlite_autoincrement=True,  # ids are never used again: applications may keep them
)
Index("users_external_id", users.c.managed_by, users.c.external_id, unique=True)
Index("users_username_any_case", func.lower(users.c.username), unique=True)

groups = Table(
    "groups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("external_id", Text),
    Column("managed_by", Text),
    _moment("created_at"),
    _moment("changed_at"),
    _is_text("name"),
    sqlite_autoincrement=True,
)
Index("groups_external_id", groups.c.managed_by, groups.c.external_id, unique=True)

memberships = Table(
    "memberships",
    metadata,
    Column("group_id", ForeignKey(groups.c.id), primary_key=True),
    Column("user_id", ForeignKey(users.c.id), primary_key=True),
    Column("role", Text, nullable=False),
    Column("managed_by", Text),
    _moment("created_at"),
    _moment("changed_at"),
    _is_text("role"),
    sqlite_with_rowid=False,
)
Index("memberships_user_id", memberships.c.user_id)

version = Table("roster_version", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

# a schema that we may not use is passed over by name resolution: its tables look as if they were not there
_HIDDEN = text("""
    SELECT nspname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname = 'roster_version' AND NOT has_schema_privilege(relnamespace, 'USAGE')
      AND nspname::text IN (SELECT btrim(part, ' "') FROM regexp_split_to_table(current_setting('search_path'), ',') AS part
                            UNION SELECT current_user::text)
""")

_VIEW_DEFINITION = (
    "CREATE VIEW who_has_what AS "
    "SELECT users.username, users.external_id, users.name, users.email, groups.name AS group_name, memberships.role, users.active, "
    "users.admin, users.external, memberships.managed_by, memberships.created_at, memberships.changed_at "
    "FROM memberships JOIN users ON users.id = memberships.user_id JOIN groups ON groups.id = memberships.group_id"
)


def is_there(connection: Connection, place: str) -> bool:
    """Tell whether the database holds a roster, False where it holds nothing of that name.

    Raises TargetRejected for a roster of another version, for tables of the same names that are no roster's, and for a
    roster in a schema that we may not use: hidden is not absent.
    """
    inspector = inspect(connection)
    if not inspector.has_table(version.name):
        strangers = [name for name in (*metadata.tables, VIEW) if inspector.has_table(name)]
        if strangers:
            raise TargetRejected(
                f'{place} already holds a table "{strangers[0]}" that is not a roster\'s: '
                f"give the roster a database of its own. Nothing was written."
            )
        if hidden := hidden_in(connection):
            raise TargetRejected(
                f'{place} holds a roster in the schema "{hidden}", which this user may not use: '
                "grant USAGE on it. Nothing was written."
            )
        return False
    found = connection.scalar(select(func.max(version.c.version)))
    if found != VERSION:
        newer = "Use a newer reconcile" if isinstance(found, int) and found > VERSION else "Restore it from a backup"
        raise TargetRejected(
            f"{place} holds a roster of schema version {found}, this program works with version {VERSION}: "
            f"{newer}. Nothing was written."
        )
    return True


def hidden_in(connection: Connection) -> str:
    """Return the schema of a roster that is there and that we may not use, empty where there is none."""
    return (connection.scalar(_HIDDEN) or "") if connection.dialect.name == "postgresql" else ""


def create(connection: Connection) -> None:
    """Make the tables, the view and the version row; the caller's transaction decides whether they stay."""
    metadata.create_all(connection, checkfirst=False)
    connection.execute(text(_VIEW_DEFINITION))
    connection.execute(insert(version).values(version=VERSION))
