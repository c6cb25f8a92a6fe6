"""Put each group together from everything that says who is in it; pure, never reads anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from reconciler.directory.claims import Claimed, PrimaryGroups
from reconciler.directory.findings import about_claimed_groups, about_dynamic_groups, has_well_known
from reconciler.directory.members import Held, Resolver
from reconciler.model.directory import DirectoryGroup, Readability
from reconciler.model.names import DnKey


@dataclass(slots=True)
class Assembly:
    """Groups one by one, and on the way what was odd about them.

    `claimed` are the groups that show no member and that memberOf tells of, `searches` those whose members a search has yet to find. `ambiguous`
    gathers the logins that name several people.
    """

    resolver: Resolver
    primary: PrimaryGroups
    claimed: Mapping[DnKey, Claimed]
    searches: Collection[DnKey]
    nested: bool
    ambiguous: set[str] = field(default_factory=set)
    _from_claims: list[str] = field(default_factory=list)
    _unsearched: list[str] = field(default_factory=list)

    def group(self, key: DnKey, group: DirectoryGroup, held: Held) -> DirectoryGroup:
        """Return the group with its members.

        It counts as unreadable where a login names two people, where nobody made its search, and where a member stands for
        whoever the system says: then nobody knows whom it means.
        """
        found = self.resolver.found(held, self._primary(key))
        self.ambiguous.update(found.ambiguous)
        whole = DirectoryGroup(  # written out: `replace` would look its fields up for every group
            key=group.key,
            dn=group.dn,
            cn=group.cn,
            attributes=group.attributes,
            people=found.people,
            groups=found.groups,
            dangling=found.dangling,
            readability=group.readability,
        )
        if key in self.claimed:
            whole = self._by_claims(whole, self.claimed[key])
        if key in self.searches:
            self._unsearched.append(group.dn)
        if key in self.searches or found.ambiguous or (found.dangling and has_well_known(whole)):
            whole = replace(whole, readability=Readability.UNREADABLE)
        return whole if self.nested else replace(whole, groups=())

    def warnings(self) -> list[str]:
        """Return what there is to say about the groups."""
        return [*about_dynamic_groups(self._unsearched), *about_claimed_groups(self._from_claims)]

    def _primary(self, key: DnKey) -> list[int]:
        by_key = self.resolver.places.by_key
        return [by_key[person] for person in self.primary.members(key)]

    def _by_claims(self, group: DirectoryGroup, claim: Claimed) -> DirectoryGroup:
        """Where a group shows nobody, who claims to be in it is."""
        places = self.resolver.places
        claimants = [places.by_key[member] for member in claim.members if member in places.by_key]
        everybody = sorted({*claimants, *group.people, *(place + places.people for place in group.groups)})
        self._from_claims.append(group.dn)
        return replace(
            group,
            people=tuple([place for place in everybody if place < places.people]),
            groups=tuple([place - places.people for place in everybody if place >= places.people]),
            readability=Readability.READ,
        )
