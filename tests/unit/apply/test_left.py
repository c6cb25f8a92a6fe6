"""What our own reports say that we left in each target."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.apply.left import left_by
from reconciler.model.access import GroupKey, UserKey
from reconciler.model.change import AddMembership, Change, DisableUser, UpdateUser, Who, type_name
from reconciler.model.plan import Cause
from reconciler.plan.cause import ACCOUNT, NOTHING_LEFT, Left, causes_of
from reconciler.plan.encode import change_data
from tests.builders import OWNER
from tests.unit.model.changes import ANN, EVERY, WHY


def report(*changes: Change, status: str = "applied") -> dict[str, Any]:
    """Return as much of a report as it takes, as it is read back from the store."""
    rows = [{**change_data(change, "roster"), "status": status} for change in changes]
    found = json.loads(json.dumps({"targets": [{"name": "roster", "changes": rows}]}))
    assert isinstance(found, dict)
    return found


def of(*reports: dict[str, Any]) -> Left:
    return left_by(reports).get("roster", NOTHING_LEFT)


def test_no_report_leaves_nothing() -> None:
    """Nobody knows anything, and that is no error."""
    assert left_by([]) == {}


def test_what_was_made_is_left_and_the_last_word_holds() -> None:
    """An account with its values and marks, a role, and then neither the role nor the account."""
    made = of(report(EVERY["user.create"], EVERY["membership.add"], EVERY["group.create"]))
    assert made.groups == {"api"}
    assert made.people == {
        "id-ann": {
            ACCOUNT: True,
            ("value", "username"): "ann",
            ("value", "ssh_keys"): ("k1", "k2"),
            ("flag", "admin"): True,
            ("flag", "auditor"): False,
            ("flag", "external"): False,
            ("role", "api"): "owner",
        }
    }
    taken = of(report(EVERY["membership.add"]), report(EVERY["membership.remove"]))
    assert taken.people["id-ann"]["role", "api"] is None
    assert of(report(EVERY["user.create"]), report(EVERY["user.remove"])).people == {}
    assert of(report(EVERY["group.create"]), report(EVERY["group.remove"])).groups == frozenset()
    assert of(report(EVERY["setting.set"])) == Left({}, frozenset())


@pytest.mark.parametrize(("name", "active"), [("user.disable", False), ("user.enable", True), ("user.adopt", True)])
def test_accounts_are_on_or_off(name: str, *, active: bool) -> None:
    """As we switched them at last; an adopted one is on."""
    assert of(report(EVERY[name])).people["id-ann"][ACCOUNT] is active


def test_what_was_not_made_is_not_left() -> None:
    """Refused, stale, never tried. Where no answer came it counts as made: if it was not, a later run has made it."""
    for status in ("failed", "stale", "skipped"):
        assert of(report(EVERY["membership.add"], status=status)) == NOTHING_LEFT
    assert of(report(EVERY["membership.add"], status="unknown")).people["id-ann"]["role", "api"] == "owner"


def test_what_hangs_on_a_key_or_a_name_goes_with_it() -> None:
    """A person's key and a group's name may change; an update to the same key changes nothing."""
    rekeyed = UpdateUser(ANN, {"key": "id-ann"}, {"key": "id-new"}, WHY)
    found = of(report(EVERY["membership.add"], EVERY["user.flag"]), report(rekeyed))
    assert set(found.people) == {"id-new"}
    assert found.people["id-new"]["role", "api"] == "owner"
    old = of(report(EVERY["membership.add"]), report(EVERY["user.update"]))
    assert old.people["id-ann"]["value", "email"] == "a@acme.example"
    before = report(AddMembership(ANN, GroupKey("old"), OWNER, WHY), DisableUser(Who("bob", UserKey("id-bob")), WHY))
    renamed = of(before, report(EVERY["group.rename"]))
    assert renamed.people["id-ann"]["role", "api"] == "owner"
    assert renamed.groups == {"api"}


@pytest.mark.parametrize("name", [name for name in EVERY if not name.startswith("user.adopt")])
def test_a_change_that_has_to_be_made_again_is_drift(name: str) -> None:
    """We made it, and it is not there any more."""
    change = EVERY[name]
    assert type_name(change) == name
    assert causes_of([change], [change], of(report(change))).causes == (Cause.DRIFT,)
