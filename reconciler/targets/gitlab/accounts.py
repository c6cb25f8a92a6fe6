"""What a row of GitLab's users is to us: whose account it is, what it holds, and what we have noted there; never asks anything."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from sys import intern

from reconciler.errors import TargetRejected
from reconciler.model.access import LOCAL, STABLE_ID_MISSING, Flag, User, UserKey, Value
from reconciler.model.access import is_stable as is_id
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.names import DnSyntaxError, dn_key, dn_text
from reconciler.model.text import shortened
from reconciler.targets.answers import Answer
from reconciler.targets.gitlab.api import BLOCK_MARK, SSH_MEMORY, STABLE_ID
from reconciler.targets.gitlab.keys import short
from reconciler.targets.pages import Item

KERBEROS = "kerberos"
"""The provider whose identities are Kerberos principals."""
ACTIVE = frozenset({"active", "deactivated"})
"""States in which an account can be used: whoever signs in to a deactivated one activates it."""

_LDAP = "ldap"  # what the names of all LDAP providers begin with
_FLAGS: dict[tuple[bool, bool, bool | None], Mapping[Flag, bool]] = {}  # one for all accounts that are marked the same
_SOME = 5  # names in a note


@dataclass(frozen=True, slots=True)
class Account:
    """An account and what only GitLab's API and we know of it.

    `state` is GitLab's word. `stable_id` and `block_mark` are what we have noted, empty where nothing is. `keys` are the SSH
    keys that we have given it, or tried to, as the directory has them, each with why GitLab refused it, else an empty text;
    None where nothing readable is noted. `trouble` says why an account of our provider cannot be anybody's. `provider` is
    the one that the account belongs to, empty for a local one.
    """

    number: int
    user: User
    state: str
    dn: str = ""
    stable_id: str = ""
    block_mark: str = ""
    keys: Mapping[str, str] | None = None
    trouble: str = ""
    provider: str = ""


def reader(provider: str) -> Callable[[Item], Account]:
    """Return what makes an account of a row; `provider` is the one whose identities make accounts ours."""

    def read(item: Item) -> Account:
        return account(item, provider)

    return read


def account(item: Item, provider: str) -> Account:
    """Return the account of a row. Raises Refused for a row that is none of an administrator's view."""
    username, state = item.value("username", str), item.value("state", str)
    identities, noted = _identities(item), _noted(item)
    first, text = next(((name, dn) for name, dn in identities if name.startswith(_LDAP) or name == provider), ("", ""))
    key, trouble = _key(text, noted.get(STABLE_ID, "")) if first == provider else (UserKey(""), "")
    managed, mark = bool(key), noted.get(BLOCK_MARK, "")
    keys = decoded_keys(noted[SSH_MEMORY]) if SSH_MEMORY in noted else None
    active = state in ACTIVE
    attributes: dict[str, Value] = {"email": item.value("email", str), "name": item.value("name", str)}
    if managed:
        attributes["dn"] = dn_text(text)
        principal = next((one for name, one in identities if name == KERBEROS), "")
        attributes |= {"kerberos": principal} if principal else {}
        attributes |= {"ssh_keys": tuple(sorted(keys))} if keys else {}
        attributes |= {"block_mark": mark} if mark and active else {}
    user = User(
        key=key or UserKey(LOCAL + username),
        username=username,
        attributes=attributes,
        active=active,
        flags=_flags(item),
        managed=managed,
        disabled_by_hand=not active and (state != "blocked" or not mark),
    )
    number, stable_id = item.value("id", int), noted.get(STABLE_ID, "")
    return Account(number, user, state, text, stable_id, mark, keys, trouble, intern(first))


def _key(text: str, stable_id: str) -> tuple[UserKey, str]:
    """Return whose account of our provider it is, and why nobody's, where it is not known."""
    if stable_id and is_id(UserKey(stable_id)):
        return UserKey(stable_id), ""
    try:
        key = dn_key(text)
    except DnSyntaxError as error:
        return UserKey(""), str(error)
    return (UserKey(STABLE_ID_MISSING + key), "") if key else (UserKey(""), "it is empty")


def _identities(item: Item) -> list[tuple[str, str]]:
    """Return provider and name there of each identity, in GitLab's order; one without a name has an empty one."""
    found = item.value("identities", list)
    pairs: list[tuple[str, str]] = []
    for each in found:
        if not isinstance(each, dict):
            item.answer.fail("answered with an account one of whose identities is no object")
        name = each.get("extern_uid")
        pairs.append((item.answer.value(each, "provider", str), name if isinstance(name, str) else ""))
    return pairs


