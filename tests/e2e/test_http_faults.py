"""A target over HTTP that fails in every way: nothing unplanned is written, what is said is so, and the next run converges."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from subprocess import CompletedProcess

import pytest

from tests.e2e.teams_world import World, planned_effects, world
from tests.fakes.teams import App, Effect
from tests.fakes.teams_server import Fault, serving, status, truncated

USERS, GROUPS = "/api/v1/users", "/api/v1/groups"
MEMBERS = rf"{GROUPS}/\d+/members"
ONE_MEMBER = rf"{MEMBERS}/\d+"
ALWAYS = 999
SILENCE = 2  # seconds that are waited for an answer where some will never come
HTML = "<html><h1>502 Bad Gateway</h1></html>"
_KINDS = {"add": "added", "create": "added", "update": "changed", "change": "changed", "remove": "removed"}


@dataclass(frozen=True, slots=True)
class Planned:
    """A world, its plan, what each change of the plan is to the app, and the app as it is when all are made."""

    world: World
    text: str
    effects: list[Effect]
    end: object


Fresh = Callable[..., Planned]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    """Give a world as it was when its plan was made, with these faults from now on and the apply still to come.

    Silence is waited for a little; where there is none a slow machine has all the time that it needs.
    """
    with ExitStack() as stack:

        @cache
        def planned(timeout: float) -> Planned:
            served = stack.enter_context(serving())
            return _planned(world(tmp_path_factory.mktemp("faults"), served, timeout=timeout))

        def get(*faults: Fault) -> Planned:
            found = planned(SILENCE if any(fault.ending in {"hang", "drip"} for fault in faults) else 20)
            found.world.reset()
            (found.world.folder / "plan.json").write_text(found.text)
            found.world.served.fail(*faults)
            return found

        yield get


def _planned(made: World) -> Planned:
    """Plan once, and apply once without any fault."""
    made.run("plan", "--out", "plan.json")
    assert made.served.writes() == []
    text = (made.folder / "plan.json").read_text()
    effects = planned_effects(text)
    made.run("apply", "plan.json")
    assert sorted(made.served.app.effects) == sorted(effects)
    return Planned(made, text, effects, made.served.app.content())


@dataclass(frozen=True, slots=True)
class Case:
    """What goes wrong, how the apply ends, how many changes are not made, and words of its report."""

    faults: tuple[Fault, ...] = ()
    code: int = 0
    missing: int = 0
    words: str = ""
    forbidden: str = ""


def _take_gil(app: App) -> None:
    app.seed_user("gil")


CASES = {
    "401 in the middle": Case(
        (Fault("POST", GROUPS, change=status(401, {"error": "expired"}), times=ALWAYS),), 7, 13, "status 401"
    ),
    "401 from the start": Case((Fault("GET", "/api/v1/me", change=status(401), times=ALWAYS),), 5, 17, "status 401"),
    "403 for one of many": Case(code=7, missing=1, words="may not be added", forbidden="dan"),
    "403 for one object": Case((Fault("PUT", ONE_MEMBER, change=status(403), times=1),), 7, 1, "status 403"),
    "403 for the token": Case(
        (Fault("POST", USERS, change=status(403, {"error": "insufficient_scope"}), times=ALWAYS),),
        7,
        16,
        "insufficient_scope",
    ),
    "409 for one object": Case((Fault("PUT", ONE_MEMBER, change=status(409)),), 7, 1, "status 409"),
    "404 though it is there": Case((Fault("DELETE", ONE_MEMBER, change=status(404)),), 7, 1, "status 404"),
    "429 with a time": Case((Fault("POST", MEMBERS, change=status(429, "x", "text/plain", Retry_After="1"), times=1),)),
    "429 without a time": Case((Fault("DELETE", ONE_MEMBER, change=status(429, "x", "text/plain")),)),
    "429 with too long a time": Case(
        (Fault("POST", GROUPS, change=status(429, "x", "text/plain", Retry_After="3600"), times=ALWAYS),),
        7,
        13,
        "It asks to come back in 3,600 seconds",
    ),
    "500 once where it may be sent again": Case((Fault("DELETE", ONE_MEMBER, change=status(500)),)),
    "500 again and again": Case((Fault("DELETE", ONE_MEMBER, change=status(500), times=ALWAYS),), 7, 1, "status 500"),
    "500 after it was made": Case((Fault("POST", MEMBERS, effect=True, change=status(500), times=ALWAYS),)),
    "500 before it was made": Case(
        (Fault("POST", GROUPS, change=status(500)),), 7, 4, "It was not made when this was read"
    ),
    "502 in HTML once": Case((Fault("GET", MEMBERS, change=status(502, HTML, "text/html"), first=2),)),
    "502 in HTML from then on": Case(
        (Fault("GET", MEMBERS, change=status(502, HTML, "text/html"), first=2, times=ALWAYS),), 7, 12, "502 Bad Gateway"
    ),
    "HTML in place of a list": Case(
        (Fault("GET", MEMBERS, change=status(200, HTML, "text/html"), first=2, times=ALWAYS),),
        7,
        12,
        "in place of JSON",
    ),
    "silence before it was made": Case(
        (Fault("POST", MEMBERS, ending="hang"),), 7, 3, "It was not made when this was read"
    ),
    "silence after it was made": Case((Fault("POST", MEMBERS, effect=True, ending="hang", times=ALWAYS),)),
    "silence after an account was made": Case((Fault("POST", USERS, effect=True, ending="hang", times=ALWAYS),)),
    "silence before a removal": Case((Fault("DELETE", ONE_MEMBER, ending="hang"),)),
    "silence after a removal": Case((Fault("DELETE", ONE_MEMBER, effect=True, ending="hang"),)),
    "reset before it was made": Case(
        (Fault("POST", GROUPS, ending="reset"),), 7, 4, "It was not made when this was read"
    ),
    "reset after it was made": Case((Fault("POST", GROUPS, effect=True, ending="reset"),)),
    "reset after a change": Case((Fault("PUT", ".*", effect=True, ending="reset", times=ALWAYS),)),
    "an answer that drips": Case((Fault("POST", MEMBERS, effect=True, ending="drip", times=ALWAYS),)),
    "an answer cut short": Case((Fault("POST", USERS, effect=True, ending="cut", times=ALWAYS),)),
    "truncated JSON": Case((Fault("POST", MEMBERS, effect=True, change=truncated, times=ALWAYS),)),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_planned_what_is_said_is_so_and_the_next_run_converges(fresh: Fresh, name: str) -> None:
    """Whatever the app did with the request that went wrong, and whatever it answered."""
    case = CASES[name]
    planned = fresh(*case.faults)
    made = planned.world
    made.served.app.forbidden = {case.forbidden} - {""}
    done = made.run("apply", "plan.json", code=case.code)
    effects = Counter(made.served.app.effects)
    assert effects <= Counter(planned.effects), "something was written that the plan does not hold, or twice"
    missing = len(planned.effects) - effects.total()
    if name == "silence before it was made":  # how many others are on their way by then is a matter of time
        assert 1 <= missing <= case.missing
    else:
        assert missing == case.missing
    assert case.words in done.stdout
    _is_true(done, planned, effects)
    assert "secret-token" not in f"{done.stdout}{done.stderr}"
    _converges(planned)


@pytest.mark.parametrize("name", ["401 in the middle", "500 before it was made", "502 in HTML from then on"])
def test_a_run_goes_on_where_it_ended(fresh: Fresh, name: str) -> None:
    """The rest of the same plan is made, and nothing a second time."""
    planned = fresh(*CASES[name].faults)
    made = planned.world
    made.run("apply", "plan.json", code=7)
    made.served.fail()
    made.run("apply", "--resume")
    assert Counter(made.served.app.effects) == Counter(planned.effects)
    assert made.served.app.content() == planned.end


def test_a_name_that_somebody_takes_in_the_last_moment_is_stale(fresh: Fresh) -> None:
    """Between our look and our call: the app refuses, and what rests on the account is not tried as if it were ours."""
    planned = fresh(Fault("POST", USERS, effect=True, meanwhile=_take_gil))
    made = planned.world
    done = made.run("apply", "plan.json", code=7)
    assert "gil: an account of that name is there already" in done.stdout
    assert Counter(made.served.app.effects) <= Counter(planned.effects)
    assert made.served.app.roles("infra").keys() == {"fay", "hal"}
    refused = made.run("plan", code=6)
    assert 'The user "gil" is wanted, but' in refused.stdout


def _turn(app: App) -> None:
    app.backwards = not app.backwards


def _swap(app: App) -> None:
    """Let the first account, which is not ours, go, and another one come: the count stays, and one slips to the page before."""
    del app.users[min(app.users)]
    app.seed_user("last")


READS = {
    "401": Fault("GET", ".*", change=status(401), times=ALWAYS),
    "500": Fault("GET", USERS, change=status(500), times=ALWAYS),
    "502 in HTML": Fault("GET", GROUPS, change=status(502, HTML, "text/html"), times=ALWAYS),
    "429 with too long a time": Fault(
        "GET", MEMBERS, change=status(429, "x", "text/plain", Retry_After="60"), times=ALWAYS
    ),
    "silence": Fault("GET", MEMBERS, ending="hang", times=ALWAYS),
    "reset": Fault("GET", USERS, effect=True, ending="reset", first=2, times=ALWAYS),
    "an answer that drips": Fault("GET", USERS, effect=True, ending="drip", times=ALWAYS),
    "an answer cut short": Fault("GET", USERS, effect=True, ending="cut", first=3, times=ALWAYS),
    "truncated JSON": Fault("GET", GROUPS, effect=True, change=truncated, times=ALWAYS),
    "a page again": Fault("GET", USERS, effect=True, query={"page": "1"}, times=ALWAYS),
    "a link in a circle": Fault("GET", GROUPS, effect=True, query={"after": "0"}, times=ALWAYS),
    "a total that does not add up": Fault(
        "GET",
        USERS,
        effect=True,
        change=lambda reply: replace(reply, headers={**reply.headers, "X-Total": "12"}),
        times=ALWAYS,
    ),
    "a next page elsewhere": Fault(
        "GET",
        GROUPS,
        effect=True,
        change=lambda reply: replace(reply, headers={"Link": '<https://evil.example/api/v1/groups>; rel="next"'}),
        times=ALWAYS,
    ),
    "an order that keeps changing": Fault("GET", USERS, effect=True, meanwhile=_turn, times=ALWAYS),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_that_is_not_whole_yields_no_plan(fresh: Fresh, name: str) -> None:
    """Exit 5, an error in that target's section, no change, and no write: a part is never taken for the whole."""
    made = fresh(READS[name]).world
    _small_pages(made)
    done = made.run("plan", "--out", "partial.json", code=5)
    document = json.loads((made.folder / "partial.json").read_text())
    assert (document["complete"], document["applyable"]) == (False, False)
    assert document["targets"][0]["changes"] == []
    assert (
        "target chat: GET " in done.stdout or f"GET {'/users'} at " in done.stdout or "GET /groups at " in done.stdout
    )
    assert made.served.writes() == []


