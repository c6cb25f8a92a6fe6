"""Ask a person for what no option gave, where one is there to answer; never insists, and never asks for a secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.cli.screen import ask, can_ask
from reconciler.render.look import shown


@dataclass(frozen=True, slots=True)
class Questions:
    """Whether somebody answers; where nobody does, each question is answered by its default."""

    asking: bool

    def text(self, question: str, default: str = "", otherwise: str = "") -> str:
        """Return the answer, the default for an empty one; `otherwise` says what an empty one means without a default."""
        if not self.asking:
            return default
        return ask(f"{question} [{shown(default or otherwise)}]: ") or default

    def choice(self, question: str, choices: Sequence[str], default: str) -> str:
        """Return one of the choices; whatever is none of them is asked again, until the input ends."""
        while True:
            given = self.text(f"{question}: {', '.join(choices)}", default)
            if given in choices:
                return given


def questions() -> Questions:
    """Return the questions of this run: they are asked on a terminal only."""
    return Questions(can_ask())
