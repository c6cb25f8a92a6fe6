"""Whose account is whose on a target without ids, as the changes of a plan say it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.access import GroupKey, State, User, UserKey, Value
from reconciler.model.change import AddMembership, AdoptUser, CreateUser, EnableUser, RemoveUser, UpdateUser, Who
from reconciler.plan.changes_id import changes_id
from reconciler.plan.decode import decode
from reconciler.plan.encode import encode, to_text
from reconciler.plan.holds import Holding, holdings
from reconciler.plan.known import known_as, with_known_accounts
from reconciler.plan.needed import needed
from tests.builders import VIEWER, dn, key, known_by_dn, live, plan_of, stranger, user
from tests.unit.model.changes import WHY
from tests.unit.plan.test_plan_schema import FULL, problems

API = GroupKey("api")
OLD, NEW = known_by_dn("ann", "old"), known_by_dn("ann")
ANN = Who("ann", key("ann"), OLD.key)
JOIN = AddMembership(ANN, API, VIEWER, WHY)
MOVE = UpdateUser(ANN, {"dn": dn("ann", "old")}, {"dn": dn("ann")}, WHY)


def test_an_account_is_found_by_the_key_that_the_target_has() -> None:
    """The changes are judged under the person's."""
    assert [one.holding for one in holdings(live({"api": {}}, OLD), [MOVE, JOIN])] == [Holding.PENDING] * 2


def test_an_account_that_has_moved_meanwhile_is_found_by_its_new_dn() -> None:
    """Half of the plan is made: what is left can be made, and what is made is seen."""
    found = [one.holding for one in holdings(live({"api": {}}, NEW), [MOVE, JOIN])]
    assert found == [Holding.DONE, Holding.PENDING]


def test_an_account_that_has_got_the_id_is_found_by_it() -> None:
    """Whatever else goes by the old key is somebody else's."""
    have = live({"api": {"ann": VIEWER}}, replace(NEW, key=key("ann")), replace(OLD, username="ann2"))
    assert with_known_accounts(have, [JOIN]) is have
    assert [one.holding for one in holdings(have, [JOIN])] == [Holding.DONE]


def test_an_account_that_is_not_there_makes_its_changes_stale() -> None:
    """Under no key that it may have."""
    assert [one.holding for one in holdings(live({"api": {}}), [MOVE, JOIN])] == [Holding.STALE] * 2


def test_an_account_that_is_not_ours_any_more_stays_so() -> None:
    """It is found, and nothing is done to it."""
    have = live({}, replace(OLD, managed=False))
    assert [one.holding for one in holdings(have, [EnableUser(ANN, WHY)])] == [Holding.STALE]


@pytest.mark.parametrize(("email", "stands"), [("ann@acme.example", Holding.DONE), ("x@acme.example", Holding.STALE)])
def test_an_account_that_has_come_up_by_itself_is_seen(email: str, stands: Holding) -> None:
    """Its person signed in before the plan was applied: it has the identity, and no id."""
    made: dict[str, Value] = {"email": email, "name": "Ann", "dn": dn("ann")}
    assert [one.holding for one in holdings(live({}, NEW), [CreateUser(user("ann", attributes=made), WHY)])] == [stands]


def test_which_keys_are_asked_for() -> None:
    """All that an account may have, so that a part of the target is enough."""
    asked = needed([MOVE, JOIN])
    assert asked is not None
    assert asked.accounts == {key("ann"), OLD.key, NEW.key}
    assert [*known_as(CreateUser(replace(NEW, key=key("ann")), WHY))] == [NEW.key]


def test_changes_without_another_key_name_none() -> None:
    """Nor do those of a plan that says nothing usable."""
    known = Who("ann", key("ann"))
    for change in (replace(JOIN, who=known), AdoptUser(known, stranger("ann"), WHY), CreateUser(user("ann"), WHY)):
        assert not [*known_as(change)]
    assert [*known_as(replace(MOVE, want={"dn": "nonsense"}))] == [OLD.key]


def test_a_plan_says_by_which_key_an_account_is_found() -> None:
    """In JSON only where it is another one; read back it is the same plan, and the schema has it."""
    gone = replace(OLD, key=key("ann"), account=OLD.key)
    plan = plan_of(replace(FULL, changes=(MOVE, JOIN, RemoveUser(ANN, gone, WHY)), causes=()))
    document = encode(plan)
    changes = document["targets"][0]["changes"]
    assert [change["user"]["account"] for change in changes] == [OLD.key] * 3
    assert changes[2]["have"]["account"] == OLD.key
    assert decode(to_text(document))[0] == plan
    assert not problems(document)
    plain = encode(plan_of(replace(FULL, changes=(replace(JOIN, who=Who("ann", key("ann"))),), causes=())))
    assert plain["targets"][0]["changes"][0]["user"] == {"username": "ann", "key": "id-ann"}


def test_an_approval_is_of_one_account() -> None:
    """The same change of another account is another one."""
    other = replace(JOIN, who=replace(ANN, account=UserKey("dn:uid=eve")))
    ids = {changes_id("forge", [one]) for one in (JOIN, other, replace(JOIN, who=Who("ann", key("ann"))))}
    assert len(ids) == 3


def test_memberships_go_by_the_persons_key() -> None:
    """Those that are ours and those made by hand."""
    have = live({"api": {"ann": VIEWER}}, OLD, by_hand={"web": {"ann": VIEWER}})
    found = with_known_accounts(have, [JOIN])
    assert found.memberships == {API: {key("ann"): VIEWER}}
    assert found.by_hand == {GroupKey("web"): {key("ann"): VIEWER}}
    assert isinstance(found, State)
    assert found.users == {key("ann"): User(key("ann"), "ann", OLD.attributes, flags=OLD.flags)}
