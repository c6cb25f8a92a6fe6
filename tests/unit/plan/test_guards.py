"""Limits on what one plan may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.model.access import Flag, Group, GroupKey
from reconciler.model.diagnostic import Severity
from reconciler.model.past import Past, Seen
from reconciler.model.plan import TargetPlan
from reconciler.plan.guards import ceiling, switched_off
from reconciler.plan.subject import named as called
from reconciler.policy.model import GuardLimits, Limit, OnMissing, OnMissingGroup, Waiver
from tests.builders import (
    NO_LIMITS,
    OWNER,
    ROSTER,
    TARGET,
    TODAY,
    USERS,
    VIEWER,
    World,
    at,
    imported,
    link,
    live,
    named,
    person,
    rule,
    rules,
    snapshot,
    team,
    user,
)
from tests.unit.model.changes import EVERY
from tests.unit.plan.guarded import CROWD, REMOVING, guards, members, of, only

MARKING = replace(ROSTER, flags=frozenset(Flag))


@pytest.mark.parametrize(
    ("limit", "total", "allowed"),
    [
        (Limit(percent=10, count=50), 400, 40),
        (Limit(percent=10, count=50), 4000, 50),
        (Limit(percent=10, count=50), 3, 1),
        (Limit(percent=10, count=0), 400, 0),
        (Limit(percent=0), 400, 0),
        (Limit(percent=50), 3, 1),
        (Limit(count=7), 400, 7),
        (Limit(), 400, 400),
    ],
)
def test_the_lower_of_two_limits_holds(limit: Limit, total: int, allowed: int) -> None:
    """A percentage lets at least one go, unless it is 0."""
    assert ceiling(limit, total) == allowed


def test_too_many_removals_are_refused_with_their_numbers() -> None:
    """The whole plan is shown, the people are named, and the waiver can be pasted."""
    limits = replace(NO_LIMITS, max_removals=Limit(percent=10, count=50))
    section = of(live(members(*CROWD)), ("viewer", CROWD[3:]), limits=limits)
    refusal = only(section)
    assert (refusal.guard, refusal.count, refusal.limit, refusal.total) == ("max_removals", 3, 2, 20)
    assert refusal.summary == "Removes 3 of 20 memberships; the limit is 2 (10 %, at most 50)."
    assert refusal.objects == ("api: p00", "api: p01", "api: p02")
    assert refusal.waiver == (
        '- {guard: max_removals, target: "roster", until: 2026-11-27, approved_by: "…", reason: "…",\n'
        f'   plan: "{section.changes_id}"}} # without plan: whatever is planned until then'
    )
    assert len(section.changes) == 3
    assert not of(live(members(*CROWD)), ("viewer", CROWD[2:]), limits=limits).refusals


def test_too_many_accounts_at_once_are_refused() -> None:
    """Disabled or removed, with or without memberships."""
    limits = replace(NO_LIMITS, max_disabled_users=Limit(count=1))
    have = live({"api": {}}, user("gone"), user("zoe"))
    for target in (TARGET, REMOVING):
        refusal = only(of(have, limits=limits, target=target))
        assert refusal.summary == "Disables or removes 2 of 2 accounts; the limit is 1 (at most 1)."
        assert refusal.objects == ("gone", "zoe")


def test_too_many_groups_at_once_are_refused() -> None:
    """Even without members."""
    gone = [Group(GroupKey(f"app-{name}"), f"group-{name}") for name in "ab"]
    said = rules(imports=[imported("(cn=app-*)")], target=REMOVING)
    limits = replace(NO_LIMITS, max_removals=Limit(percent=10))
    refusal = only(World(snapshot([person("ann")]), said, live(groups=gone), limits=limits).section())
    assert refusal.summary == "Removes 2 of 2 groups; the limit is 1 (10 %)."
    assert refusal.objects == ("app-a", "app-b")


def test_too_many_removals_from_one_group_are_refused_by_group() -> None:
    """The waiver names the group."""
    limits = replace(NO_LIMITS, max_removals_per_group=Limit(percent=50))
    refusal = only(of(live(members(*CROWD)), ("viewer", CROWD[11:]), limits=limits))
    assert (refusal.guard, refusal.count, refusal.limit, refusal.total) == ("max_removals_per_group", 11, 10, 20)
    assert refusal.group == "api"
    assert 'group: "api"' in refusal.waiver
    assert not of(live(members(*CROWD)), ("viewer", CROWD[10:]), limits=limits).refusals


def test_only_twenty_objects_are_named() -> None:
    """The count says how many there are."""
    limits = replace(NO_LIMITS, max_removals=Limit(count=0))
    many = [f"q{number:02}" for number in range(25)]
    refusal = only(of(live(members(*many)), people=[*map(person, many)], limits=limits))
    assert (refusal.count, len(refusal.objects)) == (25, 20)


def test_a_group_that_would_be_empty_is_refused() -> None:
    """A directory group that lost all its members is more often a mistake than a decision."""
    limits = replace(NO_LIMITS, empty_group="refuse")
    refusal = only(of(live(members("p00", "p01")), ("viewer", []), limits=limits))
    assert (refusal.guard, refusal.count, refusal.limit, refusal.group) == ("empty_group", 2, 1, "api")
    assert refusal.summary == "Leaves api without a member: all 2 go."
    assert not of(live(members("p00", "p01")), ("viewer", [])).refusals


def test_a_group_that_somebody_else_joins_or_holds_is_not_empty() -> None:
    """A newcomer, or a membership made by hand."""
    limits = replace(NO_LIMITS, empty_group="refuse")
    assert not of(live(members("p00")), ("viewer", ["p01"]), limits=limits).refusals
    assert not of(live(members("p00"), by_hand={"api": {"p01": OWNER}}), ("viewer", []), limits=limits).refusals


def test_a_group_that_goes_away_may_be_emptied() -> None:
    """That is what going away means; how many go is another guard's matter."""
    have = live({"app-x": {"p00": VIEWER}}, groups=[Group(GroupKey("app-x"), "group-x")])
    limits = replace(NO_LIMITS, empty_group="refuse")
    world = World(
        snapshot([person("p00")]), rules(imports=[imported("(cn=app-*)")], target=REMOVING), have, limits=limits
    )
    assert not world.section().refusals


