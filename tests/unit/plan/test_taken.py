"""What a change of the policy takes: the rule that gave it until now is named, and nobody is said to have left a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.desired.build import Desired
from reconciler.model.access import Flag, GroupKey
from reconciler.model.change import Change, ChangeRole, DisableUser, RemoveMembership, SetFlag, Who
from reconciler.model.plan import Cause
from reconciler.model.reason import Reason, Why
from reconciler.plan.taken import Before, with_rules_taken
from reconciler.policy.model import GroupLink
from tests.builders import (
    EDITOR,
    OWNER,
    TARGET,
    VIEWER,
    at,
    desired,
    grant,
    key,
    link,
    named,
    person,
    rule,
    rules,
    snapshot,
    team,
)

API = GroupKey("api")
SEEN = snapshot(
    (person("ann"), person("bob")), (team("devs", groups=("core",)), team("core", "ann"), team("leads", "bob"))
)
ANN, BOB = Who("ann", key("ann")), Who("bob", key("bob"))
GUESS = Reason(Why.LEFT_GROUP, at(20), ("cn=leads",))
BEFORE = (link("devs", VIEWER, 10), link("(uid=bob)", OWNER, 11), link("leads", EDITOR, 12))


def want(*links: GroupLink, admins: str = "") -> Desired:
    target = replace(TARGET, admin_group=named(admins)) if admins else TARGET
    return desired(SEEN, rules(rule("api", *links), target=target))


def told(change: Change, before: Desired, cause: Cause = Cause.POLICY) -> Reason:
    (found,) = with_rules_taken([change], [cause], Before(before, "policy", "policies/acme"))
    assert replace(found, reason=change.reason) == change
    return found.reason


def test_a_removal_names_the_rule_of_the_base_and_the_whole_way() -> None:
    """Ann is still where she was; the link is gone."""
    reason = told(RemoveMembership(ANN, API, VIEWER, GUESS), want(*BEFORE))
    assert reason == Reason(Why.RULE_TAKEN, None, ("cn=devs", "cn=core"), "policies/acme/rules.yaml:10 of the base")


def test_a_lower_role_says_what_gave_the_higher_one_and_what_gives_this() -> None:
    """By a filter, then by a group."""
    guess = replace(GUESS, path=(), detail="still cn=leads")
    reason = told(ChangeRole(BOB, API, OWNER, EDITOR, guess), want(*BEFORE))
    assert reason == Reason(
        Why.RULE_TAKEN, None, (), "(uid=bob); policies/acme/rules.yaml:11 of the base; still cn=leads"
    )


def test_a_lower_role_that_comes_from_above_is_not_said_to_be_given_by_a_rule_here() -> None:
    """The rule of this group gives less still: what holds above is what remains, and it is named."""
    guess = replace(GUESS, path=(), detail="still cn=leads; at least editor, as in acme")
    reason = told(ChangeRole(BOB, API, OWNER, EDITOR, guess), want(*BEFORE))
    assert reason.detail == (
        "(uid=bob); policies/acme/rules.yaml:11 of the base; still cn=leads; at least editor, as in acme"
    )


def test_a_mark_names_the_group_that_gave_it() -> None:
    """The admin group is another one now."""
    reason = told(SetFlag(BOB, Flag.ADMIN, have=True, want=False, reason=GUESS), want(*BEFORE, admins="leads"))
    assert reason == Reason(Why.RULE_TAKEN, None, ("cn=leads",), "policies/acme/rules.yaml:40 of the base")


def test_what_the_base_does_not_give_keeps_its_reason() -> None:
    """Another role, somebody else's mark, a mark that the base says nothing of, and what is no access."""
    others: Sequence[Change] = (
        RemoveMembership(ANN, API, OWNER, GUESS),
        RemoveMembership(ANN, GroupKey("web"), VIEWER, GUESS),
        SetFlag(ANN, Flag.ADMIN, have=True, want=False, reason=GUESS),
        SetFlag(BOB, Flag.EXTERNAL, have=True, want=False, reason=GUESS),
        DisableUser(BOB, GUESS),
    )
    for change in others:
        assert told(change, want(*BEFORE, admins="leads")) == GUESS


def test_only_what_the_policy_causes_and_no_rule_explains_is_told_anew() -> None:
    """Somebody who left the directory has left it, and what is pending anyway was not taken by this change."""
    before = want(*BEFORE)
    gone = RemoveMembership(ANN, API, VIEWER, Reason(Why.LEFT_DIRECTORY, at(20)))
    assert told(gone, before) == gone.reason
    assert told(RemoveMembership(ANN, API, VIEWER, GUESS), before, Cause.DIRECTORY) == GUESS


def test_a_grant_that_ended_long_ago_is_not_blamed_for_a_link_that_is_taken() -> None:
    """The base gives the role today without it; a grant of the base that this policy ends earlier has ended, though."""
    ended = Reason(Why.GRANT_ENDED, at(30), detail="on 2026-01-31")
    removal = RemoveMembership(ANN, API, VIEWER, ended)
    assert told(removal, want(*BEFORE)).why is Why.RULE_TAKEN
    assert told(removal, desired(SEEN, rules(rule("api", grant("ann"))))) == ended
    lower = ChangeRole(BOB, API, OWNER, EDITOR, replace(ended, detail="on 2026-01-31; still cn=leads"))
    assert told(lower, want(*BEFORE)).detail == "(uid=bob); policies/acme/rules.yaml:11 of the base; still cn=leads"
