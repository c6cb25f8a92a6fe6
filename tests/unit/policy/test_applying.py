"""How a policy says that plans are applied."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.policy.model import ApplyRules
from tests.unit.policy.policies import CONNECTIONS, load, only


@pytest.mark.parametrize(
    ("section", "rules"),
    [
        ("", ApplyRules(timedelta(days=7), 10)),
        ("apply: {max_age: 30m}", ApplyRules(timedelta(minutes=30), 10)),
        ("apply: {max_age: 24h, max_errors: 0}", ApplyRules(timedelta(hours=24), 0)),
        ("apply: {max_age: 14d, max_errors: 500}", ApplyRules(timedelta(days=14), 500)),
    ],
)
def test_what_is_not_said_has_its_default(tmp_path: Path, section: str, rules: ApplyRules) -> None:
    """Seven days, ten errors."""
    assert load(tmp_path, f"{CONNECTIONS}{section}\n").policy.apply == rules


@pytest.mark.parametrize("age", ["7", "7 d", "0d", "1w", "-1d", "1.5h", "forever"])
def test_an_age_is_a_number_and_a_unit(tmp_path: Path, age: str) -> None:
    """The message says how one is written."""
    problem = only(tmp_path, f'{CONNECTIONS}apply: {{max_age: "{age}"}}\n')
    assert problem.code == "SCHEMA"
    assert '"max_age" must be a time such as 30m, 24h or 7d' in problem.summary


def test_two_files_may_say_one_thing_each(tmp_path: Path) -> None:
    """The keys of the section are set one by one."""
    files = {"a.yaml": f"{CONNECTIONS}apply: {{max_age: 1d}}\n", "b.yaml": "version: 1\napply: {max_errors: 3}\n"}
    assert load(tmp_path, files).policy.apply == ApplyRules(timedelta(days=1), 3)
