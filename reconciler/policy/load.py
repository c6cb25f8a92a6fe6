"""Turn a policy folder into a valid Policy, or raise every problem in it at once; reaches no directory and no target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath

from reconciler.errors import PolicyError
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.text import printable
from reconciler.policy.applying import apply_rules
from reconciler.policy.brought import brought_kinds
from reconciler.policy.connections import directories, targets
from reconciler.policy.expected import expectations
from reconciler.policy.files import (
    MAX_FOLDER,
    MEBIBYTE,
    PolicyFile,
    Unusable,
    decoded,
    digest_of,
    find_files,
    problem,
    read_file,
)
from reconciler.policy.findings import Findings, by_place, error_of
from reconciler.policy.limits import guards, naming, protections, waivers
from reconciler.policy.lint import lint
from reconciler.policy.merge import Sections, check_references, mergeable, merged, without_broken
from reconciler.policy.model import Policy
from reconciler.policy.rules import Reading, groups, imports
from reconciler.policy.schema import check_schema
from reconciler.policy.source import MAX_VALUES, Source, read_source
from reconciler.policy.store import state


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A valid policy and what was found in it that does not stop a run, sorted by place; `lines` are those of each file."""

    policy: Policy
    warnings: tuple[Diagnostic, ...] = ()
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)


def load_policy(path: str, today: date, added: PolicyFile | None = None) -> LoadedPolicy:
    """Return the policy that a folder, or one file, holds; `today` decides what is past, `added` is one more file of it.

    Raises PolicyError with all problems, sorted by path, line and column.
    """
    findings = Findings()
    texts = _texts(path, added, findings)
    whole = not findings.problems
    sources = _sources(texts, findings)
    policy = None
    if whole and mergeable(sources):
        policy = _policy(path, [file for file, _ in texts], merged(sources, findings), today, findings)
    if policy is None or findings.problems:
        raise error_of(findings)
    return LoadedPolicy(policy, by_place(findings.warnings), {source.path: source.lines for source in sources})


def _texts(path: str, added: PolicyFile | None, findings: Findings) -> list[tuple[PolicyFile, str]]:
    """Return every file with its text; what cannot be read or is too much is a problem, and then something is left out."""
    try:
        files, problems = find_files(path)
    except Unusable as error:
        raise PolicyError([error.problem]) from None
    findings.problems.extend(problems)
    texts, size = [], 0
    for file in [*map(read_file, files), *([added] if added else [])]:
        if isinstance(file, Diagnostic):
            findings.problems.append(file)
            continue
        size += len(file.content)
        if size > MAX_FOLDER:
            message = f"The policy has more than {MAX_FOLDER // MEBIBYTE} MiB from this file on. Name the right folder."
            findings.problems.append(problem(file, "POLICY-TOO-LARGE", message))
            break
        text = decoded(file)
        if isinstance(text, Diagnostic):
            findings.problems.append(text)
        else:
            texts.append((file, text))
    return texts


def _sources(texts: Sequence[tuple[PolicyFile, str]], findings: Findings) -> list[Source]:
    """Return every file as data, held against the schema and free of what no policy may hold, or with problems."""
    sources, budget, kinds = [], MAX_VALUES, brought_kinds()
    for file, text in texts:
        source = read_source(text, file.shown, file.folder, budget=budget)
        budget -= source.values
        findings.problems.extend(source.problems)
        if source.readable:
            source = without_broken(source, check_schema(source, kinds, findings))
            lint(source, findings)
        sources.append(source)
    return sources


def _policy(path: str, files: Sequence[PolicyFile], sections: Sections, today: date, findings: Findings) -> Policy:
    """Return what the sections mean; whatever is wrong is in the findings, and then the value is not to be used."""
    check_references(sections, findings)
    known_directories, known_targets = directories(sections, findings), targets(sections, findings)
    reading = Reading(known_targets, today, findings)
    return Policy(
        root=printable(PurePath(path).as_posix()),
        digest=digest_of(files),
        files=tuple(file.shown for file in files),
        directories=known_directories,
        targets=known_targets,
        groups=groups(sections, reading),
        imports=imports(sections, reading),
        naming=naming(sections, known_targets, findings),
        protected=protections(sections, known_targets, findings),
        guards=guards(sections, known_targets),
        waivers=waivers(sections, reading),
        expect=expectations(sections, reading),
        apply=apply_rules(sections),
        state=state(sections, findings),
    )
