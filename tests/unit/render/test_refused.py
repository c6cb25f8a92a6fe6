"""What a plan says of a target that a guard has refused."""

from __future__ import annotations

from reconciler.render.look import Look
from reconciler.render.text import plan_text
from tests.unit.render.documents import membership, plan, refusal, target


def test_a_refused_target_that_stops_nothing_is_named_before_the_last_line() -> None:
    """Its changes are shown and counted, and whoever reads has to know that they are not made; nor is that no change."""
    refused = target(membership("a", "zoe", None, "guest"), name="roster")
    refused["refusals"] = [refusal(412, [], "- guard: x")]
    for changes in ([membership("a", "zoe", None, "guest")], []):
        document = plan(target(*changes), refused)
        document["applyable"] = True
        assert "".join(plan_text(document, Look())).split("\n")[-3:-1] == [
            "Nothing will be applied to roster, which a guard refused; the rest can be applied.",
            "Plan: 1 to add, 1 to change, 1 to remove. 3 people affected, 1 privileged grant.",
        ]
    refused["changes"] = []
    silent = plan(target(), refused)
    silent["applyable"] = True
    assert not "".join(plan_text(silent, Look())).startswith("No changes.")
