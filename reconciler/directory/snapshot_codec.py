"""A snapshot as sorted JSON Lines and back: the same content gives the same bytes; never opens a file.

The first line says what the file is, then come schema, people, groups and warnings; the last line holds counts, the digest of
the content and a checksum of every byte before it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import NamedTuple, TypeAlias

from reconciler.model.access import UserKey
from reconciler.model.directory import (
    DIALECTS,
    Attributes,
    Dialect,
    DirectoryGroup,
    Needs,
    Person,
    Readability,
    ReadWith,
    Snapshot,
)
from reconciler.model.schema import SchemaSyntaxError, schema_from_json, schema_to_json
from reconciler.model.text import shortened

FORMAT_VERSION = "1.1"

_MAJOR = FORMAT_VERSION.partition(".")[0]
_SHA256 = "sha256:"
_SINCE_1_1 = ("member_of", "dynamic_groups")
_DIALECT_OF_1_0: Dialect = "openldap"
_Record: TypeAlias = Mapping[str, object]
_BORDER = '},{"attributes":'
_BATCH = 100  # records that are encoded together
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


class SnapshotSyntaxError(ValueError):
    """Lines that are no whole, unchanged snapshot; the message says what is wrong and in which line."""


class Saved(NamedTuple):
    """A snapshot, and the attributes that it was read for."""

    snapshot: Snapshot
    needs: Needs


class Head(NamedTuple):
    """Which directory a snapshot is of, and what kind of server that was."""

    directory: str
    dialect: Dialect


def encode(saved: Saved) -> Iterator[bytes]:
    """Yield the lines of the file, line ends included."""
    snapshot, needs = saved
    checksum = hashlib.sha256()
    counts = {"people": len(snapshot.people), "groups": len(snapshot.groups)}
    head = {
        "type": "snapshot",
        "format_version": FORMAT_VERSION,
        "directory": snapshot.directory,
        "source": snapshot.source,
        "read_at": snapshot.read_at,
        **_said(snapshot.read_with, snapshot.dialect),
        "needs": {"person": sorted(needs.person), "group": sorted(needs.group)},
        **counts,
    }
    yield from _summed(checksum.update, [_line(head)])
    for lines in _summed(checksum.update, _content(snapshot)):
        yield from lines.splitlines(keepends=True)  # JSON in ASCII has no other line ends inside
    yield _line(
        {"type": "end", "digest": snapshot.digest, "checksum": _SHA256 + checksum.hexdigest(), **counts},
    )


def digest_of(snapshot: Snapshot) -> str:
    """Return ``sha256:`` over everything in a snapshot but its source, its time and its own digest."""
    digest = hashlib.sha256(_identity(snapshot.directory, snapshot.read_with, snapshot.dialect))
    for lines in _content(snapshot):
        digest.update(lines)
    return _SHA256 + digest.hexdigest()


def decode(lines: Iterable[bytes]) -> Saved:
    """Return what `encode` was given; raises SnapshotSyntaxError for anything else, a newer format included."""
    return _Decoder(lines).saved()


def head_of(lines: Iterable[bytes]) -> Head:
    """Return what a snapshot's first line says."""
    return _Decoder(lines).head()


def _identity(directory: str, read_with: ReadWith, dialect: Dialect) -> bytes:
    """Return what the digest covers of the first line."""
    return _line({"directory": directory, **_said(read_with, dialect)})


def _said(read_with: ReadWith, dialect: Dialect) -> _Record:
    """Return how the directory was read. What 1.0 did not have is left out where it is as 1.0 had it: digests stay."""
    values = {name: _single(value) for name, value in asdict(read_with).items()}
    kept = {name: value for name, value in values.items() if value or name not in _SINCE_1_1}
    return {"read_with": kept, **({} if dialect == _DIALECT_OF_1_0 else {"dialect": dialect})}


def _single(value: object) -> object:
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _content(snapshot: Snapshot) -> Iterator[bytes]:
    """Yield the lines that the digest covers, several at once."""
    yield _line({"type": "schema", "schema": schema_to_json(snapshot.schema)})
    yield from _lines(map(_person_record, snapshot.people))
    yield from _lines(map(_group_record, snapshot.groups))
    yield _line({"type": "warnings", "warnings": snapshot.warnings})


