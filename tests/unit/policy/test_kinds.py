"""What is known of each kind of target without asking it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.policy.kinds import BUILT_IN, ROLES, roles_of
from reconciler.policy.schemas import policy_schema
from tests.unit.policy.policies import CONNECTIONS, load, only, refused


def test_roles_are_the_kinds_own_or_those_of_the_policy(tmp_path: Path) -> None:
    """And none where there is no target."""
    targets = load(tmp_path, CONNECTIONS).policy.targets
    assert roles_of(targets["gitlab"])[-1] == "owner"
    assert roles_of(targets["roster"]) == ("viewer", "editor", "owner")
    assert roles_of(None) == ()


def test_custom_roles_rank_right_above_their_base(tmp_path: Path) -> None:
    """Of several with one base the later one ranks higher; a link may name them, and a wrong one is still found."""
    roles = "custom_roles: {auditing: {id: 4, base: reporter}, release: {id: 2, base: reporter}, top: {id: 9, base: maintainer}}"
    text = CONNECTIONS.replace("kind: gitlab,", f"kind: gitlab, {roles},")
    links = "group_links: {gitlab: {g: [{cn: a, access: auditing}]}}\n"
    policy = load(tmp_path, text + links).policy
    assert roles_of(policy.targets["gitlab"]) == (
        *("minimal", "guest", "planner", "reporter", "auditing", "release", "developer", "maintainer", "top", "owner"),
    )
    wrong = only(tmp_path, text + links.replace("auditing", "audit"))
    assert wrong.code == "UNKNOWN-ROLE"
    assert "auditing" in wrong.summary


@pytest.mark.parametrize(
    ("roles", "found"),
    [
        ("{owner: {id: 1, base: guest}}", ["DUPLICATE-ROLE"]),
        ("{a: {id: 1, base: guest}, b: {id: 1, base: planner}}", ["DUPLICATE-ROLE"]),
        ("{a: {id: 1, base: owner}}", ["SCHEMA"]),
        ("{a: {id: 0, base: guest}}", ["SCHEMA"]),
        ("{a: {base: guest}, b: {id: 2}, c: 7}", ["MISSING-KEY", "MISSING-KEY", "SCHEMA"]),
    ],
)
def test_a_custom_role_has_a_name_and_an_id_of_its_own_and_a_base(tmp_path: Path, roles: str, found: list[str]) -> None:
    """Anything else is an error at its place, and the roles of the kind are known all the same."""
    text = CONNECTIONS.replace("kind: gitlab,", f"kind: gitlab, custom_roles: {roles},")
    links = "group_links: {gitlab: {g: [{cn: a, access: developer}]}}\n"
    assert [problem.code for problem in refused(tmp_path, text + links)] == found


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
