"""Compare memberships group by group with dict arithmetic; one object per membership only where it changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from reconciler.desired.build import Desired
from reconciler.diff.floor import Floors
from reconciler.diff.groups import gone_groups
from reconciler.diff.rules import DiffRules, Findings
from reconciler.model.access import STABLE_ID_MISSING, GroupKey, Role, State, User, UserKey
from reconciler.model.change import (
    AddMembership,
    ChangeRole,
    CreateGroup,
    CreateUser,
    MembershipChange,
    RemoveMembership,
    RemoveUser,
    Who,
)
from reconciler.model.names import DnSyntaxError, dn_key
from reconciler.model.plan import Hold
from reconciler.model.reason import Reason, Why

_NOBODY: Mapping[UserKey, Role] = {}


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who has an account once the plan's user changes are made, and which, by the name before it."""

    people: Mapping[UserKey, Who]
    groups: frozenset[GroupKey]

    def who(self, key: UserKey) -> Who:
        """Return the account of that key; one that is not there goes by its key."""
        return self.people.get(key) or Who(key, key)


def accounts_after(have: State, findings: Findings) -> Accounts:
    """Return who can be given a membership after the changes found so far."""
    people = {key: Who(user.username, key, user.account) for key, user in have.users.items()}
    groups = set(have.groups)
    for change in findings.changes:
        if isinstance(change, CreateUser):
            people[change.user.key] = Who(change.user.username, change.user.key, _known_at_first(change.user))
        elif isinstance(change, CreateGroup):
            groups.add(change.group.key)
    return Accounts(people, frozenset(groups))


def _known_at_first(user: User) -> UserKey:
    """Return the key of a new account until the target has its person's: that of its identity, empty where it has none."""
    try:
        key = UserKey(STABLE_ID_MISSING + dn_key(str(user.attributes["dn"])))
    except (KeyError, DnSyntaxError):
        return UserKey("")
    return UserKey("") if key == user.key else key


def diff_members(
    have: State, want: Desired, rules: DiffRules, findings: Findings, not_made: Collection[str] = ()
) -> None:
    """Note what has to change so that every group that a rule names has the members and roles that rules give.

    Where a target inherits, nobody is to have less in a group than above it; `not_made` names changes that will be held
    back. Groups and accounts that go away lose their memberships one by one, so that guards and readers see each.
    """
    accounts = accounts_after(have, findings)
    floors = Floors(have, want, rules, not_made)
    for group in floors.groups:
        held, before = have.memberships.get(group, _NOBODY), len(findings.changes)
        wanted, lifts = floors.lifted(group, want.state.memberships[group])
        if held == wanted:
            findings.unchanged_memberships += len(wanted)
        else:
            _Comparison(group, held, wanted, have, want, rules, accounts, findings, {}, floors, lifts).run()
        floors.settle(group, findings.changes[before:])
    for group, ends in _ending(have, want, rules, findings).items():
        held = {key: have.memberships[group][key] for key in ends}
        _Comparison(group, held, _NOBODY, have, want, rules, accounts, findings, ends).run()


