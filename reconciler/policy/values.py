"""Turn single texts of a policy into values (filters, templates, patterns, dates, paths), each fault at its own column."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from reconciler.model.diagnostic import Position
from reconciler.model.filter import Filter, FilterSyntaxError, parse_filter
from reconciler.model.names import DnKey, DnSyntaxError, dn_key
from reconciler.model.template import TemplateSyntaxError, fields_of
from reconciler.model.text import shortened
from reconciler.policy.findings import Findings
from reconciler.policy.fit import TEMPLATING
from reconciler.policy.model import SecretRef
from reconciler.policy.node import Node

_T = TypeVar("_T")

SECRET_KEYS = frozenset({"password", "token", "client_secret", "private_key", "access_key", "secret_key"})
"""Keys whose value is a reference to a secret; a test holds them against the schema."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)|[^\\]", re.DOTALL)
_QUOTED_PAIR = re.compile(r"''|[^']")


def filter_of(node: Node, findings: Findings) -> Filter | None:
    """Return an RFC 4515 filter; nothing where there is none or it is not one."""
    try:
        return _parsed(node, parse_filter)
    except FilterSyntaxError as error:
        message = f"This is not an RFC 4515 filter: {error}. Write it like (&(objectClass=person)(ou=Sales))."
        findings.error(node.source, within(node, error.offset), "BAD-FILTER", message)
        return None


def dn_of(node: Node, findings: Findings) -> DnKey | None:
    """Return the canonical key of a DN; nothing where there is none or it is not one."""
    try:
        return _parsed(node, dn_key)
    except DnSyntaxError as error:
        message = f"This is not a DN: {error}. Write it like cn=devs,ou=groups,dc=example,dc=com."
        findings.error(node.source, within(node, error.offset), "BAD-DN", message)
        return None


def template_of(node: Node, findings: Findings) -> str:
    """Return a name template; empty where there is none or it is not one."""
    try:
        _parsed(node, fields_of)
    except TemplateSyntaxError as error:
        message = f"This is not a name template: {error}."
        findings.error(node.source, within(node, error.offset), "BAD-TEMPLATE", message)
        return ""
    return node.data if isinstance(node.data, str) else ""


def pattern_of(node: Node, findings: Findings) -> str:
    """Return a regular expression that compiles; empty where there is none or it does not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            _parsed(node, re.compile)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        offset = (error.pos or 0) if isinstance(error, re.error) else 0
        reason = {re.error: str(getattr(error, "msg", "")), FutureWarning: str(error)}.get(
            type(error), "it is too large"
        )
        message = f"This is not a regular expression: {shortened(reason)}. The dialect is Python's re."
        findings.error(node.source, within(node, offset), "BAD-PATTERN", message)
        return ""
    return node.data if isinstance(node.data, str) else ""


def date_of(node: Node, findings: Findings) -> date | None:
    """Return a day written as 2026-12-31; anything else, and a day that no calendar has, is an error."""
    text = str(node.data)
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        message = f'"{shortened(text, 40)}" is not a date. Write it like 2026-12-31.'
    except ValueError:
        message = f'"{text}" is a day that does not exist. Write the last day on which it holds.'
    findings.error(node.source, node.where, "BAD-DATE", message)
    return None


def path_of(node: Node) -> str:
    """Return a path that starts where the file lies that says it; empty where there is none."""
    return os.path.normpath(os.path.join(node.source.folder, node.data)) if isinstance(node.data, str) else ""  # noqa: PTH118 - text in, text out


def secret_of(node: Node) -> SecretRef | None:
    """Return a reference to a secret; nothing is looked up."""
    if name := node.text("env"):
        return SecretRef("env", name, node.key_where)
    file = node.get("file")
    return SecretRef("file", path_of(file), node.key_where) if file else None


def reference_wanted(key: str) -> str:
    """Return what to say of a secret's key whose value is no reference."""
    return (
        f'"{shortened(key, 60)}" must be a reference to a secret. Write {{env: NAME}} or {{file: PATH}}, one of them, '
        "and never the secret itself; change a secret that has been in a file like this one."
    )


def within(node: Node, offset: int) -> Position:
    """Return the place of a character of a one-line text; of the text's start where the text has several lines."""
    start = node.where
    text, line = str(node.data), node.source.lines[start.line - 1][start.column - 1 :]
    width = _width(line, text, offset)
    return Position(start.path, start.line, start.column + width)


def _width(written: str, text: str, offset: int) -> int:
    """Return how many characters are written before the one at `offset` of the text, quotes and escapes included."""
    if written.startswith(text):
        return offset
    tokens = {"'": _QUOTED_PAIR, '"': _ESCAPE}.get(written[:1])
    if tokens is None:
        return 0
    width = 1
    for _ in range(offset):
        token = tokens.match(written, width)
        if token is None:
            return 0
        width = token.end()
    return width if width <= len(written) else 0


def _parsed(node: Node, parse: Callable[[str], _T]) -> _T | None:
    """Return the text parsed; nothing where there is no text, or where it is the templating that lint has refused."""
    text = node.data
    return parse(text) if isinstance(text, str) and not TEMPLATING.search(text) else None
