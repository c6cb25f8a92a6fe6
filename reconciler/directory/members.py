"""Number member values as they come and find out at the end whom they name; pure, never reads anything."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.model.names import DnKey, DnSyntaxError, dn_key, split_unique_member


class Held(NamedTuple):
    """The members of one group as numbers: 4 bytes each instead of a DN."""

    dns: array[int]
    uids: array[int]


class Found(NamedTuple):
    """Whom a group's members are: places of people and of groups, values that name nobody, logins that name several."""

    people: tuple[int, ...]
    groups: tuple[int, ...]
    dangling: tuple[str, ...]
    ambiguous: tuple[str, ...]


class _Numbers(dict[bytes, int]):
    """Dense integers for names as they are written, in order of first sight."""

    def __missing__(self, name: bytes) -> int:
        number = self[name] = len(self)
        return number


class Members:
    """All member values of one directory, each distinct one held once."""

    def __init__(self) -> None:
        """Start with none."""
        self._dns = _Numbers()
        self._uids = _Numbers()

    @property
    def dns(self) -> Iterable[bytes]:
        """Every distinct DN that some group names, as it is written there."""
        return self._dns

    def hold(self, dns: Iterable[bytes], uids: Iterable[bytes]) -> Held:
        """Number one group's members. An empty DN is a placeholder where a class demands a member, and names nobody."""
        named = filter(None, dns)
        return Held(array("I", map(self._dns.__getitem__, named)), array("I", map(self._uids.__getitem__, uids)))

    def resolver(self, places: Places) -> Resolver:
        """Look every distinct value up once: as it is written, then by canonical DN; logins only as they are written."""
        nobody: list[str] = []

        def place(key: DnKey | None, value: bytes) -> int:
            found = None if key is None else places.by_key.get(key)
            if found is not None:
                return found
            nobody.append(value.decode("utf-8", "surrogateescape"))
            return places.end + len(nobody) - 1

        by_dn = [place(places.written.get(dn) or key_of(dn), dn) for dn in self._dns]
        by_uid: list[int] = []
        ambiguous: set[int] = set()
        for uid in self._uids:
            holders = places.logins.get(uid, ())
            by_uid.append(place(holders[0] if len(holders) == 1 else None, uid))
            if len(holders) > 1:
                ambiguous.add(by_uid[-1])
        return Resolver(places, by_dn, by_uid, nobody, frozenset(ambiguous))


@dataclass(frozen=True, slots=True)
class Places:
    """Where everybody stands: people first, then groups from `people` on; beyond `end` is nobody.

    `written` knows entries by their DN as the directory writes it, `logins` the people of each login.
    """

    by_key: Mapping[DnKey, int]
    people: int
    end: int
    written: Mapping[bytes, DnKey]
    logins: Mapping[bytes, Sequence[DnKey]]


@dataclass(frozen=True, slots=True)
class Resolver:
    """Answers for held members; `by_dn` and `by_uid` give the place of every number."""

    places: Places
    by_dn: Sequence[int]
    by_uid: Sequence[int]
    nobody: Sequence[str]
    ambiguous: frozenset[int]

    def found(self, held: Held, more: Iterable[int] = ()) -> Found:
        """Return whom the members of one group are, each once, in order; `more` are places that are known already."""
        everybody = sorted({*map(self.by_dn.__getitem__, held.dns), *map(self.by_uid.__getitem__, held.uids), *more})
        people_end, groups_end = bisect_left(everybody, self.places.people), bisect_left(everybody, self.places.end)
        nobody = everybody[groups_end:]
        return Found(
            people=tuple(everybody[:people_end]),
            groups=tuple([place - self.places.people for place in everybody[people_end:groups_end]]),
            dangling=self._names(nobody),
            ambiguous=self._names([place for place in nobody if place in self.ambiguous]),
        )

    def _names(self, nobody: Sequence[int]) -> tuple[str, ...]:
        return tuple(sorted({self._name(place) for place in nobody})) if nobody else ()

    def _name(self, place: int) -> str:
        return self.nobody[place - self.places.end]


NOBODY = Held(array("I"), array("I"))


def without_uid(value: bytes) -> bytes:
    """Return the DN of a value of uniqueMember, which may have a UID behind it (RFC 4517 3.3.21)."""
    if not value.endswith(b"'B"):
        return value
    return split_unique_member(value.decode("utf-8", "surrogateescape"))[0].encode("utf-8", "surrogateescape")


def key_of(dn: bytes) -> DnKey | None:
    """Return the canonical key of a member value; None where it is no DN."""
    try:
        return dn_key(dn.decode())
    except (UnicodeDecodeError, DnSyntaxError):
        return None  # a value that is no DN names nobody, and is shown among those that do not
