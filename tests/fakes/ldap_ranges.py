"""Cut attributes with many values into slices as Active Directory does (MS-ADTS 3.1.1.3.1.3.3), honestly or not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Values = Sequence[bytes | str]

Slice = tuple[str, Values]
"""What follows ``range=`` in the answer, and the values."""

_ALL = 1 << 30
_RANGE = re.compile("range=([0-9]+)-([0-9]+|[*])", re.IGNORECASE)


class PastTheEndError(Exception):
    """A slice was asked for that begins behind the last value."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One attribute of one entry that is too long, or that was asked for by range."""

    dn: str
    name: str  # in the spelling of the entry
    values: Values
    low: int
    high: int  # inclusive, not above what the limit allows


def honest(ask: Ask) -> Slice:
    """Give the values asked for; the last slice is called so by its ``*``."""
    if ask.low >= len(ask.values):
        raise PastTheEndError
    last = ask.high >= len(ask.values) - 1
    return f"{ask.low}-{'*' if last else ask.high}", ask.values[ask.low : ask.high + 1]


def endless(ask: Ask) -> Slice:
    """Never come to an end: behind the last value the first one follows again."""
    asked = range(ask.low, ask.high + 1)
    return f"{ask.low}-{ask.high}", [ask.values[place % len(ask.values)] for place in asked]


def unfinished(ask: Ask) -> Slice:
    """Give everything, but no slice is ever called the last; behind the end come slices of nothing."""
    values = ask.values[ask.low : ask.high + 1]
    return f"{ask.low}-{ask.low + max(len(values), 1) - 1}", values


def repeating(ask: Ask) -> Slice:
    """Give the slice before once more, under the name of the one asked for."""
    size = ask.high - ask.low + 1
    label, values = honest(ask)
    start = max(0, ask.low - size)
    return label, ask.values[start : start + len(values)]


def stuck(ask: Ask) -> Slice:
    """Give the first slice whatever is asked for, and call it that."""
    size = ask.high - ask.low + 1
    return honest(Ask(ask.dn, ask.name, ask.values, 0, size - 1))


def gapped(ask: Ask) -> Slice:
    """Leave out the first value of every slice but the first, and say so in its name."""
    low = ask.low + bool(ask.low)
    return honest(Ask(ask.dn, ask.name, ask.values, low, max(low, ask.high)))


def selected(
    entry: tuple[str, Mapping[str, Values]], asked: Sequence[str], limit: int, cut: Callable[[Ask], Slice]
) -> dict[str, Values]:
    """Return the attributes of an entry that are asked for, long ones cut; raises PastTheEndError."""
    dn, attributes = entry
    found: dict[str, Values] = {}
    for name, values in attributes.items():
        wanted, low, high = _wanted(name, asked)
        if not wanted:
            continue
        top = max(len(values) - 1, 0) if high is None else high
        if limit:
            top = min(top, low + limit - 1)
        if high is None and top >= len(values) - 1:
            found[name] = values
            continue
        if high is None:
            found[name] = ()  # as Active Directory sends it beside the first slice
        label, some = cut(Ask(dn, name, values, low, top))
        found[f"{name};range={label}"] = some
    return found


def _wanted(name: str, asked: Sequence[str]) -> tuple[bool, int, int | None]:
    """Tell whether an attribute is asked for, from which value, and up to which: None where not by range."""
    described = name.lower()
    for description in map(str.lower, asked):
        base, _, option = description.partition(";")
        plain = described if option else described.partition(";")[0]
        if description in {"*", "+", plain}:
            return True, 0, None
        found = _RANGE.fullmatch(option)
        if found and described == base:
            return True, int(found[1]), (_ALL if found[2] == "*" else int(found[2]))
    return not asked, 0, None
