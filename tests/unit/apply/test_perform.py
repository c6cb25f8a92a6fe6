"""One plan from the lock to the last word in its journal: used once, stale as a whole, in part, resumed, superseded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer

import pytest

from reconciler.apply.journal import Journal, read_history
from reconciler.apply.past import read_past, write_seen, write_troubles
from reconciler.apply.perform import perform
from reconciler.apply.unfinished import LATEST, keep, plan_to_resume, unfinished
from reconciler.errors import LockHeld, PlanStale, StateError, TargetUnreachable, UsageError
from reconciler.model.access import Group
from reconciler.model.change import AddMembership, Change, CreateGroup, CreateUser, RemoveUser, object_of
from reconciler.model.past import Seen, Trouble
from reconciler.model.plan import DirectoryFacts, Refusal
from reconciler.plan.needed import scope_for
from reconciler.state.file import FileStore
from reconciler.state.lock import acquire, held
from reconciler.targets.base import Outcome, Status, Target
from tests.builders import NOW, OWNER, live, user
from tests.unit.apply.apps import (
    CHANGES,
    NAMES,
    App,
    manner,
    opening,
    run,
    section,
    statuses,
    store_in,
    task,
)
from tests.unit.model.changes import ANN, API, WHY

MADE = live({}, *(user(name) for name in NAMES))


def journal(folder: Path, plan_id: str) -> list[dict[str, object]]:
    """Return the records of a plan's journal."""
    lines = store_in(folder).records(f"journals/{plan_id.removeprefix('sha256:')}")
    return [json.loads(line) for line in lines]


def test_the_journal_says_before_each_batch_what_is_asked_and_after_it_what_became_of_it(tmp_path: Path) -> None:
    """From the first word to the last; nothing of it is left to resume."""
    report = run(tmp_path, App(answers={"cy": Status.FAILED}, size=3))
    assert journal(tmp_path, report.plan_id) == [
        {"kind": "begin", "plan": report.plan_id, "targets": ["app0"], "at": NOW, "who": "tester@here"},
        {"kind": "intent", "target": "app0", "batch": 1, "changes": [0, 1, 2]},
        {
            "kind": "outcome",
            "target": "app0",
            "batch": 1,
            "outcomes": [[0, "applied", ""], [1, "applied", ""], [2, "failed", "no cy"]],
        },
        {"kind": "intent", "target": "app0", "batch": 2, "changes": [3]},
        {"kind": "outcome", "target": "app0", "batch": 2, "outcomes": [[3, "applied", ""]]},
        {"kind": "end", "exit_code": 7},
    ]
    assert unfinished(store_in(tmp_path)) == [report.plan_id]


def test_the_report_says_who_applied_what_when(tmp_path: Path) -> None:
    """The run itself adds nothing that it was not told."""
    report = run(tmp_path, App())
    assert (report.began, report.ended, report.origin.who, report.origin.url) == (
        NOW,
        NOW,
        "tester@here",
        "https://ci.example/1",
    )
    assert (report.resumed, report.begun, report.finished, report.notes) == (False, True, True, ())


def test_a_plan_is_applied_once(tmp_path: Path) -> None:
    """Its id is used up, whatever became of it; one that has not come to its end is resumed, not begun again."""
    run(tmp_path, App())
    with pytest.raises(PlanStale, match="has been applied already, and a plan is applied once"):
        run(tmp_path, App())
    other = tmp_path / "other"
    other.mkdir()
    report = run(other, App(answers={"bob": Status.FAILED}))
    with pytest.raises(PlanStale, match=f"has not come to its end.*`reconcile apply --resume {report.plan_id}`"):
        run(other, App())


def test_one_stale_object_and_nothing_is_written_anywhere(tmp_path: Path) -> None:
    """Every stale object is named; the plan's id is not used up, and no journal is begun."""
    ready, changed = App(), App(state=live({}, user("bob"), user("cy")))
    report = run(tmp_path, ready, changed)
    assert (statuses(report, 0), statuses(report, 1)) == (["skipped"] * 4, ["skipped", "stale", "stale", "skipped"])
    assert report.targets[1].outcomes[1].message == "bob: the account is there already, and it is ours"
    assert (report.stale, report.exit_code, report.begun, ready.made, changed.made) == (True, 8, False, [], [])
    assert not any(store_in(tmp_path).names(prefix) for prefix in ("burned/", "journals/", "plans/"))


def test_what_still_holds_is_applied_where_that_is_asked_for(tmp_path: Path) -> None:
    """What was left out is named, and is not for resuming: a new plan is."""
    app = App(state=live({}, user("bob")))
    report = run(tmp_path, app, allow_partial=True)
    assert (statuses(report), app.made) == (["applied", "stale", "applied", "applied"], ["ann", "cy", "dee"])
    assert (report.exit_code, report.finished, unfinished(store_in(tmp_path))) == (7, True, [])


