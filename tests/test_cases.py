"""Every folder of tests/cases/: a directory, a policy and a live state lead to the plan that is kept beside them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import jsonschema
import pytest

from reconciler.desired.build import Desired, desire, rules_for
from reconciler.desired.links import Directory
from reconciler.directory.read import read_directory
from reconciler.model.access import State
from reconciler.model.change import AddMembership, ChangeRole, RemoveMembership, person_of, type_name
from reconciler.model.directory import Snapshot
from reconciler.model.past import Past
from reconciler.model.plan import Plan, TargetPlan
from reconciler.plan.build import Safety, build_target, facts_of
from reconciler.plan.decode import decode
from reconciler.plan.encode import encode, to_text
from reconciler.policy.load import load_policy
from reconciler.policy.model import Policy
from reconciler.policy.needs import needs_of
from reconciler.policy.schemas import read_schema
from reconciler.render.document import PlanData
from reconciler.render.look import Look
from reconciler.render.text import plan_text
from reconciler.sections import diff_rules
from reconciler.targets.base import Target
from reconciler.targets.registry import create, options_of
from tests.builders import NOW, TODAY
from tests.case_files import desired_text, read_live, read_past
from tests.simulate import applied

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
TARGET = "roster"


@dataclass(frozen=True)
class Case:
    """One case, read: everything but the live state stays the same when it is planned again."""

    policy: Policy
    seen: Snapshot
    app: Target
    want: Desired
    have: State
    past: Past

    def section(self, have: State) -> TargetPlan:
        """Return the target's section of the plan for this live state."""
        target = self.policy.targets[TARGET]
        capabilities = self.app.capabilities
        safety = Safety(self.policy.guards[TARGET], self.policy.waivers, TODAY, capabilities, self.past)
        rules = diff_rules(target, self.policy.protected[TARGET], capabilities)
        empty = TargetPlan(target.name, target.kind, self.app.address, target.directory, on_refusal=target.on_refusal)
        return build_target(empty, have, self.want, rules, safety)

    def plan(self) -> Plan:
        """Return the whole plan."""
        section, notes = self.section(self.have), Directory(self.seen).findings()
        digest = f"sha256:{0:064}"  # whoever corrects a comment does not have to rewrite the plan
        facts = replace(facts_of(self.seen), digest=digest)
        return Plan(NOW, TODAY.isoformat(), digest, "policy", "", (facts,), (section,), notes)


@pytest.fixture(params=CASES, ids=lambda path: path.name)
def folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each case in turn, as the current folder: places in the plan are relative to it."""
    path = cast("Path", request.param)
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def case(folder: Path) -> Case:
    """The case, read as a run reads it, but for the live state."""
    return read_case(folder, folder / "directory.ldif")


def read_case(folder: Path, directory: Path) -> Case:
    """Return the case with what this file holds as its directory."""
    policy = load_policy("policy", TODAY).policy
    target = policy.targets[TARGET]
    config = replace(policy.directories[target.directory], file=str(directory))
    seen = read_directory(config, needs_of(policy, config, [target]), NOW)
    app = create(target.kind, options_of(target))
    want = desire(rules_for(policy, TARGET), Directory(seen), app.capabilities, TODAY)
    past = read_past(folder / "past.json", TARGET)
    return Case(policy, seen, app, want, read_live(folder / "live.json"), past)


def test_a_case_leads_to_what_is_kept_beside_it(case: Case, folder: Path, *, rewrite_golden: bool) -> None:
    """The desired state, the plan as data and the plan as text."""
    document = encode(case.plan())
    made = {
        "desired.json": desired_text(case.want),
        "plan.json": to_text(document),
        "plan.txt": "".join(plan_text(cast("PlanData", document), Look())),
    }
    if rewrite_golden:
        for file, text in made.items():
            (folder / file).write_text(text, encoding="utf-8")
    kept = {file: (folder / file).read_text(encoding="utf-8") for file in made}
    assert made == kept, "if the difference is meant: pytest tests/test_cases.py --rewrite-golden"


def test_applying_a_case_leaves_only_what_was_held_back(case: Case) -> None:
    """Apply, compare again: nothing to change, and the same is held back for the same reasons."""
    section = case.section(case.have)
    if any(refusal.guard.startswith("not_ours") for refusal in section.refusals):
        assert not case.plan().applyable  # names clash: there is nothing that could be applied
        return
    again = case.section(applied(case.have, section.changes))
    assert not again.changes
    assert _holds(again) == _holds(section)


def test_the_plan_of_a_case_is_what_it_promises_to_be(case: Case) -> None:
    """Valid, the same when it is read back, and made of printable characters."""
    plan = case.plan()
    text = to_text(encode(plan))
    assert decode(text) == (plan, json.loads(text))
    assert not list(jsonschema.Draft202012Validator(read_schema("plan")).iter_errors(json.loads(text)))
    shown = "".join(plan_text(cast("PlanData", encode(plan)), Look()))
    assert all(character.isprintable() or character == "\n" for character in shown)


def test_the_order_of_entries_does_not_matter_to_a_case(case: Case, folder: Path, tmp_path: Path) -> None:
    """The directory upside down, with every list of values upside down, gives the same bytes."""
    upside_down = tmp_path / "directory.ldif"
    header, *entries = (folder / "directory.ldif").read_text(encoding="utf-8").strip().split("\n\n")
    dns_first = [[lines[0], *reversed(lines[1:])] for lines in (entry.split("\n") for entry in reversed(entries))]
    upside_down.write_text("\n\n".join([header, *("\n".join(lines) for lines in dns_first)]) + "\n", encoding="utf-8")
    turned = read_case(folder, upside_down)
    assert turned.seen.digest == case.seen.digest
    assert to_text(encode(turned.plan())) == to_text(encode(case.plan()))


def test_a_case_says_what_it_shows(folder: Path) -> None:
    """In a line or two, for somebody who does not read code."""
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    assert 1 <= len([line for line in lines if line]) <= 6


def _holds(section: TargetPlan) -> Counter[tuple[str, str, str, str]]:
    found: Counter[tuple[str, str, str, str]] = Counter()
    for held in section.withheld:
        change = held.change
        group = change.group if isinstance(change, AddMembership | ChangeRole | RemoveMembership) else ""
        found[held.hold, type_name(change), group, person_of(change)] += 1
    return found
