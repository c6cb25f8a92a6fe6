"""Roles that hold in everything below: what a rule gives is raised to them, and the reason says so."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from reconciler.diff.only import narrowed
from reconciler.model.access import GroupKey, Role, State
from reconciler.model.change import CreateGroup
from reconciler.model.past import Past, Trouble
from reconciler.model.plan import TargetPlan
from reconciler.plan.build import build_target
from reconciler.plan.encode import encode
from reconciler.policy.model import GroupRule, GroupRules, Protection
from reconciler.render.document import PlanData
from reconciler.render.look import Look
from reconciler.render.text import plan_text
from tests.builders import (
    EDITOR,
    NO_LIMITS,
    OWNER,
    ROSTER,
    TARGET,
    VIEWER,
    Roles,
    World,
    at,
    key,
    link,
    live,
    person,
    plan_of,
    rule,
    rules,
    snapshot,
    team,
    user,
)
from tests.unit.diff.found import words

PAY, BACKEND, API = GroupKey("payments"), GroupKey("payments/backend"), GroupKey("payments/backend/api")
NESTING = replace(ROSTER, inherits=True, marks_memberships=False)
SEEN = snapshot(
    [person(name) for name in ("ann", "bob", "cy")],
    [team("leads", "ann"), team("devs", "ann", "bob"), team("nobody"), team("app-x", "ann")],
)


def world(have: State, *said: GroupRule) -> World:
    """Return a world of one lead and two developers."""
    return World(SEEN, rules(*said), have, limits=NO_LIMITS, capabilities=NESTING)


def above(have: State, roles: Roles) -> State:
    """Return the state, with roles in groups that no rule names."""
    rows = {GroupKey(group): {key(name): role for name, role in people.items()} for group, people in roles.items()}
    return replace(have, above=rows)


def changes(section: TargetPlan) -> list[str]:
    """Return the changes in words, in their order."""
    return [words(change) for change in section.changes]


def text(section: TargetPlan) -> str:
    """Return the section as people read it."""
    return "".join(plan_text(cast("PlanData", encode(plan_of(section))), Look()))


def test_a_role_from_a_rule_above_is_a_floor_below() -> None:
    """Whoever is raised is named with the group above, on a line of its own; who is not, is not."""
    section = world(
        live({PAY: {}, BACKEND: {"bob": VIEWER}}),
        rule(PAY, link("leads", OWNER)),
        rule(BACKEND, link("devs", VIEWER, line=20)),
    ).section()
    assert changes(section)[-2:] == [f"membership.add {PAY} ann owner", f"membership.add {BACKEND} ann owner"]
    assert "    + ann  owner  (cn=devs; at least owner, as in payments; policy/rules.yaml:20)\n" in text(section)
    assert section.unchanged.memberships == 1


def test_a_role_above_that_no_rule_gives_is_a_floor_too() -> None:
    """In a group that the target told us of, or in one of those read besides; the highest counts, the outermost of equal ones."""
    have = live({PAY: {"ann": EDITOR}, API: {}}, by_hand={BACKEND: {"bob": OWNER}})
    section = world(above(have, {BACKEND: {"ann": EDITOR}}), rule(API, link("devs"))).section()
    assert [(words(one), one.reason.detail) for one in section.changes] == [
        (f"membership.add {API} bob owner", f"at least owner, as in {BACKEND}"),
        (f"membership.add {API} ann editor", f"at least editor, as in {PAY}"),
    ]


def test_a_role_that_stays_for_one_above_is_unchanged() -> None:
    """The rule alone would lower it; and one that the target has no longer is no floor."""
    have = above(live({BACKEND: {"ann": OWNER, "bob": VIEWER}}), {PAY: {"ann": OWNER, "bob": Role("former")}})
    section = world(have, rule(BACKEND, link("devs"))).section()
    assert (section.changes, section.unchanged.memberships) == ((), 2)


def test_nobody_gets_a_membership_below_for_one_above() -> None:
    """A floor raises what a rule gives; who has no rule there holds it from above, and a membership of its own goes."""
    section = world(above(live({BACKEND: {"cy": VIEWER}}), {PAY: {"cy": OWNER, "ann": OWNER}}), rule(BACKEND)).section()
    assert changes(section) == [f"membership.remove {BACKEND} cy viewer"]


def test_a_demotion_says_what_keeps_it_from_going_further() -> None:
    """The lost role, what still gives one, and the group above."""
    have = above(live({BACKEND: {"bob": OWNER}}), {PAY: {"bob": EDITOR}})
    change = world(have, rule(BACKEND, link("devs"), link("nobody", OWNER))).section().changes[-1]
    assert words(change) == f"membership.change {BACKEND} bob owner editor"
    assert change.reason.detail == f"still cn=devs; at least editor, as in {PAY}"


def test_people_with_one_reason_share_it() -> None:
    """A plan of thousands of lines stays small."""
    have = above(live({BACKEND: {}}), {PAY: {"ann": OWNER, "bob": OWNER}})
    ann, bob = world(have, rule(BACKEND, link("devs"))).section().changes[-2:]
    assert ann.reason is bob.reason


def test_what_is_lost_above_is_no_floor_and_goes_first() -> None:
    """Removals and demotions above come before those below, and before what is less than the role that is lost above."""
    section = world(
        live({PAY: {"ann": OWNER, "bob": OWNER}, BACKEND: {"bob": OWNER, "cy": VIEWER}, API: {"cy": OWNER}}),
        rule(PAY, link("leads", EDITOR)),
        rule(BACKEND, link("devs", EDITOR)),
        rule(API, link("devs"), link("(uid=cy)", EDITOR)),
    ).section()
    assert changes(section) == [
        f"membership.change {PAY} ann owner editor",
        f"membership.remove {PAY} bob owner",
        f"membership.add {BACKEND} ann editor",
        f"membership.change {BACKEND} bob owner editor",
        f"membership.remove {BACKEND} cy viewer",
        f"membership.add {API} ann editor",
        f"membership.add {API} bob editor",
        f"membership.change {API} cy owner editor",
    ]


def test_what_a_guard_holds_back_above_still_holds_below() -> None:
    """The last owner stays, and stays an owner below; whose new role is in quarantine is not raised by it."""
    whole = world(
        live({PAY: {"bob": OWNER}, BACKEND: {"bob": OWNER}}, user("ann"), user("cy")),
        rule(PAY, link("leads", EDITOR)),
        rule(BACKEND, link("devs")),
    )
    waits = Trouble(4, "2026-11-16", "no licence is left", "2026-11-21")
    past = Past(troubles={"roster": {f"membership.add {key('ann')} {PAY}": waits}})
    section = replace(whole, limits=replace(NO_LIMITS, min_owners=1), past=past).section()
    assert changes(section) == [f"membership.add {BACKEND} ann viewer"]
    assert [(words(one.change), one.hold) for one in section.withheld] == [
        (f"membership.add {PAY} ann editor", "quarantined"),
        (f"membership.remove {PAY} bob owner", "last_owner"),
    ]
    assert section.unchanged.memberships == 1


def test_owners_who_hold_it_from_above_count() -> None:
    """As long as they stay there: then a group needs none of its own."""
    rows: Roles = {PAY: {"ann": OWNER, "bob": OWNER}, BACKEND: {"ann": OWNER, "cy": OWNER}}
    kept = replace(NO_LIMITS, min_owners=2)
    whole = replace(world(live(rows), rule(PAY, link("devs", OWNER)), rule(BACKEND, link("nobody"))), limits=kept)
    assert changes(whole.section()) == [f"membership.remove {BACKEND} {name} owner" for name in ("ann", "cy")]
    leaving = replace(whole, said=rules(rule(PAY, link("leads", OWNER)), rule(BACKEND, link("nobody"))))
    held = [words(one.change) for one in replace(leaving, limits=replace(kept, min_owners=1)).section().withheld]
    assert held == []
    held = [words(one.change) for one in leaving.section().withheld]
    assert held == [f"membership.remove {PAY} bob owner"], "bob stays above, so that there are two below"
    alone = replace(world(live({BACKEND: {"ann": OWNER, "cy": OWNER}}), rule(BACKEND)), limits=kept)
    assert len(alone.section().withheld) == 2
    both = replace(alone, have=above(alone.have, {PAY: {"ann": OWNER, "bob": OWNER}}))
    assert not both.section().withheld


def test_owners_above_whose_accounts_are_closed_do_not_count() -> None:
    """They cannot do an owner's work."""
    bob = replace(user("bob", active=False), disabled_by_hand=True)
    have = above(live({BACKEND: {"cy": OWNER}}, bob), {PAY: {"bob": OWNER}})
    kept = replace(NO_LIMITS, min_owners=1)
    section = replace(world(have, rule(BACKEND, link("nobody"))), limits=kept).section()
    assert [words(one.change) for one in section.withheld] == [f"membership.remove {BACKEND} cy owner"]


