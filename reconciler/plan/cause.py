"""Tell what brought each change about: this change of the policy, the directory, or somebody in the target; pure.

Two plans over the same reads are laid side by side, one by the policy as it stands and one as it is to be: what only the
second holds, its policy has caused. Of the rest, what we ourselves left at last tells the directory from the target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from reconciler.model.access import Group, GroupKey
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
    object_of,
    person_of,
)
from reconciler.model.plan import Cause
from reconciler.plan.encode import parts_of

Thing: TypeAlias = tuple[str, str]
"""One thing that a person can have: ``("role", group)``, ``("flag", name)``, ``("value", attribute)``, ``("account", "")``."""

ACCOUNT: Thing = ("account", "")


@dataclass(frozen=True, slots=True)
class Left:
    """What our own reports say that we left in one target at last; what they are silent about, we never gave.

    `people` holds by the person's key what we last gave: a role, whether a mark or the account is on, an attribute's value.
    `groups` are those that we made and did not remove.
    """

    people: Mapping[str, Mapping[Thing, object]] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()


NOTHING_LEFT = Left()


@dataclass(frozen=True, slots=True)
class Causes:
    """The cause of each change, in their order; and what is pending by the base, but not with the head: prevented."""

    causes: tuple[Cause, ...]
    prevented: tuple[Change, ...] = ()


def causes_of(base: Sequence[Change] | None, head: Sequence[Change], left: Left) -> Causes:
    """Return why each change of `head` is there, beside the plan of `base` over the same live state.

    The same object with the same wish in both plans was pending anyway: by the directory where the live state is as we left
    it, by drift where it is not. Where there is no plan of the base (None) everything is caused by the policy.
    """
    pending: dict[str, list[object]] = {}  # an account may be updated twice: its key, and what it holds
    for change in base or ():
        pending.setdefault(object_of(change), []).append(parts_of(change)[3])
    own = _Own(head, left)
    causes = tuple(_cause(change, pending.get(object_of(change), ()), own) for change in head)
    there = {object_of(change) for change in head}
    return Causes(causes, tuple(change for change in base or () if object_of(change) not in there))


def _cause(change: Change, pending: Sequence[object], own: _Own) -> Cause:
    if parts_of(change)[3] not in pending:
        return Cause.POLICY
    return Cause.DIRECTORY if own.untouched(change) else Cause.DRIFT


class _Own:
    """What we left, under the keys and group names that a plan's changes use."""

    def __init__(self, changes: Sequence[Change], left: Left) -> None:
        self._left = left
        self._keys, self._groups = dict[str, str](), dict[str, str]()
        for change in changes:
            if isinstance(change, UpdateUser) and "key" in change.want:
                self._keys[str(change.want["key"])] = str(change.have.get("key"))
            elif isinstance(change, RenameGroup):
                self._groups[change.want] = change.have

    def untouched(self, change: Change) -> bool:
        """Tell whether all that the change concerns is in the target as we left it."""
        return all(self._is_left(change, thing, have) for thing, have in _concerned(change))

    def _is_left(self, change: Change, thing: Thing, have: object) -> bool:
        kind, name = thing
        if kind == "group":
            return (name in self._left.groups) is have
        key = person_of(change)
        things = self._left.people.get(key) or self._left.people.get(self._keys.get(key, "")) or {}
        known = things.get(thing, things.get((kind, self._groups.get(name, name))))
        return known == have or (not known and not have)


def _concerned(change: Change) -> Iterator[tuple[Thing, object]]:
    """Yield each thing that a change is about, and what is there of it now."""
    match change:
        case CreateUser() | AdoptUser() | EnableUser():
            yield ACCOUNT, False
        case RemoveUser(have=account):
            yield ACCOUNT, account.active
        case DisableUser() | SetSetting():  # a switch is in nobody's account: what was pending of it is drift
            yield ACCOUNT, True
        case UpdateUser(have=values):  # a key is nothing that anybody else could have changed
            yield from ((("value", fact), value) for fact, value in values.items() if fact != "key")
        case SetFlag(flag=flag, have=held):
            yield ("flag", str(flag)), held
        case CreateGroup(group=group) | AdoptGroup(group=group):
            yield ("group", group.key), False
        case RemoveGroup(have=Group(key=name)) | RenameGroup(have=name):
            yield ("group", name), True
        case AddMembership(group=name):
            yield _role(name), None
        case ChangeRole(group=name, have=role) | RemoveMembership(group=name, have=role):
            yield _role(name), role
        case _:
            assert_never(change)


def _role(group: GroupKey) -> Thing:
    return "role", group