def test_an_apply_that_has_to_plan_first_writes_nothing_without_a_whole_read(fresh: Fresh) -> None:
    """Exit 5, as for the plan."""
    made = fresh(READS["truncated JSON"]).world
    made.run("apply", "--auto-approve", code=5)
    assert made.served.writes() == []


MOVING: dict[str, Fault] = {
    "a page again, once": Fault("GET", USERS, effect=True, query={"page": "1"}, first=2),
    "the order changes": Fault("GET", USERS, effect=True, meanwhile=_turn, first=2),
    "one goes and one comes": Fault("GET", USERS, effect=True, meanwhile=_swap, first=2),
}


@pytest.mark.parametrize("name", MOVING)
def test_a_list_that_moves_during_the_read_is_read_again(fresh: Fresh, name: str) -> None:
    """The plan is that of the list as it is afterwards, with nobody lost between two pages."""
    planned = fresh(MOVING[name])
    made = planned.world
    _small_pages(made)
    made.run("plan", "--out", "plan.json")
    assert planned_effects((made.folder / "plan.json").read_text()) == planned.effects
    assert sum(entry.fault for entry in made.served.log) == 1


def test_nothing_is_written_when_the_app_goes_silent_before_the_first_write(fresh: Fresh) -> None:
    """The live state cannot be held against the plan, so the plan is not begun and can still be applied."""
    planned = fresh(Fault("GET", MEMBERS, ending="hang", times=ALWAYS))
    made = planned.world
    made.run("apply", "plan.json", code=5)
    assert made.served.writes() == []
    made.served.fail()
    made.run("apply", "plan.json")
    assert made.served.app.content() == planned.end


