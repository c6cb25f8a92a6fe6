"""Write what a rehearsal arrived at, set by set; decides nothing, and never commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from sqlalchemy import Connection, Delete, Insert, Table, Update, and_, bindparam, delete, insert, select, update

from reconciler.errors import TargetRejected
from reconciler.plan.needed import FEW
from reconciler.targets.sql.draft import Draft
from reconciler.targets.sql.rows import GroupRow, Mark, Pair, UserRow
from reconciler.targets.sql.schema import groups, memberships, users

_MANY = 10_000  # rows handed to the driver at a time

_Row: TypeAlias = UserRow | GroupRow
_Values: TypeAlias = dict[str, str | int | bool | None]

_THIS_MEMBERSHIP = and_(
    memberships.c.group_id == bindparam("this_group"),
    memberships.c.user_id == bindparam("this_user"),
    memberships.c.role == bindparam("have"),
)


@dataclass(frozen=True, slots=True)
class Writer:
    """One transaction's writes. `now` is the ISO 8601 UTC time that new and changed rows get, `place` is for messages."""

    connection: Connection
    now: str
    place: str

    def write(self, draft: Draft) -> None:
        """Make the rows as the draft has them; raises TargetRejected where a statement hits another number of rows."""
        self._take_memberships(draft)
        self._change_memberships(draft)
        user_ids = self._write_rows(users, draft.have.users, draft.users)
        group_ids = self._write_rows(groups, draft.have.groups, draft.groups)
        self._give_memberships(draft, group_ids, user_ids)

    def _take_memberships(self, draft: Draft) -> None:
        gone = draft.have.members.keys() - draft.members.keys()
        self._run(delete(memberships).where(_THIS_MEMBERSHIP), (_this(pair, draft) for pair in sorted(gone)))

    def _change_memberships(self, draft: Draft) -> None:
        have = draft.have.members
        changed = sorted(pair for pair, mark in draft.members.items() if have.get(pair, mark) != mark)
        statement = update(memberships).where(_THIS_MEMBERSHIP).values(role=bindparam("want"), changed_at=self.now)
        self._run(statement, ({**_this(pair, draft), "want": draft.members[pair].role} for pair in changed))

    def _give_memberships(self, draft: Draft, group_ids: Mapping[int, int], user_ids: Mapping[int, int]) -> None:
        have = draft.have.members
        given = ((pair, mark) for pair, mark in draft.members.items() if pair not in have)
        self._run(insert(memberships), (self._membership(*each, group_ids, user_ids) for each in given))

    def _write_rows(self, table: Table, have: Mapping[int, _Row], want: Mapping[int, _Row]) -> Mapping[int, int]:
        """Delete, change and add rows of one table; return the database's ids of added rows by their ids in the draft."""
        this = table.c.id == bindparam("this")
        name = _name_column(table)
        changed = [row for number, row in want.items() if have.get(number, row) != row]
        # names may be exchanged: all that change step aside before the first takes its new place
        renamed = [row.id for row in changed if _name(row) != _name(have[row.id])]
        added = {number: row for number, row in want.items() if number < 0}
        self._run(delete(table).where(this), ({"this": number} for number in sorted(have.keys() - want.keys())))
        self._run(
            update(table).where(this).values({name: bindparam("aside")}),
            ({"this": number, "aside": f"\x1f{number}"} for number in renamed),
        )
        self._run(update(table).where(this), ({"this": row.id, **self._changed(row)} for row in changed))
        self._run(insert(table), (self._added(row) for row in added.values()))
        return self._numbered(table, added)

    def _numbered(self, table: Table, added: Mapping[int, _Row]) -> Mapping[int, int]:
        if not added:
            return {}
        name = table.c[_name_column(table)]
        query = select(table.c.id, name)
        if len(added) <= FEW:
            query = query.where(name.in_([_name(row) for row in added.values()]))
        numbers = {text: number for number, text in self.connection.execute(query)}
        return {number: numbers[_name(row)] for number, row in added.items()}

    def _changed(self, row: _Row) -> _Values:
        values: _Values = {**row._asdict(), "changed_at": self.now}
        del values["id"]
        return values

    def _added(self, row: _Row) -> _Values:
        return {**self._changed(row), "created_at": self.now}

    def _membership(self, pair: Pair, mark: Mark, group_ids: Mapping[int, int], user_ids: Mapping[int, int]) -> _Values:
        return {
            "group_id": group_ids.get(pair[0], pair[0]),
            "user_id": user_ids.get(pair[1], pair[1]),
            "role": mark.role,
            "managed_by": mark.managed_by,
            "created_at": self.now,
            "changed_at": self.now,
        }

    def _run(self, statement: Insert | Update | Delete, rows: Iterable[_Values]) -> None:
        """Execute the statement for every row; each has to hit exactly one row of the database."""
        counted = statement.execution_options(preserve_rowcount=True)
        for part in _parts(rows):
            hit = self.connection.execute(counted, part).rowcount
            if hit != len(part):
                raise TargetRejected(
                    f"{self.place}: {len(part)} rows were to be written and {hit} were, so something else writes there, "
                    "perhaps a trigger. Nothing was written. Plan again."
                )


def _this(pair: Pair, draft: Draft) -> _Values:
    return {"this_group": pair[0], "this_user": pair[1], "have": draft.have.members[pair].role}


def _name_column(table: Table) -> str:
    return "username" if table is users else "name"


def _name(row: _Row) -> str:
    return row.username if isinstance(row, UserRow) else row.name


def _parts(rows: Iterable[_Values]) -> Iterator[list[_Values]]:
    left = iter(rows)
    while part := list(islice(left, _MANY)):
        yield part
