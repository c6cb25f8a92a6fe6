"""One target's section out of two states: what the target turned out not to have is wanted of nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.model.access import Flag
from reconciler.model.change import SetFlag
from reconciler.model.plan import TargetPlan
from reconciler.sections import Facing, section_of
from tests.builders import TODAY
from tests.test_cases import TARGET, read_case

CASE = Path(__file__).parents[1] / "cases" / "marks-change-hands"


@pytest.mark.parametrize("kept", [{Flag.ADMIN, Flag.EXTERNAL}, {Flag.ADMIN}], ids=["both", "one"])
def test_a_mark_that_the_target_does_not_have_after_all_is_an_error(
    kept: set[Flag], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has is known for sure only once it was read."""
    monkeypatch.chdir(CASE)
    case = read_case(CASE, CASE / "directory.ldif")
    target, empty = case.policy.targets[TARGET], TargetPlan(TARGET, "sql", "", "corp")
    can = replace(case.app.capabilities, flags=frozenset(kept))
    section = section_of(case.policy, TODAY, case.past, Facing(target, empty, case.have, case.want, can))
    assert {change.flag for change in section.changes if isinstance(change, SetFlag)} == kept
    assert ("FLAG-UNKNOWN" in {one.code for one in section.diagnostics}) == (Flag.EXTERNAL not in kept)
