"""Link reports to each other, so that what is changed, taken out or put elsewhere afterwards is seen; pure.

Every report holds its number, the digest of the one before, and its own digest over both and everything else in it.
Whoever can write everything can make the whole chain again; against that helps a digest that was written down elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from reconciler.plan.encode import Document, canonical, digest, utf8

FOLDER = "reports/"
HEAD = "reports-head"  # beside the reports: how many there are, and the digest of the newest
BEGINNING = ""  # what the first report names as the one before it
_DIGITS = 8
_ROWS = 4  # levels of a report: itself, targets, one of them, its changes


@dataclass(frozen=True, slots=True)
class Link:
    """One report's place in the chain; number 0 with an empty id is the place before the first."""

    number: int
    id: str


NOWHERE = Link(0, BEGINNING)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the chain is worth: its newest link, what is wrong with it (nothing, where it is whole), and what is only to be known."""

    newest: Link
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def linked(report: Document, before: Link) -> Document:
    """Return the report as the one that follows `before`."""
    document = {"number": before.number + 1, "previous": before.id, **report}
    return {"id": digest(document), **document}


def name_of(number: int) -> str:
    """Return the name that a report has in the store."""
    return f"{FOLDER}{number:0{_DIGITS}}"


def number_of(name: str) -> int | None:
    """Return the number in a store's name, None for a name that no report has."""
    digits = name.removeprefix(FOLDER)
    usable = digits.isascii() and digits.isdecimal() and name_of(int(digits)) == name
    return int(digits) if usable and int(digits) else None


def to_bytes(document: Mapping[str, object]) -> bytes:
    """Return the one way in which a document is written: there is no second text that says the same.

    It is canonical JSON on one line, made row by row: that of hundreds of thousands of changes at once takes as much memory again.
    """
    return utf8(chain(_pieces(document, _ROWS), "\n"))


def _pieces(data: object, levels: int) -> Iterator[str]:
    """Yield the canonical JSON of data in pieces, one for each thing that lies so many levels inside."""
    if levels and isinstance(data, Mapping):
        yield "{"
        for number, key in enumerate(sorted(data)):
            yield f"{',' if number else ''}{canonical(key)}:"
            yield from _pieces(data[key], levels - 1)
        yield "}"
    elif levels and isinstance(data, list):
        yield "["
        for number, item in enumerate(data):
            if number:
                yield ","
            yield from _pieces(item, levels - 1)
        yield "]"
    else:
        yield canonical(data)


def from_bytes(content: bytes) -> Document | None:
    """Return the document, None for what is none or is not written in that way."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and to_bytes(document) == content else None


def is_usable(document: Mapping[str, object]) -> bool:
    """Tell whether a report has the digest that it names, and is of a format that this version reads."""
    return document.get("id") == digest(document) and str(document.get("format_version")).startswith("1.")


def link_of(document: Mapping[str, object]) -> Link:
    """Return the place that a report, or the head, says that it has; NOWHERE for a document that says nothing usable."""
    number, own = document.get("number"), document.get("id")
    return Link(number, own) if isinstance(number, int) and isinstance(own, str) else NOWHERE


def head_of(link: Link) -> Document:
    """Return what the head holds."""
    return {"number": link.number, "id": link.id}


def checked(reports: Iterable[tuple[str, bytes]], head: bytes | None, witness: str = "") -> Verdict:
    """Return what is wrong with the chain: `reports` are all names below FOLDER with their contents, in the order of their numbers.

    `witness` is the id of a report, written down elsewhere, that has to be among them.
    """
    before, ids = NOWHERE, dict[int, str]()
    faults: list[str] = []
    for name, content in reports:
        faults += _faults_of(name, content, before)
        before = Link(number_of(name) or before.number + 1, link_of(from_bytes(content) or {}).id)
        ids[before.number] = before.id
    more, notes = _against_head(before, ids, head)
    faults += more
    if witness and witness not in ids.values():
        faults.append(f"no report has the digest {witness}, which was written down: it was taken out, or made again")
    return Verdict(before, tuple(faults), tuple(notes))


def _faults_of(name: str, content: bytes, before: Link) -> Iterator[str]:
    number, document = number_of(name), from_bytes(content)
    if number is None:
        yield f"{name} is not the name of a report"
    elif number != before.number + 1:
        yield f"{number - before.number - 1} missing before {name}: it was taken out"
    if document is None:
        yield f"{name} is not a report as we write them: it was changed"
        return
    if document.get("id") != digest(document):
        yield f"{name} was changed: its content has not the digest that it names"
    if number is not None and document.get("number") != number:
        yield f"{name} was put there: it says that its number is {document.get('number')}"
    if number == before.number + 1 and document.get("previous") != before.id:
        yield f"{name} does not follow the report before it: one of the two was changed, or made again"


def _against_head(newest: Link, ids: Mapping[int, str], head: bytes | None) -> tuple[list[str], list[str]]:
    if head is None:
        return ([f"{HEAD} is missing: whether reports were cut off at the end cannot be told"], []) if ids else ([], [])
    said = link_of(from_bytes(head) or {})
    if said == NOWHERE:
        return [f"{HEAD} was changed: it names no report"], []
    if said.number > newest.number:
        return [f"the newest {said.number - newest.number} of {said.number} reports were cut off"], []
    if ids.get(said.number) != said.id:
        return [f"{name_of(said.number)} is not the report that {HEAD} names"], []
    if said.number < newest.number:
        return [], [f"{HEAD} names report {said.number}: a run ended between keeping its report and saying so there"]
    return [], []
