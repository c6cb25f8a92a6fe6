"""Read the roster; never writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from typing import TypeAlias

from sqlalchemy import ColumnElement, Connection, select

from reconciler.model.access import GroupKey, Role, State, UserKey
from reconciler.targets.sql import rows
from reconciler.targets.sql.rows import GroupRow, Mark, Pair, Roster, Touched, UserRow
from reconciler.targets.sql.schema import groups, memberships, users

_IDS = 500  # in one IN list
_FETCH = 10_000  # rows taken from the database at a time

_MembershipRow: TypeAlias = tuple[int, int, str, str | None]
_Memberships: TypeAlias = dict[GroupKey, dict[UserKey, Role]]


def state(connection: Connection, directory: str) -> State:
    """Return the whole roster: an account that goes takes all its memberships along, so a plan has to see them all."""
    accounts = {row.id: rows.user(row, directory) for row in user_rows(connection)}
    named = {row.id: rows.group(row, directory) for row in group_rows(connection)}
    user_keys = {number: account.key for number, account in accounts.items()}
    group_keys = {number: group.key for number, group in named.items()}
    ours: _Memberships = {}
    by_hand: _Memberships = {}
    roles: dict[str, Role] = {}  # the same few on hundreds of thousands of rows
    for group_id, part in groupby(_membership_rows(connection), itemgetter(0)):
        group = group_keys.get(group_id)
        mine: dict[UserKey, Role] = {}
        others: dict[UserKey, Role] = {}
        for _, user_id, role, managed_by in part:
            user = user_keys.get(user_id)
            if user is not None:  # one end may have been deleted with foreign keys off
                side = mine if managed_by == directory else others
                side[user] = roles.get(role) or roles.setdefault(role, Role(role))
        if group is not None:
            ours |= {group: mine} if mine else {}
            by_hand |= {group: others} if others else {}
    return State(
        users={account.key: account for account in accounts.values()},
        groups={group.key: group for group in named.values()},
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


def user_rows(connection: Connection) -> Iterator[UserRow]:
    """Yield every account."""
    query = select(*(users.c[name] for name in UserRow._fields)).order_by(users.c.id)
    return (UserRow(*row) for row in connection.execute(query))


def group_rows(connection: Connection) -> Iterator[GroupRow]:
    """Yield every group."""
    query = select(*(groups.c[name] for name in GroupRow._fields)).order_by(groups.c.id)
    return (GroupRow(*row) for row in connection.execute(query))


def _membership_rows(connection: Connection, *where: ColumnElement[bool]) -> Iterator[_MembershipRow]:
    """Yield rows by group, then account: the order of the primary key."""
    columns = memberships.c
    query = select(columns.group_id, columns.user_id, columns.role, columns.managed_by).where(*where)
    query = query.order_by(columns.group_id, columns.user_id).execution_options(yield_per=_FETCH)
    for part in connection.execute(query).partitions():
        yield from part


def _chunks(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    left = iter(numbers)
    while chunk := list(islice(left, size)):
        yield chunk
