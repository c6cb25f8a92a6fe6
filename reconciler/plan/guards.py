"""Limits on what one plan may do: each guard looks at one target's findings and refuses with numbers; decides nothing else.

A refusal is data. It is shown with the plan, it names the objects, and it prints the waiver that a person can review.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace

from reconciler.model.access import Flag
from reconciler.model.change import (
    AddMembership,
    Change,
    ChangeRole,
    CreateUser,
    RemoveGroup,
    RemoveMembership,
    SetFlag,
)
from reconciler.model.plan import Refusal
from reconciler.model.text import shortened
from reconciler.plan.changes_id import changes_id
from reconciler.plan.subject import Subject, by_group, named
from reconciler.plan.summary import is_privileged_grant
from reconciler.plan.waivers import waiver_for
from reconciler.policy.model import GuardLimits, Limit

MAX_OBJECTS = 20
GUARDS = tuple(sorted(field.name for field in fields(GuardLimits) if field.name != "explicit"))
"""The names of all guards that a policy can set."""


def refusals(subject: Subject, limits: GuardLimits) -> tuple[tuple[Refusal, ...], str]:
    """Return what the guards stop, in a fixed order, and the id of the changes that it was found in.

    Both are empty where the plan may go on. Waivers to paste are bound to that id.
    """
    found = [
        *_empty_directory(subject),
        *_max_directory_shrink(subject, limits.max_directory_shrink),
        *_missing_group(subject),
        *_max_removals(subject, limits.max_removals),
        *_max_removals_per_group(subject, limits.max_removals_per_group),
        *_empty_group(subject, limits),
        *_empty_admin_group(subject, limits),
        *_empty_external_group(subject, limits),
        *_max_privileged_grants(subject, limits.max_privileged_grants),
        *_max_created_users(subject, limits.max_created_users),
        *_max_disabled_users(subject, limits.max_disabled_users),
    ]
    if not found:
        return (), ""
    name = changes_id(subject.target, subject.changes)
    return tuple(
        refusal if refusal.waiver else replace(refusal, waiver=waiver_for(refusal, subject.target, subject.today, name))
        for refusal in found
    ), name


def switched_off(limits: GuardLimits) -> tuple[str, ...]:
    """Return the names of the guards that the policy has switched off, sorted, for the plan's header."""
    set_to = {name: getattr(limits, name) for name in GUARDS}
    return tuple(name for name, value in set_to.items() if value is None or value is False or value == "allow")


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
    if subject.whole and not subject.people and (rows or accounts):
        held = f"{accounts} accounts and {rows} memberships"
        summary = f'The directory "{subject.directory}" holds nobody, and this target holds {held} of it.'
        refusal = _refusal("empty_directory", summary, (0, 1, accounts))
        way_out = (
            f"correct base and user_filter of directories.{subject.directory}, or take the target out of the policy."
        )
        yield replace(refusal, waiver=f"# No waiver lifts this: {way_out}")


def _max_directory_shrink(subject: Subject, limit: Limit | None) -> Iterable[Refusal]:
    """Compare with what the last apply saw: a directory that lost many entries at once was more often read wrongly."""
    seen = subject.seen
    if limit is None or seen is None or not subject.whole:
        return
    counted = (("person", "people", subject.people, seen.people), ("group", "groups", subject.groups, seen.groups))
    for one, many, now, before in counted:
        lost, allowed = before - now, ceiling(limit, before)
        if lost > allowed:
            holds = f'The directory "{subject.directory}" holds {now} {one if now == 1 else many}, and held {before}'
            when = f"when it was last applied from, as read at {shortened(seen.read_at, 40)}"
            summary = f"{holds} {when}: {lost} fewer; the limit is {allowed} ({_said(limit)})."
            yield _refusal("max_directory_shrink", summary, (lost, allowed, before))


def _missing_group(subject: Subject) -> Iterable[Refusal]:
    """Keep what `on_missing_group: error` says: no plan without every directory group that a rule names."""
    for group, labels in sorted(subject.missing_groups.items()):
        summary = f"{group} is linked to {', '.join(labels)}, missing in the directory or unreadable."
        refusal = _refusal("missing_group", summary, (len(labels), 0, 0))
        yield replace(refusal, group=group, objects=tuple(labels[:MAX_OBJECTS]))


def _max_removals(subject: Subject, limit: Limit | None) -> Iterable[Refusal]:
    """Count memberships and groups each by themselves."""
    if limit is None:
        return
    losses, total = subject.losses, subject.holdings
    gone = [change for change in subject.changes if isinstance(change, RemoveGroup)]
    counted: list[tuple[str, str, Sequence[Change], int]] = [
        (_verb(losses), "memberships", losses, total.memberships),
        ("Removes", "groups", gone, total.groups),
    ]
    for verb, noun, changes, there in counted:
        yield from _too_many("max_removals", (verb, f" {noun}"), changes, there, limit)


