"""Turn a plan away that must not be applied, before any target or state store is asked for anything; apply nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from reconciler.apply.task import Task
from reconciler.errors import PlanRefused, PlanStale, UsageError
from reconciler.model.plan import Plan, TargetPlan
from reconciler.model.text import shortened
from reconciler.plan.signing import objection
from reconciler.plan.validity import displaced, outdated
from reconciler.policy.model import Policy
from reconciler.targets.registry import opened

_SHORT = 12  # characters of a commit that people are shown


def admit(task: Task, policy: Policy, today: date, now: str, git_commit: str) -> tuple[str, ...]:
    """Return what is to be said of a plan that may be applied on that day (UTC) and at that time (ISO 8601 UTC).

    `git_commit` is the commit that the policy stands at.
    Raises UsageError for one that is not signed as asked, PlanStale for one that another policy or commit made, that is too
    old, about other targets, or rests on a grant or waiver which is over, PlanRefused for one that is not applyable, and
    TargetError where a target's options are unusable.
    """
    plan = task.plan
    if task.key and (reason := objection(task.document, task.key)):
        raise UsageError(f"This plan is not to be trusted: {reason}. Make it again with `reconcile plan --plan-key`.")
    if plan.policy_digest != policy.digest:
        raise PlanStale("The policy has changed since this plan was made; nothing was written. Plan again.")
    if not plan.applyable:
        raise PlanRefused("This plan holds refusals or errors; nothing was written. `reconcile show` names them.")
    reason = (
        _of_another_commit(plan, task.commit)
        or too_old(plan.created_at, now, policy.apply.max_age)
        or outdated(plan, policy, today)
        or displaced(plan.targets, _present(policy, plan))
    )
    if reason:
        raise PlanStale(f"{reason} Nothing was written. Plan again.")
    return _notes(plan.git_commit, git_commit)


def too_old(made: str, now: str, limit: timedelta) -> str:
    """Return why a plan made at that time must not be applied any more; empty where it may."""
    try:
        age = datetime.fromisoformat(now) - datetime.fromisoformat(made)
    except (ValueError, TypeError):
        return f'The plan was made at "{shortened(made, 40)}", which is no time.'
    if age <= limit:
        return ""
    return (
        f"The plan was made {_words(age)} ago, and the policy lets one be applied for {_words(limit)} (apply.max_age)."
    )


def _words(time: timedelta) -> str:
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if (count := time // length) and (not time % length or count > 1):
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than two minutes"


def _of_another_commit(plan: Plan, wanted: str) -> str:
    if not wanted or (plan.git_commit and plan.git_commit.startswith(wanted.lower())):
        return ""
    made = plan.git_commit[:_SHORT] or "no commit"
    return f"The plan was made from {made}, and {shortened(wanted, 64)} was asked for (--commit)."


def _notes(planned: str, present: str) -> tuple[str, ...]:
    """Return what is to be said where the same policy stands at another commit now, as after a merge."""
    if not planned or not present or planned == present:
        return ()
    made, now = planned[:_SHORT], present[:_SHORT]
    return (
        f"The plan was made at commit {made} and the policy stands at {now} now: it is the same policy to the byte.",
    )


def _present(policy: Policy, plan: Plan) -> dict[str, TargetPlan]:
    """Return what the policy says now about the plan's targets, those that it still has; connects to none."""
    found = {}
    for name in {section.name for section in plan.targets} & set(policy.targets):
        config = policy.targets[name]
        with opened(config) as app:
            found[name] = TargetPlan(name, config.kind, app.address, config.directory)
    return found
