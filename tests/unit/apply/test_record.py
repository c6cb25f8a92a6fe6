"""What a report says of a run, and that its schema says the same."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from reconciler import __version__
from reconciler.apply.chain import NOWHERE, linked
from reconciler.apply.record import Failure, record
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.plan.encode import Document, encode
from reconciler.policy.schemas import read_schema
from tests.builders import plan_of
from tests.unit.apply.reports import BEGAN, ENDED, full, made, outcomes
from tests.unit.plan.test_plan_schema import FULL

SCHEMA = read_schema("report")
VALID = Draft202012Validator(SCHEMA)
MAPS = {"have", "want", "requests"}  # hold what there is, by name


def test_every_change_stands_in_the_report_with_its_reason_and_its_ending() -> None:
    """In the order of the plan; the precondition stays behind, control characters are escaped."""
    plan = encode(plan_of(FULL))
    changes = full()["targets"][0]["changes"]
    kept = ("type", "user", "group", "have", "want", "reason")
    assert [[change[key] for key in kept] for change in changes] == [
        [change[key] for key in kept] for change in plan["targets"][0]["changes"]
    ]
    assert [change["status"] for change in changes] == [str(outcome.status) for outcome in outcomes()]
    assert changes[2]["message"] == "no\\x1b[31mthing"
    assert not any("precondition" in change for change in changes)
    (flag,) = (change for change in changes if change["type"] == "user.flag")
    assert flag["flag"] == "admin"


def test_who_when_and_from_what_is_said() -> None:
    """The CI system's word for it, the commit, the plan, the policy, the snapshots."""
    report = full()
    assert report["who"] == {
        "user": "deploy",
        "host": "runner-7",
        "pid": 4711,
        "actor": "alice",
        "system": "github",
        "run": "123",
        "url": "https://ci.example/runs/123",
    }
    assert (report["began"], report["ended"]) == ("2026-11-20T12:00:00Z", "2026-11-20T12:00:04Z")
    assert (report["exit_code"], report["git_commit"], report["version"]) == (7, "0123abcd", __version__)
    assert (report["resumed"], report["interrupted"], report["notes"]) == (False, False, ["The same policy."])
    assert report["plan"]["id"].startswith("sha256:")
    assert report["policy"]["git_commit"] == "0123abcd"
    assert [directory["digest"] for directory in report["directories"]]


def test_what_a_target_took_and_said_is_kept() -> None:
    """Its batches, its requests in order, its error, what its guards stopped."""
    roster, chat = full()["targets"]
    assert (roster["earlier"], roster["error"]) == (1, "lost on the way")
    assert roster["batches"] == [{"number": 1, "changes": 14, "began": BEGAN, "ended": ENDED}]
    assert list(roster["requests"].items()) == [("GET", 1), ("PUT", 3)]
    assert [refusal["guard"] for refusal in roster["refusals"]] == ["max_removals", "empty_group"]
    assert roster["guards_off"] == ["min_owners"]
    assert roster["withheld"] == len(FULL.withheld)
    assert (chat["error"], chat["changes"], chat["requests"]) == ("no such host", [], {})


def test_waivers_that_lifted_something_are_kept() -> None:
    """With their words and their place; other findings are the plan's."""
    used = Diagnostic(Severity.WARNING, "WAIVER-USED", "max_removals is waived.", "Approved by #482.")
    section = replace(FULL, diagnostics=(*FULL.diagnostics, used))
    report = record(encode(plan_of(section)), made())
    (waiver,) = report["targets"][0]["waivers"]
    assert (waiver["summary"], waiver["detail"]) == ("max_removals is waived.", "Approved by #482.")


def test_the_summary_counts_what_was_made_as_the_plan_would() -> None:
    """Only what was applied is added, changed or removed."""
    endings = [(change["type"], change["status"]) for change in full()["targets"][0]["changes"]]
    applied = [kind for kind, status in endings if status == "applied"]
    assert applied == ["user.create", "user.remove", "group.remove"]
    counts = {"added": 1, "changed": 0, "removed": 2, "failed": 3, "stale": 3, "unknown": 3, "skipped": 3}
    assert full()["summary"] == counts


def test_what_was_not_tried_is_counted_and_said() -> None:
    """A run that ended before the first change."""
    report = record(encode(plan_of(FULL)), made(), Failure("stale\x07", 8))
    changes = report["targets"][0]["changes"]
    assert {(change["status"], change["message"]) for change in changes} == {("skipped", "not tried")}
    assert report["summary"]["skipped"] == len(changes)
    assert (report["failure"], report["exit_code"]) == ("stale\\x07", 8)


def test_long_messages_are_cut() -> None:
    """A target's page of HTML is not an audit's business."""
    report = record(encode(plan_of(FULL)), made(), Failure("x" * 5000, 5))
    assert len(report["failure"]) == 2001


def problems(document: object) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALID.iter_errors(document)]


@pytest.fixture
def whole() -> Document:
    """Give a report as it is kept."""
    return linked(full(), NOWHERE)


def test_the_schema_is_a_schema_and_knows_a_report(whole: Document) -> None:
    """As it is written, and as the second of its chain."""
    Draft202012Validator.check_schema(SCHEMA)
    assert problems(whole) == []
    second = linked(full(), NOWHERE)
    assert problems({**second, "number": 2, "previous": second["id"]}) == []
    assert json.loads(json.dumps(whole)) == whole


def test_every_key_is_asked_for_and_no_other_is_known(whole: Document) -> None:
    """Whatever is left out or put in anywhere is seen."""
    checked = 0
    for path in _maps(whole, ()):
        for key in (*_at(whole, path), None):
            changed = copy.deepcopy(whole)
            if key is None:
                _at(changed, path)["more"] = 1
            elif key in {"flag", "setting", "confirmed_at"}:
                continue
            else:
                del _at(changed, path)[key]
            assert problems(changed), (path, key)
            checked += 1
    assert checked > 100


def test_what_both_schemas_define_is_the_same() -> None:
    """Refusals, reasons, people and findings are as in a plan, but for what each describes alone."""
    plan = read_schema("plan")
    mine, theirs = SCHEMA["$defs"], plan["$defs"]
    assert isinstance(mine, dict)
    assert isinstance(theirs, dict)
    shared = (mine.keys() & theirs.keys()) - {"target", "change"}
    assert len(shared) >= 9
    assert {name: mine[name] for name in shared} == {name: theirs[name] for name in shared}
    kinds = [entry["$ref"].partition("change.")[2] for entry in theirs["change"]["oneOf"]]
    assert mine["change"]["properties"]["type"]["enum"] == kinds
    for key in ("policy", "directories"):
        assert SCHEMA["properties"][key] == plan["properties"][key]  # type: ignore[index]  # JSON


def _at(document: Document, path: tuple[str | int, ...]) -> Document:
    found: Document = document
    for step in path:
        found = found[step]  # type: ignore[index]  # JSON
    return found


def _maps(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        if path and path[-1] in MAPS:
            return
        yield path
        for key, inner in value.items():
            yield from _maps(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _maps(inner, (*path, number))
