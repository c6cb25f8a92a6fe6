"""Which live account and group is whose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.diff.compare import compare
from reconciler.model.access import Group, GroupKey, State, User, UserKey
from reconciler.model.directory import Person
from reconciler.policy.model import Protection, TargetConfig
from tests.builders import (
    GROUPS,
    OWNER,
    TARGET,
    USERS,
    VIEWER,
    World,
    dn,
    imported,
    key,
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
from tests.unit.diff.found import changes, clashes, findings, held

ADOPTING = replace(TARGET, users=replace(USERS, adopt=True), groups=replace(GROUPS, adopt=True))
UNSTABLE = [user("ann", key=f"dn:{dn('ann', 'moved')}"), user("ann", key="local:ann")]


def of(
    people: Sequence[Person],
    *accounts: User,
    adopt: bool = False,
    protected: str = "",
    linked: str = "ann",
    target: TargetConfig = TARGET,
) -> World:
    """Return a world in which `linked` are viewers of `api`, which is there."""
    seen = snapshot(people, (team("devs", *linked.split()),))
    have = live({"api": {}}, *accounts)
    said = rules(rule("api", link("devs")), target=ADOPTING if adopt else target)
    return World(seen, said, have, Protection(users=(protected,) if protected else ()))


def accounts(world: World) -> list[str]:
    return [change for change in changes(world) if change.startswith("user.")]


@pytest.mark.parametrize("account", UNSTABLE)
def test_an_account_without_a_stable_id_is_found_by_name_and_gets_one(account: User) -> None:
    """A change of its own, and everything else goes by the new key."""
    world = of([person("ann")], account)
    assert changes(world) == ["membership.add api ann viewer", f"user.update ann key {account.key} id-ann"]
    aligned, _ = compare(world.have, world.want(), world.diff_rules())
    assert aligned.users[key("ann")] == replace(account, key=key("ann"))


def test_an_entry_that_got_a_stable_id_keeps_its_account_and_roles() -> None:
    """Found by DN, even under another name."""
    world = of([person("ann", uid="anne")], user("ann", key=f"dn:{dn('ann')}"))
    world = replace(
        world, have=replace(world.have, memberships={GroupKey("api"): {UserKey(f"dn:{dn('ann')}"): VIEWER}})
    )
    assert changes(world) == [
        "user.update ann key dn:uid=ann,ou=people,dc=acme id-ann",
        "user.update ann username ann anne",
    ]


def test_an_entry_that_lost_its_stable_id_keeps_its_account() -> None:
    """The directory does not show it any more; the account's own id is nobody's."""
    assert accounts(of([person("ann", stable=False)], user("ann"))) == [
        "user.update ann key id-ann dn:uid=ann,ou=people,dc=acme"
    ]


def test_an_entry_that_moved_without_a_stable_id_keeps_its_account() -> None:
    """By name: it is not somebody who left and somebody who came."""
    assert accounts(of([person("ann", stable=False, branch="new")], user("ann", key=f"dn:{dn('ann')}"))) == [
        "user.update ann key dn:uid=ann,ou=people,dc=acme dn:uid=ann,ou=new,dc=acme"
    ]


def test_somebody_whose_name_is_unusable_is_found_by_dn() -> None:
    """Or the roles would go with the old key."""
    world = of([person("ann", uid=())], user("ann", key=f"dn:{dn('ann')}"))
    world = replace(world, have=replace(world.have, memberships={GroupKey("api"): {UserKey(f"dn:{dn('ann')}"): OWNER}}))
    assert changes(world) == [
        "membership.change api ann owner viewer",
        "user.update ann key dn:uid=ann,ou=people,dc=acme id-ann",
    ]


def test_of_two_accounts_that_may_be_the_same_persons_none_is_taken() -> None:
    """A person decides."""
    world = of([person("ann")], user("ann", key="local:ann"), user("old", key=f"dn:{dn('ann')}"))
    assert clashes(world) == ["user ann: the account belongs to another directory entry (local:ann, not id-ann)"]
    assert accounts(world) == ["user.create ann"]
    assert not findings(world).clashes[0].adoptable


def test_a_protected_account_gets_no_key() -> None:
    """Nothing touches it; what it would have got is shown."""
    world = of([person("ann")], UNSTABLE[1], protected="ann")
    assert (changes(world), clashes(world)) == ([], [])
    assert held(world) == ["protected: membership.add api ann viewer", "protected: user.create ann"]


def test_a_strangers_account_of_the_wanted_name_is_a_clash() -> None:
    """Never taken over by itself."""
    world = of([person("ann")], stranger("ANN"))
    assert clashes(world) == ["user ann: an account of this name is there, and it is not ours"]
    assert findings(world).clashes[0].adoptable


def test_where_no_account_is_made_a_strangers_is_in_nobodys_way() -> None:
    """Nothing asks for the name, so that one local account does not stop everybody else; the plan says who has it."""
    making_none = replace(TARGET, users=replace(USERS, create=False))
    people = [person("ann"), person("bob")]
    world = of(people, stranger("ANN"), user("bob"), linked="ann bob", target=making_none)
    assert (changes(world), clashes(world)) == (["membership.add api bob viewer"], [])
    assert held(world) == ["no_account: membership.add api ann viewer", "no_account: user.create ann"]
    [detail] = {one.detail for one in findings(world).withheld if one.detail}
    assert detail == "users.create is false; an account of this name is there, and it is not ours"
    taken = replace(world, have=live({"api": {}}, user("ann", key="id-old"), user("bob")))
    assert clashes(taken) == ["user ann: the account belongs to another directory entry (id-old, not id-ann)"]


def test_a_strangers_account_is_adopted_where_the_policy_says_so() -> None:
    """It keeps everything that is right, and its name follows the directory."""
    world = of([person("ann")], stranger("ANN"), adopt=True)
    assert (accounts(world), clashes(world)) == (["user.adopt ANN", "user.update ANN username ANN ann"], [])


def test_a_protected_strangers_account_is_left_alone() -> None:
    """No clash either: the policy knows about it."""
    world = of([person("ann")], stranger("ann"), adopt=True, protected="ann")
    assert (changes(world), clashes(world)) == ([], [])
    assert held(world) == ["protected: membership.add api ann viewer", "protected: user.create ann"]


def test_a_strangers_account_that_is_protected_under_its_own_spelling_is_never_adopted() -> None:
    """Compatibility characters compare equal as logins, not as patterns."""
    world = of([person("ann")], stranger("ａｎｎ"), adopt=True, protected="ａｎｎ")
    assert accounts(world) == ["user.create ann"]
    assert clashes(world) == ["user ann: an account of this name is there, and it is not ours"]


def test_the_account_of_somebody_else_is_a_clash() -> None:
    """A name that was given to a newcomer does not give the account with it."""
    world = of([person("ann")], user("ann", key="id-old"))
    assert clashes(world) == ["user ann: the account belongs to another directory entry (id-old, not id-ann)"]


def test_the_account_of_somebody_who_left_is_taken_where_the_policy_says_so() -> None:
    """`adopt` says: the name is the person."""
    world = of([person("ann")], user("ann", key="id-old"), adopt=True)
    assert (accounts(world), clashes(world)) == (["user.update ann key id-old id-ann"], [])


@pytest.mark.parametrize("adopt", [True, False])
def test_the_account_of_somebody_present_is_never_taken(adopt: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Not even without stable ids, not even by adoption: two entries of one name are two people."""
    people = [person("ann", stable=False), person("ann", stable=False, branch="other")]
    seen = snapshot(people, ())
    said = rules(rule("api", link("(cn=zoe)")), target=ADOPTING if adopt else TARGET)
    newcomer = replace(people[1], attributes={**people[1].attributes, "cn": ("zoe",)})
    world = World(replace(seen, people=(newcomer, people[0])), said, live({"api": {}}, user("ann", key=people[0].key)))
    assert accounts(world) == ["user.create ann"]
    assert len(clashes(world)) == 1
    assert not findings(world).clashes[0].adoptable