def test_groups_above_are_found_without_case() -> None:
    """Such targets compare paths so; the plan speaks as the policy does."""
    have = above(live({"Payments/Backend": {}}), {"payments": {"bob": EDITOR}})
    section = world(have, rule("Payments/Backend", link("devs"))).section()
    assert "membership.add Payments/Backend bob editor" in changes(section)
    kept = replace(world(have, rule("Payments/Backend", link("devs"))), limits=replace(NO_LIMITS, min_owners=1))
    owned = replace(kept, have=above(live({"Payments/Backend": {"cy": OWNER}}), {"payments": {"bob": OWNER}}))
    assert not owned.section().withheld


def test_elsewhere_a_slash_in_a_name_means_nothing() -> None:
    """A target that does not inherit has groups beside each other."""
    flat = replace(
        world(live({PAY: {"ann": OWNER}}), rule(PAY, link("leads", OWNER)), rule(BACKEND, link("devs"))),
        capabilities=ROSTER,
    )
    assert changes(flat.section()) == [
        "user.create bob",
        f"group.create {BACKEND}",
        *(f"membership.add {BACKEND} {name} viewer" for name in ("ann", "bob")),
    ]


def test_groups_are_made_with_those_above_them_which_come_first() -> None:
    """A group above without a rule of its own is there for the one below; it is made once."""
    section = world(State(), rule(API, line=20), rule(f"{BACKEND}/web", line=30), rule(BACKEND, line=40)).section()
    made = [(words(one), one.reason.rule, one.reason.detail) for one in section.changes]
    assert made == [
        (f"group.create {PAY}", at(40), f"for {BACKEND}, which lies below"),
        (f"group.create {BACKEND}", at(40), ""),
        (f"group.create {API}", at(20), ""),
        (f"group.create {BACKEND}/web", at(30), ""),
    ]
    assert "    + payments  " in text(section)
    assert "(named by a rule for payments/backend, which lies below; policy/rules.yaml:40)" in text(section)


