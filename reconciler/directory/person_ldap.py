"""Ask a server for some people and the groups that hold them, in as many searches as nesting is deep; never lists everybody.

Every search goes through the same pages, proofs and limits as a read of everything. The groups that hold somebody are
climbed level by level, on every kind of server: of Active Directory's own rule for the whole way up (LDAP_MATCHING_RULE_IN_CHAIN)
a server that does not know it says nothing, and primary groups and what holds them would be missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from reconciler.desired.people import OUR_WORDS, NoValueError, single_value
from reconciler.directory.claims import under_any
from reconciler.directory.client import Client
from reconciler.directory.defaults import wire_text
from reconciler.directory.entries import EntryReader, RawPerson
from reconciler.directory.gathered import Gathered
from reconciler.directory.ground import Ground, survey, where_of
from reconciler.directory.ldap_source import origin_of, pages_of
from reconciler.directory.observer import Observer
from reconciler.directory.pages import RawEntry, check_code, complete_pages, located
from reconciler.directory.person import Consulted, named, nobody_at_all, owners, place_of
from reconciler.directory.person_groups import GroupReader, with_id
from reconciler.directory.reduction import Reduction, moment_of
from reconciler.directory.servers import Search
from reconciler.directory.session import connected
from reconciler.errors import ReadIncomplete
from reconciler.model.access import STABLE_ID_MISSING, User, UserKey
from reconciler.model.directory import Needs, Person, Snapshot
from reconciler.model.filter import And, Equal, Filter, Or, Present
from reconciler.model.names import DnKey, dn_key, is_under, login_key
from reconciler.model.template import fields_of
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig

_AT_ONCE = 200  # accounts that one search looks for
_NOTHING = ("1.1",)  # RFC 4511 4.5.1.8
_NOBODY_THERE = frozenset({0, 32, 34, 50})  # no such entry, no name that this server can have, none that we may see


@contextmanager
def asked(config: DirectoryConfig, needs: Needs, read_at: str, observer: Observer) -> Iterator[PersonReader]:
    """Give a server to ask, after what the policy calls a canary was seen there."""
    with connected(config, where_of(config), observer) as (client, root):
        reader = PersonReader(client, survey(client, config, needs, root), needs, read_at)
        reader.check_canary()
        yield reader


@dataclass(slots=True)
class PersonReader:
    """One server; gathers what the steps bring. See `person.PersonSource`."""

    client: Client
    ground: Ground
    needs: Needs
    read_at: str
    _entries: EntryReader = field(init=False)
    _known: dict[UserKey, RawPerson] = field(init=False, default_factory=dict)
    _gathered: Gathered = field(init=False, default_factory=Gathered)
    _groups: GroupReader = field(init=False)
    _logins: set[bytes] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        """Start with nobody."""
        ground = self.ground
        self._entries = EntryReader(self.needs.person, ground.schema, moment_of(self.read_at), ground.traits)
        self._groups = GroupReader(self.client, ground, self._gathered)

    def find(self, name: str) -> Sequence[Person]:
        """Return everybody whom a login, an e-mail address, a stable id or a DN names."""
        wanted = Or((named(name, self.ground.config, self.ground.dialect), *self._with_id(name)))
        found = {person.key: person for person in map(self._take, self._people(wanted))}
        if place := place_of(name):
            found |= {person.key: person for person in map(self._take, self._at(name, place))}
        return [person for person in found.values() if not self._is_group(person)]

    def behind(self, accounts: Collection[User]) -> Mapping[UserKey, Sequence[Person]]:
        """Return who these live accounts may belong to, by stable id, else by DN or login."""
        login = self.ground.config.attribute("username", self.ground.dialect)
        found: dict[DnKey, RawEntry] = {}
        left = sorted(accounts, key=lambda account: account.key)
        for start in range(0, len(left), _AT_ONCE):
            some = left[start : start + _AT_ONCE]
            parts = [part for account in some for part in (*self._with_id(account.key), Equal(login, account.username))]
            found |= {dn_key(dn.decode()): (dn, raw) for dn, raw in self._people(Or(tuple(parts)))}
        for account in left:
            if account.key.startswith(STABLE_ID_MISSING):
                place = DnKey(account.key.removeprefix(STABLE_ID_MISSING))
                found.update((place, entry) for entry in self._at(place, place))
        people = {self._entries.person(*entry).person.key: entry for entry in found.values()}
        persons = [self._entries.person(*entry).person for entry in people.values()]
        mine = owners(persons, left, self.ground.schema.canonical(login))
        for person in chain.from_iterable(mine.values()):
            self._take(people[person.key])
        return {key: [person for person in owning if not self._is_group(person)] for key, owning in mine.items()}

    def follow(self, people: Collection[UserKey], templates: Collection[str]) -> None:
        """Take in the groups that hold these people and their namesakes."""
        same = [part for key in sorted(people) for part in self._namesakes(self._known[key], templates)]
        if same:
            for entry in self._people(Or(tuple(dict.fromkeys(same)))):
                self._take(entry)
        followed = [self._known[key] for key in sorted({*people, *self._same_name(people, templates)})]
        self._groups.climb(followed)
        for person in followed:
            self._check_there(person)

    def check_somebody(self) -> None:
        """Raise ReadIncomplete where the directory shows nobody at all."""
        if not self._witness(Present("objectClass")):
            raise nobody_at_all(self.ground.where)

    def consult(self, wanted: Consulted) -> None:
        """Take in the groups that rules name, and somebody with each of these attributes."""
        self._groups.consult(wanted)
        for attribute in sorted(wanted.attributes):
            self._witness(Present(attribute))

    def snapshot(self) -> Snapshot:
        """Return what has been taken in."""
        ground = self.ground
        reduction = Reduction(self.needs, ground.schema, moment_of(self.read_at), ground.traits)
        with located(ground.where):
            self._gathered.give(reduction, self._logins)
            self._groups.settle(reduction)
            return reduction.snapshot(origin_of(self.client, ground, self.read_at), ground.warnings)

    def check_canary(self) -> None:
        """Raise ReadIncomplete where a canary is not seen; floors of people and groups are for reads of everything."""
        canary, shown = self.ground.config.canary, "".join(f"({name}=*)" for name in self._groups.member_names())
        missing = [dn for dn in canary.people if not list(self._at(dn, dn_key(dn), _NOTHING))]
        missing += [dn for dn in canary.groups if not self._groups.at(dn, f"(|{shown})")]
        if missing:
            raise ReadIncomplete(
                f'{self.ground.where}: the canary "{shortened(missing[0])}" is not seen, or shows no members. What is not '
                "seen may only be hidden: has the account that reads lost rights? Where it has not, correct the canary "
                "in the policy."
            )

    def _take(self, entry: RawEntry) -> Person:
        raw = self._entries.person(*entry)
        self._known[raw.person.key] = raw
        self._gathered.people[raw.key] = entry
        self._logins.update(raw.uids)
        return raw.person

    def _people(self, wanted: Filter) -> Iterator[RawEntry]:
        """Yield the people for whom the filter is true; of several bases all but the last are asked twice, as for everybody."""
        for search in (*self.ground.people, *self.ground.people[:-1]):
            narrowed = replace(search, filter=f"(&{search.filter}{wire_text(wanted)})")
            for page in pages_of(self.client, self.ground, narrowed):
                yield from page

    def _at(self, dn: str, place: DnKey, attributes: tuple[str, ...] = ()) -> Iterator[RawEntry]:
        for search in self.ground.people:
            if is_under(place, dn_key(search.base)):
                answer = self.client.entry(Search(search.what, dn, search.filter, attributes or search.attributes))
                if answer.code not in _NOBODY_THERE:
                    check_code(answer, search.what)
                yield from answer.entries

    def _is_group(self, person: Person) -> bool:
        """An entry that both filters select is a group."""
        place = dn_key(person.dn)
        is_group = under_any(place, [search.base for search in self.ground.groups]) and self._groups.at(person.dn)
        if is_group:
            self._gathered.people.pop(place, None)
        return is_group

    def _with_id(self, text: str) -> Iterable[Filter]:
        return with_id(text, self.ground)

    def _namesakes(self, person: RawPerson, templates: Collection[str]) -> Iterator[Filter]:
        """Yield who has the same login, and whose attributes would fill a username template with the same values."""
        yield from (Equal("uid", uid.decode("utf-8", "surrogateescape")) for uid in person.uids)
        for template in sorted(templates):
            if values := self._values(person.person, template):
                yield And(tuple(Equal(name, value) for name, value in values.items()))

    def _values(self, person: Person, template: str) -> dict[str, str]:
        config, found = self.ground.config, {}
        for word in sorted(fields_of(template)):
            name = config.attribute(word, self.ground.dialect) if word in OUR_WORDS else word
            try:
                found[name] = single_value(person.dn, person.attributes, self.ground.schema.canonical(name))
            except NoValueError:
                return {}
        return found

    def _same_name(self, people: Collection[UserKey], templates: Collection[str]) -> Iterator[UserKey]:
        """Yield those taken in who have a login or the values of a template in common with one of these people."""
        mine = [self._marks(self._known[key], templates) for key in people]
        for key, raw in self._known.items():
            if any(not self._marks(raw, templates).isdisjoint(marks) for marks in mine):
                yield key

    def _marks(self, person: RawPerson, templates: Collection[str]) -> frozenset[object]:
        filled = ((template, self._values(person.person, template)) for template in templates)
        names = {(template, *map(login_key, values.values())) for template, values in filled if values}
        return frozenset({*names, *person.uids})

    def _witness(self, wanted: Filter) -> bool:
        """Take in the first person for whom the filter is true; tell whether there is one."""
        for search in self.ground.people:
            narrowed = replace(search, filter=f"(&{search.filter}{wire_text(wanted)})")
            pages = complete_pages(partial(self.client.page, narrowed, 1), search.what, self.ground.harmless)
            for entry in chain.from_iterable(pages):
                self._take(entry)
                return True
        return False

    def _check_there(self, person: RawPerson) -> None:
        """Raise ReadIncomplete for somebody who was renamed meanwhile: groups name the new DN, and the old was looked for."""
        for entry in self._at(person.person.dn, person.key):
            if self._entries.person(*entry).person.key == person.person.key:
                return
        raise ReadIncomplete(
            f'{self.ground.where}: "{shortened(person.person.dn)}" is not there any more: the entry was moved, renamed or '
            "deleted while it was read; run again"
        )
