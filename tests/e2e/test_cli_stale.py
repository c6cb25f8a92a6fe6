"""Saved plans that must not be applied any more, or not here: nothing is written, and the message says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.plan.encode import digest
from tests.e2e.team import edit, team
from tests.examples import NOON, reconcile

GRANT = "grants:\n  roster:\n    team/app:\n      - {user: alice, access: owner, until: 2026-11-21, reason: x}\nexpect:"
WAIVER = "waivers:\n  - {guard: max_removals, target: roster, until: 2026-11-21, approved_by: '#1', reason: x}\nexpect:"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a folder with a policy, its directory and no roster yet."""
    return team(tmp_path)


def on_day(days: int) -> dict[str, str]:
    """Return the environment of a run so many days after the day of all runs, 2026-11-20."""
    return {"RECONCILE_NOW": str(int(NOON) + days * 86_400)}


def forge(work: Path, old: str, new: str) -> None:
    """Change a text of the saved plan wherever it stands, and give the plan the id that its new content has."""
    path = work / "plan.json"
    text = path.read_text()
    assert old in text
    document = json.loads(text.replace(old, new))
    path.write_text(json.dumps({**document, "id": digest(document)}))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (GRANT, 'policies/policy.yaml:23: the grant of owner to "alice" in team/app of roster'),
        (WAIVER, "policies/policy.yaml:21: the waiver of max_removals for roster"),
    ],
)
def test_plan_ends_with_a_grant_or_waiver_that_it_may_rest_on(work: Path, rule: str, said: str) -> None:
    """On the last day it can still be applied, a day later it cannot; the rule is named with its place."""
    edit(work, "policy.yaml", "expect:", rule)
    reconcile("plan", "--out", "plan.json", cwd=work)
    done = reconcile("apply", "plan.json", cwd=work, env=on_day(2), code=8)
    assert f"error: {said}, on which this plan may rest, has ended on 2026-11-21." in done.stderr
    assert done.stderr.endswith(" Nothing was written. Plan again.\n")
    assert not (work / "policies" / "roster.db").exists()
    assert "Applied: 7 added" in reconcile("apply", "plan.json", cwd=work, env=on_day(1)).stdout


def test_grant_that_has_ended_is_revived_neither_by_a_flag_nor_by_a_build_shell(work: Path) -> None:
    """A plan may look back with --today; what it shows then cannot be applied."""
    edit(work, "policy.yaml", "expect:", GRANT)
    env = on_day(30) | {"SOURCE_DATE" + "_EPOCH": NOON}
    assert "owner" in reconcile("plan", "--today", "2026-11-21", "--out", "plan.json", cwd=work, env=env).stdout
    assert "the grant of owner" in reconcile("apply", "plan.json", cwd=work, env=env, code=8).stderr
    assert "grant until" not in reconcile("apply", "--auto-approve", cwd=work, env=env).stdout


def test_plan_judged_as_of_a_later_day_waits_for_it(work: Path) -> None:
    """It is applied on that day, and not before."""
    reconcile("plan", "--today", "2026-11-22", "--out", "plan.json", cwd=work)
    done = reconcile("apply", "plan.json", cwd=work, code=8)
    assert "The plan was judged as of 2026-11-22, a day after today, 2026-11-20. Nothing was written." in done.stderr
    assert "Applied: 7 added" in reconcile("apply", "plan.json", cwd=work, env=on_day(2)).stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"roster"', '"second"', 'The plan has a target "second", which the policy does not have.'),
        (
            '"kind": "sql"',
            '"kind": "gitlab"',
            'The kind of target "roster" is "sql", and the plan was made for "gitlab".',
        ),
        (
            '"directory": "corp"',
            '"directory": "other"',
            'The directory of target "roster" is "corp", and the plan was made for "other".',
        ),
        (
            "sqlite:///roster.db",
            "sqlite:///x.db",
            'The address of target "roster" is "sqlite:///roster.db", and the plan was made',
        ),
    ],
)
def test_plan_about_something_else_than_the_policy_is_stale(work: Path, old: str, new: str, said: str) -> None:
    """Also where its id is right: a digest proves that a file is whole, not who wrote it."""
    reconcile("plan", "--out", "plan.json", cwd=work)
    forge(work, old, new)
    done = reconcile("apply", "plan.json", cwd=work, code=8)
    assert said in done.stderr
    assert not (work / "policies" / "roster.db").exists()


def test_plan_without_changes_can_be_stale_too(work: Path) -> None:
    """Success would say that all is as the policy wants it."""
    reconcile("apply", "--auto-approve", cwd=work)
    reconcile("plan", "--out", "plan.json", cwd=work)
    reconcile("apply", "plan.json", cwd=work)
    edit(work, "policy.yaml", "expect:", "# a word\nexpect:")
    assert "The policy has changed" in reconcile("apply", "plan.json", cwd=work, code=8).stderr


def test_plan_applied_from_another_folder_asks_for_its_policy(work: Path) -> None:
    """The root is named, and --policy is the way out."""
    reconcile("plan", "--out", "plan.json", cwd=work)
    (work / "other").mkdir()
    done = reconcile("apply", "../plan.json", cwd=work / "other", code=64)
    assert done.stderr == (
        "error: ../plan.json was made from policies, and there is no such folder here: name it with --policy DIR.\n"
    )
    done = reconcile("apply", "../plan.json", "--policy", "../policies", cwd=work / "other")
    assert "Applied: 7 added" in done.stdout