def _ending(
    have: State, want: Desired, rules: DiffRules, findings: Findings
) -> Mapping[GroupKey, Mapping[UserKey, Reason]]:
    """Return the memberships in groups without a rule that go with their group or their account."""
    gone = Reason(Why.GROUP_GONE, rules.groups.where)
    ending = {group: dict.fromkeys(have.memberships.get(group, ()), gone) for group in gone_groups(have, want, rules)}
    leaving = {change.who.key: change.reason for change in findings.changes if isinstance(change, RemoveUser)}
    for group, people in have.memberships.items() if leaving else ():
        if group not in ending and group not in want.state.groups:
            ending[group] = {key: leaving[key] for key in people.keys() & leaving.keys()}
    return ending


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One group whose members differ."""

    group: GroupKey
    held: Mapping[UserKey, Role]
    wanted: Mapping[UserKey, Role]
    have: State
    want: Desired
    rules: DiffRules
    accounts: Accounts
    findings: Findings
    ends: Mapping[UserKey, Reason] = field(default_factory=dict)
    floors: Floors | None = None
    lifts: Mapping[UserKey, GroupKey] = field(default_factory=dict)

    def run(self) -> None:
        for key in sorted(self.held.keys() | self.wanted.keys()):
            held, wanted = self.held.get(key), self.wanted.get(key)
            if held == wanted:
                self.findings.unchanged_memberships += 1
            elif wanted is None:
                self._remove(key, self.held[key])
            elif held is None:
                self._add(key, wanted)
            else:
                self._change(key, held, wanted)

    def _add(self, key: UserKey, wanted: Role) -> None:
        by_hand = self.have.by_hand.get(self.group, _NOBODY).get(key)
        if by_hand == wanted:
            self.findings.unchanged_memberships += 1
            return
        who = self.accounts.people.get(key)
        if who is None:
            self._no_account(key, wanted)
            return
        change = AddMembership(who, self.group, wanted, self._gained(key))
        if by_hand is not None:
            self.findings.hold(change, Hold.BY_HAND, f"holds {by_hand} by hand")
        else:
            self._note(change)

    def _no_account(self, key: UserKey, wanted: Role) -> None:
        reason = self._gained(key)
        if key in self.want.frozen_users:
            who = Who(self.want.explain.dn_of(key), key)
            self.findings.hold(
                AddMembership(who, self.group, wanted, reason), Hold.FROZEN_USER, self.want.frozen_users[key]
            )
        elif key not in self.want.disabled:
            who = Who(self.want.state.users[key].username, key)
            hold = Hold.PROTECTED if self.rules.protects_user(who.username) else Hold.NO_ACCOUNT
            self.findings.hold(AddMembership(who, self.group, wanted, reason), hold)

    def _remove(self, key: UserKey, held: Role) -> None:
        who = self.accounts.who(key)
        reason = self.ends.get(key) or self._drift(key, self.want.explain.lost(self.group, key, who.username, held))
        self._note_loss(RemoveMembership(who, self.group, held, reason))

    def _drift(self, key: UserKey, lost: Reason) -> Reason:
        """Return why a role goes that no rule gives; who gave it by hand, where the target tells."""
        maker = self.have.made_by.get(self.group, {}).get(key)
        if maker is None:
            return lost
        detail = "; ".join(filter(None, (lost.detail, f"added by hand by {maker}")))
        return replace(lost, why=Why.BY_HAND if lost.why is Why.LEFT_GROUP else lost.why, detail=detail)

    def _change(self, key: UserKey, held: Role, wanted: Role) -> None:
        who = self.accounts.who(key)
        if self.rules.is_demotion(held, wanted):
            reason = self.want.explain.demoted(self.group, key, who.username, held)
            self._note_loss(ChangeRole(who, self.group, held, wanted, self._lifted(key, reason)))
        else:
            self._note(ChangeRole(who, self.group, held, wanted, self._gained(key)))

    def _gained(self, key: UserKey) -> Reason:
        return self._lifted(key, self.want.explain.gained(self.group, key))

    def _lifted(self, key: UserKey, reason: Reason) -> Reason:
        """Return the reason, with the group above that the role comes from, where it does."""
        if self.floors is None or key not in self.lifts:
            return reason
        return self.floors.explained(reason, self.wanted[key], self.lifts[key])

    def _note_loss(self, change: RemoveMembership | ChangeRole) -> None:
        frozen = self.want.frozen_groups.get(self.group)
        if frozen is not None:
            self.findings.hold(change, Hold.FROZEN_GROUP, frozen)
        elif change.who.key in self.want.doubtful.get(self.group, ()):
            self.findings.hold(change, Hold.FROZEN_USER, "a grant here may mean this person")
        elif self._may_be_meant(change.who.key):
            self.findings.hold(change, Hold.FROZEN_USER, "it is not clear whose account this is")
        else:
            self._note(change)

    def _may_be_meant(self, key: UserKey) -> bool:
        """Tell whether the account may be that of somebody who should be here and has no other: skipped is not absent."""
        account, roll = self.have.users.get(key), self.want.roll
        if account is None or key in roll.index_of:
            return False
        return any(one.key in self.wanted and one.key not in self.have.users for one in roll.behind(account))

    def _note(self, change: MembershipChange) -> None:
        if self.rules.protects_group(self.group) or self.rules.protects_user(change.who.username):
            self.findings.hold(change, Hold.PROTECTED)
        elif self.group not in self.accounts.groups:
            self.findings.hold(change, Hold.NO_GROUP)
        else:
            self.findings.changes.append(change)
