"""The policy's own tests as values, and what cannot be right about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.diagnostic import Position
from reconciler.policy.model import Expectation, GroupLink
from tests.unit.policy.policies import CONNECTIONS, codes, load


def test_expectations_say_what_a_person_has_and_lacks(tmp_path: Path) -> None:
    """Groups sorted, lacks as written."""
    lines = "expect: [{user: alice, target: roster, has: {z: owner, a: viewer}, lacks: [y, b]}]"
    assert load(tmp_path, f"{CONNECTIONS}{lines}\n").policy.expect == (
        Expectation(
            "alice", "roster", Position(f"{tmp_path}/policy.yaml", 7, 10), {"a": "viewer", "z": "owner"}, ("y", "b")
        ),
    )


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("{user: a, target: roster}", "7:10 EMPTY-EXPECTATION"),
        ("{user: a, target: roster, has: {g: owner}, lacks: [g]}", "7:42 CONTRADICTION"),
        ("{user: a, target: rooster, lacks: [g]}", "7:28 UNKNOWN-TARGET"),
        ("{target: roster}", "7:10 EMPTY-EXPECTATION"),
        ("{target: roster, groups: [g], role: owner}", "7:10 EMPTY-EXPECTATION"),
        ("{target: roster, lacks: [g]}", "7:27 MISSING-KEY"),
        ("{target: roster, at_most: 3}", "7:27 MISSING-KEY"),
        ("{user: a, target: roster, lacks: [g], groups: [g]}", "7:48 CONTRADICTION"),
        ("{target: roster, groups: [g], at_least: 3, at_most: 2}", "7:40 CONTRADICTION"),
        ("{target: roster, groups: [g], nobody_outside: {}}", "7:56 LINK-SELECTOR"),
        ("{target: roster, groups: [g], nobody_outside: {dn: x}}", "7:61 BAD-DN"),
        ("{target: roster, groups: [g], nobody_outside: {filter: x}}", "7:65 BAD-FILTER"),
        ("{target: roster, groups: ['g[a'], at_most: 2}", "7:36 BAD-PATTERN"),
        ("{target: roster, groups: [g], role: boss, at_most: 2}", "7:46 UNKNOWN-ROLE"),
    ],
)
def test_what_cannot_be_expected_is_an_error(tmp_path: Path, item: str, code: str) -> None:
    """Nothing, both, and of nobody."""
    assert codes(tmp_path, f"{CONNECTIONS}expect: [{item}]\n") == [code]


def test_expectations_of_groups_say_how_many_and_who(tmp_path: Path) -> None:
    """Zero is a number; the directory lies beside the file that names it."""
    lines = (
        "expect: [{target: roster, groups: ['**'], role: owner, at_least: 0, at_most: 3, "
        "nobody_outside: {cn: staff}, directory: made-up.ldif}]"
    )
    (found,) = load(tmp_path, f"{CONNECTIONS}{lines}\n").policy.expect
    assert (found.user, found.groups, found.role, found.at_least, found.at_most) == ("", ("**",), "owner", 0, 3)
    assert isinstance(found.nobody_outside, GroupLink)
    assert found.nobody_outside.cn == "staff"
    assert found.directory == f"{tmp_path}/made-up.ldif"
