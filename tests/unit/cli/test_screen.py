"""Where results and messages go."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from reconciler.cli.screen import OutputLost, Screen, can_ask, settle_streams
from reconciler.errors import PolicyError
from reconciler.model.diagnostic import Diagnostic, Position, Severity


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Say so."""
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


def test_terminal_has_colour_and_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is looking at it."""
    on_terminal(monkeypatch)
    look = Screen().look()
    assert (look.colour, look.width, look.plain) == (True, 72, False)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_environment_turns_colour_off(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """no-color.org, and terminals that know no colour."""
    on_terminal(monkeypatch)
    monkeypatch.setenv(name, value)
    assert not Screen().look().colour
    assert not Screen(colour=False).look().colour


def test_empty_no_color_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """no-color.org: present and not empty."""
    on_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "")
    assert Screen().look().colour


@contextmanager
def stdout_to(descriptor: int, encoding: str = "utf-8") -> Iterator[None]:
    kept = sys.stdout
    with open(descriptor, "w", encoding=encoding) as stream:
        sys.stdout = stream
        try:
            yield
        finally:
            sys.stdout = kept


def test_pipe_has_neither_colour_nor_width() -> None:
    """A program reads it."""
    reader, writer = os.pipe()
    with stdout_to(writer):
        look = Screen().look()
    os.close(reader)
    assert (look.colour, look.width) == (False, 0)


def test_reader_that_has_seen_enough_is_no_error() -> None:
    """The run goes on to its own end; what follows goes nowhere."""
    reader, writer = os.pipe()
    os.close(reader)
    pieces = iter(["x" * 100_000] * 3)
    with stdout_to(writer):
        Screen().result(pieces)
        Screen().line("and more")
        assert sys.stdout.write("still open") == 10
    assert next(pieces, "") != ""


def test_full_disk_is_an_error_and_not_a_success() -> None:
    """A result that nobody got is not one."""
    with stdout_to(os.open("/dev/full", os.O_WRONLY)), pytest.raises(OutputLost, match="No space left"):
        Screen().line("result")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_that_holds_no_arrows_gets_ascii(encoding: str) -> None:
    """Nothing that is drawn or named can end a run with an encoding error."""
    reader, writer = os.pipe()
    with stdout_to(writer, encoding):
        settle_streams()
        Screen().line("a → b … 日本")
    with open(reader, encoding=encoding) as stream:  # noqa: PTH123 - a descriptor
        assert stream.read() == "a -> b ... \\u65e5\\u672c\n"


def test_messages_are_safe_and_labelled(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors and warnings say what they are; control characters are shown."""
    screen = Screen()
    screen.message("error", "bad \x1b[2J\nsecond line")
    screen.message("warning", "careful")
    screen.message("note", "by the way")
    assert capsys.readouterr().err == "error: bad \\x1b[2J\nsecond line\nwarning: careful\nby the way\n"


def test_json_messages_are_one_object_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log collector can read them, policy problems with their place."""
    monkeypatch.setenv("RECONCILE_NOW", "0")
    screen = Screen(log_format="json")
    screen.message("note", "two\nlines")
    where = Position("policies/a.yaml", 3, 5)
    screen.problems(PolicyError([Diagnostic(Severity.ERROR, "LINK", "No group.", "Add it.", where)]).problems)
    monkeypatch.setenv("RECONCILE_NOW", "unusable")
    screen.problems([Other()])
    assert [json.loads(line) for line in capsys.readouterr().err.splitlines()] == [
        {"time": "1970-01-01T00:00:00Z", "level": "note", "message": "two\nlines"},
        {
            "time": "1970-01-01T00:00:00Z",
            "level": "error",
            "code": "LINK",
            "message": "No group. Add it.",
            "path": "policies/a.yaml",
            "line": 3,
            "column": 5,
        },
        {"time": "", "level": "error", "message": "something"},
    ]


class Other:
    """A problem of another make."""

    def line(self) -> str:
        """Return what it says."""
        return "something"


def test_progress_is_shown_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left afterwards is an empty line."""
    terminal = on_terminal(monkeypatch)
    with Screen().working("Reading [bold]the directory[/bold]"):
        pass
    assert "Reading [bold]the directory[/bold]" in terminal.getvalue()
    assert terminal.getvalue().endswith(("\x1b[1A\x1b[2K", "\x1b[2K", "\x1b[?25h"))


def test_no_progress_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Only a terminal has any."""
    with Screen().working("Reading"):
        pass
    assert capsys.readouterr().err == ""


def test_missing_streams_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service may start us with stdout and stderr closed."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdin", None)
    settle_streams()
    Screen().line("nobody hears this")
    Screen().message("error", "nor this")
    assert sys.stdout.name == os.devnull
    assert not can_ask()
    sys.stdout.close()
    sys.stderr.close()
    Screen().message("error", "and a closed stream hurts nobody")


def test_progress_takes_the_place_of_what_is_being_done_and_messages_stay_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A message wider than the terminal is written past what moves, not through it; outside of any work nothing is shown."""
    stream = on_terminal(monkeypatch)
    screen = Screen()
    screen.progress("nobody sees this")
    with screen.working("Reading"):
        screen.message("note", "word " * 30 + "end")
        screen.progress("Reading people [12]")
    screen.progress("nor this")
    shown = stream.getvalue()
    assert "word " * 30 + "end\n" in shown
    assert "Reading people [12]" in shown
    assert "nobody" not in shown
    assert "nor this" not in shown
