"""Reviewed exceptions to guards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconciler.model.access import GroupKey
from reconciler.model.plan import Refusal
from reconciler.plan.waivers import apply_waivers, waiver_for
from reconciler.policy.model import Waiver
from tests.builders import TODAY, at


def refusal(guard: str, group: str = "") -> Refusal:
    return Refusal(guard, f"{guard} {group}.", 2, 1, 2, GroupKey(group) if group else None, (), "")


ALL = refusal("max_removals")
API, WEB = refusal("max_removals_per_group", "api"), refusal("max_removals_per_group", "web")
WAIVER = Waiver("max_removals_per_group", "roster", TODAY, "#482", "team dissolved", at(70))


def of(*waivers: Waiver) -> tuple[list[Refusal], list[str]]:
    standing, findings = apply_waivers(([ALL, API, WEB], "sha256:1"), waivers, "roster", TODAY)
    return list(standing), [finding.code for finding in findings]


def test_a_waiver_lifts_the_refusals_of_its_guard() -> None:
    """On its last day still; the plan says who approved it."""
    assert of(WAIVER) == ([ALL], ["WAIVER-USED"])
    (finding,) = apply_waivers(([API], ""), [WAIVER], "roster", TODAY)[1]
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


def test_a_waiver_that_lifts_several_says_how_many() -> None:
    """The first by its summary."""
    (finding,) = apply_waivers(([API, WEB], ""), [WAIVER], "roster", TODAY)[1]
    assert finding.summary == "max_removals_per_group is waived: max_removals_per_group api. And 1 more."


def test_a_waiver_bound_to_changes_lifts_the_refusals_of_exactly_these() -> None:
    """With other changes it lifts nothing, and says which it would be."""
    assert of(replace(WAIVER, plan="sha256:1")) == ([ALL], ["WAIVER-USED"])
    other = replace(WAIVER, plan="sha256:2")
    assert of(other) == ([ALL, API, WEB], ["WAIVER-OTHER-CHANGES"])
    (finding,) = apply_waivers(([API], "sha256:1"), [other], "roster", TODAY)[1]
    assert finding.summary == "The waiver of max_removals_per_group is bound to other changes than these, sha256:1."
    assert of(replace(other, guard="empty_group")) == ([ALL, API, WEB], ["WAIVER-UNUSED"])


def test_a_ready_waiver_is_yaml_whatever_it_names() -> None:
    """Bound to what was refused; its gaps are for a person to fill."""
    text = waiver_for(refusal("empty_group", 'a "b" \\c'), "roster", TODAY, "sha256:1")
    assert text == (
        '- {guard: empty_group, target: "roster", group: "a \\"b\\" \\\\c", until: 2026-11-27, approved_by: "…", reason: "…",\n'
        '   plan: "sha256:1"} # without plan: whatever is planned until then'
    )
    assert 'target: "roster", until' in waiver_for(ALL, "roster", TODAY, "")
