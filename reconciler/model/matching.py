"""Matching rules: how the values of each kind of attribute compare (RFC 4517); never looks at an entry or a filter.

A rule turns a value into a key: equal values have equal keys, and keys sort as the ordering rule sorts.
A value that the rule's syntax does not allow has no key: it equals nothing, and asserting it is Undefined.
Where OpenLDAP differs from the RFC (telephone numbers compare by case), OpenLDAP is followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from functools import cache, partial
from typing import Final, TypeAlias

from reconciler.model.names import (
    DnSyntaxError,
    caseless,
    dn_key,
    exact_case,
    fold,
    fold_case,
    rdn_values,
    split_unique_member,
    squeezed,
)

Key: TypeAlias = str | int

_RFC = "1.3.6.1.4.1.1466.115.121.1."  # the syntaxes of RFC 4517
_AD = "1.2.840.113556.1.4."  # syntaxes and rules of Active Directory (MS-ADTS 3.1.1.2.2.2 and 3.1.1.3.4.4)
_IA5 = "1.3.6.1.4.1.1466.109.114."
DIRECTORY_STRING: Final = f"{_RFC}15"
BIT_AND: Final = "integerBitAndMatch"
BIT_OR: Final = "integerBitOrMatch"
BIT_AND_OID: Final = f"{_AD}803"
IN_CHAIN_OID: Final = f"{_AD}1941"
OBJECT_CATEGORY: Final = "objectCategoryMatch"  # a name of ours: Active Directory gives this comparison none


class Kind(Enum):
    """What a rule answers."""

    EQUALITY = auto()
    ORDERING = auto()
    SUBSTRING = auto()
    BITS = auto()


class Place(Enum):
    """Which part of a value a text is: all of it, or a piece of a substring assertion."""

    WHOLE = auto()
    INITIAL = auto()
    ANY = auto()
    FINAL = auto()


Prepare: TypeAlias = Callable[[str, Place], Key | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One matching rule. `syntaxes` are those of the attributes that it may be named for in an extensible match."""

    name: str
    oid: str
    kind: Kind
    prepare: Prepare
    syntaxes: frozenset[str] = frozenset()


def rule_named(name: str) -> Rule | None:
    """Return a rule by its name or OID, whatever the case; None for one that is not known here."""
    return _rules().get(caseless(name))


def rules_of_syntax(syntax: str) -> tuple[str, str, str]:
    """Return the rules for equality, ordering and substrings where a schema names none, as Active Directory's does.

    Values of a syntax that is not listed compare byte by byte.
    """
    return _OF_SYNTAX.get(syntax, ("octetStringMatch", "octetStringOrderingMatch", ""))


CASE_IGNORE: Final = ("caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch")
_CASE_EXACT = ("caseExactMatch", "caseExactOrderingMatch", "caseExactSubstringsMatch")
_INTEGER = ("integerMatch", "integerOrderingMatch", "")
_DN = ("distinguishedNameMatch", "", "")
_OF_SYNTAX: Mapping[str, tuple[str, str, str]] = {
    DIRECTORY_STRING: CASE_IGNORE,
    f"{_AD}905": CASE_IGNORE,  # String(Teletex)
    f"{_AD}1362": _CASE_EXACT,  # String(Case)
    f"{_RFC}26": _CASE_EXACT,  # String(IA5), which minds case there
    f"{_RFC}44": _CASE_EXACT,  # String(Printable)
    f"{_RFC}36": ("numericStringMatch", "numericStringOrderingMatch", "numericStringSubstringsMatch"),
    f"{_RFC}27": _INTEGER,
    f"{_AD}906": _INTEGER,  # LargeInteger
    f"{_RFC}7": ("booleanMatch", "", ""),
    f"{_RFC}24": ("generalizedTimeMatch", "generalizedTimeOrderingMatch", ""),
    f"{_RFC}12": _DN,
    f"{_AD}1221": _DN,  # Object(OR-Name)
    f"{_RFC}38": ("objectIdentifierMatch", "", ""),
}

