"""Signals while a plan is applied: the first asks for a good end, the second stops at once."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from reconciler.cli.screen import Screen
from reconciler.cli.stopping import stopping

_IN_THE_MIDDLE = """
import signal
from reconciler.cli.screen import Screen
from reconciler.cli.stopping import stopping
with stopping(Screen()) as stop:
    with stop._cond:
        signal.raise_signal(signal.SIGTERM)
    assert stop.wait(20)
"""


def test_a_signal_that_comes_while_the_event_is_looked_at_is_heard() -> None:
    """A wait holds the event's own lock for a moment: whoever wants it then, in the same thread, waits for ever."""
    done = subprocess.run([sys.executable, "-c", _IN_THE_MIDDLE], check=False, timeout=40, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_one_stops(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what happens; afterwards signals do again what they did before."""
    before = signal.getsignal(number)
    with stopping(Screen()) as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.wait(20)
        assert "finished first. Once more stops at once." in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before
