"""Limits on what one plan may do: each guard looks at one target's findings and refuses with numbers; decides nothing else.

A refusal is data. It is shown with the plan, it names the objects, and it prints the waiver that a person can review.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeGuard, TypeVar, assert_never

from reconciler.diff.cascade import instead_of
from reconciler.diff.rules import is_demotion
from reconciler.model.access import Flag, Group, GroupKey, Role, State, Totals, UserKey
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
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    SetFlag,
    UpdateUser,
)
from reconciler.model.plan import Hold, Refusal, Withheld
from reconciler.plan.summary import is_privileged_grant
from reconciler.policy.model import GuardLimits, Limit

MAX_OBJECTS = 20
_WAIVER_DAYS = 7


@dataclass(frozen=True, slots=True)
class Subject:
    """What guards look at: one target, its live state under the plan's keys, and the changes that are to be made."""

    target: str
    have: State
    changes: Sequence[Change]
    privileged: frozenset[str]
    today: date
    roles: Sequence[Role] = ()
    directory_is_empty: bool = False
    directory: str = ""

    @property
    def removals(self) -> Sequence[RemoveMembership]:
        """Return the memberships to be taken away."""
        return [change for change in self.changes if isinstance(change, RemoveMembership)]

    @property
    def losses(self) -> Sequence[RemoveMembership | ChangeRole]:
        """Return the memberships to be taken away, and those that are to end with a lower role."""
        return [change for change in self.changes if isinstance(change, RemoveMembership) or self._lowers(change)]

    @property
    def lost_admins(self) -> Sequence[SetFlag]:
        """Return who is to lose the admin mark; to lose the other mark, external, is no loss."""
        changes = [change for change in self.changes if isinstance(change, SetFlag) and not change.want]
        return [change for change in changes if change.flag is Flag.ADMIN]

    @property
    def admins(self) -> int:
        """Return how many accounts of ours carry the admin mark now."""
        if self.have.totals is not None:
            return self.have.totals.admins
        return sum(user.managed and user.flags.get(Flag.ADMIN, False) for user in self.have.users.values())

    @property
    def holdings(self) -> Totals:
        """Return how much of ours there is in all; of accounts those that are open, or closed by this plan."""
        have, closing = self.have, {change.who.key for change in self.changes if _closes(change)}
        inactive = sum(not have.users[key].active for key in closing)
        if have.totals is not None:
            return replace(have.totals, accounts=have.totals.accounts + inactive)
        return Totals(
            accounts=sum(user.managed and user.active for user in have.users.values()) + inactive,
            admins=self.admins,
            groups=sum(group.managed for group in have.groups.values()),
            memberships=sum(map(len, have.memberships.values())),
        )

    def _lowers(self, change: Change) -> TypeGuard[ChangeRole]:
        return isinstance(change, ChangeRole) and is_demotion(change.have, change.want, self.roles)


def refusals(subject: Subject, limits: GuardLimits) -> tuple[Refusal, ...]:
    """Return what the guards stop, in a fixed order; empty where the plan may go on."""
    found = [
        *_empty_directory(subject),
        *_max_removals(subject, limits.max_removals),
        *_max_removals_per_group(subject, limits.max_removals_per_group),
        *_empty_group(subject, limits),
        *_max_privileged_grants(subject, limits.max_privileged_grants),
    ]
    return tuple(found)


def keep_owners(
    subject: Subject, owner: Role | None, minimum: int | None
) -> tuple[tuple[Change, ...], tuple[Withheld, ...]]:
    """Return the changes that may be made and those held back so that each group keeps its minimum of owners.

    Not a refusal: the run goes on. Who is last in the plan's order stays, so the choice is the same in every run. Groups
    that have fewer owners than the minimum already are not made worse; groups that go away keep nobody. Owners whose
    account is disabled, or will be, cannot do an owner's work: they count for the minimum among themselves only. An
    account that stays is disabled where it would have been removed. `subject.changes` stand in the order of the plan.
    """
    if owner is None or not minimum:
        return tuple(subject.changes), ()
    owners = _Owners(subject, owner, minimum)
    staying: set[UserKey] = set()
    kept: list[Change] = []
    held: list[Change] = []
    for change in subject.changes:
        if _ends_ownership(change, owner) and not owners.can_spare(change):
            staying.add(change.who.key)
            held.append(change)
        elif isinstance(change, RemoveUser) and change.who.key in staying:
            held.append(change)
            kept += instead_of(change)
        else:
            kept.append(change)
    detail = f"min_owners is {minimum}"
    return tuple(kept), tuple(Withheld(change, Hold.LAST_OWNER, detail) for change in held)


def switched_off(limits: GuardLimits) -> tuple[str, ...]:
    """Return the names of the guards that the policy has switched off, for the plan's header."""
    off = [
        name
        for name in (
            "max_removals",
            "max_removals_per_group",
            "min_owners",
            "max_privileged_grants",
            "max_directory_shrink",
        )
        if getattr(limits, name) is None
    ]
    off += [
        name
        for name, is_off in (("empty_group", limits.empty_group == "allow"), ("protect_self", not limits.protect_self))
        if is_off
    ]
    return tuple(sorted(off))


