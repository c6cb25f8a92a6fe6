"""Signals while a plan is applied: the first asks for a good end, the second stops at once."""

from __future__ import annotations

import signal

import pytest

from reconciler.cli.screen import Screen
from reconciler.cli.stopping import stopping


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_one_stops(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what happens; afterwards signals do again what they did before."""
    before = signal.getsignal(number)
    with stopping(Screen()) as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()
        assert "finished first. Once more stops at once." in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before