_NOT_UTF8 = re.compile("[\ud800-\udfff]")
_INTEGER_TEXT = re.compile(r"0|-?[1-9][0-9]{0,999}", re.ASCII)
_NUMERIC_TEXT = re.compile(r"[0-9 ]+", re.ASCII)
_PRINTABLE_TEXT = re.compile(r"[A-Za-z0-9'()+,./:?= -]+", re.ASCII)
_UUID_TEXT = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_BITS_TEXT = re.compile(r"'[01]*'B")
_OID_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*", re.ASCII)
_TIME_TEXT = re.compile(
    r"(\d{4})(\d\d)(\d\d)([01]\d|2[0-3])(?:([0-5]\d)([0-5]\d|60)?)?(?:[.,](\d+))?(?:Z|([+-])([01]\d|2[0-3])([0-5]\d)?)",
    re.ASCII,
)
_NANOSECONDS = 1_000_000_000
_DAYS_IN_400_YEARS = 146_097
_EPOCH = date(2000, 1, 1)  # stands for the year 0


# classes whose category is not that of their own name (defaultObjectCategory)
_CATEGORIES: Mapping[str, str] = {
    "contact": "person",
    "inetorgperson": "person",
    "organizationalunit": "organizational-unit",
    "user": "person",
}


@cache
def _rules() -> Mapping[str, Rule]:
    return {caseless(name): rule for rule in _all_rules() for name in (rule.name, rule.oid)}


def _all_rules() -> Iterator[Rule]:
    strings = frozenset({DIRECTORY_STRING, f"{_RFC}44", f"{_RFC}11", f"{_RFC}50", f"{_AD}905", f"{_AD}1362"})
    ia5 = frozenset({f"{_RFC}26", f"{_RFC}11"})
    integers = frozenset({f"{_RFC}27", f"{_AD}906"})
    yield from _family("caseIgnore", ("2.5.13.2", "2.5.13.3", "2.5.13.4"), partial(_string, fold_case), strings)
    yield from _family("caseExact", ("2.5.13.5", "2.5.13.6", "2.5.13.7"), partial(_string, exact_case), strings)
    yield from _family("caseIgnoreIA5", (f"{_IA5}2", "", f"{_IA5}3"), partial(_ia5, fold_case), ia5)
    yield from _family("caseExactIA5", (f"{_IA5}1", "", "1.3.6.1.4.1.4203.1.2.1"), partial(_ia5, exact_case), ia5)
    yield from _family("caseIgnoreList", ("2.5.13.11", "", "2.5.13.12"), _lines, _syntax("41"))
    yield from _family(
        "numericString", ("2.5.13.8", "2.5.13.9", "2.5.13.10"), partial(_only, _NUMERIC_TEXT), _syntax("36")
    )
    yield from _family(
        "telephoneNumber", ("2.5.13.20", "", "2.5.13.21"), partial(_only, _PRINTABLE_TEXT), _syntax("50")
    )
    yield from _family("octetString", ("2.5.13.17", "2.5.13.18", "2.5.13.19"), _octets, _syntax("40"))
    yield from _family("integer", ("2.5.13.14", "2.5.13.15", ""), _integer, integers)
    yield from _family("generalizedTime", ("2.5.13.27", "2.5.13.28", ""), _time, _syntax("24"))
    yield from _family(
        "UUID", ("1.3.6.1.1.16.2", "1.3.6.1.1.16.3", ""), partial(_lower, _UUID_TEXT), frozenset({"1.3.6.1.1.16.1"})
    )
    yield from _family("boolean", ("2.5.13.13", "", ""), _boolean, _syntax("7"))
    yield from _family("distinguishedName", ("2.5.13.1", "", ""), _dn, _syntax("12"))
    yield from _family("uniqueMember", ("2.5.13.23", "", ""), _unique_member, _syntax("34"))
    yield from _family("objectIdentifier", ("2.5.13.0", "", ""), partial(_lower, _OID_TEXT), _syntax("38"))
    yield from _family("bitString", ("2.5.13.16", "", ""), _bit_string, _syntax("6"))
    yield from _family("objectCategory", (OBJECT_CATEGORY, "", ""), _object_category, frozenset())
    yield Rule(BIT_AND, BIT_AND_OID, Kind.BITS, _integer, integers)
    yield Rule(BIT_OR, f"{_AD}804", Kind.BITS, _integer, integers)


def _syntax(number: str) -> frozenset[str]:
    return frozenset({_RFC + number})


