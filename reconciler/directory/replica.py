"""Hold what searches found, members by the stable id of whom they named, and take changes to it; pure, never reads anything.

A group keeps a member that somebody was when the group was read by that entry's id, and by the text of its DN only where
it named nobody. So a member that is renamed stays one, one that is gone is gone, and who comes later under the same DN has
no part in it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.directory.ber import EntryDecoder
from reconciler.directory.claims import under_any
from reconciler.directory.members import key_of, without_uid
from reconciler.directory.pages import RawEntry
from reconciler.directory.tlv import entry as encoded_entry
from reconciler.model.names import DnKey

TEXT = 1 << 31
"""From here on a number is the place of a text, below it that of an entry."""

_BY_DN = frozenset({"member", "uniquemember", "submember"})

_FEW = 100


class Named(NamedTuple):
    """The values of one member attribute, in order, as numbers; `texts` are those that named nobody."""

    attribute: str
    numbers: array[int]
    texts: list[bytes]


class Kept(NamedTuple):
    """One entry as a search found it: a SearchResultEntry without the member attributes, and those."""

    dn: bytes
    entry: bytes
    members: tuple[Named, ...] = ()


class Replica:
    """What each of some searches found, by the 16 bytes of the entry's id; `groups` tells which of them look for groups.

    `containers` are the entries above those that were found, by id: where one of them moves, so does all below it.
    `again` are groups to be looked at once more, the next time.
    """

    def __init__(self, groups: Sequence[bool], canonical: Callable[[str], str]) -> None:
        """`canonical` is the schema's: it knows an attribute by all its names."""
        self.searches: list[dict[bytes, Kept]] = [{} for _ in groups]
        self.containers: dict[bytes, bytes] = {}
        self.again: set[bytes] = set()
        self._groups = groups
        self._canonical = canonical
        self._ids: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._dns: list[bytes | None] = []
        self._written: dict[bytes, int] = {}
        self._before: dict[bytes, bytes | None] | None = None
        self._fresh: set[tuple[int, bytes]] = set()
        self._by_dn: dict[str, str] = {}

    @property
    def ids(self) -> Sequence[bytes]:
        """The ids in the order of their numbers."""
        return self._ids

    @property
    def changed(self) -> bool:
        """Whether anything was put or dropped since `expect_changes`."""
        return bool(self._before)

    def expect_changes(self) -> None:
        """End building: what is put or dropped from now on is a change."""
        self._before = {}

    def dn_of(self, uuid: bytes) -> bytes | None:
        """Return where an entry is now; None where it is in no search."""
        place = self._numbers.get(uuid)
        return None if place is None else self._dns[place]

    def put(self, place: int, uuid: bytes, entry: RawEntry) -> None:
        """Take an entry as it is now, in place of what was known of it."""
        dn, attributes = entry
        self._touch(uuid)
        self._number(uuid, dn)
        if self._before is None:
            self._written[dn] = self._numbers[uuid]
        if not self._groups[place]:
            self.searches[place][uuid] = Kept(dn, encoded_entry(dn, attributes))
            return
        find = self._written.get if self._before is None else _nobody  # of changes, all have to be known first
        others = {name: values for name, values in attributes.items() if not self._member_attribute(name)}
        members = tuple(
            _named(name, self._names(name, values), find) for name, values in attributes.items() if name not in others
        )
        self.searches[place][uuid] = Kept(dn, encoded_entry(dn, others), members)
        self._fresh.add((place, uuid))

    def keep(self, place: int, uuid: bytes, kept: Kept) -> None:
        """Take an entry out of a cache, its members numbered in the order in which entries are kept."""
        self._number(uuid, kept.dn)
        self.searches[place][uuid] = kept

    def drop(self, place: int, uuid: bytes) -> None:
        """Forget an entry that a search finds no longer, if it was known."""
        if uuid not in self.searches[place]:
            return
        self._touch(uuid)
        del self.searches[place][uuid]
        self._fresh.discard((place, uuid))
        if not any(uuid in search for search in self.searches):
            self._dns[self._numbers[uuid]] = None

    def came(self) -> list[bytes]:
        """Return the DNs where somebody is now who was not there."""
        now = [(self.dn_of(uuid), old) for uuid, old in (self._before or {}).items()]
        return [dn for dn, old in now if dn is not None and dn != old]

    def doubtful(self, again: Collection[bytes] = ()) -> set[bytes]:
        """Return the groups that did not come, but name somebody who went or moved, or somewhere that somebody came to.

        `again` are those to be looked at whatever they name.

        Servers take names out of groups, or follow renamings, without saying that the groups changed.
        """
        went = frozenset(self._numbers[uuid] for uuid in self._gone())
        came = set(map(key_of, self.came()))
        known = {uuid for _, uuid in self._fresh}
        return {
            uuid
            for uuid, kept in self._all_groups()
            if uuid not in known and (uuid in again or any(_concerns(named, went, came) for named in kept.members))
        }

    def settle(self, bases: Iterable[str], again: Collection[bytes] = ()) -> None:
        """Find out whom the groups that came name, now that everybody is known; `bases` are those of the searches.

        A name that somebody left during the same changes may still stand in a group, and somebody else may have it by now:
        then it names neither. A server may be about to change what names somebody who left or came, without saying so: such
        groups are to be looked at again. So are those, once, that name nobody: `again` are those that were looked at again.
        """
        left = {key for uuid in self._gone() if (key := key_of((self._before or {})[uuid] or b""))}
        came = {
            self._numbers[uuid] for uuid, old in (self._before or {}).items() if self.dn_of(uuid) not in {None, old}
        }
        by_key, places = _Keys(self._dns), tuple(bases)
        dangling: set[bytes] = set()
        self.again.clear()
        for place, uuid in sorted(self._fresh):
            kept = self.searches[place][uuid]
            members = tuple(_settled(named, by_key, left) for named in kept.members)
            self.searches[place][uuid] = kept._replace(members=members)
            if any(
                not came.isdisjoint(named.numbers) or any(key_of(text) in left for text in named.texts)
                for named in members
            ):
                self.again.add(uuid)
            if any(map(_shortened, members, kept.members)):
                self.again.add(uuid)
            if len(dangling) <= _FEW and any(_dangles(named, places) for named in members):
                dangling.add(uuid)
        if len(dangling) <= _FEW:
            self.again |= dangling - set(again)
        self._fresh.clear()

    def entries(self, place: int) -> Iterator[RawEntry]:
        """Yield what a search found as the server would send it, each member by the DN that it has now."""
        decoder, dns = EntryDecoder(), self._dns
        for kept in self.searches[place].values():
            dn, attributes = decoder.entry(kept.entry, 0, len(kept.entry))
            for name, numbers, texts in kept.members:
                found = [dns[each] if each < TEXT else texts[each - TEXT] for each in numbers]
                attributes[name] = [value for value in found if value is not None]
            yield dn, attributes

    def _all_groups(self) -> Iterator[tuple[bytes, Kept]]:
        for search, is_groups in zip(self.searches, self._groups, strict=True):
            if is_groups:
                yield from search.items()

    def _gone(self) -> list[bytes]:
        """Return who is no longer where it was."""
        return [uuid for uuid, old in (self._before or {}).items() if old is not None and self.dn_of(uuid) != old]

    def _touch(self, uuid: bytes) -> None:
        if self._before is not None:
            self._before.setdefault(uuid, self.dn_of(uuid))

    def _number(self, uuid: bytes, dn: bytes) -> None:
        place = self._numbers.setdefault(uuid, len(self._ids))
        if place == len(self._ids):
            self._ids.append(uuid)
            self._dns.append(dn)
        self._dns[place] = dn

    def _member_attribute(self, description: str) -> str:
        """Return the plain name of an attribute that names members by DN, else nothing."""
        if description not in self._by_dn:
            name = self._canonical(description)
            self._by_dn[description] = name if name in _BY_DN else ""
        return self._by_dn[description]

    def _names(self, description: str, values: Sequence[bytes]) -> Sequence[bytes]:
        """Return DNs alone: a value of uniqueMember may carry a UID behind it."""
        if self._member_attribute(description) != "uniquemember":
            return values
        return list(map(without_uid, values))


