"""Plans that must not be applied: not any more, not from here, not without their signature."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from reconciler.apply.admission import admit, too_old
from reconciler.apply.task import Task
from reconciler.errors import PlanRefused, PlanStale, UsageError
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Plan, TargetPlan
from reconciler.plan.encode import encode
from reconciler.plan.signing import signature
from reconciler.policy.model import ApplyRules, Policy
from tests.builders import NOW, TODAY, plan_of
from tests.unit.policy.policies import load

COMMIT = "0123456789abcdef0123456789abcdef01234567"
KEY = "correct horse battery"
POLICY = """\
version: 1
directories:
  corp: {kind: ldif, file: people.ldif}
targets:
  roster: {kind: sql, directory: corp, url: sqlite:///team.db}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """A policy of one target."""
    return load(tmp_path, POLICY).policy


def made(policy: Policy, address: str = "sqlite:///team.db") -> Plan:
    plan = plan_of(TargetPlan("roster", "sql", address, "corp"))
    return replace(plan, policy_digest=policy.digest, git_commit=COMMIT)


def admitted(plan: Plan, policy: Policy, *, now: str = NOW, head: str = COMMIT, **more: str) -> tuple[str, ...]:
    return admit(Task(plan, encode(plan), **more), policy, date.fromisoformat(now[:10]), now, head)  # type: ignore[arg-type]  # key and commit


def test_a_plan_of_today_is_let_in_without_a_word(policy: Policy) -> None:
    """Also where nobody knows a commit."""
    plan = made(policy)
    assert admitted(plan, policy) == ()
    assert admitted(replace(plan, git_commit=""), policy) == ()
    assert admitted(plan, policy, head="") == ()


def test_the_same_policy_at_another_commit_is_said(policy: Policy) -> None:
    """As after a merge: the digest is what counts."""
    (note,) = admitted(made(policy), policy, head="f" * 40)
    assert note.startswith("The plan was made at commit 0123456789ab and the policy stands at ffffffffffff now")


def test_another_policy_stops_the_plan(policy: Policy) -> None:
    """One more comment is another policy."""
    plan = made(replace(policy, digest="sha256:2"))
    with pytest.raises(PlanStale, match="The policy has changed since this plan was made"):
        admitted(plan, policy)


def test_a_plan_with_errors_is_not_let_in(policy: Policy) -> None:
    """Whatever the command line has looked at before."""
    plan = made(policy)
    broken = replace(plan, notes=(), targets=(replace(plan.targets[0], error="unreachable"),))
    with pytest.raises(PlanRefused, match="holds refusals or errors"):
        admitted(broken, policy)
    finding = Diagnostic(Severity.ERROR, "X", "x")
    with pytest.raises(PlanRefused):
        admitted(replace(plan, targets=(replace(plan.targets[0], diagnostics=(finding,)),)), policy)


def test_a_plan_about_another_address_is_stale(policy: Policy) -> None:
    """The target's identity is part of what was reviewed."""
    with pytest.raises(PlanStale, match='The address of target "roster" is'):
        admitted(made(policy, "sqlite:///other.db"), policy)


@pytest.mark.parametrize("wanted", [COMMIT, COMMIT[:7], COMMIT[:12].upper()])
def test_the_commit_that_is_asked_for_may_be_shortened(policy: Policy, wanted: str) -> None:
    """As git lets it be."""
    assert admitted(made(policy), policy, commit=wanted) == ()


@pytest.mark.parametrize(("commit", "said"), [(COMMIT, "0123456789ab"), ("", "no commit")])
def test_another_commit_than_asked_for_is_stale(policy: Policy, commit: str, said: str) -> None:
    """Also where the plan was made outside of git."""
    plan = replace(made(policy), git_commit=commit)
    with pytest.raises(PlanStale, match=f"The plan was made from {said}, and ffff was asked for"):
        admitted(plan, policy, commit="ffff")


def test_a_key_demands_its_signature(policy: Policy) -> None:
    """Before anything else is looked at."""
    plan = made(replace(policy, digest="sha256:2"))
    with pytest.raises(UsageError, match="not to be trusted: it is not signed"):
        admitted(plan, policy, key=KEY)
    plan = made(policy)
    document = encode(plan)
    document["signature"] = signature(document, KEY)
    assert admit(Task(plan, document, key=KEY), policy, TODAY, NOW, COMMIT) == ()
    with pytest.raises(UsageError, match="its signature is not one of this key"):
        admit(Task(plan, document, key=KEY[::-1]), policy, TODAY, NOW, COMMIT)


def test_a_plan_is_let_in_until_its_age_is_over(policy: Policy) -> None:
    """Seven days, or what the policy says."""
    plan = made(policy)
    assert admitted(plan, policy, now="2026-11-27T04:00:00Z") == ()
    with pytest.raises(
        PlanStale, match=r"made 7 days ago, and the policy lets one be applied for 7 days \(apply\.max_age\)"
    ):
        admitted(plan, policy, now="2026-11-27T04:00:01Z")
    strict = replace(policy, apply=ApplyRules(max_age=timedelta(hours=1)))
    with pytest.raises(PlanStale, match="made 2 hours ago, and the policy lets one be applied for 1 hour "):
        admitted(plan, strict, now="2026-11-20T06:00:00Z")


@pytest.mark.parametrize(
    ("made_at", "now", "limit", "said"),
    [
        ("2026-11-20T04:00:00Z", "2026-11-20T03:00:00Z", timedelta(minutes=1), ""),
        ("2026-11-20T04:00:00Z", "2026-11-20T04:01:30Z", timedelta(minutes=1), "less than two minutes ago"),
        ("2026-11-20T04:00:00Z", "2026-11-21T10:30:00Z", timedelta(minutes=30), "30 hours ago"),
        ("2026-11-20T04:00:00Z", "2026-11-20T05:30:00Z", timedelta(minutes=30), "90 minutes ago"),
        ("yesterday", "2026-11-20T05:30:00Z", timedelta(days=1), '"yesterday", which is no time'),
        ("2026-11-20T04:00:00", "2026-11-20T05:30:00Z", timedelta(days=1), "which is no time"),
    ],
)
def test_an_age_is_said_in_words(made_at: str, now: str, limit: timedelta, said: str) -> None:
    """A plan from the future is not too old."""
    reason = too_old(made_at, now, limit)
    assert said in reason
    assert bool(said) == bool(reason)
