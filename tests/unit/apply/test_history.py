"""What happened to a person, whatever the person was called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.apply.chain import NOWHERE, link_of, linked
from reconciler.apply.history import history, keys_of
from reconciler.apply.record import record
from reconciler.apply.report import TargetReport
from reconciler.model.access import GroupKey, UserKey
from reconciler.model.change import AddMembership, Change, CreateUser, RemoveMembership, UpdateUser, Who
from reconciler.model.plan import TargetPlan
from reconciler.plan.encode import Document, encode
from reconciler.targets.base import Outcome, Status
from tests.builders import VIEWER, plan_of, user
from tests.unit.apply.reports import made
from tests.unit.model.changes import EVERY, WHY

API = GroupKey("api")


def who(name: str, key: str = "") -> Who:
    return Who(name, UserKey(key or f"id-{name}"))


def renamed(have: str, want: str, key: str) -> Change:
    return UpdateUser(who(have, key), {"username": have}, {"username": want}, WHY)


def rekeyed(name: str, have: str, want: str) -> Change:
    return UpdateUser(who(name, want), {"key": have}, {"key": want}, WHY)


def joins(name: str, key: str = "") -> Change:
    return AddMembership(who(name, key), API, VIEWER, WHY)


def leaves(name: str, key: str = "") -> Change:
    return RemoveMembership(who(name, key), API, VIEWER, WHY)


def chain(*runs: list[Change], statuses: dict[int, Status] | None = None) -> list[Document]:
    """Return the reports of runs that made these changes, the newest first; `statuses` by number where not applied."""
    reports: list[Document] = []
    for number, changes in enumerate(runs, 1):
        status = (statuses or {}).get(number, Status.APPLIED)
        section = TargetPlan("roster", "sql", "sqlite:///roster.db", "corp", changes=tuple(changes))
        told = TargetReport("roster", tuple(Outcome(change, status) for change in changes))
        document = record(encode(plan_of(section)), made(told))
        reports.append(linked(document, link_of(reports[-1]) if reports else NOWHERE))
    return reports[::-1]


def told(reports: list[Document], name: str) -> list[tuple[int, str, Any]]:
    return [(event.number, event.change["type"], event.change["user"]["username"]) for event in history(reports, name)]


def test_everything_of_one_person_and_nothing_of_others_comes_newest_first() -> None:
    """By username in any case, and by key."""
    reports = chain([CreateUser(user("ann"), WHY), joins("ann"), joins("bob")], [leaves("ann")], [leaves("bob")])
    expected = [(2, "membership.remove", "ann"), (1, "user.create", "ann"), (1, "membership.add", "ann")]
    assert told(reports, "ann") == expected
    assert told(reports, "ANN") == expected
    assert told(reports, "id-ann") == expected
    assert told(reports, "nobody") == []


def test_a_person_is_found_under_every_name_there_was() -> None:
    """Before a rename and after it, by each of the names."""
    reports = chain([joins("ann", "k1")], [renamed("ann", "anna", "k1")], [leaves("anna", "k1")])
    for name in ("ann", "anna", "k1"):
        assert [number for number, *_ in told(reports, name)] == [3, 2, 1]


def test_a_person_is_found_under_every_key_there_was() -> None:
    """A move without a stable id, or a directory set up anew."""
    reports = chain(
        [joins("ann", "k1")], [rekeyed("ann", "k1", "k2")], [rekeyed("ann", "k2", "k3")], [leaves("x", "k3")]
    )
    for name in ("k1", "k2", "k3", "ann", "x"):
        assert [number for number, *_ in told(reports, name)] == [4, 3, 2, 1]


def test_a_name_that_was_given_to_another_person_shows_both_and_says_so() -> None:
    """They are told apart by their keys."""
    reports = chain([joins("ann", "k1"), leaves("ann", "k1")], [joins("ann", "k2")])
    events = history(reports, "ann")
    assert keys_of(events) == ["k1", "k2"]
    assert keys_of(history(reports, "k2")) == ["k2"]


def test_what_a_resumed_run_found_made_is_told_once() -> None:
    """By the run that made it; what failed first and was made later is told twice."""
    first, again = chain([joins("ann")], [joins("ann")])[::-1]
    resumed = {**again, "plan": first["plan"]}
    assert [event.number for event in history([resumed, first], "ann")] == [1]
    failed, later = chain([joins("ann")], [joins("ann")], statuses={1: Status.FAILED})[::-1]
    resumed = {**later, "plan": failed["plan"]}
    assert [event.number for event in history([resumed, failed], "ann")] == [2, 1]


def test_every_type_of_change_can_be_asked_about() -> None:
    """Those of groups and settings concern nobody."""
    section = TargetPlan("roster", "sql", "sqlite:///roster.db", "corp", changes=tuple(EVERY.values()))
    report = linked(record(encode(plan_of(section)), replace(made())), NOWHERE)
    assert len(history([report], "ann")) == sum(not name.startswith(("group.", "setting.")) for name in EVERY)
