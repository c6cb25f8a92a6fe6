"""Find some people in one directory and everything in it that decides what they get; never takes a part for the whole.

A file is read whole, because nothing less proves what is in it. A server is asked for these people alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from reconciler.desired.links import Directory
from reconciler.directory.observer import Observer
from reconciler.directory.read import read_directory
from reconciler.errors import ReadIncomplete
from reconciler.model.access import STABLE_ID_MISSING, User, UserKey, is_stable
from reconciler.model.directory import Dialect, Needs, Person, Snapshot
from reconciler.model.filter import Equal, Filter, Or
from reconciler.model.names import DnKey, DnSyntaxError, caseless, dn_key, login_key
from reconciler.policy.model import DirectoryConfig


@dataclass(frozen=True, slots=True)
class Consulted:
    """What else decides: directory groups by CN, DN or stable id, and attributes that somebody has to have.

    Of `whole` groups everybody in them is wanted, of the others only whether they are there.
    """

    cns: frozenset[str] = frozenset()
    dns: frozenset[str] = frozenset()
    whole_cns: frozenset[str] = frozenset()
    whole_dns: frozenset[str] = frozenset()
    whole_ids: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()


class PersonSource(Protocol):
    """One directory, asked step by step. All methods raise DirectoryError where an answer is not proven complete."""

    def find(self, name: str) -> Sequence[Person]:
        """Return everybody whom a login, an e-mail address, a stable id or a DN names."""

    def behind(self, accounts: Collection[User]) -> Mapping[UserKey, Sequence[Person]]:
        """Return who these live accounts may belong to, by stable id, else by DN or login: nobody where the person has left."""

    def follow(self, people: Collection[UserKey], templates: Collection[str]) -> None:
        """Take in the groups that hold these people, and whoever else these username templates may give their names to."""

    def check_somebody(self) -> None:
        """Raise ReadIncomplete where the directory shows nobody at all: then nobody has left it."""

    def consult(self, wanted: Consulted) -> None:
        """Take in what else decides."""

    def snapshot(self) -> Snapshot:
        """Return what has been taken in: of the people followed it holds every group, of others perhaps none."""


@contextmanager
def person_source(config: DirectoryConfig, needs: Needs, read_at: str, observer: Observer) -> Iterator[PersonSource]:
    """Give one directory to ask; `read_at` is now, in ISO 8601 UTC. Caches are neither used nor written.

    Raises DirectoryUnreachable where no server lets us in, ReadIncomplete where a read is not proven complete.
    """
    alone = replace(config, incremental=None)
    if config.kind != "ldap":
        yield WholeFile(config, read_directory(alone, needs, read_at, whole=True, observer=observer))
        return
    from reconciler.directory.person_ldap import asked  # noqa: PLC0415 - ldap3 takes 0.08 s to import

    try:
        with asked(alone, needs, read_at, observer) as source:
            yield source
    finally:
        observer.finished()


@dataclass(slots=True)
class WholeFile:
    """A directory that has been read whole."""

    config: DirectoryConfig
    seen: Snapshot
    _directory: Directory = field(init=False)

    def __post_init__(self) -> None:
        """Make what people are looked for in."""
        self._directory = Directory(self.seen)

    def find(self, name: str) -> Sequence[Person]:
        """Return everybody whom a login, an e-mail address, a stable id or a DN names."""
        matching = frozenset(self._directory.people_matching(named(name, self.config, self.seen.dialect)))
        place = place_of(name)
        return [
            person
            for index, person in enumerate(self.seen.people)
            if index in matching or person.key == caseless(name) or (place and dn_key(person.dn) == place)
        ]

    def behind(self, accounts: Collection[User]) -> Mapping[UserKey, Sequence[Person]]:
        """Return who these live accounts may belong to."""
        word = self.seen.schema.canonical(self.config.attribute("username", self.seen.dialect))
        return owners(self.seen.people, accounts, word)

    def follow(self, people: Collection[UserKey], templates: Collection[str]) -> None:
        """Do nothing: everything is here."""

    def check_somebody(self) -> None:
        """Raise ReadIncomplete where the file holds nobody."""
        if not self.seen.people:
            raise nobody_at_all(f'{self.config.where}: directory "{self.config.name}"')

    def consult(self, wanted: Consulted) -> None:
        """Do nothing: everything is here."""

    def snapshot(self) -> Snapshot:
        """Return all of it."""
        return self.seen


def nobody_at_all(where: str) -> ReadIncomplete:
    """Return the error for a directory that shows no person."""
    return ReadIncomplete(
        f"{where}: it shows nobody at all, so that one person is not there proves nothing; correct base and user_filter, or "
        "give the account that reads its rights back"
    )


def named(name: str, config: DirectoryConfig, dialect: Dialect) -> Filter:
    """Return the filter for the people with this login or e-mail address."""
    return Or(tuple(Equal(config.attribute(word, dialect), name) for word in ("username", "email")))


def owners(people: Iterable[Person], accounts: Iterable[User], login: str) -> Mapping[UserKey, Sequence[Person]]:
    """Return whose each live account may be: by stable id, else by DN, else by the attribute `login` (its canonical name)."""
    everybody = list(people)
    return {account.key: [person for person in everybody if _belongs(person, account, login)] for account in accounts}


def _belongs(person: Person, account: User, login: str) -> bool:
    if person.key == account.key or (is_stable(person.key) and is_stable(account.key)):
        return person.key == account.key
    if account.key == f"{STABLE_ID_MISSING}{dn_key(person.dn)}":
        return True
    return login_key(account.username) in map(login_key, person.attributes.get(login, ()))


def place_of(name: str) -> DnKey:
    """Return the canonical key of a name that is a DN, empty for any other."""
    try:
        return dn_key(name) if "=" in name else DnKey("")
    except DnSyntaxError:
        return DnKey("")
