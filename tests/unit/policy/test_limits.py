"""Naming rules, protections, guards and waivers as values, and what cannot be right about them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import cast

import pytest

from reconciler.model.access import NameLimits
from reconciler.model.diagnostic import Position
from reconciler.plan.guards import GUARDS, switched_off
from reconciler.policy.model import (
    GuardLimits,
    Limit,
    Naming,
    NamingRule,
    OnInvalidName,
    Policy,
    Protection,
    Waiver,
)
from reconciler.policy.schemas import policy_schema
from tests.builders import NO_LIMITS
from tests.unit.policy.policies import CONNECTIONS, brief, codes, load


def policy(folder: Path, lines: str) -> Policy:
    return load(folder, f"{CONNECTIONS}{lines}\n").policy


def at(folder: Path, line: int, column: int) -> Position:
    return Position((folder / "policy.yaml").as_posix(), line, column)


def test_naming_rules_of_a_target_win_key_by_key(tmp_path: Path) -> None:
    """What a target does not say comes from the rules for all."""
    naming = policy(
        tmp_path,
        """naming:
  "*": {groups: {pattern: "[a-z]+", max_length: 64, reserved: [root]}}
  gitlab: {groups: {max_length: 20, on_invalid: skip}, users: {on_invalid: normalize}}""",
    ).naming
    common = NamingRule(NameLimits("[a-z]+", 64, ("root",)), where=at(tmp_path, 8, 18))
    assert naming["roster"] == Naming(groups=common)
    assert naming["gitlab"].groups == NamingRule(
        NameLimits("[a-z]+", 20, ("root",)), OnInvalidName.SKIP, at(tmp_path, 8, 18)
    )
    assert naming["gitlab"].users == NamingRule(on_invalid=OnInvalidName.NORMALIZE, where=at(tmp_path, 9, 64))


def test_a_faulty_pattern_is_one_error_however_many_targets_it_holds_for(tmp_path: Path) -> None:
    """It is placed inside the pattern."""
    assert codes(tmp_path, CONNECTIONS + 'naming: {"*": {users: {pattern: "a(b"}}}\n') == ["7:35 BAD-PATTERN"]


def test_protections_of_a_target_and_of_all_are_joined(tmp_path: Path) -> None:
    """Protecting more is always possible, protecting less is not."""
    protected = policy(
        tmp_path, 'protected: {"*": {users: [root]}, gitlab: {users: ["svc-*", root], groups: ["a/**"]}}'
    ).protected
    assert protected["roster"] == Protection(("root",), (), at(tmp_path, 7, 19))
    assert protected["gitlab"] == Protection(("root", "svc-*"), ("a/**",), at(tmp_path, 7, 44))


@pytest.mark.parametrize(
    ("pattern", "sound"), [("[ab]*", True), ("[!a]", True), ("[]]", True), ("[[]x", True), ("x[a", False)]
)
def test_a_bracket_in_a_pattern_is_closed(tmp_path: Path, pattern: str, sound: bool) -> None:  # noqa: FBT001 - a table
    """One that is not closed would match itself, which nobody means."""
    text = f"{CONNECTIONS}protected: {{gitlab: {{groups: ['{pattern}']}}}}\n"
    if sound:
        assert load(tmp_path, text).policy.protected["gitlab"].groups == (pattern,)
    else:
        assert codes(tmp_path, text) == ["7:31 BAD-PATTERN"]


def test_guards_are_on_without_being_written(tmp_path: Path) -> None:
    """Every target has the defaults."""
    assert policy(tmp_path, "").guards == {"gitlab": GuardLimits(), "roster": GuardLimits()}


def test_guards_of_a_target_win_over_those_of_all(tmp_path: Path) -> None:
    """What is written replaces the default whole, and the guards that the policy sets are named."""
    guards = policy(
        tmp_path,
        """guards:
  "*": {max_removals: {percent: 5}, min_owners: 2, max_directory_shrink: {count: 3}}
  gitlab: {max_removals: {count: 7}, empty_group: allow, max_privileged_grants: 0, max_removals_per_group: {percent: 0.5}}""",
    ).guards
    common = frozenset({"max_removals", "min_owners", "max_directory_shrink"})
    assert guards["roster"] == GuardLimits(
        max_removals=Limit(percent=5), min_owners=2, max_directory_shrink=Limit(count=3), explicit=common
    )
    assert guards["gitlab"] == GuardLimits(
        max_removals=Limit(count=7),
        max_removals_per_group=Limit(percent=0.5),
        empty_group="allow",
        min_owners=2,
        max_privileged_grants=0,
        max_directory_shrink=Limit(count=3),
        explicit=common | {"empty_group", "max_privileged_grants", "max_removals_per_group"},
    )


@pytest.mark.parametrize("off", ["off", '"off"'])
def test_every_limit_can_be_switched_off(tmp_path: Path, off: str) -> None:
    """The word is text, not a truth value of YAML 1.1."""
    lines = "".join(f"    {name}: {off}\n" for name in GUARDS)
    found = policy(tmp_path, f'guards:\n  "*":\n{lines}').guards["roster"]
    assert found == replace(NO_LIMITS, protect_self=False, explicit=frozenset(GUARDS))
    assert switched_off(found) == GUARDS
    assert policy(tmp_path, 'guards: {"*": {protect_self: true}}').guards["roster"].protect_self
    assert not policy(tmp_path, 'guards: {"*": {protect_self: false}}').guards["roster"].protect_self


def test_the_guards_of_the_schema_are_those_of_the_program(tmp_path: Path) -> None:
    """Each with its default, and each that can refuse a plan can be named in a waiver."""
    defs = cast("dict[str, dict[str, dict[str, dict[str, object]]]]", policy_schema()["$defs"])
    described = defs["guards"]["properties"]
    assert tuple(sorted(described)) == GUARDS
    written = "".join(f"    {name}: {json.dumps(guard['default'])}\n" for name, guard in described.items())
    found = policy(tmp_path, f'guards:\n  "*":\n{written}').guards["roster"]
    assert found == replace(GuardLimits(), explicit=frozenset(GUARDS))
    waivable = {*GUARDS, "missing_group"} - {"min_owners", "protect_self"}
    assert set(cast("list[str]", defs["waiver"]["properties"]["guard"]["enum"])) == waivable


def test_waivers_of_all_files_are_joined(tmp_path: Path) -> None:
    """In the order of files and lines; a past one is a warning."""
    waiver = "{{guard: {guard}, target: roster, until: {until}, approved_by: '#1', reason: why}}"
    loaded = load(
        tmp_path,
        {
            "a.yaml": CONNECTIONS,
            "b.yaml": f"version: 1\nwaivers:\n- {waiver.format(guard='empty_group', until='2026-12-01')}\n",
            "c.yaml": "version: 1\nwaivers:\n"
            "- {guard: max_removals, target: gitlab, group: g, plan: p, until: 2026-11-20, approved_by: x, reason: y}\n",
        },
    )
    b, c = (Position((tmp_path / name).as_posix(), 3, 3) for name in ("b.yaml", "c.yaml"))
    assert loaded.policy.waivers == (
        Waiver("empty_group", "roster", date(2026, 12, 1), "#1", "why", b),
        Waiver("max_removals", "gitlab", date(2026, 11, 20), "x", "y", c, "g", "p"),
    )
    assert [brief(found) for found in loaded.warnings] == ["3:67 PAST-DATE"]


def test_a_waiver_without_a_real_date_is_an_error(tmp_path: Path) -> None:
    """An exception always has an end."""
    waiver = "{guard: max_removals, target: roster, until: 2026-13-01, approved_by: x, reason: y}"
    assert codes(tmp_path, f"{CONNECTIONS}waivers: [{waiver}]\n") == ["7:56 BAD-DATE"]
