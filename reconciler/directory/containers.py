"""Know the entries above those that were read: where one of them is renamed, servers do not report those below it."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.directory.changes import Ids, NotOffered, Unclear, searches_of
from reconciler.directory.client import Client
from reconciler.directory.ground import ANY, Ground
from reconciler.directory.ldap_source import pages_of
from reconciler.directory.members import key_of
from reconciler.directory.moved import FEW
from reconciler.directory.replica import Replica
from reconciler.directory.servers import Search
from reconciler.model.names import DnKey, parent
from reconciler.model.text import shortened


def find_containers(client: Client, ground: Ground, replica: Replica, ids: Ids, likely: str) -> None:
    """Let the replica know the entries above its own; `likely` is a filter that most of them match. Raises NotOffered."""
    wanted = above(replica, _bases(ground))
    found: dict[DnKey, tuple[bytes, bytes]] = {}
    if wanted:
        for dn, uuid in _listed(client, ground, ids, likely):
            if uuid and (key := key_of(dn)) in wanted and key is not None:
                found[key] = (uuid, dn)
    missing = sorted(wanted - found.keys())
    for key in missing[:FEW]:
        answer = client.entry(Search(f"{ground.where}: {shortened(key)}", key, ANY, (ids.attribute,)))
        for dn, attributes in answer.entries:
            if uuid := ids.of(attributes):
                found[key] = (uuid, dn)
    for key in missing:
        if key not in found:
            raise NotOffered(
                f'this account does not see the {ids.attribute} of "{shortened(key)}", above what it reads, so it cannot '
                "tell if that moves"
            )
    replica.containers = dict(found.values())


def check_containers(client: Client, ground: Ground, replica: Replica, ids: Ids) -> None:
    """Raise Unclear unless all entries above the replica's own are where they were."""
    there = {
        uuid: dn for chosen in ids.filters(replica.containers) for dn, uuid in _listed(client, ground, ids, chosen)
    }
    if there != replica.containers:
        raise Unclear("an entry above others has moved")


def unknown_above(replica: Replica, ground: Ground) -> bool:
    """Tell whether some entry lies under another that is not known."""
    return not above(replica, _bases(ground)) <= set(map(key_of, replica.containers.values()))


def above(replica: Replica, bases: frozenset[DnKey]) -> set[DnKey]:
    """Return the entries above those of a replica, up to the search bases and without them."""
    found: set[DnKey] = set()
    for search in replica.searches:
        for kept in search.values():
            key = key_of(kept.dn)
            while key and key not in bases and (key := parent(key)) not in found and key not in bases:
                if key:
                    found.add(key)
    return found


def _bases(ground: Ground) -> frozenset[DnKey]:
    return frozenset(key for search in searches_of(ground) if (key := key_of(search.base.encode())) is not None)


def _listed(client: Client, ground: Ground, ids: Ids, selected: str) -> Iterator[tuple[bytes, bytes]]:
    for base in sorted({search.base for search in searches_of(ground)}):
        what = f'{ground.where}: what lies above others under "{base}"'
        for page in pages_of(client, ground, Search(what, base, selected, (ids.attribute,))):
            for dn, attributes in page:
                yield dn, ids.of(attributes)
