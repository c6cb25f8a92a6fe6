"""The union of changes."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from reconciler.model.change import Change, ChangeRole, object_of, person_of, type_name
from tests.unit.model.changes import EVERY


def test_there_is_an_example_of_every_type() -> None:
    """The tests that go through the union miss none."""
    assert {type(change) for change in EVERY.values()} == set(get_args(Change))


@pytest.mark.parametrize("name", EVERY)
def test_a_change_has_a_stable_name(name: str) -> None:
    """Plan JSON and reports use it."""
    assert type_name(EVERY[name]) == name


@pytest.mark.parametrize("name", EVERY)
def test_a_change_knows_whom_it_concerns(name: str) -> None:
    """By the stable id; changes of groups and settings concern nobody."""
    assert person_of(EVERY[name]) == ("" if name.startswith(("group.", "setting.")) else "id-ann")


def test_objects_are_told_apart() -> None:
    """No two examples are about the same object, and a name holds what it is about."""
    names = {name: object_of(change) for name, change in EVERY.items()}
    assert len(set(names.values())) == len(names)
    assert names["membership.add"] == "membership.add id-ann api"
    assert names["user.disable"] == "user.disable id-ann"
    assert names["group.rename"] == "group.rename old"
    assert names["group.remove"] == "group.remove api"
    assert names["setting.set"] == "setting.set membership_lock"


def test_an_object_keeps_its_name_when_its_role_or_reason_differs() -> None:
    """What a run failed at is found again by the next run, whatever the plan wants it to become."""
    change = EVERY["membership.change"]
    assert isinstance(change, ChangeRole)
    assert object_of(change) == object_of(replace(change, have=change.want, want=change.have))
