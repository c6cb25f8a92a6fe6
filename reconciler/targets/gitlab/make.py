"""The calls that make a batch so, and what GitLab says of each change in it; never looks first and never decides."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import assert_never

from reconciler.errors import TargetError
from reconciler.model.access import GroupKey, Role
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
from reconciler.model.text import shortened
from reconciler.targets.answers import Refused
from reconciler.targets.base import Outcome, Status
from reconciler.targets.gitlab.look import Look, Sight
from reconciler.targets.gitlab.people import End, make_account
from reconciler.targets.gitlab.rows import NewGroup, Said, Space
from reconciler.targets.gitlab.settings import OWNER

Ends = dict[int, End]
Join = AddMembership | ChangeRole

_LAST_OWNER, _LOCKED = 403, 405
_UNSAID = "GitLab does not say what became of it."
_WAITS = "it waits for an administrator's approval in GitLab and is not in force yet"
_FLOOR = "inherited membership"
_NOT_HERE = "is not included in the list"
_WHERE = {Role("minimal"): "only groups at the top have it, on an Enterprise Edition"}
_NOWHERE = "GitLab answered that there is no such membership."


def make(changes: Sequence[Change], look: Look, sight: Sight) -> Ends:
    """Make the changes of a batch, and return by identity what became of each, or why that has to be asked.

    Raises TargetError where nothing of the batch was made, Unclear where that is not known.
    """
    first = changes[0]
    match first:
        case AddMembership() | ChangeRole():
            joins = [change for change in changes if isinstance(change, AddMembership | ChangeRole)]
            return _join(joins, _place(first.group, look), look, sight)
        case RemoveMembership(group=name):
            account = look.account(first)
            found = account is not None and look.api.remove_member(_place(name, look), account.number)
            return {id(first): Outcome(first, Status.APPLIED) if found else _NOWHERE}
        case CreateGroup():
            return {id(first): _create_group(first, look)}
        case SetSetting(want=on):
            return {id(first): Outcome(first, Status.APPLIED) if look.api.set_lock(on=on) == on else _UNSAID}
        case CreateUser() | AdoptUser() | UpdateUser() | EnableUser() | DisableUser() | SetFlag():
            return {id(first): make_account(first, look)}
        case RemoveUser() | AdoptGroup() | RenameGroup() | RemoveGroup():
            return {id(first): Outcome(first, Status.FAILED, "targets of kind gitlab never do this")}
        case _:
            assert_never(first)


def way_out(change: Change, error: Refused) -> str:
    """Return what GitLab says, and what that means where it is not plain."""
    loses = isinstance(change, RemoveMembership | ChangeRole) and change.have == OWNER
    if error.status == _LAST_OWNER and loses:
        return f"{error} GitLab keeps the last owner of a group: give it another one first."
    if error.status == _LOCKED:
        return f"{error} The memberships of this group are locked: see its settings in GitLab."
    return _explained(str(error), change)


def _explained(text: str, change: Change) -> str:
    """Return GitLab's words on a role, with what they mean."""
    if not isinstance(change, AddMembership | ChangeRole):
        return text
    if _FLOOR in text:
        return f"{text} A group above gives {shortened(change.who.username)} more, and nobody can have less below."
    if _NOT_HERE in text:
        return (
            f"{text} This GitLab has no role {change.want} here: {_WHERE.get(change.want, 'it may be too old for it')}."
        )
    return text


def _place(name: GroupKey, look: Look) -> Space:
    found = look.space(name)
    if found is None:  # it was there when we looked
        raise TargetError(f"The group {shortened(name)} was removed while its members were to be changed.")
    return found


def _join(changes: Sequence[Join], space: Space, look: Look, sight: Sight) -> Ends:
    """Give a role to all, with the expiry that each has: what is not sent along is taken away."""
    numbers = {account.number: change for change in changes if (account := look.account(change))}
    by_expiry: defaultdict[str, dict[int, Join]] = defaultdict(dict)
    for number, change in numbers.items():
        held = sight.members.get(number)
        by_expiry[held.expires if held else ""][number] = change
    ends: Ends = {}
    for expires, some in sorted(by_expiry.items()):
        try:
            said = _give(some, space, look, expires)
        except TargetError as error:
            if not ends:
                raise
            return {id(change): ends.get(id(change), str(error)) for change in changes}
        ends |= _ends(some, said, look)
    return ends


def _give(some: Mapping[int, Join], space: Space, look: Look, expires: str) -> Said:
    first = next(iter(some.values()))
    access = look.api.settings.roles[first.want]
    if len(some) == 1 and isinstance(first, ChangeRole):
        return look.api.change_member(space, next(iter(some)), access)
    return look.api.add_members(space, sorted(some), access, expires)


def _ends(some: Mapping[int, Join], said: Said, look: Look) -> Ends:
    """Return what GitLab says of each, in words; that somebody is a member now is for a look to say."""
    names = {account.user.username: change for change in some.values() if (account := look.account(change))}
    refused = {**told(said.text, names), **said.refused}
    rest = said.text if not refused else ""
    ends: Ends = {}
    for name, change in names.items():
        if name in said.queued:
            ends[id(change)] = Outcome(change, Status.SKIPPED, _WAITS)
        elif name in refused:
            ends[id(change)] = _explained(f"GitLab says: {refused[name]}.", change)
        else:
            ends[id(change)] = f"GitLab says: {rest}." if rest else _UNSAID
    return ends


def told(text: str, names: Mapping[str, object]) -> dict[str, str]:
    """Return what a sentence such as ``ann: is this, ben: is that, and cid: is both`` says of each of these usernames."""
    if not text or not names:
        return {}
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pieces = re.split(rf"(?:^|, and |, | and )({known}): ", text)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _create_group(change: CreateGroup, look: Look) -> End:
    above, _, name = change.group.key.rpartition("/")
    parent = look.space(GroupKey(above)) if above else None
    if above and (parent is None or parent.kind != "groups"):
        return Outcome(change, Status.FAILED, f"there is no group {shortened(above)} to make it in")
    number = parent.number if parent else 0
    made = look.api.create_group(NewGroup(name, name, number, look.api.settings.visibility))
    look.settle(change.group.key, made)
    return Outcome(change, Status.APPLIED)
