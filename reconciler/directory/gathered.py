"""Put entries that came one by one together to a snapshot that tells of some people whole; pure, never reads anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.directory.entries import MEMBER_ATTRIBUTES
from reconciler.directory.members import key_of, without_uid
from reconciler.directory.pages import RawAttributes, RawEntry
from reconciler.directory.reduction import Reduction
from reconciler.directory.sids import foreign
from reconciler.model.names import DnKey, caseless

_MEMBERS = {caseless(name): name for name in MEMBER_ATTRIBUTES}
_NAMES = frozenset(_MEMBERS) - {"memberuid"}
_PLACEHOLDER = b""  # where a class demands a member: names nobody
_ANY = "submember"  # demanded by no class


@dataclass(slots=True)
class Group:
    """One group, and who is known to be in it: by DN, by login. `members` are all, by attribute, where they were read."""

    dn: bytes
    attributes: RawAttributes
    dns: set[bytes] = field(default_factory=set)
    uids: set[bytes] = field(default_factory=set)
    members: Mapping[str, Collection[bytes]] | None = None

    def named(self) -> Iterable[bytes]:
        """Return the DNs of all members, where they were read."""
        return [dn for name, values in (self.members or {}).items() if name in _NAMES for dn in values]


@dataclass(slots=True)
class Gathered:
    """People and groups by canonical DN, each once."""

    people: dict[DnKey, RawEntry] = field(default_factory=dict)
    groups: dict[DnKey, Group] = field(default_factory=dict)

    def take(
        self, entry: RawEntry, dns: Iterable[bytes] = (), uids: Iterable[bytes] = (), *, whole: bool = False
    ) -> None:
        """Take a group that holds these; `whole`: it came with its members."""
        dn, attributes = entry
        key = key_of(dn) or DnKey("")
        kept = {name: values for name, values in attributes.items() if caseless(name) not in _MEMBERS}
        group = self.groups.setdefault(key, Group(dn, kept))
        group.dns.update(dns)
        group.uids.update(uids)
        if whole:
            group.members = _members(attributes)

    def give(self, reduction: Reduction, logins: Collection[bytes]) -> None:
        """Give everything to the reduction, people first; of members only those that are here, or that may be anybody."""
        for dn, attributes in self.people.values():
            reduction.add_person(dn, attributes)
        for group in self.groups.values():
            reduction.add_group(group.dn, {**group.attributes, **self._shown(group, logins)})

    def _shown(self, group: Group, logins: Collection[bytes]) -> RawAttributes:
        """Return member attributes: a placeholder stands for members who are not here, or were not asked for."""
        if group.members is None:
            shown = {name: [_PLACEHOLDER] for name in ("member", "uniqueMember")}
        else:
            shown = {
                _MEMBERS[name]: self._here(values) or [_PLACEHOLDER]
                for name, values in group.members.items()
                if name in _NAMES
            }
        uids = group.uids.union(uid for uid in (group.members or {}).get("memberuid", ()) if uid in logins)
        if uids:
            shown["memberUid"] = sorted(uids)
        if group.dns or (group.members and not uids):
            shown[_ANY] = [*shown.get(_ANY, ()), *sorted(group.dns)] or [_PLACEHOLDER]
        return shown

    def _here(self, values: Iterable[bytes]) -> list[bytes]:
        return [value for value in values if self._is_here(value)]

    def _is_here(self, value: bytes) -> bool:
        key = key_of(value)
        if key in self.people or key in self.groups:
            return True
        stands_for = foreign(value.decode("utf-8", "replace"))
        return stands_for is not None and stands_for.well_known


def _members(attributes: RawAttributes) -> Mapping[str, Collection[bytes]]:
    found: dict[str, Collection[bytes]] = {}
    for name, values in attributes.items():
        if values and caseless(name) in _MEMBERS:
            found[caseless(name)] = [without_uid(value) for value in values]
    return found
