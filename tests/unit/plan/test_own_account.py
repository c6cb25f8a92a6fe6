"""The account whose credential we use."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.access import Flag, Group, GroupKey
from reconciler.model.plan import Hold, TargetPlan
from reconciler.policy.model import OnMissing
from tests.builders import (
    GROUPS,
    NO_LIMITS,
    OWNER,
    TARGET,
    USERS,
    VIEWER,
    World,
    imported,
    key,
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

REMOVING = replace(
    TARGET,
    users=replace(USERS, when_missing=OnMissing.REMOVE),
    groups=replace(GROUPS, when_missing=OnMissing.REMOVE),
    admin_group=named("root"),
)
SEEN = snapshot([person("ann")], [team("devs", "ann"), team("root", "ann")])
HAVE = replace(
    live({"api": {"robot": OWNER, "eve": OWNER, "ann": OWNER}}, user("robot", flags=[Flag.ADMIN]), user("eve")),
    own=key("robot"),
)


def lines(section: TargetPlan) -> tuple[list[str], list[str]]:
    return [words(change) for change in section.changes], [
        f"{held.hold}: {words(held.change)}" for held in section.withheld
    ]


def test_our_own_account_stays_as_it_is_and_the_run_goes_on() -> None:
    """Neither its role, nor its mark, nor the account itself is taken; everybody else goes."""
    world = World(SEEN, rules(rule("api", link("devs", OWNER)), target=REMOVING), HAVE, limits=NO_LIMITS)
    assert lines(world.section()) == (
        ["user.flag ann admin True", "membership.remove api eve owner", "user.remove eve"],
        ["own_account: membership.remove api robot owner", "own_account: user.remove robot"],
    )
    assert "protect_self" not in world.section().guards_off


def test_our_own_account_is_not_disabled_demoted_or_made_external() -> None:
    """Whether its person left or is only in other groups."""
    target = replace(TARGET, admin_group=named("root"), external_groups=(named("guests"),))
    seen = snapshot(
        [person("robot"), person("ann")], [team("devs", "robot"), team("root", "ann"), team("guests", "robot")]
    )
    world = World(seen, rules(rule("api", link("devs", VIEWER)), target=target), HAVE, limits=NO_LIMITS)
    assert sorted(lines(world.section())[1]) == [
        "own_account: membership.change api robot owner viewer",
        "own_account: user.flag robot admin False",
        "own_account: user.flag robot external True",
    ]
    gone = World(SEEN, rules(rule("api", link("devs", OWNER))), HAVE, limits=NO_LIMITS)
    assert "own_account: user.disable robot" in lines(gone.section())[1]


def test_what_gives_our_own_account_more_is_made() -> None:
    """It is only kept from losing."""
    seen = snapshot([person("robot")], [team("devs", "robot")])
    have = replace(live({"api": {"robot": VIEWER}}, user("robot", active=False)), own=key("robot"))
    world = World(seen, rules(rule("api", link("devs", OWNER))), have, limits=NO_LIMITS)
    assert lines(world.section()) == (["user.enable robot", "membership.change api robot viewer owner"], [])


def test_a_group_that_goes_away_takes_our_membership_with_it() -> None:
    """There is nothing left to reach; our account stays."""
    gone = Group(GroupKey("app-x"), "group-gone")
    have = replace(live({"app-x": {"robot": OWNER}}, groups=[gone]), own=key("robot"))
    said = rules(imports=[imported("(cn=app-*)")], target=REMOVING)
    assert lines(World(SEEN, said, have, limits=NO_LIMITS).section()) == (
        ["user.create ann", "membership.remove app-x robot owner", "group.remove app-x"],
        ["own_account: user.remove robot"],
    )


def test_the_protection_can_be_switched_off() -> None:
    """And then the plan's header says so."""
    limits = replace(NO_LIMITS, protect_self=False)
    section = World(SEEN, rules(rule("api", link("devs", OWNER)), target=REMOVING), HAVE, limits=limits).section()
    assert "user.remove robot" in lines(section)[0]
    assert not [held for held in section.withheld if held.hold is Hold.OWN_ACCOUNT]
    assert "protect_self" in section.guards_off


def test_our_own_account_is_known_by_the_key_that_it_gets() -> None:
    """An account that is found by its name keeps being ours when it is matched to its person."""
    target = replace(TARGET, admin_group=named("root"))
    seen = snapshot([person("robot"), person("ann")], [team("devs", "robot"), team("root", "ann")])
    robot = user("robot", key="dn:uid=robot,ou=people,dc=acme", flags=[Flag.ADMIN])
    have = replace(live({"api": {"robot": OWNER}}, robot), own=robot.key)
    world = World(seen, rules(rule("api", link("devs", VIEWER)), target=target), have, limits=NO_LIMITS)
    done, held = lines(world.section())
    assert any(line.startswith("user.update robot") for line in done)
    assert sorted(held) == [
        "own_account: membership.change api robot owner viewer",
        "own_account: user.flag robot admin False",
    ]
