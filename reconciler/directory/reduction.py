"""Gather reduced entries as pages arrive and build the snapshot from them; pure, never reads anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from reconciler.directory.entries import EntryReader
from reconciler.directory.members import Found, Held, Members, Places
from reconciler.directory.pages import RawAttributes
from reconciler.directory.snapshot_codec import digest_of
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Dialect, DirectoryGroup, Needs, Person, Readability, ReadWith, Snapshot
from reconciler.model.names import DnKey
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

    def __init__(self, needs: Needs, schema: DirectorySchema, moment: datetime) -> None:
        """`moment` (UTC) decides about accounts that end by a date."""
        self._schema = schema
        self._used = needs.person | needs.group
        self._person_reader = EntryReader(needs.person, schema, moment)
        self._group_reader = EntryReader(needs.group, schema, moment)
        self._people: dict[DnKey, Person] = {}
        self._groups: dict[DnKey, tuple[DirectoryGroup, Held]] = {}
        self._members = Members()
        self._written: dict[bytes, DnKey] = {}
        self._logins: dict[bytes, list[DnKey]] = {}

    def add_person(self, dn: bytes, raw: RawAttributes) -> None:
        """Take an entry that the user filter selects; raises ReadIncomplete if it came before."""
        key, person, uids = self._person_reader.person(dn, raw)
        if key in self._people:
            _refuse_second(person.dn)
        self._people[key] = person
        self._written[dn] = key
        for uid in uids:
            self._logins.setdefault(uid, []).append(key)

    def add_group(self, dn: bytes, raw: RawAttributes) -> None:
        """Take an entry that the group filter selects, after all people: if it came as one, it is one no longer."""
        key, group, members, uids = self._group_reader.group(dn, raw)
        if key in self._groups:
            _refuse_second(group.dn)
        self._groups[key] = (group, self._members.hold(members, uids))
        self._written[dn] = key

    def snapshot(self, origin: Origin, warnings: Sequence[str] = ()) -> Snapshot:
        """Return the snapshot of what was taken; where `origin` was read without nested groups, those are left out.

        Raises ReadIncomplete where two entries have one stable id: one of them moved while it was read.
        """
        people = {key: self._people[key] for key in sorted(self._people) if key not in self._groups}
        keys = sorted(self._groups)
        _refuse_shared_ids(people.values())
        _refuse_shared_ids(group for group, _ in self._groups.values())
        logins = {uid: [key for key in holders if key in people] for uid, holders in self._logins.items()}
        resolver = self._members.resolver(
            Places(
                by_key={key: place for place, key in enumerate((*people, *keys))},
                people=len(people),
                end=len(people) + len(keys),
                written=self._written,
                logins=logins,
            )
        )
        groups: list[DirectoryGroup] = []
        ambiguous: set[str] = set()
        for key in keys:
            group, held = self._groups[key]
            found = resolver.found(held)
            ambiguous.update(found.ambiguous)
            groups.append(_with_members(group, found, nested=origin.read_with.nested_groups))
        snapshot = Snapshot(
            directory=origin.directory,
            source=origin.source,
            read_at=origin.read_at,
            people=tuple(people.values()),
            groups=tuple(groups),
            schema=restrict(self._schema, self._used, self._classes()),
            digest="",
            warnings=(*warnings, *_about_logins(ambiguous, logins, people)),
            read_with=origin.read_with,
            dialect=origin.dialect,
        )
        return replace(snapshot, digest=digest_of(snapshot))

    def _classes(self) -> frozenset[str]:
        return self._person_reader.attributes.classes_kept | self._group_reader.attributes.classes_kept


def _with_members(group: DirectoryGroup, found: Found, *, nested: bool) -> DirectoryGroup:
    """Where a login names two people, nobody knows whom the group means: it is as unreadable as one without rights."""
    return replace(
        group,
        people=found.people,
        groups=found.groups if nested else (),
        dangling=found.dangling,
        readability=Readability.UNREADABLE if found.ambiguous else group.readability,
    )


def _about_logins(
    ambiguous: Iterable[str], logins: Mapping[bytes, Sequence[DnKey]], people: Mapping[DnKey, Person]
) -> list[str]:
    warnings: list[str] = []
    for uid in sorted(ambiguous):
        holders = logins[uid.encode("utf-8", "surrogateescape")]
        named = " and ".join(f'"{shortened(people[key].dn)}"' for key in sorted(holders)[:2])
        warnings.append(
            f'uid "{shortened(uid)}" belongs to {len(holders)} people ({named}): groups that name it by memberUid '
            "count as unreadable"
        )
    return warnings


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
