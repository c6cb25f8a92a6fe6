"""Accounts and marks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.access import Flag, State, UserKey
from reconciler.model.directory import Person
from reconciler.model.reason import Why
from reconciler.policy.model import OnMissing, Protection, TargetConfig
from tests.builders import (
    TARGET,
    USERS,
    World,
    at,
    link,
    live,
    named,
    person,
    rule,
    rules,
    snapshot,
    stranger,
    team,
    user,
)
from tests.unit.diff.found import changes, findings, held

SYNCED = replace(TARGET, users=replace(USERS, sync=("email", "name", "ssh_keys")))
MARKED = replace(TARGET, admin_group=named("devs"), external_groups=(named("temps"),))


def of(ann: Person, have: State, *, target: TargetConfig = TARGET, linked: bool = True) -> World:
    """Return a world of one person, a developer and viewer of `api` if `linked`."""
    seen = snapshot([ann, person("bob")], (team("devs", *(["ann"] if linked else [])), team("temps", "bob")))
    said = rules(rule("api", link("devs")), target=target)
    return World(seen, said, State(have.users, live({"api": {}}).groups, {}, {}))


def accounts(world: World) -> list[str]:
    return [change for change in changes(world) if change.startswith("user.")]


def removing(missing: OnMissing, disabled: OnMissing) -> TargetConfig:
    return replace(TARGET, users=replace(USERS, when_missing=missing, when_disabled=disabled))


def test_an_account_is_made_with_everything_that_the_directory_gives() -> None:
    """Synchronized or not."""
    world = of(person("ann", mail="a@acme.example"), live())
    assert accounts(world) == ["user.create ann"]
    assert findings(world).changes[0].reason.why is Why.GROUP_LINK


def test_only_what_is_kept_in_step_is_updated() -> None:
    """One change for all that differs; a value that the directory does not give is no opinion."""
    ann = person("ann", mail="new@acme.example", cn=(), sshpublickey="k1")
    have = live({}, user("ann", attributes={"email": "old@acme.example", "name": "Ann"}))
    assert accounts(of(ann, have)) == []
    assert accounts(of(ann, have, target=SYNCED)) == [
        "user.update ann email old@acme.example new@acme.example, ssh_keys None ('k1',)"
    ]


def test_no_keys_here_and_none_there_is_no_difference() -> None:
    """And the last key of an entry takes the target's with it."""
    assert accounts(of(person("ann"), live({}, user("ann")), target=SYNCED)) == []
    have = live({}, user("ann", attributes={"name": "Ann", "ssh_keys": ("k1",)}))
    assert accounts(of(person("ann"), have, target=SYNCED)) == ["user.update ann ssh_keys ('k1',) ()"]


def test_a_rename_is_an_update_of_the_account_with_that_stable_id() -> None:
    """Never a new account; the old name is the address."""
    assert accounts(of(person("ann", uid="anne"), live({}, user("ann")))) == ["user.update ann username ann anne"]


def test_a_return_undoes_our_disabling_and_nobody_elses() -> None:
    """What a person disabled, a person enables."""
    ours, theirs = user("ann", active=False), replace(user("ann", active=False), disabled_by_hand=True)
    assert accounts(of(person("ann"), live({}, ours))) == ["user.enable ann"]
    assert accounts(of(person("ann"), live({}, theirs))) == []
    assert held(of(person("ann"), live({}, theirs)))[0] == "inactive: user.enable ann"


def test_whoever_is_back_gets_their_account_back_though_no_rule_names_them() -> None:
    """As far as it is certainly theirs and we have closed it; whoever is still disabled, or not certainly back, does not."""
    closed = user("ann", active=False)
    assert accounts(of(person("ann"), live({}, closed), linked=False)) == ["user.enable ann"]
    theirs = replace(closed, disabled_by_hand=True)
    world = of(person("ann"), live({}, theirs), linked=False)
    assert (accounts(world), held(world)) == ([], [])
    assert accounts(of(person("ann", disabled=True), live({}, closed), linked=False)) == []
    unsure = replace(closed, key=UserKey("local:ann"))
    assert accounts(of(person("ann"), live({}, unsure), linked=False)) == []


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize(
    ("choice", "expected"),
    [(OnMissing.DISABLE, ["user.disable ann"]), (OnMissing.REMOVE, ["user.remove ann"]), (OnMissing.KEEP, [])],
)
def test_a_disabled_entry_is_handled_as_the_policy_says(
    choice: OnMissing, expected: list[str], *, linked: bool
) -> None:
    """Linked or not, and a second time there is nothing to do but to remove."""
    world = of(
        person("ann", disabled=True), live({}, user("ann")), target=removing(OnMissing.KEEP, choice), linked=linked
    )
    assert accounts(world) == expected
    again = replace(world, have=live({}, user("ann", active=False)))
    assert accounts(again) == [change for change in expected if "remove" in change]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [(OnMissing.DISABLE, ["user.disable zoe"]), (OnMissing.REMOVE, ["user.remove zoe"]), (OnMissing.KEEP, [])],
)
def test_an_account_of_nobody_is_handled_as_the_policy_says(choice: OnMissing, expected: list[str]) -> None:
    """Only ours; a stranger's is none of our business."""
    world = of(
        person("ann"), live({}, user("ann"), user("zoe"), stranger("root")), target=removing(choice, OnMissing.KEEP)
    )
    assert accounts(world) == expected


