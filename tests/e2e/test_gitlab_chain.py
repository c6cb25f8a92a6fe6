"""From a directory to a GitLab and back: planned, applied, and nothing left to do; whatever goes wrong on the way is made up for."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.gitlab_company import Company, company, fill
from tests.e2e.gitlab_reading import SECRET, world_of
from tests.e2e.gitlab_writing import stable
from tests.fakes.gitlab_answers import answer
from tests.fakes.gitlab_app import App
from tests.fakes.gitlab_faults import Fault, html, retry_later
from tests.fakes.gitlab_seed import dump
from tests.fakes.gitlab_server import serving
from tests.fakes.gitlab_world import World

MEMBERS = "/(groups|projects)/[0-9]+/members"
ALWAYS = 999
LEVELS = {
    "acme": {"sync": 50, "bot": 30, "bob": 50, "ann": 50, "eve": 50},
    "acme/app": {"ben": 30, "bot": 30, "bob": 40, "ann": 50, "eve": 50, "dan": 30, "cleo": 30},
    "acme/new": {},
    "acme/new/deep": {"ann": 50, "ben": 40, "dan": 40, "cleo": 40},
    "acme/site": {"bot": 30, "bob": 40, "dan": 20, "fay": 10},
}


def everything(world: World) -> object:
    """Return all that there is, whatever was made first."""
    found = dump(world)
    users = found.pop("users")
    assert isinstance(users, list)
    return {**found, "users": sorted(users, key=lambda user: str(user["username"]))}


@dataclass
class Planned:
    """A company, its saved plan, and the GitLab as it is when that is made."""

    made: Company
    text: str
    end: object

    def reset(self, *faults: Fault) -> World:
        """Put everything back to where it was when the plan was made, with these faults from now on."""
        world = fill(world_of())
        self.made.served.app = App(world)
        self.made.served.forget()
        self.made.served.fail(*faults)
        shutil.rmtree(self.made.folder / "policies" / ".reconcile", ignore_errors=True)
        (self.made.folder / "plan.json").write_text(self.text)
        return world


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planned]:
    """Plan once, and apply once without any fault."""
    with serving(fill(world_of())) as served:
        made = company(tmp_path_factory.mktemp("company"), served)
        made.run("plan", "--out", "plan.json")
        assert served.writes() == []
        text = (made.folder / "plan.json").read_text()
        made.run("apply", "plan.json")
        yield Planned(made, text, everything(served.world))


def test_the_whole_chain_ends_with_nothing_left_to_do(planned: Planned) -> None:
    """Everybody is where the rules say, others as they were; the next plan is empty, writes nothing and asks for no single person."""
    world = planned.reset()
    made = planned.made
    done = made.run("apply", "plan.json")
    assert "Applied: 17 added, 4 changed, 4 removed." in done.stdout
    assert {path: world.levels(path) for path in LEVELS} == LEVELS
    assert world.source("acme/app").members[world.user("ben").id].expires_at == "2035-01-01"
    assert world.instance.lock_memberships
    assert {user.username for user in world.users.values() if user.admin} == {"sync", "eve"}
    assert {user.username for user in world.users.values() if user.external} == {"dan"}
    assert (world.user("zed").state, "reconcile_blocked" in world.user("zed").attributes) == ("blocked", True)
    assert (world.user("yan").state, world.user("yan").attributes) == ("blocked", {})
    assert world.user("ann").email == "ann@example.com"
    assert world.user("cleo").attributes["reconcile_id"] == stable("cleo")
    assert [one.title for one in world.user("fay").keys.values()] == ["reconcile: fay@work"]
    made.served.forget()
    again = made.run("plan", "--detailed-exitcode")
    assert again.stdout.startswith("No changes.")
    assert 'GitLab has refused the SSH key "ssh-rsa …AAAA fay" of fay: is no SSH public key' in again.stdout
    assert made.served.writes() == []
    assert dict(made.served.counts) == {
        "users.list": 2,
        "groups.list": 1,
        "members.list": 5,
        "projects.get": 1,
        **dict.fromkeys(("version", "user", "token", "settings.get"), 1),
    }
    assert SECRET not in f"{done.stdout}{done.stderr}{planned.text}"


def _forbidden(world: World) -> None:
    world.source("acme/site").locked = True


@dataclass(frozen=True, slots=True)
class Case:
    """What goes wrong, how the apply ends, and words of its report."""

    faults: tuple[Fault, ...]
    code: int = 0
    words: str = ""


CASES = {
    "an account is made and the answer is lost": Case(
        (Fault("POST", "/users", effect=True, ending="reset", times=ALWAYS),)
    ),
    "a call that adds many is made, and what stands before GitLab says it is down": Case(
        (Fault("POST", MEMBERS, effect=True, reply=html(), times=2),)
    ),
    "too many requests for long": Case(
        (Fault("POST", "/groups", reply=retry_later(3600), times=ALWAYS),), 7, "It asks to come back in 3,600 seconds"
    ),
    "the token is revoked in the middle": Case(
        (Fault("POST", MEMBERS, reply=answer({"message": "401 Unauthorized"}, 401), times=ALWAYS),), 7, "status 401"
    ),
    "memberships of one place are locked meanwhile": Case(
        (Fault("POST", "/projects/[0-9]+/members", effect=True, meanwhile=_forbidden),),
        7,
        "are locked: see its settings",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_goes_wrong_is_said_and_the_next_run_makes_up_for_it(planned: Planned, name: str) -> None:
    """Nothing is made twice, and in the end everything is as without a fault."""
    case = CASES[name]
    world = planned.reset(*case.faults)
    made = planned.made
    done = made.run("apply", "plan.json", code=case.code)
    assert case.words in done.stdout
    made.served.fail()
    world.source("acme/site").locked = False
    if case.code:
        made.run("apply", "--auto-approve")
    assert everything(world) == planned.end
    assert _twice(world) == []


def test_a_role_that_waits_for_approval_is_not_called_applied(planned: Planned) -> None:
    """The report names it, and the run ends as one that was made in part."""
    world = planned.reset()
    world.instance.approval = True
    done = planned.made.run("apply", "plan.json", code=7)
    assert "it waits for an administrator's approval in GitLab and is not in force yet" in done.stdout
    journals = (planned.made.folder / "policies" / ".reconcile" / "journals").glob("*")
    records = [json.loads(line) for path in journals for line in path.read_text().splitlines()]
    said = [end for record in records for end in record.get("outcomes", ())]
    changes = json.loads(planned.text)["targets"][0]["changes"]
    for place, status, _ in said:
        if changes[place]["type"] == "membership.add":
            there = changes[place]["user"]["username"] in world.levels(changes[place]["group"])
            assert (status == "applied") == there


def test_a_run_that_was_killed_between_two_calls_of_one_account_goes_on(planned: Planned) -> None:
    """The account is there, and its note is not: `--resume` finds it by its identity and makes the rest of the plan."""
    world = planned.reset(Fault("PUT", ".*/custom_attributes/reconcile_id", ending="hang", times=ALWAYS))
    made = planned.made
    made.kill("apply", "plan.json", when=lambda: any("reconcile_id" in entry.path for entry in made.served.writes()))
    made.served.fail()
    lock = re.search(r"`reconcile unlock (\w+)`", made.run("apply", "--resume", code=9).stderr)
    assert lock
    made.run("unlock", lock[1])
    made.run("apply", "--resume")
    assert _twice(world) == []
    assert {path: world.levels(path) for path in LEVELS} == LEVELS


def _twice(world: World) -> list[tuple[str, ...]]:
    """Return what was made more than once."""
    made = [effect for effect in world.effects if effect[0] in {"user.create", "member.add", "key.add", "group.create"}]
    return sorted({effect for effect in made if made.count(effect) > 1})
