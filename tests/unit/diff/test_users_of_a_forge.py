"""Accounts on a target that knows them by DN: what is always kept in step, what an account needs, blocks lifted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.access import State
from reconciler.model.directory import Person
from reconciler.policy.model import OnMissing, Protection, UserRules
from tests.builders import (
    FORGE,
    TARGET,
    USERS,
    VIEWER,
    World,
    dn,
    known_by_dn,
    link,
    live,
    person,
    rule,
    rules,
    snapshot,
    team,
)
from tests.unit.diff.found import changes, held

ANN = person("ann", mail="Ann@acme.example", displayname="Ann")


def of(ann: Person | None, have: State, said: UserRules = USERS) -> World:
    """Return a world in which ann, if she is there, is the one viewer of `api`; bob is there, too."""
    people = [one for one in (ann, person("bob")) if one is not None]
    seen = snapshot(people, (team("devs", *(["ann"] if ann else [])),))
    rule_of_api = rules(rule("api", link("devs")), target=replace(TARGET, users=said))
    return World(seen, rule_of_api, have, capabilities=FORGE)


def test_an_identity_follows_the_entry() -> None:
    """By the e-mail address, whatever is kept in step; the username stays."""
    moved = known_by_dn("ann", "old")
    assert changes(of(ANN, live({"api": {"ann": VIEWER}}, moved))) == [
        f"user.update ann dn {dn('ann', 'old')} {dn('ann')}"
    ]


def test_a_last_name_that_changes_is_an_update() -> None:
    """The DN is another one, so is the address; the target knows the account by the old DN, the directory the new one."""
    married = person("lee", mail="ann@acme.example", uid="ann", displayname="Ann Lee")
    seen = snapshot([married], (team("devs", "lee"),))
    said = rules(rule("api", link("devs")), target=replace(TARGET, users=replace(USERS, sync=("email", "name"))))
    world = World(seen, said, live({"api": {"ann": VIEWER}}, known_by_dn("ann")), capabilities=FORGE)
    assert changes(world) == [f"user.update ann dn {dn('ann')} {dn('lee')}, name Ann Ann Lee"]


def test_a_username_is_not_followed() -> None:
    """It is only given to new accounts."""
    account = replace(known_by_dn("ann"), username="annie")
    assert not changes(of(ANN, live({"api": {"annie": VIEWER}}, account)))
    assert not held(of(ANN, live({"api": {"annie": VIEWER}}, account)))


def test_a_kerberos_identity_is_kept_in_step_where_a_template_makes_one() -> None:
    """Without a template whatever is there stays."""
    have = live({"api": {"ann": VIEWER}}, known_by_dn("ann", kerberos="old@ACME"))
    assert not changes(of(ANN, have))
    assert changes(of(ANN, have, replace(USERS, kerberos="{uid}@ACME"))) == [
        "user.update ann kerberos old@ACME ann@ACME"
    ]


@pytest.mark.parametrize(
    ("entry", "lacks"),
    [
        (person("ann", displayname="Ann"), "no e-mail address"),
        (person("ann", mail="a@acme.example", cn=()), "no name"),
        (person("ann", cn=()), "no e-mail address and no name"),
    ],
)
def test_nobody_gets_an_account_without_what_it_needs(entry: Person, lacks: str) -> None:
    """The person is named, with what is missing."""
    world = of(entry, live({"api": {}}))
    assert not changes(world)
    assert held(world) == ["frozen_user: user.create ann", "no_account: membership.add api ann viewer"]
    (detail,) = [one.detail for one in world.section().withheld if one.detail]
    assert detail == f"the entry has {lacks}, which an account needs"


def test_an_account_that_is_there_needs_nothing() -> None:
    """No address in the entry is no opinion."""
    assert not changes(of(person("ann"), live({"api": {"ann": VIEWER}}, known_by_dn("ann"))))


@pytest.mark.parametrize("linked", [True, False])
def test_the_mark_of_a_block_that_was_lifted_by_hand_goes(linked: bool) -> None:  # noqa: FBT001 - a parameter
    """Or else a block by a person would one day be taken for ours."""
    marked = known_by_dn("ann" if linked else "bob", block_mark="2026-11-01")
    have = live({"api": {"ann": VIEWER}} if linked else {"api": {}}, marked)
    assert f"user.update {marked.username} block_mark 2026-11-01 None" in changes(of(ANN, have))


def test_the_mark_stays_where_the_account_is_blocked_or_is_to_be() -> None:
    """A block of ours needs it."""
    marked = known_by_dn("ann", block_mark="2026-11-01")
    disabled = person("ann", mail="ann@acme.example", disabled=True)
    have = live({"api": {"ann": VIEWER}}, marked)
    assert changes(of(disabled, have)) == ["user.disable ann"]
    assert changes(of(None, have)) == ["membership.remove api ann viewer", "user.disable ann"]
    assert changes(of(ANN, live({"api": {"ann": VIEWER}}, replace(marked, active=False)))) == ["user.enable ann"]
    keeping = replace(USERS, when_disabled=OnMissing.KEEP)
    assert changes(of(disabled, have, keeping)) == ["user.update ann block_mark 2026-11-01 None"]


def test_nothing_is_done_to_a_protected_account() -> None:
    """Its identity does not follow, and the mark stays."""
    have = live({"api": {"ann": VIEWER}}, known_by_dn("ann", "old", block_mark="2026-11-01"))
    world = replace(of(ANN, have), protected=Protection(users=("ann",)))
    assert not changes(world)
    assert len(held(world)) == 1
