"""Turn one raw entry into a person or a group with just the attributes that the policy names; pure, never reads anything."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, NoReturn

from reconciler.directory import markers
from reconciler.directory.members import without_uid
from reconciler.directory.pages import RawAttributes
from reconciler.directory.sids import primary_group_sid
from reconciler.errors import ReadIncomplete
from reconciler.model.access import STABLE_ID_MISSING, UserKey
from reconciler.model.directory import Attributes, Dialect, DirectoryGroup, Person, Readability
from reconciler.model.names import DnKey, DnSyntaxError, caseless, dn_key, domain_of, rdn_values
from reconciler.model.schema import DirectorySchema
from reconciler.model.text import shortened

ATTRIBUTES = ("objectClass", "entryUUID", "nsUniqueId", "objectGUID")
"""What every entry is asked for beside the policy's attributes: its kind and its stable id."""

MEMBER_ATTRIBUTES = ("member", "uniqueMember", "submember", "memberUid")

_MEMBERS = frozenset(map(caseless, MEMBER_ATTRIBUTES))
_FACTS = _MEMBERS | {
    "entryuuid",
    "nsuniqueid",
    "objectguid",
    "objectclass",
    "uid",
    "cn",
    "objectsid",
    "primarygroupid",
    "grouptype",
    "memberof",
    "memberurl",
}
_UNIVERSAL = 0x8  # MS-ADTS 2.2.12, groupType
_UUID = re.compile("[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")


@dataclass(frozen=True, slots=True)
class Traits:
    """What else than its attributes decides who is in which group.

    `member_of`: what people and groups say of themselves counts where a group says nothing. `home`: read from a global
    catalogue, the naming context of its own domain; of other domains' groups it knows the members of universal ones only.
    """

    dialect: Dialect = "openldap"
    member_of: bool = False
    dynamic_groups: bool = False
    home: DnKey | None = None

    def person_attributes(self) -> frozenset[str]:
        """Return what people are asked for beside the usual."""
        primary = {"objectSid", "primaryGroupID"} if self.dialect == "active_directory" else set()
        return frozenset(primary | ({"memberOf"} if self.member_of else set()))

    def group_attributes(self) -> frozenset[str]:
        """Return what groups are asked for beside the usual."""
        asked = {"objectSid", "groupType"} if self.dialect == "active_directory" else set()
        asked |= {"memberOf"} if self.member_of else set()
        return frozenset(asked | ({"memberURL"} if self.dynamic_groups else set()))


PLAIN = Traits()


class RawPerson(NamedTuple):
    """A person, the logins that ``memberUid`` values name it by, the SID of its primary group, the groups it claims."""

    key: DnKey
    person: Person
    uids: Sequence[bytes]
    primary: bytes = b""
    member_of: Sequence[bytes] = ()


class RawGroup(NamedTuple):
    """A group without its members, and the members as the directory names them: by DN, by login.

    `shows`: some member attribute came with a value. `searched`: its members are (also) those that a search finds; `urls` are the searches, where they are to be made.
    """

    key: DnKey
    group: DirectoryGroup
    members: Sequence[bytes]
    uids: Sequence[bytes]
    sid: bytes = b""
    member_of: Sequence[bytes] = ()
    shows: bool = True
    searched: bool = False
    urls: Sequence[bytes] = ()


