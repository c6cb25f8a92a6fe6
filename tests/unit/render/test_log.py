"""How reports are shown: in a line, in full, and by person; nothing from outside reaches a terminal as it is."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import cast

from reconciler.apply.chain import NOWHERE, link_of, linked
from reconciler.apply.history import history
from reconciler.apply.record import Failure, record
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.plan.encode import Document, encode
from reconciler.render.log import Happening, ReportData, ReportedChange, history_lines, log_lines, report_lines
from reconciler.render.look import Look
from tests.builders import plan_of
from tests.unit.apply.reports import full, made, small
from tests.unit.plan.test_plan_schema import FULL

PLAIN = Look()


def data(document: Document) -> ReportData:
    return cast("ReportData", document)


def test_a_line_says_when_how_it_ended_what_was_made_and_by_whom() -> None:
    """In columns that fit the widest."""
    first = linked(full(), NOWHERE)
    second = linked({**small(exit_code=8), "who": {**small()["who"], "actor": ""}}, link_of(first))
    assert list(log_lines([data(second), data(first)], PLAIN)) == [
        f"2  2026-11-20 12:00 UTC  stale    0 added, 0 changed, 0 removed  deploy@runner-7          plan {_plan(second)}",
        f"1  2026-11-20 12:00 UTC  in part  1 added, 0 changed, 2 removed  alice (deploy@runner-7)  plan {_plan(first)}",
    ]


def test_a_run_that_had_nothing_to_do_and_an_exit_code_that_nobody_knows_are_told() -> None:
    """One is good, the other is a number."""
    idle = linked(record(encode(plan_of()), made()), NOWHERE)
    odd = linked(record(encode(plan_of()), made(), Failure("", 77)), NOWHERE)
    assert [line.split("  ")[2] for line in log_lines([data(idle), data(odd)], PLAIN)] == ["no changes", "exit 77"]


def test_a_whole_report_names_everything() -> None:
    """Facts first, then every change with its reason and its ending, then the counts."""
    lines = list(report_lines(data(linked(full(), NOWHERE)), PLAIN))
    text = "\n".join(lines)
    assert lines[0].startswith("Report 1  sha256:")
    assert "  began      2026-11-20 12:00:00 UTC, ended 2026-11-20 12:00:04 UTC" in lines
    assert any(line.startswith("  by         alice (deploy@runner-7), process 4711, reconcile ") for line in lines)
    assert "  run        github 123 https://ci.example/runs/123" in lines
    assert "  result     in part, exit code 7" in lines
    assert "  note       The same policy." in lines
    assert "  follows    nothing: it is the first" in lines
    assert "roster  sqlite:///roster.db" in lines
    assert "  ! lost on the way" in lines
    assert "  ! Removes 2 of 3 memberships." in lines
    assert "  guards switched off: min_owners" in lines
    assert "  + ann  create, admin  (cn=all via cn=devs; policy/rules.yaml:10)" in lines
    assert any("stale: says why" in line for line in lines)
    assert any("failed: no\\x1b[31mthing" in line for line in lines)
    assert "  1 change had been made by the run that this one resumed" in lines
    assert "  requests: GET 1, PUT 3" in lines
    assert "  ! no such host" in text.partition("chat  ")[2].splitlines()
    assert lines[-1] == "Applied: 1 added, 0 changed, 2 removed. Not applied: 3 failed, 3 stale, 3 unknown, 3 skipped."


def test_what_ended_a_run_and_what_it_followed_are_told() -> None:
    """Also a run that was resumed, waivers, and being outside of git and of any CI system."""
    used = Diagnostic(Severity.WARNING, "WAIVER-USED", "max_removals is waived.", "Approved by #482.")
    report = replace(made(), resumed=True, git_commit="", origin=replace(made().origin, system="", actor=""))
    document = record(encode(plan_of(replace(FULL, diagnostics=(used,)))), report, Failure("The lock was lost.", 9))
    before = linked(small(), NOWHERE)
    lines = list(report_lines(data(linked(document, link_of(before))), PLAIN))
    assert "  result     lost its lock, exit code 9, resumed" in lines
    assert "  failure    The lock was lost." in lines
    assert f"  follows    {before['id']}" in lines
    assert "  max_removals is waived. Approved by #482." in lines
    assert any(" at no commit, sha256:" in line for line in lines)
    assert not any(line.startswith("  run ") for line in lines)


def test_a_change_of_a_person_says_where_it_stands() -> None:
    """The report's number, the target, and the change as a plan shows it."""
    document = linked(full(), NOWHERE)
    events = history([document], "ann")
    happenings = [Happening(data(event.report), event.target, cast("ReportedChange", event.change)) for event in events]
    lines = list(history_lines(happenings, PLAIN))
    assert lines[0] == (
        "2026-11-20 12:00 UTC  report 1  roster  + ann  create, admin  (cn=all via cn=devs; policy/rules.yaml:10)"
    )
    assert any("+ api  ann  owner" in line for line in lines)


def test_nothing_from_outside_reaches_the_terminal_as_it_is() -> None:
    """Every text of a report, wherever it came from."""
    document = _poisoned(copy.deepcopy(linked(full(), NOWHERE)))
    events = history([document], "ann\x1b")
    happenings = [Happening(data(event.report), event.target, cast("ReportedChange", event.change)) for event in events]
    assert happenings
    for lines in (
        log_lines([data(document)], PLAIN),
        report_lines(data(document), PLAIN),
        history_lines(happenings, PLAIN),
    ):
        assert not [line for line in lines if "\x1b" in line]


def test_colours_are_used_where_they_may_be() -> None:
    """A run that went well, one that did not, and the signs."""
    well = linked(record(encode(plan_of()), made()), NOWHERE)
    assert "\x1b[" in next(log_lines([data(well)], Look(colour=True)))
    assert any("\x1b[32m+ ann" in line for line in report_lines(data(linked(full(), NOWHERE)), Look(colour=True)))


def _plan(document: Document) -> str:
    return str(document["plan"]["id"]).removeprefix("sha256:")[:12]


def _poisoned(value: Document) -> Document:
    """Put an escape character behind every text but those that the program itself chooses from a list."""
    chosen = {"type", "status", "why", "began", "ended", "created_at", "flag", "code", "severity"}
    for key, inner in value.items():
        if isinstance(inner, dict):
            _poisoned(inner)
        elif isinstance(inner, list):
            value[key] = [_poisoned(each) if isinstance(each, dict) else _with_escape(each) for each in inner]
        elif key not in chosen:
            value[key] = _with_escape(inner)
    return value


def _with_escape(value: object) -> object:
    return f"{value}\x1b" if isinstance(value, str) else value