def _is_true(done: CompletedProcess[str], planned: Planned, effects: Counter[Effect]) -> None:
    """Hold the counts of the report, and every outcome in the journal, against what the app has seen."""
    found = re.search(r"^Applied: (\d+) added, (\d+) changed, (\d+) removed\.", done.stdout, re.MULTILINE)
    kinds = Counter(_class(effect) for effect in effects)
    assert (
        [int(count) for count in found.groups()]
        if found
        else [
            kinds["added"],
            kinds["changed"],
            kinds["removed"],
        ]
        == [0, 0, 0]
    )
    for path in (planned.world.folder / "policies" / ".reconcile" / "journals").glob("*"):
        for record in map(json.loads, path.read_text().splitlines()):
            for place, how, _ in record.get("outcomes", ()):
                assert (how == "applied") == (planned.effects[place] in effects), (planned.effects[place], how)


def _class(effect: Effect) -> str:
    if effect[0] == "user.update" and effect[2:] == ("state",):
        return "removed"  # as plans count who is disabled
    return _KINDS[effect[0].partition(".")[2]]


def _converges(planned: Planned) -> None:
    """Let everything work again: one more run, and the app is as it is without any fault, nothing having been done twice."""
    made = planned.world
    made.served.fail()
    made.served.app.forbidden = set()
    made.run("apply", "--auto-approve")
    assert made.served.app.content() == planned.end
    assert Counter(made.served.app.effects) == Counter(planned.effects)


def _small_pages(made: World) -> None:
    """Let every list have several pages."""
    made.served.app.most_per_page = 3
    for number in range(4):
        made.served.app.seed_group(f"other-{number}")