def ceiling(limit: Limit, total: int) -> int:
    """Return how many of `total` may go: the lower of the two limits.

    A percentage above 0 always lets one go, or nobody could ever leave a small group.
    """
    bounds = [] if limit.count is None else [limit.count]
    if limit.percent is not None:
        bounds.append(max(int(limit.percent > 0), math.floor(total * limit.percent / 100)))
    return min(bounds, default=total)


def _empty_directory(subject: Subject) -> Iterable[Refusal]:
    rows = sum(len(people) for people in subject.have.memberships.values())
    accounts = sum(user.managed for user in subject.have.users.values())
    if subject.directory_is_empty and (rows or accounts):
        held = f"{accounts} accounts and {rows} memberships"
        summary = f'The directory "{subject.directory}" holds nobody, and this target holds {held} of it.'
        refusal = _refusal(subject, "empty_directory", summary, (0, 1, accounts))
        way_out = (
            f"correct base and user_filter of directories.{subject.directory}, or take the target out of the policy."
        )
        yield replace(refusal, waiver=f"# No waiver lifts this: {way_out}")


def _max_removals(subject: Subject, limit: Limit | None) -> Iterable[Refusal]:
    """Count memberships, accounts and groups each by themselves: a disabled account is access that is taken away, too."""
    if limit is None:
        return
    losses, total = subject.losses, subject.holdings
    closed = [change for change in subject.changes if _closes(change)]
    gone = [change for change in subject.changes if isinstance(change, RemoveGroup)]
    counted: list[tuple[str, str, Sequence[Change], int]] = [
        (_verb(losses), "memberships", losses, total.memberships),
        ("Disables or removes", "accounts", closed, total.accounts),
        ("Removes", "groups", gone, total.groups),
    ]
    for verb, noun, changes, there in counted:
        allowed = ceiling(limit, there)
        if len(changes) > allowed:
            summary = f"{verb} {len(changes)} of {there} {noun}; the limit is {allowed} ({_said(limit)})."
            yield _refusal(subject, "max_removals", summary, (len(changes), allowed, there), changes)


def _closes(change: Change) -> TypeGuard[DisableUser | RemoveUser]:
    return isinstance(change, DisableUser | RemoveUser)


def _max_removals_per_group(subject: Subject, limit: Limit | None) -> Iterable[Refusal]:
    """Look at each group, and at those who carry an instance-wide mark as if they were one."""
    if limit is None:
        return
    for group, losses in _by_group(subject.losses).items():
        total = len(subject.have.memberships.get(group, ()))
        allowed = ceiling(limit, total)
        if len(losses) > allowed:
            what = f"{_verb(losses)} {len(losses)} of {total} members of {group}"
            summary = f"{what}; the limit is {allowed} ({_said(limit)})."
            numbers = (len(losses), allowed, total)
            yield _refusal(subject, "max_removals_per_group", summary, numbers, losses, group=group)
    lost, total = subject.lost_admins, subject.admins
    allowed = ceiling(limit, total)
    if len(lost) > allowed:
        summary = f"Takes the admin mark from {len(lost)} of {total}; the limit is {allowed} ({_said(limit)})."
        yield _refusal(subject, "max_removals_per_group", summary, (len(lost), allowed, total), lost)


def _empty_group(subject: Subject, limits: GuardLimits) -> Iterable[Refusal]:
    if limits.empty_group == "allow":
        return
    going = {change.have.key for change in subject.changes if isinstance(change, RemoveGroup)}
    joining = Counter(change.group for change in subject.changes if isinstance(change, AddMembership))
    for group, removals in _by_group(subject.removals).items():
        total = len(subject.have.memberships.get(group, ()))
        by_hand = len(subject.have.by_hand.get(group, ()))
        if group not in going and len(removals) == total and not joining[group] and not by_hand:
            summary = f"Leaves {group} without a member: {_all(total)}."
            yield _refusal(subject, "empty_group", summary, (total, total - 1, total), removals, group=group)
    lost, total = subject.lost_admins, subject.admins
    if lost and len(lost) == total and not any(_gives_admin(change) for change in subject.changes):
        summary = f"Leaves nobody with the admin mark: {_all(total)}."
        yield _refusal(subject, "empty_group", summary, (total, total - 1, total), lost)


def _gives_admin(change: Change) -> bool:
    return is_privileged_grant(change, frozenset())


def _all(total: int) -> str:
    return "the only one goes" if total == 1 else f"all {total} go"


def _verb(losses: Sequence[RemoveMembership | ChangeRole]) -> str:
    return "Removes or lowers" if any(isinstance(change, ChangeRole) for change in losses) else "Removes"