def test_a_plan_of_which_nothing_holds_is_stale_all_the_same(tmp_path: Path) -> None:
    """There is nothing to apply in part."""
    report = run(tmp_path, App(state=MADE), allow_partial=True)
    assert (report.stale, report.exit_code, store_in(tmp_path).names("burned/")) == (True, 8, [])


def test_only_what_a_plan_concerns_is_read_again(tmp_path: Path) -> None:
    """Once per target, before anything is written there."""
    app = App(size=10)
    changes: list[Change] = [*CHANGES, CreateGroup(Group(API, "group-app"), WHY), AddMembership(ANN, API, OWNER, WHY)]
    assert run(tmp_path, app, changes=changes).exit_code == 0
    (scope,) = app.scopes
    assert scope == scope_for("corp", changes)
    assert (scope.groups, scope.all_managed_groups) == (frozenset({API}), True)


def test_a_target_that_does_not_answer_keeps_none_of_the_others_from_being_applied(tmp_path: Path) -> None:
    """It is an error of its own, and can be resumed."""
    silent, good = App(reads=[False]), App()
    report = run(tmp_path, silent, good)
    assert (statuses(report, 0), statuses(report, 1)) == (["skipped"] * 4, ["applied"] * 4)
    assert (report.targets[0].error, report.exit_code, silent.closed, good.closed) == ("no answer", 7, 1, 1)
    assert unfinished(store_in(tmp_path)) == [report.plan_id]


def test_where_no_target_answers_the_plan_is_not_used_up(tmp_path: Path) -> None:
    """It may be applied once they do."""
    report = run(tmp_path, App(reads=[False]))
    assert (statuses(report), report.exit_code, report.begun) == (["skipped"] * 4, 5, False)
    assert run(tmp_path, App()).exit_code == 0


def test_a_target_that_cannot_be_opened_is_reported_and_the_next_one_is_tried(tmp_path: Path) -> None:
    """Nothing has to be closed."""
    app = App()

    def open_target(name: str) -> Target:
        if name == "bad":
            raise TargetUnreachable("no adapter")
        return app

    report = perform(task(section("bad"), section("good")), store_in(tmp_path), open_target, manner())
    assert (report.targets[0].error, statuses(report, 0), app.made) == ("no adapter", ["skipped"] * 4, list(NAMES))
    assert report.exit_code == 7


def test_a_plan_without_changes_leaves_what_it_has_seen(tmp_path: Path) -> None:
    """No target is opened, nothing is used up, and it may be applied again."""
    store, nothing = store_in(tmp_path), task(section(changes=()))
    for _ in range(2):
        report = perform(nothing, store, opening({}), manner())
        assert (report.targets, report.exit_code, report.begun) == ((), 0, False)
    assert read_past(store, {"app0": "corp"}).seen == {"app0": Seen(3, 2, NOW)}
    assert store.names("burned/") == []


def test_a_plan_for_some_people_leaves_nothing_seen(tmp_path: Path) -> None:
    """Its counts are no directory's."""
    store, nothing = store_in(tmp_path), task(section(changes=()))
    some = replace(nothing, document={**nothing.document, "only": [{"name": "ann"}]})
    assert perform(some, store, opening({}), manner()).exit_code == 0
    assert read_past(store, {"app0": "corp"}).seen == {}


def test_a_refused_target_is_left_as_it_is(tmp_path: Path) -> None:
    """Also what is known of its troubles, and how large its directory was when it was last applied."""
    store = store_in(tmp_path)
    write_seen(store, section("bad"), [DirectoryFacts("corp", "", "2026-11-13T04:00:00Z", "", people=30, groups=2)])
    known = {"user.create id-x": Trouble(1, NOW, "no")}
    write_troubles(store, "bad", known)
    bad = replace(section("bad"), refusals=(Refusal("max_removals", "too many", 1, 0, 1, None, (), ""),))
    app = App()
    report = perform(task(bad, section("good")), store, opening({"good": app}), manner())
    assert ([target.name for target in report.targets], app.made) == (["good"], list(NAMES))
    past = read_past(store, {"bad": "corp", "good": "corp"})
    assert past.troubles == {"bad": known}
    assert past.seen == {"bad": Seen(30, 2, "2026-11-13T04:00:00Z"), "good": Seen(3, 2, NOW)}


def test_a_target_that_another_run_works_on_is_left_alone(tmp_path: Path) -> None:
    """Nothing was written anywhere: all locks are taken before."""
    store, app = store_in(tmp_path), App()
    terms = manner().terms
    with acquire(store, "app1", terms), pytest.raises(LockHeld, match="app1 is held by tester on here"):
        run(tmp_path, app, App())
    assert (app.made, held(store)) == ([], [])


