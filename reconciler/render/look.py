"""How text may look where it is going: colour, width, characters; never asks the terminal itself."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from reconciler.model.text import printable

_CODES = {
    "add": "32",
    "change": "33",
    "remove": "31",
    "refused": "1;31",
    "warning": "33",
    "error": "1;31",
    "note": "36",
    "strong": "1",
    "quiet": "2",
    "good": "1;32",
}
_PLAIN = str.maketrans({"→": "->", "…": "...", "•": "*", "—": "-"})
_LINES_PER_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Look:
    """`width` in columns, 0 where it is unknown: nothing is then cut. `plain`: only ASCII may be drawn by us.

    `summary`: what is neither a removal nor a privileged grant is rolled up by cause. `verbose`: each change says all of it.
    """

    colour: bool = False
    width: int = 0
    plain: bool = False
    summary: bool = False
    verbose: bool = False

    def paint(self, style: str, text: str) -> str:
        """Return the text in a style, or as it is where there is no colour."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.colour else text

    @property
    def mark(self) -> str:
        """Return what stands where a text was cut."""
        return self.drawn("…")

    def drawn(self, text: str) -> str:
        """Return the text with our own arrows and marks in ASCII, where the output can hold nothing else."""
        return text.translate(_PLAIN) if self.plain else text


def shown(text: str) -> str:
    """Return text from outside as it may be printed; most of it is plain ASCII and passes at once."""
    return text if text.isascii() and text.isprintable() else printable(text)


def cells(text: str) -> int:
    """Return how many terminal columns a printable text takes."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def padded(text: str, width: int) -> str:
    """Return the text filled with spaces up to `width` columns; a longer one stays as it is."""
    return text.ljust(width) if text.isascii() else text + " " * (width - cells(text))


def cut(text: str, width: int, mark: str = "…") -> str:
    """Return the text in at most `width` columns, with a mark where it was cut; nothing where not even that fits."""
    if cells(text) <= width:
        return text
    kept, room = [], width - cells(mark)
    for character in text:
        room -= _cells_of(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + mark if width >= cells(mark) else ""


def chunked(lines: Iterable[str]) -> Iterator[str]:
    """Return the lines, each with its newline, in pieces worth one write each."""
    rest = iter(lines)
    while piece := list(islice(rest, _LINES_PER_CHUNK)):
        yield "\n".join(piece) + "\n"


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
