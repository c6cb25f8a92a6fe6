"""Find the groups that hold some people, level by level, and the groups that rules name; never lists all groups."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from reconciler.directory.claims import under_any
from reconciler.directory.client import Client
from reconciler.directory.defaults import wire_text
from reconciler.directory.dynamic import MemberSearch, UnusableUrl, member_search
from reconciler.directory.entries import MEMBER_ATTRIBUTES, RawPerson
from reconciler.directory.gathered import Gathered
from reconciler.directory.ground import Ground
from reconciler.directory.ldap_source import pages_of
from reconciler.directory.members import key_of
from reconciler.directory.pages import NotHere, RawEntry, check_code
from reconciler.directory.person import Consulted
from reconciler.directory.reduction import Reduction
from reconciler.directory.servers import Search
from reconciler.errors import ReadIncomplete
from reconciler.model.access import STABLE_ID_MISSING
from reconciler.model.filter import And, Equal, Filter, Or
from reconciler.model.names import DnKey, DnSyntaxError, caseless, dn_key, is_under, rdn_values
from reconciler.model.text import shortened

_AT_ONCE = 200  # groups that one search looks for
_NOTHING = ("1.1",)  # RFC 4511 4.5.1.8
_NOBODY_THERE = frozenset({0, 32, 34, 50})
_NS_UNIQUE_ID = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{8}){3}")
_BY_DN = tuple(name for name in MEMBER_ATTRIBUTES if name != "memberUid")


@dataclass(slots=True)
class GroupReader:
    """Asks for groups and gives them to `gathered`."""

    client: Client
    ground: Ground
    gathered: Gathered
    _dynamic: dict[DnKey, list[MemberSearch]] = field(init=False, default_factory=dict)
    _found_by_search: dict[DnKey, set[bytes]] = field(init=False, default_factory=dict)

    def climb(self, people: Sequence[RawPerson]) -> None:
        """Take in every group that holds one of these people, directly or not; all are still there at the end."""
        self._take_dynamic()
        ahead: set[DnKey] = set()
        for person in people:
            ahead |= self._holding_person(person)
        climbed = set(ahead)
        while ahead and self.ground.config.nested_groups:
            ahead = self._holding_groups(sorted(ahead)) - climbed
            climbed |= ahead
        self._check_there(sorted(climbed))

    def consult(self, wanted: Consulted) -> None:
        """Take in the groups that these names and ids mean; of whole ones also every group in them."""
        light = [*map(_with_cn, sorted(wanted.cns)), *_with_rdn(wanted.dns)]
        self._look_up(light, whole=False)
        ids = [part for key in sorted(wanted.whole_ids) for part in self._with_id(key)]
        places = {key.removeprefix(STABLE_ID_MISSING) for key in wanted.whole_ids if key.startswith(STABLE_ID_MISSING)}
        whole = [*map(_with_cn, sorted(wanted.whole_cns)), *_with_rdn({*wanted.whole_dns, *places}), *ids]
        ahead = self._look_up(whole, whole=True)
        while ahead and self.ground.config.nested_groups:
            ahead = self._inside(ahead)

    def settle(self, reduction: Reduction) -> None:
        """Say who is in the dynamic groups whose searches could be made."""
        for key in reduction.searches:
            if key in self._dynamic:
                reduction.add_members(key, sorted(self._found_by_search.get(key, ())))

    def at(self, dn: str, more: str = "") -> bool:
        """Tell whether there is a group at a DN, for which also `more` is true."""
        for search in self.ground.groups:
            narrowed = f"(&{search.filter}{more})" if more else search.filter
            answer = self.client.entry(Search(search.what, dn, narrowed, _NOTHING))
            if answer.code not in _NOBODY_THERE:
                check_code(answer, search.what)
            if answer.entries:
                return True
        return False

    def member_names(self) -> Sequence[str]:
        """Return the member attributes that the server knows; an unknown one says nothing, or is an error."""
        schema = self.ground.schema
        return [name for name in MEMBER_ATTRIBUTES if not schema.from_server or schema.attribute(name) is not None]

    def _holding_person(self, person: RawPerson) -> set[DnKey]:
        """Return the groups that hold the person by DN, by login, as primary group, by a search, or by its own word."""
        dn = person.person.dn
        found = set()
        parts: list[Filter] = [Equal(name, dn) for name in self.member_names() if name in _BY_DN]
        if person.primary:
            parts.append(Equal("objectSid", person.primary.decode("utf-8", "surrogateescape")))
        for entry in self._groups(Or(tuple(parts)), whole=False):
            self.gathered.take(entry, [] if _has_sid(entry, person.primary) else [dn.encode()])
            found.add(_key(entry))
        uids = [Equal("memberUid", uid.decode("utf-8", "surrogateescape")) for uid in person.uids]
        if uids and "memberUid" in self.member_names():
            for entry in self._groups(Or(tuple(uids)), whole=False):
                self.gathered.take(entry, uids=person.uids)
                found.add(_key(entry))
        return found | self._claimed(person.member_of) | self._searched([dn.encode()])

    def _holding_groups(self, keys: Sequence[DnKey]) -> set[DnKey]:
        """Return the groups not met before that hold one of these; which one, their members tell where it is not clear."""
        found = set()
        dns = [self.gathered.groups[key].dn for key in keys]
        for start in range(0, len(dns), _AT_ONCE):
            some = dns[start : start + _AT_ONCE]
            parts = [Equal(name, dn.decode()) for dn in some for name in self.member_names() if name in _BY_DN]
            for entry in self._groups(Or(tuple(parts)), whole=len(some) > 1):
                self.gathered.take(entry, some if len(some) == 1 else (), whole=len(some) > 1)
                found.add(_key(entry))
        claims = [dn for key in keys for dn in _values(self.gathered.groups[key].attributes, "memberOf")]
        return found | self._claimed(claims) | self._searched(dns)

    def _claimed(self, dns: Iterable[bytes]) -> set[DnKey]:
        """Take in the groups that entries claim to be in, where the policy takes their word for it."""
        if not self.ground.config.member_of:
            return set()
        names = {dn.decode("utf-8", "replace") for dn in dns}
        return self._look_up(
            _with_rdn(names), whole=True, only={key for name in names if (key := key_of(name.encode()))}
        )

    def _searched(self, dns: Sequence[bytes]) -> set[DnKey]:
        """Return the dynamic groups one of whose searches finds one of these entries."""
        found = set()
        for group, searches in self._dynamic.items():
            for wanted in searches:
                inside = [dn for dn in dns if is_under(_dn_key(dn), dn_key(wanted.base))]
                for dn in self._found_by(wanted, inside):
                    self._found_by_search.setdefault(group, set()).add(dn)
                    found.add(group)
        return found

    def _found_by(self, wanted: MemberSearch, dns: Sequence[bytes]) -> Iterator[bytes]:
        if not dns:
            return
        narrowed = f"(&{wanted.filter}{wire_text(Or(tuple(_with_rdn(dn.decode() for dn in dns))))})"
        what = f'{self.ground.where}: members under "{shortened(wanted.base)}"'
        keys = set(map(_dn_key, dns))
        for page in pages_of(self.client, self.ground, Search(what, wanted.base, narrowed, _NOTHING, wanted.scope)):
            yield from (dn for dn, _ in page if _dn_key(dn) in keys)

    def _take_dynamic(self) -> None:
        """Take in all groups that hold searches, where the policy asks for it: no filter tells which of them finds somebody."""
        if not self.ground.config.dynamic_groups:
            return
        for entry in self._groups(Equal("objectClass", "groupOfURLs"), whole=True):
            self.gathered.take(entry, whole=True)
            try:
                searches = [member_search(url, self.ground.schema) for url in _values(entry[1], "memberURL")]
                for wanted in searches:
                    self._check_base(wanted)
            except (UnusableUrl, NotHere):
                continue
            if searches:
                self._dynamic[_key(entry)] = searches

    def _check_base(self, wanted: MemberSearch) -> None:
        """Raise NotHere where the base of a search is not there: then nobody knows whom the group means."""
        what = f'{self.ground.where}: members under "{shortened(wanted.base)}"'
        check_code(self.client.entry(Search(what, wanted.base, "(objectClass=*)", _NOTHING)), what)

    def _inside(self, keys: Collection[DnKey]) -> set[DnKey]:
        """Return the groups in these that were not looked into before."""
        bases = [search.base for search in self.ground.groups]
        inside = {dn for key in keys for dn in self.gathered.groups[key].named()}
        wanted = {key: dn for dn in inside if (key := key_of(dn)) is not None and under_any(key, bases)}
        groups = self.gathered.groups
        left = {
            key: dn.decode()
            for key, dn in wanted.items()
            if key not in self.gathered.people and (key not in groups or groups[key].members is None)
        }
        return self._look_up(_with_rdn(left.values()), whole=True, only=left.keys())

    def _look_up(self, parts: Sequence[Filter], *, whole: bool, only: Collection[DnKey] | None = None) -> set[DnKey]:
        """Take in the groups for which one of these filters is true, some in each search, and return them."""
        found = set()
        unique = list(dict.fromkeys(parts))
        for start in range(0, len(unique), _AT_ONCE):
            for entry in self._groups(Or(tuple(unique[start : start + _AT_ONCE])), whole=whole):
                if only is None or _key(entry) in only:
                    self.gathered.take(entry, whole=whole)
                    found.add(_key(entry))
        return found

    def _check_there(self, keys: Sequence[DnKey]) -> None:
        """Raise ReadIncomplete for a group that was renamed meanwhile; take in others of the same name."""
        groups = self.gathered.groups
        found = self._look_up(_with_rdn(groups[key].dn.decode() for key in keys), whole=False) if keys else set()
        gone = [key for key in keys if key not in found]
        if gone:
            raise ReadIncomplete(
                f'{self.ground.where}: the group "{shortened(gone[0])}" is not there any more: it was moved, renamed or '
                "deleted while it was read; run again"
            )

    def _groups(self, wanted: Filter, *, whole: bool) -> Iterator[RawEntry]:
        """Yield the groups for which the filter is true, with members where they are wanted `whole`."""
        for search in (*self.ground.groups, *self.ground.groups[:-1]):
            names = search.attributes if whole else tuple(_without_members(search.attributes))
            narrowed = replace(search, filter=f"(&{search.filter}{wire_text(wanted)})", attributes=names)
            for page in pages_of(self.client, self.ground, narrowed):
                yield from page

    def _with_id(self, key: str) -> Iterable[Filter]:
        return with_id(key, self.ground)


def with_id(text: str, ground: Ground) -> Iterable[Filter]:
    """Return the filter for the entry with a stable id as we write it; none for a text that cannot be one."""
    if _NS_UNIQUE_ID.fullmatch(text) and ground.schema.attribute("nsUniqueId"):
        return (Equal("nsUniqueId", caseless(text)),)
    try:
        known = uuid.UUID(text)
    except ValueError:
        return ()
    if ground.dialect == "active_directory":
        return (Equal("objectGUID", known.bytes_le.decode("utf-8", "surrogateescape")),)
    return (Equal("entryUUID", str(known)),)


def _with_cn(cn: str) -> Filter:
    return Equal("cn", cn)


def _with_rdn(dns: Iterable[str]) -> list[Filter]:
    """Return the filter for the entries that may have each DN: every attribute of the first part is one of the entry."""
    found: list[Filter] = []
    for dn in dns:
        try:
            parts = tuple(Equal(name, value) for name, value in rdn_values(dn).items())
        except DnSyntaxError:
            continue
        if parts:
            found.append(parts[0] if len(parts) == 1 else And(parts))
    return found


def _without_members(names: Iterable[str]) -> Iterator[str]:
    left_out = set(map(caseless, MEMBER_ATTRIBUTES))
    return (name for name in names if caseless(name) not in left_out)


def _values(attributes: dict[str, list[bytes]], name: str) -> list[bytes]:
    return [value for key, values in attributes.items() if caseless(key) == caseless(name) for value in values]


def _has_sid(entry: RawEntry, sid: bytes) -> bool:
    return bool(sid) and sid in _values(entry[1], "objectSid")


def _key(entry: RawEntry) -> DnKey:
    return _dn_key(entry[0])


def _dn_key(dn: bytes) -> DnKey:
    return key_of(dn) or DnKey("")
