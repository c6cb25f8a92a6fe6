"""Let a run come to a good end at the first Ctrl-C or SIGTERM, and stop it at once at the second; never end it itself.

What has to put something back is told of both in the same way.
"""

from __future__ import annotations

import signal
from _thread import start_new_thread
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from reconciler.cli.screen import Screen

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FINISHING = "stopping: what is on its way to a target is finished first. Once more stops at once."


@contextmanager
def stopping(screen: Screen) -> Iterator[Event]:
    """Give an event that is set at the first signal; the second is a KeyboardInterrupt."""
    stop, signals = Event(), list[int]()

    def tell() -> None:
        stop.set()
        screen.message("warning", _FINISHING)

    def stop_softly(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        if len(signals) > 1:
            raise KeyboardInterrupt
        # not here: what was interrupted may hold the event's own lock, and would for ever, or be half done with the screen
        start_new_thread(tell, ())

    before = {number: signal.signal(number, stop_softly) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM be a KeyboardInterrupt, as Ctrl-C is: what is to be put back then is."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
