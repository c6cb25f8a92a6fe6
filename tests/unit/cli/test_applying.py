"""How an apply is followed: a bar where somebody looks, a line every ten seconds elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from reconciler.apply.manner import Progress
from reconciler.cli.applying import Applying
from reconciler.cli.screen import Level, Screen


@dataclass(slots=True)
class Shown(Screen):
    """A screen that keeps what it is given; `looked_at`: on a terminal."""

    looked_at: bool = False
    bars: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    said: Event = field(default_factory=Event)

    @property
    def shows_progress(self) -> bool:
        """Say so."""
        return self.looked_at

    def progress(self, text: str) -> None:
        """Keep it."""
        self.bars.append(text)

    def message(self, level: Level, text: str) -> None:
        """Keep it."""
        self.lines.append(f"{level}: {text}")
        self.said.set()


def test_a_terminal_has_a_bar_and_no_lines() -> None:
    """However long it takes."""
    screen = Shown(looked_at=True)
    times = iter([0.0])
    applying = Applying(screen, lambda: next(times))
    for done, failed in ((0, 0), (500, 3), (1000, 3)):
        applying.applying(Progress("gitlab", done, 1000, failed))
    assert screen.bars == [
        "[--------------------] Applying gitlab: 0 of 1,000 changes",
        "[##########----------] Applying gitlab: 500 of 1,000 changes, 3 not made",
        "[####################] Applying gitlab: 1,000 of 1,000 changes, 3 not made",
    ]
    assert screen.lines == []


def test_a_log_has_a_line_every_ten_seconds() -> None:
    """Of how far it was then; nothing before anything is known."""
    screen = Shown()
    times = iter([0.0, 9.0, 10.0, 15.0, 21.0])
    applying = Applying(screen, lambda: next(times))
    applying.tick()
    applying.applying(Progress("gitlab", 1, 9, 0))  # 9.0
    applying.tick()  # 10.0
    applying.applying(Progress("gitlab", 5, 9, 0))  # 15.0
    applying.tick()  # 21.0
    assert screen.lines == ["note: Applying gitlab: 1 of 9 changes", "note: Applying gitlab: 5 of 9 changes"]


def test_one_long_call_to_a_target_is_not_silence() -> None:
    """The clock is looked at while the target works."""
    screen = Shown()
    times = iter([0.0, 1.0])
    applying = Applying(screen, lambda: next(times, 60.0))
    applying.applying(Progress("roster", 0, 0, 0))
    with applying.ticking():
        assert screen.said.wait(30)
    assert screen.lines == ["note: Applying roster: 0 of 0 changes"]
    assert screen.bars == ["[####################] Applying roster: 0 of 0 changes"]
