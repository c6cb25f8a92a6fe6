"""Evaluate search filters on entries in memory, as the directory's server would; never asks a server.

The logic is that of RFC 4511 4.5.1.7: an item is true, false or undefined. A part's result is kept as two sets of entries,
those for which it is certainly true and those for which it is possibly true: undefined is what lies between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from reconciler.desired.filter_index import CLASS_ATTRIBUTES, Column, Columns, Table
from reconciler.model.bits import ones
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
from reconciler.model.matching import (
    BIT_AND,
    CASE_IGNORE,
    DIRECTORY_STRING,
    IN_CHAIN_OID,
    Key,
    Kind,
    Place,
    Rule,
    rule_named,
)
from reconciler.model.names import caseless, parse_dn, split_unique_member
from reconciler.model.schema import AttributeType, DirectorySchema

Bounds: TypeAlias = tuple[int, int]  # certainly true, possibly true


class FilterIndex:
    """An inverted index over entries, filled as filters ask for attributes."""

    def __init__(self, entries: Sequence[Attributes], schema: DirectorySchema, dns: Sequence[str]) -> None:
        """`dns` are the DNs of `entries`, in the same order, for extensible matches on them."""
        self._all = ones(len(entries))
        self._schema = schema
        self._columns = Columns(entries, schema, dns)
        self._found: dict[Item, int | None] = {}  # policies repeat the same few items in thousands of filters

    def select(self, searched: Filter) -> int:
        """Return the entries for which a filter is true: bit i is entry i."""
        return self._bounds(searched)[0]

    def _bounds(self, searched: Filter) -> Bounds:
        match searched:
            case And():
                certain = possible = self._all
                for part in map(self._bounds, searched.parts):
                    certain, possible = certain & part[0], possible & part[1]
                return certain, possible
            case Or():
                certain = possible = 0
                for part in map(self._bounds, searched.parts):
                    certain, possible = certain | part[0], possible | part[1]
                return certain, possible
            case Not():
                certain, possible = self._bounds(searched.part)
                return self._all ^ possible, self._all ^ certain
            case _:
                if searched not in self._found:
                    self._found[searched] = self._matching(searched)
                found = self._found[searched]
                return (0, self._all) if found is None else (found, found)

    def _matching(self, item: Item) -> int | None:
        """Return the entries for which an item is true; None where it is undefined, whatever the entry."""
        if isinstance(item, Extensible):
            return self._extensible(item)
        known = self._type(item.attribute)
        if known is None:
            return None
        column = self._columns.column(item.attribute)
        match item:
            case Present():
                return column.present
            case Substring():
                return _substring(item, known, column)
            case _:
                return self._comparison(item, known, column)

    def _type(self, attribute: str) -> AttributeType | None:
        """Return an attribute's type; one that no table knows is a text, unless a server's own schema should know it."""
        known = self._schema.attribute(attribute)
        if known is None and not self._schema.from_server:
            return AttributeType(attribute, (), *CASE_IGNORE, DIRECTORY_STRING)
        return known

    def _comparison(self, item: Equal | Approx | AtLeast | AtMost, known: AttributeType, column: Column) -> int | None:
        rule = rule_named(known.ordering if isinstance(item, AtLeast | AtMost) else known.equality)
        want = None if rule is None else self._asserted(rule, item.value, known)
        if rule is None or want is None:
            return None
        table = column.table(rule.prepare)
        match item:
            case AtLeast():
                return table.where(lambda have: not _less(have, want))
            case AtMost():
                return table.where(lambda have: not _less(want, have))
            case _:
                return table.equal(want)

    def _extensible(self, item: Extensible) -> int | None:
        known = self._type(item.attribute) if item.attribute else None
        rule = self._named_rule(item.rule) if item.rule else rule_named(known.equality) if known else None
        if rule is None or rule.kind is Kind.SUBSTRING or (item.attribute and known is None):
            return None
        if known and item.rule and not _applies(rule, known):
            return None
        want = self._asserted(rule, item.value, known)
        if want is None:
            return None
        found = 0
        for column in self._looked_at(item, rule):
            found |= _fitting(rule, want, column.table(rule.prepare))
        return found

    def _named_rule(self, name: str) -> Rule | None:
        """Return the rule that a filter names; in a table of ours an unknown one is equality without case."""
        rule = rule_named(name)
        if rule is not None:
            return rule if rule.kind is not Kind.BITS or self._schema.bit_rules else None
        return None if self._schema.from_server or name == IN_CHAIN_OID else rule_named(CASE_IGNORE[0])

    def _looked_at(self, item: Extensible, rule: Rule) -> Iterator[Column]:
        """Yield the columns of the attribute, or of all those that the rule applies to; of DNs too where they count."""
        for name in [item.attribute] if item.attribute else self._applicable(rule, self._columns.names):
            yield self._columns.column(name)
        if item.dn_attributes:
            for name in [item.attribute] if item.attribute else self._applicable(rule, self._columns.dn_names):
                yield self._columns.dn_column(name)

    def _applicable(self, rule: Rule, names: Iterable[str]) -> list[str]:
        return [name for name in names if (known := self._type(name)) and _applies(rule, known)]

    def _asserted(self, rule: Rule, value: str, known: AttributeType | None) -> Key | None:
        """Return the key of an asserted value; None where the syntax does not allow it, or the server does not know it."""
        key = rule.prepare(value, Place.WHOLE)
        if rule.name in _DN_RULES and not self._schema.partial and self._schema.from_server and key is not None:
            avas = (ava for rdn in parse_dn(split_unique_member(value)[0]) for ava in rdn)
            return key if all(self._schema.attribute(ava.type) for ava in avas) else None
        if known is not None and caseless(known.name) in CLASS_ATTRIBUTES and key is not None:
            named = self._schema.object_classes.get(str(key))
            return caseless(named.name) if named else None if self._schema.from_server else key
        return key


def filter_problems(searched: Filter, schema: DirectorySchema) -> tuple[str, ...]:
    """Return what in a filter the schema does not know, or nobody can evaluate on a snapshot; each once, as they stand."""
    return tuple(dict.fromkeys(problem for item in _items(searched) for problem in _item_problems(item, schema)))


def unknown_attribute(name: str, schema: DirectorySchema) -> str:
    """Return what to say of an attribute that the schema does not have, with the nearest that it has."""
    near = schema.nearest(name)
    return f'{_whose(schema)} no attribute "{name}"' + (f': did you mean "{near}"?' if near else "")


def unsupported(searched: Filter) -> tuple[str, ...]:
    """Return what in a filter cannot be evaluated on a snapshot, whatever the schema: such a filter finds nobody."""
    return tuple(dict.fromkeys(problem for item in _items(searched) for problem in _impossible(item)))


_DN_RULES = frozenset({"distinguishedNameMatch", "uniqueMemberMatch"})


def _applies(rule: Rule, known: AttributeType) -> bool:
    return known.syntax in rule.syntaxes or rule.name in {known.equality, known.ordering}


def _fitting(rule: Rule, want: Key, table: Table) -> int:
    match rule.kind:
        case Kind.BITS:
            return table.where(_bits(rule, want))
        case Kind.ORDERING:  # RFC 4517 4.2.16: the attribute's value comes before the asserted one
            return table.where(lambda have: _less(have, want))
        case _:
            return table.equal(want)


def _bits(rule: Rule, want: Key) -> Callable[[Key], bool]:
    """All bits, or any bit (MS-ADTS 3.1.1.3.4.4.1 and 2); a negative number has its sign in all higher bits."""
    mask = int(want)
    if rule.name == BIT_AND:
        return lambda have: int(have) & mask == mask
    return lambda have: int(have) & mask != 0


def _less(one: Key, other: Key) -> bool:
    if isinstance(one, int) and isinstance(other, int):
        return one < other
    return str(one) < str(other)


def _substring(item: Substring, known: AttributeType, column: Column) -> int | None:
    rule = rule_named(known.substring)
    if rule is None:
        return None
    middle = [rule.prepare(piece, Place.ANY) for piece in item.middle]
    initial = rule.prepare(item.initial, Place.INITIAL) if item.initial else ""
    final = rule.prepare(item.final, Place.FINAL) if item.final else ""
    if initial is None or final is None or None in middle:
        return None
    return column.table(rule.prepare).containing(str(initial), [str(piece) for piece in middle], str(final))


def _items(searched: Filter) -> Iterator[Item]:
    match searched:
        case And() | Or():
            for part in searched.parts:
                yield from _items(part)
        case Not():
            yield from _items(searched.part)
        case _:
            yield searched


def _item_problems(item: Item, schema: DirectorySchema) -> Iterator[str]:
    yield from _impossible(item)
    known = schema.attribute(item.attribute)
    if item.attribute and known is None:
        yield unknown_attribute(item.attribute, schema)
    if isinstance(item, Extensible) and item.rule:
        if not _is_known(item.rule, schema) and item.rule != IN_CHAIN_OID:
            yield f'{_whose(schema)} no matching rule "{item.rule}"'
    elif known is not None and known.equality and rule_named(known.equality) is None:
        yield f'"{item.attribute}" compares by {known.equality}, which cannot be evaluated on a snapshot'


def _impossible(item: Item) -> Iterator[str]:
    if isinstance(item, Extensible) and item.rule == IN_CHAIN_OID:
        yield f"the matching rule {IN_CHAIN_OID} (in chain) cannot be evaluated on a snapshot: link the group instead"
    if not item.attribute:
        yield "a match without an attribute cannot be evaluated on a snapshot, which does not hold all attributes"


def _is_known(name: str, schema: DirectorySchema) -> bool:
    rule = rule_named(name)
    return rule is not None and (rule.kind is not Kind.BITS or schema.bit_rules)


def _whose(schema: DirectorySchema) -> str:
    if not schema.from_server:
        return "the standard schemas have"
    return "what was kept of the directory's schema has" if schema.partial else "the directory's schema has"
