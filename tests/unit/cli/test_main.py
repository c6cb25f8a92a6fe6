"""The frame of the command line: exit codes of what goes wrong, one line each."""

from __future__ import annotations

import pytest

from reconciler.cli.main import COMMANDS, _failed, group, run
from reconciler.cli.screen import Screen
from reconciler.errors import LockHeld


def test_unexpected_error_is_one_line_with_a_way_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, no traceback, nothing that a terminal would obey."""
    assert _failed(ZeroDivisionError("bad \x1b[2J\n" + "x" * 1000), Screen()) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: unexpected ZeroDivisionError: bad \\x1b[2J\\x0axxx")
    assert said.endswith("…. This is a bug. Run it again with --debug to see where.\n")
    assert said.count("\n") == 1
    assert len(said) < 400


def test_debug_shows_the_traceback_of_an_unexpected_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The only case that may."""
    assert _failed(ZeroDivisionError("bad"), Screen(debug=True)) == 1
    said = capsys.readouterr().err
    assert said.endswith("ZeroDivisionError: bad\nerror: unexpected ZeroDivisionError: bad. This is a bug.\n")


def test_each_family_of_errors_has_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """The message is said as it is."""
    assert _failed(LockHeld("Run 7 holds the lock since 04:00."), Screen()) == 9
    assert capsys.readouterr().err == "error: Run 7 holds the lock since 04:00.\n"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_and_the_three_options_of_all(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help is success, on stdout."""
    assert run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: reconcile {name} " in text
    assert all(option in text for option in ("--no-color", "--log-format", "--debug"))


def test_commands_are_listed_in_the_order_people_need_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Check first, then plan, then apply."""
    assert run(["-h"]) == 0
    text = capsys.readouterr().out
    places = [text.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert group.list_commands(group.make_context("reconcile", [], resilient_parsing=True)) == list(COMMANDS)
