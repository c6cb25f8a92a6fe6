"""Read one YAML text in one pass into plain values with the exact place of each; knows nothing of what a policy means.

The rule of scalars, on purpose smaller than that of YAML 1.1: a *key* is always the text that is written.
A plain (unquoted) *value* becomes

* nothing, for ``null``, ``~`` and no text at all,
* a truth value, for ``true`` and ``false``,
* a whole number, for ``0`` and ``-?[1-9][0-9]*`` of at most 18 digits,
* a number, for digits with a point between them and no leading zeros (an exponent may follow),

and stays text otherwise: ``no``, ``0123``, ``12:30``, ``1_000``, ``0x1F`` and ``2026-01-01`` are what they look like.
Anything in quotes is text.
Duplicate keys, anchors, aliases, merge keys, tags, further documents and keys that are not plain texts are errors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.model.text import shortened
from reconciler.policy.excerpt import HIDDEN, excerpt, looks_secret
from reconciler.policy.fit import MAX_SCALAR

MAX_DEPTH = 12  # the deepest key of a policy lies 6 levels down
MAX_VALUES = 500_000  # keys and values of one policy; 10,000 links are about 50,000 of them
MAX_DUPLICATES = 1_000

Data: TypeAlias = "str | int | float | bool | list[Data] | dict[str, Data] | None"
Path: TypeAlias = tuple[str | int, ...]
Mark: TypeAlias = tuple[int, int, int, int]
"""Line and column of the key, then of the value, all from 0; a list item is its own key."""

_WORDS: Mapping[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}(?:[eE][-+]?[0-9]{1,3})?")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")  # YAML 5.1
_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAKS = ("\n", "\r", "\x85", "\u2028", "\u2029")
_HINTS = (
    ("alias", 'A key or value that starts with "*" must stand in quotes.'),
    ("anchor", 'A key or value that starts with "&" must stand in quotes.'),
    ("mapping values", 'Put a value that contains ": " in quotes, and check the indentation.'),
    ("cannot start any token", "Indent with spaces, and put a value that starts with @, ` or % in quotes."),
    ("quoted scalar", "A quote is opened and not closed, or its text is not indented."),
    ("flow", 'A "[" or "{" is opened and not closed, or a comma is missing.'),
    ("", "Check the indentation of this line and of those before it."),
)

FAST = bool(yaml.__with_libyaml__)
"""Whether PyYAML has its C extension; without it reading takes about five times as long."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file as read; where `readable` is false, `data` is nothing and `problems` say why.

    `written` holds the text of plain values that are not text; `broken` the paths that later checks must leave alone.
    """

    path: str  # as printed
    folder: str  # relative paths in this file start here
    lines: tuple[str, ...]
    data: Data
    marks: Mapping[Path, Mark]
    written: Mapping[Path, str]
    values: int
    readable: bool = True
    problems: tuple[Diagnostic, ...] = ()
    broken: frozenset[Path] = frozenset()

    def key_at(self, path: Path) -> Position:
        """Return where the key of this path is written, or the list item."""
        line, column, _, _ = self.marks.get(path, (0, 0, 0, 0))
        return Position(self.path, line + 1, column + 1)

    def value_at(self, path: Path) -> Position:
        """Return where the value of this path starts."""
        _, _, line, column = self.marks.get(path, (0, 0, 0, 0))
        return Position(self.path, line + 1, column + 1)


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with the text as YAML; line and column from 0."""

    code: str
    line: int
    column: int
    summary: str
    detail: str = ""


class _Refused(Exception):
    """Nothing after this fault is read."""

    def __init__(self, fault: _Fault) -> None:
        super().__init__(fault.summary)
        self.fault = fault


def read_source(text: str, path: str, folder: str, *, fast: bool = FAST, budget: int = MAX_VALUES) -> Source:
    """Return what `text` says; never raises, whatever the text. `budget` is how many values it may hold."""
    lines = (*text.splitlines(), "") if text.endswith(_BREAKS) or not text else tuple(text.splitlines())
    reader = _Reader(budget)
    fatal = _read(reader, text, fast=fast)
    problems = [_diagnostic(path, lines, fault) for fault in (*reader.duplicates, *([fatal] if fatal else []))]
    return Source(
        path,
        folder,
        lines,
        data=None if fatal else reader.data,
        marks=reader.marks,
        written=reader.written,
        values=reader.count,
        readable=fatal is None,
        problems=tuple(problems),
    )


