"""Read and write the files of a case in tests/cases/: live states as people write them; no logic of the project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from reconciler.desired.build import Desired
from reconciler.model.access import LOCAL, Flag, Group, GroupKey, Memberships, Role, State, User, UserKey, Value
from reconciler.model.past import NOTHING, Past, Seen, Trouble

Json: TypeAlias = "str | bool | int | list[Json] | dict[str, Json] | None"

ATTRIBUTES = ("email", "name", "ssh_keys")


@dataclass(frozen=True)
class LiveUser:
    """One account in live.json; a key is left out where the account has none, everything else where it is usual."""

    key: str = ""
    email: str | None = None
    name: str | None = None
    ssh_keys: list[str] | None = None
    active: bool = True
    disabled_by_hand: bool = False
    admin: bool = False
    external: bool = False
    managed: bool = True


@dataclass(frozen=True)
class LiveGroup:
    """One group in live.json, with its members by username."""

    source: str = ""
    managed: bool = True
    members: dict[str, str] = field(default_factory=dict)
    by_hand: dict[str, str] = field(default_factory=dict)


def read_live(path: Path) -> State:
    """Return the live state, nothing without a file; what is misspelled in it is an error."""
    if not path.exists():
        return State()
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data.keys() - {"own"} == {"users", "groups"}
    accounts = {name: LiveUser(**found) for name, found in data["users"].items()}
    groups = {name: LiveGroup(**found) for name, found in data["groups"].items()}
    keys = {name: UserKey(one.key or LOCAL + name) for name, one in accounts.items()}
    return State(
        users={keys[name]: _user(name, keys[name], one) for name, one in accounts.items()},
        groups={GroupKey(name): Group(GroupKey(name), one.source, one.managed) for name, one in groups.items()},
        memberships=_rows({name: one.members for name, one in groups.items()}, keys),
        by_hand=_rows({name: one.by_hand for name, one in groups.items()}, keys),
        own=keys[data["own"]] if "own" in data else None,
    )


def read_past(path: Path, target: str) -> Past:
    """Return what earlier runs have left for a case to know, nothing without a file."""
    if not path.exists():
        return NOTHING
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data.keys() <= {"seen", "troubles"}
    seen = {target: Seen(**data["seen"])} if "seen" in data else {}
    return Past(seen, {target: {name: Trouble(**one) for name, one in data.get("troubles", {}).items()}})


def _user(name: str, key: UserKey, one: LiveUser) -> User:
    held: dict[str, Value | None] = {"email": one.email, "name": one.name}
    if one.ssh_keys is not None:
        held["ssh_keys"] = tuple(one.ssh_keys)
    return User(
        key,
        name,
        {word: value for word, value in held.items() if value is not None},
        one.active,
        {Flag.ADMIN: one.admin, Flag.EXTERNAL: one.external},
        one.managed,
        one.disabled_by_hand,
    )


def _rows(groups: Mapping[str, Mapping[str, str]], keys: Mapping[str, UserKey]) -> Memberships:
    return {
        GroupKey(group): {keys[name]: Role(role) for name, role in people.items()}
        for group, people in groups.items()
        if people
    }


def desired_text(want: Desired) -> str:
    """Return the desired state as people read it: who should have what, by username."""
    names = {key: user.username for key, user in want.state.users.items()}
    names |= {key: want.explain.dn_of(key) for key in want.frozen_users}
    users: Json = {user.username: _account(user) for user in sorted(want.state.users.values(), key=_username)}
    groups: Json = {
        str(key): {"source": group.source, "members": _members(want.state.memberships[key], names)}
        for key, group in want.state.groups.items()
    }
    document: Json = {
        "users": users,
        "groups": groups,
        "frozen_users": {names[key]: why for key, why in want.frozen_users.items()},
        "frozen_groups": {str(key): why for key, why in want.frozen_groups.items()},
    }
    return json.dumps(document, indent=2) + "\n"


def _account(user: User) -> Json:
    held: dict[str, Json] = {word: _plain(user.attributes[word]) for word in ATTRIBUTES if word in user.attributes}
    flags: dict[str, Json] = {str(flag): held for flag, held in sorted(user.flags.items())}
    return {"key": user.key, **held, "active": user.active, **flags}


def _plain(value: Value) -> Json:
    return list(value) if isinstance(value, tuple) else value


def _members(people: Mapping[UserKey, Role], names: Mapping[UserKey, str]) -> Json:
    return {names[key]: str(people[key]) for key in sorted(people, key=names.__getitem__)}


def _username(user: User) -> str:
    return user.username
