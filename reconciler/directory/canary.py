"""Tell an account that lost its rights to read from people who left: what the policy calls a canary must be seen; pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.errors import ReadIncomplete
from reconciler.model.directory import DirectoryGroup, Readability, Snapshot
from reconciler.model.names import dn_key
from reconciler.model.text import shortened
from reconciler.policy.model import Canary, DirectoryConfig

_NAMED = 5


def check_canary(config: DirectoryConfig, snapshot: Snapshot) -> None:
    """Raise ReadIncomplete where something is not seen that always is: then nothing that is absent has left."""
    missing = list(_missing(config.canary, snapshot))
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise ReadIncomplete(
            f'{config.where}: directory "{config.name}": {"; ".join(missing[:_NAMED])}{more}. What is not seen may only be '
            "hidden: has the account that reads lost rights? Where it has not, correct the canary in the policy."
        )


def _missing(canary: Canary, snapshot: Snapshot) -> Iterator[str]:
    if len(snapshot.people) < canary.min_people:
        yield f"canary.min_people is {canary.min_people}, and {len(snapshot.people)} people were seen"
    if len(snapshot.groups) < canary.min_groups:
        yield f"canary.min_groups is {canary.min_groups}, and {len(snapshot.groups)} groups were seen"
    people = {dn_key(person.dn) for person in snapshot.people} if canary.people else set()
    yield from (
        f'the canary "{shortened(dn)}" is not among the people' for dn in canary.people if dn_key(dn) not in people
    )
    groups = {dn_key(group.dn): group for group in snapshot.groups} if canary.groups else {}
    for dn in canary.groups:
        yield from _group_missing(dn, groups.get(dn_key(dn)))


def _group_missing(dn: str, group: DirectoryGroup | None) -> Iterator[str]:
    if group is None:
        yield f'the canary "{shortened(dn)}" is not among the groups'
    elif group.readability is not Readability.READ or not (group.people or group.groups):
        yield f'the canary group "{shortened(dn)}" shows no members'
