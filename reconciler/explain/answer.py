"""Put what one person, or one target group, has, should have, and why, into one document; changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from reconciler.desired.build import Desired
from reconciler.desired.explanation import Given
from reconciler.desired.links import Source
from reconciler.desired.standing import Standing, standing_in, standing_of
from reconciler.diff.only import accounts_of
from reconciler.explain.above import Above, Lift, ruled_above
from reconciler.explain.ask import Asking, Question, Sides, person, scope_of, with_group
from reconciler.model.access import Flag, GroupKey, Role, Scope, User, UserKey
from reconciler.model.change import AddMembership, Change, ChangeRole, RemoveMembership, SetFlag, person_of
from reconciler.model.protection import matches_any
from reconciler.person import Found
from reconciler.plan.encode import Document, change_data, position_data, reason_data
from reconciler.policy.model import Protection

FORMAT_VERSION = "1.1"
_OF_GROUPS = AddMembership | ChangeRole | RemoveMembership


def explain_person(question: Question, name: str, group: str = "") -> Document:
    """Return all that one person (login, e-mail address, stable id or DN) has and should have; of one group, if it is named.

    Raises UsageError for a name that nobody has or several have, or a group that no target knows; DirectoryError for a read
    that is not proven complete; TargetError where only a target could know the name, and it does not answer.
    """
    asking = Asking(question)
    one = person(asking, name)
    targets = [target for target in question.targets if target.directory == one.directory]
    sides = [
        asking.sides(target, lambda want: scope_of(want, one, name, group), frozenset({one.key})) for target in targets
    ]
    if group:
        sides = with_group(sides, group)
    return {
        **_head(asking, user=name, group=group),
        "person": {"directory": one.directory, "key": one.key, "dn": one.dn, "status": _status(one)},
        "targets": [_of_person(side, one, question, group) for side in sides],
    }


def explain_group(question: Question, group: str) -> Document:
    """Return who is in a target group, who should be, and by which rules. Raises as `explain_person`."""
    asking = Asking(question)

    def scope(want: Desired) -> Scope | None:
        named = frozenset({GroupKey(group), *ruled_above(want, GroupKey(group))})
        return Scope(want.explain.directory.snapshot.directory, named)

    sides = with_group([asking.sides(target, scope) for target in question.targets], group)
    return {
        **_head(asking, user="", group=group),
        "person": None,
        "targets": [_of_group(side, GroupKey(group)) for side in sides],
    }


def _status(one: Found) -> str:
    if not one.dn:
        return "gone"
    return "disabled" if one.disabled else "active"


def _head(asking: Asking, **asked: str) -> Document:
    """Return how the document begins."""
    question = asking.question
    return {
        "format_version": FORMAT_VERSION,
        "asked": asked,
        "today": question.today.isoformat(),
        "live": question.live,
        "directories": [
            {"name": name, "source": one.snapshot.source, "read_at": one.snapshot.read_at}
            for name, one in sorted(asking.directories.items())
        ],
    }


def _of_person(side: Sides, one: Found, question: Question, group: str) -> Document:
    accounts = _accounts(side, one)
    rows = _live(side, accounts)
    named: set[str] = set(rows)
    if side.want:
        named |= {key for key, people in side.want.state.memberships.items() if one.key in people}
    chosen = [group] if group else sorted(named)
    above = Above(side)
    return {
        **_about(side),
        "account": _account(side, accounts, one, question),
        "flags": [_flag(flag, side, accounts, one) for flag in sorted(side.want.flags)]
        if side.want and not group
        else [],
        "groups": [
            _group_of_person(GroupKey(name), side, _Held(rows.get(GroupKey(name)), accounts, above), one)
            for name in chosen
        ],
    }


def _about(side: Sides) -> Document:
    section = side.section
    return {"name": section.name, "kind": section.kind, "address": section.address, "error": section.error}


def _accounts(side: Sides, one: Found) -> frozenset[UserKey]:
    """Return the keys of this person's accounts, as the target has them."""
    if side.have is None or side.want is None:
        return frozenset({one.key})
    return accounts_of(side.have, side.want, side.rules, {one.key}) | {one.key}


