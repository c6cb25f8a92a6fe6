"""Read changes from Active Directory: DirSync only tells which entries changed, and those are then read as usual.

DirSync knows neither the policy's bases nor, of an entry's past, its filters, and sends the changed attributes alone. It is
asked for every entry of the domain, and what it names is looked up by the policy's own searches: what they do not find is
not there.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.directory.ber import BerError
from reconciler.directory.changes import OBJECT_GUID, NotOffered, Unclear, entries_by_id, searches_of
from reconciler.directory.client import Client
from reconciler.directory.containers import find_containers, unknown_above
from reconciler.directory.controls import Controls, Listener
from reconciler.directory.defaults import filters_of
from reconciler.directory.dirsync_control import OID, reply_of, request
from reconciler.directory.ground import ANY, Ground, base_entry
from reconciler.directory.ldap_source import pages_of
from reconciler.directory.members import key_of
from reconciler.directory.pages import RawEntry, code_text
from reconciler.directory.references import gaps, keys_of
from reconciler.directory.replica import Replica
from reconciler.directory.servers import Search
from reconciler.errors import ReadIncomplete
from reconciler.model.filter import attributes_of
from reconciler.model.names import DnKey, caseless, dn_key, is_under
from reconciler.model.text import shortened

_NO_RIGHT = 50
_NOT_SHOWN = frozenset({0, 32, _NO_RIGHT})  # with these codes and no entry, a server keeps it to itself
_TOO_MANY = 1000  # changed entries: reading all of them is no more
_MAX_ANSWERS = 1_000_000
_ALWAYS = (
    "objectGUID",
    "isDeleted",
    "name",
    "objectClass",
)  # of a deletion nothing is said but to who asks for isDeleted
_CONTAINERS = (
    "(|(objectClass=organizationalUnit)(objectClass=container)(objectClass=builtinDomain)(objectClass=domainDNS)"
    "(objectClass=lostAndFound))"
)


class _Changed(Listener):
    """Notes which entries come, where they are, and which are deleted; keeps nothing else of them."""

    def __init__(self) -> None:
        super().__init__()
        self.there: dict[bytes, bytes] = {}
        self.deleted: set[bytes] = set()
        self.odd = False

    def entry(self, entry: RawEntry, controls: Controls) -> None:  # noqa: ARG002 - entries of DirSync have none
        """Note an entry."""
        dn, attributes = entry
        guid = OBJECT_GUID.of(attributes)
        deleted = any(caseless(name) == "isdeleted" and b"TRUE" in values for name, values in attributes.items())
        self.odd = self.odd or not guid
        if deleted:
            self.deleted.add(guid)
        else:
            self.there[guid] = dn

    def intermediate(self, name: str, value: bytes) -> None:  # noqa: ARG002 - whatever they are
        """DirSync has none, so this could be anything."""
        self.odd = True


class _Ignored(_Changed):
    """Notes nothing: who is about to read everything needs only the cookie."""

    def entry(self, entry: RawEntry, controls: Controls) -> None:
        """Let an entry pass."""


class DirSyncSource:
    """One DirSync search at the root of the domain, with one cookie."""

    ids = OBJECT_GUID
    cookies = 1

    def __init__(self, client: Client, ground: Ground) -> None:
        """Take what is known of the server."""
        self._client = client
        self._ground = ground
        self._searches = searches_of(ground)
        self._root = _text(ground.root.get("defaultnamingcontext", ()))

    def identity(self) -> Sequence[str]:
        """Return which domain controller this is, and which life of its database; raises NotOffered where it does not say.

        A cookie is good at every domain controller, but what it names is then read from one that may be behind another.
        """
        if OID.encode() not in self._ground.root.get("supportedcontrol", ()) or not self._root:
            raise NotOffered("the server does not offer DirSync")
        for search in self._searches:
            if self._context(search.base) != dn_key(self._root):
                raise NotOffered(
                    f'DirSync tells the changes of "{self._root}" alone, not those of "{shortened(search.base)}"'
                )
        service = _text(self._ground.root.get("dsservicename", ()))
        found = [service]
        for base, attribute in ((self._root, "objectGUID"), (service, "invocationId")):
            what = f'{self._ground.where}: {attribute} of "{shortened(base)}"'
            shown = base_entry(self._client, Search(what, base, ANY, (attribute,)), _NOT_SHOWN)
            values = shown.get(caseless(attribute), ())
            if not values:
                raise NotOffered(f'this account does not see {attribute} of "{shortened(base)}"')
            found.append(values[0].hex())
        return found

    def content(self, replica: Replica) -> tuple[bytes, ...]:
        """Read everything. The cookie is older than what is read, so that nothing happens in between unseen."""
        try:
            cookie = self._poll(b"", _Ignored())
        except Unclear as error:
            raise NotOffered(str(error)) from error
        for place, search in enumerate(self._searches):
            for page in pages_of(self._client, self._ground, search):
                for entry in page:
                    self._put_first(replica, place, entry)
        find_containers(self._client, self._ground, replica, self.ids, _CONTAINERS)
        return (cookie,)

    def changes(self, replica: Replica, cookies: Sequence[bytes]) -> tuple[bytes, ...]:
        """Find out what has changed since the cookie, and read that."""
        changed = _Changed()
        cookie = self._poll(cookies[0], changed)
        moved = any(
            guid in changed.deleted or changed.there.get(guid, dn) != dn for guid, dn in replica.containers.items()
        )
        if moved:
            raise Unclear("an entry above others has moved")
        if len(changed.there) > _TOO_MANY:
            raise Unclear(f"{len(changed.there):,} entries have changed")
        for place, search in enumerate(self._searches):
            left = {*changed.there, *changed.deleted}
            for guid, entry in entries_by_id(self._client, self._ground, search, self.ids, changed.there):
                replica.put(place, guid, entry)
                left.discard(guid)
            for guid in left:
                replica.drop(place, guid)
        if changed.there and unknown_above(replica, self._ground):
            find_containers(self._client, self._ground, replica, self.ids, _CONTAINERS)
        return (cookie,)

    def _poll(self, cookie: bytes, changed: _Changed) -> bytes:
        """Let `changed` hear all answers and return the last cookie; raises Unclear, NotOffered where the right is missing."""
        search = Search(f"{self._ground.where}: what has changed", self._root, ANY, self._attributes())
        for _ in range(_MAX_ANSWERS):
            answer = self._client.hear(search, request(cookie), changed)
            if answer.code == _NO_RIGHT:
                raise NotOffered(
                    f'this account lacks the right "Replicating Directory Changes" (DS-Replication-Get-Changes) on "{self._root}"'
                )
            if answer.code:
                raise Unclear(f"DirSync: the server answers with {code_text(answer.code, answer.message)}")
            if changed.odd:
                raise Unclear("DirSync: an entry came without objectGUID, or something else than entries came")
            if gaps(answer.references, self._ground.harmless):
                raise Unclear("DirSync: the server refers to others for a part of the answer")
            try:
                reply = reply_of(changed.done.get(OID, b""))
            except BerError as error:
                raise Unclear(f"DirSync: {error}") from error
            if not reply.more:
                return reply.cookie
            if reply.cookie == cookie:
                raise Unclear("DirSync: the server promises more and gives the same cookie again")
            cookie = reply.cookie
        raise Unclear("DirSync: no end")

    def _context(self, base: str) -> DnKey | None:
        """Return the naming context that a base belongs to: configuration lies under the domain, and is not part of it."""
        contexts = keys_of(self._ground.root.get("namingcontexts", ()))
        return max(
            (each for each in contexts if is_under(key_of(base.encode()) or DnKey(base), each)), key=len, default=None
        )

    def _attributes(self) -> tuple[str, ...]:
        """Return what decides who is found, and what is kept of whom: a change of anything else is none."""
        filters = filters_of(self._ground.config, self._ground.dialect)
        asked = {name for search in self._searches for name in search.attributes}
        return tuple(sorted({*_ALWAYS, *asked, *attributes_of(filters.people), *attributes_of(filters.groups)}))

    def _put_first(self, replica: Replica, place: int, entry: RawEntry) -> None:
        guid = self.ids.of(entry[1])
        if not guid:
            raise NotOffered("this account does not see the objectGUID of every entry")
        if guid in replica.searches[place]:
            raise ReadIncomplete(
                f'{self._searches[place].what}: entry "{shortened(entry[0].decode(errors="replace"))}" came twice: the '
                "directory changed while it was read"
            )
        replica.put(place, guid, entry)


def _text(values: Sequence[bytes]) -> str:
    return values[0].decode("utf-8", "replace") if values else ""
