"""A plan that rests on somebody's absence was made from a whole read, whatever the policy says about incremental reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from reconciler.apply.report import Report
from reconciler.apply.task import Task
from reconciler.expecting import check_expectations
from reconciler.model.change import AddMembership, CreateUser, RemoveMembership
from reconciler.model.plan import Hold, Plan
from reconciler.pipeline import Run, apply_plan, make_plan
from reconciler.plan.encode import encode
from reconciler.policy.load import load_policy
from tests.e2e.increments import ALICE, DEVS, PEOPLE, person, removed
from tests.servers import ldif_tools
from tests.servers.directories import BASE, SMALL
from tests.servers.ldif_tools import added, record
from tests.servers.slapd import Options, Slapd
from tests.unit.apply.apps import manner, store_in

pytestmark = pytest.mark.slapd
TODAY, NOW = date(2026, 11, 20), "2026-11-20T04:00:00Z"
POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: ["{url}"]
    base: "{base}"
    incremental: {{full_every: 1000}}
targets:
  roster:
    kind: sql
    url: sqlite:///roster.db
    directory: corp
    roles: [viewer, owner]
    users: {{create: true}}
    groups: {{create: true}}
group_links:
  roster:
    team/app:
      - {{cn: devs, access: viewer}}
"""


class Company:
    """A directory, a policy and a roster that follows it."""

    def __init__(self, server: Slapd, folder: Path, policy: str = POLICY) -> None:
        """Bring the roster up to date."""
        self.server = server
        (folder / "policy.yaml").write_text(policy.format(url=server.url, base=BASE), encoding="utf-8")
        self.run = Run(load_policy(str(folder), TODAY).policy, TODAY, NOW)
        self.apply(self.plan())

    def change(self, *records: str) -> None:
        """Change the directory."""
        ldif_tools.load("".join(records), self.server.url, self.server.admin_dn, self.server.password)

    def plan(self) -> Plan:
        """Plan."""
        self.server.forget()
        plan = make_plan(self.run)
        assert not plan.errored
        return plan

    def apply(self, plan: Plan) -> Report:
        """Make the plan so."""
        store = store_in(Path(self.run.policy.root))
        return apply_plan(self.run, Task(plan, encode(plan)), store, manner())

    def people_searches(self) -> int:
        """Return how often people were searched for while the last plan was made."""
        time.sleep(0.1)
        return sum("scope=2" in line and "person" in line for line in self.server.searches())


@pytest.fixture
def company(start_slapd: Callable[..., Slapd], tmp_path: Path) -> Company:
    """A server that tells who is gone by name."""
    return Company(start_slapd(SMALL, Options(syncprov="syncprov-sessionlog 1000")), tmp_path)


def test_a_plan_without_changes_rests_on_changes(company: Company) -> None:
    """One search for people, and the plan says since when nothing is confirmed."""
    plan = company.plan()
    assert plan.empty
    assert [facts.confirmed_at for facts in plan.directories] == [NOW]
    assert company.people_searches() == 1


def test_a_plan_that_only_adds_rests_on_changes(company: Company) -> None:
    """Who came has come; nobody's absence is needed for it."""
    company.change(person("bob", mail="bob@example.com"), added(DEVS, "member", f"uid=bob,{PEOPLE}"))
    plan = company.plan()
    assert {type(change) for change in plan.targets[0].changes} == {CreateUser, AddMembership}
    assert not plan.confirmed
    assert company.people_searches() == 1


def test_an_addition_that_is_held_back_needs_no_whole_read(start_slapd: Callable[..., Slapd], tmp_path: Path) -> None:
    """It is held back at every run, until somebody makes the account."""
    policy = POLICY.replace("users: {{create: true}}", "users: {{create: false}}")
    company = Company(start_slapd(SMALL), tmp_path, policy)
    plan = company.plan()
    assert plan.empty
    assert {held.hold for held in plan.targets[0].withheld} == {Hold.NO_ACCOUNT}
    assert not plan.confirmed
    assert company.people_searches() == 1


def test_a_plan_that_removes_is_made_again_from_a_whole_read(company: Company) -> None:
    """The second search for people has no cookie, and the plan says that it is confirmed."""
    company.change(record(DEVS, {"changetype": "modify", "delete": "member", "member": ALICE}))
    plan = company.plan()
    assert RemoveMembership in {type(change) for change in plan.targets[0].changes}
    assert plan.confirmed
    assert company.people_searches() == 2
    company.apply(plan)
    assert company.plan().empty
    assert company.people_searches() == 1


def test_a_lost_deletion_is_found_by_whatever_else_is_removed(
    start_slapd: Callable[..., Slapd], tmp_path: Path
) -> None:
    """With syncprov-nopresent the leaver stays until a plan removes something, and is part of that plan then."""
    company = Company(start_slapd(SMALL, Options(syncprov="syncprov-nopresent TRUE")), tmp_path)
    company.change(removed(ALICE))
    assert company.plan().empty
    company.change(
        record(DEVS, {"changetype": "modify", "delete": "member", "member": f"uid=rd+cn=R\\2BD \\231002,{PEOPLE}"})
    )
    plan = company.plan()
    gone = {change.who.username for change in plan.targets[0].changes if isinstance(change, RemoveMembership)}
    assert {"alice", "rd"} <= gone
    assert plan.confirmed


def test_the_policys_own_tests_are_judged_by_a_whole_read(start_slapd: Callable[..., Slapd], tmp_path: Path) -> None:
    """Changes alone would still show a leaver whose deletion was lost."""
    policy = f"{POLICY}expect:\n  - {{{{user: alice, target: roster, has: {{{{team/app: viewer}}}}}}}}\n"
    company = Company(start_slapd(SMALL, Options(syncprov="syncprov-nopresent TRUE")), tmp_path, policy)
    assert [one.failures for one in check_expectations(company.run)] == [()]
    company.change(removed(ALICE))
    (verdict,) = check_expectations(company.run)
    assert verdict.failures == ("nobody in the directory has this name",)
