"""Hold one file against the policy schema and say every difference in words of the policy; knows no meaning beyond it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, cast

from reconciler.model.diagnostic import Position
from reconciler.model.text import shortened
from reconciler.policy.accept import Accepts, accepting
from reconciler.policy.brought import schema_with
from reconciler.policy.excerpt import HIDDEN, looks_secret, without_credentials
from reconciler.policy.findings import Findings, listed
from reconciler.policy.source import Path, Source
from reconciler.policy.values import SECRET_KEYS, reference_wanted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_CONNECTIONS = {"directories": 2, "targets": 2, "state": 1}
"""Sections that may name a secret, and how many names lead to the keys of what they describe."""

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a map",
    "array": "a list",
}
_HINTS = {"version": "Every policy file starts with: version: 1"}
_NOTHING_TO_WAIVE = "{0} refuses no plan, it holds changes back, so there is nothing to waive. Remove the waiver, or set {0} under guards."
_NO_WAIVER = "{} cannot be waived: it says itself what has to be corrected. Remove the waiver."
_NO_CHOICE = {
    **{("guard", name): _NOTHING_TO_WAIVE.format(name) for name in ("min_owners", "protect_self")},
    **{("guard", name): _NO_WAIVER.format(name) for name in ("empty_directory", "not_ours_user", "not_ours_group")},
}


def check_schema(source: Source, kinds: tuple[str, ...], findings: Findings) -> frozenset[Path]:
    """Add every schema error of a readable file; return the paths that are not as they should be.

    `kinds` are the kinds of target that installed packages bring.
    """
    if _accepts(kinds)(source.data):
        return frozenset()
    reported: set[tuple[Path, str, str]] = set()
    broken: set[Path] = set()
    for error in _validator(kinds).iter_errors(source.data):
        if findings.full:
            return frozenset({()})  # nothing more is said of a file that is wrong throughout
        path = tuple(error.absolute_path)
        key = (path, str(error.validator), str(error.validator_value) if error.validator == "required" else "")
        if key not in reported:  # jsonschema says "required" once for each missing key; here one error names them all
            reported.add(key)
            broken |= _report(_Error(source, error, findings), broken)
    return frozenset(broken)


@cache
def _accepts(kinds: tuple[str, ...]) -> Accepts:
    return accepting(schema_with(kinds))


@cache
def _validator(kinds: tuple[str, ...]) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 65 ms, wanted only where a policy has a fault

    return Draft202012Validator(schema_with(kinds))


class _Error:
    """One schema error in our own terms."""

    def __init__(self, source: Source, error: ValidationError, findings: Findings) -> None:
        self.source, self.findings = source, findings
        self.path: Path = tuple(error.absolute_path)
        self.rule = str(error.validator)
        self.value: object = error.validator_value
        self.instance: object = error.instance
        self.schema: Mapping[str, object] = error.schema if isinstance(error.schema, Mapping) else {}

    @property
    def name(self) -> str:
        """The key concerned, or the list that the item is in."""
        if not self.path:
            return "The file"
        last = self.path[-1]
        return _quoted(last) if isinstance(last, str) else f"Item {last + 1} of {_quoted(self.path[-2])}"

    @property
    def wanted(self) -> str:
        """What the schema asks for, in words."""
        return str(self.schema.get("title") or _TYPES.get(str(self.schema.get("type")), "something else"))

    @property
    def found(self) -> str:
        """What is written, in words and without anything secret."""
        if isinstance(self.instance, str):
            start = _own_keys(self.path)
            names = self.path[start:] if start else ()
            hide = any(isinstance(name, str) and looks_secret(name) for name in names)
            return HIDDEN if hide else _quoted(without_credentials(self.instance))
        if isinstance(self.instance, dict | list):
            kind = "map" if isinstance(self.instance, dict) else "list"
            return f"a {kind}" if self.instance else f"an empty {kind}"
        return self.source.written.get(self.path, "nothing")

    def say(self, code: str, where: Position, message: str) -> None:
        self.findings.error(self.source, where, code, message)


def _report(error: _Error, broken: Collection[Path]) -> set[Path]:
    """Add one error; return what it spoils."""
    secret = _secret(error.path)
    if secret:
        if secret not in broken:
            _not_a_reference(error, secret)
        return {secret}
    if error.rule == "additionalProperties":
        return _unknown_keys(error)
    if error.rule == "required":
        return _missing_keys(error)
    if not _implied(error):
        where = error.source.key_at(error.path) if error.instance is None else error.source.value_at(error.path)
        error.say("SCHEMA", where, f"{error.name} {_message(error)}")
    return {error.path}


def _implied(error: _Error) -> bool:
    """Tell whether another error says the same: that it is no text at all, or that it is empty."""
    if error.rule == "enum":
        return "type" in error.schema and not isinstance(error.instance, str)
    return error.rule == "pattern" and "minLength" in error.schema and not error.instance


def _secret(path: Path) -> Path:
    """Return the path down to the secret that a path is in, if it is in one."""
    start = _own_keys(path)
    if not start:
        return ()
    return next((path[: depth + 1] for depth, part in enumerate(path) if depth >= start and part in SECRET_KEYS), ())


def _own_keys(path: Path) -> int:
    """Return where in a path the keys of a directory, a target or the state store begin; 0 outside of those."""
    return _CONNECTIONS.get(str(path[0]), 0) if path else 0


def _not_a_reference(error: _Error, path: Path) -> None:
    code = "LITERAL-SECRET" if path == error.path and error.rule == "type" else "SECRET-REFERENCE"
    error.say(
        code,
        error.source.key_at(path),
        reference_wanted(str(path[-1])),
    )


def _unknown_keys(error: _Error) -> set[Path]:
    known = cast("Mapping[str, object]", error.schema["properties"])  # every closed map of our schema names its keys
    instance = cast("Mapping[str, object]", error.instance)  # the rule applies to maps only
    title = error.schema.get("title")
    unknown = [key for key in instance if key not in known]
    for key in unknown:
        error.say(
            "UNKNOWN-KEY",
            error.source.key_at((*error.path, key)),
            f"{_quoted(key)} is not a key of {title}. {error.findings.alternatives(key, known)}",
        )
    return {(*error.path, key) for key in unknown}


def _missing_keys(error: _Error) -> set[Path]:
    required = cast("Sequence[str]", error.value)
    instance = cast("Mapping[str, object]", error.instance)
    missing = [key for key in required if key not in instance]
    what = "key" if len(missing) == 1 else "keys"
    error.say(
        "MISSING-KEY",
        error.source.key_at(error.path),
        f"{error.name} lacks the {what} {', '.join(map(_quoted, missing))}. {_HINTS.get(missing[0], '')}",
    )
    return {error.path} if error.path else set()  # what else the file says can be judged without its version


def _message(error: _Error) -> str:
    """Return what is wrong with one value, after its name."""
    if error.instance is None:
        return "has no value. Write one, or remove the key." if error.path else "is empty. Start it with: version: 1"
    if error.rule == "enum":
        choices = cast("Sequence[str]", error.value)
        suggestion = _NO_CHOICE.get((str(error.path[-1]), str(error.instance)))
        suggestion = suggestion or error.findings.nearest(str(error.instance), choices) or _kind_hint(error)
        return f"must be one of {listed(choices)}; it is {error.found}. {suggestion}"
    if error.rule == "const":
        return f"must be {error.value}, the version of the policy language; it is {error.found}."
    if error.rule == "minLength":
        return "must not be empty."
    if error.rule == "type" and error.value == "string" and not isinstance(error.instance, dict | list):
        return (
            f'must be text, and {error.found} is read as {_read_as(error.instance)}. Write "{error.found}" in quotes.'
        )
    return f"must be {error.wanted}; it is {error.found}."


def _kind_hint(error: _Error) -> str:
    is_kind = error.path[:1] == ("targets",) and error.path[-1] == "kind"
    return "For a kind of your own, install the package that brings it." if is_kind and error.instance else ""


def _read_as(value: object) -> str:
    return "a truth value" if isinstance(value, bool) else "a number"


def _quoted(text: object) -> str:
    return f'"{shortened(str(text), 60)}"'