def _max_removals_per_group(subject: Subject, limit: Limit | None) -> Iterable[Refusal]:
    """Look at each group, and at those who carry an instance-wide mark as if they were one."""
    if limit is None:
        return
    for group, losses in by_group(subject.losses).items():
        total = len(subject.have.memberships.get(group, ()))
        does = (_verb(losses), f" members of {group}")
        for refusal in _too_many("max_removals_per_group", does, losses, total, limit):
            yield replace(refusal, group=group)
    does = ("Takes the admin mark from", "")
    yield from _too_many("max_removals_per_group", does, subject.lost_admins, subject.admins, limit)


def _empty_group(subject: Subject, limits: GuardLimits) -> Iterable[Refusal]:
    if limits.empty_group == "allow":
        return
    going = subject.going
    joining = Counter(change.group for change in subject.changes if isinstance(change, AddMembership))
    for group, removals in by_group(subject.removals).items():
        total = len(subject.have.memberships.get(group, ()))
        by_hand = len(subject.have.by_hand.get(group, ()))
        if group not in going and len(removals) == total and not joining[group] and not by_hand:
            summary = f"Leaves {group} without a member: {_all(total)}."
            yield replace(_refusal("empty_group", summary, (total, total - 1, total), removals), group=group)


def _empty_admin_group(subject: Subject, limits: GuardLimits) -> Iterable[Refusal]:
    """Refuse an admin group that makes nobody an administrator, and a plan that leaves none."""
    if limits.empty_admin_group == "allow":
        return
    lost, total = subject.lost_admins, subject.admins
    leaves = bool(lost) and len(lost) == total and not any(_gives_admin(change) for change in subject.changes)
    nobody = subject.no_admins if subject.whole else ""
    if nobody or leaves:
        says = f"Leaves nobody with the admin mark: {_all(total)}." if leaves else ""
        summary = " ".join(filter(None, (nobody, says)))
        yield _refusal("empty_admin_group", summary, (total, total - 1, total) if leaves else (0, 1, total), lost)


def _gives_admin(change: Change) -> bool:
    match change:
        case CreateUser(user=user):
            return user.flags.get(Flag.ADMIN, False)
        case _:
            return isinstance(change, SetFlag) and change.flag is Flag.ADMIN and change.want


def _empty_external_group(subject: Subject, limits: GuardLimits) -> Iterable[Refusal]:
    """Refuse where a group that marks external users or auditors is missing, or where all of them mark nobody.

    Who is no longer external sees more, so a group that was renamed or emptied by mistake must not let everybody in.
    """
    if limits.empty_external_group == "allow" or not subject.whole or not subject.no_externals:
        return
    lost = [change for change in subject.changes if isinstance(change, SetFlag) and not change.want]
    lost = [change for change in lost if change.flag is not Flag.ADMIN]
    yield _refusal("empty_external_group", subject.no_externals, (0, 1, 0), lost)


def _all(total: int) -> str:
    return "the only one goes" if total == 1 else f"all {total} go"


def _verb(losses: Sequence[RemoveMembership | ChangeRole]) -> str:
    return "Removes or lowers" if any(isinstance(change, ChangeRole) for change in losses) else "Removes"


def _max_privileged_grants(subject: Subject, limit: int | None) -> Iterable[Refusal]:
    grants = [change for change in subject.changes if is_privileged_grant(change, subject.privileged)]
    if limit is not None and len(grants) > limit:
        summary = f"Gives {len(grants)} privileged roles; the limit is {limit}."
        yield _refusal("max_privileged_grants", summary, (len(grants), limit, 0), grants)


def _max_created_users(subject: Subject, limit: int | None) -> Iterable[Refusal]:
    """Stop a wrong filter that selects everybody: accounts cost licences, and each of them can log in."""
    created = [change for change in subject.changes if isinstance(change, CreateUser)]
    if limit is not None and len(created) > limit:
        summary = f"Creates {len(created)} accounts; the limit is {limit}."
        yield _refusal("max_created_users", summary, (len(created), limit, 0), created)


def _max_disabled_users(subject: Subject, limit: Limit | None) -> Iterable[Refusal]:
    """Count accounts that are disabled with those that are removed, of all that are open before."""
    if limit is None:
        return
    does = ("Disables or removes", " accounts")
    yield from _too_many("max_disabled_users", does, subject.closed, subject.holdings.accounts, limit)


def _too_many(
    guard: str, does: tuple[str, str], changes: Sequence[Change], total: int, limit: Limit
) -> Iterable[Refusal]:
    """Refuse where there are more changes than the limit allows; `does` says what they do, before and after the numbers."""
    allowed = ceiling(limit, total)
    if len(changes) > allowed:
        what = f"{does[0]} {len(changes)} of {total}{does[1]}"
        summary = f"{what}; the limit is {allowed} ({_said(limit)})."
        yield _refusal(guard, summary, (len(changes), allowed, total), changes)


def _said(limit: Limit) -> str:
    said = [] if limit.percent is None else [f"{limit.percent:g} %"]
    if limit.count is not None:
        said.append(f"at most {limit.count}")
    return ", ".join(said)


def _refusal(guard: str, summary: str, numbers: tuple[int, int, int], changes: Iterable[Change] = ()) -> Refusal:
    count, limit, total = numbers
    objects = tuple(sorted(map(named, changes))[:MAX_OBJECTS])
    return Refusal(guard, summary, count, limit, total, group=None, objects=objects, waiver="")
