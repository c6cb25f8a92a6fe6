"""Target groups: made, kept, removed with their directory group."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.access import Group, GroupKey
from reconciler.model.reason import Reason, Why
from reconciler.policy.model import OnMissing, Protection
from tests.builders import GROUPS, TARGET, World, at, imported, link, live, rule, rules, snapshot, team
from tests.unit.diff.found import changes, findings, held

REMOVING = replace(TARGET, groups=replace(GROUPS, when_missing=OnMissing.REMOVE))
GONE = Group(GroupKey("app-x"), "group-gone")


def of(*groups: Group, protected: str = "") -> World:
    said = rules(rule("api", link("devs")), imports=[imported("(cn=app-*)")], target=REMOVING)
    seen = snapshot((), (team("devs"), replace(team("other"), key="group-other")))
    have = live({"api": {}}, groups=groups)
    return World(seen, said, have, Protection(groups=(protected,) if protected else ()))


def test_a_group_whose_directory_group_is_gone_is_removed_where_the_policy_says_so() -> None:
    """With the place of the rule."""
    assert changes(of(GONE)) == ["group.remove app-x"]
    assert findings(of(GONE)).changes[0].reason == Reason(Why.GROUP_GONE, at(7))


def test_a_group_stays_unless_the_policy_says_so() -> None:
    """`keep` is the default."""
    world = of(GONE)
    assert changes(replace(world, said=replace(world.said, target=TARGET))) == []


def test_only_groups_that_an_import_made_are_removed() -> None:
    """One without a source, somebody else's, one whose directory group is there but not imported: all stay."""
    others = (
        Group(GroupKey("by-rule")),
        replace(GONE, key=GroupKey("theirs"), managed=False),
        Group(GroupKey("app-other"), "group-other"),
    )
    assert changes(of(*others)) == []


def test_a_group_that_a_rule_names_is_not_removed() -> None:
    """Whatever it once mirrored."""
    assert changes(of(Group(GroupKey("api"), "group-gone"))) == []


def test_a_protected_group_is_neither_made_nor_removed() -> None:
    """Both are shown."""
    assert held(of(GONE, protected="app-*")) == ["protected: group.remove app-x"]
    world = of(protected="api")
    assert held(replace(world, have=live())) == ["protected: group.create api"]