def _noted(item: Item) -> dict[str, str]:
    """Return the custom attributes; a row has none of them where nobody has ever set one."""
    found = item.data.get("custom_attributes")
    if found is None:
        return {}
    answer: Answer = item.answer
    noted: dict[str, str] = {}
    for each in item.value("custom_attributes", list):
        if not isinstance(each, dict):
            answer.fail("answered with an account one of whose custom attributes is no object")
        noted[answer.value(each, "key", str)] = answer.value(each, "value", str)
    return noted


def _flags(item: Item) -> Mapping[Flag, bool]:
    admin, external = item.value("is_admin", bool), item.value("external", bool)
    auditor = item.value("is_auditor", bool) if "is_auditor" in item.data else None
    found = _FLAGS.get((admin, external, auditor))
    if found is None:
        known = {Flag.ADMIN: admin, Flag.EXTERNAL: external}
        found = known if auditor is None else {**known, Flag.AUDITOR: auditor}
        _FLAGS[admin, external, auditor] = found
    return found


def decoded_keys(text: str) -> dict[str, str] | None:
    """Return the SSH keys that we have noted, with why each was refused; None for what we have not written like this."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list):
        return None
    keys: dict[str, str] = {}
    for each in found:
        key, refused = (each.get("key"), each.get("refused", "")) if isinstance(each, dict) else (None, None)
        if not isinstance(key, str) or not isinstance(refused, str):
            return None
        keys[key] = refused
    return keys


def encoded_keys(keys: Mapping[str, str]) -> str:
    """Return SSH keys, each with why it was refused or an empty text, as they are noted."""
    found = [{"key": key, **({"refused": keys[key]} if keys[key] else {})} for key in sorted(keys)]
    return json.dumps(found, ensure_ascii=False)


def by_key(accounts: Iterable[Account]) -> dict[UserKey, Account]:
    """Return accounts by key. Raises TargetRejected where two are marked as the same person's."""
    found: dict[UserKey, Account] = {}
    for each in accounts:
        other = found.setdefault(each.user.key, each)
        if other is not each:
            names = f'"{shortened(other.user.username)}" and "{shortened(each.user.username)}"'
            raise TargetRejected(
                f'The accounts {names} are both marked as those of "{shortened(each.user.key)}". Take the custom attribute '
                f"{STABLE_ID}, or the identity, from the one that belongs to somebody else."
            )
    return found


def notes(accounts: Iterable[Account]) -> tuple[Diagnostic, ...]:
    """Return what was found at accounts of our provider and cannot be managed."""
    listed = list(accounts)
    mine = sorted((each for each in listed if each.user.managed), key=lambda each: each.user.username)
    found = [
        *_of_state(mine, "deactivated", "GITLAB-DEACTIVATED", "counts as active: signing in undoes it"),
        *_of_state(
            mine,
            "ldap_blocked",
            "GITLAB-LDAP-BLOCKED",
            "was blocked by GitLab's own LDAP sync: only that, or signing in, undoes it",
        ),
    ]
    for each in sorted(listed, key=lambda each: each.user.username):
        name = shortened(each.user.username)
        if each.trouble:
            fact = f'The identity of account {name}, "{shortened(each.dn)}", is no DN: {shortened(each.trouble)}.'
            found.append(
                Diagnostic(Severity.WARNING, "GITLAB-BAD-IDENTITY", fact, "Nothing of it is managed.", subject=name)
            )
        for key, why in sorted((each.keys or {}).items()) if each.user.managed else ():
            if why:
                fact = f'GitLab has refused the SSH key "{short(key)}" of {name}: {shortened(why)}.'
                way_out = "Correct it in the directory; it is not tried again before."
                found.append(Diagnostic(Severity.WARNING, "GITLAB-REFUSED-KEY", fact, way_out, subject=name))
    return tuple(found)


def _of_state(accounts: Iterable[Account], state: str, code: str, fact: str) -> Iterable[Diagnostic]:
    """Say it once for all: there may be thousands."""
    names = [shortened(each.user.username) for each in accounts if each.state == state]
    if names:
        more = f" and {len(names) - _SOME:,} more" if len(names) > _SOME else ""
        who = f"account: {names[0]}" if len(names) == 1 else f"accounts: {', '.join(names[:_SOME])}{more}"
        yield Diagnostic(Severity.NOTE, code, f"{len(names):,} {state} {who}.", f"What is {state} {fact}.")


def providers(accounts: Iterable[Account], wanted: str) -> tuple[Diagnostic, ...]:
    """Return a warning where no account belongs to our provider, and some do to others: the name may be a wrong one."""
    found = Counter(each.provider for each in accounts if each.provider)
    if not found or wanted in found:
        return ()
    others = ", ".join(f"{shortened(name)} ({number:,})" for name, number in sorted(found.items()))
    fact = f'No account has an identity of the provider "{shortened(wanted)}"; there are some of {others}.'
    way_out = "Write the one that is meant as `provider` of the target."
    return (Diagnostic(Severity.WARNING, "GITLAB-PROVIDER", fact, way_out),)