def test_present_but_unlinked_is_not_missing() -> None:
    """The account is not touched, whatever differs."""
    have = live({}, user("ann", attributes={"email": "old@acme.example"}))
    assert accounts(of(person("ann", uid="anne", mail="x@acme.example"), have, target=SYNCED, linked=False)) == []


def test_an_account_without_stable_id_of_somebody_present_is_not_missing() -> None:
    """The directory gives ids now; the account is found by its DN, or by its name."""
    for key in ("dn:uid=ann,ou=people,dc=acme", "dn:uid=ann,ou=moved,dc=acme", "local:ann"):
        assert accounts(of(person("ann"), live({}, user("ann", key=key)), linked=False)) == []


def test_an_account_that_may_belong_to_several_is_left_alone() -> None:
    """Unless all of them are disabled."""
    have = live({}, user("both", key="local:both"))
    for disabled, expected in ((False, []), (True, ["user.disable both"])):
        seen = snapshot([person("ann", uid="both", disabled=True), person("bob", uid="both", disabled=disabled)])
        assert accounts(World(seen, rules(), have)) == expected


def test_an_unusable_name_is_no_reason_to_touch_an_account() -> None:
    """It is neither renamed nor disabled nor removed; a disabled entry is a reason of its own."""
    target = removing(OnMissing.REMOVE, OnMissing.DISABLE)
    assert accounts(of(person("ann", uid=()), live({}, user("ann")), target=target)) == []
    assert accounts(of(person("ann", uid=(), disabled=True), live({}, user("ann")), target=target)) == [
        "user.disable ann"
    ]


def test_marks_follow_their_groups() -> None:
    """Also of people whose name is unusable, and of people who are in no rule any more."""
    have = live({}, user("ann", flags=[Flag.EXTERNAL]))
    swapped = ["user.flag ann admin True", "user.flag ann external False"]
    assert accounts(of(person("ann"), have, target=MARKED))[1:] == swapped
    assert accounts(of(person("ann", uid=()), have, target=MARKED))[1:] == swapped
    assert accounts(of(person("ann"), have, target=MARKED, linked=False))[1:] == swapped[1:]
    assert accounts(of(person("ann"), have)) == []


def test_a_missing_person_loses_marks_and_keeps_the_account_where_the_policy_says_so() -> None:
    """`keep` keeps the account, not what it may do."""
    target = replace(MARKED, users=replace(USERS, when_missing=OnMissing.KEEP))
    have = live({}, user("zoe", flags=[Flag.ADMIN]))
    assert accounts(of(person("ann"), have, target=target)) == [
        "user.create ann",
        "user.create bob",
        "user.flag zoe admin False",
    ]


def test_protected_accounts_are_not_touched() -> None:
    """Under their old name or the new one; what would have been done is shown."""
    for ann, pattern in ((person("ann", uid="anne"), "ann"), (person("ann", uid="root"), "root")):
        world = replace(of(ann, live({}, user("ann"))), protected=Protection(users=(pattern,)))
        assert accounts(world) == []
        assert len(held(world)) == 1 + (pattern == "ann")
    gone = replace(of(person("ann"), live({}, user("ann"), user("zoe"))), protected=Protection(users=("*",)))
    assert held(gone)[-1] == "protected: user.disable zoe"


def test_every_reason_has_a_place() -> None:
    """Where the accounts' rules stand."""
    have = live({}, user("ann", active=False), user("zoe"))
    reasons = [change.reason for change in findings(of(person("ann", uid="anne"), have)).changes]
    assert {reason.why for reason in reasons} == {Why.ATTRIBUTE, Why.RETURNED, Why.LEFT_DIRECTORY, Why.GROUP_LINK}
    assert all(reason.rule in {at(6), at(10)} for reason in reasons)


def test_what_is_taken_over_is_not_counted_as_unchanged() -> None:
    """Its mark or key changes."""
    world = of(person("ann"), live({}, user("ann", key="local:ann")), target=TARGET)
    assert findings(world).unchanged_users == 0


def test_a_mark_with_a_gap_is_given_and_not_taken() -> None:
    """Who is known to be external is marked; who may be in the group that is not there stays marked."""
    target = replace(TARGET, external_groups=(named("devs"), named("gone")))
    assert accounts(of(person("ann"), live({}, user("ann")), target=target)) == ["user.flag ann external True"]
    marked = live({}, user("bob", flags=[Flag.EXTERNAL]), user("ann", flags=[Flag.EXTERNAL]))
    assert accounts(of(person("ann"), marked, target=target)) == []