def _live(side: Sides, accounts: frozenset[UserKey]) -> dict[GroupKey, tuple[Role, bool]]:
    """Return what these accounts hold now, by group, and whether that is by hand; what is ours goes before that."""
    mine: dict[GroupKey, dict[UserKey, tuple[Role, bool]]] = {}
    if side.have is not None:
        for by_hand, rows in ((True, side.have.by_hand), (False, side.have.memberships)):
            for group, people in rows.items():
                for key in accounts & people.keys():
                    mine.setdefault(group, {})[key] = people[key], by_hand
    return {group: held[min(held)] for group, held in mine.items()}


def _account(side: Sides, accounts: frozenset[UserKey], one: Found, question: Question) -> Document:
    """Return the live account, the wanted one, and what is to become of it."""
    held = [user for key, user in (side.have.users if side.have else {}).items() if key in accounts]
    wanted = side.want.state.users.get(one.key) if side.want else None
    names = [user.username for user in (*held, wanted) if user]
    patterns = question.policy.protected.get(side.target.name, Protection()).users
    about = [change for change in _changes(side, one) if not isinstance(change, _OF_GROUPS | SetFlag)]
    return {
        "have": [_user(user) for user in held] if side.have is not None else None,
        "want": wanted.username if wanted else None,
        "frozen": side.want.frozen_users.get(one.key, "") if side.want else "",
        "protected": any(matches_any(name, patterns) for name in names),
        "changes": [change_data(change, side.target.name) for change in about],
        "held": [
            _held(side, change) for change in _withheld(side, one) if not isinstance(change, _OF_GROUPS | SetFlag)
        ],
    }


def _user(user: User) -> Document:
    return {
        "username": user.username,
        "key": user.key,
        "active": user.active,
        "ours": user.managed,
        "disabled_by_hand": user.disabled_by_hand,
    }


def _changes(side: Sides, one: Found) -> list[Change]:
    return [change for change in side.section.changes if person_of(change) == one.key]


def _withheld(side: Sides, one: Found) -> list[Change]:
    return [item.change for item in side.section.withheld if person_of(item.change) == one.key]


def _held(side: Sides, change: Change) -> Document:
    item = next(item for item in side.section.withheld if item.change is change)
    return {"hold": str(item.hold), "detail": item.detail, "change": change_data(change, side.target.name)}


def _flag(flag: Flag, side: Sides, accounts: frozenset[UserKey], one: Found) -> Document:
    assert side.want is not None  # noqa: S101 - asked for flags of what is wanted only
    have = None
    if side.have is not None:
        have = any(user.flags.get(flag, False) for key, user in side.have.users.items() if key in accounts)
    standing = standing_of(flag, side.want, one.key)
    changes = [change for change in _changes(side, one) if isinstance(change, SetFlag) and change.flag is flag]
    held = [change for change in _withheld(side, one) if isinstance(change, SetFlag) and change.flag is flag]
    return {"flag": str(flag), "have": have, "want": standing.role is not None, **_fate(side, standing, changes, held)}


class _Held(NamedTuple):
    """What somebody's accounts hold in a group now, and whether that is by hand; which they are, and what is above."""

    now: tuple[Role, bool] | None
    accounts: frozenset[UserKey]
    above: Above


def _group_of_person(group: GroupKey, side: Sides, held_now: _Held, one: Found) -> Document:
    ruled = side.want is not None and group in side.want.state.groups
    standing = standing_in(group, side.want, one.key, side.can.roles) if side.want and ruled else Standing(None)
    lift = held_now.above.lift(one.key, held_now.accounts, group, standing.role)
    if lift:
        roles = side.can.roles
        more = tuple(source for source in standing.missed if roles.index(source.role) > roles.index(lift.role))
        standing = replace(standing, role=lift.role, missed=more)
    changes = [change for change in _changes(side, one) if isinstance(change, _OF_GROUPS) and change.group == group]
    held = [change for change in _withheld(side, one) if isinstance(change, _OF_GROUPS) and change.group == group]
    return {
        "group": group,
        "ruled": ruled,
        "have": held_now.now[0] if held_now.now else None,
        "by_hand": bool(held_now.now and held_now.now[1]),
        "want": standing.role,
        "floor": _floor(lift),
        **_fate(side, standing, changes, held),
    }


def _floor(lift: Lift | None) -> Document | None:
    return lift and {"role": lift.role, "group": lift.group}


