"""Put rows into columns and cut what does not fit; never decide what a row says.

Columns are aligned inside one section. Without a known width nothing is cut. With one, the reason gives way: first the
folders before the rule's file, then its words; where too little of it would be left, it is whole on lines of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from reconciler.render.look import Look, cells, cut, padded
from reconciler.render.rows import STYLES, Row

_MARGIN = 6  # gutter, sign and a space
_WIDEST_NAME = 40  # longer texts stand out of their column
_WIDEST_VERB = 40
_NARROW = 120  # columns; on a terminal of less, long verbs stand out earlier
_WIDEST_NARROW_VERB = 24
_LEAST_CAUSE = 12  # columns of its words beside the place
_LEAST = 30  # columns of a reason that are worth reading
_INDENT = " " * 8  # of a reason on lines of its own


def section(title: str, rows: Sequence[Row], look: Look) -> Iterator[str]:
    """Return a title and its rows."""
    yield f"  {look.paint('strong', title)}"
    yield from aligned(rows, look)


def aligned(rows: Sequence[Row], look: Look) -> Iterator[str]:
    """Return the rows in columns."""
    if look.plain:
        rows = [_drawn(row, look) for row in rows]
    names = _column({row.name for row in rows}, _WIDEST_NAME)
    verbs = _column({row.verb for row in rows}, _WIDEST_NARROW_VERB if 0 < look.width < _NARROW else _WIDEST_VERB)
    if not look.colour and not look.width:
        for row in rows:
            yield f"    {row.sign} {padded(row.name, names)}  {padded(row.verb, verbs)}  {bracketed(row, look)}"
            yield from (f"{_INDENT}{line}" for line in row.below)
        return
    signs = {" ": " ", **{sign: look.paint(style, sign) for sign, style in STYLES.items()}}
    for row in rows:
        yield from _fitted(row, signs[row.sign], (names, verbs), look)
        for text in row.below:
            yield from (f"{_INDENT}{look.paint('quiet', line)}" for line in _own_lines(text, look.width))


def _drawn(row: Row, look: Look) -> Row:
    below = tuple(map(look.drawn, row.below))
    return row._replace(verb=look.drawn(row.verb), cause=look.drawn(row.cause), below=below)


def _column(texts: Iterable[str], widest: int) -> int:
    """Return how wide a column is: texts wider than `widest` stand out of it and do not push the others apart."""
    return max((width for width in map(cells, texts) if width <= widest), default=0)


def _fitted(row: Row, sign: str, columns: tuple[int, int], look: Look) -> Iterator[str]:
    names, verbs = columns
    verb = look.paint("strong", row.verb) if row.privileged else row.verb
    room = look.width - _MARGIN - max(cells(row.name), names) - max(cells(row.verb), verbs) - 4
    if look.width and room < min(_LEAST, cells(bracketed(row, look))):
        yield f"    {sign} {row.name}  {verb}"
        yield from (f"{_INDENT}{look.paint('quiet', line)}" for line in _own_lines(bracketed(row, look), look.width))
    else:
        fill = " " * (verbs - cells(row.verb))
        yield f"    {sign} {padded(row.name, names)}  {verb}{fill}  {look.paint('quiet', bracketed(row, look, room))}"


def _own_lines(reason: str, width: int) -> list[str]:
    """Return the text in lines of at most that width, 0 for any; a key or a DN stays whole."""
    if not width:
        return [reason]
    return wrap(reason, max(width - len(_INDENT), _LEAST), break_on_hyphens=False, break_long_words=False)


def bracketed(row: Row, look: Look, room: int = 0) -> str:
    """Return the reason in brackets, in at most `room` columns where the look has a width at all."""
    ending = f"; {row.place})" if row.place else ")"
    whole = f"({row.cause}{ending}"
    if not look.width or cells(whole) <= room or not room:
        return whole
    ending = f"; {row.place.rpartition('/')[2]})" if row.place else ")"
    left = room - cells(ending) - 1
    if left >= _LEAST_CAUSE:
        return f"({cut(row.cause, left, look.mark)}{ending}"
    return f"{cut(f'({row.cause}{ending}', room - 1, look.mark)})"
