"""What must still be so when a change is made."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reconciler.plan.precondition import Precondition, precondition
from tests.unit.model.changes import EVERY

EXPECTED: Mapping[str, Precondition] = {
    "user.create": {"user": None},
    "user.adopt": {"user": "ann", "managed": False},
    "user.update": {"username": "anne", "email": None},
    "user.enable": {"active": False},
    "user.disable": {"active": True},
    "user.remove": {"user": "ann", "managed": True},
    "user.flag": {"admin": False},
    "group.create": {"group": None},
    "group.adopt": {"group": "api", "managed": False},
    "group.rename": {"group": "old", "source": "group-app", "new_name": None},
    "group.remove": {"group": "api", "managed": True, "source": "group-app"},
    "membership.add": {"role": None},
    "membership.change": {"role": "viewer"},
    "membership.remove": {"role": "owner"},
    "setting.set": {"setting": False},
}


@pytest.mark.parametrize("name", EVERY)
def test_a_change_expects_what_it_was_planned_on(name: str) -> None:
    """None stands for what must not be there."""
    assert precondition(EVERY[name]) == EXPECTED[name]
