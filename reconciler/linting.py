"""Judge a whole policy for `reconcile validate`: by itself, and by saved directories; asks no server and no target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from reconciler.advice.seen import advise_seen
from reconciler.advice.subject import Subject
from reconciler.advice.written import advise
from reconciler.desired.build import desire, rules_for
from reconciler.desired.links import Directory
from reconciler.directory.read import snapshot_head
from reconciler.directory.sources import Reading, read_directories
from reconciler.errors import TargetError
from reconciler.model.access import Capabilities
from reconciler.model.diagnostic import Diagnostic
from reconciler.policy.excerpt import excerpt
from reconciler.policy.findings import by_place
from reconciler.policy.load import LoadedPolicy
from reconciler.policy.model import GuardLimits, Policy, Protection
from reconciler.targets.registry import opened


@dataclass(frozen=True, slots=True)
class Linting:
    """What the rules are judged by: the day (UTC), the time (ISO 8601 UTC), and snapshot files."""

    today: date
    now: str
    snapshots: tuple[str, ...] = ()


def lint_policy(loaded: LoadedPolicy, how: Linting) -> tuple[Diagnostic, ...]:
    """Return the policy's warnings and what the lint rules find, each once, by place, with the line concerned.

    Raises DirectoryError for a snapshot that cannot be read, UsageError for one of a directory that the policy does not have.
    """
    found = [*loaded.warnings, *_all(loaded.policy, how)]
    seen = dict.fromkeys(_shown(one, loaded.lines) for one in found)
    return by_place(tuple(seen))


def _all(policy: Policy, how: Linting) -> Iterator[Diagnostic]:
    directories = _directories(policy, how)
    for name, target in policy.targets.items():
        subject = _subject(policy, name, how.today)
        written = advise(subject)
        yield from written
        directory = directories.get(target.directory)
        if directory and subject.capabilities:
            yield from _beyond(written, subject, directory, subject.capabilities)


def _beyond(
    written: Sequence[Diagnostic], subject: Subject, directory: Directory, can: Capabilities
) -> Iterator[Diagnostic]:
    """Yield what a directory says against the rules, without what is known of the same place already."""
    want = desire(subject.rules, directory, can, subject.today)
    known = {(one.code, one.where) for one in written}
    for one in advise_seen(subject, directory, want):
        if one.code != "GRANT-ENDED" and (one.code, one.where) not in known:  # the loader has said that one is over
            yield one


def _directories(policy: Policy, how: Linting) -> dict[str, Directory]:
    """Return the saved directories by name; those of which no snapshot is given are not read at all."""
    named = {snapshot_head(path).directory for path in how.snapshots}
    targets = [target for target in policy.targets.values() if target.directory in named]
    snapshots = read_directories(policy, targets, how.snapshots, Reading(how.now, whole=True))
    return {name: Directory(snapshot) for name, snapshot in snapshots.items()}


def _subject(policy: Policy, name: str, today: date) -> Subject:
    return Subject(
        rules_for(policy, name),
        _capabilities(policy, name),
        today,
        policy.protected.get(name, Protection()),
        policy.guards.get(name, GuardLimits()),
        tuple(waiver for waiver in policy.waivers if waiver.target == name and waiver.until >= today),
    )


def _capabilities(policy: Policy, name: str) -> Capabilities | None:
    """Return what a target can hold; None where no adapter for it is installed here, or it refuses its options."""
    try:
        with opened(policy.targets[name]) as app:
            return app.capabilities
    except TargetError:
        return None


def _shown(found: Diagnostic, lines: Mapping[str, Sequence[str]]) -> Diagnostic:
    if found.where is None or found.excerpt or found.where.path not in lines:
        return found
    return replace(found, excerpt=excerpt(lines[found.where.path], found.where))
