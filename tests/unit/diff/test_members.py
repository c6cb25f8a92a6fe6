"""Memberships, group by group."""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff.members import accounts_after
from reconciler.diff.rules import Findings
from reconciler.model.access import Group, GroupKey, Role, State, User, UserKey
from reconciler.model.change import CreateUser
from reconciler.model.reason import Reason, Why
from reconciler.policy.model import OnMissing, Protection
from tests.builders import (
    EDITOR,
    GROUPS,
    OWNER,
    TARGET,
    USERS,
    VIEWER,
    World,
    grant,
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
from tests.unit.diff.found import API, DEVS, PEOPLE, changes, findings, held, world

BOTH = {"ann": VIEWER, "bob": VIEWER}


def test_what_is_as_it_should_be_is_only_counted() -> None:
    """No object is made for it."""
    found = findings(world(live({"api": BOTH})))
    assert (found.changes, found.withheld) == ([], [])
    assert (found.unchanged.memberships, found.unchanged.users, found.unchanged.groups) == (2, 2, 1)


def test_a_first_plan_makes_accounts_groups_and_memberships() -> None:
    """From nothing."""
    assert changes(world()) == [
        "group.create api",
        "membership.add api ann viewer",
        "membership.add api bob viewer",
        "user.create ann",
        "user.create bob",
    ]


def test_a_difference_in_one_membership_leaves_the_others_alone() -> None:
    """They are counted."""
    of = world(live({"api": {"ann": VIEWER}}, user("bob")))
    assert changes(of) == ["membership.add api bob viewer"]
    assert findings(of).unchanged_memberships == 1


def test_a_role_is_changed_in_place() -> None:
    """Up and down, never remove and add; a role that the target has no longer is the highest."""
    up, down = (
        world(live({"api": {**BOTH, "ann": OWNER}})),
        world(live({"api": BOTH}), rule("api", link("devs", EDITOR))),
    )
    assert changes(up) == ["membership.change api ann owner viewer"]
    assert changes(down) == ["membership.change api ann viewer editor", "membership.change api bob viewer editor"]
    assert changes(world(live({"api": {**BOTH, "ann": Role("boss")}}))) == ["membership.change api ann boss viewer"]


def test_somebody_who_left_the_group_loses_the_role() -> None:
    """And keeps the account: present but unlinked is not missing."""
    seen = snapshot([*PEOPLE, person("cy")], DEVS)
    of = World(seen, rules(API), live({"api": {**BOTH, "cy": OWNER}}))
    assert changes(of) == ["membership.remove api cy owner"]
    assert findings(of).changes[0].reason.why is Why.LEFT_GROUP


def test_somebody_who_left_the_directory_loses_role_and_account() -> None:
    """As `when_missing` says: disabled by default."""
    of = world(live({"api": {**BOTH, "zoe": OWNER}}))
    assert changes(of) == ["membership.remove api zoe owner", "user.disable zoe"]
    assert {change.reason.why for change in findings(of).changes} == {Why.LEFT_DIRECTORY}


def test_memberships_in_groups_without_a_rule_stay() -> None:
    """Such a group has become unmanaged."""
    assert changes(world(live({"api": BOTH, "web": {"ann": OWNER}}))) == []


def test_an_account_that_is_removed_loses_what_it_has_anywhere() -> None:
    """Each membership is a line of the plan, or guards could not count it."""
    of = world(
        live({"api": {**BOTH, "zoe": OWNER}, "web": {"zoe": EDITOR, "ann": EDITOR}}),
        target=replace(TARGET, users=replace(USERS, when_missing=OnMissing.REMOVE)),
    )
    assert changes(of) == ["membership.remove api zoe owner", "membership.remove web zoe editor", "user.remove zoe"]


def test_a_frozen_group_gains_members_and_loses_none() -> None:
    """Neither removal nor demotion; the reason is said."""
    said = rule("api", link("devs", EDITOR), link("gone", OWNER))
    of = world(live({"api": {"ann": OWNER, "zoe": VIEWER}}, user("bob")), said)
    assert changes(of) == ["membership.add api bob editor", "user.disable zoe"]
    assert held(of) == [
        "frozen_group: membership.change api ann owner editor",
        "frozen_group: membership.remove api zoe viewer",
    ]
    assert {one.detail for one in findings(of).withheld} == {"the group cn=gone is not in the directory"}


def test_a_promotion_in_a_frozen_group_goes_on() -> None:
    """It takes nothing away."""
    of = world(live({"api": BOTH}), rule("api", link("devs", EDITOR), link("gone", OWNER)))
    assert changes(of) == ["membership.change api ann viewer editor", "membership.change api bob viewer editor"]


def test_a_membership_made_by_hand_counts_as_present() -> None:
    """The same role is right; another one is shown and left; one that no rule wants is none of our business."""
    of = world(live({"api": {"bob": VIEWER}}, by_hand={"api": {"ann": VIEWER, "zoe": OWNER}}))
    assert (changes(of), held(of), findings(of).unchanged_memberships) == (["user.disable zoe"], [], 2)
    other = world(live({"api": {"bob": VIEWER}}, by_hand={"api": {"ann": OWNER}}))
    assert (changes(other), held(other)) == ([], ["by_hand: membership.add api ann viewer"])
    assert findings(other).withheld[0].detail == "holds owner by hand"


def test_nobody_gets_a_membership_without_an_account() -> None:
    """Where accounts are not made, both are shown."""
    of = world(live({"api": {}}), target=replace(TARGET, users=replace(USERS, create=False)))
    assert changes(of) == []
    assert held(of) == [
        "no_account: membership.add api ann viewer",
        "no_account: membership.add api bob viewer",
        "no_account: user.create ann",
        "no_account: user.create bob",
    ]


def test_disabled_people_get_no_account_and_silently_no_membership() -> None:
    """Those who have an account keep their memberships, and gain those they should have."""
    seen = snapshot([person("ann", disabled=True), person("bob", disabled=True)], DEVS)
    of = World(seen, rules(API), live({"api": {}}, user("bob", active=False)))
    assert (changes(of), held(of)) == (["membership.add api bob viewer"], [])


def test_somebody_whose_name_is_unusable_keeps_and_gains_by_stable_id() -> None:
    """The account stays as it is; without one the addition is held back under the DN."""
    people = [person("ann", uid=()), person("bob", uid=())]
    of = World(snapshot(people, DEVS), rules(API), live({"api": {}}, user("ann")))
    assert changes(of) == ["membership.add api ann viewer"]
    assert held(of) == ["frozen_user: membership.add api uid=bob,ou=people,dc=acme viewer"]
    gone = World(snapshot(people, (team("devs", "bob"),)), rules(API), live({"api": {"ann": OWNER}}))
    assert changes(gone) == ["membership.remove api ann owner"]


def test_somebody_whom_a_grant_may_mean_loses_nothing() -> None:
    """Another entry of the same name is no reason to take away what the grant gave."""
    people = [person("ann"), person("zoe", uid="ann"), person("cy")]
    said = rules(rule("api", grant("ann", EDITOR)))
    of = World(snapshot(people), said, live({"api": {"ann": EDITOR, "cy": EDITOR}}))
    assert changes(of) == ["membership.remove api cy editor"]
    assert held(of) == ["frozen_user: membership.remove api ann editor"]


def test_a_group_that_is_not_made_gets_no_members() -> None:
    """All of it is shown."""
    of = world(target=replace(TARGET, groups=replace(GROUPS, create=False)))
    assert changes(of) == ["user.create ann", "user.create bob"]
    assert held(of) == [
        "no_group: group.create api",
        "no_group: membership.add api ann viewer",
        "no_group: membership.add api bob viewer",
    ]


def test_nothing_protected_gains_or_loses() -> None:
    """By user and by group."""
    have = live({"api": {"bob": OWNER, "zoe": VIEWER}})
    of = world(have, protected=Protection(users=("z*", "ann", "bob")))
    assert changes(of) == []
    assert held(of) == [
        "protected: membership.add api ann viewer",
        "protected: membership.change api bob owner viewer",
        "protected: membership.remove api zoe viewer",
        "protected: user.create ann",
        "protected: user.disable zoe",
    ]
    by_group = world(live({"api": {"bob": OWNER}}, user("ann")), protected=Protection(groups=("a*",)))
    assert changes(by_group) == []
    assert held(by_group) == [
        "protected: membership.add api ann viewer",
        "protected: membership.change api bob owner viewer",
    ]


def test_a_group_that_goes_away_loses_its_members_one_by_one() -> None:
    """The reason is the group, not the person."""
    target = replace(TARGET, groups=replace(GROUPS, when_missing=OnMissing.REMOVE))
    have = live({"app-x": {"ann": VIEWER}}, groups=[Group(GroupKey("app-x"), "group-app-x")])
    of = World(snapshot(PEOPLE), rules(imports=[imported("(cn=app-*)")], target=target), have)
    assert changes(of) == ["group.remove app-x", "membership.remove app-x ann viewer"]
    assert {change.reason.why for change in findings(of).changes} == {Why.GROUP_GONE}


def test_a_group_without_any_membership_goes_away_all_the_same() -> None:
    """There may be no row of it at all."""
    target = replace(TARGET, groups=replace(GROUPS, when_missing=OnMissing.REMOVE))
    have = State(groups={GroupKey("app-x"): Group(GroupKey("app-x"), "group-app-x")})
    said = rules(imports=[imported("(cn=app-*)")], target=target)
    assert changes(World(snapshot(), said, have)) == ["group.remove app-x"]


def test_a_group_that_no_import_concerns_any_more_stays() -> None:
    """Whoever takes the import out of the policy has not asked for the end of what it made."""
    target = replace(TARGET, groups=replace(GROUPS, when_missing=OnMissing.REMOVE))
    have = State(groups={GroupKey("app-x"): Group(GroupKey("app-x"), "group-app-x")})
    assert changes(World(snapshot(), rules(target=target), have)) == []


def test_an_account_that_may_be_one_of_two_people_keeps_its_role() -> None:
    """Both should have it, and neither is known to be the one: nothing is taken until that is clear."""
    seen = snapshot(
        [person("ann", stable=False, branch="berlin"), person("ann2", uid="ann", stable=False), person("bob")],
        [team("devs", "ann", "ann2", "bob")],
    )
    of = World(seen, rules(API), live({"api": {"ann": VIEWER, "bob": VIEWER}}, user("ann", key="dn:uid=ann,ou=gone")))
    assert changes(of) == []
    assert "frozen_user: membership.remove api ann viewer" in held(of)


def test_an_account_that_may_be_one_of_two_people_loses_what_neither_should_have() -> None:
    """Whoever it is, no rule gives the role."""
    seen = snapshot(
        [person("ann", stable=False, branch="berlin"), person("ann2", uid="ann", stable=False), person("bob")],
        [team("devs", "bob")],
    )
    of = World(seen, rules(API), live({"api": {"ann": VIEWER, "bob": VIEWER}}, user("ann", key="dn:uid=ann,ou=gone")))
    assert changes(of) == ["membership.remove api ann viewer"]


def test_a_new_account_is_known_by_its_identity_until_it_has_the_id_of_its_person() -> None:
    """What broke off between the two can go on; an account without an identity, or known by it for good, has no second key."""
    by_dn = UserKey("dn:uid=cid,dc=example")
    made = {
        "ann": User(UserKey("id-ann"), "ann", {"dn": "uid=Ann,dc=example"}),
        "ben": User(UserKey("id-ben"), "ben"),
        "cid": User(by_dn, "cid", {"dn": "uid=cid,dc=example"}),
        "dan": User(UserKey("id-dan"), "dan", {"dn": "no DN"}),
    }
    found = Findings(changes=[CreateUser(user, Reason(Why.GROUP_LINK)) for user in made.values()])
    people = accounts_after(State(), found).people
    assert {user.username: people[user.key].account for user in made.values()} == {
        "ann": "dn:uid=ann,dc=example",
        "ben": "",
        "cid": "",
        "dan": "",
    }
