"""The whole run, on LDIF files and SQLite rosters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.apply.task import Task
from reconciler.directory.read import write_snapshot
from reconciler.errors import DirectoryError, PlanRefused, PlanStale, UsageError
from reconciler.expecting import check_expectations
from reconciler.model.change import type_name
from reconciler.model.past import Past, Seen
from reconciler.model.plan import Plan
from reconciler.pipeline import Run, apply_plan, make_plan, take_snapshot
from reconciler.plan.encode import encode
from reconciler.policy.load import load_policy
from reconciler.policy.model import OnMissing
from reconciler.sections import scope_of
from tests.builders import NOW, TODAY, desired, rule, rules, snapshot
from tests.unit.apply.apps import manner, store_in

PEOPLE = """version: 1

dn: dc=acme
objectClass: domain
dc: acme

dn: uid=ann,dc=acme
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Adams
entryUUID: 00000000-0000-4000-8000-000000000001

dn: uid=bob,dc=acme
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: Baker
entryUUID: 00000000-0000-4000-8000-000000000002

dn: cn=devs,dc=acme
objectClass: groupOfNames
cn: devs
member: uid=ann,dc=acme
member: uid=bob,dc=acme
member: uid=gone,dc=acme
entryUUID: 00000000-0000-4000-8000-000000000003
"""
POLICY = """version: 1

directories:
  corp: {kind: ldif, file: people.ldif, base: dc=acme}

targets:
  one: ONE
  two: TWO

group_links:
  one: {api: [{cn: devs, access: member}]}
  two: {web: [{cn: devs, access: member}]}

expect:
  - {user: ann, target: one, has: {api: member}}
  - {user: bob, target: one, lacks: [api]}
"""
TARGET = "{kind: sql, url: 'sqlite:///NAME.db', directory: corp, users: {create: true}, groups: {create: true}}"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of two targets that both link one group."""
    (tmp_path / "people.ldif").write_text(PEOPLE, encoding="utf-8")
    text = POLICY.replace("ONE", TARGET.replace("NAME", "one")).replace("TWO", TARGET.replace("NAME", "two"))
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    return reload(Run(load_policy(str(tmp_path), TODAY).policy, TODAY, NOW, git_commit="0123abcd"))


def reload(run: Run) -> Run:
    return replace(run, policy=load_policy(run.policy.root, TODAY).policy)


def edit(run: Run, file: str, old: str, new: str) -> Run:
    """Return the run after somebody has edited a file of its policy folder."""
    path = Path(run.policy.root) / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return reload(run)


def types(plan: Plan) -> dict[str, set[str]]:
    return {target.name: {type_name(change) for change in target.changes} for target in plan.targets}


def apply(run: Run, plan: Plan) -> int:
    store = store_in(Path(run.policy.root))
    return apply_plan(run, Task(plan, encode(plan)), store, manner()).exit_code


def test_a_plan_is_made_applied_and_then_empty(run: Run) -> None:
    """Everything that it was made from is in it."""
    plan = make_plan(run)
    everything = {"user.create", "group.create", "membership.add"}
    assert types(plan) == {"one": everything, "two": everything}
    assert (plan.created_at, plan.today, plan.git_commit) == (NOW, "2026-11-20", "0123abcd")
    assert (plan.policy_digest, plan.policy_root) == (run.policy.digest, run.policy.root)
    assert [(facts.name, facts.people, facts.groups) for facts in plan.directories] == [("corp", 2, 1)]
    assert [note.code for note in plan.notes] == ["DANGLING-MEMBER"]
    assert apply(run, plan) == 0
    assert make_plan(run).empty


def test_a_second_apply_of_the_same_plan_writes_nothing(run: Run) -> None:
    """A plan is applied once."""
    plan = make_plan(run)
    assert apply(run, plan) == 0
    with pytest.raises(PlanStale, match="has been applied already"):
        apply(run, plan)


def test_only_the_chosen_targets_are_planned_each_once(run: Run) -> None:
    """In the order of their names."""
    plan = make_plan(replace(run, targets=("two", "one", "two")))
    assert [target.name for target in plan.targets] == ["one", "two"]
    assert [target.name for target in make_plan(replace(run, targets=("two",))).targets] == ["two"]


def test_a_target_that_the_policy_does_not_have_is_an_error_of_use(run: Run) -> None:
    """With what it has."""
    with pytest.raises(UsageError, match='no target "three"; it has: one, two'):
        make_plan(replace(run, targets=("three",)))


