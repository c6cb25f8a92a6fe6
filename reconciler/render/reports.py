"""Write findings in the forms that other programs read: SARIF, GitHub's annotations, GitLab's code quality; pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote

from reconciler.errors import Problem
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.text import printable
from reconciler.render.words import counted

SARIF_MOST = 25_000
"""Results that GitHub accepts in one run; it keeps the first 5,000."""

ANNOTATIONS = 10
"""Annotations of one level that GitHub shows for one step; it drops the rest in silence."""

_GENERAL = "GENERAL"  # the code of a problem that has none
_ORDER: Mapping[Severity, int] = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
_GITHUB: Mapping[Severity, str] = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_GITLAB: Mapping[Severity, str] = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}
Titles: TypeAlias = Mapping[str, str]
"""What each code says, in one sentence."""


def sarif(problems: Sequence[Problem], titles: Titles, version: str) -> str:
    """Return SARIF 2.1.0, worst first; results beyond what GitHub accepts are left out and counted in a notification."""
    found = _worst_first(problems)
    kept = found[:SARIF_MOST]
    codes = sorted({one.code for one in kept})
    place = {code: index for index, code in enumerate(codes)}
    rules = [_rule(code, titles.get(code, code)) for code in codes]
    results = [_result(one, place[one.code], mark) for one, mark in zip(kept, _marks(kept), strict=True)]
    invocation: dict[str, object] = {"executionSuccessful": True}
    if len(found) > len(kept):
        text = f"{counted(len(found) - len(kept), 'finding')} more are left out."
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    driver = {"name": "reconcile", "version": version, "rules": rules}
    run = {"tool": {"driver": driver}, "invocations": [invocation], "columnKind": "unicodeCodePoints"}
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{**run, "results": results}],
    }
    return json.dumps(document, indent=2) + "\n"


def github(problems: Sequence[Problem]) -> Iterator[str]:
    """Yield workflow commands, worst first, at most ten of a level; the rest are counted in a notice."""
    found = _worst_first(problems)
    left = 0
    for severity in _ORDER:
        level = [one for one in found if one.severity is severity]
        shown = level[: ANNOTATIONS - (severity is Severity.NOTE)]  # the count is a notice, too
        left += len(level) - len(shown)
        yield from map(_annotation, shown)
    if left:
        yield f"::notice title=reconcile validate::{left:,} more findings are not shown here.\n"


def gitlab(problems: Sequence[Problem]) -> str:
    """Return a code quality report: GitLab shows it in merge requests."""
    found = _worst_first(problems)
    issues = [
        {
            "description": printable(_message(one)),
            "check_name": one.code,
            "fingerprint": mark,
            "severity": _GITLAB[one.severity],
            "location": {"path": _path(one), "lines": {"begin": one.where.line if one.where else 1}},
        }
        for one, mark in zip(found, _marks(found), strict=True)
    ]
    return json.dumps(issues, indent=2) + "\n"


def _worst_first(problems: Sequence[Problem]) -> list[Diagnostic]:
    """Return findings by severity, else in the order given; a problem without a code is an error of a general one."""
    found = [
        one if isinstance(one, Diagnostic) else Diagnostic(Severity.ERROR, _GENERAL, one.line()) for one in problems
    ]
    return sorted(found, key=lambda one: _ORDER[one.severity])


def _rule(code: str, title: str) -> dict[str, object]:
    return {"id": code, "shortDescription": {"text": title}, "helpUri": f"docs/reference/codes/{code}.md"}


def _result(found: Diagnostic, rule: int, mark: str) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": found.code,
        "ruleIndex": rule,
        "level": str(found.severity),
        "message": {"text": printable(_message(found))},
        "partialFingerprints": {"reconcile/v1": mark},
    }
    if found.where:
        region = {"startLine": found.where.line, "startColumn": found.where.column}
        address = {"artifactLocation": {"uri": quote(_path(found))}, "region": region}
        result["locations"] = [{"physicalLocation": address}]
    return result


def _annotation(found: Diagnostic) -> str:
    where = found.where
    place = f"file={_property(_path(found))},line={where.line},col={where.column}," if where else ""
    message = _escaped(_message(found))
    return f"::{_GITHUB[found.severity]} {place}title={_property(found.code)}::{message}\n"


def _escaped(text: str) -> str:
    """Return the data of a workflow command, as GitHub's own toolkit writes it; other control characters are shown."""
    safe = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return printable(safe)


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _message(found: Diagnostic) -> str:
    return f"{found.summary} {found.detail}".rstrip()


def _path(found: Diagnostic) -> str:
    return printable(found.where.path) if found.where else "."


def _marks(found: Sequence[Diagnostic]) -> Iterator[str]:
    """Yield what tells findings apart and stays when lines move: code, file, the line's text, and which one of the same."""
    seen = Counter[tuple[str, str, str]]()
    for one in found:
        line = one.excerpt.partition("\n")[0] or one.summary
        same = (one.code, _path(one), line)
        seen[same] += 1
        text = "\0".join((*same, str(seen[same])))
        yield hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
