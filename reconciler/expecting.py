"""Judge the policy's own tests, each by the directory that it is about; asks no target for its live state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Literal

from reconciler.desired.build import Desired, desire, rules_for
from reconciler.desired.expectations import Verdict, verdict
from reconciler.desired.links import Directory
from reconciler.directory.sources import Reading, read_directories
from reconciler.model.access import Capabilities
from reconciler.pipeline import Run
from reconciler.policy.model import Canary, DirectoryConfig, Policy
from reconciler.targets.registry import opened


def check_expectations(run: Run) -> tuple[Verdict, ...]:
    """Return what became of each of the policy's tests, in their order.

    Directories are read whole, because that somebody lacks something rests on absence. A test that names a file is judged by
    that, the others by the target's directory or the snapshot that stands in for it. Raises DirectoryError as a plan does.
    """
    files = sorted({expectation.directory for expectation in run.policy.expect})
    wanted = {file: _wanted(run, file) for file in files}
    found = []
    for expectation in run.policy.expect:
        desired, capabilities = wanted[expectation.directory][expectation.target]
        found.append(verdict(expectation, desired, capabilities))
    return tuple(found)


def _wanted(run: Run, file: str) -> Mapping[str, tuple[Desired, Capabilities]]:
    """Return what should be in each target that tests with this directory file are about; an empty one is the target's own."""
    names = sorted({one.target for one in run.policy.expect if one.directory == file})
    policy = _reading_from(file, run.policy) if file else run.policy
    how = Reading(run.now, whole=True, observer=run.observer)
    targets = [policy.targets[name] for name in names]
    snapshots = read_directories(policy, targets, () if file else run.snapshots, how)
    directories = {name: Directory(snapshot) for name, snapshot in snapshots.items()}
    found = {}
    for target in targets:
        with opened(target) as app:
            desired = desire(rules_for(policy, target.name), directories[target.directory], app.capabilities, run.today)
            found[target.name] = desired, app.capabilities
    return found


def _reading_from(file: str, policy: Policy) -> Policy:
    """Return the policy with every directory read from a file: that one is made up, so no canary has to be in it."""
    return replace(policy, directories={name: _from_file(file, config) for name, config in policy.directories.items()})


def _from_file(file: str, config: DirectoryConfig) -> DirectoryConfig:
    kind: Literal["ldif", "snapshot"] = "ldif" if PurePath(file).suffix.lower() == ".ldif" else "snapshot"
    return replace(config, kind=kind, file=file, canary=Canary(), incremental=None)
