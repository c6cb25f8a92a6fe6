"""What people and groups say of themselves: primary group and memberOf; pure, never reads anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from reconciler.model.names import DnKey, DnSyntaxError, dn_key, is_under


class Claimed(NamedTuple):
    """A group that entries claim to be in: its DN as the first of them writes it, and who they are."""

    dn: str
    members: list[DnKey]


class PrimaryGroups:
    """Who has which primary group, by SID: Active Directory keeps that membership with the person alone."""

    def __init__(self) -> None:
        """Start with none."""
        self._people: defaultdict[bytes, list[DnKey]] = defaultdict(list)
        self._groups: dict[DnKey, bytes] = {}

    def add_person(self, key: DnKey, sid: bytes) -> None:
        """Note a person's primary group."""
        self._people[sid].append(key)

    def add_group(self, key: DnKey, sid: bytes) -> None:
        """Note a group's own SID."""
        self._groups[key] = sid

    def members(self, group: DnKey) -> Sequence[DnKey]:
        """Return whose primary group that is."""
        sid = self._groups.get(group)
        return self._people.get(sid, ()) if sid else ()


class MemberOf:
    """Who claims to be in which group; counts only where a group itself shows nobody."""

    def __init__(self) -> None:
        """Start with none."""
        self._by_value: defaultdict[bytes, list[DnKey]] = defaultdict(list)

    def add(self, key: DnKey, values: Iterable[bytes]) -> None:
        """Note the groups that an entry names."""
        for value in values:
            self._by_value[value].append(key)

    def by_group(self) -> Mapping[DnKey, Claimed]:
        """Return the groups that are claimed, sorted; a value that is no DN names none."""
        found: dict[DnKey, Claimed] = {}
        for value, members in self._by_value.items():
            try:
                dn = value.decode()
                key = dn_key(dn)
            except (UnicodeDecodeError, DnSyntaxError):
                continue
            found.setdefault(key, Claimed(dn, [])).members.extend(members)
        return {key: found[key] for key in sorted(found)}


def under_any(key: DnKey, bases: Iterable[str]) -> bool:
    """Tell whether an entry lies under one of the bases."""
    return any(is_under(key, dn_key(base)) for base in bases)
