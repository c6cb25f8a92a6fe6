"""Kinds of target that installed packages bring: their part of the schema, and their own keys as values; loads no package."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from importlib.metadata import entry_points
from typing import cast

from reconciler.policy.excerpt import looks_secret
from reconciler.policy.findings import Findings
from reconciler.policy.kinds import BUILT_IN
from reconciler.policy.node import Node
from reconciler.policy.schemas import policy_schema
from reconciler.policy.values import SECRET_KEYS, reference_wanted, secret_of

GROUP = "reconciler.targets"
"""The group of entry points by which targets are found."""

_KIND = re.compile("[a-z][a-z0-9_-]{0,63}")
_COMMON = (
    "directory",
    "users",
    "groups",
    "on_missing_group",
    "on_refusal",
    "roles",
    "admin_group",
    "external_groups",
    "auditor_group",
)
_REFERENCES = ({"env"}, {"file"})

Schema = dict[str, object]


def installed_kinds() -> tuple[str, ...]:
    """Return the kinds of target that this installation has an adapter for, sorted."""
    return tuple(sorted(entry_points(group=GROUP).names))


def brought_kinds() -> tuple[str, ...]:
    """Return those of them that the policy language does not know by itself and can name, sorted."""
    return tuple(kind for kind in installed_kinds() if kind not in BUILT_IN and _KIND.fullmatch(kind))


def schema_with(kinds: Sequence[str]) -> Schema:
    """Return the schema of one policy file, with these kinds of target beside those that it knows.

    The keys that all targets share are checked as everywhere, the kind's own keys are left to its package.
    """
    schema = policy_schema()
    definitions = cast("dict[str, dict[str, object]]", schema["$defs"])  # the test of the schema reads it, too
    target = definitions["target"]
    kind = cast("dict[str, dict[str, list[str]]]", target["properties"])["kind"]
    cases = cast("list[object]", target["allOf"])
    for name in kinds:
        kind["enum"].append(name)
        condition = {"properties": {"kind": {"const": name}}, "required": ["kind"]}
        definitions[f"{name}_target"] = _definition(name, definitions)
        cases.append({"if": condition, "then": {"$ref": f"#/$defs/{name}_target"}})
    return schema


def own_option(key: str, entry: Node, findings: Findings) -> object:
    """Return the value of a key that only such a kind knows: maps and lists as written, references as SecretRef.

    Adds an error for what must be a reference to a secret and is not one: the value of a key of a secret's name, at any
    depth, and a text whose key sounds like a secret's.
    """
    data = entry.data
    if isinstance(data, dict) and set(data) in _REFERENCES and all(isinstance(value, str) for value in data.values()):
        return secret_of(entry)
    if key in SECRET_KEYS or (isinstance(data, str) and looks_secret(key)):
        findings.error(entry.source, entry.key_where, "LITERAL-SECRET", reference_wanted(key))
        return None
    if isinstance(data, dict):
        return {name: own_option(name, value, findings) for name, value in entry.entries()}
    if isinstance(data, list):
        return tuple(own_option(key, value, findings) for value in entry.items())
    return data


def _definition(name: str, definitions: Mapping[str, Mapping[str, object]]) -> Schema:
    known = [cast("Mapping[str, object]", definitions[f"{kind}_target"]["properties"]) for kind in ("gitlab", "sql")]
    shared = {**known[0], **known[1]}
    roles = {**cast("Mapping[str, object]", shared["roles"]), "default": []}
    return {
        "title": f"a target of kind {name}",
        "description": "An application that an installed package knows.",
        "type": "object",
        "required": ["directory"],
        "properties": {
            "kind": {"const": name, "description": "What the target is."},
            **{key: deepcopy(shared[key]) for key in _COMMON},
            "roles": roles,
            **{key: {"$ref": "#/$defs/secret"} for key in sorted(SECRET_KEYS)},
            "tls": {"$ref": "#/$defs/tls"},
        },
    }
