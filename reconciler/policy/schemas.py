"""Find and read the JSON Schemas that this project ships; never validates anything."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def read_schema(name: str) -> dict[str, object]:
    """Return the schema ``policy``, ``plan``, ``snapshot`` or ``report``; a fresh value on each call."""
    # a JSON Schema file of ours is an object; the packaging test reads each of them
    return cast("dict[str, object]", json.loads(schema_text(name)))


def schema_text(name: str) -> str:
    """Return the text of a schema: from inside the package (a wheel), else from the folder beside it (a clone)."""
    inside: Traversable = resources.files("reconciler").joinpath("schemas")
    beside = Path(__file__).parents[2] / "schemas"
    folder = inside if inside.is_dir() else beside
    return folder.joinpath(f"{name}.schema.json").read_text(encoding="utf-8")


def policy_schema() -> dict[str, object]:
    """Return the schema of one policy file."""
    return read_schema("policy")