# both records are in order already, which makes sorting them cheap


def _person_record(person: Person) -> _Record:
    record = {"attributes": person.attributes, "dn": person.dn, "key": person.key, "type": "person"}
    return {**record, "disabled": True} if person.disabled else record


def _group_record(group: DirectoryGroup) -> _Record:
    return {
        "attributes": group.attributes,
        "cn": group.cn,
        "dangling": group.dangling,
        "dn": group.dn,
        "groups": group.groups,
        "key": group.key,
        "people": group.people,
        "readability": group.readability,
        "type": "group",
    }


class _Decoder:
    """Takes the lines in their one order; every line but the first and the last also counts for the digest."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._number = 0
        self._checksum = hashlib.sha256()
        self._digest = hashlib.sha256()
        self._classes: dict[tuple[str, ...], tuple[str, ...]] = {}

    def head(self) -> Head:
        head = self._head()
        return Head(self._text(head, "directory"), self._dialect(head))

    def saved(self) -> Saved:
        head = self._head()
        directory = self._text(head, "directory")
        read_with, dialect = self._read_with(head), self._dialect(head)
        self._digest.update(_identity(directory, read_with, dialect))
        people, groups = self._count(head, "people"), self._count(head, "groups")
        wanted = self._map(head, "needs")
        needs = Needs(frozenset(self._texts(wanted, "person")), frozenset(self._texts(wanted, "group")))
        definitions = self._map(self._record("schema"), "schema")
        try:
            schema = schema_from_json(definitions)
        except SchemaSyntaxError as error:
            raise self._wrong(f"its schema cannot be read: {shortened(str(error))}") from error
        snapshot = Snapshot(
            directory=directory,
            source=self._text(head, "source"),
            read_at=self._text(head, "read_at"),
            people=tuple([self._person() for _ in range(people)]),
            groups=tuple([self._group(people, groups) for _ in range(groups)]),
            schema=schema,
            warnings=self._texts(self._record("warnings"), "warnings"),
            digest=_SHA256 + self._digest.hexdigest(),
            read_with=read_with,
            dialect=dialect,
        )
        self._end(snapshot.digest)
        return Saved(snapshot, needs)

    def _head(self) -> _Record:
        head = self._parsed(self._next())
        if head.get("type") != "snapshot":
            raise self._wrong('the first line has not the type "snapshot": this is some other file')
        version = self._text(head, "format_version")
        if version.partition(".")[0] != _MAJOR:
            raise self._wrong(
                f"it has format {shortened(version, 20)} and this program reads {_MAJOR}.x: use the version that wrote it, "
                "or take the snapshot again"
            )
        return head

    def _read_with(self, head: _Record) -> ReadWith:
        said = self._map(head, "read_with")
        return ReadWith(
            base=self._bases(said, "base"),
            group_base=self._bases(said, "group_base"),
            user_filter=self._text(said, "user_filter"),
            group_filter=self._text(said, "group_filter"),
            nested_groups=self._flag(said, "nested_groups"),
            **{name: self._flag(said, name) for name in _SINCE_1_1 if name in said},
        )

    def _bases(self, said: _Record, name: str) -> tuple[str, ...]:
        return self._texts(said, name) if isinstance(said.get(name), list) else (self._text(said, name),)

    def _dialect(self, head: _Record) -> Dialect:
        said = head.get("dialect", _DIALECT_OF_1_0)
        for dialect in DIALECTS:
            if said == dialect:
                return dialect
        raise self._wrong('"dialect" is none that this program knows')

    def _flag(self, record: _Record, name: str) -> bool:
        value = record.get(name)
        if not isinstance(value, bool):
            raise self._wrong(f'"{name}" is no truth value')
        return value

    def _person(self) -> Person:
        record = self._record("person")
        return Person(
            key=UserKey(self._text(record, "key")),
            dn=self._text(record, "dn"),
            attributes=self._attributes(record),
            disabled=record.get("disabled") is True,
        )

    def _group(self, people: int, groups: int) -> DirectoryGroup:
        record = self._record("group")
        try:
            readability = Readability(self._text(record, "readability"))
        except ValueError as error:
            raise self._wrong(f"unknown readability: {shortened(str(error))}") from error
        return DirectoryGroup(
            key=self._text(record, "key"),
            dn=self._text(record, "dn"),
            cn=self._text(record, "cn"),
            attributes=self._attributes(record),
            people=self._places(record, "people", people),
            groups=self._places(record, "groups", groups),
            dangling=self._texts(record, "dangling"),
            readability=readability,
        )

    def _end(self, digest: str) -> None:
        checksum = _SHA256 + self._checksum.hexdigest()
        end = self._parsed(self._next())
        if end.get("type") != "end":
            raise self._wrong("the last line is not where it should be")
        if end.get("checksum") != checksum or end.get("digest") != digest:
            raise self._wrong("its checksum does not agree with its content: the file was edited or damaged")
        if next(self._lines, None) is not None:
            raise self._wrong("something follows the last line")

    def _next(self) -> bytes:
        line = next(self._lines, b"")
        self._number += 1
        if not line.endswith(b"\n"):
            raise self._wrong("the file is cut off")
        self._checksum.update(line)
        return line

    def _record(self, kind: str) -> _Record:
        line = self._next()
        self._digest.update(line)
        record = self._parsed(line)
        if record.get("type") != kind:
            raise self._wrong(f'a record of type "{kind}" is missing')
        return record

    def _parsed(self, line: bytes) -> _Record:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._wrong("this is not JSON: the file was edited or damaged, or is no snapshot") from error
        if not isinstance(record, dict):
            raise self._wrong("a record is no object")
        return record

    def _attributes(self, record: _Record) -> Attributes:
        attributes = self._map(record, "attributes")
        kept = {sys.intern(name): self._texts(attributes, name) for name in attributes}
        classes = kept.get("objectclass")
        if classes is not None:  # the same few combinations on every entry
            kept["objectclass"] = self._classes.setdefault(classes, classes)
        return kept

    def _map(self, record: _Record, name: str) -> _Record:
        value = record.get(name)
        if not isinstance(value, dict):
            raise self._wrong(f'"{name}" is no object')
        return value

    def _text(self, record: _Record, name: str) -> str:
        value = record.get(name)
        if not isinstance(value, str):
            raise self._wrong(f'"{name}" is no text')
        return value

    def _texts(self, record: _Record, name: str) -> tuple[str, ...]:
        values = record.get(name)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self._wrong(f'"{shortened(name)}" is no list of texts')
        return tuple(values)

    def _places(self, record: _Record, name: str, end: int) -> tuple[int, ...]:
        places = record.get(name)
        if not isinstance(places, list) or not all(type(place) is int and 0 <= place < end for place in places):
            raise self._wrong(f'"{name}" names somebody who is not in the file')
        return tuple(places)

    def _count(self, record: _Record, name: str) -> int:
        value = record.get(name)
        if type(value) is not int or value < 0:
            raise self._wrong(f'"{name}" is no count')
        return value

    def _wrong(self, message: str) -> SnapshotSyntaxError:
        return SnapshotSyntaxError(f"line {self._number}: {message}")


def _summed(update: Callable[[bytes], None], lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        update(line)
        yield line


def _line(record: Mapping[str, object]) -> bytes:
    return _encode(record).encode("ascii") + b"\n"


def _lines(records: Iterator[_Record]) -> Iterator[bytes]:
    """Yield the lines of records that hold no list of records: the encoder is called once for many of them.

    Every record begins with its attributes, and ``},{"attributes":`` stands between two of them and nowhere else: inside a
    text a quote has a backslash before it, and behind the quote that ends a text comes no letter.
    """
    while batch := list(islice(records, _BATCH)):
        yield _encode(batch)[1:-1].replace(_BORDER, _BORDER.replace(",", "\n")).encode("ascii") + b"\n"