def test_a_target_that_cannot_be_read_does_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    """Its section holds the error, and the plan cannot be applied."""
    (tmp_path / "one.db").write_text("this is no database" * 100, encoding="utf-8")
    plan = make_plan(run)
    assert plan.targets[0].error
    assert not plan.targets[0].changes
    assert plan.targets[1].changes
    assert (plan.errored, plan.applyable) == (True, False)
    with pytest.raises(PlanRefused):
        apply(run, plan)


def test_a_plan_with_refusals_is_not_applied(run: Run, tmp_path: Path) -> None:
    """Nothing is written."""
    assert apply(run, make_plan(run)) == 0
    edit(run, "people.ldif", "member: uid=ann,dc=acme\nmember: uid=bob,dc=acme\n", "")
    plan = make_plan(run)
    assert plan.targets[0].refusals
    before = (tmp_path / "one.db").read_bytes()
    with pytest.raises(PlanRefused, match="nothing was written"):
        apply(run, plan)
    assert (tmp_path / "one.db").read_bytes() == before


def test_a_plan_of_another_policy_is_stale(run: Run) -> None:
    """Whatever has changed in it."""
    plan = make_plan(run)
    changed = edit(run, "policy.yaml", "has: {api: member}", "has: {api: member}, lacks: [web]")
    with pytest.raises(PlanStale, match="policy has changed"):
        apply(changed, plan)


def test_a_directory_that_cannot_be_read_stops_everything(run: Run, tmp_path: Path) -> None:
    """No target is asked."""
    (tmp_path / "people.ldif").write_text(PEOPLE[:-5], encoding="utf-8")
    with pytest.raises(DirectoryError):
        make_plan(run)
    assert not list(tmp_path.glob("*.db"))


def test_expectations_are_checked_without_any_target(run: Run, tmp_path: Path) -> None:
    """Those that do not hold are told."""
    assert [problem.summary for one in check_expectations(run) for problem in one.problems()] == [
        "bob in one: expected no role in api, found member."
    ]
    assert not list(tmp_path.glob("*.db"))


def test_a_snapshot_stands_in_for_its_directory(run: Run, tmp_path: Path) -> None:
    """The plan is the same, but for where and when it was read."""
    seen, needs = take_snapshot(run, "corp")
    path = tmp_path / "corp.snapshot"
    write_snapshot(seen, needs, str(path))
    live = make_plan(run)
    (tmp_path / "people.ldif").unlink()
    offline = make_plan(replace(run, snapshots=(str(path),)))
    assert offline.targets == live.targets
    assert offline.directories[0].digest == live.directories[0].digest


def test_everything_that_goes_with_an_account_is_read_before_it_is_removed(run: Run) -> None:
    """Also memberships in groups that no rule names any more."""
    target = run.policy.targets["one"]
    want = desired(snapshot(), rules(rule("api")))
    assert not scope_of(run.policy, target, want).all_managed_groups
    for users in (
        replace(target.users, when_missing=OnMissing.REMOVE),
        replace(target.users, when_disabled=OnMissing.REMOVE),
    ):
        assert scope_of(run.policy, replace(target, users=users), want).all_managed_groups
    assert scope_of(run.policy, target, want).groups == {"api"}


def test_a_plan_that_was_judged_by_a_later_day_is_stale(run: Run) -> None:
    """What it rests on may not be so yet."""
    plan = make_plan(replace(run, today=TODAY + timedelta(days=1)))
    with pytest.raises(PlanStale, match="a day after today"):
        apply(run, plan)


def test_a_refused_target_does_not_stop_the_others_where_its_policy_says_so(run: Run, tmp_path: Path) -> None:
    """It is left as it is, and the others are as planned."""
    guarded = "guards:\n  one: {max_created_users: 0}\n\nexpect:"
    stopping = make_plan(edit(run, "policy.yaml", "expect:", guarded))
    assert (stopping.targets[0].refused, stopping.applyable) == (True, False)
    run = edit(run, "policy.yaml", "one.db'", "one.db', on_refusal: continue")
    plan = make_plan(run)
    assert [target.refused for target in plan.targets] == [True, False]
    assert plan.applyable
    assert apply(run, plan) == 0
    assert not (tmp_path / "one.db").exists()
    again = make_plan(run)
    assert [bool(target.changes) for target in again.targets] == [True, False]


def test_what_earlier_runs_have_left_is_respected(run: Run) -> None:
    """Here how many people the directory held when it was last applied from."""
    past = Past({name: Seen(9, 1, NOW) for name in run.policy.targets})
    plan = make_plan(replace(run, past=past))
    assert {refusal.guard for target in plan.targets for refusal in target.refusals} == {"max_directory_shrink"}
