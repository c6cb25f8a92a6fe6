"""RFC 4515 search filters as values, parsed with positions; evaluated in desired/filters.py, never here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from reconciler.model.text import shortened

MAX_DEPTH = 100  # nested filters; ours, so that no text can exhaust the stack (slapd's own default is 1000)


@dataclass(frozen=True, slots=True)
class And:
    """True where every part is; an empty one is true (RFC 4526)."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where any part is; an empty one is false (RFC 4526)."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the part is false; undefined stays undefined."""

    part: Filter


@dataclass(frozen=True, slots=True)
class Equal:
    """``(attribute=value)``."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Approx:
    """``(attribute~=value)``, evaluated as equality."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Present:
    """``(attribute=*)``."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Substring:
    """``(attribute=initial*any*final)``; empty text where a part is not given."""

    attribute: str
    initial: str
    middle: tuple[str, ...]
    final: str


@dataclass(frozen=True, slots=True)
class AtLeast:
    """``(attribute>=value)``."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class AtMost:
    """``(attribute<=value)``."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Extensible:
    """``(attribute:dn:rule:=value)``; attribute or rule may be empty, not both."""

    attribute: str
    rule: str
    dn_attributes: bool
    value: str


Item: TypeAlias = Equal | Approx | Present | Substring | AtLeast | AtMost | Extensible
Filter: TypeAlias = And | Or | Not | Item


class FilterSyntaxError(ValueError):
    """A filter that RFC 4515 does not allow; `offset` counts characters from 0."""

    def __init__(self, message: str, offset: int) -> None:
        """Keep the offset beside the message."""
        super().__init__(message)
        self.offset = offset


_SPACE = " \t\r\n"
_OID = r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)"  # RFC 4512 1.4: descr or numericoid
_DESCRIPTION = re.compile(rf"{_OID}(?:;[A-Za-z0-9-]+)*")
_RULE = re.compile(_OID)
_ESCAPE = re.compile(r"\\([0-9A-Fa-f]{2})?")
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f()*\\\udc80-\udcff]")
_SIGNS: Mapping[type[Equal | Approx | AtLeast | AtMost], str] = {Equal: "=", Approx: "~=", AtLeast: ">=", AtMost: "<="}
_OPERATORS: Mapping[str, type[Approx | AtLeast | AtMost]] = {"~": Approx, ">": AtLeast, "<": AtMost}
_MISPLACED = re.compile(
    "[*(\0\ud800-\udc7f\udd00-\udfff]"
)  # RFC 4515 3; and halves of characters, which no UTF-8 writes


def parse_filter(text: str) -> Filter:
    r"""Return the filter that `text` writes; raises FilterSyntaxError where RFC 4515 is not followed.

    White space may stand, as in OpenLDAP's client library, around a filter, after ``(`` and around the parts of a list;
    anywhere else it belongs to the value or is an error. ``\xx`` are bytes of UTF-8.
    """
    parsed, end = _parse(text, _skip(text, 0), 1)
    if end < len(text):
        raise FilterSyntaxError(f'"{shortened(text[end:], 20)}" stands after the end of the filter', end)
    return parsed


def attributes_of(searched: Filter) -> frozenset[str]:
    """Return the attribute types that a filter looks at, as written, without options."""
    match searched:
        case And() | Or():
            return frozenset[str]().union(*map(attributes_of, searched.parts))
        case Not():
            return attributes_of(searched.part)
        case _:
            return frozenset({searched.attribute.partition(";")[0]} - {""})


def rules_of(searched: Filter) -> frozenset[str]:
    """Return the matching rules that a filter names, as written."""
    match searched:
        case And() | Or():
            return frozenset[str]().union(*map(rules_of, searched.parts))
        case Not():
            return rules_of(searched.part)
        case Extensible():
            return frozenset({searched.rule} - {""})
        case _:
            return frozenset()


def to_text(searched: Filter) -> str:
    """Return the one canonical text of a filter: no optional white space, escapes only where they are needed."""
    match searched:
        case And():
            return f"(&{''.join(map(to_text, searched.parts))})"
        case Or():
            return f"(|{''.join(map(to_text, searched.parts))})"
        case Not():
            return f"(!{to_text(searched.part)})"
        case _:
            return f"({_item_text(searched)})"


def escaped(value: str) -> str:
    r"""Return a value as a filter writes it: what has a meaning of its own, controls and non-UTF-8 bytes as ``\xx``."""
    return _UNWRITABLE.sub(lambda found: f"\\{ord(found.group()) & 0xFF:02x}", value)


