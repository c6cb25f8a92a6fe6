"""Limits on what one plan may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.model.access import Flag, Group, GroupKey, Role, State
from reconciler.model.directory import Person
from reconciler.model.plan import Refusal, TargetPlan
from reconciler.plan.guards import ceiling, switched_off
from reconciler.plan.subject import named as called
from reconciler.policy.model import GuardLimits, Limit, OnMissing, TargetConfig
from tests.builders import (
    GROUPS,
    NO_LIMITS,
    OWNER,
    TARGET,
    USERS,
    VIEWER,
    Roles,
    World,
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
from tests.unit.diff.found import words
from tests.unit.model.changes import EVERY

CROWD = [f"p{number:02}" for number in range(20)]
REMOVING = replace(
    TARGET,
    users=replace(USERS, when_missing=OnMissing.REMOVE),
    groups=replace(GROUPS, when_missing=OnMissing.REMOVE),
)


def of(
    have: State,
    *links: tuple[str, Sequence[str]],
    limits: GuardLimits = NO_LIMITS,
    people: Sequence[Person] = tuple(map(person, CROWD)),
    target: TargetConfig = TARGET,
) -> TargetPlan:
    """Return the section of a world where each role's team has these members, and `api` links all of them."""
    teams = [team(f"t-{role}", *who) for role, who in links]
    said = rules(rule("api", *(link(f"t-{role}", Role(role)) for role, _ in links)), target=target)
    return World(snapshot(people, teams), said, have, limits=limits).section()


def members(*names: str) -> Roles:
    return {"api": dict.fromkeys(names, VIEWER)}


def guards(section: TargetPlan) -> list[str]:
    return [refusal.guard for refusal in section.refusals]


def only(section: TargetPlan) -> Refusal:
    (refusal,) = section.refusals
    return refusal


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


def lines(section: TargetPlan) -> tuple[list[str], list[str]]:
    return [words(change) for change in section.changes], [
        f"{held.hold}: {words(held.change)}" for held in section.withheld
    ]


def test_the_last_owner_stays_and_the_run_goes_on() -> None:
    """Of two who go, the first in the plan's order goes."""
    have = live({"api": {"p00": OWNER, "p01": OWNER, "p02": VIEWER}})
    done, held = lines(of(have, ("viewer", ["p02"]), limits=replace(NO_LIMITS, min_owners=1)))
    assert done == ["membership.remove api p00 owner"]
    assert held == ["last_owner: membership.remove api p01 owner"]


def test_a_demotion_of_the_last_owner_is_held_back_like_a_removal() -> None:
    """Both end an ownership."""
    have = live({"api": {"p00": OWNER}})
    assert lines(of(have, ("viewer", ["p00"]), limits=replace(NO_LIMITS, min_owners=1))) == (
        [],
        ["last_owner: membership.change api p00 owner viewer"],
    )


def test_owners_made_by_hand_or_by_this_plan_count() -> None:
    """Then the old ones can go."""
    limits = replace(NO_LIMITS, min_owners=1)
    by_hand = live({"api": {"p00": OWNER}}, by_hand={"api": {"p05": OWNER}})
    assert not of(by_hand, ("viewer", ["p00"]), limits=limits).withheld
    assert not of(live({"api": {"p00": OWNER}}), ("owner", ["p01"]), limits=limits).withheld
    promoted = live({"api": {"p00": OWNER, "p01": VIEWER}})
    assert not of(promoted, ("owner", ["p01"]), limits=limits).withheld


def test_a_group_with_too_few_owners_is_not_made_worse() -> None:
    """It keeps those it has."""
    have = live({"api": {"p00": OWNER, "p01": VIEWER}})
    done, held = lines(of(have, ("viewer", []), limits=replace(NO_LIMITS, min_owners=2)))
    assert done == ["membership.remove api p01 viewer"]
    assert held == ["last_owner: membership.remove api p00 owner"]


def test_the_account_of_a_last_owner_is_disabled_instead_of_removed() -> None:
    """In its place in the order; other memberships go."""
    have = live({"api": {"gone": OWNER, "p00": VIEWER}, "web": {"gone": VIEWER}}, user("a-gone"))
    section = of(have, ("viewer", ["p00"]), limits=replace(NO_LIMITS, min_owners=1), target=REMOVING)
    assert lines(section) == (
        ["membership.remove web gone viewer", "user.disable gone", "user.remove a-gone"],
        ["last_owner: membership.remove api gone owner", "last_owner: user.remove gone"],
    )


@pytest.mark.parametrize("minimum", [None, 0])
def test_owners_may_all_go_where_the_policy_says_so(minimum: int | None) -> None:
    """Switched off, or none demanded."""
    assert not of(live({"api": {"p00": OWNER}}), ("viewer", []), limits=replace(NO_LIMITS, min_owners=minimum)).withheld


def test_a_target_without_owners_keeps_nobody() -> None:
    """There is nothing to keep."""
    world = World(
        snapshot([person("ann"), person("bob")], [team("devs", "bob")]),
        rules(rule("api", link("devs"))),
        live({"api": {"ann": OWNER, "bob": VIEWER}}),
        limits=replace(NO_LIMITS, min_owners=1),
    )
    assert world.section().withheld
    plain = replace(world, capabilities=replace(world.capabilities, owner_role=None))
    assert not plain.section().withheld


def test_guards_that_are_off_are_named() -> None:
    """For the plan's header."""
    assert switched_off(GuardLimits()) == ()
    assert switched_off(replace(GuardLimits(), max_privileged_grants=0, min_owners=0)) == ()
    assert switched_off(replace(NO_LIMITS, protect_self=False)) == (
        "empty_admin_group",
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
    expected = {"group.rename": "old", "user.flag": "admin: ann"}
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


def test_an_owner_who_cannot_log_in_is_no_owner_to_rely_on() -> None:
    """The last one with an open account stays, and the closed one may go."""
    have = live({"api": {"p00": OWNER, "p01": OWNER}}, user("p00"), user("p01", active=False))
    limits = replace(NO_LIMITS, min_owners=1)
    disabled = [person("p00"), replace(person("p01"), disabled=True)]
    kept, held = lines(of(have, ("owner", ["p01"]), limits=limits, people=disabled))
    assert (kept, held) == ([], ["last_owner: membership.remove api p00 owner"])
    assert lines(of(have, ("owner", ["p00"]), limits=limits, people=disabled))[0] == ["membership.remove api p01 owner"]


def test_a_group_that_goes_away_keeps_no_owner() -> None:
    """There is nothing left to own."""
    gone = Group(GroupKey("app-x"), "group-gone")
    have = live({"app-x": {"p00": OWNER}}, groups=[gone])
    said = rules(imports=[imported("(cn=app-*)")], target=REMOVING)
    world = World(snapshot([person("p00")], [team("other")]), said, have, limits=replace(NO_LIMITS, min_owners=1))
    assert lines(world.section()) == (["membership.remove app-x p00 owner", "group.remove app-x"], [])
