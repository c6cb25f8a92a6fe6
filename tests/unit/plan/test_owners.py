"""Groups keep their last owners."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.access import Group, GroupKey
from reconciler.model.plan import TargetPlan
from tests.builders import (
    NO_LIMITS,
    OWNER,
    VIEWER,
    World,
    imported,
    link,
    live,
    person,
    rule,
    rules,
    snapshot,
    team,
    user,
)
from tests.unit.diff.found import words
from tests.unit.plan.guarded import REMOVING, of


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
