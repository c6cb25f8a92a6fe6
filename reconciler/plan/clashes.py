"""Name the people of two directories who would be one account in one application; pure.

Each directory's people are planned by themselves, so neither plan alone shows that both make the same account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from reconciler.model.change import CreateUser
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.names import login_key
from reconciler.model.plan import TargetPlan


def with_clashes(sections: Sequence[TargetPlan]) -> tuple[TargetPlan, ...]:
    """Return the sections, each with an error for every account that one of another directory makes at the same place."""
    makers: defaultdict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for section in sections:
        for name in _made(section):
            makers[section.kind, section.address, login_key(name)].setdefault(section.directory, name)
    return tuple(
        replace(section, diagnostics=(*section.diagnostics, *found))
        if (found := _clashes(section, makers))
        else section
        for section in sections
    )


def _made(section: TargetPlan) -> list[str]:
    return [change.user.username for change in section.changes if isinstance(change, CreateUser)]


def _clashes(section: TargetPlan, makers: dict[tuple[str, str, str], dict[str, str]]) -> list[Diagnostic]:
    findings = []
    for name in _made(section):
        others = [
            directory
            for directory in sorted(makers[section.kind, section.address, login_key(name)])
            if directory != section.directory
        ]
        if others:
            findings.append(
                Diagnostic(
                    Severity.ERROR,
                    "DIRECTORY-CLASH",
                    f'"{name}" would be made for somebody of {section.directory} and for somebody of {", ".join(others)}.',
                    "One account cannot be two people: give one of them another username, with users.username of a target.",
                    subject=name,
                )
            )
    return findings
