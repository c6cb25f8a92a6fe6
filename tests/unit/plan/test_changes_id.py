"""The name of what a target is asked to become."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.access import Flag, GroupKey
from reconciler.model.change import AddMembership, Change, ChangeRole, SetFlag, Who
from reconciler.model.reason import Reason, Why
from reconciler.plan.changes_id import changes_id
from tests.builders import EDITOR, OWNER, VIEWER, key
from tests.unit.model.changes import ANN, EVERY, WHY

API = GroupKey("api")
ADD = AddMembership(ANN, API, EDITOR, WHY)


def test_it_is_the_same_whatever_the_order_the_reasons_and_the_names() -> None:
    """A person is who the key says."""
    changes = list(EVERY.values())
    assert changes_id("roster", changes) == changes_id("roster", changes[::-1])
    assert changes_id("roster", changes).startswith("sha256:")
    elsewhere = replace(ADD, who=Who("anne", key("ann")), reason=Reason(Why.GRANT))
    assert changes_id("roster", [ADD]) == changes_id("roster", [elsewhere])


def test_it_differs_in_everything_that_is_asked_for() -> None:
    """Target, type, person, group, before, after, mark, and how many there are."""
    role = ChangeRole(ANN, API, VIEWER, OWNER, WHY)
    others: list[list[Change]] = [
        [],
        [ADD],
        [ADD, ADD],
        [replace(ADD, who=Who("ann", key("bob")))],
        [replace(ADD, group=GroupKey("web"))],
        [replace(ADD, want=VIEWER)],
        [role],
        [replace(role, have=EDITOR)],
    ]
    marks = [SetFlag(ANN, flag, have=have, want=not have, reason=WHY) for flag in Flag for have in (True, False)]
    others += [[change] for change in (*marks, *EVERY.values()) if change != EVERY["user.flag"]]
    names = {changes_id("roster", changes) for changes in others}
    assert len(names) == len(others)
    assert changes_id("gitlab", [ADD]) not in names
