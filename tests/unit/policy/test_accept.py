"""What follows a schema is told without jsonschema, and never otherwise than jsonschema tells it."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from reconciler.policy.accept import Schema, accepting
from reconciler.policy.source import Data

SCALARS: list[Data] = [None, True, False, 0, 1, 2, 3, 4, -1, 1.0, 2.5, "", "a", "ab", "abc", "1"]
LISTS: list[list[Data]] = [[], [1], ["a"], [1, 2], [1, 2, 3], [[]], ["a", None]]
MAPS: list[dict[str, Data]] = [
    {},
    {"a": 1},
    {"a": "x"},
    {"b": 1},
    {"a": 1, "b": 2},
    {"a": "x", "b": "y", "c": "z"},
    {"a": {"a": 1}},
]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"title": "a", "description": "b", "default": 1, "format": "date"},
        {"type": "string"},
        {"type": "object"},
        {"type": "array"},
        {"type": "boolean"},
        {"type": "number"},
        {"type": "integer"},
        {"type": ["boolean", "string"]},
        {"const": 1},
        {"const": True},
        {"const": "a"},
        {"enum": ["a", "1"]},
        {"enum": [0, False, "ab"]},
        {"pattern": "b$"},
        {"required": ["a", "b"]},
        {"minLength": 2},
        {"maxLength": 2},
        {"minItems": 2},
        {"maxItems": 2},
        {"minProperties": 2},
        {"maxProperties": 2},
        {"minimum": 2},
        {"maximum": 2},
        {"items": {"type": "integer"}},
        {"items": False},
        {"properties": {"a": {"type": "integer"}}},
        {"additionalProperties": {"type": "integer"}},
        {"additionalProperties": False},
        {"properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
        {"properties": {"a": True}, "additionalProperties": False},
        {"allOf": [{"type": ["string", "array"]}, {"minLength": 2}, {"minItems": 2}]},
        {"if": {"type": "object"}, "then": {"required": ["b"]}},
        {"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": {"minProperties": 2}},
        {"items": {"$ref": "#/$defs/x"}, "$defs": {"x": {"type": "array"}}},
        {"$ref": "#/$defs/x", "minItems": 1, "$defs": {"x": {"type": ["array", "string"]}}},
    ],
    ids=str,
)
def test_every_keyword_means_what_it_means_to_jsonschema(schema: Schema) -> None:
    """On values of every type, those to which a keyword does not apply among them."""
    assert isinstance(schema, dict)
    accepts, judge = accepting(schema), Draft202012Validator(schema)
    values = [*SCALARS, *LISTS, *MAPS]
    assert [accepts(value) for value in values] == [judge.is_valid(value) for value in values]


@pytest.mark.parametrize(
    "schema", [{"contains": True}, {"properties": {"a": {"not": {}}}}, {"items": {"type": "null"}}]
)
def test_a_schema_that_says_more_than_is_known_here_is_refused(schema: Schema) -> None:
    """At once, not when a value comes that it would matter for."""
    assert isinstance(schema, dict)
    with pytest.raises(KeyError):
        accepting(schema)
