"""A live state that changes can be tried on, before anything is written; pure, and nothing of it is ever written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from reconciler.model.access import GroupKey, Role, State, User, UserKey, Value
from reconciler.model.text import shortened


class Draft:
    """Accounts, groups, memberships and settings to change freely; the state that they were made from stays as it is."""

    def __init__(self, have: State) -> None:
        """Copy the state."""
        self.users = dict(have.users)
        self.groups = dict(have.groups)
        self.members = {group: dict(people) for group, people in have.memberships.items()}
        self.settings = dict(have.settings)
        self.by_hand = {group: dict(people) for group, people in have.by_hand.items()}
        self._holders: frozenset[UserKey] | None = None

    def role(self, group: GroupKey, key: UserKey) -> Role | None:
        """Return the role of ours that somebody holds in a group, if any."""
        return self.members.get(group, {}).get(key)

    def give(self, group: GroupKey, key: UserKey, role: Role | None) -> None:
        """Let somebody hold that role in a group, or none."""
        self._holders = None
        people = self.members.setdefault(group, {})
        if role is None:
            del people[key]
        else:
            people[key] = role

    def members_of(self, group: GroupKey) -> int:
        """Return how many memberships of any kind are in a group."""
        return len(self.members.get(group, {})) + len(self.by_hand.get(group, {}))

    def holders(self) -> frozenset[UserKey]:
        """Return everybody who holds a membership of any kind."""
        if self._holders is None:
            self._holders = frozenset().union(*self.members.values(), *self.by_hand.values())
        return self._holders

    def rename(self, have: GroupKey, want: GroupKey) -> None:
        """Give a group another name, with everything in it."""
        self.groups[want] = replace(self.groups.pop(have), key=want)
        for side in (self.members, self.by_hand):
            if have in side:
                side[want] = side.pop(have)

    def rekey(self, have: UserKey, want: UserKey) -> None:
        """Give an account another key, with everything that hangs on it."""
        if have == want:
            return
        self._holders = None
        self.users[want] = replace(self.users.pop(have), key=want)
        for side in (self.members, self.by_hand):
            for people in side.values():
                if have in people:
                    people[want] = people.pop(have)

    def update(self, held: User, key: UserKey, want: Mapping[str, Value | None]) -> None:
        """Give an account these values, and the key that it is to have."""
        attributes = {**held.attributes, **{fact: value for fact, value in want.items() if fact not in _OWN_FIELDS}}
        kept = {fact: value for fact, value in attributes.items() if value is not None}
        self.users[held.key] = replace(held, attributes=kept, username=str(want.get("username", held.username)))
        self.rekey(held.key, key)

    def lack(self, key: UserKey) -> str:
        """Say why there is no account of ours with that key."""
        if key in self.users:
            return "the account is not ours any more"
        return f"there is no account with the key {shortened(key)} any more"

    def lack_of_place(self, group: GroupKey, key: UserKey) -> str:
        """Say what is missing before somebody can be in a group; empty where nothing is."""
        if group not in self.groups:
            return f"there is no group {shortened(group)}"
        return "" if key in self.users else f"there is no account with the key {shortened(key)}"

    def not_ours(self, name: GroupKey, source: str) -> str:
        """Say why a group is not the one of ours that mirrors `source`; empty where it is."""
        held = self.groups.get(name)
        if held is None:
            return f"{shortened(name)}: there is no group of that name any more"
        if not held.managed:
            return f"{shortened(name)}: the group is not ours any more"
        if held.source != source:
            return f'{shortened(name)}: the group mirrors "{shortened(held.source)}", the plan expected "{shortened(source)}"'
        return ""


_OWN_FIELDS = frozenset({"username", "key"})


def value_of(user: User, fact: str) -> Value | None:
    """Return a value of an account by the name that changes use for it."""
    if fact == "username":
        return user.username
    return str(user.key) if fact == "key" else user.attributes.get(fact)


def quoted(value: Value | None) -> str:
    """Return a value in words."""
    match value:
        case None:
            return "not set"
        case bool():
            return "on" if value else "off"
        case str():
            return f'"{shortened(value)}"'
        case tuple():
            return f'"{shortened(", ".join(value))}"'
        case _:
            assert_never(value)
