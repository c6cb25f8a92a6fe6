"""Read one directory completely, whatever kind it is, or raise; never returns a part of one."""

from __future__ import annotations

from typing import assert_never

from reconciler.directory.canary import check_canary
from reconciler.directory.ldif_source import read_ldif
from reconciler.directory.observer import SILENT, Observer
from reconciler.directory.selection import differences, read_with
from reconciler.directory.snapshot_file import read_snapshot, snapshot_head, write_snapshot
from reconciler.errors import DirectoryUnreachable, ReadIncomplete
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig

__all__ = ["read_directory", "snapshot_head", "write_snapshot"]


def read_directory(
    config: DirectoryConfig, needs: Needs, read_at: str, *, whole: bool = False, observer: Observer = SILENT
) -> Snapshot:
    """Return a complete snapshot with just the attributes of `needs`; `read_at` is now, in ISO 8601 UTC.

    `whole`: everything is read, whatever a cache holds. The `observer` is told of every search. Raises DirectoryUnreachable where nothing could be read,
    ReadIncomplete where the end of a read was not proven, or where what the policy calls a canary was not seen.
    """
    try:
        snapshot = _read(config, needs, read_at, whole=whole, observer=observer)
    finally:
        observer.finished()
    check_canary(config, snapshot)
    return snapshot


def _read(config: DirectoryConfig, needs: Needs, read_at: str, *, whole: bool, observer: Observer) -> Snapshot:
    match config.kind:
        case "ldap":
            from reconciler.directory.ldap_source import read_ldap  # noqa: PLC0415 - ldap3 takes 0.08 s to import

            return read_ldap(config, needs, read_at, whole=whole, observer=observer)
        case "ldif":
            return read_ldif(config, needs, read_at)
        case "snapshot":
            return _read_saved(config, needs)
        case "c1z":
            raise DirectoryUnreachable(
                f'{config.where}: directory "{config.name}": this version cannot read c1z files; use kind ldap, ldif or snapshot'
            )
        case _:
            assert_never(config.kind)


def _read_saved(config: DirectoryConfig, needs: Needs) -> Snapshot:
    """A snapshot serves only the directory that it was taken from, read as the policy says, and with all that it names."""
    snapshot, held = read_snapshot(config.file)
    where = f'{config.where}: directory "{config.name}": {config.file}'
    if snapshot.directory != config.name:
        raise ReadIncomplete(f'{where} was taken from another directory, "{shortened(snapshot.directory)}"')
    otherwise = "; ".join(differences(read_with(config), snapshot.read_with, config.explicit))
    if config.dialect not in {"auto", snapshot.dialect}:
        otherwise = "; ".join(filter(None, (otherwise, f"dialect is {config.dialect} and was {snapshot.dialect}")))
    if otherwise:
        raise ReadIncomplete(
            f"{where} was read otherwise than this policy says: {otherwise}; take the snapshot again with this policy"
        )
    canonical = snapshot.schema.canonical
    for kind, wanted, there in (("person", needs.person, held.person), ("group", needs.group, held.group)):
        known = set(map(canonical, there))
        missing = sorted(name for name in wanted if canonical(name) not in known)
        if missing:
            raise ReadIncomplete(
                f"{where} was taken for another policy: it does not hold the {kind} attributes that this one names "
                f"({shortened(', '.join(missing))}); take the snapshot again with this policy"
            )
    return snapshot