class _Keys:
    """Entries by the canonical form of their DNs, which is worked out only where somebody asks."""

    def __init__(self, dns: Sequence[bytes | None]) -> None:
        self._dns = dns
        self._found: Mapping[DnKey | None, int] | None = None

    def at(self, key: DnKey | None) -> int | None:
        """Return who has a DN."""
        if self._found is None:
            self._found = {key_of(dn): place for place, dn in enumerate(self._dns) if dn is not None}
        return self._found.get(key)


def _nobody(_: bytes) -> None:
    return None


def _named(attribute: str, values: Iterable[bytes], find: Callable[[bytes], int | None]) -> Named:
    found = ((value, find(value)) for value in values)
    return _renamed(attribute, [value if place is None else place for value, place in found])


def _renamed(attribute: str, values: Iterable[bytes | int]) -> Named:
    numbers, texts = array("I"), list[bytes]()
    for value in values:
        if isinstance(value, int):
            numbers.append(value)
        else:
            numbers.append(TEXT + len(texts))
            texts.append(value)
    return Named(attribute, numbers, texts)


def _values(named: Named) -> list[bytes | int]:
    return [each if each < TEXT else named.texts[each - TEXT] for each in named.numbers]


def _settled(named: Named, by_key: _Keys, left: Collection[DnKey]) -> Named:
    """Return the values by whom they name, without the names that somebody left and somebody else has now."""
    if not named.texts:
        return named
    values: list[bytes | int] = []
    for value in _values(named):
        key = None if isinstance(value, int) else key_of(value)
        found = by_key.at(key)
        if found is None:
            values.append(value)
        elif key not in left:
            values.append(found)
    return _renamed(named.attribute, values)


def _dangles(named: Named, bases: Iterable[str]) -> bool:
    """Tell whether there is a name of nobody where people and groups are."""
    return any((key := key_of(text)) and under_any(key, bases) for text in named.texts)


def _shortened(have: Named, had: Named) -> bool:
    return len(have.numbers) < len(had.numbers)


def _concerns(named: Named, went: frozenset[int], came: Collection[DnKey | None]) -> bool:
    if went and not went.isdisjoint(named.numbers):
        return True
    return bool(came) and any(key_of(text) in came for text in named.texts)