def _diagnostic(path: str, lines: tuple[str, ...], fault: _Fault) -> Diagnostic:
    line = min(fault.line, len(lines) - 1)
    where = Position(path, line + 1, min(fault.column, len(lines[line])) + 1)
    return Diagnostic(Severity.ERROR, fault.code, fault.summary, fault.detail, where, excerpt(lines, where))


def _read(reader: _Reader, text: str, *, fast: bool) -> _Fault | None:
    """Fill the reader from the text; return what stopped it."""
    if forbidden := _FORBIDDEN.search(text):
        return _forbidden(text, forbidden.start())
    try:
        reader.read(yaml.parse(text, Loader=yaml.CSafeLoader if fast else yaml.SafeLoader))
    except _Refused as refused:
        return refused.fault
    except yaml.MarkedYAMLError as error:
        return _syntax(error)
    except (yaml.YAMLError, ValueError, OverflowError):  # PyYAML's own scanner does not check the number after "\U"
        return _Fault("YAML-SYNTAX", 0, 0, "The file cannot be read as YAML: an escape in it is not a character.")
    return None


def _forbidden(text: str, at: int) -> _Fault:
    """Return the fault of a character that YAML does not allow; lines are counted by line feeds, as editors do."""
    line, column = text.count("\n", 0, at), at - (text.rfind("\n", 0, at) + 1)
    return _Fault(
        "FILE-CHARACTER", line, column, f"The character U+{ord(text[at]):04X} must not stand in a policy.", "Remove it."
    )


def _syntax(error: yaml.MarkedYAMLError) -> _Fault:
    """Return a syntax error in the parser's words, placed where it gave up, with the start of what it was reading."""
    words = error.problem or "the text ends too early"
    start = ""
    if error.context:
        words = f"{words} {error.context}"
        if error.context_mark:
            start = f" that starts on line {error.context_mark.line + 1}"
    hint = next(hint for sign, hint in _HINTS if sign in words)
    mark = error.problem_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    return _Fault("YAML-SYNTAX", line, column, f"The file cannot be read as YAML: {shortened(words)}{start}.", hint)


class _Frame:
    """A map or a list that is being filled; `key` is the next value's key, None where a key is awaited."""

    __slots__ = ("key", "key_column", "key_line", "key_path", "path", "value")

    def __init__(self, value: list[Data] | dict[str, Data], path: Path) -> None:
        self.value = value
        self.path = path
        self.key: str | None = None
        self.key_path: Path = ()
        self.key_line = self.key_column = 0