def test_an_empty_directory_is_refused_whatever_the_limits_are() -> None:
    """Nobody switches this off: accounts alone are reason enough."""
    for have in (live(members("p00")), live({"api": {}}, user("p00"))):
        section = of(have, people=(), target=replace(TARGET, users=replace(USERS, when_missing=OnMissing.KEEP)))
        refusal = only(section)
        assert (refusal.guard, refusal.group) == ("empty_directory", None)
        assert "holds nobody" in refusal.summary
        assert refusal.waiver.startswith("# No waiver lifts this: correct base and user_filter of directories.corp")
    assert not of(live({"api": {}}), people=()).refusals


def test_too_many_privileged_grants_are_refused() -> None:
    """New owners, promotions to owner, and admins; not a change from one owner's role to another's place."""
    limits = replace(NO_LIMITS, max_privileged_grants=2)
    have = live({"api": {"p00": OWNER, "p01": VIEWER}}, user("p02"))
    target = replace(TARGET, admin_group=named("t-owner"))
    refusal = only(of(have, ("owner", CROWD[:3]), limits=limits, target=target))
    assert (refusal.guard, refusal.count, refusal.limit) == ("max_privileged_grants", 5, 2)
    assert refusal.objects == ("admin: p00", "admin: p01", "admin: p02", "api: p01", "api: p02")
    fresh = only(of(live(), ("owner", CROWD[:2]), limits=limits, target=target))
    assert (fresh.count, fresh.objects) == (4, ("api: p00", "api: p01", "p00", "p01"))
    assert not of(have, ("owner", CROWD[:3]), limits=limits).refusals


def test_guards_that_are_off_are_named() -> None:
    """For the plan's header."""
    assert switched_off(GuardLimits()) == ()
    assert switched_off(replace(GuardLimits(), max_privileged_grants=0, min_owners=0)) == ()
    assert switched_off(replace(NO_LIMITS, protect_self=False)) == (
        "empty_admin_group",
        "empty_external_group",
        "empty_group",
        "max_created_users",
        "max_directory_shrink",
        "max_disabled_users",
        "max_privileged_grants",
        "max_removals",
        "max_removals_per_group",
        "min_owners",
        "protect_self",
    )


@pytest.mark.parametrize("name", EVERY)
def test_a_refusal_calls_every_change_by_its_person_or_group(name: str) -> None:
    """A membership and a mark by both."""
    expected = {"group.rename": "old", "user.flag": "admin: ann", "setting.set": "membership_lock"}
    expected |= dict.fromkeys(("membership.add", "membership.change", "membership.remove"), "api: ann")
    usual = "api" if name.startswith("group.") else "ann"
    assert called(EVERY[name]) == expected.get(name, usual)


def test_demotions_count_like_removals() -> None:
    """Whoever becomes a viewer loses the rights of an owner; the words say that it is not all removals."""
    have = live({"api": dict.fromkeys(CROWD[:4], OWNER)})
    limits = replace(NO_LIMITS, max_removals=Limit(percent=50), max_removals_per_group=Limit(percent=50))
    section = of(have, ("owner", CROWD[:1]), ("viewer", CROWD[:4]), limits=limits)
    assert [(refusal.guard, refusal.summary) for refusal in section.refusals] == [
        ("max_removals", "Removes or lowers 3 of 4 memberships; the limit is 2 (50 %)."),
        ("max_removals_per_group", "Removes or lowers 3 of 4 members of api; the limit is 2 (50 %)."),
    ]


