"""What is known of each kind of target without asking it."""

from __future__ import annotations

from pathlib import Path

from reconciler.policy.kinds import BUILT_IN, ROLES, roles_of
from reconciler.policy.schemas import policy_schema
from tests.unit.policy.policies import CONNECTIONS, load


def test_roles_are_the_kinds_own_or_those_of_the_policy(tmp_path: Path) -> None:
    """And none where there is no target."""
    targets = load(tmp_path, CONNECTIONS).policy.targets
    assert roles_of(targets["gitlab"])[-1] == "owner"
    assert roles_of(targets["roster"]) == ("viewer", "editor", "owner")
    assert roles_of(None) == ()


def test_the_kinds_known_here_are_those_of_the_schema() -> None:
    """One list holds the other."""
    definitions = policy_schema()["$defs"]
    assert isinstance(definitions, dict)
    assert list(BUILT_IN) == definitions["target"]["properties"]["kind"]["enum"]


def test_every_kind_with_fixed_roles_is_one_that_a_policy_can_name() -> None:
    """A slip of the pen in the table would switch the check off."""
    definitions = policy_schema()["$defs"]
    assert isinstance(definitions, dict)
    assert {f"{kind}_target" for kind in ROLES} <= set(definitions)
