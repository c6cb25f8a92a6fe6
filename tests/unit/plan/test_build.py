"""One target's section of a plan: order, guards, clashes, findings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.access import Flag, Group, Role
from reconciler.model.change import (
    AddMembership,
    ChangeRole,
    RemoveGroup,
    RemoveMembership,
    SetFlag,
    SetSetting,
    type_name,
)
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.plan.build import facts_of
from reconciler.plan.order import ordered
from reconciler.policy.model import Waiver
from tests.builders import (
    EDITOR,
    GROUPS,
    OWNER,
    ROSTER,
    TARGET,
    TODAY,
    USERS,
    VIEWER,
    World,
    at,
    grant,
    link,
    live,
    person,
    rule,
    rules,
    snapshot,
    stranger,
    team,
    user,
)
from tests.unit.model.changes import ANN, API, EVERY, WHY

ORDER = [
    "setting.set",
    "user.adopt",
    "user.update",
    "user.create",
    "user.enable",
    "group.adopt",
    "group.rename",
    "group.create",
    "membership.add",
    "user.flag",
    "membership.change",
    "membership.remove",
    "user.disable",
    "user.remove",
    "group.remove",
]


@pytest.mark.parametrize("backwards", [False, True])
def test_changes_stand_in_the_order_in_which_they_can_be_made(backwards: bool) -> None:  # noqa: FBT001 - a parameter
    """Whatever order they were found in: accounts, groups, grants, role changes, removals, what is hard to undo."""
    changes = list(EVERY.values())
    changes.sort(key=type_name, reverse=backwards)
    assert [type_name(change) for change in ordered(changes, ROSTER.roles)] == ORDER


def test_owners_come_first_and_promotions_before_demotions() -> None:
    """A group is never without an owner for a while; marks are given before they are taken."""
    viewer, owner = AddMembership(ANN, API, VIEWER, WHY), AddMembership(ANN, API, OWNER, WHY)
    up, down = ChangeRole(ANN, API, VIEWER, EDITOR, WHY), ChangeRole(ANN, API, OWNER, VIEWER, WHY)
    taken = SetFlag(ANN, Flag.ADMIN, have=True, want=False, reason=WHY)
    gone = RemoveMembership(ANN, API, OWNER, WHY)
    found = ordered([taken, down, viewer, owner, gone, up], ROSTER.roles)
    assert list(found) == [owner, viewer, up, down, gone, taken]


def test_a_switch_is_turned_on_first_and_off_last() -> None:
    """Whom it keeps from changing memberships is kept from it for all of the run."""
    lock = SetSetting("membership_lock", have=False, want=True, reason=WHY)
    unlock, gone = SetSetting("other", have=True, want=False, reason=WHY), RemoveGroup(Group(API, "group-app"), WHY)
    assert list(ordered([unlock, gone, lock], ROSTER.roles)) == [lock, gone, unlock]


def test_a_role_that_the_target_has_no_longer_counts_as_the_highest() -> None:
    """Leaving it is a demotion."""
    former, up = ChangeRole(ANN, API, Role("former"), OWNER, WHY), ChangeRole(ANN, API, VIEWER, EDITOR, WHY)
    assert list(ordered([former, up], ROSTER.roles)) == [up, former]


def test_within_a_step_the_order_is_by_group_and_name() -> None:
    """Two runs give the same plan."""
    seen = snapshot([person("bob"), person("ann")], [team("devs", "ann", "bob")])
    world = World(seen, rules(rule("web", link("devs")), rule("api", link("devs"))))
    added = [change for change in world.section().changes if isinstance(change, AddMembership)]
    assert [(change.group, change.who.username) for change in added] == [
        ("api", "ann"),
        ("api", "bob"),
        ("web", "ann"),
        ("web", "bob"),
    ]


def test_a_clash_refuses_the_plan_and_no_waiver_lifts_it() -> None:
    """The way out is to rename or to adopt; both kinds are named."""
    seen = snapshot([person("ann")], [team("devs", "ann")])
    have = live({}, stranger("ann"), by_hand={"api": {"ann": VIEWER}})
    have = replace(have, groups={key: replace(one, managed=False) for key, one in have.groups.items()})
    waivers = [Waiver(f"not_ours_{kind}", "roster", TODAY, "#1", "no", at(70)) for kind in ("user", "group")]
    section = World(seen, rules(rule("api", link("devs"))), have, waivers=waivers).section()
    assert [(one.guard, one.group, one.objects) for one in section.refusals] == [
        ("not_ours_user", None, ("ann",)),
        ("not_ours_group", "api", ("api",)),
    ]
    user_clash, group_clash = section.refusals
    assert user_clash.summary == 'The user "ann" is wanted, but an account of this name is there, and it is not ours.'
    assert user_clash.waiver.endswith("rename one of the two, or set targets.roster.users.adopt to true.")
    assert group_clash.waiver.endswith("rename one of the two, or set targets.roster.groups.adopt to true.")
    assert [finding.code for finding in section.diagnostics] == ["WAIVER-UNUSED", "WAIVER-UNUSED"]


def test_a_clash_that_adoption_would_not_help_does_not_offer_it() -> None:
    """The person has an account already."""
    seen = snapshot([person("ann", uid="anne")], [team("devs", "ann")])
    world = World(seen, rules(rule("api", link("devs"))), live({"api": {}}, user("ann"), stranger("anne")))
    (refusal,) = world.section().refusals
    assert refusal.waiver == "# No waiver lifts this: rename one of the two."


def test_a_section_holds_everything_else_that_a_reader_needs() -> None:
    """What was right, what is privileged, which guards are off, findings once and by place."""
    seen = snapshot([person("ann")], [team("devs", "ann")])
    said = rules(rule("web", link("gone", line=21)), rule("api", link("devs"), link("gone", line=20), grant("zoe")))
    world = World(seen, said, live({"api": {"ann": VIEWER}}), limits=replace(World(seen, said).limits, min_owners=None))
    section = world.section()
    assert (section.name, section.kind, section.address) == ("roster", "sql", "sqlite:///roster.db")
    assert (section.unchanged.users, section.unchanged.groups, section.unchanged.memberships) == (1, 1, 1)
    assert (sorted(section.privileged), section.guards_off, section.error) == (["owner"], ("min_owners",), "")
    assert [(one.where.line, one.code) for one in section.diagnostics if one.where] == [
        (20, "LINK-MISSING-GROUP"),
        (21, "LINK-MISSING-GROUP"),
        (30, "GRANT-UNKNOWN-USER"),
    ]


def test_what_is_held_back_is_in_the_plans_order() -> None:
    """Then by kind of hold."""
    seen = snapshot([person("ann"), person("bob")], [team("devs", "ann", "bob")])
    target = replace(TARGET, users=replace(USERS, create=False), groups=replace(GROUPS, create=False))
    section = World(seen, rules(rule("api", link("devs")), target=target)).section()
    assert [type_name(held.change) for held in section.withheld] == [
        "user.create",
        "user.create",
        "group.create",
        "membership.add",
        "membership.add",
    ]


def test_a_plan_remembers_what_was_read() -> None:
    """Where, when, how much."""
    facts = facts_of(snapshot([person("ann")], [team("devs"), team("ops")]))
    assert (facts.name, facts.source, facts.people, facts.groups) == ("corp", "directory.ldif", 1, 2)
    assert (facts.read_at, facts.digest, facts.complete) == ("2026-11-20T04:00:00Z", "sha256:0", True)


def test_disabled_people_who_get_no_account_are_named_once_and_not_all() -> None:
    """Silently leaving somebody out would look like a mistake."""
    many = [f"p{number:02}" for number in range(20)]
    seen = snapshot([person(name, disabled=True) for name in many], [team("devs", *many)])
    (note,) = World(seen, rules(rule("api", link("devs")))).section().diagnostics
    assert (str(note.severity), note.code) == ("note", "USER-DISABLED")
    assert "disabled in the directory: p00, p01" in note.summary
    assert "more." in note.summary
    few = World(snapshot([person("ann", disabled=True)], [team("devs", "ann")]), rules(rule("api", link("devs"))))
    assert few.section().diagnostics[0].summary.endswith(": ann.")
    assert not few.now_with(live({"api": {"ann": VIEWER}}, user("ann", active=False))).section().diagnostics


def test_memberships_in_groups_without_a_rule_are_counted() -> None:
    """They stay, and somebody should know."""
    seen = snapshot([person("ann")], [team("devs", "ann")])
    groups = {f"g{number:02}": {"ann": VIEWER} for number in range(20)}
    world = World(seen, rules(rule("api", link("devs"))), live({"api": {"ann": VIEWER}, **groups}))
    (note,) = world.section().diagnostics
    assert (str(note.severity), note.code) == ("note", "GROUP-WITHOUT-RULE")
    assert note.summary.startswith("20 memberships stay in groups that no rule names: g00, g01")
    assert note.summary.endswith("more.")
    one = world.now_with(live({"api": {"ann": VIEWER}, "web": {"ann": VIEWER}})).section().diagnostics
    assert [note.summary for note in one] == ["1 membership stays in a group that no rule names: web."]


def test_what_a_target_found_and_cannot_manage_is_said_in_its_section() -> None:
    """Among the findings, in their order."""
    note = Diagnostic(Severity.NOTE, "USER-STATE", "ann is blocked by the target's own sync.", "", subject="ann")
    have = replace(live({"api": {}}), notes=(note,))
    world = World(snapshot([person("ann")], [team("devs", "ann")]), rules(rule("api", link("devs"))), have)
    assert note in world.section().diagnostics
