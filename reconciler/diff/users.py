"""Compare accounts: create, update, enable, disable, remove, and instance-wide marks; touch no membership."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.desired.build import Desired
from reconciler.diff.rules import DiffRules, Findings
from reconciler.model.access import Flag, State, User, Value
from reconciler.model.change import (
    CreateUser,
    DisableUser,
    EnableUser,
    RemoveUser,
    SetFlag,
    UpdateUser,
    UserChange,
    Who,
    person_of,
)
from reconciler.model.directory import Person
from reconciler.model.plan import Hold
from reconciler.model.reason import Reason, Why
from reconciler.policy.model import OnMissing


def diff_users(have: State, want: Desired, rules: DiffRules, findings: Findings) -> None:
    """Note what has to change so that every account in scope is as the directory says.

    People who are in the directory but in no rule keep their accounts, and get those back that we have closed; managed
    accounts of people who are gone, or whose entry is disabled, follow `when_missing` and `when_disabled`.
    """
    touched = {person_of(change) for change in findings.changes}
    for key, wanted in want.state.users.items():
        held = have.users.get(key)
        if held is None:
            _note(_new(wanted, want), held, rules, findings)
        elif held.managed:
            changes = _kept(held, wanted, want, rules)
            _note(changes, held, rules, findings)
            findings.unchanged_users += not changes and key not in touched
    for key, held in have.users.items():
        if held.managed and key not in want.state.users:
            changes = _out_of_scope(held, want, rules)
            _note(changes, held, rules, findings)
            findings.unchanged_users += not changes and key not in touched


def _note(changes: list[UserChange], held: User | None, rules: DiffRules, findings: Findings) -> None:
    for change in changes:
        hold = _hold(change, held, rules, findings)
        if hold is None:
            findings.changes.append(change)
        else:
            findings.hold(change, *hold)


def _hold(change: UserChange, held: User | None, rules: DiffRules, findings: Findings) -> tuple[Hold, str] | None:
    """Return why a change of an account is shown and not made, None where it is made."""
    names = {held.username} if held is not None else set()
    match change:
        case CreateUser(user=user):
            names.add(user.username)
        case UpdateUser(want={"username": str(new)}):
            names.add(new)
        case _:
            pass
    if any(rules.protects_user(name) for name in names):
        return Hold.PROTECTED, ""
    if isinstance(change, CreateUser) and not rules.users.create:
        taken = "; an account of this name is there, and it is not ours" if change.user.key in findings.taken else ""
        return Hold.NO_ACCOUNT, f"users.create is false{taken}"
    if isinstance(change, CreateUser) and (lacking := sorted(rules.needs - change.user.attributes.keys())):
        return Hold.FROZEN_USER, f"the entry has no {' and no '.join(map(_called, lacking))}, which an account needs"
    if isinstance(change, EnableUser) and held is not None and held.disabled_by_hand:
        return Hold.INACTIVE, "it was disabled by hand"
    return None


def _called(attribute: str) -> str:
    return {"email": "e-mail address"}.get(attribute, attribute)


def _new(wanted: User, want: Desired) -> list[UserChange]:
    """Return the creation of an account; nobody whose entry is disabled gets a new one."""
    return [CreateUser(wanted, want.explain.account(wanted.key))] if wanted.active else []


def _kept(held: User, wanted: User, want: Desired, rules: DiffRules) -> list[UserChange]:
    if not wanted.active and rules.users.when_disabled is OnMissing.REMOVE:
        return [RemoveUser(_who(held), held, Reason(Why.DISABLED, rules.users.where))]
    closes = not wanted.active and held.active and rules.users.when_disabled is OnMissing.DISABLE
    changes: list[UserChange] = [*_attribute_changes(held, wanted, rules, closes=closes)]
    if wanted.active and not held.active:
        changes.append(EnableUser(_who(held), Reason(Why.RETURNED, rules.users.where)))
    if closes:
        changes.append(DisableUser(_who(held), Reason(Why.DISABLED, rules.users.where)))
    return changes + _flag_changes(held, wanted.flags, want)


def _out_of_scope(held: User, want: Desired, rules: DiffRules) -> list[UserChange]:
    """Return what becomes of a managed account whose person is gone, is disabled, is not linked, or cannot have a name."""
    people = want.roll.behind(held)
    flags = {flag: want.explain.carries(flag, held.key) for flag in want.flags}
    if not people:
        choice, why = rules.users.when_missing, Why.LEFT_DIRECTORY
    elif all(person.disabled for person in people):
        choice, why = rules.users.when_disabled, Why.DISABLED
    else:
        choice, why = OnMissing.KEEP, Why.ATTRIBUTE
    if choice is OnMissing.REMOVE:
        return [RemoveUser(_who(held), held, Reason(why, rules.users.where))]
    closes = choice is OnMissing.DISABLE and held.active
    changes: list[UserChange] = [*_attribute_changes(held, None, rules, closes=closes)]
    if _is_back(held, people, want):
        changes.append(EnableUser(_who(held), Reason(Why.RETURNED, rules.users.where)))
    if closes:
        changes.append(DisableUser(_who(held), Reason(why, rules.users.where)))
    return changes + _flag_changes(held, flags, want)


def _is_back(held: User, people: Sequence[Person], want: Desired) -> bool:
    """Tell whether we have closed the account of somebody who is certainly there again, though no rule names them."""
    closed = not held.active and not held.disabled_by_hand
    return closed and held.key in want.roll.index_of and not any(person.disabled for person in people)


def _who(held: User) -> Who:
    return Who(held.username, held.key, held.account)


def _attribute_changes(held: User, wanted: User | None, rules: DiffRules, *, closes: bool) -> list[UpdateUser]:
    """Return one update of everything that differs.

    The username, where the target follows it, the DN and the Kerberos identity always; the rest as `users.sync` says. What
    is left of a block of ours that somebody has lifted goes, or else a later block by a person would be taken for ours.
    """
    before: dict[str, Value | None] = {}
    after: dict[str, Value | None] = {}
    if wanted is not None and held.username != wanted.username and rules.renames_users:
        before["username"], after["username"] = held.username, wanted.username
    attributes = wanted.attributes if wanted is not None else {}
    for name in ("dn", "kerberos", *rules.users.sync):
        if name in attributes and (held.attributes.get(name) or None) != (attributes[name] or None):
            before[name], after[name] = held.attributes.get(name), attributes[name]
    if held.active and not closes and "block_mark" in held.attributes:
        before["block_mark"], after["block_mark"] = held.attributes["block_mark"], None
    return [UpdateUser(_who(held), before, after, Reason(Why.ATTRIBUTE, rules.users.where))] if after else []


def _flag_changes(held: User, wanted: Mapping[Flag, bool], want: Desired) -> list[UserChange]:
    """Return the marks to give or take; only flags that the policy manages, and who is in no rule should have none."""
    changes: list[UserChange] = []
    for flag in sorted(want.flags):
        should = wanted.get(flag, False)
        if not should and flag in want.only_given:
            continue
        if held.flags.get(flag, False) != should:
            reason = want.explain.flagged(flag, held.key) if should else want.explain.unflagged(flag, held.key)
            changes.append(SetFlag(_who(held), flag, have=not should, want=should, reason=reason))
    return changes
