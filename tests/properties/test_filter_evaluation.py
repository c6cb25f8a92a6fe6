"""The index selects what a plain reading of RFC 4511 selects, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired.filters import FilterIndex
from reconciler.model.bits import indexes
from reconciler.model.directory import Attributes
from reconciler.model.filter import (
    And,
    Approx,
    AtLeast,
    AtMost,
    Equal,
    Extensible,
    Filter,
    Item,
    Not,
    Or,
    Present,
    Substring,
)
from reconciler.model.schema import parse_schema
from tests.properties import filters

_STRING, _NUMBER = "1.3.6.1.4.1.1466.115.121.1.15", "1.3.6.1.4.1.1466.115.121.1.27"
SCHEMA = parse_schema(
    [
        f"( 1.1 NAME 'name' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX {_STRING} )",
        "( 1.2 NAME ( 'cn' 'commonName' ) SUP name )",
        f"( 1.3 NAME 'id' EQUALITY caseExactMatch ORDERING caseExactOrderingMatch SYNTAX {_STRING} )",
        f"( 1.4 NAME 'number' EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX {_NUMBER} )",
        f"( 1.5 NAME 'blob' SYNTAX {_STRING} )",
    ],
    [],
    ["( 1.2.840.113556.1.4.803 NAME 'integerBitAndMatch' )"],
)
# attribute to those that count for it, to whether case counts, to which of ordering and substrings it has
HOLDERS = {
    "name": ("name", "cn", "cn;lang-de"),
    "cn": ("cn", "cn;lang-de"),
    "commonName": ("cn", "cn;lang-de"),
    "cn;lang-de": ("cn;lang-de",),
    "id": ("id",),
    "number": ("number",),
    "blob": ("blob",),
}
NUMBERS = st.integers(-9, 9).map(str)
STRINGS = st.text("aAb \udcff", max_size=4)
VALUES = st.one_of(STRINGS, STRINGS, NUMBERS, st.just("07"))
STORED = st.text("aAb ", min_size=1, max_size=4)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "name": st.lists(STORED, min_size=1, max_size=2).map(tuple),
        "cn": st.lists(STORED, min_size=1, max_size=2).map(tuple),
        "cn;lang-de": STORED.map(lambda value: (value,)),
        "id": STORED.map(lambda value: (value,)),
        "number": st.lists(NUMBERS, min_size=1, max_size=2).map(tuple),
        "blob": STORED.map(lambda value: (value,)),
    },
)
RULES = st.sampled_from(
    ["caseIgnoreMatch", "caseExactMatch", "integerBitAndMatch", "integerOrderingMatch", "noSuchMatch"]
)
FILTERS = filters.nested(
    filters.item(st.sampled_from([*HOLDERS, "noSuch"]), VALUES, RULES).filter(lambda item: bool(item.attribute))
)
Truth = bool | None


@given(st.lists(ENTRY, max_size=6), FILTERS)
@settings(deadline=None, max_examples=300)
def test_the_index_agrees_with_a_plain_reading(entries: Sequence[Attributes], searched: Filter) -> None:
    """For any entries and any filter, the same entries are selected."""
    index = FilterIndex(entries, SCHEMA, ["cn=x"] * len(entries))
    want = [place for place, entry in enumerate(entries) if _plain(searched, entry) is True]
    assert indexes(index.select(searched)) == want


def _plain(searched: Filter, entry: Attributes) -> Truth:
    """The logic of RFC 4511 4.5.1.7, None for Undefined."""
    match searched:
        case And(parts):
            found = [_plain(part, entry) for part in parts]
            return False if False in found else None if None in found else True
        case Or(parts):
            found = [_plain(part, entry) for part in parts]
            return True if True in found else None if None in found else False
        case Not(part):
            inner = _plain(part, entry)
            return None if inner is None else not inner
        case _:
            return _item(searched, entry)


def _item(item: Item, entry: Attributes) -> Truth:
    if item.attribute not in HOLDERS:
        return None
    values = [value for name in HOLDERS[item.attribute] for value in entry.get(name, ())]
    kind = item.attribute if item.attribute in {"id", "number", "blob"} else "name"
    match item:
        case Present():
            return bool(values)
        case Substring():
            return _has_pieces(item, [_key("name", value) or "" for value in values]) if kind == "name" else None
        case Extensible():
            in_dn = item.dn_attributes and item.attribute in {"name", "cn", "commonName"}
            return _extensible(item, kind, [*values, *(["x"] if in_dn else [])])
        case _:
            return _comparison(item, kind, values)


def _comparison(item: Equal | Approx | AtLeast | AtMost, kind: str, values: Sequence[str]) -> Truth:
    if isinstance(item, Equal | Approx):
        return _compared(kind, "", item.value, values, lambda have, want: have == want)
    if kind not in {"id", "number"}:
        return None
    if isinstance(item, AtLeast):
        return _compared(kind, "", item.value, values, lambda have, want: not have < want)
    return _compared(kind, "", item.value, values, lambda have, want: not want < have)


def _extensible(item: Extensible, kind: str, values: Sequence[str]) -> Truth:
    if item.rule == "integerBitAndMatch" and kind == "number":
        return _numbers(item.value, values, lambda have, want: have & want == want)
    if item.rule == "integerOrderingMatch" and kind == "number":
        return _numbers(item.value, values, lambda have, want: have < want)
    fits = {"": kind, "caseIgnoreMatch": "name", "caseExactMatch": "id"}.get(item.rule, "")
    if not fits or (item.rule and kind == "number"):
        return None
    return _compared(fits, item.rule, item.value, values, lambda have, want: have == want)


def _numbers(want: str, values: Sequence[str], holds: Callable[[int, int], bool]) -> Truth:
    if str(_int(want)) != want:
        return None
    return any(holds(int(value), int(want)) for value in values)


def _compared(kind: str, rule: str, want: str, values: Sequence[str], holds: Callable[[str, str], bool]) -> Truth:
    if kind == "number":
        return _numbers(want, values, lambda have, wanted: holds(_sortable(have), _sortable(wanted)))
    if kind == "blob" and not rule:
        return None
    wanted = _key(kind, want)
    return None if wanted is None else any(holds(str(_key(kind, value)), wanted) for value in values)


def _sortable(number: int) -> str:
    return f"{number + 1000:05d}"


def _int(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdigit() else None


def _key(kind: str, value: str) -> str | None:
    if not value or "\udcff" in value:
        return None
    words = " ".join(value.split()) or " "
    return words if kind == "id" else words.lower()


def _has_pieces(item: Substring, values: Sequence[str]) -> Truth:
    pieces = [item.initial, *item.middle, item.final]
    if any("\udcff" in piece for piece in pieces):
        return None
    return any(
        _fits(value, [_piece(piece, place, len(pieces)) for place, piece in enumerate(pieces)]) for value in values
    )


def _piece(piece: str, place: int, count: int) -> str:
    """Squeeze spaces; drop them at the very start and the very end of what the pieces were cut from."""
    squeezed = "".join(
        character for number, character in enumerate(piece) if piece[number : number + 2] != "  "
    ).lower()
    if place == 0:
        return squeezed.lstrip(" ") or piece[:1]
    return squeezed.rstrip(" ") if place == count - 1 else squeezed


def _fits(value: str, pieces: Sequence[str]) -> bool:
    """Try every way to place the pieces one behind the other."""
    initial, *middle, final = pieces
    if not value.startswith(initial):
        return False
    if not middle:
        return value[len(initial) :].endswith(final)
    rest = value[len(initial) :]
    return any(_fits(rest[place:], [middle[0], *middle[1:], final]) for place in range(len(rest) + 1))
