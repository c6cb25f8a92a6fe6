"""Plans carried out, on targets that hold a state in memory and keep the protocol."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from threading import Barrier, Event
from time import sleep

import pytest

from reconciler.apply.journal import read_history
from reconciler.apply.manner import Progress
from reconciler.errors import LockHeld, StateError, TargetRejected, TargetUnreachable
from reconciler.model.access import Group, GroupKey, UserKey
from reconciler.model.change import AddMembership, Change, CreateGroup, RemoveMembership, Who
from reconciler.state.lock import held, unlock
from reconciler.targets.base import Counting, Status, Stoppable
from tests.builders import NOW, OWNER, VIEWER, live, user
from tests.unit.apply.apps import CHANGES, NAMES, App, Watching, run, section, statuses, store_in, task
from tests.unit.model.changes import ANN, API, WHY


def test_everything_is_made_in_the_order_of_the_plan(tmp_path: Path) -> None:
    """Batch by batch; the report has one outcome per change and the time of each batch, and the target is closed."""
    app = App()
    report = run(tmp_path, app)
    assert app.made == list(NAMES)
    assert (statuses(report), report.exit_code, app.closed) == (["applied"] * 4, 0, 1)
    assert [(time.number, time.changes, time.began, time.ended) for time in report.targets[0].batches] == [
        (1, 2, NOW, NOW),
        (2, 2, NOW, NOW),
    ]
    assert report.targets[0].requests == {}


def test_batches_of_a_stage_go_together_and_stages_one_after_the_other(tmp_path: Path) -> None:
    """Two at a time where the target can: each waits for the other, and the next stage for both."""
    both = Barrier(2, timeout=30)

    def meet() -> None:
        both.wait()

    app = App(size=1, parallel=2, stages=2, answers=dict.fromkeys(NAMES, meet))
    report = run(tmp_path, app)
    assert statuses(report) == ["applied"] * 4
    assert (set(app.made[:2]), set(app.made[2:])) == ({"ann", "bob"}, {"cy", "dee"})


def test_never_more_at_once_than_the_target_can_take(tmp_path: Path) -> None:
    """All four are in one stage, and three would be at work together if they could."""
    at_work, most = Counter[str](), []

    def work() -> None:
        at_work["now"] += 1
        sleep(0.05)
        most.append(at_work["now"])
        at_work["now"] -= 1

    app = App(size=1, parallel=2, stages=4, answers=dict.fromkeys(NAMES, work))
    assert statuses(run(tmp_path, app)) == ["applied"] * 4
    assert max(most) == 2


def test_changes_may_change_places_and_each_keeps_its_own_outcome(tmp_path: Path) -> None:
    """A target deals them out as suits it; report and journal have them in the order of the plan."""
    app = App(size=2, stages=2, deals=True, answers={"bob": Status.FAILED})
    report = run(tmp_path, app)
    assert app.made == ["ann", "cy", "dee"]
    assert statuses(report) == ["applied", "failed", "applied", "applied"]
    assert sorted(read_history(store_in(tmp_path), report.plan_id).applied["app0"]) == [0, 2, 3]


def test_a_change_that_is_refused_does_not_stop_the_others(tmp_path: Path) -> None:
    """One object is wrong; the plan is applied in part."""
    app = App(answers={"bob": Status.FAILED})
    report = run(tmp_path, app)
    assert statuses(report) == ["applied", "failed", "applied", "applied"]
    assert (app.made, report.exit_code, report.finished) == (["ann", "cy", "dee"], 7, False)


@pytest.mark.parametrize(("limit", "expected"), [(0, ["failed", "skipped"]), (1, ["failed", "failed"])])
def test_more_failures_than_may_be_stop_the_run(tmp_path: Path, limit: int, expected: list[str]) -> None:
    """What was not begun is not tried, in this target and in the next."""
    first = App(size=1, answers=dict.fromkeys(NAMES, Status.FAILED))
    report = run(tmp_path, first, App(), max_errors=limit)
    assert statuses(report) == [*expected, "skipped", "skipped"]
    assert (statuses(report, 1), report.exit_code) == (["skipped"] * 4, 7)


def test_what_changes_between_the_look_and_the_write_is_one_stale_object(tmp_path: Path) -> None:
    """The others are still as the plan expected."""
    report = run(tmp_path, App(answers={"ann": Status.STALE}, size=1))
    assert (statuses(report), report.exit_code) == (["stale", "applied", "applied", "applied"], 7)


def test_a_target_that_fails_as_a_whole_does_not_stop_the_others(tmp_path: Path) -> None:
    """What it was asked for and did not answer is looked at; the rest is not tried."""
    bad, good = App(answers={"dee": TargetRejected("no")}), App()
    report = run(tmp_path, bad, good)
    assert (statuses(report, 0), statuses(report, 1)) == (
        ["applied", "applied", "applied", "skipped"],
        ["applied"] * 4,
    )
    assert [target.error for target in report.targets] == ["no", ""]
    assert report.targets[0].outcomes[3].message == "not made"
    assert (report.exit_code, bad.closed, good.closed) == (7, 1, 1)


def test_what_a_silent_target_was_asked_for_is_unknown(tmp_path: Path) -> None:
    """It answers neither the change nor the question what is there."""
    app = App(size=1, answers={"bob": TargetUnreachable("gone")}, reads=[True, False])
    report = run(tmp_path, app)
    assert (statuses(report), report.exit_code) == (["applied", "unknown", "skipped", "skipped"], 7)
    history = read_history(store_in(tmp_path), report.plan_id)
    assert (sorted(history.applied["app0"]), sorted(history.asked["app0"])) == ([0], [1])


def test_what_rests_on_a_change_that_was_not_made_is_not_asked_for(tmp_path: Path) -> None:
    """One refused account is one failure, however many memberships hang on it; it is tried again when it is resumed."""
    group = CreateGroup(Group(API), WHY)
    roles = [AddMembership(Who(name, UserKey(f"id-{name}")), API, OWNER, WHY) for name in ("ann", "bob")]
    changes: list[Change] = [*CHANGES[:2], group, *roles]
    app = App(size=2, answers={"bob": Status.FAILED})
    report = run(tmp_path, app, changes=changes, max_errors=1)
    assert statuses(report) == ["applied", "failed", "applied", "applied", "skipped"]
    assert report.targets[0].outcomes[4].message.startswith("not tried: it rests on bob")
    asked = read_history(store_in(tmp_path), report.plan_id)
    assert (asked.applied["app0"], asked.batches) == (frozenset({0, 2, 3}), 2)
    again = run(tmp_path, App(state=app.state), changes=changes, resumed=True)
    assert (statuses(again), again.exit_code) == (["applied"] * 5, 0)


def test_no_owner_goes_where_the_new_one_was_refused(tmp_path: Path) -> None:
    """The group would be left without one; everybody else goes, and so do owners of other groups."""
    bob, cy = (Who(name, UserKey(f"id-{name}")) for name in ("bob", "cy"))
    web = GroupKey("web")
    changes: list[Change] = [
        AddMembership(ANN, API, OWNER, WHY),
        RemoveMembership(bob, API, OWNER, WHY),
        RemoveMembership(bob, web, OWNER, WHY),
        RemoveMembership(cy, API, VIEWER, WHY),
    ]
    people = [user(name) for name in ("ann", "bob", "cy")]
    state = live({"api": {"bob": OWNER, "cy": VIEWER}, "web": {"bob": OWNER}}, *people)
    report = run(tmp_path, App(size=1, answers={"ann api": Status.FAILED}, state=state), changes=changes)
    assert statuses(report) == ["failed", "skipped", "applied", "applied"]
    assert report.targets[0].outcomes[1].message == "not tried: it rests on api: ann"


def test_a_batch_of_which_nothing_is_left_is_not_begun(tmp_path: Path) -> None:
    """Its changes all rest on what was not made, and so does what rests on them."""
    changes: list[Change] = [CreateGroup(Group(API), WHY), AddMembership(ANN, API, OWNER, WHY)]
    app = App(size=1, answers={"group.create api": Status.FAILED}, state=live({}, user("ann")))
    report = run(tmp_path, app, changes=changes)
    assert (statuses(report), len(report.targets[0].batches)) == (["failed", "skipped"], 1)


def test_a_target_may_say_itself_that_an_answer_is_missing(tmp_path: Path) -> None:
    """It goes on with what it answers for; what stays unknown is looked at, and stays asked for in the journal."""
    report = run(tmp_path, App(size=4, answers={"bob": Status.UNKNOWN}, reads=[True, False]))
    assert (statuses(report), report.exit_code) == (["applied", "unknown", "applied", "applied"], 7)
    assert sorted(read_history(store_in(tmp_path), report.plan_id).asked["app0"]) == [1]
    other = run(tmp_path, App(state=live({}, *(user(name) for name in ("ann", "bob", "cy", "dee")))), resumed=True)
    assert (statuses(other), other.exit_code) == (["applied"] * 4, 0)


def test_only_the_first_error_of_a_target_is_told(tmp_path: Path) -> None:
    """Both calls were on their way; what was on its way is waited for."""
    both = Barrier(2, timeout=30)

    def fail() -> None:
        both.wait()
        raise TargetUnreachable("gone")

    report = run(tmp_path, App(size=1, parallel=2, stages=4, answers=dict.fromkeys(NAMES, fail)))
    assert (statuses(report), report.targets[0].error) == (["skipped"] * 4, "gone")


def test_an_interruption_goes_through_and_the_target_is_closed(tmp_path: Path) -> None:
    """It is no outcome: it is raised where the run is, and the lock is given back."""
    app = App(answers={"cy": KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, app)
    assert (app.made, app.closed, held(store_in(tmp_path))) == (["ann", "bob"], 1, [])


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_bug_in_a_target_goes_through_and_the_target_is_closed(tmp_path: Path, parallel: int) -> None:
    """Only the errors that a target may raise are outcomes; what is on its way is waited for."""
    app = App(size=1, parallel=parallel, stages=4, answers={"ann": ZeroDivisionError()})
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, app)
    assert app.closed == 1


def test_a_stop_finishes_what_is_on_its_way(tmp_path: Path) -> None:
    """The batch at work ends, no other begins, and the report says that somebody stopped it."""
    stop = Event()
    app = App(answers={"ann": stop.set})
    report = run(tmp_path, app, App(), stop=stop)
    assert (statuses(report), statuses(report, 1)) == (["applied", "applied", "skipped", "skipped"], ["skipped"] * 4)
    assert (report.interrupted, report.begun, report.exit_code) == (True, True, 7)


def test_a_run_that_has_lost_its_lock_writes_nothing_more(tmp_path: Path) -> None:
    """Another run may be at work by now; the message says how to go on."""
    store = store_in(tmp_path)

    def lose() -> None:
        (lease,) = held(store)
        unlock(store, lease.id)

    app = App(size=1, answers={"ann": lose})
    with pytest.raises(LockHeld, match="The lock of app0 was lost"):
        run(tmp_path, app)
    assert app.made == ["ann"]


def test_a_journal_that_somebody_else_writes_to_ends_the_run(tmp_path: Path) -> None:
    """Before anything is asked for that does not stand in it."""
    store = store_in(tmp_path)

    def write() -> None:
        log = f"journals/{task(section()).plan_id.removeprefix('sha256:')}"
        assert store.append(log, b'{"kind":"end","exit_code":0}', len(store.records(log)))

    app = App(size=1, answers={"ann": write})
    with pytest.raises(StateError, match=r"(?s)somebody else writes to the journal.*apply --resume sha256:"):
        run(tmp_path, app)
    assert app.made == ["ann"]


def test_whoever_watches_learns_how_far_it_has_got(tmp_path: Path) -> None:
    """At the beginning of a target and after each batch."""
    watching = Watching()
    run(tmp_path, App(answers={"bob": Status.FAILED}), watcher=watching)
    assert watching.seen == [
        Progress("app0", 0, 4, 0),
        Progress("app0", 2, 4, 1),
        Progress("app0", 4, 4, 1),
    ]


class CountingApp(App):
    """An app that counts what it is asked."""

    @property
    def requests(self) -> dict[str, int]:
        """Return how many accounts were made."""
        return {"accounts": len(self.made)}


def test_a_target_that_counts_its_requests_has_them_in_the_report(tmp_path: Path) -> None:
    """By kind."""
    app = CountingApp()
    assert isinstance(app, Counting)
    assert run(tmp_path, app).targets[0].requests == {"accounts": 4}


class StoppableApp(App):
    """An app that learns what stops a run."""

    stop: Event | None = None

    def stop_on(self, stop: Event) -> None:
        """Keep it."""
        self.stop = stop


def test_a_target_that_waits_is_told_what_stops_the_run(tmp_path: Path) -> None:
    """So that it need not wait out a server's pause."""
    app, stop = StoppableApp(), Event()
    assert isinstance(app, Stoppable)
    run(tmp_path, app, stop=stop)
    assert app.stop is stop