def test_names_can_be_exchanged() -> None:
    """Each gives up what the other wants."""
    people = [person("ann", uid="bob"), person("bob", uid="ann")]
    world = of(people, user("ann"), user("bob"), linked="ann bob")
    assert (accounts(world), clashes(world)) == (
        ["user.update ann username ann bob", "user.update bob username bob ann"],
        [],
    )


def test_a_newcomer_may_have_a_name_that_is_given_up_in_the_same_plan() -> None:
    """The account that has it now is renamed first."""
    people = [person("ann", uid="anne"), person("zoe", uid="ann")]
    world = of(people, user("ann"), linked="ann zoe")
    assert (accounts(world), clashes(world)) == (["user.create ann", "user.update ann username ann anne"], [])


def test_a_name_that_would_be_given_up_but_for_protection_is_a_clash() -> None:
    """The rename is held back, so the name is not free."""
    people = [person("ann", uid="root"), person("zoe", uid="ann")]
    world = of(people, user("ann"), linked="ann zoe", protected="root")
    assert clashes(world) == ["user ann: the account belongs to another directory entry (id-ann, not id-zoe)"]


@pytest.mark.parametrize("adopt", [True, False])
def test_a_rename_to_a_name_that_is_taken_is_a_clash(adopt: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The person has an account, so there is nothing to adopt."""
    world = of([person("ann", uid="anne")], user("ann"), stranger("anne"), adopt=adopt)
    assert clashes(world) == ["user anne: an account of this name is there, and it is not ours"]
    assert not findings(world).clashes[0].adoptable


def test_a_rename_that_is_held_back_clashes_with_nothing() -> None:
    """The account is protected."""
    world = of([person("ann", uid="anne")], user("ann"), stranger("anne"), protected="ann")
    assert (clashes(world), accounts(world)) == ([], [])


def test_an_account_that_knows_its_person_and_is_not_ours_is_adopted_or_a_clash() -> None:
    """Some targets hold the id without our mark; nothing else is done to it."""
    found = replace(user("old", key="id-ann"), managed=False)
    assert accounts(of([person("ann")], found)) == []
    assert clashes(of([person("ann")], found)) == ["user ann: an account of this name is there, and it is not ours"]
    assert findings(of([person("ann")], found)).clashes[0].adoptable
    assert accounts(of([person("ann")], found, adopt=True)) == ["user.adopt old", "user.update old username old ann"]


def mirrored(*groups: Group, cn: str = "app-new", literal: str = "", protected: str = "", adopt: bool = False) -> World:
    """Return a world with one imported directory group of that name, and these live groups."""
    seen = snapshot([person("ann")], (replace(team(cn, "ann"), key="group-1"),))
    said = rules(
        *([rule(literal, link(cn))] if literal else []),
        imports=[imported("(cn=app-*)")],
        target=ADOPTING if adopt else TARGET,
    )
    have = live({}, user("ann"), groups=groups)
    rows = {one.key: {key("ann"): VIEWER} for one in groups if one.managed}
    return World(seen, said, replace(have, memberships=rows), Protection(groups=(protected,) if protected else ()))


OLD = Group(GroupKey("app-old"), "group-1")


def test_an_imported_group_is_renamed_with_its_directory_group() -> None:
    """Its members go with it."""
    world = mirrored(OLD)
    assert changes(world) == ["group.rename app-old app-new"]
    assert findings(world).unchanged_memberships == 1


def test_an_imported_group_of_the_right_name_stays() -> None:
    """Nothing to rename."""
    assert changes(mirrored(Group(GroupKey("app-new"), "group-1"))) == []


def test_a_rename_to_a_group_that_is_there_is_a_clash() -> None:
    """Nothing is merged."""
    world = mirrored(OLD, Group(GroupKey("app-new")))
    assert clashes(world) == ['group app-new: "app-old" should be renamed to it, but it is there already']
    assert not [change for change in changes(world) if change.startswith("group.")]


def test_a_rename_of_a_group_that_another_rule_names_is_a_clash() -> None:
    """It cannot be both, and a second one of the same directory group is not made."""
    world = mirrored(OLD, literal="app-old")
    assert clashes(world) == ['group app-new: "app-old" should be renamed to it, but another rule names that group']
    assert not [change for change in changes(world) if change.startswith("group.")]
    assert not findings(world).clashes[0].adoptable


@pytest.mark.parametrize("protected", ["app-old", "app-new"])
def test_a_protected_group_is_not_renamed(protected: str) -> None:
    """Neither from nor to; and the new one is not made beside it."""
    world = mirrored(OLD, protected=protected)
    assert changes(world) == []
    assert "protected: group.rename app-old app-new" in held(world)


def test_a_strangers_group_of_the_wanted_name_is_a_clash_or_adopted() -> None:
    """As the policy says."""
    foreign = Group(GroupKey("app-new"), managed=False)
    assert clashes(mirrored(foreign)) == ["group app-new: a group of this name is there, and it is not ours"]
    assert changes(mirrored(foreign, adopt=True)) == ["group.adopt app-new", "membership.add app-new ann viewer"]


def test_a_protected_strangers_group_is_left_alone() -> None:
    """No clash either: the policy knows about it."""
    world = mirrored(Group(GroupKey("app-new"), managed=False), protected="app-*", adopt=True)
    assert (changes(world), clashes(world)) == ([], [])
    assert held(world) == ["protected: group.adopt app-new", "protected: membership.add app-new ann viewer"]


def test_a_state_that_needs_no_new_keys_is_passed_on_as_it_is() -> None:
    """Hundreds of thousands of rows are not copied."""
    world = of([person("ann")], user("ann"))
    assert compare(world.have, world.want(), world.diff_rules())[0] is world.have
    assert isinstance(world.have, State)