class _Slot(NamedTuple):
    """What becomes of one attribute description: its key where the policy needs it, its plain name where we do."""

    key: str
    kept: bool
    fact: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One attribute that the policy names: the canonical names of its type and subtypes, the options it must have."""

    names: frozenset[str]
    options: frozenset[str]


class AttributeReader:
    """Keeps what a policy names of an entry's attributes; remembers what to do with each description that it has met."""

    def __init__(self, needs: Collection[str], schema: DirectorySchema) -> None:
        """`needs` are attributes as the policy writes them; a type's subtypes belong to it (RFC 4512 2.5.1)."""
        self._schema = schema
        self._wanted = [
            _Wanted(schema.subtypes(name), frozenset(options)) for name, *options in map(self._split, needs)
        ]
        self._slots: dict[str, _Slot] = {}
        self._classes: dict[tuple[bytes, ...], tuple[str, ...]] = {}  # the same few combinations on every entry

    def attributes(self, dn: bytes, raw: RawAttributes) -> Attributes:
        """Return the kept attributes; raises ReadIncomplete where a server sent only a part of one."""
        return self.reduced(dn, raw)[0]

    def reduced(self, dn: bytes, raw: RawAttributes) -> tuple[Attributes, Mapping[str, Sequence[bytes]]]:
        """Return the kept attributes, and those that decide what an entry is, by plain name."""
        kept: dict[str, tuple[str, ...]] = {}
        facts: dict[str, Sequence[bytes]] = {}
        known = self._slots.get
        for description, values in raw.items():
            key, is_kept, fact = known(description) or self._slot(description, dn)
            if not values:
                continue
            if fact:
                facts[fact] = values
            if is_kept:
                if key == "objectclass":
                    kept[key] = self.classes(values)
                elif len(values) == 1:  # most
                    kept[key] = (values[0].decode("utf-8", "surrogateescape"),)
                else:
                    kept[key] = _decoded(values)
        return kept, facts

    def classes(self, values: Sequence[bytes]) -> tuple[str, ...]:
        """Return object classes as text, the same tuple for the same values."""
        raw = tuple(values)
        return self._classes.get(raw) or self._classes.setdefault(raw, _decoded(values))

    @property
    def classes_kept(self) -> frozenset[str]:
        """All object classes that entries were kept with so far."""
        return frozenset(name for names in self._classes.values() for name in names)

    def _slot(self, description: str, dn: bytes) -> _Slot:
        name, *options = self._split(description)
        if any(option.startswith("range=") for option in options):
            _fail(_shown(dn), f'only a part of "{description.partition(";")[0]}" was sent ("{description}")')
        kept = any(name in want.names and want.options <= set(options) for want in self._wanted)
        fact = name if not options and (name in _FACTS or markers.is_marker(name)) else ""
        return self._slots.setdefault(description, _Slot(";".join((name, *options)), kept, fact))

    def _split(self, description: str) -> list[str]:
        return self._schema.canonical(description).split(";")