def test_accounts_that_are_closed_already_do_not_widen_the_limit() -> None:
    """Ten percent of the accounts that are open, not of all that ever were."""
    closed = [user(name, active=False) for name in CROWD[4:]]
    have = live({}, *(user(name) for name in CROWD[:4]), *closed)
    section = of(have, people=[], limits=replace(NO_LIMITS, max_disabled_users=Limit(percent=50)))
    assert (section.refusals[-1].count, section.refusals[-1].total) == (4, 4)


def admins(now: Sequence[str], then: Sequence[str], limits: GuardLimits) -> TargetPlan:
    """Return the section of a world whose admins change."""
    target = replace(TARGET, admin_group=named("root"))
    have = live({}, *(user(name, flags=[Flag.ADMIN] if name in now else []) for name in CROWD[:4]))
    people = tuple(map(person, CROWD[:4]))
    return World(snapshot(people, [team("root", *then)]), rules(target=target), have, limits=limits).section()


def test_admins_are_guarded_like_a_group() -> None:
    """Most of them at once, or all of them, is a refusal; one who leaves is not."""
    limits = replace(NO_LIMITS, max_removals_per_group=Limit(percent=50), empty_admin_group="refuse")
    assert guards(admins(CROWD[:3], CROWD[:1], limits)) == ["max_removals_per_group"]
    assert guards(admins(CROWD[:1], (), limits)) == ["empty_admin_group"]
    assert guards(admins(CROWD[:2], CROWD[:1], limits)) == []
    assert guards(admins(CROWD[:1], CROWD[1:2], limits)) == []


def test_too_many_new_accounts_are_refused() -> None:
    """A wrong filter makes an account for everybody."""
    limits = replace(NO_LIMITS, max_created_users=3)
    refusal = only(of(live({"api": {}}), ("viewer", CROWD[:4]), limits=limits))
    assert (refusal.guard, refusal.count, refusal.limit, refusal.total) == ("max_created_users", 4, 3, 0)
    assert refusal.summary == "Creates 4 accounts; the limit is 3."
    assert refusal.objects == tuple(CROWD[:4])
    assert not of(live({"api": {}}), ("viewer", CROWD[:3]), limits=limits).refusals


WHEN = "when it was last applied from, as read at 2026-11-13T04:00:00Z"


def shrunk(people: int, groups: int, limit: Limit | None) -> list[str]:
    """Return what is said of a directory of 20 people and one group that held these when it was last applied from."""
    world = World(snapshot(map(person, CROWD), [team("devs")]), rules(), live({"api": {}}))
    past = Past(
        {"roster": Seen(people, groups, "2026-11-13T04:00:00Z"), "other": Seen(900, 90, "2026-11-13T04:00:00Z")}
    )
    section = replace(world, past=past, limits=replace(NO_LIMITS, max_directory_shrink=limit)).section()
    assert {refusal.guard for refusal in section.refusals} <= {"max_directory_shrink"}
    return [refusal.summary for refusal in section.refusals]


def test_a_directory_that_has_shrunk_is_refused_with_both_numbers() -> None:
    """People and groups each by themselves, against what the last apply saw."""
    assert shrunk(24, 4, Limit(percent=10)) == [
        f'The directory "corp" holds 20 people, and held 24 {WHEN}: 4 fewer; the limit is 2 (10 %).',
        f'The directory "corp" holds 1 group, and held 4 {WHEN}: 3 fewer; the limit is 1 (10 %).',
    ]
    assert shrunk(22, 2, Limit(percent=10)) == []
    assert len(shrunk(24, 1, Limit(percent=50, count=3))) == 1
    assert shrunk(24, 4, None) == []
    assert shrunk(10, 0, Limit(count=0)) == []


def test_what_nobody_remembers_has_not_shrunk() -> None:
    """The first apply has nothing to compare with."""
    assert not of(live({"api": {}}), limits=replace(NO_LIMITS, max_directory_shrink=Limit(count=0))).refusals


