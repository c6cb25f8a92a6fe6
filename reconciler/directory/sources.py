"""Read every directory that some targets need, each once, from its servers or from a snapshot file that stands in for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from reconciler.directory.read import read_directory, snapshot_directory
from reconciler.directory.selection import KEYS
from reconciler.errors import UsageError
from reconciler.model.directory import Needs, Snapshot
from reconciler.policy.model import DirectoryConfig, Policy, TargetConfig
from reconciler.policy.needs import needs_of


def read_directories(
    policy: Policy, targets: Collection[TargetConfig], snapshot_files: Collection[str], now: str
) -> dict[str, Snapshot]:
    """Return a complete snapshot by directory name. Raises DirectoryError for any read that is not proven complete.

    Raises UsageError for a snapshot file of a directory that the policy does not have.
    """
    stand_ins = {snapshot_directory(path): path for path in snapshot_files}
    for name, path in sorted(stand_ins.items()):
        if name not in policy.directories:
            raise UsageError(f'{path} was taken from "{name}", which is no directory of this policy.')
    snapshots = {}
    for name in sorted({target.directory for target in targets}):
        config = policy.directories[name]
        needs = needs_of(policy, config, targets)
        if name in stand_ins:
            config = _standing_in(config, stand_ins[name])
        snapshots[name] = read_directory(config, needs, now)
    return snapshots


def read_for_snapshot(policy: Policy, name: str, now: str) -> tuple[Snapshot, Needs]:
    """Return a complete read of one directory, with the attributes that all targets together need of it."""
    config = policy.directories[name]
    needs = needs_of(policy, config, policy.targets.values())
    return read_directory(config, needs, now), needs


def _standing_in(config: DirectoryConfig, file: str) -> DirectoryConfig:
    """Return the file in place of the directory: it must have been read as the policy says or leaves to the defaults.

    A policy that names a snapshot itself decides only by the keys that it sets.
    """
    explicit = config.explicit if config.kind == "snapshot" else KEYS
    return replace(config, kind="snapshot", file=file, explicit=explicit)
