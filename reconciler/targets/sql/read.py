"""Read the roster; never writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby, islice
from operator import itemgetter
from typing import TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, func, or_, select

from reconciler.model.access import LOCAL, GroupKey, Role, Scope, State, Totals, UserKey
from reconciler.model.names import login_key
from reconciler.targets.sql import rows
from reconciler.targets.sql.rows import GroupRow, Mark, Pair, Roster, Touched, UserRow
from reconciler.targets.sql.schema import groups, memberships, users

_IDS = 500  # in one IN list
_FETCH = 10_000  # rows taken from the database at a time

_Value = TypeVar("_Value")
_MembershipRow: TypeAlias = tuple[int, int, str, str | None]
_Memberships: TypeAlias = dict[GroupKey, dict[UserKey, Role]]


def state(connection: Connection, directory: str) -> State:
    """Return the whole roster: an account that goes takes all its memberships along, so a plan has to see them all."""
    return _state(user_rows(connection), group_rows(connection), _membership_rows(connection), directory)


def part(connection: Connection, scope: Scope, keys: frozenset[UserKey]) -> State:
    """Return what `Scope.users` asks for, whose `keys` are given, and the totals: no row is read that it does not concern."""
    accounts = {row.id: row for row in user_rows(connection, _is_one_of(keys, scope))}
    held = [
        group
        for chunk in _chunks(accounts, _IDS)
        for group in connection.scalars(select(memberships.c.group_id).where(memberships.c.user_id.in_(chunk)))
    ]
    ours = groups.c.managed_by == scope.directory
    named = {row.id: row for chunk in _chunks(held, _IDS) for row in group_rows(connection, groups.c.id.in_(chunk))}
    for names in _chunks(sorted(scope.groups), _IDS):
        named |= {row.id: row for row in group_rows(connection, groups.c.name.in_(names))}
    for sources in _chunks(sorted(scope.sources), _IDS):
        named |= {row.id: row for row in group_rows(connection, ours & groups.c.external_id.in_(sources))}
    members: list[_MembershipRow] = []
    for chunk in _chunks(sorted(named), _IDS):
        inside = memberships.c.group_id.in_(chunk)
        members += _membership_rows(connection, inside)
        fellows = users.c.id.in_(select(memberships.c.user_id).where(inside))
        accounts |= {row.id: row for row in user_rows(connection, fellows)}
    found = _state(accounts.values(), named.values(), members, scope.directory)
    return replace(found, totals=_totals(connection, scope.directory))


def _is_one_of(keys: frozenset[UserKey], scope: Scope) -> ColumnElement[bool]:
    """Compare names in lower case, as an index has them; letters outside ASCII also as they are written."""
    local = [key.removeprefix(LOCAL) for key in keys if key.startswith(LOCAL)]
    names = sorted({form for name in scope.names for form in (name, login_key(name))})
    return or_(
        (users.c.managed_by == scope.directory) & users.c.external_id.in_(sorted(keys)),
        users.c.username.in_([*sorted(local), *names]),
        func.lower(users.c.username).in_(names),
        func.lower(users.c.email).in_(names),
    )


def _totals(connection: Connection, directory: str) -> Totals:
    ours, all_of = users.c.managed_by == directory, func.count()
    counted = (
        select(all_of).select_from(users).where(ours, users.c.active),
        select(all_of).select_from(users).where(ours, users.c.admin),
        select(all_of).select_from(groups).where(groups.c.managed_by == directory),
        select(all_of).select_from(memberships).where(memberships.c.managed_by == directory),
    )
    return Totals(*connection.execute(select(*(query.scalar_subquery() for query in counted))).one())


def _state(
    accounts: Iterable[UserRow], named: Iterable[GroupRow], members: Iterable[_MembershipRow], directory: str
) -> State:
    people = {row.id: rows.user(row, directory) for row in accounts}
    all_groups = {row.id: rows.group(row, directory) for row in named}
    user_keys = {number: account.key for number, account in people.items()}
    group_keys = {number: group.key for number, group in all_groups.items()}
    ours: _Memberships = {}
    by_hand: _Memberships = {}
    roles: dict[str, Role] = {}  # the same few on hundreds of thousands of rows
    for group_id, inside in groupby(members, itemgetter(0)):
        group = group_keys.get(group_id)
        mine: dict[UserKey, Role] = {}
        others: dict[UserKey, Role] = {}
        for _, user_id, role, managed_by in inside:
            user = user_keys.get(user_id)
            if user is not None:  # one end may have been deleted with foreign keys off
                side = mine if managed_by == directory else others
                side[user] = roles.get(role) or roles.setdefault(role, Role(role))
        if group is not None:
            ours |= {group: mine} if mine else {}
            by_hand |= {group: others} if others else {}
    return State(
        users={account.key: account for account in people.values()},
        groups={group.key: group for group in all_groups.values()},
        memberships=ours,
        by_hand=by_hand,
    )


def roster(connection: Connection, touched: Touched, directory: str) -> Roster:
    """Return all accounts and groups, and the memberships of those that are touched."""
    accounts = {row.id: row for row in user_rows(connection)}
    named = {row.id: row for row in group_rows(connection)}
    group_ids = [number for number, row in named.items() if row.name in touched.groups]
    user_ids = [number for number, row in accounts.items() if rows.user_key(row, directory) in touched.users]
    marks: dict[tuple[str, str | None], Mark] = {}
    members: dict[Pair, Mark] = {}
    for column, numbers in ((memberships.c.group_id, group_ids), (memberships.c.user_id, user_ids)):
        for chunk in _chunks(numbers, _IDS):
            for group_id, user_id, role, managed_by in _membership_rows(connection, column.in_(chunk)):
                mark = marks.setdefault((role, managed_by), Mark(role, managed_by))
                members[group_id, user_id] = mark
    return Roster(accounts, named, members)


def user_rows(connection: Connection, *where: ColumnElement[bool]) -> Iterator[UserRow]:
    """Yield every account that fits, by id."""
    query = select(*(users.c[name] for name in UserRow._fields)).where(*where).order_by(users.c.id)
    return (UserRow(*row) for row in connection.execute(query))


def group_rows(connection: Connection, *where: ColumnElement[bool]) -> Iterator[GroupRow]:
    """Yield every group that fits, by id."""
    query = select(*(groups.c[name] for name in GroupRow._fields)).where(*where).order_by(groups.c.id)
    return (GroupRow(*row) for row in connection.execute(query))


def _membership_rows(connection: Connection, *where: ColumnElement[bool]) -> Iterator[_MembershipRow]:
    """Yield rows by group, then account: the order of the primary key."""
    columns = memberships.c
    query = select(columns.group_id, columns.user_id, columns.role, columns.managed_by).where(*where)
    query = query.order_by(columns.group_id, columns.user_id).execution_options(yield_per=_FETCH)
    for part in connection.execute(query).partitions():
        yield from part


def _chunks(values: Iterable[_Value], size: int) -> Iterator[list[_Value]]:
    left = iter(values)
    while chunk := list(islice(left, size)):
        yield chunk
