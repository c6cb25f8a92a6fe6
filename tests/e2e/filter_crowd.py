"""An awkward directory, and filters made up from what a directory holds; never looks at how filters are evaluated."""

from __future__ import annotations

import base64
import random
import re
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence

BASE = "dc=example,dc=com"
Entry = tuple[str, Mapping[str, Sequence[str]]]  # DN, attributes

_GIVEN = (
    "Ada",
    "Bjørn",
    "Chloé",
    "chloe\u0301",
    "Dvořák",
    "Ève",
    "O'Neil",
    "Ｗｉｄｅ",
    "Jean  Luc",
    "ﬁona",
    "Ξένια",
    "strauß",
)
_SURNAMES = (
    "Lovelace",
    "MÜLLER",
    "Müller",
    "de la  Cruz",
    "Smith (Ext)",
    "Smith*",
    "Back\\slash",
    "Ångström",
    "İnci",
    "a, b",
)
_TITLES = (
    "Staff Engineer",
    " staff   engineer ",
    "STAFF ENGINEER",
    "Engineer, Staff",
    "Ingénieure",
    "Boss #1",
    "x" * 60,
)
_PLACES = ("Zürich", "ZU\u0308RICH", "Genève", "San  José", "São Paulo", "東京")


def seeded(seed: int) -> random.Random:
    """Return a source of choices that are the same for the same seed."""
    return random.Random(seed)  # noqa: S311 - nothing here is secret


def directory(chance: random.Random) -> list[Entry]:
    """Return entries with most kinds of attributes, superiors first."""
    postal = ["Street 1 $ 8000  Zürich"]
    tops: list[Entry] = [
        (BASE, {"objectClass": ["dcObject", "organization"], "dc": ["example"], "o": ["Example  Inc", "Exämple"]}),
        (f"ou=People,{BASE}", {"objectClass": ["organizationalUnit"], "ou": ["People"], "postalAddress": postal}),
        (f"ou=Groups,{BASE}", {"objectClass": ["organizationalUnit"], "ou": ["Groups", "groupes"]}),
    ]
    people = [_person(chance, number) for number in range(60)]
    entries = [*tops, *people, *_groups(chance, [dn for dn, _ in people])]
    return [(dn, {**_operational(chance), **attributes}) for dn, attributes in entries]


def _operational(chance: random.Random) -> dict[str, list[str]]:
    """Return what a server would make up anew each time."""
    moment = f"{chance.randrange(2010, 2027)}{chance.randrange(1, 13):02d}15{chance.randrange(24):02d}3000Z"
    unique = uuid.UUID(int=chance.getrandbits(128), version=4)
    return {"entryUUID": [str(unique)], "createTimestamp": [moment], "modifyTimestamp": ["20261120120000Z"]}


def ldif(entries: Sequence[Entry]) -> str:
    """Return LDIF with every value in base64, so that none needs thought."""
    lines = []
    for dn, attributes in entries:
        lines.append(_line("dn", dn))
        lines += [_line(name, value) for name, values in attributes.items() for value in values]
        lines.append("")
    return "\n".join(lines)


def _person(chance: random.Random, number: int) -> Entry:
    given, surname = chance.choice(_GIVEN), chance.choice(_SURNAMES)
    uid = f"{chance.choice(('User', 'user', 'USER'))}{number:02d}"
    found = {
        "objectClass": ["inetOrgPerson"],
        "uid": [uid],
        "cn": [f"{given} {surname}", *([f"{surname}, {given}"] if number % 3 == 0 else [])],
        "sn": [surname],
        "manager": [f"uid=user{chance.randrange(60):02d},ou=People,{BASE}"],
        "mail": [f"{chance.choice(('User', 'user'))}{number:02d}@{chance.choice(('Example', 'example'))}.com"],
    }
    if number % 4:
        found |= {"title": [chance.choice(_TITLES)], "l": [chance.choice(_PLACES)]}
    if number % 5 == 0:
        found |= {"cn;lang-de": [f"Deutsch {number}"], "description;lang-fr-ch": ["Suisse Romande"]}
    if number % 3:
        found |= {"description": ["Likes  (filters) & *stars*", f"No. {number}"], "employeeNumber": [f"{number:03d}"]}
        found |= {"telephoneNumber": [f"+41 44-{number:03d} 00{number % 7}"], "x121Address": [f"12 34 {number}"]}
    if number % 2:
        found |= _account(number)
    if number % 10 == 0:
        found |= {"pwdReset": ["TRUE"], "pwdAccountLockedTime": ["000001010000Z" if number % 20 else "20261101080000Z"]}
    first = ("uid", uid) if number % 6 else ("cn", found["cn"][0])
    return f"{first[0]}={_dn_value(first[1])}+sn={_dn_value(surname)},ou=People,{BASE}", found


