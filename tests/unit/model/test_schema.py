"""Schemas: parsed from a server's definitions, looked up by any name, saved and restricted."""

from __future__ import annotations

import json

import pytest

from reconciler.model.schema import (
    AttributeType,
    DirectorySchema,
    ObjectClass,
    SchemaSyntaxError,
    names_of,
    parse_schema,
    restrict,
    schema_from_json,
    schema_to_json,
)

TYPES = (
    (
        "( 2.5.4.41 NAME 'name' DESC 'RFC4519: common supertype' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch"
        " SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )"
    ),
    "( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name )",
    "( 2.5.4.4 NAME ( 'sn' 'surname' ) SUP 2.5.4.41 SINGLE-VALUE )",
    "( 1.1.1 NAME 'nick' SUP commonName OBSOLETE USAGE userApplications X-ORIGIN 'a user's name' )",
    (
        "( 1.3.6.1.1.1.1.0 NAME 'uidNumber' EQUALITY 2.5.13.14 ORDERING integerOrderingMatch"
        " SYNTAX '1.3.6.1.4.1.1466.115.121.1.27' X-ORDERED 'VALUES' )"
    ),
    "( 1.9.9 EQUALITY certificateExactMatch SYNTAX 1.2.3 NO-USER-MODIFICATION )",
    "( 2.1.1 NAME 'loop' SUP knot )",
    "(2.1.2 NAME 'knot' SUP loop EQUALITY integerMatch)",
)
CLASSES = (
    "( 2.5.6.0 NAME 'top' ABSTRACT MUST objectClass )",
    "( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( userPassword $ telephoneNumber ) )",
    "( 2.5.6.7 NAME ( 'organizationalPerson' 'orgPerson' ) SUP person STRUCTURAL )",
    "( 1.1.2 NAME 'both' SUP ( organizationalPerson $ top ) MUST nick )",
    "( 1.1.3 NAME 'ring' SUP chain )",
    "( 1.1.4 NAME 'chain' SUP ring )",
)


@pytest.fixture(scope="module")
def schema() -> DirectorySchema:
    """Return the parsed definitions."""
    return parse_schema(TYPES, CLASSES)


def test_rules_and_syntax_are_inherited(schema: DirectorySchema) -> None:
    """A type without rules of its own has those of its superior, whatever name the superior is given by."""
    inherited = ("caseIgnoreMatch", "", "caseIgnoreSubstringsMatch", "1.3.6.1.4.1.1466.115.121.1.15")
    for name in ("cn", "sn", "nick"):
        known = schema.attribute(name)
        assert known is not None
        assert (known.equality, known.ordering, known.substring, known.syntax) == inherited


def test_rules_by_oid_and_quoted_syntaxes_are_understood(schema: DirectorySchema) -> None:
    """A rule's OID becomes its name, quotes and lengths of syntaxes go, unknown rules stay as written."""
    syntax = "1.3.6.1.4.1.1466.115.121.1.27"
    assert schema.attribute("uidNumber") == AttributeType(
        "uidNumber", ("1.3.6.1.1.1.1.0",), "integerMatch", "integerOrderingMatch", "", syntax
    )
    assert schema.attribute("1.9.9") == AttributeType("1.9.9", (), "certificateExactMatch", "", "", "1.2.3")


@pytest.mark.parametrize("name", ["cn", "CN", "commonname", "2.5.4.3", "CommonName;lang-de"])
def test_a_type_is_found_by_every_name(schema: DirectorySchema, name: str) -> None:
    """Aliases, OIDs, case and options make no difference."""
    known = schema.attribute(name)
    assert known is not None
    assert known.name == "cn"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("commonName", "cn"),
        ("cn", "cn"),
        ("2.5.4.4", "sn"),
        ("UIDNumber", "uidnumber"),
        ("CommonName;X-b;Lang-DE;x-b", "cn;lang-de;x-b"),
        ("noSuch", "nosuch"),
        ("noSuch;B;A", "nosuch;a;b"),
    ],
)
def test_an_attribute_has_one_key(schema: DirectorySchema, written: str, key: str) -> None:
    """The first name in lower case, options sorted; an unknown name is its own."""
    assert schema.canonical(written) == key


