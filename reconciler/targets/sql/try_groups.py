"""Try changes of groups and memberships on a draft; never touches a database."""

from __future__ import annotations

from typing import assert_never

from reconciler.model.access import Group, GroupKey, Role
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    ChangeRole,
    CreateGroup,
    GroupChange,
    MembershipChange,
    RemoveGroup,
    RemoveMembership,
    RenameGroup,
)
from reconciler.model.text import shortened
from reconciler.targets.sql.draft import Draft, Refused, Stale
from reconciler.targets.sql.rows import GroupRow, Mark, Pair
from reconciler.targets.sql.try_users import is_storable


def try_group(draft: Draft, change: GroupChange) -> None:
    """Change the draft as asked; raises Stale, Refused or Blocked, with the draft unchanged."""
    match change:
        case CreateGroup(group=group):
            _create(draft, group)
        case AdoptGroup(group=group):
            _adopt(draft, group)
        case RenameGroup():
            _rename(draft, change)
        case RemoveGroup(have=have):
            _remove(draft, have)
        case _:
            assert_never(change)


def try_membership(draft: Draft, change: MembershipChange) -> None:
    """Change the draft as asked; raises Stale or Blocked, with the draft unchanged."""
    pair = draft.group(change.group).id, draft.user(change.who).id
    where = f"{shortened(change.who.username)} in {shortened(change.group)}"
    match change:
        case AddMembership(want=want):
            _expect(draft, pair, None, where)
            draft.put_mark(pair, Mark(want, draft.directory))
        case ChangeRole(have=have, want=want):
            _expect(draft, pair, have, where)
            draft.put_mark(pair, Mark(want, draft.directory))
        case RemoveMembership(have=have):
            _expect(draft, pair, have, where)
            draft.drop_mark(pair)
        case _:
            assert_never(change)


def _create(draft: Draft, group: Group) -> None:
    if not (is_storable(group.key) and is_storable(group.source)):
        draft.refuse(group.key)
        raise Refused(f"{shortened(group.key)}: the name or source holds characters that a database cannot keep")
    if group.source and _of_source(draft, group.source) is not None:
        raise Stale(f"{shortened(group.key)}: another group mirrors {shortened(group.source)} already")
    draft.put_group(GroupRow(draft.new_id(), group.key, group.source or None, draft.directory), group.key)


def _adopt(draft: Draft, group: Group) -> None:
    row = draft.group(group.key)
    if row.managed_by == draft.directory:
        raise Stale(f"{shortened(group.key)}: the group is ours already")
    if row.managed_by is not None:
        raise Refused(f"{shortened(group.key)}: the group is {draft.owner(row.managed_by)}; one group has one manager")
    if group.source and _of_source(draft, group.source) is not None:
        raise Stale(f"{shortened(group.key)}: another group mirrors {shortened(group.source)} already")
    draft.put_group(row._replace(managed_by=draft.directory, external_id=group.source or None))


def _rename(draft: Draft, change: RenameGroup) -> None:
    row = _ours(draft, change.have, change.source)
    if not is_storable(change.want):
        raise Refused(f"{shortened(change.want)}: the name holds characters that a database cannot keep")
    draft.put_group(row._replace(name=change.want), change.want)


def _remove(draft: Draft, have: Group) -> None:
    row = _ours(draft, have.key, have.source)
    pairs = draft.hanging_on_group(row.id)
    foreign = [pair for pair in pairs if draft.members[pair].managed_by != draft.directory]
    if foreign:
        raise Refused(
            f"{shortened(have.key)}: {len(foreign)} of the group's memberships are not ours (one is "
            f"{draft.owner(draft.members[foreign[0]].managed_by)}); take them away first, or keep the group"
        )
    if pairs:
        raise Stale(f"{shortened(have.key)}: {len(pairs)} memberships that the plan does not end are in the group")
    del draft.groups[row.id]


def _ours(draft: Draft, key: GroupKey, source: str) -> GroupRow:
    row = draft.group(key)
    if row.managed_by != draft.directory:
        raise Stale(f"{shortened(key)}: the group is no longer ours, it is {draft.owner(row.managed_by)}")
    if (row.external_id or "") != source:
        raise Stale(
            f'{shortened(key)}: the group mirrors "{shortened(row.external_id or "")}", '
            f'the plan expected "{shortened(source)}"'
        )
    return row


def _of_source(draft: Draft, source: str) -> GroupRow | None:
    rows = (row for row in draft.groups.values() if row.managed_by == draft.directory)
    return next((row for row in rows if row.external_id == source), None)


def _expect(draft: Draft, pair: Pair, have: Role | None, where: str) -> None:
    """Raise Stale unless there is our row with that role, or no row at all for None."""
    mark = draft.members.get(pair)
    if mark is None:
        if have is not None:
            raise Stale(f"{where}: there is no membership any more, the plan expected {shortened(have)}")
        return
    if have is None:
        raise Stale(
            f"{where}: there is a membership already, {shortened(mark.role)}, {draft.owner(mark.managed_by)}; "
            "the plan expected none"
        )
    if mark.managed_by != draft.directory:
        raise Stale(f"{where}: the membership is no longer ours, it is {draft.owner(mark.managed_by)}")
    if mark.role != have:
        raise Stale(f"{where}: the role is {shortened(mark.role)}, the plan expected {shortened(have)}")
