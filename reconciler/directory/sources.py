"""Read every directory that some targets need, each once, from its servers or from a snapshot file that stands in for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from reconciler.directory.observer import SILENT, Observer
from reconciler.directory.read import read_directory, snapshot_head
from reconciler.directory.selection import KEYS
from reconciler.errors import UsageError
from reconciler.model.directory import Needs, Snapshot
from reconciler.policy.model import DirectoryConfig, Policy, TargetConfig
from reconciler.policy.needs import needs_of


@dataclass(frozen=True, slots=True)
class Reading:
    """How reads are made: `now` in ISO 8601 UTC; `whole`: nothing comes from a cache, so that absence is proven."""

    now: str
    whole: bool = False
    observer: Observer = SILENT


def read_directories(
    policy: Policy, targets: Collection[TargetConfig], snapshot_files: Collection[str], how: Reading
) -> dict[str, Snapshot]:
    """Return a complete snapshot by directory name. Raises DirectoryError for any read that is not proven complete.

    Raises UsageError for a snapshot file of a directory that the policy does not have.
    """
    snapshots = {}
    for config, needs in chosen(policy, targets, snapshot_files):
        snapshots[config.name] = read_directory(config, needs, how.now, whole=how.whole, observer=how.observer)
    return snapshots


def chosen(
    policy: Policy, targets: Collection[TargetConfig], snapshot_files: Collection[str]
) -> Iterator[tuple[DirectoryConfig, Needs]]:
    """Yield the directories that the targets read from, by name, as they are to be read; raises UsageError as above."""
    stand_ins = {snapshot_head(path).directory: path for path in snapshot_files}
    for name, path in sorted(stand_ins.items()):
        if name not in policy.directories:
            raise UsageError(f'{path} was taken from "{name}", which is no directory of this policy.')
    for name in sorted({target.directory for target in targets}):
        config = policy.directories[name]
        if name in stand_ins:
            config = _standing_in(config, stand_ins[name])
        config = _settled(config)
        yield config, needs_of(policy, config, targets)


def read_for_snapshot(policy: Policy, name: str, how: Reading) -> tuple[Snapshot, Needs]:
    """Return a complete read of one directory, never from a cache, with the attributes that all targets together need of it."""
    config = _settled(policy.directories[name])
    needs = needs_of(policy, config, policy.targets.values())
    return read_directory(config, needs, how.now, whole=True, observer=how.observer), needs


def _settled(config: DirectoryConfig) -> DirectoryConfig:
    """Return the directory with its dialect, where that is known before anything is read: a server tells it later."""
    if config.dialect != "auto":
        return config
    match config.kind:
        case "snapshot":
            return replace(config, dialect=snapshot_head(config.file).dialect)
        case "ldif":
            return replace(config, dialect="openldap")
        case _:
            return config


def _standing_in(config: DirectoryConfig, file: str) -> DirectoryConfig:
    """Return the file in place of the directory: it must have been read as the policy says or leaves to the defaults.

    A policy that names a snapshot itself decides only by the keys that it sets.
    """
    explicit = config.explicit if config.kind == "snapshot" else KEYS
    return replace(config, kind="snapshot", file=file, explicit=explicit)
