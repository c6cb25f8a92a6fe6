"""What every way of reading changes has in common: whom it can be trusted from, and how entries are read again by their ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from reconciler.directory.client import Client
from reconciler.directory.defaults import wire_text
from reconciler.directory.ground import Ground
from reconciler.directory.ldap_source import pages_of
from reconciler.directory.pages import RawAttributes, RawEntry
from reconciler.directory.replica import Replica
from reconciler.directory.servers import Search
from reconciler.model.filter import Equal, Or
from reconciler.model.names import caseless

_AT_ONCE = 100  # ids in one filter


class Unclear(Exception):
    """What came cannot be trusted: everything has to be read. The text says why."""


class NotOffered(Exception):
    """This server gives no changes to this account. The text says why, as the end of a sentence for the user."""


class ChangeSource(Protocol):
    """One way of reading changes."""

    ids: Ids

    @property
    def cookies(self) -> int:
        """How many cookies it takes."""

    def identity(self) -> Sequence[str]:
        """Return what tells this server's content from any other's; raises NotOffered where nothing does."""

    def content(self, replica: Replica) -> tuple[bytes, ...]:
        """Fill an empty replica with everything, and return the cookies to ask for changes with; raises NotOffered."""

    def changes(self, replica: Replica, cookies: Sequence[bytes]) -> tuple[bytes, ...]:
        """Let the replica follow what has changed, and return the next cookies; raises Unclear or NotOffered."""


@dataclass(frozen=True, slots=True)
class Ids:
    """How entries are told apart: the attribute, its value as 16 bytes, and those as a value in a filter."""

    attribute: str
    read: Callable[[bytes], bytes]
    written: Callable[[bytes], str]

    def of(self, attributes: RawAttributes) -> bytes:
        """Return the id that came with an entry; empty where none did."""
        values = attributes.get(self.attribute) or next(
            (found for name, found in attributes.items() if caseless(name) == caseless(self.attribute)), ()
        )
        try:
            return self.read(values[0]) if len(values) == 1 else b""
        except ValueError:
            return b""

    def filters(self, ids: Collection[bytes]) -> Iterator[str]:
        """Yield filters that together select these entries."""
        wanted = sorted(ids)
        for start in range(0, len(wanted), _AT_ONCE):
            chosen = wanted[start : start + _AT_ONCE]
            yield f"(|{''.join(f'({self.attribute}={self.written(each)})' for each in chosen)})"


def _sixteen(value: bytes) -> bytes:
    return uuid.UUID(bytes=value).bytes


ENTRY_UUID = Ids(
    "entryUUID", lambda value: uuid.UUID(value.decode("ascii")).bytes, lambda each: str(uuid.UUID(bytes=each))
)
OBJECT_GUID = Ids("objectGUID", _sixteen, lambda each: "".join(f"\\{byte:02x}" for byte in each))


def searches_of(ground: Ground) -> tuple[Search, ...]:
    """Return the searches in the order in which a replica counts them."""
    return (*ground.people, *ground.groups)


def new_replica(ground: Ground) -> Replica:
    """Return a replica without content."""
    return Replica([False] * len(ground.people) + [True] * len(ground.groups), ground.schema.canonical)


def entries_by_id(
    client: Client, ground: Ground, search: Search, ids: Ids, wanted: Collection[bytes]
) -> Iterator[tuple[bytes, RawEntry]]:
    """Yield those of the wanted entries that a search still finds, whole, with their ids."""
    for chosen in ids.filters(wanted):
        for page in pages_of(client, ground, replace(search, filter=f"(&{search.filter}{chosen})")):
            for entry in page:
                yield ids.of(entry[1]), entry


def groups_naming(client: Client, ground: Ground, ids: Ids, dns: Sequence[bytes]) -> set[bytes]:
    """Return the ids of the groups that name any of these DNs.

    A server follows a member that moves, or is restored, without saying that the group changed.
    """
    found: set[bytes] = set()
    for start in range(0, len(dns), _AT_ONCE):
        texts = [dn.decode("utf-8", "surrogateescape") for dn in dns[start : start + _AT_ONCE]]
        named = wire_text(Or(tuple(Equal(name, text) for text in texts for name in ("member", "uniqueMember"))))
        for search in ground.groups:
            asked = replace(search, filter=f"(&{search.filter}{named})", attributes=(ids.attribute,))
            found.update(ids.of(attributes) for page in pages_of(client, ground, asked) for _, attributes in page)
    return found


def read_again(client: Client, ground: Ground, replica: Replica, ids: Ids, wanted: Collection[bytes]) -> None:
    """Read groups again that did not come as changed; raises Unclear where one is not where it was."""
    for place, search in enumerate(searches_of(ground)):
        mine = {each for each in wanted if each in replica.searches[place]} if place >= len(ground.people) else set()
        came = set()
        for each, entry in entries_by_id(client, ground, search, ids, mine):
            if entry[0] != replica.dn_of(each):
                raise Unclear("a group moved meanwhile")
            replica.put(place, each, entry)
            came.add(each)
        if came != mine:
            raise Unclear("a group went meanwhile")
