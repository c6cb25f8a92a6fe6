"""Each trial of a GitLab notices what it is there for: one that behaves otherwise fails, says how, and is put back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from reconciler.cli.stopping import interruptible
from reconciler.errors import TargetRejected
from reconciler.targets.gitlab.contract import TRIALS
from tests.e2e.gitlab_reading import SECRET, VARIABLE
from tests.e2e.gitlab_trying import left, scratch_world, tried
from tests.fakes.gitlab_answers import Reply, answer
from tests.fakes.gitlab_faults import Fault
from tests.fakes.gitlab_server import Served, serving
from tests.fakes.gitlab_world import World

USERS, MEMBERS, NOTES = "/users", r"/groups/\d+/members", "/users/.*/custom_attributes/.*"
ONE = rf"{MEMBERS}/\d+"
SUCCESS = answer({"status": "success"}, 201)
TRUE = answer(value=True, status=201)
FORBIDDEN = answer({"message": "403 Forbidden"}, 403)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the token."""
    monkeypatch.setenv(VARIABLE, SECRET)


@pytest.fixture
def world() -> World:
    """A GitLab with a scratch group that we own, a subgroup, and two accounts."""
    return scratch_world()


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    """Serve it."""
    with serving(world) as found:
        yield found


def refused(text: object) -> Reply:
    """Return what GitLab answers to several of whom it has not taken all."""
    return answer({"status": "error", "message": text}, 201)


def page(*numbers: int, **headers: str) -> Reply:
    """Return a page of things with these numbers; of a header's name, _ is -."""
    return answer([{"id": number} for number in numbers], 200, {key.replace("_", "-"): headers[key] for key in headers})


def _ends(world: World) -> None:
    for member in world.source("scratch").members.values():
        member.expires_at = None


def _leaves_below(world: World) -> None:
    world.source("scratch/below").members.clear()


def _loses_its_owner(world: World) -> None:
    world.source("scratch").members.clear()


def _rises(world: World) -> None:
    world.source("scratch").members[world.user("tried").id].level = 40


def _joins(world: World) -> None:
    world.add_member(world.source("scratch"), world.user("tried"), 30)


