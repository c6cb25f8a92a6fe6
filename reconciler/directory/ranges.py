"""Follow attributes that a server sends in slices to their end; never takes a part of one for the whole.

Active Directory sends the first 1,500 values (MaxValRange) as ``member;range=0-1499`` and an empty ``member`` beside it; the
rest has to be asked for, slice by slice, until one is named ``…-*`` (MS-ADTS 3.1.1.3.1.3.3).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from reconciler.directory.pages import RawAttributes, RawEntry
from reconciler.errors import ReadIncomplete
from reconciler.model.names import caseless
from reconciler.model.text import shortened

_RANGE = re.compile(r"(?P<name>[^;]+(?:;[^;]+)*?);range=(?P<first>[0-9]+)-(?P<last>[0-9]+|\*)", re.IGNORECASE)
_TRIES = 3
_VERSION = "uSNChanged"  # MS-ADTS 3.1.1.1.9: rises with every change of the entry, its links included

Ask = Callable[[bytes, Sequence[str]], RawAttributes]
"""Returns these attributes of one entry, by its DN; raises ReadIncomplete where it does not come."""


class Slice(NamedTuple):
    """Some values of an attribute: from which place on, and whether they are the last."""

    first: int
    values: Sequence[bytes]
    final: bool


class ChangedMeanwhile(Exception):
    """Two slices do not belong together."""


def completed(entry: RawEntry, ask: Ask) -> RawEntry:
    """Return the entry with every attribute whole; one without slices is returned as it is.

    Raises ReadIncomplete where the end of one is not reached, or where it does not hold still.
    """
    dn, attributes = entry
    sliced = sorted({found["name"] for found in map(_RANGE.fullmatch, attributes) if found})
    if not sliced:
        return entry
    whole = {name: values for name, values in attributes.items() if _RANGE.fullmatch(name) is None}
    for name in sliced:
        spelled = next((other for other in whole if caseless(other) == caseless(name)), name)
        whole[spelled] = _retrieved(dn, name, ask)
    return dn, whole


def _retrieved(dn: bytes, name: str, ask: Ask) -> list[bytes]:
    """Return all values; begins anew where the entry changes between two slices, a few times."""
    for _ in range(_TRIES):
        try:
            return _from_the_start(dn, name, ask)
        except ChangedMeanwhile:
            continue
    raise _incomplete(
        dn, f'"{name}" changed {_TRIES} times while it was read in slices, so what it holds is not proven'
    )


def _from_the_start(dn: bytes, name: str, ask: Ask) -> list[bytes]:
    """Each slice begins with the last value of the one before: where a value has gone in between, it is another one.

    An attribute holds no value twice (RFC 4512 2.2), so one that comes again belongs to another state of the entry.
    """
    values: list[bytes] = []
    seen: set[bytes] = set()
    version: Sequence[bytes] | None = None
    while True:
        start = max(0, len(values) - 1)
        answer = ask(dn, (f"{name};range={start}-*", _VERSION))
        now = _values(answer, _VERSION)
        if version is not None and now != version:
            raise ChangedMeanwhile
        version = now
        found = _slice(dn, name, answer)
        if found.first != start or (values and found.values[:1] != values[-1:]):
            raise ChangedMeanwhile
        more = found.values[1:] if values else found.values
        if not more and not found.final:
            raise _incomplete(dn, f'"{name}" is sent in slices, and the one from {start} on brings nothing new')
        if not seen.isdisjoint(more):
            raise ChangedMeanwhile
        values.extend(more)
        seen.update(more)
        if found.final:
            return values


def _slice(dn: bytes, name: str, answer: RawAttributes) -> Slice:
    for description, values in answer.items():
        found = _RANGE.fullmatch(description)
        if found is None or caseless(found["name"]) != caseless(name):
            continue
        first, final = int(found["first"]), found["last"] == "*"
        if not final and len(values) != int(found["last"]) - first + 1:
            raise _incomplete(dn, f'"{description}" came with {len(values)} values')
        return Slice(first, values, final)
    plain = _values(answer, name)
    if plain:  # fewer values now than a slice holds
        raise ChangedMeanwhile
    raise _incomplete(dn, f'only a part of "{name}" was sent, and the rest did not come when it was asked for')


def _values(answer: RawAttributes, name: str) -> Sequence[bytes]:
    return next((values for other, values in answer.items() if caseless(other) == caseless(name)), ())


def _incomplete(dn: bytes, message: str) -> ReadIncomplete:
    return ReadIncomplete(f'entry "{shortened(dn.decode(errors="backslashreplace"))}": {shortened(message)}')
