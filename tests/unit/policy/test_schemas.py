"""The schemas that are shipped: found, valid, described."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reconciler.policy.schemas import policy_schema, read_schema


def test_the_policy_schema_is_a_schema() -> None:
    """Of the draft that it names."""
    schema = policy_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


def test_every_key_of_a_policy_is_described_for_editors() -> None:
    """By its own words or by those of the definition that it points to."""
    schema = policy_schema()
    definitions = schema["$defs"]
    assert isinstance(definitions, Mapping)
    bare = [
        path
        for path, entry in _properties(schema, "")
        if "description" not in entry and "description" not in definitions.get(str(entry.get("$ref", ""))[8:], {})
    ]
    assert bare == []


def test_every_map_is_closed() -> None:
    """A key that nobody knows is always an error."""
    open_maps = [path for path, entry in _objects(policy_schema(), "") if "properties" in entry and not _closed(entry)]
    assert open_maps == []


def test_a_wheel_brings_its_own_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies inside the package is used before what lies beside it."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "plan.schema.json").write_text(json.dumps({"title": "from the wheel"}))
    monkeypatch.setattr(resources, "files", lambda _package: tmp_path)
    assert read_schema("plan") == {"title": "from the wheel"}


def test_each_caller_gets_a_schema_of_its_own() -> None:
    """Changing one changes no other."""
    policy_schema().clear()
    assert policy_schema()


def _closed(entry: Mapping[str, object]) -> bool:
    return entry.get("additionalProperties") is False or "allOf" in entry


def _objects(schema: object, path: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield path, schema
        for key, value in schema.items():
            yield from _objects(value, f"{path}/{key}")


def _properties(schema: object, path: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    for place, entry in _objects(schema, path):
        properties = entry.get("properties")
        for key, value in properties.items() if isinstance(properties, dict) else ():
            yield f"{place}/{key}", value