def _account(number: int) -> dict[str, list[str]]:
    return {
        "objectClass": ["inetOrgPerson", "posixAccount", "shadowAccount", "ldapPublicKey"],
        "uidNumber": [str(1000 + number * 7)],
        "gidNumber": [str(number % 5 - 1)],
        "homeDirectory": [f"/home/User{number:02d}"],
        "loginShell": ["/bin/Sh" if number % 3 else "/bin/sh"],
        "gecos": [f"Gecos {number},,"],
        "shadowExpire": [str(number)],
        "sshPublicKey": [f"ssh-rsa AAAA{number}"],
    }


def _groups(chance: random.Random, people: Sequence[str]) -> Iterator[Entry]:
    for number in range(21):
        members = chance.sample(people, 4)
        name = f"{chance.choice(('Team', 'team', 'Équipe'))} {number}"
        if number % 3 == 0:
            ghost = f"cn=Ghost {number},ou=Groups,{BASE}"
            kind = {"objectClass": ["groupOfNames"], "member": [*members, ghost], "owner": members[:1]}
        elif number % 3 == 1:
            # OpenLDAP answers differently with and without its index where a DN stands both with a UID and without
            unique = [members[0], f"uid=Twin{number},ou=People,{BASE}#'01'B"]
            kind = {"objectClass": ["groupOfUniqueNames"], "uniqueMember": unique, "businessCategory": ["Über  Uns"]}
        else:
            kind = {"objectClass": ["posixGroup"], "gidNumber": [str(number)]}
            kind["memberUid"] = [f"user{number:02d}", f"User{number + 1:02d}"]
        yield f"cn={_dn_value(name)},ou=Groups,{BASE}", {"cn": [name], **kind}


def _dn_value(value: str) -> str:
    return re.sub(r'([,+"\\<>;#])', r"\\\1", value.strip(" "))


def _line(name: str, value: str) -> str:
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"


# attribute to the kind of its values; what is not listed is not asked for by value
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("cn", "sn", "uid", "title", "l", "description", "employeeNumber", "o", "ou", "businessCategory"), "text"
    ),
    **dict.fromkeys(("cn;lang-de", "description;lang-fr-ch"), "text"),
    **dict.fromkeys(("mail", "gecos", "dc", "homeDirectory", "loginShell", "memberUid"), "ascii"),
    **dict.fromkeys(("uidNumber", "gidNumber", "shadowExpire"), "number"),
    **dict.fromkeys(("createTimestamp", "modifyTimestamp"), "time"),
    **dict.fromkeys(("manager", "member", "owner", "creatorsName", "entryDN"), "dn"),
    "uniqueMember": "unique",
    **dict.fromkeys(("telephoneNumber", "x121Address"), "digits"),
    **dict.fromkeys(("objectClass", "structuralObjectClass"), "class"),
    **dict.fromkeys(("sshPublicKey", "pwdReset", "postalAddress"), "plain"),
    "pwdAccountLockedTime": "time",
    "entryUUID": "id",
}
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "cn": ("commonName", "2.5.4.3", "name", "CN", "cn;lang-de", "cn;lang-", "name;lang-de"),
    "sn": ("surname", "name", "2.5.4.41", "sn;lang-de"),
    "l": ("localityName", "name"),
    "uid": ("userid", "0.9.2342.19200300.100.1.1"),
    "mail": ("rfc822Mailbox", "MAIL"),
    "description;lang-fr-ch": ("description", "description;lang-fr-", "description;LANG-FR-ch"),
    "member": ("distinguishedName", "2.5.4.31"),
    "owner": ("distinguishedName",),
}
_AD = "1.2.840.113556.1.4."
_UNKNOWN = ("nosuch", "titel", "1.2.3.4", "nosuch;lang-de")
# matching rules that extensible matches name; an empty one is the attribute's own
_RULES: Mapping[str, tuple[str, ...]] = {
    "text": ("", "caseIgnoreMatch", "caseExactMatch", "2.5.13.5", "caseIgnoreOrderingMatch", "caseExactOrderingMatch"),
    "ascii": ("", "caseIgnoreIA5Match", "caseExactIA5Match", "caseExactMatch"),
    "number": ("", "integerOrderingMatch", f"{_AD}803", f"{_AD}804", f"{_AD}803", "integerBitAndMatch"),
    "time": ("", "generalizedTimeMatch", "generalizedTimeOrderingMatch", "caseIgnoreMatch"),
    "dn": ("", "distinguishedNameMatch", "caseExactMatch"),
    "unique": ("", "distinguishedNameMatch"),
    "digits": ("", "telephoneNumberMatch", "numericStringMatch", "nosuchMatch"),
    "class": ("", "caseIgnoreMatch", f"{_AD}803"),
    "plain": ("", "octetStringMatch", "nosuchMatch"),
    "id": ("nosuchMatch",),  # OpenLDAP lets UUIDMatch not be named
}


