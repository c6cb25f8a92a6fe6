"""When a read's progress is shown, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.cli.progress import Progress
from reconciler.cli.screen import Screen
from reconciler.directory.observer import Question, Way
from reconciler.directory.servers import Address, Search

WAY = Way(Address("ldap://x", "x", 389))


@dataclass(slots=True)
class Shown(Screen):
    """A screen that keeps what it is given."""

    lines: list[str] = field(default_factory=list)

    def progress(self, text: str) -> None:
        """Keep it."""
        self.lines.append(text)


def question(kind: str) -> Question:
    return Question(Search(kind, "dc=x", "(cn=*)", ("cn",), kind=kind), WAY, "sub", 1000)


def test_entries_of_a_kind_are_counted_over_all_its_bases() -> None:
    """Nothing in the first half second; a new kind counts from nought; the end takes the line away."""
    screen = Shown()
    times = iter([0.0, 0.1, 0.4, 0.5, 1.0, 1.5, 2.0, 2.5])
    progress = Progress(screen, lambda: next(times))
    progress.searching(question(""))  # 0.0
    progress.searching(question("people"))  # 0.1
    progress.found(300)  # 0.4: too soon to be looked at
    progress.searching(question("people"))  # 0.5
    progress.found(600)  # 1.0
    progress.searching(question("groups"))  # 1.5
    progress.found(40)  # 2.0
    progress.finished()
    assert screen.lines == [
        "Reading people: 900 entries, 1,000/s",
        "Reading groups: 40 entries, 80/s",
        "",
    ]


def test_each_read_is_given_its_own_half_second() -> None:
    """The second directory of a run may be a small one."""
    screen = Shown()
    times = iter([0.0, 10.0, 10.1])
    progress = Progress(screen, lambda: next(times))
    progress.searching(question("people"))
    progress.finished()
    progress.searching(question("people"))
    progress.found(5)
    assert screen.lines == [""]