def _fate(side: Sides, standing: Standing, changes: Iterable[Change], held: Iterable[Change]) -> Document:
    """Return what the rules say, and what the next apply would do about it."""
    return {
        "given": [_given(given) for given in standing.given],
        "missed": [_source(source) for source in standing.missed],
        "ended": [
            {
                "role": grant.access,
                "until": grant.until.isoformat(),
                "reason": grant.reason,
                "rule": position_data(grant.where),
            }
            for grant in standing.ended
        ],
        "frozen": standing.frozen,
        "unsure": standing.unsure,
        "changes": [change_data(change, side.target.name) for change in changes],
        "held": [_held(side, change) for change in held],
    }


def _of_group(side: Sides, group: GroupKey) -> Document:
    sources = side.want.explain.sources.get(group, ()) if side.want else ()
    return {
        **_about(side),
        "group": group,
        "ruled": bool(side.want and group in side.want.state.groups),
        "exists": group in side.have.groups if side.have is not None else None,
        "rules": [{**_source(source), "people": len(source.people)} for source in sources[::-1]],
        "frozen": side.want.frozen_groups.get(group, "") if side.want else "",
        "people": _people(side, group),
    }


def _people(side: Sides, group: GroupKey) -> list[Document]:
    """Return everybody who is in the group or should be, by name."""
    want = side.want
    wanted = want.state.memberships.get(group, {}) if want else {}
    held = {_owner(side, key): (key, role, by_hand) for key, role, by_hand in _rows(side, group)}
    fate = {
        person_of(change): change_data(change, side.target.name)
        for change in side.section.changes
        if isinstance(change, _OF_GROUPS) and change.group == group
    }
    kept = {
        person_of(item.change): item.change
        for item in side.section.withheld
        if isinstance(item.change, _OF_GROUPS) and item.change.group == group
    }
    above, accounts = Above(side), _accounts_of_all(side)
    found: list[Document] = []
    for key in sorted(held.keys() | wanted.keys()):
        given = want.explain.gained(group, key) if want and key in wanted else None
        account, role, by_hand = held.get(key, (key, None, False))
        lift = above.lift(key, accounts.get(key, frozenset()), group, wanted.get(key))
        found.append(
            {
                "username": _name(side, key, account),
                "key": key,
                "have": role,
                "by_hand": by_hand,
                "want": lift.role if lift else wanted.get(key),
                "floor": _floor(lift),
                "reason": reason_data(given) if given else None,
                "change": fate.get(key),
                "held": [_held(side, kept[key])] if key in kept else [],
            }
        )
    return sorted(found, key=lambda row: (str(row["username"]), str(row["key"])))


def _accounts_of_all(side: Sides) -> dict[UserKey, set[UserKey]]:
    """Return the keys of everybody's accounts, where somebody may hold something above a group that is looked at."""
    found: dict[UserKey, set[UserKey]] = defaultdict(set)
    if side.have is not None and side.can.inherits:
        for key in side.have.users:
            found[_owner(side, key)].add(key)
    return found


def _rows(side: Sides, group: GroupKey) -> Iterator[tuple[UserKey, Role, bool]]:
    """Yield who is in a group now, and whether by hand; what is ours comes last."""
    if side.have is not None:
        for by_hand, rows in ((True, side.have.by_hand), (False, side.have.memberships)):
            yield from ((key, role, by_hand) for key, role in rows.get(group, {}).items())


def _owner(side: Sides, key: UserKey) -> UserKey:
    """Return the key of the person behind a live account, its own where that is nobody or not clear."""
    user = side.have.users.get(key) if side.have else None
    people = side.want.roll.behind(user) if user is not None and side.want and user.managed else ()
    return people[0].key if len(people) == 1 else key


def _name(side: Sides, key: UserKey, account: UserKey) -> str:
    """Return what somebody is called: by the live account, else as the policy wants it, else by the entry."""
    users = side.have.users if side.have else {}
    user = users.get(account) or users.get(key) or (side.want.state.users.get(key) if side.want else None)
    if user:
        return user.username
    return side.want.explain.dn_of(key) if side.want and key in side.want.explain.index_of else str(key)


def _given(given: Given) -> Document:
    return {"role": given.role, "reason": reason_data(given.reason)}


def _source(source: Source) -> Document:
    return {
        "role": source.role,
        "why": str(source.why),
        "label": source.label,
        "rule": position_data(source.rule),
        "gap": source.gap,
    }