TOKEN = {"user_id": 1, "active": True, "scopes": ["api"]}
SELF, SETTINGS = "/personal_access_tokens/self", "/application/settings"
OTHERS = {"Link": '<https://elsewhere.example/api/v4/users?cursor=x>; rel="next"'}
CASES: list[tuple[str, Fault, str]] = [
    ("version", Fault("GET", "/metadata", reply=answer({"version": "17.0.0"})), "17.0.0, where /version says 18.6.0"),
    ("token", Fault("GET", SELF, reply=answer({**TOKEN, "user_id": 99})), "said to be of account 99, and asks as 1"),
    ("token", Fault("GET", SELF, reply=answer({**TOKEN, "active": False})), "is said not to be active"),
    ("token", Fault("GET", SETTINGS, reply=FORBIDDEN), "settings are refused with 403"),
    ("token", Fault("GET", SETTINGS, reply=answer({"admin_mode": True})), "without the scope admin_mode administers"),
    ("pages", Fault("GET", USERS, reply=page()), "a page of one account has 0"),
    ("pages", Fault("GET", USERS, reply=page(1)), "names no next one"),
    (
        "pages",
        Fault("GET", USERS, reply=answer([{"id": 1}], headers=OTHERS)),
        "elsewhere.example/api/v4/users?cursor=x",
    ),
    ("pages", Fault("GET", USERS, reply=page(*range(101)), first=2), "may hold 101 accounts, where 100"),
    ("pages", Fault("GET", USERS, reply=page(1), first=3), "after that of account 1 begins with 1"),
    ("pages", Fault("GET", USERS, reply=page(2, 3), first=3), "second page of one account has 2"),
    ("numbered pages", Fault("GET", "/groups", reply=page(1, X_Next_Page="3")), 'names "3" as the next'),
    ("numbered pages", Fault("GET", "/groups", reply=page(1, 2, X_Next_Page="2")), "a page of one group has 2"),
    ("numbered pages", Fault("GET", "/groups", reply=page(), first=2), "second page of one group has 0"),
    ("numbered pages", Fault("GET", "/groups", reply=page(2), times=1, first=2), "is on the first and the second page"),
    ("numbered pages", Fault("GET", "/groups", reply=page(*range(101)), first=3), "may hold 101 groups"),
    (
        "numbered pages",
        Fault("GET", "/groups", reply=page(2, X_Next_Page=""), first=3),
        "2 groups are announced, and 1",
    ),
    ("identities", Fault("GET", USERS, reply=page()), "our own account is 0 times"),
    ("names", Fault("GET", USERS, reply=page(2)), "a DN that nobody has finds an account"),
    ("names", Fault("GET", USERS, reply=page(), first=4), "written as it is, finds nobody"),
    ("names", Fault("GET", USERS, reply=page(7), first=5), "written in capitals, finds [7]"),
    (
        "rates",
        Fault("GET", "/version", reply=answer({}, 200, {"RateLimit-Limit": "many"})),
        '"many", which is no number',
    ),
    ("rates", Fault("GET", "/version", reply=answer({}, 200, {"RateLimit-Limit": "5"})), "not when it begins anew"),
    ("attributes", Fault("PUT", NOTES, reply=answer({})), "does not show a custom attribute as it was set"),
    ("attributes", Fault("DELETE", NOTES, reply=Reply(204)), "shows a custom attribute that was deleted"),
    ("blocking", Fault("PUT", NOTES, reply=answer({})), "is blocked without our mark"),
    ("blocking", Fault("POST", "/users/.*/block", reply=TRUE), "is active and marked"),
    ("blocking", Fault("POST", "/users/.*/unblock", reply=TRUE), "is blocked and marked"),
    ("blocking", Fault("DELETE", NOTES, reply=Reply(204)), "should be active without our mark is active and marked"),
    ("several", Fault("POST", MEMBERS, reply=refused({"x": "Invalid"})), "spoils the others of a call: x: Invalid"),
    ("several", Fault("POST", MEMBERS, reply=SUCCESS), "who was added is not in the group"),
    ("hundred", Fault("POST", MEMBERS, reply=refused("limit is 50")), "with 100 numbers is refused: limit is 50"),
    ("hundred", Fault("POST", MEMBERS, reply=answer({"error": "too long"}, 413)), "answered with status 413"),
    ("hundred", Fault("POST", MEMBERS, reply=SUCCESS), "the last of 100 numbers is passed over"),
    ("hundred", Fault("POST", MEMBERS, meanwhile=_joins, first=2), "adds the last of them all the same"),
    ("refusals", Fault("POST", MEMBERS, reply=SUCCESS), "a day in the past is taken"),
    ("refusals", Fault("POST", MEMBERS, reply=refused("No")), "does not name who is refused: No"),
    ("refusals", Fault("POST", MEMBERS, reply=answer({"message": "No"}, 400)), "answered with status 400"),
    ("refusals", Fault("POST", MEMBERS, meanwhile=_joins), "is added all the same"),
    ("in part", Fault("POST", MEMBERS, reply=SUCCESS, first=2), "answered as if it had added all"),
    (
        "in part",
        Fault("POST", MEMBERS, reply=refused("tried: No"), first=2),
        "keeps out the others of a call: tried: No",
    ),
    ("member pages", Fault("GET", MEMBERS, reply=page(), first=3), "two pages of one member are [[1], []]"),
    ("member pages", Fault("GET", MEMBERS, reply=page(1), first=2), "two pages name [None, '']"),
    ("member pages", Fault("GET", MEMBERS, reply=page(1, X_Next_Page="2"), first=2), "are announced as [None, '2']"),
    ("graphql", Fault("POST", "/api/graphql", meanwhile=_rises, first=2), "GraphQL tells 1 owner, 2 maintainer"),
    ("expiry", Fault("GET", MEMBERS, meanwhile=_ends), 'a change of role alone makes the end 2099-12-31 ""'),
    ("expiry", Fault("POST", MEMBERS, reply=SUCCESS, first=2), "does not change the role"),
    ("twice", Fault("POST", MEMBERS, reply=SUCCESS, first=2), "can be added again"),
    ("twice", Fault("POST", MEMBERS, reply=answer({"message": "No"}, 400), first=2), "refused with 400, not 409"),
    (
        "removal",
        Fault("DELETE", ONE, reply=answer({"message": "404 Not found"}, 404)),
        "who is in the group is not found",
    ),
    ("removal", Fault("DELETE", ONE, reply=Reply(204), times=2), "who is not there is removed once more"),
    ("floor", Fault("POST", MEMBERS, reply=SUCCESS, first=2), "have less in a subgroup"),
    ("subgroups", Fault("DELETE", ONE, meanwhile=_leaves_below), "is removed from its subgroups, too"),
    ("last owner", Fault("DELETE", ONE, reply=Reply(204), meanwhile=_loses_its_owner), "can be removed"),
    ("last owner", Fault("DELETE", ONE, reply=answer({"message": "No"}, 400)), "refused with 400, not 403"),
]
"""Another behaviour for each trial that can fail, and what is said of it."""