def test_an_admin_group_that_names_nobody_is_refused() -> None:
    """Missing, empty, or with nobody in it who could log in; whether or not anybody has the mark."""
    limits = replace(NO_LIMITS, empty_admin_group="refuse")
    target = replace(TARGET, admin_group=named("root"))
    people = [person("ann"), replace(person("bob"), disabled=True)]
    found = {}
    for name, teams in {
        "missing": [],
        "empty": [team("root")],
        "disabled": [team("root", "bob")],
        "unreadable": [team("root", readable=False)],
        "twice": [team("root"), replace(team("other"), attributes={"cn": ("root",)})],
        "filled": [team("root", "ann", "bob")],
    }.items():
        section = World(snapshot(people, teams), rules(target=target), live({"api": {}}), limits=limits).section()
        found[name] = [(one.guard, one.summary, one.count, one.limit) for one in section.refusals]
    assert found == {
        "missing": [("empty_admin_group", "The admin group cn=root is not in the directory.", 0, 1)],
        "empty": [("empty_admin_group", "Nobody is in the admin group cn=root.", 0, 1)],
        "disabled": [("empty_admin_group", "Everybody in the admin group cn=root is disabled in the directory.", 0, 1)],
        "unreadable": [],
        "twice": [],
        "filled": [],
    }


def test_a_group_that_marks_externals_or_auditors_and_names_nobody_is_refused() -> None:
    """Missing, or all of them empty: whoever is no longer external sees more."""
    limits = replace(NO_LIMITS, empty_external_group="refuse")
    target = replace(TARGET, external_groups=(named("temps"), named("guests")), auditor_group=named("audit"))
    have = live({"api": {}}, user("ann", flags=[Flag.EXTERNAL]))
    found = {}
    for name, teams in {
        "missing": [team("temps", "ann"), team("audit", "ann")],
        "empty": [team("temps"), team("guests"), team("audit")],
        "one empty": [team("temps", "ann"), team("guests"), team("audit", "ann")],
        "unreadable": [team("temps"), team("guests", readable=False), team("audit", readable=False)],
    }.items():
        said, seen = rules(target=target), snapshot([person("ann")], teams)
        section = World(seen, said, have, limits=limits, capabilities=MARKING).section()
        found[name] = [(one.guard, one.summary, one.count, one.limit, one.objects) for one in section.refusals]
        assert not World(seen, said, have, limits=NO_LIMITS, capabilities=MARKING).section().refusals
    nobody = "Nobody is in the external groups cn=temps, cn=guests. Nobody is in the auditor group cn=audit."
    assert found == {
        "missing": [("empty_external_group", "The external group cn=guests is not in the directory.", 0, 1, ())],
        "empty": [("empty_external_group", nobody, 0, 1, ("external: ann",))],
        "one empty": [],
        "unreadable": [],
    }


def test_a_plan_that_leaves_no_administrator_says_so_once() -> None:
    """With the cause, where it is the group; by itself where the group names somebody who has no account."""
    limits = replace(NO_LIMITS, empty_admin_group="refuse")
    refusal = only(admins(CROWD[:2], (), limits))
    assert refusal.summary == "Nobody is in the admin group cn=root. Leaves nobody with the admin mark: all 2 go."
    assert (refusal.count, refusal.limit, refusal.objects) == (2, 1, ("admin: p00", "admin: p01"))
    target = replace(TARGET, admin_group=named("root"), users=replace(USERS, create=False))
    have = live({}, user("p00", flags=[Flag.ADMIN]))
    seen = snapshot(map(person, CROWD[:2]), [team("root", "p01")])
    alone = only(World(seen, rules(target=target), have, limits=limits).section())
    assert alone.summary == "Leaves nobody with the admin mark: the only one goes."


def test_a_missing_group_is_refused_where_the_policy_says_so() -> None:
    """Group by group; a waiver lifts it, and what is frozen stays frozen."""
    target = replace(TARGET, on_missing_group=OnMissingGroup.ERROR)
    said = rules(rule("web", link("gone"), link("away")), rule("api", link("devs")), target=target)
    have = live({"web": {"p00": VIEWER}, "api": {}})
    world = World(snapshot(map(person, CROWD[:1]), [team("devs")]), said, have, limits=NO_LIMITS)
    section = world.section()
    refusal = only(section)
    assert (refusal.guard, refusal.group, refusal.count, refusal.limit) == ("missing_group", "web", 2, 0)
    assert refusal.summary == "web is linked to cn=away, cn=gone, missing in the directory or unreadable."
    assert refusal.objects == ("cn=away", "cn=gone")
    assert not any(finding.severity is Severity.ERROR for finding in section.diagnostics)
    waiver = Waiver("missing_group", "roster", TODAY, "#1", "moved", at(70), "web", section.changes_id)
    waived = replace(world, waivers=[waiver]).section()
    assert not waived.refusals
    assert (waived.changes_id, waived.withheld) == (section.changes_id, section.withheld)
    assert [held.hold for held in waived.withheld] == ["frozen_group"]


def test_a_section_that_no_guard_minds_has_no_changes_id() -> None:
    """There is nothing to waive."""
    assert of(live(members("p00")), ("viewer", ["p00"]), limits=GuardLimits()).changes_id == ""
