"""Read a directory by its changes where that is sound, else whole; never lets a change alone prove that somebody is absent.

What was read is kept beside a cookie that the server understands as a time. A snapshot made from it says so
(`confirmed_at`), and whoever would remove something because of it reads the whole directory first.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from reconciler.directory.cache import Cache, Head
from reconciler.directory.changes import (
    ChangeSource,
    NotOffered,
    Unclear,
    groups_naming,
    new_replica,
    read_again,
    searches_of,
)
from reconciler.directory.client import WHO_AM_I, Client
from reconciler.directory.defaults import filters_of
from reconciler.directory.dirsync_source import DirSyncSource
from reconciler.directory.ground import Ground
from reconciler.directory.ldap_source import look_again, origin_of, read_whole
from reconciler.directory.pages import located
from reconciler.directory.reduction import Reduction, moment_of
from reconciler.directory.replica import Replica
from reconciler.directory.replica_codec import ReplicaSyntaxError, decode, encode
from reconciler.directory.snapshot_codec import digest_of
from reconciler.directory.sync_source import SyncSource
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.filter import attributes_of
from reconciler.model.text import shortened
from reconciler.policy.model import Bind, Incremental

_REASON = 500  # characters of what a warning repeats
_TOO_MANY = 1000  # entries to be asked for by name: asking for all of them is no more


def read_by_changes(client: Client, ground: Ground, needs: Needs, read_at: str, *, whole: bool) -> Snapshot:
    """Return what a whole read would, as far as the server reports its changes; `whole`: read everything.

    Raises ReadIncomplete as a whole read does. What keeps changes from being read is a warning of the snapshot.
    """
    run = _Run(client, ground, needs, read_at)
    try:
        run.check_suited()
        snapshot = None if whole else run.from_changes()
        return snapshot or run.from_content()
    except NotOffered as error:
        warning = f"incremental reads are off, everything was read: {error}"
        return read_whole(client, ground, needs, read_at, (warning,))


class _Run:
    """One read of one directory that is to be read by its changes."""

    def __init__(self, client: Client, ground: Ground, needs: Needs, read_at: str) -> None:
        self._client = client
        self._ground = ground
        self._needs = needs
        self._read_at = read_at
        self._incremental = ground.config.incremental or Incremental("")
        self._cache = Cache(self._incremental.cache)
        self._source: ChangeSource = source_of(client, ground)
        self._unclear = 0
        self._warnings = ground.warnings

    def check_suited(self) -> None:
        """Raise NotOffered where changes would not show all that a whole read does."""
        if reason := unsuited(self._client, self._ground, self._needs):
            raise NotOffered(reason)
        self._binding = self._bound_to()

    def from_changes(self) -> Snapshot | None:
        """Return a snapshot made of the cache and what has changed since; None where that would not be sound.

        That happens: a branch moves, a server starts anew. Where it happens again at the next read, the snapshot says why.
        """
        head = self._cache.head()
        if head is None or head.binding != self._binding or head.runs >= self._incremental.full_every:
            return None
        content = self._cache.content(head)
        replica = new_replica(self._ground)
        if content is None or len(head.cookies) != self._source.cookies:
            return None
        try:
            decode(content, replica)
            cookies = self._follow(replica, head)
            snapshot = replace(self._snapshot(replica), confirmed_at=head.confirmed_at)
        except (ReplicaSyntaxError, Unclear, ReadIncomplete) as error:
            self._note_unclear(head, error)
            return None
        head = replace(head, cookies=cookies, runs=head.runs + 1, again=tuple(sorted(replica.again)), unclear=0)
        return self._kept(snapshot, head, replica if replica.changed else None)

    def from_content(self) -> Snapshot:
        """Return a snapshot of everything, and keep it; raises NotOffered where it could not be followed by changes."""
        replica = new_replica(self._ground)
        cookies = self._source.content(replica)
        replica.settle(self._bases())
        head = Head(self._binding, cookies, self._read_at, 0, unclear=self._unclear)
        return self._kept(self._snapshot(replica, anew=True), head, replica)

    def _note_unclear(self, head: Head, error: Exception) -> None:
        self._unclear = head.unclear + 1
        if head.unclear:
            reason = shortened(str(error), _REASON)
            self._warnings += (
                f"at {self._unclear:,} reads in a row changes could not be followed, so everything was read: {reason}",
            )

    def _follow(self, replica: Replica, head: Head) -> tuple[bytes, ...]:
        replica.expect_changes()
        cookies = self._source.changes(replica, head.cookies)
        came = replica.came()
        if len(came) > _TOO_MANY:
            raise Unclear(f"{len(came):,} entries came")
        naming = groups_naming(self._client, self._ground, self._source.ids, came)
        doubtful = replica.doubtful({*head.again, *naming})
        if len(doubtful) > _TOO_MANY:
            raise Unclear(f"{len(doubtful):,} groups may have changed")
        read_again(self._client, self._ground, replica, self._source.ids, doubtful)
        replica.settle(self._bases(), head.again)
        return cookies

    def _bases(self) -> set[str]:
        return {search.base for search in searches_of(self._ground)}

    def _snapshot(self, replica: Replica, *, anew: bool = False) -> Snapshot:
        ground = self._ground
        reduction = Reduction(self._needs, ground.schema, moment_of(self._read_at), ground.traits)
        for place, search in enumerate(searches_of(ground)):
            take = reduction.add_person if place < len(ground.people) else reduction.add_group
            with located(search.what):
                for dn, attributes in replica.entries(place):
                    take(dn, attributes)
        if anew:
            look_again(self._client, ground, reduction)
        with located(ground.where):
            return reduction.snapshot(origin_of(self._client, ground, self._read_at), self._warnings)

    def _kept(self, snapshot: Snapshot, head: Head, replica: Replica | None) -> Snapshot:
        """Keep what the snapshot was made of. Where that fails the next read is a whole one, and this one says why."""
        try:
            self._cache.write(head, encode(replica) if replica else None)
        except OSError as error:
            warning = (
                f"what was read could not be kept in {shortened(self._incremental.cache)} "
                f"({shortened(error.strerror or str(error))}): the next read will be a whole one"
            )
            warned = replace(snapshot, warnings=(*snapshot.warnings, warning))
            return replace(warned, digest=digest_of(warned))
        return snapshot

    def _bound_to(self) -> str:
        """Return a checksum over all that a replica depends on: the server, the searches, and who we are."""
        config = self._ground.config
        bind = config.bind or Bind()
        offers_name = WHO_AM_I.encode() in self._ground.root.get("supportedextension", ())
        facts = {
            "server": list(self._source.identity()),
            "dialect": self._ground.dialect,
            "searches": [[each.base, each.filter, each.attributes] for each in searches_of(self._ground)],
            "people": len(self._ground.people),
            "needs": [sorted(self._needs.person), sorted(self._needs.group)],
            "login": [bind.sasl, bind.dn, (self._client.who_am_i() or "") if offers_name else ""],
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def source_of(client: Client, ground: Ground) -> ChangeSource:
    """Return the way in which this server tells changes."""
    return DirSyncSource(client, ground) if ground.dialect == "active_directory" else SyncSource(client, ground)


def unsuited(client: Client, ground: Ground, needs: Needs) -> str:
    """Return why changes cannot be had, or would not show all that this policy looks at; empty where they do."""
    if not client.hears:
        return "decoder: ldap3 cannot take answers that come without pages"
    if client.catalogue:
        return "a global catalogue tells no changes"
    return _never_reported(ground, needs)


def _never_reported(ground: Ground, needs: Needs) -> str:
    config = ground.config
    if config.member_of:
        return "member_of: true, and no server reports when memberOf changes"
    if config.dynamic_groups:
        return "dynamic_groups: true, and no server reports when the answer to a search changes"
    if ground.dialect == "389ds":
        return "389 Directory Server does not tell which entries are gone"
    filters = filters_of(config, ground.dialect)
    looked_at = {*needs.person, *needs.group, *attributes_of(filters.people), *attributes_of(filters.groups)}
    computed = sorted(_COMPUTED & set(map(ground.schema.canonical, looked_at)))
    if computed:
        return f"the policy looks at {computed[0]}, and no server reports when that changes"
    return ""


_COMPUTED: frozenset[str] = frozenset(
    {
        *("memberof", "ismemberof", "nsrole", "hassubordinates", "numsubordinates", "entrydn"),
        # Active Directory works these out when it is asked, ...
        *("canonicalname", "tokengroups", "tokengroupsglobalanduniversal", "tokengroupsnogcacceptable"),
        *("msds-user-account-control-computed", "msds-userpasswordexpirytimecomputed", "msds-resultantpso"),
        *("msds-parentdistname", "msds-memberoftransitive", "msds-membertransitive"),
        # ... and every domain controller has its own of these
        *("lastlogon", "lastlogoff", "logoncount", "badpwdcount", "badpasswordtime", "whenchanged", "usnchanged"),
    }
)
