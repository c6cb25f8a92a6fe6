"""Look at a directory that no policy describes yet, and say what one would have to say; reads it as a run would, writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

from reconciler.directory.client import Client
from reconciler.directory.defaults import dialect_of, filters_of
from reconciler.directory.ground import Ground, RootDse, survey, where_of
from reconciler.directory.ldap_source import pages_of
from reconciler.directory.ldif import read_entries
from reconciler.directory.observer import SILENT, Observer
from reconciler.directory.pages import RawAttributes, check_code
from reconciler.directory.read import read_directory
from reconciler.directory.session import connected
from reconciler.errors import DirectoryError, DirectoryUnreachable, ReadIncomplete, UsageError
from reconciler.model.diagnostic import Position
from reconciler.model.directory import Dialect, Needs
from reconciler.model.filter import to_text
from reconciler.model.names import caseless
from reconciler.model.text import shortened
from reconciler.policy.model import Bind, DirectoryConfig, SecretRef, Tls
from reconciler.starting.files import EXAMPLE
from reconciler.starting.seen import (
    CANDIDATES,
    Seen,
    attributes_in,
    common_place,
    found_groups,
    narrower,
    proposed_contexts,
)

_SAMPLE = 500  # people whose attributes are looked at
_PEOPLE = tuple(sorted({name for names in CANDIDATES.values() for name in names}))
_BUILT_IN = "isCriticalSystemObject"  # MS-ADA1: groups that every domain has
_HERE = Position("reconcile init", 1)
_NAME = "corp"


@dataclass(frozen=True, slots=True)
class Place:
    """How a directory is reached: a server's URL, or an LDIF file. `secret` and `ca_file` are named from where we run.

    `dialect` and `base` are empty where the directory shall tell.
    """

    server: str = ""
    ldif: str = ""
    bind_dn: str = ""
    secret: SecretRef | None = None
    ca_file: str = ""
    start_tls: bool = False
    dialect: Dialect | None = None
    base: str = ""


def naming_contexts(place: Place, observer: Observer = SILENT) -> list[str]:
    """Return what a server says that it holds, the likeliest base first; raises DirectoryError, with the server's own words."""
    with _said_of(place), connected(_config(place), where_of(_config(place)), observer) as (_, root):
        return _contexts(root)


def look_at(place: Place, read_at: str, observer: Observer = SILENT) -> Seen:
    """Return what the directory is and holds; `read_at` is now, in ISO 8601 UTC. Raises DirectoryError."""
    with _said_of(place):
        try:
            return _file(place, read_at) if place.ldif else _server(place, observer)
        finally:
            observer.finished()


def look_at_example(read_at: str) -> Seen:
    """Return what the example directory of this package holds."""
    with as_file(files("reconciler.starting").joinpath("templates", EXAMPLE)) as file:
        return look_at(Place(ldif=str(file)), read_at)


def _server(place: Place, observer: Observer) -> Seen:
    config = _config(place)
    with connected(config, where_of(config), observer) as (client, root):
        base = place.base or next(iter(_contexts(root)), "")
        if not base:
            raise UsageError(f"{client.url} does not say which entries it holds: name the topmost one with --base DN.")
        config = replace(config, bases=(base,), dialect=dialect_of(config, root))
        return _survey(client, survey(client, config, Needs(), root), base)


def _survey(client: Client, ground: Ground, base: str) -> Seen:
    search = replace(ground.people[0], attributes=_PEOPLE)
    people = client.page(search, _SAMPLE, b"")
    check_code(people, search.what)
    groups = replace(ground.groups[0], attributes=("cn", _BUILT_IN))
    found = [
        (_first(attributes, "cn"), dn.decode("utf-8", "replace"))
        for page in pages_of(client, ground, groups)
        for dn, attributes in page
        if caseless(_first(attributes, _BUILT_IN)) != "true"
    ]
    return Seen(
        dialect=ground.dialect,
        base=base,
        group_base=narrower(common_place(dn for _, dn in found), base) if found else "",
        people_filter=to_text(filters_of(ground.config, ground.dialect).people),
        attributes=attributes_in(
            ([name for name, values in attributes.items() if values] for _, attributes in people.entries),
            ground.dialect,
        ),
        people=len(people.entries),
        all_people=not people.cookie,
        groups=found_groups(found),
    )


def _file(place: Place, read_at: str) -> Seen:
    dialect = place.dialect or _dialect_in(place.ldif)
    config = replace(_config(place), dialect=dialect, bases=(place.base,))
    needs = Needs(person=frozenset(_PEOPLE), group=frozenset({_BUILT_IN}))
    snapshot = read_directory(config, needs, read_at)
    key = caseless(_BUILT_IN)
    groups = [group for group in snapshot.groups if caseless("".join(group.attributes.get(key, ())[:1])) != "true"]
    entries = [person.dn for person in snapshot.people] + [group.dn for group in groups]
    base = place.base or common_place(entries)
    return Seen(
        dialect=dialect,
        base=base,
        group_base=narrower(common_place(group.dn for group in groups), base) if groups else "",
        people_filter=to_text(filters_of(config, dialect).people),
        attributes=attributes_in((person.attributes for person in snapshot.people), dialect),
        people=len(snapshot.people),
        groups=found_groups((group.cn, group.dn) for group in groups),
    )


def _dialect_in(file: str) -> Dialect:
    """An export carries the attributes that only one kind of server has."""
    try:
        with Path(file).open("rb") as stream:
            for entry in read_entries(stream, file):
                if "samaccountname" in entry.attributes:
                    return "active_directory"
                if "nsuniqueid" in entry.attributes:
                    return "389ds"
    except OSError as error:
        raise DirectoryUnreachable(f"{file} cannot be read: {error.strerror}") from error
    return "openldap"


def _contexts(root: RootDse) -> list[str]:
    own = [value.decode("utf-8", "replace") for value in root.get("defaultnamingcontext", ())]
    named = [value.decode("utf-8", "replace") for value in root.get("namingcontexts", ())]
    return proposed_contexts(named, next(iter(own), ""))


def _config(place: Place) -> DirectoryConfig:
    return DirectoryConfig(
        name=_NAME,
        kind="ldif" if place.ldif else "ldap",
        where=_HERE,
        servers=(place.server,) if place.server else (),
        dialect=place.dialect or "auto",
        bind=Bind(place.bind_dn, place.secret) if place.bind_dn else None,
        tls=Tls(place.ca_file, place.start_tls),
        file=place.ldif,
        bases=(place.base,),
    )


@contextmanager
def _said_of(place: Place) -> Iterator[None]:
    """Let messages name what was asked for in place of a policy's file, and say that nothing was written."""
    try:
        yield
    except DirectoryError as error:
        fact = str(error).removeprefix(f"{where_of(_config(place))}: ").rstrip(".")
        family = ReadIncomplete if isinstance(error, ReadIncomplete) else DirectoryUnreachable
        subject = place.ldif or place.server
        before = "" if subject in fact else f"{shortened(subject)}: "
        raise family(f"{before}{fact}. Nothing was written.") from error


def _first(attributes: RawAttributes, wanted: str) -> str:
    """Return the first value of an attribute, which a server may write in its own case; empty where there is none."""
    for name, values in attributes.items():
        if values and caseless(name) == caseless(wanted):
            return values[0].decode("utf-8", "replace")
    return ""
