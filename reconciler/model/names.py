"""Names as directories compare them: DNs, logins, attribute words, parsed once into canonical keys; never shown to people.

Strings are prepared as OpenLDAP does: RFC 4518 with differences that are all on the safe side, for they make fewer names
equal. No character is ever removed, so an invisible one cannot make two names equal; ``ß`` is not ``ss``; and a symbol made
of capitals, such as ``㎒``, is not what it stands for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple, NewType

from reconciler.model.text import shortened

DnKey = NewType("DnKey", str)
"""The canonical text of a DN: attribute types by their short names, values folded, parts of an RDN sorted, every special
character as ``\\xx``: so a comma always separates, and equal DNs have equal keys. The empty DN has the empty key."""


class DnSyntaxError(ValueError):
    """A DN that RFC 4514 does not allow; `offset` counts characters from 0."""

    def __init__(self, message: str, offset: int) -> None:
        """Keep the offset beside the message."""
        super().__init__(message)
        self.offset = offset


class Ava(NamedTuple):
    """One ``type=value`` of a DN: the canonical type, the value with escapes decoded.

    `encoded`: the value is the hexadecimal text of something else than a string.
    """

    type: str
    value: str
    encoded: bool = False


# RFC 4519, RFC 4524, RFC 2985 and RFC 4530: short name to its other names and its OID
_TYPES: Mapping[str, tuple[str, ...]] = {
    "c": ("countryname", "2.5.4.6"),
    "cn": ("commonname", "2.5.4.3"),
    "dc": ("domaincomponent", "0.9.2342.19200300.100.1.25"),
    "description": ("2.5.4.13",),
    "dnqualifier": ("2.5.4.46",),
    "email": ("emailaddress", "pkcs9email", "1.2.840.113549.1.9.1"),
    "employeenumber": ("2.16.840.1.113730.3.1.3",),
    "entryuuid": ("1.3.6.1.1.16.4",),
    "generationqualifier": ("2.5.4.44",),
    "gidnumber": ("1.3.6.1.1.1.1.1",),
    "givenname": ("gn", "2.5.4.42"),
    "initials": ("2.5.4.43",),
    "l": ("localityname", "2.5.4.7"),
    "mail": ("rfc822mailbox", "0.9.2342.19200300.100.1.3"),
    "name": ("2.5.4.41",),
    "o": ("organizationname", "2.5.4.10"),
    "ou": ("organizationalunitname", "2.5.4.11"),
    "postalcode": ("2.5.4.17",),
    "serialnumber": ("2.5.4.5",),
    "sn": ("surname", "2.5.4.4"),
    "st": ("stateorprovincename", "2.5.4.8"),
    "street": ("streetaddress", "2.5.4.9"),
    "title": ("2.5.4.12",),
    "uid": ("userid", "0.9.2342.19200300.100.1.1"),
    "uidnumber": ("1.3.6.1.1.1.1.0",),
    "uniqueidentifier": ("0.9.2342.19200300.100.1.44",),
    "x500uniqueidentifier": ("2.5.4.45",),
}
TYPE_ALIASES: Mapping[str, str] = {alias: name for name, aliases in _TYPES.items() for alias in aliases}
"""Other names and OIDs, in lower case, of the attribute types that DNs are made of."""

_PLAIN_VALUE = r"[A-Za-z0-9_.@'/:&!?()*-]+(?: [A-Za-z0-9_.@'/:&!?()*-]+)*"
# a DN that is its own key once it is in lower case; most are
_PLAIN = re.compile(
    rf"(?:uid|cn|ou|dc|o|c|l|st)={_PLAIN_VALUE}(?:,(?:uid|cn|ou|dc|o|c|l|st)={_PLAIN_VALUE})*", re.IGNORECASE | re.ASCII
)
_SPACES = " \t\r\n"
_SEPARATORS = frozenset({"", "+", ",", ";"})
_PAIR = r"\\(?:[0-9A-Fa-f]{2}|[ \"\#+,;<=>\\])"  # RFC 4514 3: an escaped character, or an escaped byte
_CHARACTER = rf"(?:[^\"+,;<>\\\0{_SPACES}]|{_PAIR})"
_AVA = re.compile(
    rf"""[{_SPACES}]*(?:(?:OID\.)?(?P<oid>[0-9]+(?:\.[0-9]+)+)|(?P<name>[A-Za-z][A-Za-z0-9-]*))[{_SPACES}]*=[{_SPACES}]*
    (?:\#(?P<hex>(?:[0-9A-Fa-f]{{2}})+)
      |\"(?P<quoted>(?:[^\"\\\0]|{_PAIR})*)\"
      |(?P<string>(?!\#){_CHARACTER}+(?:[{_SPACES}]+{_CHARACTER}+)*)
      |)[{_SPACES}]*""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_ESCAPE = re.compile(r"\\([0-9A-Fa-f]{2}|.)")
_SPECIAL = re.compile(r"[\x00-\x1f\x7f\"+,;<>\\\udc80-\udcff]|^#")
_BESIDE_ESCAPE = re.compile(r"\A[ #]| \Z|[,+\"\\<>;=]")  # what `dn_text` writes after a backslash
_BY_NUMBER = re.compile(r"[\x00\n\r\udc80-\udcff]")  # and what it writes as hexadecimal digits
_ONE_SPACE = "\\20"  # what a value of nothing but spaces is the same as
_HALF_CHARACTER = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_UNICODE = unicodedata.ucd_3_2_0  # RFC 4518 2.2 and OpenLDAP know no later letters
_CAPITALS = frozenset({"Lu", "Lt"})
_END_OF_CASE = 0x10450  # behind Deseret, the last script of that version that has capitals
_KEPT = "\uf900\uf901\U00010000-\U0010ffff"  # what OpenLDAP has no other form for, though Unicode has
_OF_CAPITALS = (  # symbols that stand for capitals: equal to none of their spellings there
    "\u03d2-\u03d4\u20a8\u2102\u2103\u2107\u2109\u210b-\u210d\u2110-\u2112\u2115\u2116\u2119-\u211d\u2120-\u2122\u2124\u2128"
    "\u212c\u212d\u2130\u2131\u2133\u213e\u213f\u2145\u2160-\u216f\u24b6-\u24cf\u3371\u3373\u3375\u3380-\u3387\u338a-\u338c"
    "\u3390-\u3394\u33a9-\u33ac\u33b4-\u33c1\u33c3\u33c6-\u33c9\u33cb\u33cd\u33ce\u33d7\u33d9\u33da\u33dc\u33dd"
)
_ALONE = re.compile(f"([{_KEPT}])")
_ALONE_WITHOUT_CASE = re.compile(f"([{_KEPT}{_OF_CAPITALS}])")
_BIT_STRING = re.compile(r"'[01]*'B")
_BER_STRINGS = {  # the universal tags of strings and what they are written in (X.690 8.23)
    0x04: "utf-8",
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_LONG_FORM = 0x80  # X.690 8.1.3.5: the low bits count the bytes of the length


def caseless(word: str) -> str:
    """Return the key of a word of the protocol: an attribute name, an object class, a matching rule, a hexadecimal text."""
    return word.lower()


def exact(text: str) -> str:
    """Return the key of a string that compares by case: compatibility forms unified, insignificant spaces gone."""
    return squeezed(exact_case(text))


def lowered(text: str) -> str:
    """Return `text` in small letters, each letter for itself: what applications mean that keep a text in lower case."""
    return text.lower() if text.isascii() else "".join(map(str.lower, text))


def fold(text: str) -> str:
    """Return the key of a string that compares without case, the rule of nearly every name in a directory."""
    if text.isascii() and " " not in text:  # what the two functions below would do to most names
        return text.lower()
    return squeezed(fold_case(text))


def exact_case(text: str) -> str:
    """Return `text` with compatibility forms unified, case and spaces as they are."""
    return text if text.isascii() else _unified(text, _ALONE)


def fold_case(text: str) -> str:
    """Return `text` without case and with compatibility forms unified, spaces as they are."""
    if text.isascii():
        return text.lower()
    return _unified(text.translate(_small_letters()), _ALONE_WITHOUT_CASE)  # case before form, as OpenLDAP does it


def _unified(text: str, alone: re.Pattern[str]) -> str:
    if not alone.search(text):
        return _UNICODE.normalize("NFKC", text)
    pieces = alone.split(text)
    pieces[::2] = [_UNICODE.normalize("NFKC", piece) for piece in pieces[::2]]
    return "".join(pieces)


@cache
def _small_letters() -> Mapping[int, str]:
    """Return the small letter of each capital: letter by letter, so that a piece folds like the whole."""
    capitals = [letter for letter in map(chr, range(_END_OF_CASE)) if _UNICODE.category(letter) in _CAPITALS]
    small = {ord(letter): letter.lower() for letter in capitals if _UNICODE.category(letter.lower()[0]) != "Cn"}
    return {**small, ord("İ"): "i"}


def squeezed(text: str) -> str:
    """Return `text` without the spaces that RFC 4518 2.6.1 calls insignificant: at both ends, and all but one between."""
    text = text.strip(" ")
    return re.sub("  +", " ", text) if "  " in text else text


def login_key(login: str) -> str:
    """Return the key that logins and e-mail addresses are compared by: without case, as their directory rules do."""
    return fold(login)


def dn_key(text: str) -> DnKey:
    """Return the canonical key of a DN; raises DnSyntaxError.

    Values fold case whatever their type, for no common naming attribute compares otherwise.
    """
    if _PLAIN.fullmatch(text):
        return DnKey(text.lower())
    return canonical_key(text)


def canonical_key(text: str) -> DnKey:
    """Return what `dn_key` promises, without its short cut."""
    return DnKey(",".join("+".join(sorted(map(_ava_key, rdn))) for rdn in parse_dn(text)))


def dn_text(text: str) -> str:
    r"""Return a DN as GitLab writes it down: small letters, no spaces around separators, ``\`` before special characters.

    Attribute types and spaces inside values stay as they are written. What is no DN is returned as it is, as there.
    """
    if _PLAIN.fullmatch(text):
        return text.lower()
    try:
        rdns = _rdns(text, _ava_as_written)
    except DnSyntaxError:
        return text
    return ",".join("+".join(f"{ava.type}={_written(ava)}" for ava in rdn) for rdn in rdns)


def parse_dn(text: str) -> tuple[tuple[Ava, ...], ...]:
    """Return the RDNs of a DN, the entry's own first; raises DnSyntaxError.

    RFC 4514, and what older writers do: spaces around separators, ``;`` for ``,``, quoted values, ``OID.`` (RFC 2253 4).
    """
    return _rdns(text, _canonical_ava)


def _rdns(text: str, read: Callable[[re.Match[str]], Ava]) -> tuple[tuple[Ava, ...], ...]:
    if not text.strip(_SPACES):
        return ()
    half = _HALF_CHARACTER.search(text)
    if half:
        raise DnSyntaxError(f'"{shortened(half.group())}" is no character', half.start())
    rdns: list[list[Ava]] = [[]]
    at = 0
    while True:
        found = _AVA.match(text, at)
        if found is None:
            raise DnSyntaxError(f'expected "type=value", not "{shortened(text[at:], 20)}"', at)
        ava, at = read(found), found.end()
        separator = text[at : at + 1]
        if separator not in _SEPARATORS:
            raise DnSyntaxError(
                f'unexpected "{shortened(separator)}": a special character inside a value is escaped with "\\"', at
            )
        if not ava.value:
            raise DnSyntaxError(f'the value of "{ava.type}" is missing', at)
        rdns[-1].append(ava)
        if not separator:
            return tuple(map(tuple, rdns))
        if separator != "+":
            rdns.append([])
        at += 1


def rdn_values(text: str) -> Mapping[str, str]:
    """Return the values of the entry's own RDN by canonical type; empty for the empty DN."""
    return {ava.type: ava.value for rdn in parse_dn(text)[:1] for ava in rdn}


def rdn_of(key: DnKey) -> str:
    """Return the entry's own RDN of a canonical key."""
    return key.partition(",")[0]


def parent(key: DnKey) -> DnKey:
    """Return the key of the entry above; that of a top entry, and of the empty DN, is empty."""
    return DnKey(key.partition(",")[2])


def domain_of(key: DnKey) -> DnKey:
    """Return the part of a DN that is made of domain components (RFC 2247): which domain the entry is of."""
    parts = key.split(",")
    start = len(parts)
    while start and parts[start - 1].startswith("dc="):
        start -= 1
    return DnKey(",".join(parts[start:]))


def is_under(key: DnKey, base: DnKey) -> bool:
    """Tell whether an entry is the base or below it; everything is below the empty DN."""
    return not base or key == base or key.endswith(f",{base}")


def split_unique_member(value: str) -> tuple[str, str]:
    """Return the DN of a Name And Optional UID, and its UID (empty where there is none): a ``#`` in a DN is no UID.

    RFC 4517 3.3.21: only what follows the last ``#`` counts, and only if it is a bit string.
    """
    if value.endswith("'B"):
        dn, sharp, uid = value.rpartition("#")
        if sharp and _BIT_STRING.fullmatch(uid):
            return dn, uid
    return value, ""


def _canonical_ava(found: re.Match[str]) -> Ava:
    name = _type_as_written(found)
    name = TYPE_ALIASES.get(name, name)
    if found["hex"]:
        return _from_ber(name, caseless(found["hex"]))
    return Ava(name, _value_as_written(found))


def _ava_as_written(found: re.Match[str]) -> Ava:
    if found["hex"]:
        return Ava(_type_as_written(found), caseless(found["hex"]), encoded=True)
    return Ava(_type_as_written(found), _value_as_written(found))


def _type_as_written(found: re.Match[str]) -> str:
    return found["oid"] or caseless(found["name"])


def _value_as_written(found: re.Match[str]) -> str:
    return _unescaped(found["quoted"] or found["string"] or "")


def _written(ava: Ava) -> str:
    if ava.encoded:
        return f"\\#{ava.value}"
    return _BY_NUMBER.sub(_escaped, _BESIDE_ESCAPE.sub(r"\\\g<0>", lowered(ava.value)))


def _from_ber(name: str, digits: str) -> Ava:
    """Read the hexadecimal BER encoding of a value (RFC 4514 2.4); what holds no string stays hexadecimal."""
    encoded = bytes.fromhex(digits)
    start, length = 2, int.from_bytes(encoded[1:2], "big")
    if length & _LONG_FORM:
        start += length - _LONG_FORM
        length = int.from_bytes(encoded[2:start], "big")
    charset = _BER_STRINGS.get(encoded[0])
    if charset and start + length == len(encoded):
        try:
            return Ava(name, encoded[start:].decode(charset))
        except UnicodeDecodeError:
            pass
    return Ava(name, digits, encoded=True)


def _unescaped(written: str) -> str:
    """Return the value that is written; bytes that are no UTF-8 are kept with surrogateescape."""
    if "\\" not in written:
        return written
    read, place = bytearray(), 0
    for escape in _ESCAPE.finditer(written):
        read += written[place : escape.start()].encode(errors="surrogateescape")
        read += bytes.fromhex(escape[1]) if len(escape[1]) > 1 else escape[1].encode()
        place = escape.end()
    read += written[place:].encode(errors="surrogateescape")
    return read.decode(errors="surrogateescape")


def _ava_key(ava: Ava) -> str:
    if ava.encoded:
        return f"{ava.type}=#{ava.value}"
    return f"{ava.type}={_SPECIAL.sub(_escaped, fold(ava.value)) or _ONE_SPACE}"


def _escaped(special: re.Match[str]) -> str:
    return f"\\{ord(special.group()) & 0xFF:02x}"
