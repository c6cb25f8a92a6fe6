"""Tell whether data is as a JSON Schema wants it, for what our schemas use of that language; never says what is wrong.

jsonschema says that, and stays the authority: tests hold the two together.
It takes ten times as long for 10,000 links, and nearly every policy that is read has no fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import ge, le
from typing import Any, TypeAlias

from reconciler.policy.source import Data

Accepts: TypeAlias = Callable[[Data], bool]
Schema: TypeAlias = Mapping[str, Any] | bool
"""A schema as JSON data. `Any` because json has no better type."""


def accepting(schema: Mapping[str, Any]) -> Accepts:
    """Return what tells whether data follows a schema. Raises KeyError for a keyword that is not known here."""
    return _Parts(schema.get("$defs", {})).accepts(schema)


class _Parts:
    """The parts of one schema, each turned into a test of data; definitions may not lead back to themselves."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._known: dict[str, Accepts] = {}

    def accepts(self, schema: Schema) -> Accepts:
        if isinstance(schema, bool):
            return lambda _: schema
        tests = [_KEYWORDS[key](want) for key, want in schema.items() if key not in _NESTING and key not in _SILENT]
        if "properties" in schema or "additionalProperties" in schema:
            tests.append(self._map(schema.get("properties", {}), schema.get("additionalProperties", True)))
        if "items" in schema:
            tests.append(self._list(schema["items"]))
        if "if" in schema:
            tests.append(self._condition(schema["if"], schema["then"]))
        if "$ref" in schema:
            tests.append(self._definition(schema["$ref"].removeprefix("#/$defs/")))
        tests += map(self.accepts, schema.get("allOf", ()))
        return reduce(_both, tests) if tests else self.accepts(schema=True)

    def _map(self, properties: Mapping[str, Schema], additional: Schema) -> Accepts:
        named, others = {key: self.accepts(part) for key, part in properties.items()}, self.accepts(additional)
        return lambda data: (
            not isinstance(data, dict) or all(named.get(key, others)(value) for key, value in data.items())
        )

    def _list(self, items: Schema) -> Accepts:
        fits = self.accepts(items)
        return lambda data: not isinstance(data, list) or all(map(fits, data))

    def _condition(self, condition: Schema, consequence: Schema) -> Accepts:
        holds, fits = self.accepts(condition), self.accepts(consequence)
        return lambda data: not holds(data) or fits(data)

    def _definition(self, name: str) -> Accepts:
        if name not in self._known:
            self._known[name] = self.accepts(self._definitions[name])
        return self._known[name]


def _both(first: Accepts, second: Accepts) -> Accepts:
    return lambda data: first(data) and second(data)


def _is_number(data: Data) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool)


_TYPES: Mapping[str, Accepts] = {
    "string": lambda data: isinstance(data, str),
    "object": lambda data: isinstance(data, dict),
    "array": lambda data: isinstance(data, list),
    "boolean": lambda data: isinstance(data, bool),
    "number": _is_number,
    "integer": lambda data: data.is_integer() if isinstance(data, float) else _is_number(data),
}


def _type(want: str | Sequence[str]) -> Accepts:
    if isinstance(want, str):
        return _TYPES[want]
    kinds = [_TYPES[name] for name in want]
    return lambda data: any(kind(data) for kind in kinds)


def _one_of(choices: Sequence[str | int | bool]) -> Accepts:
    """Return the test for a choice of scalars; true is not 1."""
    kinds = {(isinstance(choice, bool), choice) for choice in choices}
    return lambda data: not isinstance(data, dict | list) and (isinstance(data, bool), data) in kinds


def _pattern(want: str) -> Accepts:
    found = re.compile(want).search
    return lambda data: not isinstance(data, str) or found(data) is not None


def _required(keys: Sequence[str]) -> Accepts:
    return lambda data: not isinstance(data, dict) or all(key in data for key in keys)


def _length(
    kind: type[str | list[Data] | dict[str, Data]], fits: Callable[[int, int], bool]
) -> Callable[[int], Accepts]:
    return lambda limit: lambda data: not isinstance(data, kind) or fits(len(data), limit)


def _value(fits: Callable[[float, float], bool]) -> Callable[[float], Accepts]:
    return lambda limit: lambda data: not (isinstance(data, int | float) and _is_number(data)) or fits(data, limit)


_KEYWORDS: Mapping[str, Callable[[Any], Accepts]] = {
    "type": _type,
    "const": lambda want: _one_of([want]),
    "enum": _one_of,
    "pattern": _pattern,
    "required": _required,
    "minLength": _length(str, ge),
    "maxLength": _length(str, le),
    "minItems": _length(list, ge),
    "maxItems": _length(list, le),
    "minProperties": _length(dict, ge),
    "maxProperties": _length(dict, le),
    "minimum": _value(ge),
    "maximum": _value(le),
}
_NESTING = frozenset({"$ref", "allOf", "if", "then", "items", "properties", "additionalProperties"})
_SILENT = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "format"})
"""What says nothing about data; `format` does not either, as long as nobody asks for it."""
