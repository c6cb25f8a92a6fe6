"""Reviewed exceptions to guards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconciler.model.access import GroupKey
from reconciler.model.plan import Refusal
from reconciler.plan.waivers import apply_waivers
from reconciler.policy.model import Waiver
from tests.builders import TODAY, at


def refusal(guard: str, group: str = "") -> Refusal:
    return Refusal(guard, f"{guard} {group}.", 2, 1, 2, GroupKey(group) if group else None, (), "")


ALL = refusal("max_removals")
API, WEB = refusal("max_removals_per_group", "api"), refusal("max_removals_per_group", "web")
WAIVER = Waiver("max_removals_per_group", "roster", TODAY, "#482", "team dissolved", at(70))


def of(*waivers: Waiver) -> tuple[list[Refusal], list[str]]:
    standing, findings = apply_waivers([ALL, API, WEB], waivers, "roster", TODAY)
    return list(standing), [finding.code for finding in findings]


def test_a_waiver_lifts_the_refusals_of_its_guard() -> None:
    """On its last day still; the plan says who approved it."""
    assert of(WAIVER) == ([ALL], ["WAIVER-USED"])
    (finding,) = apply_waivers([API], [WAIVER], "roster", TODAY)[1]
    assert finding.summary == "max_removals_per_group is waived: max_removals_per_group api."
    assert finding.detail == "Approved by #482 until 2026-11-20: team dissolved."
    assert finding.where == at(70)


def test_a_waiver_for_a_group_lifts_only_that_groups() -> None:
    """The other one stands."""
    assert of(replace(WAIVER, group="api")) == ([ALL, WEB], ["WAIVER-USED"])


def test_a_waiver_that_lifts_nothing_says_so() -> None:
    """For a group that is not refused, or a guard that stops nothing."""
    assert of(replace(WAIVER, group="other"), replace(WAIVER, guard="empty_group")) == (
        [ALL, API, WEB],
        ["WAIVER-UNUSED", "WAIVER-UNUSED"],
    )


def test_a_waiver_that_is_over_has_no_effect() -> None:
    """The policy loader has warned already."""
    assert of(replace(WAIVER, until=TODAY - timedelta(days=1))) == ([ALL, API, WEB], [])


def test_a_waiver_of_another_target_is_not_ours() -> None:
    """Nor is it mentioned here."""
    assert of(replace(WAIVER, target="gitlab")) == ([ALL, API, WEB], [])


def test_a_waiver_bound_to_a_plan_lifts_nothing_and_says_so() -> None:
    """This version does not know the id before the plan is made."""
    assert of(replace(WAIVER, plan="sha256:1")) == ([ALL, API, WEB], ["WAIVER-PLAN"])
