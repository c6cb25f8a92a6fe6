"""Put the changes of one target into the order in which they are to be made; pure, decides nothing about access."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeGuard, assert_never

from reconciler.model.access import Group, GroupKey, Role, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateGroup,
    CreateUser,
    DisableUser,
    EnableUser,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    SetFlag,
    SetSetting,
    UpdateUser,
)
from reconciler.model.paths import PathKey, depth, found_above, path_key

Step: TypeAlias = tuple[int, int, str, str, str]
"""The step of a run, a place in it, then names: of a group, of a person, and the person's key."""

_LOSSES = 9  # the step from which on memberships are lowered and taken
_LATE, _LOWERED, _TAKEN = range(3)
_KINDS = 3


def ordered(changes: Sequence[Change], roles: Sequence[Role], *, inherits: bool = False) -> tuple[Change, ...]:
    """Return the changes in the order in which a target makes them.

    Switches that are turned on, which hold off others meanwhile, then accounts (renamed ones free their names for new ones),
    then groups, then grants, owners first, then promotions, demotions, removals, at the end what cannot be undone as easily,
    and switches that are turned off. Within a step by group, then by name.

    Where a target `inherits`, groups are made parents first, and it takes no role in a group that is lower than one
    above it: so what is lowered or taken above comes before what is lowered or taken below, and what is given below that
    is less than what somebody loses above comes after that loss.
    """
    ranks = {role: rank for rank, role in enumerate(roles)}
    if not inherits:
        return tuple(sorted(changes, key=lambda change: step(change, ranks)))
    lost = _lost(changes, ranks)
    return tuple(sorted(changes, key=lambda change: _nested(change, ranks, lost)))


def _lost(changes: Sequence[Change], ranks: Mapping[Role, int]) -> Mapping[UserKey, Mapping[PathKey, int]]:
    """Return for everybody the groups in which something is lost, and the rank of what it was."""
    found: dict[UserKey, dict[PathKey, int]] = {}
    for change in changes:
        if isinstance(change, RemoveMembership) or _is_lowered(change, ranks):
            found.setdefault(change.who.key, {})[path_key(change.group)] = ranks.get(change.have, len(ranks))
    return found


def _is_lowered(change: Change, ranks: Mapping[Role, int]) -> TypeGuard[ChangeRole]:
    return isinstance(change, ChangeRole) and step(change, ranks)[0] == _LOSSES


def _nested(change: Change, ranks: Mapping[Role, int], lost: Mapping[UserKey, Mapping[PathKey, int]]) -> Step:
    plain = step(change, ranks)
    match change:
        case CreateGroup(group=group):
            return plain[0], depth(group.key), *plain[2:]
        case RemoveMembership(group=group):
            kind = _TAKEN
        case AddMembership(who=who, group=group, want=role) | ChangeRole(who=who, group=group, want=role):
            if plain[0] == _LOSSES:
                kind = _LOWERED
            elif any(rank > ranks.get(role, 0) for rank in _above(group, lost.get(who.key, {}))):
                kind = _LATE
            else:
                return plain
        case _:
            return plain
    return _LOSSES, depth(group) * _KINDS + kind, *plain[2:]


def _above(group: GroupKey, lost: Mapping[PathKey, int]) -> tuple[int, ...]:
    """Return the ranks of what somebody loses in groups above one."""
    return found_above(group, lost) if lost else ()


def step(change: Change, ranks: Mapping[Role, int]) -> Step:  # noqa: C901, PLR0911, PLR0912 - one arm per type
    """Return when in a run a change is made: `ranks` are the places of the roles, lowest 0."""
    match change:
        case SetSetting(name=name, want=on):
            return -1 if on else 15, 0, name, "", ""
        case AdoptUser(who=who):
            return 0, 0, "", who.username, who.key
        case UpdateUser(who=who):
            return 1, 0, "", who.username, who.key
        case CreateUser(user=user):
            return 2, 0, "", user.username, user.key
        case EnableUser(who=who):
            return 3, 0, "", who.username, who.key
        case RenameGroup(have=name) | AdoptGroup(group=Group(key=name)):
            return 4, 0, name, "", ""
        case CreateGroup(group=group):
            return 5, 0, group.key, "", ""
        case AddMembership(who=who, group=name, want=role):
            return 6, -ranks.get(role, 0), name, who.username, who.key
        case SetFlag(who=who, want=True, flag=flag):
            return 7, 0, flag, who.username, who.key
        case ChangeRole(who=who, group=name, have=role, want=new_role):
            promoted = ranks.get(new_role, 0) > ranks.get(role, len(ranks))
            return 8 if promoted else 9, 0, name, who.username, who.key
        case RemoveMembership(who=who, group=name):
            return 10, 0, name, who.username, who.key
        case SetFlag(who=who, flag=flag):
            return 11, 0, flag, who.username, who.key
        case DisableUser(who=who):
            return 12, 0, "", who.username, who.key
        case RemoveUser(who=who):
            return 13, 0, "", who.username, who.key
        case RemoveGroup(have=group):
            return 14, 0, group.key, "", ""
        case _:
            assert_never(change)