@pytest.mark.parametrize(
    ("patterns", "create", "held"),
    [
        (("payments",), True, {f"{BACKEND}: payments above it is not there, and protected"}),
        ((BACKEND,), True, {f"{BACKEND}: "}),
        ((), False, {f"{BACKEND}: groups.create is false"}),
    ],
)
def test_nothing_is_made_above_a_group_that_is_not_made(
    patterns: tuple[str, ...],
    create: bool,  # noqa: FBT001 - a table
    held: set[str],
) -> None:
    """It is protected, or lies below one that is, or groups are not made at all."""
    said = rules(rule(BACKEND), target=replace(TARGET, groups=GroupRules(create=create)))
    section = World(SEEN, said, protected=Protection(groups=patterns), capabilities=NESTING).section()
    assert not section.changes
    assert {
        f"{one.change.group.key}: {one.detail}" for one in section.withheld if isinstance(one.change, CreateGroup)
    } == held


def test_what_lies_below_a_group_in_quarantine_waits_with_it() -> None:
    """It cannot be made without the one above; elsewhere it can."""
    past = Past(troubles={"roster": {f"group.create {PAY}": Trouble(4, "2026-11-16", "no", "2026-11-21")}})
    nesting = replace(world(State(), rule(PAY), rule(BACKEND)), past=past)
    assert [words(one.change) for one in nesting.section().withheld] == [
        f"group.create {PAY}",
        f"group.create {BACKEND}",
    ]
    assert changes(replace(nesting, capabilities=ROSTER).section()) == [f"group.create {BACKEND}"]


def test_a_plan_for_one_person_makes_what_is_missing_above() -> None:
    """And nothing that nobody of them is put into."""
    whole = world(State(), rule(PAY), rule(BACKEND, link("leads")), rule("other", link("nobody")))
    want = narrowed(whole.want(), whole.have, whole.diff_rules(), frozenset({key("ann")}))
    section = build_target(whole.section(), whole.have, want, whole.diff_rules(), whole.safety())
    assert changes(section) == [
        "user.create ann",
        f"group.create {PAY}",
        f"group.create {BACKEND}",
        f"membership.add {BACKEND} ann viewer",
    ]


def test_what_is_known_from_above_follows_a_new_key() -> None:
    """An account known by its DN is the person's, with the roles above."""
    held = user("ann", key="dn:uid=ann,ou=people,dc=acme")
    have = replace(live({BACKEND: {}}, held), above={PAY: {held.key: OWNER}}, made_by={PAY: {held.key: "root"}})
    section = world(have, rule(BACKEND, link("leads"))).section()
    assert f"membership.add {BACKEND} ann owner" in changes(section)