class _Reader:
    """Turns events into data; everything it makes is bounded by the budget, the depth and the length of a scalar."""

    def __init__(self, budget: int) -> None:
        self.data: Data = None
        self.marks: dict[Path, Mark] = {}
        self.written: dict[Path, str] = {}
        self.duplicates: list[_Fault] = []
        self.count = 0
        self._budget = budget
        self._stack: list[_Frame] = []
        self._documents = 0

    def read(self, events: Iterable[Event]) -> None:
        """Take every event; raises _Refused at the first thing that a policy must not use."""
        for event in events:
            if isinstance(event, ScalarEvent | CollectionStartEvent):
                self._node(event)
            elif isinstance(event, AliasEvent):
                _refuse_anchor(event)
            elif isinstance(event, CollectionEndEvent):
                self._stack.pop()
            elif isinstance(event, DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    _refuse("YAML-DOCUMENTS", event, "A second document starts here.", "Make it a file of its own.")

    def _node(self, event: ScalarEvent | CollectionStartEvent) -> None:
        if event.anchor is not None:
            _refuse_anchor(event)
        self.count += 1
        if self.count > self._budget:
            _refuse("YAML-TOO-LARGE", event, f"The policy holds more than {MAX_VALUES:,} keys and values.", "Split it.")
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        else:
            self._open(event)

    def _scalar(self, event: ScalarEvent) -> None:
        if event.tag is not None:
            _refuse_tag(event, event.tag)
        text = event.value
        if len(text) > MAX_SCALAR:
            _refuse("YAML-TOO-LARGE", event, f"A value of {len(text):,} characters; the limit is {MAX_SCALAR:,}.")
        if not text.isascii() and _SURROGATE.search(text):
            _refuse("YAML-SYNTAX", event, "An escape in this text is not a character.")
        if self._stack and self._stack[-1].key is None and isinstance(self._stack[-1].value, dict):
            self._key(self._stack[-1], event)
            return
        value = _resolved(text) if event.implicit[0] else text
        path = self._add(value, event)
        if value is not text:
            self.written[path] = text

    def _open(self, event: CollectionStartEvent) -> None:
        if event.tag is not None:
            _refuse_tag(event, event.tag)
        if len(self._stack) >= MAX_DEPTH:
            _refuse("YAML-TOO-DEEP", event, f"Maps and lists are nested deeper than {MAX_DEPTH} levels.")
        value: list[Data] | dict[str, Data] = {} if isinstance(event, MappingStartEvent) else []
        if self._stack and self._stack[-1].key is None and isinstance(self._stack[-1].value, dict):
            _refuse("YAML-COMPLEX-KEY", event, "A key must be one text, not a map or a list.", "Is a quote missing?")
        self._stack.append(_Frame(value, self._add(value, event)))

    def _key(self, frame: _Frame, event: ScalarEvent) -> None:
        key = event.value
        if key == "<<" and event.implicit[0]:
            _refuse("YAML-MERGE-KEY", event, 'Merge keys ("<<") are not read.', "Write the keys out.")
        line, column = _start(event)
        path = (*frame.path, key)
        if path in self.marks:
            if len(self.duplicates) >= MAX_DUPLICATES:
                _refuse("YAML-DUPLICATE-KEY", event, f"More than {MAX_DUPLICATES:,} keys are set twice.")
            first_line, first_column, _, _ = self.marks[path]
            shown = (
                HIDDEN if any(looks_secret(part) for part in frame.path if isinstance(part, str)) else shortened(key)
            )
            self.duplicates.append(
                _Fault(
                    "YAML-DUPLICATE-KEY",
                    line,
                    column,
                    f'"{shown}" is set twice in this map: here and at line {first_line + 1}, column {first_column + 1}.',
                    "Join the two, or remove one.",
                )
            )
            path = (*path, -len(self.duplicates))  # what is set again is read, and belongs nowhere
        frame.key, frame.key_path, frame.key_line, frame.key_column = key, path, line, column

    def _add(self, value: Data, event: Event) -> Path:
        """Put a value where it belongs and remember its place."""
        line, column = _start(event)
        if not self._stack:
            self.data = value
            self.marks[()] = (line, column, line, column)
            return ()
        frame = self._stack[-1]
        if isinstance(frame.value, list):
            path: Path = (*frame.path, len(frame.value))
            self.marks[path] = (line, column, line, column)
            frame.value.append(value)
            return path
        path, key = frame.key_path, str(frame.key)
        self.marks[path] = (frame.key_line, frame.key_column, line, column)
        frame.value.setdefault(key, value)
        frame.key = None
        return path


def _resolved(text: str) -> Data:
    """Return what a plain scalar means; the rule stands at the top of this module."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-0123456789":
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _start(event: Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line, mark.column) if mark else (0, 0)


def _refuse(code: str, event: Event, summary: str, detail: str = "") -> NoReturn:
    raise _Refused(_Fault(code, *_start(event), summary, detail))


def _refuse_anchor(event: NodeEvent) -> NoReturn:
    kind, sign = ("alias", "*") if isinstance(event, AliasEvent) else ("anchor", "&")
    written = f'"{sign}{shortened(str(event.anchor), 40)}"'
    _refuse(
        "YAML-ALIAS", event, f"{written} is an {kind}; a policy has none.", "Write it out, or in quotes if it is text."
    )


def _refuse_tag(event: Event, tag: str) -> NoReturn:
    _refuse("YAML-TAG", event, f'The tag "{shortened(tag, 40)}" is not read.', "Remove it; text stands in quotes.")
