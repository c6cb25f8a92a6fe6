"""Turn what differs into one target's section of the plan: order, guards, waivers, findings; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never

from reconciler.desired.build import Desired
from reconciler.diff.compare import compare
from reconciler.diff.only import concerned
from reconciler.diff.rules import Clash, DiffRules
from reconciler.diff.settings import unsupported
from reconciler.model.access import Capabilities, Group, GroupKey, Role, State
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
    SetSetting,
    UpdateUser,
)
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.directory import Snapshot
from reconciler.model.past import NOTHING, Past
from reconciler.model.plan import DirectoryFacts, Refusal, TargetPlan, Withheld
from reconciler.plan.guards import refusals, switched_off
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
    have, found = compare(have, want, rules)
    stays, changes, held = _held_back(_subject(target, have, want, found.changes, safety), safety)
    subject = _subject(target, stays, want, ordered(changes, rules.roles), safety)
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
        withheld=tuple(sorted([*found.withheld, *held], key=_withheld_key)),
        diagnostics=tuple(
            sorted(dict.fromkeys([*want.diagnostics, *have.notes, *waived, *notes]), key=_diagnostic_key),
        ),
        unchanged=found.unchanged,
        privileged=safety.privileged,
        guards_off=switched_off(safety.limits),
        changes_id=refused[1],
    )


def _held_back(subject: Subject, safety: Safety) -> tuple[State, Sequence[Change], Sequence[Withheld]]:
    """Return the live state, the changes that may be made, and those that a guard holds back without refusing the rest."""
    roles = safety.capabilities.roles
    have, changes, quarantined = keep_quarantined(subject.have, subject.changes, _quarantine(subject.target, safety))
    own: Sequence[Withheld] = ()
    if safety.limits.protect_self:
        changes, own = keep_own_account(replace(subject, have=have, changes=changes))
    in_order = replace(subject, have=have, changes=ordered(changes, roles))
    changes, last_owners = keep_owners(in_order, safety.capabilities.owner_role, safety.limits.min_owners)
    return have, changes, (*quarantined, *own, *last_owners)


def _quarantine(target: str, safety: Safety) -> Quarantine:
    return Quarantine(safety.past.troubles.get(target, {}), safety.today, safety.capabilities.roles)


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


def ordered(changes: Sequence[Change], roles: Sequence[Role]) -> tuple[Change, ...]:
    """Return the changes in the order in which a target makes them.

    Switches that are turned on, which hold off others meanwhile, then accounts (renamed ones free their names for new ones), then groups, then grants, owners first, then promotions,
    demotions, removals, at the end what cannot be undone as easily, and switches that are turned off. Within a step by group, then by name.
    """
    ranks = {role: rank for rank, role in enumerate(roles)}
    return tuple(sorted(changes, key=lambda change: _order(change, ranks)))


def _subject(target: TargetPlan, have: State, want: Desired, changes: Sequence[Change], safety: Safety) -> Subject:
    return Subject(
        target=target.name,
        have=have,
        changes=changes,
        privileged=safety.privileged,
        today=safety.today,
        roles=safety.capabilities.roles,
        directory=target.directory,
        whole=want.only is None,
        people=len(want.roll.people),
        groups=len(want.directory_groups),
        seen=safety.past.directories.get(target.directory),
        missing_groups=want.missing_groups,
        no_admins=want.no_admins,
        no_externals=want.no_externals,
    )


def _order(change: Change, ranks: Mapping[Role, int]) -> tuple[int, int, str, str, str]:  # noqa: C901, PLR0911, PLR0912 - one arm per type
    match change:
        case SetSetting(name=name, want=on):
            return -1 if on else 15, 0, name, "", ""
        case AdoptUser(who=who):
            return 0, 0, "", who.username, who.key
        case UpdateUser(who=who):
            return 1, 0, "", who.username, who.key
        case CreateUser(user=user):
            return 2, 0, "", user.username, user.key
        case EnableUser(who=who):
            return 3, 0, "", who.username, who.key
        case RenameGroup(have=name) | AdoptGroup(group=Group(key=name)):
            return 4, 0, name, "", ""
        case CreateGroup(group=group):
            return 5, 0, group.key, "", ""
        case AddMembership(who=who, group=name, want=role):
            return 6, -ranks.get(role, 0), name, who.username, who.key
        case SetFlag(who=who, want=True, flag=flag):
            return 7, 0, flag, who.username, who.key
        case ChangeRole(who=who, group=name, have=role, want=new_role):
            promoted = ranks.get(new_role, 0) > ranks.get(role, len(ranks))
            return 8 if promoted else 9, 0, name, who.username, who.key
        case RemoveMembership(who=who, group=name):
            return 10, 0, name, who.username, who.key
        case SetFlag(who=who, flag=flag):
            return 11, 0, flag, who.username, who.key
        case DisableUser(who=who):
            return 12, 0, "", who.username, who.key
        case RemoveUser(who=who):
            return 13, 0, "", who.username, who.key
        case RemoveGroup(have=group):
            return 14, 0, group.key, "", ""
        case _:
            assert_never(change)


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
    return (*_order(withheld.change, {}), withheld.hold, withheld.detail)


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
