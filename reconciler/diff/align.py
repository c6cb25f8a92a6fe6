"""Find the live account and the live group behind each desired one, so that both sides speak of them by the same key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from reconciler.desired.build import Desired
from reconciler.diff.rules import Clash, DiffRules, Findings
from reconciler.model.access import STABLE_ID_MISSING, Group, GroupKey, State, User, UserKey
from reconciler.model.change import AdoptGroup, AdoptUser, RenameGroup, UpdateUser, Who
from reconciler.model.directory import Person
from reconciler.model.names import dn_key, login_key
from reconciler.model.plan import Hold
from reconciler.model.reason import Reason, Why

_Row = TypeVar("_Row")


def align_users(have: State, want: Desired, rules: DiffRules, findings: Findings) -> State:
    """Return the live state with accounts under the keys of their people.

    Matching is by stable id; where one side has none, by DN, then by username; where the policy says `adopt`, by username.
    Anything but a stable id is a change of its own, unless the target keeps no ids: then the account stays known by what it
    holds. An account that belongs to something else is a clash, never taken over; it is none where no account is made.
    """
    have = with_users_rekeyed(have, _known_otherwise(have, want, rules, findings))
    by_login = {login_key(user.username): user for user in have.users.values()}
    taken: dict[UserKey, User] = {}
    for key, wanted in want.state.users.items():
        held = have.users.get(key)
        if held and held.managed and not rules.renames_users:
            continue  # it keeps its name, whoever has the wanted one
        found = held if held and not held.managed else by_login.get(login_key(wanted.username))
        if found is None or (found is held and held.managed) or _is_no_obstacle(found, held, wanted, (want, rules)):
            continue
        if (held and held.managed) or not _may_take(found, want, rules):
            if held is None and not found.managed and not rules.users.create:
                findings.taken.add(key)
            else:
                findings.clashes.append(_user_clash(found, wanted, want, lacking=held is None))
            continue
        taken[found.key] = _taken(found, wanted, want, rules, findings)
    return with_users_rekeyed(have, taken)


def align_groups(have: State, want: Desired, rules: DiffRules, findings: Findings) -> State:
    """Return the live state with imported groups under the names that their directory groups now yield."""
    by_source = {group.source: group for group in have.groups.values() if group.source and group.managed}
    moved: dict[GroupKey, GroupKey] = {}
    for key, wanted in want.state.groups.items():
        found = by_source.get(wanted.source)
        if found is None or found.key == key:
            continue
        change = RenameGroup(found.key, key, wanted.source, want.explain.group(key))
        if rules.protects_group(found.key) or rules.protects_group(key):
            findings.hold(change, Hold.PROTECTED)
        elif key in have.groups:
            fact = f'"{found.key}" should be renamed to it, but it is there already'
            findings.clashes.append(Clash("group", key, fact, adoptable=False))
        elif found.key in want.state.groups:
            fact = f'"{found.key}" should be renamed to it, but another rule names that group'
            findings.clashes.append(Clash("group", key, fact, adoptable=False))
        else:
            moved[found.key] = key
            findings.changes.append(change)
    if not moved:
        return have
    return with_groups_renamed(have, moved)


def with_groups_renamed(have: State, moved: Mapping[GroupKey, GroupKey]) -> State:
    """Return the live state with groups under other names, those of `moved` by the names that they have."""
    groups = {moved.get(key, key): replace(group, key=moved.get(key, key)) for key, group in have.groups.items()}
    rows, by_hand = _renamed(have.memberships, moved), _renamed(have.by_hand, moved)
    made_by, above = _renamed(have.made_by, moved), _renamed(have.above, moved)
    return replace(have, groups=groups, memberships=rows, by_hand=by_hand, made_by=made_by, above=above)


def adopt_group(found: Group, want: Desired, rules: DiffRules, findings: Findings) -> None:
    """Take over a group that somebody else made, if the policy says so; otherwise it is a clash."""
    change = AdoptGroup(want.state.groups[found.key], want.explain.group(found.key))
    if rules.protects_group(found.key):
        findings.hold(change, Hold.PROTECTED)
    elif rules.groups.adopt:
        findings.changes.append(change)
    else:
        findings.clashes.append(Clash("group", found.key, "a group of this name is there, and it is not ours"))


def _known_otherwise(have: State, want: Desired, rules: DiffRules, findings: Findings) -> Mapping[UserKey, User]:
    """Return accounts of people who are known by DN or username alone, as they are to be spoken of.

    Where the target keeps ids, accounts of people in scope get theirs, and that is noted. Where it keeps none, and where no
    id is to be given to an account that is known by its DN, it is the person's account all the same.
    """
    claims: defaultdict[UserKey, list[User]] = defaultdict(list)
    for key, held in have.users.items():
        people = want.roll.behind(held) if held.managed and key not in want.roll.index_of else ()
        if len(people) != 1 or people[0].key in have.users:
            continue
        if _gets_id(held, people[0].key, want, rules) or _stays_known(held, rules):
            claims[people[0].key].append(held)
    known: dict[UserKey, User] = {}
    for key, accounts in claims.items():
        account = _the_one(accounts, want.roll.people[want.roll.index_of[key]])
        if account is not None and _gets_id(account, key, want, rules):
            findings.changes.append(_gets_key(account, key, rules))
            known[account.key] = replace(account, key=key)
        elif account is not None:
            known[account.key] = replace(account, key=key, account=account.key)
    return known


def _gets_id(held: User, key: UserKey, want: Desired, rules: DiffRules) -> bool:
    return rules.keeps_keys and want.concerns(key) and not rules.protects_user(held.username)


def _stays_known(held: User, rules: DiffRules) -> bool:
    return not rules.keeps_keys or "dn" in held.attributes


def _the_one(accounts: Sequence[User], person: Person) -> User | None:
    """Return the account that is a person's, None where several may be: the DN decides where the target holds it."""
    if len(accounts) == 1:
        return accounts[0]
    place = STABLE_ID_MISSING + dn_key(person.dn)
    exact = [account for account in accounts if account.key == place and "dn" in account.attributes]
    return exact[0] if exact else None


