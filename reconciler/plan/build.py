"""Turn what differs into one target's section of the plan: order, guards, waivers, findings; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from reconciler.desired.build import Desired
from reconciler.diff.compare import compare
from reconciler.diff.only import concerned
from reconciler.diff.rules import Clash, DiffRules, Findings
from reconciler.diff.settings import unsupported
from reconciler.model.access import Capabilities, GroupKey, State
from reconciler.model.change import (
    Change,
    RemoveMembership,
    object_of,
)
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.directory import Snapshot
from reconciler.model.past import NOTHING, Past
from reconciler.model.plan import DirectoryFacts, Refusal, TargetPlan, Withheld
from reconciler.plan.guards import refusals, switched_off
from reconciler.plan.order import ordered, step
from reconciler.plan.own_account import keep_own_account
from reconciler.plan.owners import keep_owners
from reconciler.plan.quarantine import Quarantine, keep_quarantined
from reconciler.plan.subject import Subject
from reconciler.plan.waivers import apply_waivers
from reconciler.policy.model import GuardLimits, Waiver

_NAMED = 5  # people or groups that one note names


@dataclass(frozen=True, slots=True)
class Safety:
    """What limits one target's plan: guards, waivers of the whole policy, the day (UTC) they are judged by, what the
    target calls privileged, and what earlier runs have left to know.
    """

    limits: GuardLimits
    waivers: Sequence[Waiver]
    today: date
    capabilities: Capabilities
    past: Past = NOTHING

    @property
    def privileged(self) -> frozenset[str]:
        """Return the roles whose grants are counted."""
        return frozenset(self.capabilities.privileged_roles)


def build_target(target: TargetPlan, have: State, want: Desired, rules: DiffRules, safety: Safety) -> TargetPlan:
    """Return the section of one target, filled: every change in the order in which it is to be made.

    `target` brings the name, kind, address and directory; everything else is set here.
    """
    have, found, kept = _compared(target, have, want, rules, safety)
    subject = _subject(target, kept.have, want, _ordered(kept.changes, safety), safety)
    refused = refusals(subject, safety.limits)
    standing, waived = apply_waivers(refused, safety.waivers, target.name, safety.today)
    quarantine = _quarantine(target.name, safety)
    notes = (
        *unsupported(have, want, rules),
        *_without_account(have, want),
        *_unruled(concerned(have, want), want, found.changes),
        *quarantine.notes(subject.changes),
    )
    return replace(
        target,
        changes=tuple(subject.changes),
        refusals=(*standing, *(_clash(clash, target.name) for clash in found.clashes)),
        withheld=tuple(sorted([*found.withheld, *kept.withheld], key=_withheld_key)),
        diagnostics=tuple(
            sorted(dict.fromkeys([*want.diagnostics, *have.notes, *waived, *notes]), key=_diagnostic_key),
        ),
        unchanged=found.unchanged,
        privileged=safety.privileged,
        guards_off=switched_off(safety.limits),
        changes_id=refused[1],
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is left of a comparison: the live state, the changes that may be made, and those that a guard holds back."""

    have: State
    changes: Sequence[Change]
    withheld: Sequence[Withheld]


def _compared(
    target: TargetPlan, have: State, want: Desired, rules: DiffRules, safety: Safety
) -> tuple[State, Findings, _Kept]:
    """Return the live state as compared, what differs, and what guards that do not refuse the rest leave of it.

    Where a target inherits, what is held back in one group decides what is wanted below it, so that it is compared again.
    This ends: nothing is decided by what lies below, so each round settles at least one more level of groups.
    """
    not_made: frozenset[str] = frozenset()
    while True:
        aligned, found = compare(have, want, rules, not_made)
        kept = _held_back(_subject(target, aligned, want, found.changes, safety), safety)
        held = frozenset(object_of(one.change) for one in kept.withheld)
        if held == not_made or not rules.inherits:
            return aligned, found, kept
        not_made = held