def test_a_stop_while_a_lock_is_waited_for_begins_nothing(tmp_path: Path) -> None:
    """Exit code 130: there is nothing to resume."""
    store, stop = store_in(tmp_path), Event()
    stop.set()
    patient = replace(manner(stop=stop), terms=replace(manner().terms, timeout=60))
    with acquire(store, "app0", manner().terms):
        report = perform(task(section()), store, opening({"app0": App()}), patient)
    assert (report.exit_code, report.begun, report.interrupted, statuses(report)) == (130, False, True, ["skipped"] * 4)


def test_a_stop_before_the_first_write_begins_nothing(tmp_path: Path) -> None:
    """The plan's id is not used up."""
    stop = Event()
    stop.set()
    assert run(tmp_path, App(), stop=stop).exit_code == 130
    assert run(tmp_path, App()).exit_code == 0


def test_a_resumed_apply_does_what_is_left_and_nothing_twice(tmp_path: Path) -> None:
    """What failed is tried again, what was not tried is made; the report is one of the whole plan."""
    first = App(size=1, answers={"bob": Status.FAILED})
    assert run(tmp_path, first, max_errors=0).exit_code == 7
    again = App(size=1, state=first.state)
    report = run(tmp_path, again, resumed=True)
    assert (first.made, again.made) == (["ann"], ["bob", "cy", "dee"])
    assert (statuses(report), report.exit_code, report.earlier, report.resumed) == (["applied"] * 4, 0, 1, True)
    assert [time.number for time in report.targets[0].batches] == [3, 4, 5]
    assert unfinished(store_in(tmp_path)) == []


def test_what_was_asked_for_and_got_no_answer_is_looked_at(tmp_path: Path) -> None:
    """Made, it counts as applied; not made, it is made; made by somebody else in another way, it is stale."""
    app = App(size=2, answers={"bob": TargetUnreachable("gone")}, reads=[True, False])
    assert statuses(run(tmp_path, app)) == ["unknown", "unknown", "skipped", "skipped"]
    assert app.made == ["ann"]
    report = run(tmp_path, App(state=app.state), resumed=True)
    assert (statuses(report), report.earlier) == (["applied"] * 4, 1)


def test_what_somebody_else_did_meanwhile_is_stale_for_a_resumed_apply(tmp_path: Path) -> None:
    """This run never asked for it, so whoever did may have had other reasons; nothing more is written."""
    first = App(size=1, answers={"bob": Status.FAILED})
    run(tmp_path, first, max_errors=0)
    again = App(state=live({}, user("ann"), user("dee")))
    report = run(tmp_path, again, resumed=True)
    assert (statuses(report), report.exit_code) == (["applied", "skipped", "skipped", "stale"], 8)
    assert (again.made, unfinished(store_in(tmp_path))) == ([], [report.plan_id])


def test_a_resumed_apply_of_which_everything_was_made_comes_to_its_end(tmp_path: Path) -> None:
    """It was killed after the last write and before the last word."""
    plan, store = task(section()), store_in(tmp_path)
    killed = Journal(store, plan.plan_id, read_history(store, plan.plan_id))
    killed.begin(["app0"], NOW, "x")
    keep(store, plan.document)
    killed.intend("app0", range(4))
    app = App(state=MADE)
    report = run(tmp_path, app, resumed=True)
    assert (statuses(report), report.exit_code, report.earlier, app.made) == (["applied"] * 4, 0, 4, [])
    assert unfinished(store) == []


def test_a_plan_that_was_killed_before_it_was_used_up_may_be_begun_again(tmp_path: Path) -> None:
    """Its journal was begun, and nothing was asked for."""
    plan, store = task(section()), store_in(tmp_path)
    Journal(store, plan.plan_id, read_history(store, plan.plan_id)).begin(["app0"], NOW, "x")
    keep(store, plan.document)
    assert run(tmp_path, App()).exit_code == 0


def test_a_new_apply_takes_the_place_of_an_unfinished_one(tmp_path: Path) -> None:
    """That is said, and the old one cannot be resumed any more; one of other targets is left as it is."""
    store = store_in(tmp_path)
    old = run(tmp_path, App(answers={"bob": Status.FAILED})).plan_id
    elsewhere = perform(task(section("far")), store, opening({"far": App(answers={"cy": Status.FAILED})}), manner())
    new = run(tmp_path, App(), changes=CHANGES[1:])
    assert new.notes == (
        f"The apply of {old} has not come to its end; this plan, made from what is there, takes its place.",
    )
    assert unfinished(store) == [elsewhere.plan_id]
    with pytest.raises(PlanStale, match=f"{new.plan_id} has taken the place of this one"):
        run(tmp_path, App(), resumed=True)
    with pytest.raises(PlanStale, match=f"{new.plan_id} has taken the place of this one"):
        plan_to_resume(store, old)


