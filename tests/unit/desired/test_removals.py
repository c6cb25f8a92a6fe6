"""Removals that a target never makes: an error before anything is tried."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.desired.removals import impossible_removals
from reconciler.model.access import Capabilities, Role
from reconciler.policy.model import GroupRules, OnMissing, UserRules
from tests.builders import TARGET, at

REMOVING = Capabilities((Role("member"),))
KEEPING = replace(REMOVING, removes_users=False, removes_groups=False)
REMOVE = OnMissing.REMOVE


@pytest.mark.parametrize(
    ("users", "groups", "said"),
    [
        (UserRules(where=at(7)), GroupRules(where=at(8)), []),
        (UserRules(when_missing=REMOVE, where=at(7)), GroupRules(where=at(8)), [("users.when_missing", 7)]),
        (UserRules(when_disabled=REMOVE, where=at(7)), GroupRules(where=at(8)), [("users.when_disabled", 7)]),
        (UserRules(where=at(7)), GroupRules(when_missing=REMOVE, where=at(8)), [("groups.when_missing", 8)]),
    ],
)
def test_what_a_target_never_removes_cannot_be_asked_for(
    users: UserRules, groups: GroupRules, said: list[tuple[str, int]]
) -> None:
    """With the key and its place; a target that can is asked."""
    target = replace(TARGET, users=users, groups=groups)
    found = list(impossible_removals(target, KEEPING))
    assert [(one.subject, one.where and one.where.line) for one in found] == said
    assert {(one.severity, one.code) for one in found} <= {("error", "REMOVAL-UNKNOWN")}
    assert list(impossible_removals(target, REMOVING)) == []