def _held_back(subject: Subject, safety: Safety) -> _Kept:
    have, changes, quarantined = keep_quarantined(subject.have, subject.changes, _quarantine(subject.target, safety))
    own: Sequence[Withheld] = ()
    if safety.limits.protect_self:
        changes, own = keep_own_account(replace(subject, have=have, changes=changes))
    in_order = replace(subject, have=have, changes=_ordered(changes, safety))
    changes, last_owners = keep_owners(in_order, safety.capabilities.owner_role, safety.limits.min_owners)
    return _Kept(have, changes, (*quarantined, *own, *last_owners))


def _ordered(changes: Sequence[Change], safety: Safety) -> tuple[Change, ...]:
    return ordered(changes, safety.capabilities.roles, inherits=safety.capabilities.inherits)


def _quarantine(target: str, safety: Safety) -> Quarantine:
    return Quarantine(
        safety.past.troubles.get(target, {}),
        safety.today,
        safety.capabilities.roles,
        nests=safety.capabilities.inherits,
    )


def facts_of(snapshot: Snapshot) -> DirectoryFacts:
    """Return what a plan remembers of a snapshot."""
    people, groups = len(snapshot.people), len(snapshot.groups)
    return DirectoryFacts(
        snapshot.directory,
        snapshot.source,
        snapshot.read_at,
        snapshot.digest,
        people=people,
        groups=groups,
        confirmed_at=snapshot.confirmed_at,
    )


def _subject(target: TargetPlan, have: State, want: Desired, changes: Sequence[Change], safety: Safety) -> Subject:
    return Subject(
        target=target.name,
        have=have,
        changes=changes,
        privileged=safety.privileged,
        today=safety.today,
        roles=safety.capabilities.roles,
        inherits=safety.capabilities.inherits,
        directory=target.directory,
        whole=want.only is None,
        people=len(want.roll.people),
        groups=len(want.directory_groups),
        seen=safety.past.seen.get(target.name),
        missing_groups=want.missing_groups,
        no_admins=want.no_admins,
        no_externals=want.no_externals,
    )


def _without_account(have: State, want: Desired) -> tuple[Diagnostic, ...]:
    """Return a note that names the people in scope who get no account because their entry is disabled."""
    names = sorted(user.username for key, user in want.state.users.items() if not user.active and key not in have.users)
    if not names:
        return ()
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    summary = f"No account is made for who is disabled in the directory: {', '.join(names[:_NAMED])}{more}."
    return (Diagnostic(Severity.NOTE, "USER-DISABLED", summary),)


def _unruled(have: State, want: Desired, changes: Sequence[Change]) -> tuple[Diagnostic, ...]:
    """Return a note that counts the memberships of ours in groups that no rule names: these stay as they are."""
    ends = Counter(str(change.group) for change in changes if isinstance(change, RemoveMembership))
    rows = {str(group): len(people) - ends[group] for group, people in have.memberships.items()}
    staying = {group: count for group, count in sorted(rows.items()) if count and group not in want.state.groups}
    if not staying:
        return ()
    total = sum(staying.values())
    more = f" and {len(staying) - _NAMED} more" if len(staying) > _NAMED else ""
    what = "1 membership stays in a group" if total == 1 else f"{total} memberships stay in groups"
    summary = f"{what} that no rule names: {', '.join([*staying][:_NAMED])}{more}."
    detail = "To end access there, name the group with an empty list of links."
    return (Diagnostic(Severity.NOTE, "GROUP-WITHOUT-RULE", summary, detail),)


def _withheld_key(withheld: Withheld) -> tuple[object, ...]:
    return (*step(withheld.change, {}), withheld.hold, withheld.detail)


def _diagnostic_key(finding: Diagnostic) -> tuple[object, ...]:
    where = (finding.where.path, finding.where.line, finding.where.column) if finding.where else ("", 0, 0)
    return (*where, finding.code, finding.subject, finding.summary, finding.detail, finding.severity)


def _clash(clash: Clash, target: str) -> Refusal:
    adopt = f", or set targets.{target}.{clash.kind}s.adopt to true" if clash.adoptable else ""
    return Refusal(
        guard=f"not_ours_{clash.kind}",
        summary=f'The {clash.kind} "{clash.name}" is wanted, but {clash.detail}.',
        count=1,
        limit=0,
        total=0,
        group=GroupKey(clash.name) if clash.kind == "group" else None,
        objects=(clash.name,),
        waiver=f"# No waiver lifts this: rename one of the two{adopt}.",
    )
