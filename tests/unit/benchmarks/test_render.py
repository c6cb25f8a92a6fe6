"""The benchmark of views: the plan it shows is one that the program reads, and the budget is judged at its own size only."""

from __future__ import annotations

from benchmarks.processes import Usage
from benchmarks.render import CHANGES, missed, plan_of, report
from reconciler.plan.decode import decode
from reconciler.plan.encode import encode, to_text

SHOWN = {"text": Usage(1.5, 1.5, 200, 0), "gitlab": Usage(1.0, 1.0, 200, 0)}


def test_plan_holds_so_many_changes_of_three_kinds_and_can_be_read() -> None:
    """A view of a plan that `show` refuses would measure a refusal."""
    plan, document = decode(to_text(encode(plan_of(80))), "plan.json")
    assert len(plan.targets[0].changes) == 80
    assert document["targets"][0]["counts"] == {"membership.add": 60, "membership.change": 10, "membership.remove": 10}


def test_budget_is_kept_or_missed_at_its_own_size_and_not_judged_at_another() -> None:
    """A quick run of a small plan proves nothing."""
    assert list(report(CHANGES, 0.4, SHOWN))[-1] == "Budget: 0.40 s of 1 s: kept"
    assert list(report(CHANGES, 1.1, SHOWN))[-1] == "Budget: 1.10 s of 1 s: MISSED"
    assert missed(CHANGES, 1.1)
    assert not missed(CHANGES - 1, 1.1)
    assert list(report(100, 0.4, SHOWN))[-1] == "The budget is for 50,000 changes; these figures are not judged by it."


def test_each_form_stands_beside_the_cheapest() -> None:
    """Ratios of one run say more than seconds of a noisy machine."""
    assert list(report(100, 0.4, SHOWN))[2] == "text                1.50 s    200 MB               1.50×"
