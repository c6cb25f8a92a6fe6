"""Read the roster; never writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from operator import itemgetter
from typing import TypeAlias, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Connection, Text, cast, func, literal, or_, select

from reconciler.model.access import LOCAL, GroupKey, Role, Scope, State, Totals, UserKey
from reconciler.model.names import login_key
from reconciler.plan.needed import Needed
from reconciler.targets.sql import rows
from reconciler.targets.sql.rows import GroupRow, Mark, Pair, Roster, Touched, UserRow
from reconciler.targets.sql.schema import groups, memberships, users
from reconciler.targets.sql.try_users import is_storable

_IDS = 500  # in one IN list
_FETCH = 10_000  # rows taken from the database at a time
_LARGEST_ID = (1 << 63) - 1

_Value = TypeVar("_Value")
_MembershipRow: TypeAlias = tuple[int, int, str, str | None]
_Memberships: TypeAlias = dict[GroupKey, dict[UserKey, Role]]


def state(connection: Connection, directory: str, roles: Sequence[Role]) -> State:
    """Return the whole roster: an account that goes takes all its memberships along, so a plan has to see them all.

    `roles` are those that the policy knows: nearly all memberships have one of them, and the mark of the directory.
    """
    accounts = {row.id: rows.user(row, directory) for row in user_rows(connection)}
    named = {row.id: rows.group(row, directory) for row in group_rows(connection)}
    user_keys = {str(number): account.key for number, account in accounts.items()}
    ours: _Memberships = {group.key: {} for group in named.values()}
    by_hand: _Memberships = {group.key: {} for group in named.values()}
    found = 0
    for group_id, role, user_ids in _usual_members(connection, directory, roles):
        found += len(user_ids)
        members = ours[named[group_id].key] if group_id in named else {}  # gone, with foreign keys off
        for number in user_ids:
            user = user_keys.get(number)
            if user is not None:  # gone in the same way
                members[user] = role
    if found < connection.scalars(select(func.count()).select_from(memberships)).one():
        for group_id, user_id, other_role, managed_by in _unusual_rows(connection, directory, roles):
            if group_id in named and user_id in accounts:
                side = ours if managed_by == directory else by_hand
                side[named[group_id].key][accounts[user_id].key] = Role(other_role)
    return State(
        users={account.key: account for account in accounts.values()},
        groups={group.key: group for group in named.values()},
        memberships={group: members for group, members in ours.items() if members},
        by_hand={group: members for group, members in by_hand.items() if members},
    )


def part(connection: Connection, scope: Scope, keys: frozenset[UserKey]) -> State:
    """Return what `Scope.users` asks for, whose `keys` are given, and the totals: no row is read that it does not concern."""
    accounts = {row.id: row for row in _accounts(connection, scope.directory, keys, scope.names)}
    held = [
        group
        for chunk in _chunks(accounts, _IDS)
        for group in connection.scalars(select(memberships.c.group_id).where(memberships.c.user_id.in_(chunk)))
    ]
    named = {row.id: row for chunk in _chunks(held, _IDS) for row in group_rows(connection, groups.c.id.in_(chunk))}
    named |= {row.id: row for row in _groups(connection, scope.directory, scope.groups, scope.sources)}
    members: list[_MembershipRow] = []
    for chunk in _chunks(sorted(named), _IDS):
        inside = memberships.c.group_id.in_(chunk)
        members += _membership_rows(connection, inside)
        fellows = users.c.id.in_(select(memberships.c.user_id).where(inside))
        accounts |= {row.id: row for row in user_rows(connection, fellows)}
    found = _state(accounts.values(), named.values(), members, scope.directory)
    return replace(found, totals=_totals(connection, scope.directory))


def _accounts(
    connection: Connection, directory: str, keys: Iterable[UserKey], names: Collection[str]
) -> Iterator[UserRow]:
    """Yield the accounts with one of these keys, usernames or e-mail addresses.

    Databases fold ASCII alone as we do: of the few usernames with other letters each is looked at here.
    """
    ours, wanted = users.c.managed_by == directory, {login_key(name) for name in names}
    for chunk in _chunks(sorted(filter(is_storable, keys)), _IDS):
        local = [key.removeprefix(LOCAL) for key in chunk if key.startswith(LOCAL)]
        yield from user_rows(connection, (ours & users.c.external_id.in_(chunk)) | users.c.username.in_(local))
    for some in _chunks(sorted(filter(is_storable, wanted)), _IDS):
        yield from user_rows(
            connection, or_(*(func.lower(column).in_(some) for column in (users.c.username, users.c.email)))
        )
    if wanted:
        beyond = (
            users.c.username.op("GLOB")("*[^ -~]*")
            if connection.dialect.name == "sqlite"
            else users.c.username.op("~")("[^ -~]")
        )
        yield from (row for row in user_rows(connection, beyond) if login_key(row.username) in wanted)


def _groups(
    connection: Connection, directory: str, names: Iterable[GroupKey], sources: Iterable[str]
) -> Iterator[GroupRow]:
    for some in _chunks(sorted(filter(is_storable, names)), _IDS):
        yield from group_rows(connection, groups.c.name.in_(some))
    for mirrored in _chunks(sorted(filter(is_storable, sources)), _IDS):
        yield from group_rows(connection, groups.c.managed_by == directory, groups.c.external_id.in_(mirrored))


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


def roster(connection: Connection, touched: Touched, directory: str, needed: Needed | None = None) -> Roster:
    """Return the accounts and groups that are needed, all where nothing is said, and the memberships of those touched."""
    if needed is None:
        accounts = {row.id: row for row in user_rows(connection)}
        named = {row.id: row for row in group_rows(connection)}
    else:
        found = _accounts(connection, directory, needed.accounts, needed.usernames)
        accounts = {row.id: row for row in found}
        named = {row.id: row for row in _groups(connection, directory, needed.groups, needed.sources)}
    group_ids = [number for number, row in named.items() if row.name in touched.groups]
    user_ids = [number for number, row in accounts.items() if rows.user_key(row, directory) in touched.users]
    marks: dict[tuple[str, str | None], Mark] = {}
    members: dict[Pair, Mark] = {}
    for column, numbers in ((memberships.c.group_id, group_ids), (memberships.c.user_id, user_ids)):
        for chunk in _chunks(numbers, _IDS):
            for group_id, user_id, role, managed_by in _membership_rows(connection, column.in_(chunk)):
                mark = marks.setdefault((role, managed_by), Mark(role, managed_by))
                members[group_id, user_id] = mark
    beside = {group_id for group_id, _ in members} - named.keys()  # to be named in messages
    for chunk in _chunks(sorted(beside) if needed else (), _IDS):
        named |= {row.id: row for row in group_rows(connection, groups.c.id.in_(chunk))}
    return Roster(accounts, named, members)


def user_rows(connection: Connection, *where: ColumnElement[bool]) -> Iterator[UserRow]:
    """Yield every account that fits, by id."""
    query = select(*(users.c[name] for name in UserRow._fields)).where(*where).order_by(users.c.id)
    for part in connection.execute(query).partitions(_FETCH):
        yield from map(UserRow._make, part)


def group_rows(connection: Connection, *where: ColumnElement[bool]) -> Iterator[GroupRow]:
    """Yield every group that fits, by id."""
    query = select(*(groups.c[name] for name in GroupRow._fields)).where(*where).order_by(groups.c.id)
    for part in connection.execute(query).partitions(_FETCH):
        yield from map(GroupRow._make, part)


def _usual_members(
    connection: Connection, directory: str, roles: Sequence[Role]
) -> Iterator[tuple[int, Role, list[str]]]:
    """Yield the ids of all accounts that have the directory's mark and one of the roles in a group.

    Put together by the database: to fetch a row for each takes three times as long.
    """
    columns = memberships.c
    user_ids = func.aggregate_strings(cast(columns.user_id, Text), ",")
    # SQLite keeps any text there, with a comma too, where foreign keys are off; no number is larger than a text
    is_number = columns.user_id <= literal(_LARGEST_ID, BigInteger)
    query = select(columns.group_id, *(user_ids.filter(columns.role == role) for role in roles))
    query = query.where(columns.managed_by == directory, is_number).group_by(columns.group_id)
    for group_id, *texts in connection.execute(query):
        for role, text in zip(roles, texts, strict=True):
            if text is not None:
                yield group_id, role, text.split(",")


def _unusual_rows(connection: Connection, directory: str, roles: Sequence[Role]) -> Iterator[_MembershipRow]:
    """Yield all other memberships."""
    columns = memberships.c
    return _membership_rows(connection, or_(columns.managed_by.is_distinct_from(directory), columns.role.not_in(roles)))


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