def test_every_trial_can_fail() -> None:
    """But that of the settings, which only tells what is there."""
    assert {trial.name for trial in TRIALS} - {name for name, _, _ in CASES} == {"settings"}


@pytest.mark.parametrize(("name", "fault", "said"), CASES)
def test_what_behaves_otherwise_fails_alone(world: World, served: Served, name: str, fault: Fault, said: str) -> None:
    """Each trial notices what it is there for, names the difference, and puts back what it did all the same."""
    before = left(world)
    found = tried(served, "tried", "other", at=name, faults=(fault,))
    assert {one for one, check in found.items() if str(check.status) != "ok"} == {name}
    assert str(found[name].status) == "failed"
    assert said in found[name].what
    assert found[name].way_out
    assert left(world) == before


def test_a_gitlab_that_takes_more_than_a_hundred_is_no_failure(world: World, served: Served) -> None:
    """Nothing rests on it: it is told."""
    fault = Fault("POST", MEMBERS, reply=SUCCESS, first=2)
    found = tried(served, "tried", at="hundred", faults=(fault,))["hundred"]
    assert (str(found.status), found.what) == ("ok", "a call takes 100 numbers, and 101, too: more than we send")


def _cancel(world: World | None = None) -> None:
    """Send this process SIGTERM, to the thread that tries."""
    assert world
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _both(one: Callable[[World], None]) -> Callable[[World], None]:
    def meanwhile(world: World) -> None:
        one(world)
        _cancel(world)

    return meanwhile


INTERRUPTED = {
    "attributes": Fault("GET", USERS, meanwhile=_cancel),
    "blocking": Fault("GET", USERS, meanwhile=_cancel, first=2),
    "hundred": Fault("GET", MEMBERS, meanwhile=_cancel),
    "in part": Fault("GET", MEMBERS, meanwhile=_cancel),
    "subgroups": Fault("GET", MEMBERS, meanwhile=_cancel),
    "last owner": Fault("DELETE", ONE, reply=Reply(204), meanwhile=_both(_loses_its_owner)),
}


@pytest.mark.parametrize("name", INTERRUPTED)
def test_what_is_interrupted_is_put_back(world: World, served: Served, name: str) -> None:
    """In the middle of a trial, when there is something to put back; then the run ends."""
    before = left(world)
    with interruptible(), pytest.raises(KeyboardInterrupt):
        tried(served, "tried", "other", at=name, faults=(INTERRUPTED[name],))
    assert left(world) == before
    assert served.log[-1].kind != "version"


def test_what_an_interrupted_trial_leaves_is_said(world: World, served: Served) -> None:
    """A GitLab that unblocks nobody any more: who interrupts has to know."""
    faults = (INTERRUPTED["blocking"], Fault("POST", "/users/.*/unblock", reply=FORBIDDEN, times=9))
    with interruptible(), pytest.raises(TargetRejected, match="interrupted in blocking: tried may still be blocked"):
        tried(served, "tried", at="blocking", faults=faults)
    assert world.user("tried").state == "blocked"


def test_who_interrupts_putting_back_is_told_what_may_be_left(world: World, served: Served) -> None:
    """The rest of it is put back all the same."""
    faults = (Fault("POST", MEMBERS, meanwhile=_cancel), Fault("DELETE", ONE, meanwhile=_cancel))
    with interruptible(), pytest.raises(TargetRejected, match=r"tried may still be in scratch/below \(interrupted\)"):
        tried(served, "tried", at="several", faults=faults)
    assert world.levels("scratch") == {"sync": 50}
