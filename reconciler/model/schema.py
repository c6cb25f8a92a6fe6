"""A directory's schema as values: attribute types with their matching rules, and object classes; never reads a server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from itertools import takewhile

from reconciler.model.matching import BIT_AND_OID, OBJECT_CATEGORY, rule_named, rules_of_syntax
from reconciler.model.names import caseless
from reconciler.model.text import shortened

# RFC 4512 4.1; a quote inside a quoted text ends it only before what can follow one: some servers do not escape them
_TOKEN = re.compile(r"'(?:[^']|'(?![\s)]|$))*'|[()$]|[^\s()$']+")
_FLAGS = frozenset(
    {"OBSOLETE", "SINGLE-VALUE", "COLLECTIVE", "NO-USER-MODIFICATION", "ABSTRACT", "STRUCTURAL", "AUXILIARY"}
)


class SchemaSyntaxError(ValueError):
    """A schema definition, or a saved schema, that cannot be understood; the message shows it."""


@dataclass(frozen=True, slots=True)
class AttributeType:
    """One attribute type, its inheritance already resolved (RFC 4512 4.1.2). Rules are names, empty where there is none."""

    name: str
    aliases: tuple[str, ...] = ()  # other names and the OID
    equality: str = ""
    ordering: str = ""
    substring: str = ""
    syntax: str = ""  # OID without length
    superior: str = ""  # the name of the type that this one is a subtype of


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """One object class with its direct superiors and the attributes that every entry of it must have."""

    name: str
    aliases: tuple[str, ...] = ()
    superiors: tuple[str, ...] = ()
    must: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DirectorySchema:
    """Look-up by any name or OID, whatever the case. `from_server`: the list is complete, so an unknown name is an error.

    `partial`: only what a policy needed was kept, so an unknown name may also be one that was not read.
    `bit_rules`: the server knows Active Directory's bitwise matching rules.
    """

    attribute_types: Mapping[str, AttributeType] = field(default_factory=dict)  # by every name, lower case
    object_classes: Mapping[str, ObjectClass] = field(default_factory=dict)
    from_server: bool = False
    partial: bool = False
    bit_rules: bool = False

    def attribute(self, name: str) -> AttributeType | None:
        """Return the type behind a name, an alias, an OID or an attribute description (its options do not count)."""
        return self.attribute_types.get(caseless(name.partition(";")[0]))

    def canonical(self, name: str) -> str:
        """Return the key that `Attributes` maps use: the type's first name in lower case, options sorted behind it.

        An unknown name is its own key, in lower case.
        """
        known = self.attribute_types.get(name)
        if known is not None:
            return caseless(known.name)
        base, *options = caseless(name).split(";")
        known = self.attribute_types.get(base)
        return ";".join([caseless(known.name) if known else base, *sorted(set(options))])

    def nearest(self, name: str) -> str:
        """Return the known attribute whose name is most like this one, empty where none is."""
        near = get_close_matches(caseless(name), self.attribute_types, n=1)
        return self.attribute_types[near[0]].name if near else ""

    def subtypes(self, name: str) -> frozenset[str]:
        """Return the canonical names of a type and of all types that are derived from it (RFC 4512 2.5.1)."""
        wanted = self.canonical(name.partition(";")[0])
        below = (
            caseless(known.name)
            for known in self.attribute_types.values()
            if any(caseless(above.name) == wanted for above in self.line(known))
        )
        return frozenset({wanted, *below})

    def superclasses(self, names: Iterable[str]) -> frozenset[str]:
        """Return the canonical names of object classes and of everything above them; unknown ones in lower case."""
        found: set[str] = set()
        waiting = [caseless(name) for name in names]
        while waiting:
            known = self.object_classes.get(name := waiting.pop())
            canonical = caseless(known.name) if known else name
            if canonical not in found:
                found.add(canonical)
                waiting += map(caseless, known.superiors if known else ())
        return frozenset(found)

    def must_attributes(self, names: Iterable[str]) -> frozenset[str]:
        """Return the canonical names of the attributes that an entry of these object classes has to have."""
        classes = (self.object_classes.get(name) for name in self.superclasses(names))
        return frozenset(self.canonical(name) for known in classes if known for name in known.must)

    def line(self, known: AttributeType) -> list[AttributeType]:
        """Return a type and its superiors, the topmost last; a circle ends where it closes."""
        line = [known]
        while (above := self.attribute(line[-1].superior)) is not None and above not in line:
            line.append(above)
        return line

    def inherited(self, known: AttributeType) -> AttributeType:
        """Return a type with the rules and the syntax that it takes over from its superiors (RFC 4512 2.5.1)."""
        for above in self.line(known)[1:]:
            known = replace(
                known,
                equality=known.equality or above.equality,
                ordering=known.ordering or above.ordering,
                substring=known.substring or above.substring,
                syntax=known.syntax or above.syntax,
            )
        return known


def restrict(schema: DirectorySchema, attributes: Iterable[str], classes: Iterable[str]) -> DirectorySchema:
    """Return what a snapshot has to keep: the types used with those above and below them, and the classes.

    Of a server's classes all names are kept, so that a class that nobody has is told from one that does not exist; of its
    types also those that an unknown name may mean.
    """
    used_names = set(attributes)
    if schema.from_server:
        used_names |= {schema.nearest(name) for name in used_names if schema.attribute(name) is None} - {""}
    names = {schema.canonical(name) for used in used_names for name in schema.subtypes(used)}
    kept = [known for name in names if (known := schema.attribute(name))]
    names |= {caseless(above.name) for known in kept for above in schema.line(known)}
    used = schema.superclasses(classes)
    return replace(
        schema,
        attribute_types={key: known for key, known in schema.attribute_types.items() if caseless(known.name) in names},
        object_classes={
            key: known if caseless(known.name) in used else replace(known, must=())
            for key, known in schema.object_classes.items()
            if schema.from_server or caseless(known.name) in used
        },
        partial=True,
    )


def schema_of(
    attribute_types: Iterable[AttributeType],
    object_classes: Iterable[ObjectClass],
    *,
    from_server: bool,
    bit_rules: bool,
) -> DirectorySchema:
    """Return a schema that finds each definition by every name; of two definitions of one name the first is kept."""
    types: dict[str, AttributeType] = {}
    classes: dict[str, ObjectClass] = {}
    for known in attribute_types:
        for name in (known.name, *known.aliases):
            types.setdefault(caseless(name), known)
    for each in object_classes:
        for name in (each.name, *each.aliases):
            classes.setdefault(caseless(name), each)
    return DirectorySchema(types, classes, from_server=from_server, bit_rules=bit_rules)


def schema_to_json(schema: DirectorySchema) -> dict[str, object]:
    """Return what JSON can hold, sorted, so that equal schemas give equal bytes."""
    types = {known.name: known for known in schema.attribute_types.values()}
    classes = {known.name: known for known in schema.object_classes.values()}
    return {
        "from_server": schema.from_server,
        "partial": schema.partial,
        "bit_rules": schema.bit_rules,
        "attribute_types": [_written(types[name]) for name in sorted(types)],
        "object_classes": [_written(classes[name]) for name in sorted(classes)],
    }


def schema_from_json(saved: Mapping[str, object]) -> DirectorySchema:
    """Return the schema that `schema_to_json` saved; raises SchemaSyntaxError for anything else."""
    try:
        made = schema_of(
            map(_read_type, _items(saved, "attribute_types")),
            map(_read_class, _items(saved, "object_classes")),
            from_server=saved["from_server"] is True,
            bit_rules=saved["bit_rules"] is True,
        )
        return replace(made, partial=saved["partial"] is True)
    except (KeyError, TypeError) as error:
        raise SchemaSyntaxError(f"the saved schema cannot be read: {error}") from error


def parse_schema(
    attribute_types: Iterable[str], object_classes: Iterable[str], matching_rules: Iterable[str] = ()
) -> DirectorySchema:
    """Return a server's schema from the definitions in its subschema entry (RFC 4512 4.2); raises SchemaSyntaxError.

    A server that names no equality rule at all is Active Directory: its rules follow from the syntaxes.
    """
    written = [_attribute_type(definition) for definition in attribute_types]
    like_ad = not any(known.equality for known in written)
    unresolved = schema_of(written, (), from_server=True, bit_rules=False)
    return schema_of(
        (_with_rules(inherited) if like_ad else inherited for inherited in map(unresolved.inherited, written)),
        map(_object_class, object_classes),
        from_server=True,
        bit_rules=like_ad or any(BIT_AND_OID in rule for rule in matching_rules),
    )


def names_of(definitions: Iterable[str]) -> frozenset[str]:
    """Return every name and OID of some definitions, in lower case; raises SchemaSyntaxError."""
    found: set[str] = set()
    for oid, fields in map(_fields, definitions):
        found.update(map(caseless, (oid, *fields.get("NAME", ()))))
    return frozenset(found)


def _attribute_type(definition: str) -> AttributeType:
    oid, fields = _fields(definition)
    names = (*fields.get("NAME", ()), oid)
    equality, ordering, substring = (_rule_name(fields, keyword) for keyword in ("EQUALITY", "ORDERING", "SUBSTR"))
    return AttributeType(
        name=names[0],
        aliases=tuple(names[1:]),
        equality=equality,
        ordering=ordering,
        substring=substring,
        syntax=_first(fields, "SYNTAX").partition("{")[0],
        superior=_first(fields, "SUP"),
    )


def _object_class(definition: str) -> ObjectClass:
    oid, fields = _fields(definition)
    names = (*fields.get("NAME", ()), oid)
    return ObjectClass(names[0], tuple(names[1:]), tuple(fields.get("SUP", ())), tuple(fields.get("MUST", ())))


def _fields(definition: str) -> tuple[str, dict[str, list[str]]]:
    """Return the OID of a definition, and what stands behind each of its keywords."""
    tokens = iter(_TOKEN.findall(definition))
    oid = _unquoted(next(tokens, "")) if next(tokens, "") == "(" else ""
    if oid in {"", "(", ")", "$"}:
        raise SchemaSyntaxError(f'"{shortened(definition, 80)}" is no schema definition: expected "( OID …"')
    fields: dict[str, list[str]] = {}
    for keyword in tokens:
        if keyword in _FLAGS:
            continue
        value = next(tokens, "")
        values = takewhile(")".__ne__, tokens) if value == "(" else [value]
        fields[keyword] = [_unquoted(each) for each in values if each != "$"]
    return oid, fields


def _unquoted(token: str) -> str:
    return token.strip("'")


def _first(fields: Mapping[str, Sequence[str]], keyword: str) -> str:
    return (fields.get(keyword) or ("",))[0]


def _rule_name(fields: Mapping[str, Sequence[str]], keyword: str) -> str:
    written = _first(fields, keyword)
    known = rule_named(written)
    return known.name if known else written


def _with_rules(known: AttributeType) -> AttributeType:
    equality, ordering, substring = rules_of_syntax(known.syntax)
    if caseless(known.name) == "objectcategory":
        equality = OBJECT_CATEGORY
    return replace(known, equality=equality, ordering=ordering, substring=substring)


def _written(known: AttributeType | ObjectClass) -> dict[str, object]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(known).items() if value}


def _items(saved: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    items = saved[key]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise TypeError(f'"{key}" is no list of objects')
    return items


def _read_type(saved: Mapping[str, object]) -> AttributeType:
    return AttributeType(
        name=_name(saved),
        aliases=_texts(saved, "aliases"),
        equality=_text(saved, "equality"),
        ordering=_text(saved, "ordering"),
        substring=_text(saved, "substring"),
        syntax=_text(saved, "syntax"),
        superior=_text(saved, "superior"),
    )


def _read_class(saved: Mapping[str, object]) -> ObjectClass:
    return ObjectClass(_name(saved), *(_texts(saved, key) for key in ("aliases", "superiors", "must")))


def _name(saved: Mapping[str, object]) -> str:
    name = _text(saved, "name")
    if not name:
        raise TypeError('a definition has no "name"')
    return name


def _text(saved: Mapping[str, object], key: str) -> str:
    value = saved.get(key, "")
    if not isinstance(value, str):
        raise TypeError(f'"{key}" is no text')
    return value


def _texts(saved: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = saved.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f'"{key}" is no list of texts')
    return tuple(values)