def _item_text(item: Item) -> str:
    match item:
        case Equal() | Approx() | AtLeast() | AtMost():
            return f"{item.attribute}{_SIGNS[type(item)]}{escaped(item.value)}"
        case Present():
            return f"{item.attribute}=*"
        case Substring():
            return f"{item.attribute}={'*'.join(map(escaped, (item.initial, *item.middle, item.final)))}"
        case Extensible():
            dn, rule = ":dn" if item.dn_attributes else "", f":{item.rule}" if item.rule else ""
            return f"{item.attribute}{dn}{rule}:={escaped(item.value)}"
        case _:
            assert_never(item)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _parse(text: str, at: int, depth: int) -> tuple[Filter, int]:
    """Return the filter that starts at `at`, and the place of the first character after it and its spaces."""
    if depth > MAX_DEPTH:
        raise FilterSyntaxError(f"the filter is nested deeper than {MAX_DEPTH} levels", at)
    if not text.startswith("(", at):
        raise FilterSyntaxError(_no_opening(text, at), at)
    inside = _skip(text, at + 1)
    parsed: Filter
    match text[inside : inside + 1]:
        case "&":
            parts, end = _parse_list(text, inside + 1, depth)
            parsed = And(parts)
        case "|":
            parts, end = _parse_list(text, inside + 1, depth)
            parsed = Or(parts)
        case "!":
            part, end = _parse(text, _skip(text, inside + 1), depth + 1)
            parsed = Not(part)
        case _:
            parsed, end = _parse_item(text, inside)
    if not text.startswith(")", end):
        raise FilterSyntaxError(_no_closing(text, end), end)
    return parsed, _skip(text, end + 1)


def _parse_list(text: str, at: int, depth: int) -> tuple[tuple[Filter, ...], int]:
    parts = []
    at = _skip(text, at)
    while text.startswith("(", at):
        part, at = _parse(text, at, depth + 1)
        parts.append(part)
    return tuple(parts), at


def _no_opening(text: str, at: int) -> str:
    if at == len(text):
        return "a filter is missing here" if at else "the filter is empty"
    return f'a filter starts with "(", not with "{shortened(text[at:], 20)}"'


def _no_closing(text: str, at: int) -> str:
    if at == len(text):
        return 'a closing ")" is missing'
    return f'expected "(" or ")", not "{shortened(text[at:], 20)}"'


def _parse_item(text: str, at: int) -> tuple[Item, int]:
    end = text.find(")", at)
    end = len(text) if end < 0 else end
    equals = text.find("=", at, end)
    if equals < 0:
        raise FilterSyntaxError(f'expected "attribute=value", not "{shortened(text[at:end], 40)}"', at)
    operator = text[equals - 1] if equals > at else ""
    if operator == ":":
        return _extensible(text, at, equals, end), end
    if operator in _OPERATORS:
        attribute = _description(text, at, equals - 1)
        return _OPERATORS[operator](attribute, _value(text, equals + 1, end)), end
    return _equality(text, at, equals, end), end


def _equality(text: str, at: int, equals: int, end: int) -> Item:
    """Read what a plain ``=`` means: presence, equality or substrings, told apart by the asterisks."""
    attribute = _description(text, at, equals)
    if text[equals + 1 : end] == "*":
        return Present(attribute)
    pieces: list[str] = []
    start = equals + 1
    for piece in text[start:end].split("*"):
        if pieces and not piece and start < end:
            raise FilterSyntaxError('two "*" in a row: nothing can stand between them', start)
        pieces.append(_value(text, start, start + len(piece)))
        start += len(piece) + 1
    if len(pieces) == 1:
        return Equal(attribute, pieces[0])
    return Substring(attribute, pieces[0], tuple(pieces[1:-1]), pieces[-1])


def _extensible(text: str, at: int, equals: int, end: int) -> Extensible:
    """Read ``attribute:dn:rule:=value``; RFC 4515 lets the attribute or the rule be left out, not both."""
    parts = text[at : equals - 1].split(":")
    attribute = _description(text, at, at + len(parts[0])) if parts[0] else ""
    names = parts[1:]
    dn_attributes = names[:1] in (["dn"], ["DN"], ["Dn"], ["dN"])
    rules = names[1:] if dn_attributes else names
    rule = rules[0] if rules else ""
    if len(rules) > 1 or (rules and not _RULE.fullmatch(rule)):
        raise FilterSyntaxError(f'"{shortened(":".join(rules), 40)}" is not the name or OID of a matching rule', at)
    if not attribute and not rule:
        raise FilterSyntaxError('":=" needs an attribute or a matching rule before it', at)
    return Extensible(attribute, rule, dn_attributes, _value(text, equals + 1, end))


def _description(text: str, start: int, end: int) -> str:
    written = text[start:end]
    if not _DESCRIPTION.fullmatch(written):
        shown = f'"{shortened(written, 40)}"' if written else "nothing"
        raise FilterSyntaxError(f"expected the name or OID of an attribute, not {shown}", start)
    return written


def _value(text: str, start: int, end: int) -> str:
    written = text[start:end]
    misplaced = _MISPLACED.search(written)
    if misplaced:
        bad = misplaced.group()
        way_out = f"inside a value is written \\{ord(bad):02x}" if bad < "\ud800" else "is no character"
        raise FilterSyntaxError(f'"{shortened(bad)}" {way_out}', start + misplaced.start())
    if "\\" not in written:
        return written
    return _decoded(written, start)


def _decoded(written: str, start: int) -> str:
    r"""Replace ``\xx`` by bytes; what is no UTF-8 afterwards is kept with surrogateescape."""
    read, place = bytearray(), 0
    for escape in _ESCAPE.finditer(written):
        if escape[1] is None:
            raise FilterSyntaxError(
                r'after "\" stand two hexadecimal digits; a "\" itself is written \5c', start + escape.start()
            )
        read += written[place : escape.start()].encode(errors="surrogateescape") + bytes.fromhex(escape[1])
        place = escape.end()
    read += written[place:].encode(errors="surrogateescape")
    return read.decode(errors="surrogateescape")