class EntryReader:
    """Reduces entries of one kind."""

    def __init__(
        self, needs: Collection[str], schema: DirectorySchema, moment: datetime, traits: Traits = PLAIN
    ) -> None:
        """`moment` (UTC) decides about accounts that end by a date."""
        self.attributes = AttributeReader(needs, schema)
        self._schema = schema
        self._moment = moment
        self._traits = traits
        self._must: dict[tuple[str, ...], frozenset[str]] = {}
        self._dynamic: dict[tuple[str, ...], bool] = {}
        self._classes: dict[tuple[bytes, ...], tuple[str, ...]] = {}

    def person(self, dn: bytes, raw: RawAttributes) -> RawPerson:
        """Return the person; raises ReadIncomplete for an entry that cannot be understood."""
        key, text = self._dn(dn)
        kept, facts = self.attributes.reduced(dn, raw)
        found = markers.found_in(facts)
        try:
            is_disabled = bool(found) and markers.disabled(found, self._moment)
        except (ValueError, OverflowError) as error:
            _fail(text, f"its marker of disabled accounts cannot be read ({', '.join(found)}): {error}", error)
        person = Person(UserKey(self._stable_key(text, key, facts)), text, kept, is_disabled)
        claims = facts.get("memberof", ()) if self._traits.member_of else ()
        return RawPerson(key, person, facts.get("uid", ()), self._primary(text, facts), claims)

    def group(self, dn: bytes, raw: RawAttributes) -> RawGroup:
        """Return the group, UNREADABLE where its classes demand a member attribute that did not come."""
        key, text = self._dn(dn)
        kept, facts = self.attributes.reduced(dn, raw)
        classes = self._named(facts.get("objectclass", ()))
        readable = all(facts.get(name) for name in self._demanded(classes))
        readable = readable and not self._hidden_by_catalogue(key, facts)
        group = DirectoryGroup(
            key=self._stable_key(text, key, facts),
            dn=text,
            cn=_common_name(text, facts.get("cn", ())),
            attributes=kept,
            readability=Readability.READ if readable else Readability.UNREADABLE,
        )
        unique = facts.get("uniquemember", ())
        if any(value.endswith(b"'B") for value in unique):
            unique = [without_uid(value) for value in unique]
        members = [*facts.get("member", ()), *unique, *facts.get("submember", ())]
        claims = facts.get("memberof", ()) if self._traits.member_of else ()
        return RawGroup(
            key,
            group,
            members,
            facts.get("memberuid", ()),
            sid=facts["objectsid"][0] if "objectsid" in facts else b"",
            member_of=claims,
            shows=not _MEMBERS.isdisjoint(facts),
            searched=self._is_dynamic(classes),
            urls=facts.get("memberurl", ()) if self._traits.dynamic_groups else (),
        )

    def _named(self, values: Sequence[bytes]) -> tuple[str, ...]:
        """Return object classes as text, without counting them among those that are kept."""
        raw = tuple(values)
        return self._classes.get(raw) or self._classes.setdefault(raw, _decoded(values))

    def _is_dynamic(self, classes: tuple[str, ...]) -> bool:
        if classes not in self._dynamic:
            self._dynamic[classes] = "groupofurls" in map(self._schema.canonical, classes)
        return self._dynamic[classes]

    def _primary(self, dn: str, facts: Mapping[str, Sequence[bytes]]) -> bytes:
        """Return the SID of the primary group: the one membership that no ``member`` attribute holds."""
        if self._traits.dialect != "active_directory" or "primarygroupid" not in facts:
            return b""
        if "objectsid" not in facts:
            _fail(dn, "it has a primary group, and objectSid, which tells which one, did not come")
        try:
            return primary_group_sid(facts["objectsid"][0], facts["primarygroupid"][0])
        except ValueError as error:
            _fail(dn, f"its primary group cannot be read: {error}", error)

    def _hidden_by_catalogue(self, key: DnKey, facts: Mapping[str, Sequence[bytes]]) -> bool:
        """A child domain lies under its parent by name, and is another domain all the same."""
        home = self._traits.home
        if home is None or domain_of(key) == home:
            return False
        try:
            return not any(int(value) & _UNIVERSAL for value in facts.get("grouptype", ()))
        except ValueError as error:
            _fail(key, f"its groupType cannot be read: {error}", error)

    def _dn(self, dn: bytes) -> tuple[DnKey, str]:
        try:
            text = dn.decode()
            return dn_key(text), text
        except (UnicodeDecodeError, DnSyntaxError) as error:
            _fail(_shown(dn), f"its DN cannot be read: {error}", error)

    def _demanded(self, classes: tuple[str, ...]) -> frozenset[str]:
        """Return the member attributes that an entry of these object classes must have."""
        if classes not in self._must:
            self._must[classes] = self._schema.must_attributes(classes) & _MEMBERS
        return self._must[classes]

    def _stable_key(self, dn: str, key: DnKey, facts: Mapping[str, Sequence[bytes]]) -> str:
        """Return entryUUID (RFC 4530), else 389's nsUniqueId, else objectGUID, else the DN, which a rename changes."""
        try:
            if "entryuuid" in facts:
                return _uuid_text(facts["entryuuid"][0].decode("ascii"))
            if "nsuniqueid" in facts:
                return caseless(facts["nsuniqueid"][0].decode("ascii"))
            if "objectguid" in facts:
                return str(uuid.UUID(bytes_le=facts["objectguid"][0]))
        except ValueError as error:
            _fail(dn, f"its stable id cannot be read: {error}", error)
        return STABLE_ID_MISSING + key


def _decoded(values: Sequence[bytes]) -> tuple[str, ...]:
    return tuple([value.decode("utf-8", "surrogateescape") for value in values])


def _uuid_text(text: str) -> str:
    return caseless(text) if _UUID.fullmatch(text) else str(uuid.UUID(text))


def _common_name(dn: str, values: Sequence[bytes]) -> str:
    """Return the group's CN; of several, the one that is part of its DN."""
    names = [value.decode("utf-8", "surrogateescape") for value in values]
    if len(names) > 1:
        return rdn_values(dn).get("cn", names[0])
    return names[0] if names else ""


def _shown(dn: bytes) -> str:
    return dn.decode(errors="backslashreplace")


def _fail(dn: str, message: str, cause: Exception | None = None) -> NoReturn:
    raise ReadIncomplete(f'entry "{shortened(dn)}": {shortened(message)}') from cause
