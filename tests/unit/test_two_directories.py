"""Two forests in one policy: read side by side, each with its own accounts, and clashes named."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.apply.task import Task
from reconciler.model.plan import Plan
from reconciler.pipeline import Run, apply_plan, make_plan
from reconciler.plan.encode import encode
from reconciler.policy.load import load_policy
from tests.builders import NOW, TODAY
from tests.unit.apply.apps import manner, store_in

FOREST = """version: 1

dn: dc={name}
objectClass: domain
dc: {name}

dn: uid=ann,dc={name}
objectClass: inetOrgPerson
uid: ann
cn: Ann of {name}
sn: Adams
entryUUID: 0000000{number}-0000-4000-8000-000000000001

dn: uid={other},dc={name}
objectClass: inetOrgPerson
uid: {other}
cn: Somebody
sn: Else
entryUUID: 0000000{number}-0000-4000-8000-000000000002

dn: cn=devs,dc={name}
objectClass: groupOfNames
cn: devs
member: uid=ann,dc={name}
member: uid={other},dc={name}
entryUUID: 0000000{number}-0000-4000-8000-000000000003
"""
POLICY = """version: 1
directories:
  north: {kind: ldif, file: north.ldif, base: dc=north}
  south: {kind: ldif, file: south.ldif, base: dc=south}
targets:
  staff: {kind: sql, url: "sqlite:///one.db", directory: north, users: {create: true}, groups: {create: true}}
  guests: {kind: sql, url: "sqlite:///one.db", directory: south, users: {create: true NAMING}, groups: {create: true}}
group_links:
  staff: {north-devs: [{cn: devs, access: member}]}
  guests: {south-devs: [{cn: devs, access: member}]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two directories that both have an Ann."""
    for number, (name, other) in enumerate((("north", "bob"), ("south", "eve"))):
        text = FOREST.format(name=name, other=other, number=number)
        (tmp_path / f"{name}.ldif").write_text(text, encoding="utf-8")
    return tmp_path


def _run(folder: Path, naming: str = "", targets: tuple[str, ...] = ()) -> Run:
    (folder / "policy.yaml").write_text(POLICY.replace(" NAMING", naming), encoding="utf-8")
    return Run(load_policy(str(folder), TODAY).policy, TODAY, NOW, targets=targets)


def _made(plan: Plan) -> set[tuple[str, str]]:
    return {
        (change["user"]["username"], section["name"])
        for section in encode(plan)["targets"]
        for change in section["changes"]
        if change["type"] == "user.create"
    }


def test_both_forests_are_read_and_planned_side_by_side(folder: Path) -> None:
    """Ann of the one and Ann of the other are two people with two accounts once one has another name."""
    run = _run(folder, ", username: 'south-{uid}'")
    plan = make_plan(run)
    assert [facts.name for facts in plan.directories] == ["north", "south"]
    assert _made(plan) == {("ann", "staff"), ("bob", "staff"), ("south-ann", "guests"), ("south-eve", "guests")}
    assert apply_plan(run, Task(plan, encode(plan)), store_in(folder), manner()).exit_code == 0
    assert make_plan(run).empty


def test_one_account_for_two_people_stops_the_plan_and_is_named(folder: Path) -> None:
    """Neither directory alone would show it."""
    plan = make_plan(_run(folder))
    assert not plan.applyable
    found = [finding.summary for section in plan.targets for finding in section.diagnostics]
    assert found == [
        '"ann" would be made for somebody of south and for somebody of north.',
        '"ann" would be made for somebody of north and for somebody of south.',
    ]


def test_an_account_of_the_other_forest_is_not_taken_over(folder: Path) -> None:
    """It is there and carries the other directory's mark: a refusal."""
    run = _run(folder, targets=("staff",))
    plan = make_plan(run)
    assert apply_plan(run, Task(plan, encode(plan)), store_in(folder), manner()).exit_code == 0
    (guests, _) = make_plan(_run(folder)).targets
    assert [refusal.guard for refusal in guests.refusals] == ["not_ours_user"]
    assert "ann" in str(guests.refusals[0])