def test_subtypes_are_those_below(schema: DirectorySchema) -> None:
    """A type is its own subtype; circles end; an unknown name has only itself."""
    assert schema.subtypes("name") == {"name", "cn", "sn", "nick"}
    assert schema.subtypes("CommonName;lang-de") == {"cn", "nick"}
    assert schema.subtypes("loop") == {"loop", "knot"}
    assert schema.subtypes("noSuch") == {"nosuch"}


def test_a_circle_of_superiors_still_inherits(schema: DirectorySchema) -> None:
    """A server's mistake does not hang the reader."""
    known = schema.attribute("loop")
    assert known is not None
    assert known.equality == "integerMatch"


def test_superclasses_are_everything_above(schema: DirectorySchema) -> None:
    """Any name or OID counts, circles end, unknown classes stand for themselves."""
    assert schema.superclasses(["orgPerson"]) == {"organizationalperson", "person", "top"}
    assert schema.superclasses(["2.5.6.6", "Unknown"]) == {"person", "top", "unknown"}
    assert schema.superclasses(["ring"]) == {"ring", "chain"}
    assert schema.superclasses([]) == frozenset()


def test_must_attributes_come_from_all_superclasses(schema: DirectorySchema) -> None:
    """What an entry has to have, by canonical names."""
    assert schema.must_attributes(["both"]) == {"nick", "sn", "cn", "objectclass"}
    assert schema.must_attributes(["unknown"]) == frozenset()


def test_a_server_without_equality_rules_is_active_directory() -> None:
    """Its rules follow from the syntaxes, it knows the bit rules, and objectCategory compares its own way."""
    schema = parse_schema(
        [
            "( 1.2.840.113556.1.4.8 NAME 'userAccountControl' SYNTAX '1.3.6.1.4.1.1466.115.121.1.27' SINGLE-VALUE )",
            "( 1.2.840.113556.1.4.782 NAME 'objectCategory' SYNTAX '1.3.6.1.4.1.1466.115.121.1.12' SINGLE-VALUE )",
        ],
        [],
    )
    control, category = schema.attribute("userAccountControl"), schema.attribute("objectCategory")
    assert control is not None
    assert category is not None
    assert (control.equality, control.ordering) == ("integerMatch", "integerOrderingMatch")
    assert category.equality == "objectCategoryMatch"
    assert schema.bit_rules


def test_bit_rules_are_known_where_the_server_lists_them(schema: DirectorySchema) -> None:
    """OpenLDAP has them too, under another name."""
    listed = ["( 1.2.840.113556.1.4.803 NAME 'integerBitAndMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )"]
    assert not schema.bit_rules
    assert parse_schema(TYPES, CLASSES, listed).bit_rules


@pytest.mark.parametrize("definition", ["", "( )", "()", "2.5.4.3 NAME 'cn'", "( ( 2.5.4.3 ) )", "\x1b"])
def test_what_is_no_definition_is_refused(definition: str) -> None:
    """The message shows it, made safe."""
    with pytest.raises(SchemaSyntaxError, match=r'is no schema definition: expected "\( OID') as refused:
        parse_schema([definition], [])
    assert "\x1b" not in str(refused.value)


def test_a_definition_that_stops_early_says_what_it_says() -> None:
    """A missing end or value is no reason to read nothing."""
    schema = parse_schema(["( 1.1 NAME 'a' EQUALITY integerMatch SUP"], ["( 1.2 NAME ( 'b' 'c'"])
    assert schema.attribute("a") == AttributeType("a", ("1.1",), equality="integerMatch")
    assert schema.object_classes["c"] == ObjectClass("b", ("c", "1.2"))


def test_the_first_definition_of_a_name_counts() -> None:
    """A later one cannot take a name over."""
    schema = parse_schema(
        ["( 1.1 NAME 'a' EQUALITY integerMatch )", "( 1.2 NAME ( 'b' 'A' ) EQUALITY booleanMatch )"], []
    )
    known = schema.attribute("a")
    assert known is not None
    assert known.equality == "integerMatch"


