"""The command line as a person sees it: a question that only "yes" answers, colour, width, Ctrl-C."""

from __future__ import annotations

import re
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.team import edit, team
from tests.e2e.terminal import Start
from tests.examples import reconcile

ASKED = 'Only "yes" is accepted.'


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a folder with a policy, its directory and no roster yet."""
    return team(tmp_path)


def members(work: Path) -> int:
    with sqlite3.connect(work / "policies" / "roster.db") as rows:
        (count,) = rows.execute("SELECT count(*) FROM memberships").fetchone()
    return int(count)


def test_yes_applies_the_plan_that_was_shown(start: Start, work: Path) -> None:
    """Plan, question, outcome."""
    terminal = start("apply")
    terminal.until(ASKED)
    assert "Plan: 7 to add" in terminal.shown
    terminal.type("yes")
    assert terminal.end() == 0
    assert "Applied: 7 added, 0 changed, 0 removed." in terminal.shown
    assert members(work) == 3


@pytest.mark.parametrize("answer", ["y", "YES", "", "yes please"])
def test_everything_else_applies_nothing(start: Start, work: Path, answer: str) -> None:
    """Exit 130, and it is said."""
    terminal = start("apply")
    terminal.until(ASKED)
    terminal.type(answer)
    assert terminal.end() == 130
    assert "Nothing was applied." in terminal.shown
    assert not (work / "policies" / "roster.db").exists()


def test_ctrl_c_at_the_question_applies_nothing(start: Start, work: Path) -> None:
    """One line, no traceback."""
    terminal = start("apply")
    terminal.until(ASKED)
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "interrupted; nothing" in terminal.shown
    assert "Traceback" not in terminal.shown
    assert not (work / "policies" / "roster.db").exists()


@pytest.mark.parametrize(("times", "code"), [(1, 0), (2, 130)])
def test_ctrl_c_while_applying_finishes_and_a_second_one_stops_at_once(
    start: Start, work: Path, times: int, code: int
) -> None:
    """The transaction at work is waited for, or rolled back; the message says what to do next."""
    reconcile("apply", "--auto-approve", cwd=work)
    edit(work, "policy.yaml", "access: viewer", "access: owner")
    edit(work, "policy.yaml", "expect:", "guards:\n  roster: {max_privileged_grants: off}\nexpect:")
    other = sqlite3.connect(work / "policies" / "roster.db")
    terminal = start("apply")
    terminal.until(ASKED)
    other.execute("BEGIN IMMEDIATE")  # somebody else writes, so that the apply has to wait
    terminal.type("yes")
    terminal.until("0 of 2 changes")
    terminal.process.send_signal(signal.SIGINT)
    terminal.until("stopping: what is on its way to a target is finished first. Once more stops at once.")
    if times == 2:
        terminal.process.send_signal(signal.SIGINT)
        terminal.until("stopped at once")
        ended = terminal.end()  # before the lock is free: the call at work must not get through after all
    other.rollback()
    other.close()
    if times == 1:
        ended = terminal.end()
    assert ended == code
    assert "Traceback" not in terminal.shown
    left = reconcile("plan", cwd=work).stdout
    assert ("No changes." in left) == (times == 1)
    if times == 2:
        assert "`reconcile apply --resume` asks what is there and goes on" in terminal.shown
        resumed = reconcile("apply", "--resume", cwd=work).stdout
        assert resumed.endswith(
            "\nResumed: 0 of the changes had been made before.\nApplied: 0 added, 2 changed, 0 removed.\n"
        )


def test_nothing_to_do_asks_nothing(start: Start, work: Path) -> None:
    """No changes, exit 0."""
    reconcile("apply", "--auto-approve", cwd=work)
    terminal = start("apply")
    assert terminal.end() == 0
    assert "No changes." in terminal.shown
    assert ASKED not in terminal.shown


def test_refused_plan_asks_nothing(start: Start, work: Path) -> None:
    """Exit 6 before any question."""
    edit(work, "policy.yaml", "expect:", "guards:\n  roster: {max_privileged_grants: 0}\nexpect:")
    terminal = start("apply")
    assert terminal.end() == 6
    assert ASKED not in terminal.shown


def test_colour_only_where_it_is_wanted(start: Start) -> None:
    """On a terminal, unless NO_COLOR or --no-color says otherwise; the text is the same."""
    coloured = start("plan", env={"NO_COLOR": ""})
    coloured.end()
    assert "\x1b[32m+\x1b[0m alice" in coloured.shown
    for terminal in (
        start("plan", env={"NO_COLOR": "1"}),
        start("plan", "--no-color", env={"NO_COLOR": ""}),
    ):
        terminal.end()
        assert "\x1b[3" not in terminal.shown.replace("\x1b[?", "")
        assert "    + alice  create" in terminal.shown


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_rows_fit_the_terminal(start: Start, columns: int) -> None:
    """The terminal's own width is used, and names are never cut."""
    terminal = start("plan", columns=columns)
    assert terminal.end() == 0
    rows = [line for line in terminal.shown.replace("\r", "").split("\n") if re.match(" {4}", line)]
    assert len(rows) >= 7
    assert all(len(line) <= columns for line in rows)


def test_plan_on_a_terminal_says_the_same_as_in_a_pipe(start: Start, work: Path) -> None:
    """Wide enough, and without colour, they are equal to the character; progress leaves nothing behind."""
    terminal = start("plan", columns=300)
    terminal.end()
    plain = re.sub("\x1b\\[[?0-9;]*[A-Za-z]", "", terminal.shown).replace("\r\n", "\n")
    assert plain[plain.index("roster  sqlite") :] == reconcile("plan", cwd=work).stdout