def test_the_plan_to_resume_is_the_only_one_or_the_one_that_is_named(tmp_path: Path) -> None:
    """Whatever does not name exactly one is an error that says what there is."""
    store = store_in(tmp_path)
    with pytest.raises(UsageError, match="There is nothing to resume"):
        plan_to_resume(store, LATEST)
    first = run(tmp_path, App(answers={"bob": Status.FAILED})).plan_id
    assert plan_to_resume(store, LATEST)[1]["id"] == first
    failing = opening({"far": App(answers={"cy": Status.FAILED})})
    second = perform(task(section("far")), store, failing, manner()).plan_id
    with pytest.raises(UsageError, match="Several applies have not come to their end: sha256:"):
        plan_to_resume(store, LATEST)
    assert plan_to_resume(store, first[:15])[1]["id"] == first
    assert plan_to_resume(store, second.removeprefix("sha256:"))[1]["id"] == second
    with pytest.raises(UsageError, match=r'"plan\.json" is no plan id'):
        plan_to_resume(store, "plan.json")
    with pytest.raises(UsageError, match="There is nothing to resume"):
        plan_to_resume(store, "sha256:" + "0" * 64)


def test_a_plan_that_has_come_to_its_end_is_not_resumed(tmp_path: Path) -> None:
    """Its journal is there, and no plan took its place."""
    done = run(tmp_path, App()).plan_id
    with pytest.raises(UsageError, match="There is nothing to resume"):
        plan_to_resume(store_in(tmp_path), done)


def test_a_journal_that_cannot_be_understood_is_an_error_of_the_store(tmp_path: Path) -> None:
    """Nothing is guessed from it."""
    plan = task(section())
    store = store_in(tmp_path)
    store.append(f"journals/{plan.plan_id.removeprefix('sha256:')}", b'{"kind":"intent"}', 0)
    with pytest.raises(StateError, match="cannot be understood"):
        run(tmp_path, App())


def test_what_a_target_keeps_refusing_is_remembered_until_it_is_made(tmp_path: Path) -> None:
    """With the words of the last refusal, and how often on end."""
    store = store_in(tmp_path)
    run(tmp_path, App(answers={"bob": Status.FAILED}))
    assert read_past(store, {"app0": "corp"}).troubles == {"app0": {"user.create id-bob": Trouble(1, NOW, "no bob")}}
    run(tmp_path, App(), resumed=True)
    assert read_past(store, {"app0": "corp"}).troubles == {}


def test_outcomes_are_found_by_their_object(tmp_path: Path) -> None:
    """An account that cannot be removed is named in the outcome as in the plan."""
    remove = RemoveUser(ANN, user("ann"), WHY)
    report = run(tmp_path, App(state=MADE), changes=[remove])
    assert report.targets[0].outcomes == (Outcome(remove, Status.APPLIED),)
    assert object_of(CreateUser(user("ann"), WHY)) == "user.create id-ann"


def test_a_target_is_waited_for_as_long_as_asked(tmp_path: Path) -> None:
    """The other run ends in time."""
    store, patient = store_in(tmp_path), replace(manner(), terms=replace(manner().terms, timeout=60))
    lock = acquire(store, "app0", manner().terms)
    Timer(0.2, lock.release).start()
    app = App()
    assert perform(task(section()), store, opening({"app0": app}), patient).exit_code == 0
    assert app.made == list(NAMES)


class _Rival(FileStore):
    """A store in which another run is faster at one thing, by name."""

    def create(self, name: str, content: bytes) -> bool:
        """Use up a plan's id first."""
        if name.startswith("burned/"):
            super().create(name, b"{}")
        return super().create(name, content)

    def names(self, prefix: str) -> Sequence[str]:
        """Bring an unfinished apply to its end right after it was found."""
        found = super().names(prefix)
        for name in found:
            self.delete(name)
        return found


def test_the_run_that_uses_up_the_id_is_the_one_that_applies(tmp_path: Path) -> None:
    """Whatever became of the locks."""
    app = App()
    with pytest.raises(PlanStale, match="is being applied by another run"):
        perform(task(section()), _Rival(str(tmp_path / ".reconcile")), opening({"app0": app}), manner())
    assert app.made == []


def test_an_apply_that_comes_to_its_end_while_it_is_looked_up_is_not_resumed(tmp_path: Path) -> None:
    """It was found, and is gone when it is read."""
    run(tmp_path, App(answers={"bob": Status.FAILED}))
    with pytest.raises(UsageError, match="has come to its end meanwhile"):
        plan_to_resume(_Rival(str(tmp_path / ".reconcile")), LATEST)