class Crowd:
    """Makes filters up, as text, from the values of entries; the same seed gives the same filters."""

    def __init__(self, chance: random.Random, entries: Sequence[Entry]) -> None:
        """`entries` as a server shows them, operational attributes included."""
        self._chance = chance
        self._values: dict[str, list[str]] = {}
        for _, attributes in entries:
            for name, values in attributes.items():
                self._values.setdefault(name, []).extend(values)
        self._dn_parts = (
            ("ou", "People"),
            ("ou", "groups"),
            ("dc", "EXAMPLE"),
            ("sn", "lovelace"),
            ("cn", "team 2"),
            ("uid", "user07"),
        )

    def filters(self, count: int) -> list[str]:
        """Return that many filters: a third of them single items, the rest nested up to three deep."""
        return [self._filter(number % 3) for number in range(count)]

    def _filter(self, depth: int) -> str:
        if depth == 0 or self._chance.random() < 0.2:
            return f"({self._space()}{self._item()})"
        kind = self._chance.choice("&&|||!")
        count = 1 if kind == "!" else self._chance.choice((0, 1, 2, 2, 2, 2, 2, 2, 3, 3))
        parts = [f"{self._filter(depth - 1)}{'' if kind == '!' else self._space()}" for _ in range(count)]
        return f"({self._space()}{kind}{self._space()}{''.join(parts)})"

    def _space(self) -> str:
        return self._chance.choice(("", "", "", "", " ", "  "))

    def _item(self) -> str:
        dice = self._chance.random()
        if dice < 0.04:
            return self._unknown()
        if dice < 0.1:
            return self._in_dn()
        attribute = self._chance.choice([name for name in _KINDS if name in self._values])
        kind, value = _KINDS[attribute], self._chance.choice(self._values[attribute])
        name = self._name(attribute)
        if dice < 0.20:
            return f"{name}=*"
        if dice < 0.32:
            rule = self._chance.choice(_RULES[kind])
            return f"{name}{rule and ':'}{rule}:={self._written(kind, value)}"
        return self._comparison(name, kind, value)

    def _comparison(self, name: str, kind: str, value: str) -> str:
        dice = self._chance.random()
        if dice < 0.07 or (kind in {"number", "time"} and dice < 0.6):
            return f"{name}{self._chance.choice(('>=', '<='))}{self._written(kind, value)}"
        if dice < 0.5 and kind not in {"number", "time", "dn", "unique", "class", "plain", "id"}:
            return f"{name}={self._pieces(kind, value)}"
        if dice < 0.53:
            return f"{name}={self._pieces(kind, value)}"
        # approximate matching of strings is phonetic there and equality here: said in the documentation, not compared
        approximate = kind in {"number", "time", "dn"} and dice < 0.7
        return f"{name}{'~=' if approximate else '='}{self._written(kind, value)}"

    def _unknown(self) -> str:
        name = self._chance.choice(_UNKNOWN)
        return f"{name}{self._chance.choice(('=x', '=*', '>=1', '=a*', ':=x', ':caseExactMatch:=x', ':dn:=x'))}"

    def _in_dn(self) -> str:
        name, value = self._chance.choice(self._dn_parts)
        rule = self._chance.choice(("", "", ":caseIgnoreMatch", ":caseIgnoreIA5Match", ":caseExactMatch"))
        if rule and self._chance.random() < 0.3:
            return f":dn{rule}:={value}"
        return f"{self._name(name)}:{self._chance.choice(('dn', 'DN'))}{rule}:={value}"

    def _name(self, attribute: str) -> str:
        if self._chance.random() < 0.3:
            return self._chance.choice(_OTHER_NAMES.get(attribute, (attribute.swapcase(),)))
        return attribute

    def _written(self, kind: str, value: str) -> str:
        changes = self._changes(kind)
        for _ in range(self._chance.choice((0, 0, 0, 0, 1, 1, 2))):
            value = self._chance.choice(changes)(value)
        return self._escaped(value)

    def _pieces(self, kind: str, value: str) -> str:
        """Cut a value in two to four, drop some of the pieces, and put asterisks where one is gone or two meet."""
        cuts = sorted(self._chance.sample(range(1, len(value) + 1), min(len(value), self._chance.choice((1, 2, 3)))))
        pieces = [value[start:end] for start, end in zip([0, *cuts], [*cuts, len(value)], strict=True)]
        if self._chance.random() < 0.4:
            pieces = [piece.swapcase() for piece in pieces]
        if kind == "ascii":  # there, OpenLDAP drops spaces at the ends of a piece, against RFC 4518 2.6.1
            pieces = [piece.strip(" ") for piece in pieces]
        kept = [piece if self._chance.random() < 0.7 else "" for piece in pieces]
        text = "*".join([kept[0], *filter(None, kept[1:-1]), kept[-1]])
        written = (
            "*".join(self._escaped(piece) for piece in text.split("*"))
            if "*" not in value
            else self._escaped(value[:3]) + "*"
        )
        return written if re.search(r"[^*]", written) and "**" not in written else "*"

    def _escaped(self, value: str) -> str:
        return "".join(self._one_escaped(character) for character in value)

    def _one_escaped(self, character: str) -> str:
        if character in "*()\\\0" or self._chance.random() < 0.05:
            style = self._chance.choice(("{:02x}", "{:02X}"))
            return "".join("\\" + style.format(byte) for byte in character.encode())
        return character

    def _changes(self, kind: str) -> Sequence[Callable[[str], str]]:
        return {
            "text": (str.swapcase, self._spaced, self._cut, _composed, _decomposed, "x{}".format),
            "ascii": (str.swapcase, self._spaced, self._cut),
            "number": (self._near, self._near, "0{}".format, "{}x".format),
            "time": (
                self._rounded,
                lambda time: time.replace("Z", ".0Z"),
                lambda time: time.replace("Z", "+0100"),
                "x{}".format,
            ),
            "dn": (
                _same_dn,
                str.swapcase,
                self._cut,
                lambda dn: dn.replace("uid=", "userid=").replace("ou=", "2.5.4.11="),
            ),
            "unique": (_same_dn, str.swapcase),
            "digits": (self._spaced, lambda text: text.replace(" ", ""), self._cut),
            "class": (
                str.swapcase,
                lambda _: self._chance.choice(("person", "TOP", "2.5.6.6", "nosuchClass", "groupOfNames")),
            ),
            "plain": (self._cut, str.swapcase),
            "id": (str.swapcase, self._cut),
        }[kind]

    def _spaced(self, text: str) -> str:
        return self._chance.choice((text.replace(" ", "   "), f" {text}", f"{text}  "))

    def _cut(self, text: str) -> str:
        return text[: self._chance.randrange(len(text) + 1)]

    def _near(self, number: str) -> str:
        return str(int(number) + self._chance.randrange(-9, 10)) if number.lstrip("-").isdigit() else number

    def _rounded(self, time: str) -> str:
        return f"{time[: self._chance.choice((4, 8, 10, 12))]}Z"


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def _same_dn(dn: str) -> str:
    """Write the same DN with other spaces, case and escapes."""
    return re.sub(r"(?<!\\),", " ,  ", dn).replace("\\,", "\\2C").replace("ou=", "OU = ")
