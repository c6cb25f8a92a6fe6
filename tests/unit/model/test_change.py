"""The union of changes."""

from __future__ import annotations

from typing import get_args

import pytest

from reconciler.model.change import Change, person_of, type_name
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
    """By the stable id; changes of groups concern nobody."""
    assert person_of(EVERY[name]) == ("" if name.startswith("group.") else "id-ann")