def _family(stem: str, oids: tuple[str, str, str], prepare: Prepare, syntaxes: frozenset[str]) -> Iterator[Rule]:
    """Make the rules for equality, ordering and substrings that share a name and a preparation; an empty OID: no such rule."""
    kinds = (("Match", Kind.EQUALITY), ("OrderingMatch", Kind.ORDERING), ("SubstringsMatch", Kind.SUBSTRING))
    for (suffix, kind), oid in zip(kinds, oids, strict=True):
        if oid:
            yield Rule(stem + suffix, oid, kind, prepare, syntaxes)


def _string(case: Callable[[str], str], text: str, place: Place) -> str | None:
    if not text or (not text.isascii() and _NOT_UTF8.search(text)):
        return None
    return _spaced(case(text), place)


def _ia5(case: Callable[[str], str], text: str, place: Place) -> str | None:
    return _spaced(case(text), place) if text.isascii() else None


def _spaced(text: str, place: Place) -> str:
    """Drop insignificant spaces; those where a piece of a value was cut off are significant (RFC 4518 2.6.1).

    Nothing but spaces is one space, but as OpenLDAP has it nothing at the end of a value: ``(cn=app* )`` is ``(cn=app*)``.
    """
    inner = squeezed(text)
    if place is Place.WHOLE:
        return inner or text[:1]
    if not inner:
        return "" if place is Place.FINAL else text[:1]
    before = " " if text.startswith(" ") and place is not Place.INITIAL else ""
    after = " " if text.endswith(" ") and place is not Place.FINAL else ""
    return f"{before}{inner}{after}"


def _lines(text: str, place: Place) -> str | None:
    """Fold each line of a postal address; lines are kept apart by ``$`` (RFC 4517 3.3.28)."""
    if _NOT_UTF8.search(text):
        return None
    if place is not Place.WHOLE:
        return _spaced(fold_case(text), place)
    return "$".join(map(fold, text.split("$")))


def _only(allowed: re.Pattern[str], text: str, _place: Place) -> str | None:
    """Drop spaces, and hyphens of telephone numbers; what then is empty is one space, so that it is in nothing."""
    if not allowed.fullmatch(text):
        return None
    return text.replace(" ", "").replace("-", "") or " "


def _octets(text: str, _place: Place) -> str:
    """Return one character per byte, so that keys sort as bytes do."""
    return text if text.isascii() else text.encode(errors="surrogateescape").decode("latin-1")


def _integer(text: str, _place: Place) -> int | None:
    return int(text) if _INTEGER_TEXT.fullmatch(text) else None


def _boolean(text: str, _place: Place) -> str | None:
    return text if text in {"TRUE", "FALSE"} else None


def _lower(allowed: re.Pattern[str], text: str, _place: Place) -> str | None:
    return caseless(text) if allowed.fullmatch(text) else None


def _bit_string(text: str, _place: Place) -> str | None:
    return text if _BITS_TEXT.fullmatch(text) else None


def _dn(text: str, _place: Place) -> str | None:
    try:
        return dn_key(text)
    except DnSyntaxError:
        return None


def _unique_member(text: str, place: Place) -> str | None:
    dn, uid = split_unique_member(text)
    key = _dn(dn, place)
    return None if key is None else f"{key}#{uid}"


def _object_category(text: str, _place: Place) -> str | None:
    """Compare by the class's name: an assertion may give it in place of its DN (MS-ADTS 3.1.1.3.1.3.1)."""
    if "=" not in text:
        return _CATEGORIES.get(fold(text), fold(text))
    try:
        return fold(rdn_values(text).get("cn", ""))
    except DnSyntaxError:
        return None


def _time(text: str, _place: Place) -> int | None:
    """Return the nanoseconds since the start of the year 0, UTC; RFC 4517 3.3.13. What lies before has no key."""
    parts = _TIME_TEXT.fullmatch(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = parts.groups("0")
    try:  # any 400 years have the same days, and `date` knows no year 0
        days = date(_EPOCH.year + int(year) % 400, int(month), int(day)) - _EPOCH
    except ValueError:
        return None
    offset = (int(hours) * 60 + int(minutes)) * (-60 if sign == "-" else 60)
    seconds = (days.days + int(year) // 400 * _DAYS_IN_400_YEARS) * 86_400 - offset
    seconds += int(hour) * 3_600 + int(minute) * 60 + int(second)
    if seconds < 0:
        return None
    unit = 1 if parts[6] else 60 if parts[5] else 3_600
    return seconds * _NANOSECONDS + int(fraction[:9].ljust(9, "0")) * unit
