"""Read content and changes from a server that offers content synchronization (RFC 4533), such as OpenLDAP with syncprov."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from reconciler.directory.ber import BerError
from reconciler.directory.changes import ENTRY_UUID, NotOffered, Unclear, searches_of
from reconciler.directory.client import Client
from reconciler.directory.containers import check_containers, find_containers, unknown_above
from reconciler.directory.ground import ANY, Ground, base_entry
from reconciler.directory.pages import RawEntry, code_text
from reconciler.directory.references import gaps
from reconciler.directory.replica import Replica
from reconciler.directory.servers import Search
from reconciler.directory.sync_control import REQUEST, SyncListener, request

_SIZE_LIMIT, _NOT_THERE = 4, 12
_HAS_ENTRIES = "(hasSubordinates=TRUE)"


class SyncSource:
    """One sync search per search of people and groups, each with a cookie of its own."""

    ids = ENTRY_UUID

    def __init__(self, client: Client, ground: Ground) -> None:
        """Take what is known of the server."""
        self._client = client
        self._ground = ground
        self._searches = searches_of(ground)

    @property
    def cookies(self) -> int:
        """One for each search."""
        return len(self._searches)

    def identity(self) -> Sequence[str]:
        """Return the server's URL, and the entryUUID of every base; raises NotOffered where one is not shown."""
        if REQUEST.encode() not in self._ground.root.get("supportedcontrol", ()):
            raise NotOffered("the server does not offer RFC 4533 (OpenLDAP: the syncprov overlay)")
        found = [self._client.url]
        for base in sorted({search.base for search in self._searches}):
            what = f'{self._ground.where}: the base "{base}"'
            shown = base_entry(self._client, Search(what, base, ANY, (self.ids.attribute,)))
            uuid = self.ids.of({name: list(values) for name, values in shown.items()})
            if not uuid:
                raise NotOffered(f'this account does not see the entryUUID of "{base}"')
            found.append(uuid.hex())
        return found

    def content(self, replica: Replica) -> tuple[bytes, ...]:
        """Read everything; the end is proven by success, and by a cookie."""
        cookies = tuple(self._whole(place, replica) for place in range(len(self._searches)))
        find_containers(self._client, self._ground, replica, self.ids, _HAS_ENTRIES)
        return cookies

    def changes(self, replica: Replica, cookies: Sequence[bytes]) -> tuple[bytes, ...]:
        """Read what has changed since the cookies; a quiet search leaves its cookie as it was."""
        new = tuple(self._changed(place, replica, cookie) for place, cookie in enumerate(cookies))
        if new != tuple(cookies):  # something has changed somewhere, though perhaps nothing that these searches find
            check_containers(self._client, self._ground, replica, self.ids)
            if unknown_above(replica, self._ground):
                find_containers(self._client, self._ground, replica, self.ids, _HAS_ENTRIES)
        return new

    def _whole(self, place: int, replica: Replica) -> bytes:
        listener = SyncListener(partial(self._first, replica, place))
        answer = self._client.hear(self._searches[place], request(b""), listener)
        if answer.code == _SIZE_LIMIT:
            raise NotOffered("the server's size limit for this account cuts off answers that come without pages")
        if answer.code:
            raise NotOffered(f"the server answers with {code_text(answer.code, answer.message)}")
        if gaps(answer.references, self._ground.harmless):
            raise NotOffered("the server refers to others for a part of the answer")
        try:
            cookie = listener.end().cookie
        except BerError as error:
            raise NotOffered(str(error)) from error
        if not cookie or listener.deleted:
            raise NotOffered("the server gives no cookie to come back with")
        return cookie

    def _changed(self, place: int, replica: Replica, cookie: bytes) -> bytes:
        known = set(replica.searches[place])
        listener = SyncListener(partial(self._next, replica, place))
        answer = self._client.hear(self._searches[place], request(cookie), listener)
        if answer.code:
            raise Unclear(f"the server answers with {code_text(answer.code, answer.message)}")
        if gaps(answer.references, self._ground.harmless):
            raise Unclear("the server refers to others for a part of the answer")
        try:
            gone = listener.gone(known)
            cookie = listener.end().cookie or cookie
        except BerError as error:
            raise Unclear(str(error)) from error
        for uuid in gone:
            replica.drop(place, uuid)
        return cookie

    def _first(self, replica: Replica, place: int, uuid: bytes, entry: RawEntry) -> str:
        if uuid in replica.searches[place]:
            return "an entry came twice"
        return self._next(replica, place, uuid, entry)

    def _next(self, replica: Replica, place: int, uuid: bytes, entry: RawEntry) -> str:
        if self.ids.of(entry[1]) != uuid:
            return "an entry came under the id of another, or without entryUUID"
        replica.put(place, uuid, entry)
        return ""