def _max_privileged_grants(subject: Subject, limit: int | None) -> Iterable[Refusal]:
    grants = [change for change in subject.changes if is_privileged_grant(change, subject.privileged)]
    if limit is not None and len(grants) > limit:
        summary = f"Gives {len(grants)} privileged roles; the limit is {limit}."
        yield _refusal(subject, "max_privileged_grants", summary, (len(grants), limit, 0), grants)


class _Owners:
    """How many owners each group can lose: of all, and of those whose account is active once the plan is made."""

    def __init__(self, subject: Subject, owner: Role, minimum: int) -> None:
        self._going = {change.have.key for change in subject.changes if isinstance(change, RemoveGroup)}
        self._inactive = _inactive_after(subject)
        self._spare: Counter[GroupKey] = Counter()
        self._spare_active: Counter[GroupKey] = Counter()
        gained: defaultdict[GroupKey, list[UserKey]] = defaultdict(list)
        for change in subject.changes:
            if isinstance(change, AddMembership | ChangeRole) and change.want == owner:
                gained[change.group].append(change.who.key)
        for group in {change.group for change in subject.changes if isinstance(change, RemoveMembership | ChangeRole)}:
            rows = {**subject.have.by_hand.get(group, {}), **subject.have.memberships.get(group, {})}
            found = [key for key, role in rows.items() if role == owner] + gained[group]
            self._spare[group] = len(found) - minimum
            self._spare_active[group] = sum(key not in self._inactive for key in found) - minimum

    def can_spare(self, change: RemoveMembership | ChangeRole) -> bool:
        """Tell whether the group can do without this owner, and count the owner as gone if so."""
        if change.group in self._going:
            return True
        active = change.who.key not in self._inactive
        if self._spare[change.group] < 1 or (active and self._spare_active[change.group] < 1):
            return False
        self._spare[change.group] -= 1
        self._spare_active[change.group] -= active
        return True


def _inactive_after(subject: Subject) -> set[UserKey]:
    """Return the accounts that are disabled, or will be, or go."""
    enabled = {change.who.key for change in subject.changes if isinstance(change, EnableUser)}
    closed = {change.who.key for change in subject.changes if isinstance(change, DisableUser | RemoveUser)}
    return {key for key, user in subject.have.users.items() if not user.active} - enabled | closed


def _ends_ownership(change: Change, owner: Role) -> TypeGuard[RemoveMembership | ChangeRole]:
    return isinstance(change, RemoveMembership | ChangeRole) and change.have == owner


_Loss = TypeVar("_Loss", RemoveMembership, RemoveMembership | ChangeRole)


def _by_group(losses: Sequence[_Loss]) -> Mapping[GroupKey, list[_Loss]]:
    found: dict[GroupKey, list[_Loss]] = {}
    for change in losses:
        found.setdefault(change.group, []).append(change)
    return dict(sorted(found.items()))


def named(change: Change) -> str:
    """Return what a refusal calls the change: the group and the person, the mark and the person, or the one that there is."""
    match change:
        case (
            AddMembership(who=who, group=group)
            | ChangeRole(who=who, group=group)
            | RemoveMembership(who=who, group=group)
        ):
            return f"{group}: {who.username}"
        case SetFlag(who=who, flag=flag):
            return f"{flag}: {who.username}"
        case CreateUser(user=user):
            return user.username
        case (
            AdoptUser(who=who) | UpdateUser(who=who) | EnableUser(who=who) | DisableUser(who=who) | RemoveUser(who=who)
        ):
            return who.username
        case CreateGroup(group=Group(key=key)) | AdoptGroup(group=Group(key=key)) | RemoveGroup(have=Group(key=key)):
            return key
        case RenameGroup(have=key):
            return key
        case _:
            assert_never(change)


def _said(limit: Limit) -> str:
    said = [] if limit.percent is None else [f"{limit.percent:g} %"]
    if limit.count is not None:
        said.append(f"at most {limit.count}")
    return ", ".join(said)


def _refusal(  # noqa: PLR0913 - the fields of a refusal, which only this builds
    subject: Subject,
    guard: str,
    summary: str,
    numbers: tuple[int, int, int],
    changes: Iterable[Change] = (),
    *,
    group: GroupKey | None = None,
) -> Refusal:
    count, limit, total = numbers
    return Refusal(
        guard=guard,
        summary=summary,
        count=count,
        limit=limit,
        total=total,
        group=group,
        objects=tuple(sorted(map(named, changes))[:MAX_OBJECTS]),
        waiver=waiver_for(guard, subject.target, group, subject.today),
    )


def waiver_for(guard: str, target: str, group: GroupKey | None, today: date) -> str:
    """Return the waiver to paste under ``waivers:``, its gaps marked; valid YAML once they are filled."""
    scope = f", group: {_quoted(group)}" if group else ""
    until = today + timedelta(days=_WAIVER_DAYS)
    return f'- {{guard: {guard}, target: {_quoted(target)}{scope}, until: {until}, approved_by: "…", reason: "…"}}'


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
