"""Which live account is whose, where a target keeps no stable ids and knows accounts by their DN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.diff.compare import compare
from reconciler.model.access import Capabilities, GroupKey, State, User, UserKey
from reconciler.model.change import EnableUser, MembershipChange, RemoveMembership, UpdateUser, Who
from reconciler.model.directory import Person
from reconciler.model.reason import Why
from reconciler.policy.model import Protection
from tests.builders import (
    FORGE,
    OWNER,
    TARGET,
    USERS,
    VIEWER,
    World,
    dn,
    key,
    known_by_dn,
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

ADOPTING = replace(TARGET, users=replace(USERS, adopt=True))
REMEMBERS = replace(FORGE, keeps_keys=True)


def who(name: str) -> Person:
    """Return somebody with the e-mail address that `known_by_dn` gives."""
    return person(name, mail=f"{name}@acme.example", displayname=name.title())


def of(people: Sequence[Person], have: State, linked: str = "ann", can: Capabilities = FORGE) -> World:
    """Return a world in which `linked` are viewers of `api`."""
    names = [name for name in linked.split() if any(name in one.dn for one in people)]
    said = rules(rule("api", link("devs")), target=TARGET)
    return World(snapshot(people, (team("devs", *names),)), said, have, capabilities=can)


def aligned(world: World) -> dict[UserKey, User]:
    """Return the accounts under the keys of their people."""
    return dict(compare(world.have, world.want(), world.diff_rules())[0].users)


def known(world: World) -> set[Who]:
    """Return how the changes that are found name their accounts."""
    return {one.who for one in findings(world).changes if isinstance(one, UpdateUser | EnableUser | MembershipChange)}


def test_an_account_that_is_known_by_dn_stays_known_by_it() -> None:
    """No change, and whatever has to be done says by which key it is found."""
    account = known_by_dn("ann")
    world = of([who("ann")], live({"api": {}}, account))
    assert changes(world) == ["membership.add api ann viewer"]
    assert known(world) == {Who("ann", key("ann"), account.key)}
    assert aligned(world) == {key("ann"): replace(account, key=key("ann"), account=account.key)}
    assert not changes(of([who("ann")], live({"api": {"ann": VIEWER}}, account)))


def test_every_change_of_an_account_says_by_which_key_it_is_found() -> None:
    """Roles, attributes, activity and marks."""
    account = replace(known_by_dn("ann", email="old@acme.example"), active=False, username="annie")
    world = of([who("ann")], live({"api": {"annie": OWNER}}, account))
    target = replace(TARGET, users=replace(USERS, sync=("email",)))
    world = replace(world, said=replace(world.said, target=target))
    assert known(world) == {Who("annie", key("ann"), account.key)}
    assert changes(world) == [
        "membership.change api annie owner viewer",
        "user.enable annie",
        "user.update annie email old@acme.example ann@acme.example",
    ]


def test_the_reason_is_true_for_people_whom_no_rule_names() -> None:
    """Whoever left the group is still in the directory, though the account carries no id."""
    world = of([who("ann"), who("bob")], live({"api": {"bob": VIEWER}}, known_by_dn("bob")))
    (change,) = [one for one in findings(world).changes if isinstance(one, RemoveMembership)]
    assert change.reason.why is Why.LEFT_GROUP
    assert change.who == Who("bob", key("bob"), known_by_dn("bob").key)


def test_a_protected_account_is_its_persons_all_the_same() -> None:
    """It gets no twin under another name, and what would be done to it is held back."""
    account = replace(known_by_dn("ann"), username="root")
    world = replace(of([who("ann")], live({"api": {}}, account)), protected=Protection(users=("root",)))
    assert not changes(world)
    assert held(world) == ["protected: membership.add api root viewer"]
    remembering = replace(world, capabilities=REMEMBERS)
    assert held(remembering) == ["protected: membership.add api root viewer"]


def test_a_target_that_remembers_gets_the_id_of_who_is_in_scope_alone() -> None:
    """Everybody else's account is theirs without a change."""
    accounts = (known_by_dn("ann"), known_by_dn("bob"))
    world = of([who("ann"), who("bob")], live({"api": {"bob": VIEWER}}, *accounts), can=REMEMBERS)
    assert changes(world) == [
        "membership.add api ann viewer",
        "membership.remove api bob viewer",
        f"user.update ann key {accounts[0].key} id-ann",
    ]
    assert aligned(world)[key("bob")].account == accounts[1].key
    assert not aligned(world)[key("ann")].account


def test_the_dn_decides_between_two_accounts() -> None:
    """One has the entry's DN, the other only its old name and address."""
    other = replace(known_by_dn("ann", "old"), username="ann")
    own = replace(known_by_dn("ann", email="a@acme.example"), username="annie")
    world = of([who("ann")], live({"api": {"annie": VIEWER}}, own, other))
    assert aligned(world)[key("ann")].username == "annie"
    assert not clashes(world)
    assert not findings(world).changes


def test_two_accounts_that_know_no_dn_of_hers_are_nobodys() -> None:
    """It is not clear who is meant, so nothing is done to either."""
    first = replace(known_by_dn("ann", "old"), username="ann")
    second = replace(known_by_dn("ann", "older"), username="ANN")
    assert aligned(of([who("ann")], live({"api": {}}, first, second))).keys() == {first.key, second.key}


def test_an_account_of_an_entry_that_is_gone_is_taken_over_without_a_new_key() -> None:
    """The policy says so; its identity follows, and it stays known by the old one until then."""
    gone = known_by_dn("ann", "old", email="other@acme.example")
    world = of([who("ann")], live({"api": {}}, gone))
    assert clashes(world) == [f"user ann: the account belongs to another directory entry ({gone.key}, not id-ann)"]
    world = replace(world, said=replace(world.said, target=ADOPTING))
    assert changes(world) == ["membership.add api ann viewer", f"user.update ann dn {dn('ann', 'old')} {dn('ann')}"]
    assert aligned(world)[key("ann")].account == gone.key


def test_an_adopted_account_has_the_persons_key_from_then_on() -> None:
    """Whoever writes the identity can write the id."""
    world = of([who("ann")], live({"api": {}}, stranger("ann")))
    world = replace(world, said=replace(world.said, target=ADOPTING))
    assert "user.adopt ann" in changes(world)
    assert not aligned(world)[key("ann")].account


def test_a_username_that_is_not_followed_is_in_nobodys_way() -> None:
    """Somebody else has the name that her account would get."""
    account = replace(known_by_dn("ann"), username="annie")
    world = of([who("ann")], live({"api": {"annie": VIEWER}}, account, stranger("ann")))
    assert not clashes(world)
    assert not changes(world)


def test_what_an_account_holds_above_goes_with_it() -> None:
    """And so does being the account that we log in with."""
    account = known_by_dn("ann")
    have = replace(live({"api": {}}, account), above={GroupKey("top"): {account.key: OWNER}}, own=account.key)
    found, _ = compare(have, of([who("ann")], have).want(), of([who("ann")], have).diff_rules())
    assert found.above == {"top": {key("ann"): OWNER}}
    assert found.own == key("ann")


def test_an_account_with_an_id_is_found_by_it() -> None:
    """What was once remembered counts, wherever the entry is now."""
    account = user("ann", attributes={"email": "x@acme.example", "name": "Ann", "dn": dn("ann", "old")})
    world = of([who("ann")], live({"api": {"ann": VIEWER}}, account))
    assert changes(world) == [f"user.update ann dn {dn('ann', 'old')} {dn('ann')}"]
    assert not aligned(world)[key("ann")].account