def test_a_schema_survives_being_saved(schema: DirectorySchema) -> None:
    """JSON gives back the same schema, and the same bytes again."""
    saved = json.dumps(schema_to_json(schema))
    assert schema_from_json(json.loads(saved)) == schema
    assert json.dumps(schema_to_json(schema_from_json(json.loads(saved)))) == saved
    assert schema_from_json(schema_to_json(restrict(schema, ["cn"], []))).partial


def test_saved_definitions_leave_out_what_is_empty(schema: DirectorySchema) -> None:
    """A snapshot stays small."""
    types = schema_to_json(restrict(schema, ["uidNumber"], []))["attribute_types"]
    assert types == [
        {
            "name": "uidNumber",
            "aliases": ["1.3.6.1.1.1.1.0"],
            "equality": "integerMatch",
            "ordering": "integerOrderingMatch",
            "syntax": "1.3.6.1.4.1.1466.115.121.1.27",
        }
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"attribute_types": None}, '"attribute_types" is no list of objects'),
        ({"object_classes": ["top"]}, '"object_classes" is no list of objects'),
        ({"attribute_types": [{"name": 5}]}, '"name" is no text'),
        ({"attribute_types": [{}]}, 'a definition has no "name"'),
        ({"object_classes": [{"name": "a", "must": [1]}]}, '"must" is no list of texts'),
        ({"object_classes": [{"name": "a", "must": "b"}]}, '"must" is no list of texts'),
    ],
)
def test_a_damaged_saved_schema_is_refused(schema: DirectorySchema, change: dict[str, object], words: str) -> None:
    """The message names the part that is wrong."""
    with pytest.raises(SchemaSyntaxError, match="the saved schema cannot be read") as refused:
        schema_from_json({**schema_to_json(schema), **change})
    assert words in str(refused.value)


def test_a_saved_schema_without_a_part_is_refused() -> None:
    """An absent part is not an empty one."""
    with pytest.raises(SchemaSyntaxError, match="attribute_types"):
        schema_from_json({})


def test_restricting_keeps_what_is_above_and_below(schema: DirectorySchema) -> None:
    """Types used, their superiors and subtypes; all names of a server's classes, requirements only of those used."""
    kept = restrict(schema, ["commonName;lang-de", "noSuch"], ["person"])
    assert {known.name for known in kept.attribute_types.values()} == {"name", "cn", "nick"}
    assert kept.subtypes("name") == {"name", "cn", "nick"}
    assert kept.must_attributes(["person"]) == {"sn", "cn", "objectclass"}
    assert kept.superclasses(["orgPerson"]) == {"organizationalperson", "person", "top"}
    assert kept.object_classes["both"].must == ()
    assert kept.partial
    assert kept.from_server


def test_restricting_keeps_what_an_unknown_name_may_mean(schema: DirectorySchema) -> None:
    """So that whoever plans from a snapshot is told the nearest name, too; a table of ours is not the server's list."""
    assert restrict(schema, ["nickk", "quite-another"], []).nearest("nickk") == "nick"
    table = DirectorySchema(schema.attribute_types)
    assert restrict(table, ["nickk"], []).attribute_types == {}


def test_the_names_of_definitions_are_all_that_they_can_be_called() -> None:
    """Names and OIDs, in lower case."""
    definitions = ["( 2.5.13.0 NAME 'objectIdentifierMatch' SYNTAX 1.2 )", "( 1.2.3 NAME ( 'a' 'B' ) )", "( 9.9 )"]
    assert names_of(definitions) == {"2.5.13.0", "objectidentifiermatch", "1.2.3", "a", "b", "9.9"}


def test_restricting_a_table_of_ours_keeps_only_the_classes_used() -> None:
    """Where no server says which classes exist, nothing is lost by forgetting names."""
    classes = {"top": ObjectClass("top"), "a": ObjectClass("A", superiors=("top",)), "b": ObjectClass("b")}
    kept = restrict(DirectorySchema({}, classes), [], ["a"])
    assert kept.object_classes == {"top": ObjectClass("top"), "a": ObjectClass("A", superiors=("top",))}
