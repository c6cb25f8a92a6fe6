"""What rests on what in one run."""

from __future__ import annotations

import pytest

from reconciler.model.access import Group, GroupKey
from reconciler.model.change import Change, ChangeRole, CreateGroup, UpdateUser
from reconciler.plan.rests import Thing, gives, needs
from tests.builders import EDITOR, OWNER
from tests.unit.model.changes import ANN, API, EVERY, WHY

ME = ("user", "id-ann")
HERE = ("group", "api")
EXPECTED: dict[str, tuple[set[Thing], set[Thing]]] = {
    "user.create": ({ME}, {("name", "ann")}),
    "user.adopt": ({ME}, set()),
    "user.update": ({("name", "anne")}, {ME, ("name", "ann")}),
    "user.enable": (set(), {ME}),
    "user.disable": (set(), {ME}),
    "user.remove": (set(), {ME, ("in", "id-ann")}),
    "user.flag": (set(), {ME}),
    "group.create": ({HERE}, set()),
    "group.adopt": ({HERE}, set()),
    "group.rename": ({HERE}, set()),
    "group.remove": (set(), {("in", "api")}),
    "membership.add": ({("owner", "api")}, {ME, HERE}),
    "membership.change": (set(), {ME, HERE}),
    "membership.remove": ({("in", "id-ann"), ("in", "api")}, {ME, HERE, ("owner", "api")}),
    "setting.set": (set(), set()),
}


def both(change: Change) -> tuple[set[Thing], set[Thing]]:
    return set(gives(change, OWNER)), set(needs(change, OWNER))


@pytest.mark.parametrize("name", EVERY)
def test_a_change_gives_and_needs(name: str) -> None:
    """Accounts and groups that have to be there, names that have to be free, and what has to be empty before it goes."""
    assert both(EVERY[name]) == EXPECTED[name]


def test_a_nested_group_rests_on_those_above_it() -> None:
    """Where groups nest."""
    made = CreateGroup(Group(GroupKey("a/b/c")), WHY)
    assert set(needs(made, OWNER, nests=True)) == {("group", "a"), ("group", "a/b")}
    assert set(needs(made, OWNER)) == set()


def test_a_new_key_is_given_and_an_attribute_is_not() -> None:
    """What follows in the run finds the account by it."""
    assert both(UpdateUser(ANN, {"key": "local:ann"}, {"key": "id-ann"}, WHY)) == ({ME}, set())
    assert both(UpdateUser(ANN, {"email": None}, {"email": "x"}, WHY)) == (set(), {ME})


def test_a_group_gets_its_new_owners_before_it_loses_any() -> None:
    """By a change of role, too; where a target knows no owners, nothing rests on them."""
    up, down = ChangeRole(ANN, API, EDITOR, OWNER, WHY), ChangeRole(ANN, API, OWNER, EDITOR, WHY)
    assert both(up) == ({("owner", "api")}, {ME, HERE})
    assert both(down) == (set(), {ME, HERE, ("owner", "api")})
    assert (set(gives(up, None)), set(needs(down, None))) == (set(), {ME, HERE})
