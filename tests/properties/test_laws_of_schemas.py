"""Whatever a policy file holds, our quick judgement of it is that of jsonschema."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.policy.accept import accepting
from reconciler.policy.schemas import policy_schema
from reconciler.policy.source import Data

SCHEMA: dict[str, Any] = policy_schema()
JUDGE = Draft202012Validator(SCHEMA)
ACCEPTS = accepting(SCHEMA)
ODD: list[Data] = [None, True, False, 0, 1, -1, 1.0, 0.5, 10**9, "", "x", "off", [], ["x"], [None], {}, {"x": 1}]
TEXTS = [*("x", "A_B", "uid", "off", "7d", "ldaps://a", "https://a", "sqlite:///a", "s3://a"), "0" * 64]


class Maker:
    """Makes data that follows the schema, but for values here and there, `odd` of 1, which are anything."""

    def __init__(self, order: random.Random, odd: float) -> None:
        self.order, self.odd = order, odd

    def data(self, schema: Mapping[str, Any]) -> Data:
        """Return a value for one part of the schema."""
        schema = self._whole(schema)
        choices: list[Data] = schema.get("enum") or [schema[key] for key in schema.keys() & {"const"}]
        if self.order.random() < self.odd:
            choices = ODD
        return self.order.choice(choices) if choices else self._typed(schema)

    def _typed(self, schema: Mapping[str, Any]) -> Data:
        kinds = schema["type"]
        match kinds if isinstance(kinds, str) else self.order.choice(kinds):
            case "object":
                return dict(self._entries(schema))
            case "array":
                return [self.data(schema["items"]) for _ in range(self.order.randint(schema.get("minItems", 0), 3))]
            case "string":
                least, most = schema.get("minLength", 0), schema.get("maxLength", 99)
                fitting = [text for text in TEXTS if re.search(schema.get("pattern", ""), text)]
                return self.order.choice([text for text in fitting if least <= len(text) <= most])
            case "boolean":
                return self.order.random() < 0.5
            case _:
                return self.order.randint(schema.get("minimum", 0), schema.get("maximum", 1000))

    def _whole(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the part that a reference stands for; of several kinds of a thing, one, and its kind is said."""
        if "$ref" in schema:
            return self._whole(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
        if "allOf" in schema:
            chosen = self._whole(self.order.choice(schema["allOf"])["then"])
            return {**chosen, "required": sorted({*chosen.get("required", ()), *schema["required"]})}
        return schema

    def _entries(self, schema: Mapping[str, Any]) -> Iterator[tuple[str, Data]]:
        named = schema.get("properties", {})
        rest = sorted(named.keys() - schema.get("required", []))
        least, most = schema.get("minProperties", 0), min(schema.get("maxProperties", 99), len(rest))
        for key in [*schema.get("required", []), *self.order.sample(rest, self.order.randint(least, most))]:
            yield key, self.data(named[key])
        if others := schema["additionalProperties"] or self.order.random() < self.odd:
            yield "other", self.data(others) if isinstance(others, Mapping) else "x"


@given(st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_what_follows_the_policy_schema_is_accepted(order: random.Random) -> None:
    """With sections, kinds and keys of every sort."""
    data = Maker(order, odd=0).data(SCHEMA)
    assert JUDGE.is_valid(data)
    assert ACCEPTS(data)


@given(st.randoms(use_true_random=False), st.sampled_from([0.01, 0.03, 0.1]))
@settings(max_examples=400, deadline=None)
def test_what_does_not_follow_it_is_not(order: random.Random, odd: float) -> None:
    """However little is wrong, and wherever."""
    data = Maker(order, odd).data(SCHEMA)
    assert ACCEPTS(data) == JUDGE.is_valid(data)
