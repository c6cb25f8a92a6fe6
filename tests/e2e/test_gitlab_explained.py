"""What an explanation says of a target whose groups hand roles down agrees with the plan: the example of a GitLab."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.examples import ROOT, TODAY, reconcile, scratch_copy
from tests.live_targets import live

Explain = Callable[..., str]
POLICY = "policies/gitlab"


@pytest.fixture(scope="module")
def explain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explain]:
    """Give a way to ask about the example as it is before its first run."""
    clone = scratch_copy(tmp_path_factory.mktemp("explained"))
    with live("gitlab") as env:

        def ask(*words: str) -> str:
            return reconcile("explain", *words, POLICY, "--today", TODAY, cwd=clone, env=env).stdout

        yield ask


def changes() -> list[dict[str, Any]]:
    """Return the changes of the plan that is kept beside the policy."""
    plan = json.loads((ROOT / POLICY / "plan.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = plan["targets"][0]["changes"]
    return found


def test_everybody_in_a_group_is_to_have_what_the_plan_leaves_there(explain: Explain) -> None:
    """A role from above is counted as it will be when the plan is made, and what is held back is said."""
    groups = ("nordlicht/platform", "nordlicht/platform/docs")
    for group in groups:
        (target,) = json.loads(explain("--group", group, "--format", "json"))["targets"]
        planned = {one["user"]["username"]: one["want"] for one in changes() if one["group"] == group}
        rows = {row["username"]: row for row in target["people"]}
        assert planned.keys() <= rows.keys()
        for name, row in rows.items():
            if not row["held"] and not row["by_hand"]:
                assert row["want"] == planned.get(name, row["have"]), name
    assert rows["ada"]["floor"] == {"role": "developer", "group": "nordlicht/platform"}
    assert (rows["dora"]["floor"], rows["liv"]["held"][0]["hold"]) == (None, "no_account")


def test_a_group_says_who_has_more_from_above_and_what_is_held_back(explain: Explain) -> None:
    """In words; emil owns the group above today and will not when the plan is made, so it gives him nothing here."""
    text = explain("--group", "nordlicht/platform")
    for line in (
        '    developer by the grant until 2026-12-31: "CHG-118 moves the shop to the new platform": 1 person  ',
        "      emil        maintainer  (cn=operations; policies/gitlab/groups.yaml:13)\n",
        "      fay         maintainer → owner  (cn=operations; at least owner, as in nordlicht; ",
        "      svc-deploy  developer → no role  (left the directory; policies/gitlab/groups.yaml:12; held back: protected by",
    ):
        assert line in text


def test_a_person_has_from_above_what_the_rules_of_a_group_do_not_give(explain: Explain) -> None:
    """With and without asking what is there."""
    said = (
        "  nordlicht/platform/docs\n"
        "    {} developer{}\n"
        "      developer  at least, as in nordlicht/platform\n"
        "      reporter   cn=developers via cn=core-devs, outranked  policies/gitlab/groups.yaml:16\n"
    )
    assert explain("ada").endswith(said.format("has", ", as it should be"))
    assert explain("ada", "--offline").endswith(said.format("should have", ""))
    cleo = explain("cleo")
    assert "  nordlicht/platform/docs\n    has reporter, should have developer\n" in cleo
