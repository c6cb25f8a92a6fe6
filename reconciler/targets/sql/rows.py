"""Rows of the roster as plain tuples, and what they mean to the rest of the program; never touches a database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from reconciler.model.access import LOCAL, Flag, Group, GroupKey, User, UserKey, Value


class UserRow(NamedTuple):
    """One row of `users`, columns in this order; `ssh_keys` is JSON text as stored."""

    id: int
    username: str
    external_id: str | None
    managed_by: str | None
    email: str | None
    name: str | None
    ssh_keys: str | None
    active: bool
    disabled_by: str | None
    admin: bool
    external: bool


class GroupRow(NamedTuple):
    """One row of `groups`, columns in this order."""

    id: int
    name: str
    external_id: str | None
    managed_by: str | None


class Mark(NamedTuple):
    """What one row of `memberships` says; equal marks are one object where many are read."""

    role: str
    managed_by: str | None


_FLAGS: Mapping[tuple[bool, bool], Mapping[Flag, bool]] = {  # one for all accounts that are marked the same
    (admin, external): {Flag.ADMIN: admin, Flag.EXTERNAL: external}
    for admin in (False, True)
    for external in (False, True)
}

Pair: TypeAlias = tuple[int, int]
"""Group id and user id: the key of a membership. Ids below 0 stand for rows that are not written yet."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The rows that a batch of changes has to look at."""

    users: Mapping[int, UserRow] = field(default_factory=dict)
    groups: Mapping[int, GroupRow] = field(default_factory=dict)
    members: Mapping[Pair, Mark] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Touched:
    """Whose memberships a batch has to look at: groups by name, accounts by key."""

    groups: frozenset[GroupKey]
    users: frozenset[UserKey]


def user_key(row: UserRow, directory: str) -> UserKey:
    """Return the stable id of an account that is ours, else a key of our own making."""
    if row.managed_by == directory and row.external_id is not None:
        return UserKey(row.external_id)
    return UserKey(LOCAL + row.username)


def user(row: UserRow, directory: str) -> User:
    """Return the account as the rest of the program sees it; attributes that are NULL are left out."""
    attributes: dict[str, Value] = {}
    if row.email is not None:
        attributes["email"] = row.email
    if row.name is not None:
        attributes["name"] = row.name
    keys = decoded_keys(row.ssh_keys)
    if keys is not None:
        attributes["ssh_keys"] = keys
    return User(
        key=user_key(row, directory),
        username=row.username,
        attributes=attributes,
        active=row.active,
        flags=_FLAGS[row.admin, row.external],
        managed=row.managed_by == directory,
        disabled_by_hand=not row.active and row.disabled_by != directory,
    )


def group(row: GroupRow, directory: str) -> Group:
    """Return the group as the rest of the program sees it."""
    managed = row.managed_by == directory
    return Group(GroupKey(row.name), (managed and row.external_id) or "", managed)


def encoded_keys(keys: tuple[str, ...]) -> str:
    """Return SSH keys as JSON text."""
    return json.dumps(keys, ensure_ascii=False)


def decoded_keys(text: str | None) -> Value | None:
    """Return SSH keys sorted; text that people wrote and that is no JSON list of texts comes back as it is."""
    if text is None:
        return None
    try:
        keys = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
        return tuple(sorted(keys))
    return text