def _is_no_obstacle(found: User, held: User | None, wanted: User, context: tuple[Desired, DiffRules]) -> bool:
    """Tell whether the name is protected, so that nothing will ask for it, or is given up in this same plan."""
    want, rules = context
    if rules.protects_user(wanted.username) or (held and rules.protects_user(held.username)):
        return True
    other = want.state.users.get(found.key)
    if found is held or other is None or login_key(other.username) == login_key(found.username):
        return False
    return not (rules.protects_user(found.username) or rules.protects_user(other.username))


def _may_take(found: User, want: Desired, rules: DiffRules) -> bool:
    if found.managed and want.roll.behind(found):
        return False  # somebody in the directory has it
    return rules.users.adopt and not rules.protects_user(found.username)


def _user_clash(found: User, wanted: User, want: Desired, *, lacking: bool) -> Clash:
    if not found.managed:
        fact = "an account of this name is there, and it is not ours"
        return Clash("user", wanted.username, fact, adoptable=lacking or found.key == wanted.key)
    fact = f"the account belongs to another directory entry ({found.key}, not {wanted.key})"
    return Clash("user", wanted.username, fact, adoptable=lacking and not want.roll.behind(found))


def _taken(found: User, wanted: User, want: Desired, rules: DiffRules, findings: Findings) -> User:
    """Note how an account is taken over, and return it as it is to be spoken of."""
    ours = replace(found, key=wanted.key, managed=True)
    if not found.managed:
        who = Who(found.username, wanted.key)
        findings.changes.append(AdoptUser(who, found, want.explain.account(wanted.key)))
        return ours
    if not rules.keeps_keys:
        return replace(ours, account=found.key)
    findings.changes.append(_gets_key(found, wanted.key, rules))
    return ours


def _gets_key(found: User, key: UserKey, rules: DiffRules) -> UpdateUser:
    return UpdateUser(
        Who(found.username, key), {"key": found.key}, {"key": key}, Reason(Why.ATTRIBUTE, rules.users.where)
    )


def with_users_rekeyed(have: State, become: Mapping[UserKey, User]) -> State:
    """Return the live state with accounts under other keys: those of `become`, by the keys that they have, as they are there."""
    if not become:
        return have
    found = [become.get(key, user) for key, user in have.users.items()]
    moved = {key: user.key for key, user in become.items()}
    return replace(
        have,
        users={user.key: user for user in found},
        memberships=_rekeyed_rows(have.memberships, moved),
        by_hand=_rekeyed_rows(have.by_hand, moved),
        above=_rekeyed_rows(have.above, moved),
        made_by=_rekeyed_rows(have.made_by, moved),
        own=have.own and moved.get(have.own, have.own),
    )


def _rekeyed_rows(
    rows: Mapping[GroupKey, Mapping[UserKey, _Row]], moved: Mapping[UserKey, UserKey]
) -> dict[GroupKey, dict[UserKey, _Row]]:
    return {group: {moved.get(key, key): role for key, role in people.items()} for group, people in rows.items()}


def _renamed(rows: Mapping[GroupKey, _Row], moved: Mapping[GroupKey, GroupKey]) -> dict[GroupKey, _Row]:
    return {moved.get(group, group): people for group, people in rows.items()}
