"""Small policies for the tests beside this file: written to a scratch folder and loaded there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from reconciler.errors import PolicyError
from reconciler.model.diagnostic import Diagnostic
from reconciler.policy.load import LoadedPolicy, load_policy

TODAY = date(2026, 11, 21)

CONNECTIONS = """\
version: 1
directories:
  corp: {kind: ldif, file: people.ldif}
targets:
  roster: {kind: sql, directory: corp, roles: [viewer, editor, owner], url: sqlite:///team.db}
  gitlab: {kind: gitlab, directory: corp, url: "https://gitlab.example.com", token: {env: GITLAB_TOKEN}}
"""
"""The first six lines of most test policies."""


def load(folder: Path, text: str | Mapping[str, str], today: date = TODAY) -> LoadedPolicy:
    """Write the files to `folder` and load it; a text alone becomes ``policy.yaml``."""
    for name, content in ({"policy.yaml": text} if isinstance(text, str) else text).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8", newline="")
    return load_policy(str(folder), today)


def refused(folder: Path, text: str | Mapping[str, str], today: date = TODAY) -> tuple[Diagnostic, ...]:
    """Return the problems of a policy that must not load."""
    with pytest.raises(PolicyError) as caught:
        load(folder, text, today)
    return tuple(problem for problem in caught.value.problems if isinstance(problem, Diagnostic))


def codes(folder: Path, text: str | Mapping[str, str]) -> list[str]:
    """Return ``line:column CODE`` of every problem, by place."""
    return [brief(problem) for problem in refused(folder, text)]


def brief(found: Diagnostic) -> str:
    """Return ``line:column CODE``, or the code alone where there is no place."""
    place = f"{found.where.line}:{found.where.column} " if found.where else ""
    return f"{place}{found.code}"


def only(folder: Path, text: str | Mapping[str, str]) -> Diagnostic:
    """Return the one problem of a policy."""
    (problem,) = refused(folder, text)
    return problem
