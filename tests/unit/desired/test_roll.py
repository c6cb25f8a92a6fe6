"""Who is in the directory, and to whom a live account may belong."""

from __future__ import annotations

from dataclasses import replace

from reconciler.desired.people import Naming
from reconciler.desired.roll import Roll
from reconciler.model.access import NameLimits
from reconciler.model.directory import Person
from reconciler.policy.model import NamingRule, OnInvalidName
from tests.builders import CORP, SCHEMA, USERS, dn, key, known_by_dn, person, snapshot, user


def roll(*people: Person) -> Roll:
    hard = NameLimits(pattern="[A-Za-z]+")
    return Roll(snapshot(people).people, Naming(CORP, USERS, NamingRule(on_invalid=OnInvalidName.SKIP), hard), SCHEMA)


def names(found: object) -> list[str]:
    assert isinstance(found, tuple | list)
    return [one.dn.partition(",")[0] for one in found]


def test_people_are_found_by_name_without_regard_to_case() -> None:
    """Also under a name that the target cannot hold: a rule may still mean them."""
    everybody = roll(person("ann"), person("b!b"))
    assert [list(everybody.named(name)) for name in ("ANN", "b!b", "zoe", "")] == [[0], [1], [], []]


def test_people_without_a_name_are_known_as_such() -> None:
    """They are not found by the empty name."""
    everybody = roll(person("ann", uid=()), person("bob"))
    assert list(everybody.nameless) == [0]
    assert list(everybody.named("")) == []


def test_an_account_belongs_to_the_person_of_its_key() -> None:
    """Whatever its name is."""
    assert names(roll(person("ann")).behind(user("renamed", key="id-ann"))) == ["uid=ann"]


def test_an_account_whose_stable_id_nobody_has_is_nobodys() -> None:
    """Even if somebody has its name now: names are given to others."""
    assert names(roll(person("ann")).behind(user("ann", key="id-old"))) == []


def test_an_account_keyed_by_dn_belongs_to_the_entry_that_has_a_stable_id_now() -> None:
    """The directory began to give ids; nobody has left."""
    assert names(roll(person("ann", uid="other")).behind(user("ann", key=f"dn:{dn('ann')}"))) == ["uid=ann"]


def test_an_account_without_a_stable_id_is_found_by_its_name() -> None:
    """An entry that moved has another DN, an account of the target's own making has none."""
    everybody = roll(person("ann", branch="moved"))
    assert names(everybody.behind(user("ann", key=f"dn:{dn('ann')}"))) == ["uid=ann"]
    assert names(everybody.behind(user("ANN", key="local:ANN"))) == ["uid=ann"]
    assert names(everybody.behind(user("zoe", key="local:zoe"))) == []


def test_an_account_with_a_stable_id_is_found_by_name_among_entries_without_one() -> None:
    """The directory stopped giving ids to some; those who have theirs are other people."""
    everybody = roll(person("ann", stable=False), person("bob"))
    assert names(everybody.behind(user("ann"))) == ["uid=ann"]
    assert names(everybody.behind(user("bob", key="id-old"))) == []


def test_an_account_may_belong_to_several() -> None:
    """Then nothing can be concluded about it."""
    everybody = roll(person("ann", uid="both"), person("bob", uid="both"))
    assert names(everybody.behind(user("both", key="local:both"))) == ["uid=ann", "uid=bob"]


def test_an_account_that_holds_a_dn_is_found_by_name_only_if_the_address_agrees() -> None:
    """A name is given to somebody else one day; an address that is the same, without regard to case, is not."""
    everybody = roll(person("ann", branch="moved", mail="Ann@Acme.example"))
    assert names(everybody.behind(known_by_dn("ann"))) == ["uid=ann"]
    assert names(everybody.behind(known_by_dn("ann", email="a@acme.example"))) == []
    assert names(everybody.behind(known_by_dn("ann", email=""))) == []
    assert names(roll(person("ann", branch="moved")).behind(known_by_dn("ann", email=""))) == []


def test_an_account_that_holds_a_dn_and_is_closed_is_found_by_nothing_else() -> None:
    """Whoever has left, and somebody of the same name and address comes: a person decides."""
    closed = replace(known_by_dn("ann"), active=False)
    assert names(roll(person("ann", branch="moved", mail="ann@acme.example")).behind(closed)) == []
    assert names(roll(person("ann", mail="ann@acme.example")).behind(closed)) == ["uid=ann"]


def test_an_id_that_nobody_has_and_a_dn_do_not_make_a_name_enough() -> None:
    """The entries give no ids any more, and the address is another one."""
    everybody = roll(person("ann", stable=False, branch="moved", mail="ann@acme.example"))
    assert names(everybody.behind(replace(known_by_dn("ann"), key=key("old")))) == ["uid=ann"]
    assert names(everybody.behind(replace(known_by_dn("ann", email="x@acme.example"), key=key("old")))) == []
