"""Ask a server what it is before anything is read: root DSE, dialect, schema, and from that what to search; reads no entry."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from reconciler.directory import entries, markers
from reconciler.directory.catalogue import catalogue_warnings
from reconciler.directory.client import PAGED_RESULTS, Client
from reconciler.directory.defaults import dialect_of, filters_of, wire_text
from reconciler.directory.known_names import Shown, check_names
from reconciler.directory.pages import check_code
from reconciler.directory.references import keys_of, other_contexts
from reconciler.directory.servers import Search
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Dialect, Needs
from reconciler.model.filter import attributes_of
from reconciler.model.names import DnKey, caseless
from reconciler.model.schema import DirectorySchema, SchemaSyntaxError, names_of, parse_schema
from reconciler.model.standard_schema import standard_schema
from reconciler.policy.model import DirectoryConfig

ANY = "(objectClass=*)"
ROOT_DSE = (
    "supportedControl",
    "supportedExtension",
    "supportedCapabilities",
    "supportedSASLMechanisms",
    "subschemaSubentry",
    "vendorName",
    "vendorVersion",
    "namingContexts",
    "defaultNamingContext",
    "configurationNamingContext",
    "schemaNamingContext",
    "dsServiceName",
    "highestCommittedUSN",
)
_SCHEMA = ("attributeTypes", "objectClasses", "matchingRules")
_NOT_SHOWN = frozenset({0, 32, 50})  # with these codes and no entry, a server keeps its schema to itself

RootDse = Mapping[str, Sequence[bytes]]
"""The root DSE's attributes, by name in lower case."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of a server and what it is to be asked.

    `people` and `groups` hold one search per base. `harmless` are naming contexts that a search may refer to without
    anybody missing: configuration, schema and DNS zones.
    """

    config: DirectoryConfig
    where: str
    root: RootDse
    dialect: Dialect
    schema: DirectorySchema
    warnings: tuple[str, ...]
    people: tuple[Search, ...]
    groups: tuple[Search, ...]
    harmless: frozenset[DnKey]
    traits: entries.Traits


def survey(client: Client, config: DirectoryConfig, needs: Needs, root: RootDse | None = None) -> Ground:
    """Return what the server says of itself; `root` is its root DSE where that has been read.

    Raises ReadIncomplete where it cannot be read completely, PolicyError where the policy names what its schema has not.
    """
    where = where_of(config)
    root = first_answer(client) if root is None else root
    _check_root(config, client, root)
    shown, warnings = _schema(client, root, where)
    check_names(config, shown)
    dialect = dialect_of(config, root)
    filters = filters_of(config, dialect)
    traits = _traits(client, config, root, dialect)
    person = {*needs.person, *entries.ATTRIBUTES, *markers.ATTRIBUTES, "uid", *traits.person_attributes()}
    group = {*needs.group, *entries.ATTRIBUTES, *entries.MEMBER_ATTRIBUTES, "cn", *traits.group_attributes()}
    if client.catalogue:
        looked_at = {*needs.person, *needs.group, *attributes_of(filters.people), *attributes_of(filters.groups)}
        warnings += _about_catalogue(client, root, where, looked_at)
    return Ground(
        config=config,
        where=where,
        root=root,
        dialect=dialect,
        schema=shown.schema,
        warnings=warnings,
        people=tuple(
            Search(
                f'{where}: people under "{base}"', base, wire_text(filters.people), tuple(sorted(person)), kind="people"
            )
            for base in config.bases
        ),
        groups=tuple(
            Search(
                f'{where}: groups under "{base}"', base, wire_text(filters.groups), tuple(sorted(group)), kind="groups"
            )
            for base in config.group_bases or config.bases
        ),
        harmless=other_contexts(root),
        traits=traits,
    )


def where_of(config: DirectoryConfig) -> str:
    """Return how messages name a directory."""
    return f'{config.where}: directory "{config.name}"'


def first_answer(client: Client) -> RootDse:
    """Return the root DSE, empty where the server keeps it to itself."""
    return base_entry(client, Search("the root DSE", "", ANY, ROOT_DSE))


def _check_root(config: DirectoryConfig, client: Client, root: RootDse) -> None:
    """What a server says about paging is believed, its silence is not: then its answers have to prove it."""
    if not root and config.dialect == "auto":
        raise ReadIncomplete(
            f"{where_of(config)}: {client.url} does not say what it is (it shows no root DSE), so what to ask it is not known: "
            "say dialect in the policy"
        )
    controls = root.get("supportedcontrol")
    if controls and PAGED_RESULTS.encode() not in controls:
        raise ReadIncomplete(
            f"{where_of(config)}: {client.url} does not offer paged results (RFC 2696), without which no read is proven "
            "complete"
        )


def base_entry(client: Client, search: Search, accepted: frozenset[int] = frozenset({0})) -> RootDse:
    """Return the attributes of the base entry, by name in lower case; none where a code of `accepted` says so."""
    answer = client.entry(search)
    if answer.code not in accepted:
        check_code(answer, search.what)
    found = answer.entries[0][1] if answer.entries else {}
    return {caseless(name): values for name, values in found.items()}


def _about_catalogue(client: Client, root: RootDse, where: str, needed: Collection[str]) -> tuple[str, ...]:
    places = root.get("schemanamingcontext", ())
    if not keys_of(root.get("defaultnamingcontext", ())) or not keys_of(places):
        raise ReadIncomplete(
            f"{where}: {client.url} is a global catalogue and does not say of which domain and forest, so which groups it "
            "knows whole is not known: let the account read the root DSE"
        )
    return catalogue_warnings(client, where, places[0].decode("utf-8", "replace"), needed)


def _traits(client: Client, config: DirectoryConfig, root: RootDse, dialect: Dialect) -> entries.Traits:
    own = keys_of(root.get("defaultnamingcontext", ()))
    return entries.Traits(
        dialect=dialect,
        member_of=config.member_of,
        dynamic_groups=config.dynamic_groups,
        home=own[0] if own and client.catalogue else None,
    )


def _schema(client: Client, root: RootDse, where: str) -> tuple[Shown, tuple[str, ...]]:
    """Return the server's schema, else the standard one with a warning."""
    what = f"{where}: the schema"
    places = root.get("subschemasubentry")
    if places:
        base = places[0].decode("utf-8", "surrogateescape")
        search = Search(what, base, "(objectClass=subschema)", _SCHEMA)
        found = base_entry(client, search, _NOT_SHOWN)
        if found.get("attributetypes"):
            try:
                types, classes, rules = (_texts(found.get(caseless(name), ())) for name in _SCHEMA)
                return Shown(parse_schema(types, classes, rules), names_of(rules)), ()
            except SchemaSyntaxError as error:
                raise ReadIncomplete(f"{what}: {error}") from error
    return Shown(standard_schema()), (
        "the server shows no schema: attributes compare by the rules of the standard schemas",
    )


def _texts(values: Sequence[bytes]) -> list[str]:
    return [value.decode("utf-8", "replace") for value in values]
