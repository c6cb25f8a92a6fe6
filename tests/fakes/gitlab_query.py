"""GraphQL's query language, as far as one reads lists with it: text to fields; executes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

TOKEN = re.compile(r'[\s,]+|#[^\n]*|("(?:[^"\\]|\\.)*")|(\$?[_A-Za-z]\w*)|(-?\d+)|(\.\.\.|[{}()\[\]:=!])')


class Unreadable(Exception):
    """The text is no query."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a selection: its `alias` is the key of the answer."""

    name: str
    alias: str
    arguments: Mapping[str, object]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """One operation."""

    kind: str  # query or mutation
    fields: tuple[Field, ...]


def read_query(text: str, variables: Mapping[str, object]) -> Query:
    """Return the operation of a text, variables filled in; raise Unreadable where it is none."""
    return _Reader(_tokens(text), variables).operation()


def _tokens(text: str) -> list[str]:
    found, position = [], 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise Unreadable(f"Expected one of the query language's signs, actual: {text[position]!r}")
        position = match.end()
        found += [group for group in match.groups() if group]
    return found


class _Reader:
    """Walks through the signs once."""

    def __init__(self, tokens: list[str], variables: Mapping[str, object]) -> None:
        self.tokens = tokens
        self.variables = dict(variables)
        self.place = 0

    def peek(self) -> str:
        """Return the next sign, empty at the end."""
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        """Return the next sign and go on; it has to be `wanted` where that is said."""
        sign = self.peek()
        if not sign or (wanted and sign != wanted):
            raise Unreadable(f"Expected {wanted or 'more'}, actual: {sign or '(end of the text)'}")
        self.place += 1
        return sign

    def operation(self) -> Query:
        """Read ``query Name($a: T = v) { … }`` or a selection alone."""
        kind = "query"
        if self.peek() != "{":
            kind = self.take()
            if kind not in {"query", "mutation"}:
                raise Unreadable(f"Expected an operation, actual: {kind}")
            if self.peek() not in {"(", "{"}:
                self.take()
            if self.peek() == "(":
                self.declarations()
        found = Query(kind, self.selection())
        if self.peek():
            raise Unreadable(f"Expected the end of the text, actual: {self.peek()}")
        return found

    def declarations(self) -> None:
        """Read the variables' types, which this fake believes."""
        self.take("(")
        while self.peek() != ")":
            name = self.take().removeprefix("$")
            self.take(":")
            while self.peek() in {"[", "]", "!"} or self.peek()[:1].isalpha():
                self.take()
            if self.peek() == "=":
                self.take()
                default = self.value()
                self.variables.setdefault(name, default)
        self.take(")")

    def selection(self) -> tuple[Field, ...]:
        """Read ``{ field alias: field(argument: value) { … } }``."""
        self.take("{")
        found = []
        while self.peek() != "}":
            found.append(self.field())
        self.take("}")
        return tuple(found)

    def field(self) -> Field:
        """Read one field."""
        name = alias = self.take()
        if not re.fullmatch(r"[_A-Za-z]\w*", name):
            raise Unreadable(f"Expected a field, actual: {name}")
        if self.peek() == ":":
            self.take()
            name = self.take()
        arguments: dict[str, object] = {}
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                key = self.take()
                self.take(":")
                arguments[key] = self.value()
            self.take(")")
        return Field(name, alias, arguments, self.selection() if self.peek() == "{" else ())

    def value(self) -> object:
        """Read a value: a variable, a list, a text, a number, a word."""
        sign = self.take()
        if sign.startswith("$"):
            return self.variables.get(sign[1:])
        if sign == "[":
            found = []
            while self.peek() != "]":
                found.append(self.value())
            self.take("]")
            return found
        if sign.startswith('"'):
            return sign[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        if sign.lstrip("-").isdigit():
            return int(sign)
        return {"true": True, "false": False, "null": None}.get(sign, sign)
