"""Gather reduced entries as pages arrive and build the snapshot from them; pure, never reads anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from reconciler.directory.assembly import Assembly
from reconciler.directory.claims import Claimed, MemberOf, PrimaryGroups, under_any
from reconciler.directory.entries import PLAIN, EntryReader, Traits
from reconciler.directory.findings import about_foreign_members, about_logins
from reconciler.directory.members import NOBODY, Held, Members, Places, key_of
from reconciler.directory.pages import RawAttributes
from reconciler.directory.snapshot_codec import digest_of
from reconciler.errors import ReadIncomplete
from reconciler.model.access import STABLE_ID_MISSING
from reconciler.model.directory import Dialect, DirectoryGroup, Needs, Person, Readability, ReadWith, Snapshot
from reconciler.model.names import DnKey, rdn_values
from reconciler.model.schema import DirectorySchema, restrict
from reconciler.model.text import shortened

_Entry = TypeVar("_Entry", Person, DirectoryGroup)


@dataclass(frozen=True, slots=True)
class Origin:
    """Which directory a snapshot is of, where it was read, when (ISO 8601 UTC), and what of it."""

    directory: str
    source: str
    read_at: str
    read_with: ReadWith
    dialect: Dialect = "openldap"


def moment_of(read_at: str) -> datetime:
    """Return the time of a read as a value; a text without a zone is UTC."""
    moment = datetime.fromisoformat(read_at)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Reduction:
    """Takes raw entries one by one and keeps people, groups, and member lists as small integers."""

    def __init__(self, needs: Needs, schema: DirectorySchema, moment: datetime, traits: Traits = PLAIN) -> None:
        """`moment` (UTC) decides about accounts that end by a date."""
        self._schema = schema
        self._used = needs.person | needs.group
        self._person_reader = EntryReader(needs.person, schema, moment, traits)
        self._group_reader = EntryReader(needs.group, schema, moment, traits)
        self._primary = PrimaryGroups()
        self._claims = MemberOf()
        self._silent: set[DnKey] = set()
        self._searches: dict[DnKey, Sequence[bytes]] = {}
        self._people: dict[DnKey, Person] = {}
        self._groups: dict[DnKey, tuple[DirectoryGroup, Held]] = {}
        self._members = Members()
        self._written: dict[bytes, DnKey] = {}
        self._logins: dict[bytes, list[DnKey]] = {}

    def add_person(self, dn: bytes, raw: RawAttributes) -> None:
        """Take an entry that the user filter selects; raises ReadIncomplete if it came before."""
        key, person, uids, primary, claimed = self._person_reader.person(dn, raw)
        if key in self._people:
            _refuse_second(person.dn)
        self._people[key] = person
        self._written[dn] = key
        for uid in uids:
            self._logins.setdefault(uid, []).append(key)
        if primary:
            self._primary.add_person(key, primary)
        if claimed:
            self._claims.add(key, claimed)

    def add_group(self, dn: bytes, raw: RawAttributes) -> None:
        """Take an entry that the group filter selects, after all people: if it came as one, it is one no longer."""
        found = self._group_reader.group(dn, raw)
        key = found.key
        if key in self._groups:
            _refuse_second(found.group.dn)
        self._groups[key] = (found.group, self._members.hold(found.members, found.uids))
        self._written[dn] = key
        if found.sid:
            self._primary.add_group(key, found.sid)
        if found.member_of:
            self._claims.add(key, found.member_of)
        if not found.shows:
            self._silent.add(key)
        if found.searched:
            self._searches[key] = found.urls

    @property
    def searches(self) -> Mapping[DnKey, Sequence[bytes]]:
        """The groups whose members a search has yet to find, with the searches as LDAP URLs; none where not asked for."""
        return dict(self._searches)

    def add_members(self, group: DnKey, dns: Iterable[bytes]) -> None:
        """Take what a group's searches found; those of them that are no people or groups of this directory do not count."""
        known = [dn for dn in dns if dn in self._written or self._names_somebody(dn)]
        entry, held = self._groups[group]
        self._groups[group] = (entry, Held(held.dns + self._members.hold(known, ()).dns, held.uids))
        del self._searches[group]

    def unresolved(self) -> list[bytes]:
        """Return the member DNs that name no entry that has come, in the order of their first sight."""
        return [dn for dn in self._members.dns if dn not in self._written and not self._names_somebody(dn)]

    def id_of(self, key: DnKey) -> str:
        """Return the stable id of an entry that has come."""
        return self._groups[key][0].key if key in self._groups else self._people[key].key

    def stable_id(self, dn: bytes, raw: RawAttributes) -> str:
        """Return the stable id that an entry's attributes tell; raises ReadIncomplete for one that cannot be read."""
        return self._person_reader.person(dn, raw).person.key

    def by_id(self) -> Mapping[str, DnKey]:
        """Return all entries that have come, by their stable ids."""
        return {self.id_of(key): key for key in (*self._people, *self._groups)}

    def also_known_as(self, dn: bytes, key: DnKey) -> None:
        """Let a DN name an entry that came under another one: it was renamed while the directory was read."""
        self._written[dn] = key

    def snapshot(self, origin: Origin, warnings: Sequence[str] = ()) -> Snapshot:
        """Return the snapshot of what was taken; where `origin` was read without nested groups, those are left out.

        Raises ReadIncomplete where two entries have one stable id: one of them moved while it was read.
        """
        claimed = self._claims.by_group()
        self._add_unseen(claimed, origin.read_with)
        people = {key: self._people[key] for key in sorted(self._people) if key not in self._groups}
        keys = sorted(self._groups)
        _refuse_shared_ids(people.values())
        _refuse_shared_ids(group for group, _ in self._groups.values())
        logins = {uid: [key for key in holders if key in people] for uid, holders in self._logins.items()}
        places = Places(
            by_key={key: place for place, key in enumerate((*people, *keys))},
            people=len(people),
            end=len(people) + len(keys),
            written=self._written,
            logins=logins,
        )
        assembly = Assembly(
            resolver=self._members.resolver(places),
            primary=self._primary,
            claimed={key: claim for key, claim in claimed.items() if key in self._silent},
            searches=self._searches,
            nested=origin.read_with.nested_groups,
        )
        groups = tuple([assembly.group(key, *self._groups[key]) for key in keys])
        snapshot = Snapshot(
            directory=origin.directory,
            source=origin.source,
            read_at=origin.read_at,
            people=tuple(people.values()),
            groups=groups,
            schema=restrict(self._schema, self._used, self._classes()),
            digest="",
            warnings=(
                *warnings,
                *about_logins(assembly.ambiguous, logins, people),
                *assembly.warnings(),
                *about_foreign_members(groups),
            ),
            read_with=origin.read_with,
            dialect=origin.dialect,
        )
        return replace(snapshot, digest=digest_of(snapshot))

    def _names_somebody(self, dn: bytes) -> bool:
        key = key_of(dn)
        return key in self._people or key in self._groups

    def _add_unseen(self, claimed: Mapping[DnKey, Claimed], read_with: ReadWith) -> None:
        """Add the groups that only memberOf tells of, where no filter of the policy says what a group is."""
        if read_with.group_filter:
            return
        for key, claim in claimed.items():
            if key not in self._groups and key not in self._people and under_any(key, read_with.group_base):
                cn = rdn_values(claim.dn).get("cn", "")
                group = DirectoryGroup(STABLE_ID_MISSING + key, claim.dn, cn, {"cn": (cn,)} if cn else {})
                self._groups[key] = (replace(group, readability=Readability.UNREADABLE), NOBODY)
                self._silent.add(key)

    def _classes(self) -> frozenset[str]:
        return self._person_reader.attributes.classes_kept | self._group_reader.attributes.classes_kept


def _refuse_second(dn: str) -> None:
    raise ReadIncomplete(
        f'entry "{shortened(dn)}" came twice: the directory changed while it was read, or repeats itself'
    )


def _refuse_shared_ids(entries: Iterable[_Entry]) -> None:
    seen: dict[str, str] = {}
    for entry in entries:
        other = seen.setdefault(entry.key, entry.dn)
        if other is not entry.dn:
            raise ReadIncomplete(
                f'entries "{shortened(other)}" and "{shortened(entry.dn)}" have one stable id, {shortened(entry.key)}: '
                "the entry moved while it was read, or was copied with its id"
            )
