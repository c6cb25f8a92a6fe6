"""Read a whole directory from an LDAP server with one paged search per class of entry; never one search per group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from urllib.parse import quote

from reconciler.directory import entries, markers
from reconciler.directory.client import PAGED_RESULTS, Client, Rejected, connect
from reconciler.directory.collection import paused_collection
from reconciler.directory.defaults import dialect_of, filters_of, wire_text
from reconciler.directory.pages import check_code, complete_pages, located
from reconciler.directory.reduction import Origin, Reduction, moment_of
from reconciler.directory.selection import read_with
from reconciler.directory.servers import Search, addresses, login, tls_context
from reconciler.errors import DirectoryUnreachable, ReadIncomplete
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.names import caseless
from reconciler.model.schema import DirectorySchema, SchemaSyntaxError, parse_schema
from reconciler.model.standard_schema import standard_schema
from reconciler.policy.model import DirectoryConfig

_ANY = "(objectClass=*)"
_ROOT_DSE = ("supportedControl", "supportedCapabilities", "subschemaSubentry", "vendorName", "vendorVersion")
_SCHEMA = ("attributeTypes", "objectClasses", "matchingRules")
_NOT_SHOWN = frozenset({0, 32, 50})  # with these codes and no entry, a server keeps its schema to itself


def read_ldap(config: DirectoryConfig, needs: Needs, read_at: str) -> Snapshot:
    """Return a complete read, or raise: DirectoryUnreachable before a bind succeeded, ReadIncomplete for anything after it."""
    where = f'{config.where}: directory "{config.name}"'
    with _connected(config, where) as client, paused_collection():
        root = _root(client, where)
        schema, warnings = _schema(client, root, where)
        reduction = Reduction(needs, schema, moment_of(read_at))
        people, groups = _searches(config, needs, root, where)
        for search, take in ((people, reduction.add_person), (groups, reduction.add_group)):
            for page in complete_pages(partial(client.page, search, config.page_size), search.what):
                with located(search.what):
                    for dn, attributes in page:
                        take(dn, attributes)
        source = f"{client.url.rstrip('/')}/{quote(config.base, safe='=,+')}"
        with located(where):
            return reduction.snapshot(Origin(config.name, source, read_at, read_with(config)), warnings)


@contextmanager
def _connected(config: DirectoryConfig, where: str) -> Iterator[Client]:
    """Give the first server that lets us in. A refused password ends it: each further try counts towards a lockout."""
    servers = addresses(config)
    who, context = login(config, servers), tls_context(config, servers)
    timeouts = (max(1, config.connect_timeout), max(1, config.receive_timeout))  # none at all could wait for ever
    failures: list[DirectoryUnreachable] = []
    for server in servers:
        try:
            client = connect(server, who, context, timeouts)
        except Rejected as error:
            raise DirectoryUnreachable(f"{where}: {error}") from error
        except DirectoryUnreachable as error:
            failures.append(error)
            continue
        try:
            yield client
        finally:
            client.close()
        return
    reasons = "; ".join(map(str, failures)) or "the policy names none"
    raise DirectoryUnreachable(f"{where}: no server let us in: {reasons}") from (failures[-1] if failures else None)


def _root(client: Client, where: str) -> Mapping[str, Sequence[bytes]]:
    """Return the root DSE, by attribute in lower case; what it says about paging is believed, its silence is not."""
    search = Search(f"{where}: the root DSE", "", _ANY, _ROOT_DSE)
    root = _base_entry(client, search)
    controls = root.get("supportedcontrol")
    if controls and PAGED_RESULTS.encode() not in controls:
        raise ReadIncomplete(
            f"{where}: {client.url} does not offer paged results (RFC 2696), without which no read is proven complete"
        )
    return root


def _schema(client: Client, root: Mapping[str, Sequence[bytes]], where: str) -> tuple[DirectorySchema, tuple[str, ...]]:
    """Return the server's schema, else the standard one with a warning."""
    what = f"{where}: the schema"
    places = root.get("subschemasubentry")
    if places:
        base = places[0].decode("utf-8", "surrogateescape")
        search = Search(what, base, "(objectClass=subschema)", _SCHEMA)
        found = _base_entry(client, search, _NOT_SHOWN)
        if found.get("attributetypes"):
            try:
                return parse_schema(*(_texts(found.get(caseless(name), ())) for name in _SCHEMA)), ()
            except SchemaSyntaxError as error:
                raise ReadIncomplete(f"{what}: {error}") from error
    return standard_schema(), ("the server shows no schema: attributes compare by the rules of the standard schemas",)


def _base_entry(
    client: Client, search: Search, accepted: frozenset[int] = frozenset({0})
) -> Mapping[str, Sequence[bytes]]:
    answer = client.entry(search)
    if answer.code not in accepted:
        check_code(answer, search.what)
    found = answer.entries[0][1] if answer.entries else {}
    return {caseless(name): values for name, values in found.items()}


def _searches(
    config: DirectoryConfig, needs: Needs, root: Mapping[str, Sequence[bytes]], where: str
) -> tuple[Search, Search]:
    filters = filters_of(config, dialect_of(config, root))
    group_base = config.group_base or config.base
    return (
        Search(
            f'{where}: people under "{config.base}"',
            config.base,
            wire_text(filters.people),
            tuple(sorted({*needs.person, *entries.ATTRIBUTES, *markers.ATTRIBUTES, "uid"})),
        ),
        Search(
            f'{where}: groups under "{group_base}"',
            group_base,
            wire_text(filters.groups),
            tuple(sorted({*needs.group, *entries.ATTRIBUTES, *entries.MEMBER_ATTRIBUTES, "cn"})),
        ),
    )


def _texts(values: Sequence[bytes]) -> list[str]:
    return [value.decode("utf-8", "replace") for value in values]
