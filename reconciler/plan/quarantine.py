"""Hold back what a target has refused in run after run, and what rests on it; never what takes access away by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from reconciler.diff.align import with_groups_renamed, with_users_rekeyed
from reconciler.model.access import GroupKey, Role, State, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateGroup,
    CreateUser,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    SetSetting,
    UpdateUser,
    object_of,
    person_of,
)
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.names import login_key
from reconciler.model.past import Trouble
from reconciler.model.paths import ancestors
from reconciler.model.plan import Hold, Withheld
from reconciler.model.text import shortened
from reconciler.plan.subject import named, takes_access

_Thing: TypeAlias = tuple[str, str]
"""What a change needs: ("user", key) or ("group", name) to be there and ours, ("name", username) to be free."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What one target keeps refusing, the day (UTC) of the plan, the target's roles, lowest first, and whether its groups nest."""

    troubles: Mapping[str, Trouble]
    today: date
    roles: Sequence[Role]
    nests: bool = False

    def keeps(self, change: Change) -> bool:
        """Tell whether the change is not tried today; what takes access away is tried in every run."""
        trouble = self.troubles.get(object_of(change))
        return (
            trouble is not None and trouble.retry_on > self.today.isoformat() and not takes_access(change, self.roles)
        )

    def says(self, change: Change) -> str:
        """Return why a change is kept: how often it failed, since when, with what words, and when it is tried again."""
        trouble = self.troubles[object_of(change)]
        return f"{_failed(trouble)}; it is tried again on {trouble.retry_on}"

    def notes(self, changes: Sequence[Change]) -> tuple[Diagnostic, ...]:
        """Return a note for each change that failed in earlier runs and is tried again by this plan."""
        return tuple(
            Diagnostic(
                Severity.NOTE,
                "TRIED-AGAIN",
                f"{named(change)} {_failed(self.troubles[name])}.",
                "It is tried again.",
                subject=named(change),
            )
            for change in (changes if self.troubles else ())
            if (name := object_of(change)) in self.troubles
        )


def keep_quarantined(
    have: State, changes: Sequence[Change], quarantine: Quarantine
) -> tuple[State, tuple[Change, ...], tuple[Withheld, ...]]:
    """Return the live state, the changes that may be made, and those held back: in quarantine, or resting on one that is.

    On an account or a group that is neither made nor taken over rests everything that concerns it. Where a new name of a
    group, or a stable id of an account, is held back, the state and the other changes speak of it as it stays.
    """
    if not quarantine.troubles:
        return have, tuple(changes), ()
    kept: list[Change] = []
    held: list[Change] = []
    for change in changes:
        (held if quarantine.keeps(change) else kept).append(change)
    have, kept = _as_it_stays(have, kept, held)
    withheld = [Withheld(change, Hold.QUARANTINED, quarantine.says(change)) for change in held]
    while resting := _resting(kept, [one.change for one in withheld], nests=quarantine.nests):
        withheld += [Withheld(change, Hold.QUARANTINED, detail) for change, detail in resting]
        gone = {id(change) for change, _ in resting}
        kept = [change for change in kept if id(change) not in gone]
    return have, tuple(kept), tuple(withheld)


def _failed(trouble: Trouble) -> str:
    runs = "1 run" if trouble.failures == 1 else f"{trouble.failures} runs on end"
    return f"failed in {runs} since {shortened(trouble.since, 40)}: {shortened(trouble.message)}"


def _resting(kept: Sequence[Change], held: Sequence[Change], *, nests: bool) -> list[tuple[Change, str]]:
    """Return the changes that need what those held back would have given, and which that is."""
    lacking = {thing: change for change in reversed(held) for thing in _gives(change)}
    found = []
    for change in kept if lacking else ():
        missing = [lacking[thing] for thing in _needs(change, nests=nests) if thing in lacking]
        if missing:
            found.append((change, f"it rests on {named(missing[0])}, which is held back"))
    return found


def _gives(change: Change) -> tuple[_Thing, ...]:
    """Return what is not there, not ours, or not free, as long as the change is not made."""
    match change:
        case CreateUser() | AdoptUser():
            return (("user", person_of(change)),)
        case UpdateUser(have={"username": str(freed)}):
            return (("name", login_key(freed)),)
        case CreateGroup(group=group) | AdoptGroup(group=group):
            return (("group", group.key),)
        case _:
            return ()


def _needs(change: Change, *, nests: bool) -> tuple[_Thing, ...]:
    """Return what has to be there and ours, or free, for the change to be made."""
    match change:
        case CreateUser(user=user):
            return (("name", login_key(user.username)),)
        case UpdateUser(who=who, want={"username": str(taken)}):
            return ("user", who.key), ("name", login_key(taken))
        case (
            AddMembership(who=who, group=group)
            | ChangeRole(who=who, group=group)
            | RemoveMembership(who=who, group=group)
        ):
            return ("user", who.key), ("group", group)
        case CreateGroup(group=made):
            return tuple(("group", above) for above in (ancestors(made.key) if nests else ()))
        case _:
            return (("user", person_of(change)),)


def _as_it_stays(have: State, kept: list[Change], held: Collection[Change]) -> tuple[State, list[Change]]:
    """Return both under the keys and names that stay: the target knows an account or a group by what it is, not shall be."""
    users: dict[UserKey, UserKey] = {}
    groups: dict[GroupKey, GroupKey] = {}
    for change in held:
        match change:
            case RenameGroup(have=stays, want=name):
                groups[name] = stays
            case UpdateUser(who=who, have={"key": str(key)}):
                users[who.key] = UserKey(key)
            case _:
                pass
    if not users and not groups:
        return have, kept
    stay = {key: replace(have.users[key], key=stays) for key, stays in users.items() if key in have.users}
    have = with_groups_renamed(with_users_rekeyed(have, stay), groups)
    return have, [_readdressed(change, users, groups) for change in kept]


def _readdressed(change: Change, users: Mapping[UserKey, UserKey], groups: Mapping[GroupKey, GroupKey]) -> Change:
    match change:
        case CreateUser() | AdoptUser() | CreateGroup() | AdoptGroup() | RenameGroup() | RemoveGroup() | SetSetting():
            return change
        case _:
            key = users.get(change.who.key, change.who.key)
    who = replace(change.who, key=key)
    match change:
        case AddMembership(group=group) | ChangeRole(group=group) | RemoveMembership(group=group):
            return replace(change, who=who, group=groups.get(group, group))
        case RemoveUser(have=found):
            return replace(change, who=who, have=replace(found, key=key))
        case _:
            return replace(change, who=who)
