"""Reviewed exceptions to guards: which refusals they lift, and which of them lift nothing; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Refusal
from reconciler.policy.model import Waiver

_WAIVER_DAYS = 7


def apply_waivers(
    refused: tuple[Sequence[Refusal], str], waivers: Sequence[Waiver], target: str, today: date
) -> tuple[tuple[Refusal, ...], tuple[Diagnostic, ...]]:
    """Return the refusals that stand, and a finding for each waiver of this target: used, unused or over.

    `refused` are the refusals and the id of the changes that they were found in. A waiver lifts the refusals of its guard,
    for its group only where it names one, until its last day (UTC); one that is bound to changes, only those of exactly
    these. What says that no waiver lifts it stands.
    """
    standing, found_in = list(refused[0]), refused[1]
    findings: list[Diagnostic] = []
    for waiver in waivers:
        if waiver.target != target or waiver.until < today:
            continue  # of one that is over the policy loader has warned already
        matching = [refusal for refusal in standing if _means(waiver, refusal)]
        lifted = matching if waiver.plan in ("", found_in) else []
        standing = [refusal for refusal in standing if refusal not in lifted]
        findings.append(_finding(waiver, lifted, found_in if matching else ""))
    return tuple(standing), tuple(findings)


def waiver_for(refusal: Refusal, target: str, today: date, changes: str) -> str:
    """Return the waiver to paste under ``waivers:``, its gaps marked; valid YAML once they are filled.

    It is bound to the changes that were refused, so that what is approved is what was seen.
    """
    scope = f", group: {_quoted(refusal.group)}" if refusal.group else ""
    until = today + timedelta(days=_WAIVER_DAYS)
    names = f"guard: {refusal.guard}, target: {_quoted(target)}{scope}"
    return (
        f'- {{{names}, until: {until}, approved_by: "…", reason: "…",\n'
        f'   plan: "{changes}"}} # without plan: whatever is planned until then'
    )


def _means(waiver: Waiver, refusal: Refusal) -> bool:
    return waiver.guard == refusal.guard and (not waiver.group or waiver.group == refusal.group)


def _finding(waiver: Waiver, lifted: Sequence[Refusal], other: str) -> Diagnostic:
    """Return what became of a waiver; `other` are the changes that it would lift, were it not bound to others."""
    scope = f" for {waiver.group}" if waiver.group else ""
    if lifted:
        more = f" And {len(lifted) - 1} more." if len(lifted) > 1 else ""
        summary = f"{waiver.guard}{scope} is waived: {lifted[0].summary}{more}"
        detail = f"Approved by {waiver.approved_by} until {waiver.until}: {waiver.reason}."
        return Diagnostic(Severity.WARNING, "WAIVER-USED", summary, detail, waiver.where)
    if other:
        summary = f"The waiver of {waiver.guard}{scope} is bound to other changes than these, {other}."
        detail = "What was approved is not what is planned now: have these reviewed, and correct plan."
        return Diagnostic(Severity.WARNING, "WAIVER-OTHER-CHANGES", summary, detail, waiver.where)
    summary = f"The waiver of {waiver.guard}{scope} lifts nothing in this plan."
    return Diagnostic(Severity.WARNING, "WAIVER-UNUSED", summary, "Delete it once it has served.", waiver.where)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
