"""What holds where a target knows accounts by their DN, in every world: found, moved with their entries, never mixed up."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diff.compare import compare
from reconciler.model.change import CreateUser, UpdateUser, person_of, type_name
from reconciler.model.names import login_key
from reconciler.plan.decode import decode
from reconciler.plan.encode import encode, to_text
from reconciler.plan.holds import Holding, holdings
from reconciler.plan.needed import needed
from reconciler.testing.oracle import after
from tests.builders import World, plan_of
from tests.properties.forges import forges
from tests.properties.sections import groups_of, sound
from tests.simulate import applied

few = settings(max_examples=80, deadline=None)


@few
@given(forges())
def test_nothing_is_left_once_a_plan_is_made(world: World) -> None:
    """Planned again on what it leads to, nothing is to be changed, and the same is held back."""
    section = sound(world)
    again = sound(world.now_with(applied(world.have, section.changes)))
    assert not again.changes
    held = [
        Counter((type_name(one.change), person_of(one.change), *groups_of(one.change), one.hold) for one in of.withheld)
        for of in (section, again)
    ]
    assert held[0] == held[1]


@few
@given(forges(), st.integers(0, 100))
def test_wherever_a_run_is_cut_what_is_made_is_seen(world: World, percent: int) -> None:
    """Also where an account has its new DN, and the changes that are left go by the old one; a part of the target is enough."""
    section = sound(world)
    cut = len(section.changes) * percent // 100
    at_cut = after(world.have, section.changes[:cut], world.capabilities)
    found = [one.holding for one in holdings(at_cut, section.changes)]
    assert found == [Holding.DONE] * cut + [Holding.PENDING] * (len(section.changes) - cut)
    asked = needed(section.changes)
    assert asked is not None
    touched = {key for key, user in at_cut.users.items() if user != world.have.users.get(key)}
    assert touched <= asked.accounts


@few
@given(forges())
def test_no_account_is_made_beside_one_that_is_the_persons(world: World) -> None:
    """Neither for whoever has an account with the entry's DN, nor for whoever is known by an id."""
    section = sound(world)
    places = {f"dn:{person.dn}": person.key for person in world.seen.people}
    there = {places.get(key, key) for key, user in world.have.users.items() if user.managed}
    assert not there & {change.user.key for change in section.changes if isinstance(change, CreateUser)}


@few
@given(forges())
def test_an_identity_moves_only_to_somebody_of_the_same_address(world: World) -> None:
    """Unless the account is known by an id, or the policy says that accounts of a name are taken over."""
    section, adopts = sound(world), world.said.target.users.adopt
    for change in section.changes:
        if isinstance(change, UpdateUser) and "dn" in change.want and not adopts:
            held = world.have.users[change.who.account or change.who.key] if change.who.account else None
            if held is not None:
                (person,) = [one for one in world.seen.people if one.key == change.who.key]
                (address,) = person.attributes["mail"]
                assert login_key(str(held.attributes["email"])) == login_key(address)
                assert held.active


@few
@given(forges())
def test_every_account_is_spoken_of_as_one_persons_at_most(world: World) -> None:
    """No two people have one account, and accounts that are nobody's keep their keys."""
    aligned, _ = compare(world.have, world.want(), world.diff_rules())
    assert len(aligned.users) == len(world.have.users)
    known = [user.account or user.key for user in aligned.users.values()]
    assert len(set(known)) == len(known)
    assert sum(map(len, aligned.memberships.values())) == sum(map(len, world.have.memberships.values()))


@few
@given(forges())
def test_a_plan_read_back_is_the_same(world: World) -> None:
    """With the keys that the target has for its accounts."""
    plan = plan_of(world.section())
    assert decode(to_text(encode(plan)))[0] == plan
