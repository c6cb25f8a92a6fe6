"""Make changes of accounts: create, adopt, update, block, unblock, mark; never looks first and never decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import gmtime, strftime
from typing import assert_never

from reconciler.errors import TargetError
from reconciler.model.access import Flag, UserKey, Value, is_stable
from reconciler.model.change import (
    AdoptUser,
    CreateUser,
    DisableUser,
    EnableUser,
    SetFlag,
    UpdateUser,
)
from reconciler.targets.answers import Refused, Unclear
from reconciler.targets.base import Outcome, Status
from reconciler.targets.gitlab import keys
from reconciler.targets.gitlab.accounts import KERBEROS, Account, encoded_keys
from reconciler.targets.gitlab.api import BLOCK_MARK, SSH_MEMORY, STABLE_ID, Api
from reconciler.targets.gitlab.look import Look
from reconciler.targets.pages import Item

AccountChange = CreateUser | AdoptUser | UpdateUser | EnableUser | DisableUser | SetFlag
End = Outcome | str
"""What became of a change, or why that has to be asked."""

_PLAIN = ("email", "name")  # attributes that are fields of an account
_CLEARED = frozenset({"kerberos", "ssh_keys", "block_mark"})  # what can be taken away
_KNOWN = frozenset({*_PLAIN, *_CLEARED, "dn", "key"})
_UNTAKEN = "GitLab did not take all of it."


class _BrokenOff(TargetError):
    """A change of several calls of which some were made."""


def make_account(change: AccountChange, look: Look) -> End:
    """Make one change of an account. Raises TargetError where nothing was made, Unclear where that is not known."""
    match change:
        case CreateUser():
            return _create(change, look)
        case UpdateUser():
            return _update(change, look)
        case AdoptUser():
            return _adopt(change, look)
        case EnableUser():
            return _enable(change, look)
        case DisableUser():
            return _disable(change, look)
        case SetFlag():
            return _flag(change, look)
        case _:
            assert_never(change)


def _applied(change: AccountChange, message: str = "") -> Outcome:
    return Outcome(change, Status.APPLIED, message)


def _failed(change: AccountChange, message: str) -> Outcome:
    return Outcome(change, Status.FAILED, message)


def _there(change: AccountChange, look: Look) -> Account:
    found = look.account(change)
    if found is None:  # it was there when we looked
        raise TargetError("An account was removed while it was to be changed.")
    return found


def _note_key(look: Look, account: Account, key: UserKey) -> None:
    """Note whose account it is, where that person has an id."""
    if is_stable(key):
        look.api.set_attribute(account.number, STABLE_ID, key)


def _create(change: CreateUser, look: Look) -> End:
    user = change.user
    dn = user.attributes.get("dn")
    if not isinstance(dn, str):
        return _failed(change, "the plan does not say which identity the account is to have")
    fields = {
        "username": user.username,
        **{name: user.attributes[name] for name in _PLAIN if name in user.attributes},
        **_identity(look, dn),
        **{str(flag): on for flag, on in user.flags.items()},
    }
    account = _new(change, fields, look)
    ours = replace(account, user=replace(account.user, key=user.key), stable_id=str(user.key))
    look.keep(ours, user.key)
    try:
        message = _finish(change, ours, look)
    except TargetError as error:
        return _failed(change, f"the account was made, and the next plan makes the rest of it: {error}")
    return _applied(change, message)


def _new(change: CreateUser, fields: Mapping[str, object], look: Look) -> Account:
    """Make an account; where no answer came, the one that is there with this identity is ours, if it is as wanted."""
    try:
        return look.parsed(look.api.create_user(fields))
    except Unclear as error:
        try:
            found = look.made(change)
        except TargetError:
            raise error from None
        if found and found.user.username == change.user.username:
            return found
        raise


def _finish(change: CreateUser, account: Account, look: Look) -> str:
    """Give a new account what GitLab does not take when it makes one; return what is to be said of it."""
    user, api = change.user, look.api
    _note_key(look, account, user.key)
    principal, wanted = user.attributes.get("kerberos"), user.attributes.get("ssh_keys")
    if isinstance(principal, str) and principal:
        api.update_user(account.number, {"provider": KERBEROS, "extern_uid": principal})
    message = _put_keys(api, account, wanted) if isinstance(wanted, tuple) and wanted else ""
    if not user.active:
        _block(api, account.number)
    return message


def _identity(look: Look, dn: Value) -> dict[str, object]:
    return {"provider": look.api.settings.provider, "extern_uid": dn}


def _update(change: UpdateUser, look: Look) -> End:
    odd = sorted(
        name for name, value in change.want.items() if name not in _KNOWN or (value is None and name not in _CLEARED)
    )
    if odd:
        return _failed(change, f"{', '.join(odd)} cannot be changed so here")
    made: list[str] = []
    message = ""
    for name, step in _steps(change, _there(change, look), look):
        try:
            message = step() or message
        except TargetError as error:
            if not made and isinstance(error, _BrokenOff):
                return _failed(change, str(error))
            if not made:
                raise
            return _failed(change, f"{', '.join(made)} as wanted now, but not {name}: {error}")
        made.append(name)
    return message if message == _UNTAKEN else _applied(change, message)


def _steps(change: UpdateUser, account: Account, look: Look) -> list[tuple[str, Callable[[], str]]]:
    """Return the calls of an update in their order, each with what it changes; what a call returns is to be said."""
    want, api, number = change.want, look.api, account.number
    steps: list[tuple[str, Callable[[], str]]] = []
    if "key" in want or (
        "dn" in want and change.who.account
    ):  # a DN that moves is no longer what the account is known by
        steps.append(("key", lambda: _mark(change, account, look)))
    fields: dict[str, object] = {name: want[name] for name in _PLAIN if name in want}
    if (dn := want.get("dn")) is not None:
        fields |= _identity(look, dn)
    if fields:
        names = ", ".join(name for name in (*_PLAIN, "dn") if name in want)
        steps.append((names, lambda: _checked(change, look, api.update_user(number, fields))))
    if "kerberos" in want:
        steps.append(("kerberos", lambda: _principal(api, number, want["kerberos"])))
    if "ssh_keys" in want:
        found = want["ssh_keys"]
        wanted = found if isinstance(found, tuple) else ()
        steps.append(("ssh_keys", lambda: _put_keys(api, account, wanted)))
    if "block_mark" in want:
        steps.append(("block_mark", lambda: _unmark(api, number)))
    return steps


def _mark(change: UpdateUser, account: Account, look: Look) -> str:
    key = change.who.key
    _note_key(look, account, key)
    if is_stable(key):
        look.keep(replace(account, user=replace(account.user, key=key), stable_id=key), key)
    return ""


def _checked(change: UpdateUser, look: Look, item: Item) -> str:
    """Return words where an account is not as wanted after all."""
    found = look.parsed(item).user.attributes
    taken = all(found.get(name) == change.want[name] for name in (*_PLAIN, "dn") if name in change.want)
    return "" if taken else _UNTAKEN


def _principal(api: Api, number: int, wanted: Value | None) -> str:
    if wanted:
        api.update_user(number, {"provider": KERBEROS, "extern_uid": wanted})
    else:
        api.delete_identity(number, KERBEROS)
    return ""


def _unmark(api: Api, number: int) -> str:
    api.delete_attribute(number, BLOCK_MARK)
    return ""


def _adopt(change: AdoptUser, look: Look) -> End:
    """Note whose account it is; the identity that makes it ours is in an update of the same plan."""
    account = _there(change, look)
    _note_key(look, account, change.who.key)
    look.adopt(account, change.who.key)
    return _applied(change)


def _flag(change: SetFlag, look: Look) -> End:
    if change.flag is Flag.ADMIN and not change.want and look.is_own(change):
        return _failed(change, "this is the account of our own token, which has to administer")
    item = look.api.update_user(_there(change, look).number, {str(change.flag): change.want})
    taken = look.parsed(item).user.flags.get(change.flag, False) == change.want
    return _applied(change) if taken else _UNTAKEN


def _enable(change: EnableUser, look: Look) -> End:
    number = _there(change, look).number
    look.api.unblock(number)
    try:
        look.api.delete_attribute(number, BLOCK_MARK)
    except TargetError as error:
        return _applied(change, f"that we had blocked it is still noted, and the next plan takes it away: {error}")
    return _applied(change)


def _disable(change: DisableUser, look: Look) -> End:
    if look.is_own(change):
        return _failed(change, "this is the account of our own token, which GitLab does not let us block")
    _block(look.api, _there(change, look).number)
    return _applied(change)


def _block(api: Api, number: int) -> None:
    """Block an account that is noted as blocked by us, and that not after it: what is blocked is never without a mark."""
    api.set_attribute(number, BLOCK_MARK, strftime("%Y-%m-%d", gmtime()))
    try:
        api.block(number)
    except Refused as error:
        if not error.doubtful:
            api.delete_attribute(number, BLOCK_MARK)
        raise


def _put_keys(api: Api, account: Account, wanted: Sequence[str]) -> str:
    """Make an account's SSH keys of ours those, and note them; return what is to be said of those that are left out.

    Keys are listed only where there may be some to delete, or where one is taken and may be the account's own.
    """
    number, have = account.number, account.keys or {}
    todo = keys.work(api.keys(number) if have else [], wanted)
    if not todo.add and not todo.delete:
        return _noted(api, number, keys.noted(wanted, todo.unusable))
    if todo.add:
        unfinished = {**have, **dict.fromkeys(wanted, ""), keys.UNFINISHED: ""}
        api.set_attribute(number, SSH_MEMORY, encoded_keys(unfinished))
    try:
        refused = {text: why for text, title in todo.add.items() if (why := api.add_key(number, title, text))}
        delete = todo.delete
        if not have and any(map(keys.is_taken, refused.values())):
            again = keys.work(api.keys(number), wanted)
            refused, delete = {text: why for text, why in refused.items() if text in again.add}, again.delete
        for key in delete:
            api.delete_key(number, key)
        return _noted(api, number, keys.noted(wanted, {**todo.unusable, **refused}))
    except TargetError as error:
        raise _BrokenOff(f"not all SSH keys are as wanted, and the next plan looks at them again: {error}") from error


def _noted(api: Api, number: int, found: Mapping[str, str]) -> str:
    """Note what we have given an account; return what is to be said of it."""
    if found:
        api.set_attribute(number, SSH_MEMORY, encoded_keys(found))
    else:
        api.delete_attribute(number, SSH_MEMORY)
    return keys.left_out(found)
