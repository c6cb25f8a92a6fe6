"""Removals that would take with them what stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.access import Group, GroupKey, State, UserKey
from reconciler.model.change import RemoveUser
from reconciler.policy.model import OnMissing, Protection
from tests.builders import (
    EDITOR,
    GROUPS,
    OWNER,
    TARGET,
    USERS,
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
from tests.unit.diff.found import changes, findings, held, world

REMOVING = replace(
    TARGET,
    users=replace(USERS, when_missing=OnMissing.REMOVE, when_disabled=OnMissing.REMOVE),
    groups=replace(GROUPS, when_missing=OnMissing.REMOVE),
)


def of(have: State, *linked: str, protected: Protection | None = None) -> World:
    seen = snapshot([person("bob")], (team("devs", "bob"),))
    said = rules(rule("api", *map(link, linked or ("devs",))), imports=[imported("(cn=app-*)")], target=REMOVING)
    return World(seen, said, have, protected or Protection())


def test_an_account_with_memberships_made_by_hand_is_disabled_instead_of_removed() -> None:
    """Nobody who left can log in, and what others gave is not taken."""
    world = of(live({"api": {"bob": VIEWER, "zoe": OWNER}}, by_hand={"web": {"zoe": EDITOR}}))
    assert changes(world) == ["membership.remove api zoe owner", "user.disable zoe"]
    assert held(world) == ["by_hand: user.remove zoe"]
    assert findings(world).withheld[0].detail == "a membership in web stays"


def test_an_account_that_is_disabled_already_is_just_held_back() -> None:
    """A second plan has nothing to do."""
    world = of(live({"api": {"bob": VIEWER}}, user("zoe", active=False), by_hand={"web": {"zoe": EDITOR}}))
    assert (changes(world), held(world)) == ([], ["by_hand: user.remove zoe"])


def test_an_account_with_a_role_in_a_frozen_group_is_disabled_instead_of_removed() -> None:
    """Or the removal would take what the freeze holds."""
    world = of(live({"api": {"bob": VIEWER, "zoe": OWNER}}), "devs", "gone")
    assert changes(world) == ["user.disable zoe"]
    assert held(world) == ["frozen_group: membership.remove api zoe owner", "frozen_group: user.remove zoe"]


def test_an_account_with_a_role_in_a_protected_group_is_disabled_instead_of_removed() -> None:
    """Nothing touches that group."""
    world = of(live({"api": {"bob": VIEWER, "zoe": OWNER}}), protected=Protection(groups=("api",)))
    assert changes(world) == ["user.disable zoe"]
    assert held(world) == ["protected: membership.remove api zoe owner", "protected: user.remove zoe"]


def test_a_group_with_memberships_made_by_hand_is_not_removed() -> None:
    """Ours in it go."""
    gone = Group(GroupKey("app-x"), "group-gone")
    world = of(
        live({"api": {"bob": VIEWER}, "app-x": {"bob": VIEWER}}, by_hand={"app-x": {"ann": OWNER}}, groups=[gone])
    )
    world = replace(world, have=replace(world.have, users={UserKey("id-bob"): user("bob")}, by_hand=world.have.by_hand))
    assert changes(world) == ["membership.remove app-x bob viewer"]
    assert held(world) == ["by_hand: group.remove app-x"]


def test_a_group_with_a_protected_member_is_not_removed() -> None:
    """Nothing touches what that account has."""
    gone = Group(GroupKey("app-x"), "group-gone")
    world = of(
        live({"api": {"bob": VIEWER}, "app-x": {"bob": VIEWER}}, groups=[gone]), protected=Protection(users=("bob",))
    )
    assert changes(world) == []
    assert held(world) == ["protected: group.remove app-x", "protected: membership.remove app-x bob viewer"]


@pytest.mark.parametrize("groups", [("api", "web"), ("web", "api")])
def test_of_several_memberships_that_stay_the_first_by_name_is_named(groups: tuple[str, str]) -> None:
    """Whatever order the target lists its groups in."""
    of = world(
        live({group: {"zoe": VIEWER} for group in groups}),
        target=REMOVING,
        protected=Protection(groups=("api", "web")),
    )
    [kept] = [one for one in findings(of).withheld if isinstance(one.change, RemoveUser)]
    assert kept.detail == "a membership in api stays"
