"""What a target would hold after some changes, worked out without any code of the project but its values.

Every change has to find what it expects, or the test that asked fails: a plan may not ask for what cannot be done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from reconciler.model.access import Group, GroupKey, Role, State, User, UserKey, Value
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
    GroupChange,
    MembershipChange,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    SetFlag,
    SetSetting,
    UpdateUser,
    UserChange,
)


def applied(have: State, changes: Sequence[Change]) -> State:
    """Return the live state after these changes, made one after the other; `have` stays as it is."""
    app = _App(
        dict(have.users),
        dict(have.groups),
        {group: dict(people) for group, people in have.memberships.items()},
        {group: dict(people) for group, people in have.by_hand.items()},
        have.own,
        dict(have.settings),
    )
    for change in changes:
        app.make(change)
    names = [one.username.casefold() for one in app.users.values()]
    assert len(names) == len(set(names)), "two accounts of one name"
    removed = {change.who.key for change in changes if isinstance(change, RemoveUser)}
    above = {group: {key: role for key, role in of.items() if key not in removed} for group, of in have.above.items()}
    return State(app.users, app.groups, app.rows, app.by_hand, app.own, above=above, settings=app.settings)


@dataclass
class _App:
    users: dict[UserKey, User]
    groups: dict[GroupKey, Group]
    rows: dict[GroupKey, dict[UserKey, Role]]
    by_hand: dict[GroupKey, dict[UserKey, Role]]
    own: UserKey | None
    settings: dict[str, bool]
    moved: dict[UserKey, UserKey] = field(default_factory=dict)

    def make(self, change: Change) -> None:
        change = self._addressed(change)
        match change:
            case CreateUser() | AdoptUser() | UpdateUser() | EnableUser() | DisableUser() | RemoveUser() | SetFlag():
                self._user(change)
            case CreateGroup() | AdoptGroup() | RenameGroup() | RemoveGroup():
                self._group(change)
            case AddMembership() | ChangeRole() | RemoveMembership():
                self._membership(change)
            case SetSetting(name=name, have=before, want=after):
                assert self.settings[name] == before != after
                self.settings[name] = after
            case _:
                assert_never(change)

    def _addressed(self, change: Change) -> Change:
        """Return the change with the key that the target has for the account now."""
        match change:
            case CreateUser() | CreateGroup() | AdoptGroup() | RenameGroup() | RemoveGroup() | SetSetting():
                return change
            case _:
                who = change.who
        if not who.account or who.key in self.users:  # an account that this plan has made has its person's key
            return change
        return replace(change, who=replace(who, key=self.moved.get(who.account, who.account)))

    def _user(self, change: UserChange) -> None:
        match change:
            case CreateUser(user=new):
                assert new.key not in self.users
                self.users[new.key] = new
            case AdoptUser(who=who, have=found):
                assert self.users[found.key] == found
                assert not found.managed
                self._rekey(found.key, who.key)
                self.users[who.key] = replace(self.users[who.key], managed=True)
            case UpdateUser(who=who, have=before, want=after):
                self._update(UserKey(str(before.get("key", who.key))), before, after)
            case EnableUser(who=who):
                held = self._ours(who.key)
                assert not held.active
                assert not held.disabled_by_hand
                self.users[who.key] = replace(held, active=True)
            case DisableUser(who=who):
                assert self._ours(who.key).active
                self.users[who.key] = replace(self.users[who.key], active=False)
            case RemoveUser(who=who, have=found):
                assert self._ours(who.key).username == found.username
                assert not any(who.key in people for people in self.by_hand.values())
                del self.users[who.key]
                for people in self.rows.values():
                    people.pop(who.key, None)
            case SetFlag(who=who, flag=flag, have=before, want=after):
                held = self._ours(who.key)
                assert held.flags.get(flag, False) == before != after
                self.users[who.key] = replace(held, flags={**held.flags, flag: after})
            case _:
                assert_never(change)

    def _ours(self, who: UserKey) -> User:
        assert self.users[who].managed
        return self.users[who]

    def _update(self, who: UserKey, before: Mapping[str, Value | None], after: Mapping[str, Value | None]) -> None:
        held = self._ours(who)
        assert before.keys() == after.keys()
        for name, value in after.items():
            match name, value:
                case "key", str(new):
                    assert before[name] == held.key
                    self._rekey(who, UserKey(new))
                    who = UserKey(new)
                case "username", str(new):
                    assert before[name] == held.username
                    self.users[who] = replace(self.users[who], username=new)
                case "block_mark", None:
                    assert self.users[who].active
                    left = {known: one for known, one in self.users[who].attributes.items() if known != name}
                    self.users[who] = replace(self.users[who], attributes=left)
                case _, None:
                    raise AssertionError(f"{name} is taken away")
                case _, _:
                    assert before[name] == held.attributes.get(name)
                    attributes = {**self.users[who].attributes, name: value}
                    self.users[who] = replace(self.users[who], attributes=attributes)
                    if name == "dn" and who.startswith("dn:"):
                        self.moved[who] = UserKey(f"dn:{value}")
                        self._rekey(who, self.moved[who])
                        who = self.moved[who]

    def _rekey(self, before: UserKey, after: UserKey) -> None:
        assert after not in self.users
        self.users[after] = replace(self.users.pop(before), key=after)
        self.own = after if self.own == before else self.own
        for people in (*self.rows.values(), *self.by_hand.values()):
            if before in people:
                people[after] = people.pop(before)

    def _group(self, change: GroupChange) -> None:
        match change:
            case CreateGroup(group=new):
                assert new.key not in self.groups
                assert not new.source or new.source not in {one.source for one in self.groups.values()}
                self.groups[new.key] = new
            case AdoptGroup(group=wanted):
                assert not self.groups[wanted.key].managed
                self.groups[wanted.key] = wanted
            case RenameGroup(have=before, want=after, source=source):
                assert after not in self.groups
                assert self.groups[before].source == source
                self.groups[after] = replace(self.groups.pop(before), key=after)
                for rows in (self.rows, self.by_hand):
                    if before in rows:
                        rows[after] = rows.pop(before)
            case RemoveGroup(have=found):
                assert self.groups.pop(found.key) == found
                assert found.managed
                assert not self.rows.pop(found.key, {})
                assert not self.by_hand.get(found.key)
            case _:
                assert_never(change)

    def _membership(self, change: MembershipChange) -> None:
        who, group = change.who.key, change.group
        assert who in self.users
        assert self.groups[group].managed
        assert who not in self.by_hand.get(group, {})
        people = self.rows.setdefault(group, {})
        match change:
            case AddMembership(want=role):
                assert who not in people
                people[who] = role
            case ChangeRole(have=before, want=after):
                assert people[who] == before != after
                people[who] = after
            case RemoveMembership(have=role):
                assert people.pop(who) == role
            case _:
                assert_never(change)
