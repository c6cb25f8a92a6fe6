"""Reviewed exceptions to guards: which refusals they lift, and which of them lift nothing; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Refusal
from reconciler.policy.model import Waiver


def apply_waivers(
    refusals: Sequence[Refusal], waivers: Sequence[Waiver], target: str, today: date
) -> tuple[tuple[Refusal, ...], tuple[Diagnostic, ...]]:
    """Return the refusals that stand, and a finding for each waiver of this target: used, unused or over.

    A waiver lifts the refusals of its guard, for its group only where it names one, until its last day (UTC).
    One that is bound to a plan id lifts nothing in this version, and says so.
    """
    mine = [waiver for waiver in waivers if waiver.target == target]
    findings: list[Diagnostic] = []
    standing = list(refusals)
    for waiver in mine:
        if waiver.until < today:
            continue  # the policy loader has warned already
        lifted = [refusal for refusal in standing if _lifts(waiver, refusal)]
        standing = [refusal for refusal in standing if refusal not in lifted]
        findings.append(_finding(waiver, lifted))
    return tuple(standing), tuple(findings)


def _lifts(waiver: Waiver, refusal: Refusal) -> bool:
    return not waiver.plan and waiver.guard == refusal.guard and (not waiver.group or waiver.group == refusal.group)


def _finding(waiver: Waiver, lifted: Sequence[Refusal]) -> Diagnostic:
    scope = f" for {waiver.group}" if waiver.group else ""
    if lifted:
        summary = f"{waiver.guard}{scope} is waived: {lifted[0].summary}"
        detail = f"Approved by {waiver.approved_by} until {waiver.until}: {waiver.reason}."
        return Diagnostic(Severity.WARNING, "WAIVER-USED", summary, detail, waiver.where)
    if waiver.plan:
        summary = f"The waiver of {waiver.guard}{scope} is bound to a plan id."
        return Diagnostic(
            Severity.WARNING,
            "WAIVER-PLAN",
            summary,
            "This version lifts nothing by it: leave `plan` out.",
            waiver.where,
        )
    summary = f"The waiver of {waiver.guard}{scope} lifts nothing in this plan."
    return Diagnostic(Severity.WARNING, "WAIVER-UNUSED", summary, "Delete it once it has served.", waiver.where)
