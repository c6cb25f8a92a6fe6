"""Try changes of accounts on a draft; never touches a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from reconciler.model.access import LOCAL, Flag, User, UserKey, Value
from reconciler.model.change import (
    AdoptUser,
    CreateUser,
    DisableUser,
    EnableUser,
    RemoveUser,
    SetFlag,
    UpdateUser,
    UserChange,
    Who,
)
from reconciler.model.text import shortened
from reconciler.targets.sql.draft import Draft, Refused, Stale
from reconciler.targets.sql.rows import Pair, UserRow, decoded_keys, encoded_keys, user_key


def try_user(draft: Draft, change: UserChange) -> None:
    """Change the draft as asked; raises Stale, Refused or Blocked, with the draft unchanged."""
    match change:
        case CreateUser(user=user):
            _create(draft, user)
        case AdoptUser(who=who, have=have):
            _adopt(draft, who, have)
        case UpdateUser(who=who, have=before, want=want):
            _update(draft, who, before, want)
        case EnableUser(who=who):
            _enable(draft, who)
        case DisableUser(who=who):
            _disable(draft, who)
        case RemoveUser(who=who, have=have):
            _remove(draft, who, have)
        case SetFlag():
            _set_flag(draft, change)
        case _:
            assert_never(change)


def _create(draft: Draft, user: User) -> None:
    if draft.knows_user(user.key):
        raise Stale(f"{shortened(user.username)}: an account with the key {shortened(user.key)} is there already")
    blank = UserRow(
        id=draft.new_id(),
        username=user.username,
        external_id=user.key,
        managed_by=draft.directory,
        email=None,
        name=None,
        ssh_keys=None,
        active=user.active,
        disabled_by=None if user.active else draft.directory,
        admin=user.flags.get(Flag.ADMIN, False),
        external=user.flags.get(Flag.EXTERNAL, False),
    )
    wanted = {"username": user.username, "key": str(user.key), **user.attributes}
    try:
        row = _with(blank, wanted)
    except Refused:
        draft.refuse(user.key)
        raise
    draft.put_user(row, user.key)


def _adopt(draft: Draft, who: Who, have: User) -> None:
    row = draft.user(Who(have.username, have.key))
    name = shortened(have.username)
    if row.managed_by == draft.directory:
        raise Stale(f"{name}: the account is ours already")
    if row.managed_by is not None:
        draft.refuse(who.key)
        raise Refused(f"{name}: the account is {draft.owner(row.managed_by)}; one account has one manager")
    if who.key.startswith(LOCAL):
        raise Refused(f"{name}: the directory gives no stable id to find the account by")
    if draft.knows_user(who.key):
        raise Stale(f"{name}: another account has the key {shortened(who.key)} already")
    draft.put_user(_with(row, {"key": str(who.key)})._replace(managed_by=draft.directory), who.key)


def _update(draft: Draft, who: Who, have: Mapping[str, Value | None], want: Mapping[str, Value | None]) -> None:
    # a change of the key is addressed by the key that the account is to have: it is found by the one it has
    row = draft.our_user(Who(who.username, UserKey(str(have.get("key", who.key)))))
    for name in sorted(have):
        found = _value(row, name, draft.directory)
        if found != have[name]:
            raise Stale(
                f"{shortened(who.username)}: {name} is {_quoted(found)}, the plan expected {_quoted(have[name])}"
            )
    new = _with(row, want)
    key = user_key(new, draft.directory)
    if new.external_id != row.external_id and draft.knows_user(key):
        raise Stale(f"{shortened(who.username)}: another account has the key {shortened(key)} already")
    draft.put_user(new, key)


def _enable(draft: Draft, who: Who) -> None:
    row = draft.our_user(who)
    if row.active:
        raise Stale(f"{shortened(who.username)}: the account is active already")
    if row.disabled_by != draft.directory:
        by = "by hand" if row.disabled_by is None else f"by {shortened(row.disabled_by)}"
        raise Stale(f"{shortened(who.username)}: the account was disabled {by}, so it is not ours to enable")
    draft.put_user(row._replace(active=True, disabled_by=None))


def _disable(draft: Draft, who: Who) -> None:
    row = draft.our_user(who)
    if not row.active:
        raise Stale(f"{shortened(who.username)}: the account is disabled already")
    draft.put_user(row._replace(active=False, disabled_by=draft.directory))


def _set_flag(draft: Draft, change: SetFlag) -> None:
    row = draft.our_user(change.who)
    found = row.admin if change.flag is Flag.ADMIN else row.external
    if found != change.have:
        raise Stale(
            f"{shortened(change.who.username)}: {change.flag} is {_quoted(found)}, the plan expected {_quoted(change.have)}"
        )
    draft.put_user(row._replace(admin=change.want) if change.flag is Flag.ADMIN else row._replace(external=change.want))


def _remove(draft: Draft, who: Who, have: User) -> None:
    row = draft.our_user(who)
    name = shortened(who.username)
    if row.username != have.username:
        raise Stale(f"{name}: the account is called {shortened(row.username)} now")
    pairs = draft.hanging_on_user(row.id)
    foreign = [pair for pair in pairs if draft.members[pair].managed_by != draft.directory]
    if foreign:
        owner = draft.owner(draft.members[foreign[0]].managed_by)
        raise Refused(
            f"{name}: {len(foreign)} of the account's memberships are not ours (that in {_group_name(draft, foreign[0])} is "
            f"{owner}); take them away first, or keep the account disabled"
        )
    if pairs:
        raise Stale(f"{name}: {len(pairs)} memberships that the plan does not end hang on the account")
    del draft.users[row.id]


def _group_name(draft: Draft, pair: Pair) -> str:
    row = draft.groups.get(pair[0])  # None where it was deleted with foreign keys off
    return "a deleted group" if row is None else shortened(row.name)


def _with(row: UserRow, want: Mapping[str, Value | None]) -> UserRow:
    """Return the row with these values; raises Refused for what the roster cannot hold."""
    for name, value in want.items():
        if not all(is_storable(text) for text in _texts(value)):
            raise Refused(
                f"{shortened(row.username)}: {name} is {_quoted(value)}, which holds characters that a database cannot keep"
            )
        row = _set(row, name, value)
    return row


def _set(row: UserRow, name: str, value: Value | None) -> UserRow:
    match name, value:
        case "username", str(text):
            return row._replace(username=text)
        case "key", str(text):
            return row._replace(external_id=text)
        case "email", (str() | None) as text:
            return row._replace(email=text)
        case "name", (str() | None) as text:
            return row._replace(name=text)
        case "ssh_keys", tuple(keys):
            return row._replace(ssh_keys=encoded_keys(keys))
        case "ssh_keys", None:
            return row._replace(ssh_keys=None)
        case _:
            raise Refused(f"{shortened(row.username)}: a roster cannot hold {_quoted(value)} as {shortened(name)}")


def _texts(value: Value | None) -> tuple[str, ...]:
    match value:
        case str():
            return (value,)
        case tuple():
            return value
        case _:
            return ()


def is_storable(value: str) -> bool:
    """Tell whether every database can keep this text: no NUL (PostgreSQL), and UTF-8 can write it."""
    return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _value(row: UserRow, name: str, directory: str) -> Value | None:
    values: Mapping[str, Value | None] = {
        "username": row.username,
        "key": str(user_key(row, directory)),
        "email": row.email,
        "name": row.name,
        "ssh_keys": decoded_keys(row.ssh_keys),
    }
    return values.get(name)


def _quoted(value: Value | None) -> str:
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
