"""The built-in table of the standard schemas."""

from __future__ import annotations

import pytest

from reconciler.model.matching import Kind, rule_named
from reconciler.model.names import TYPE_ALIASES, caseless
from reconciler.model.standard_schema import standard_schema


def test_every_rule_of_the_table_is_implemented() -> None:
    """Each type's rules are known, each of the kind that its place asks for."""
    for known in standard_schema().attribute_types.values():
        for name, kind in (
            (known.equality, Kind.EQUALITY),
            (known.ordering, Kind.ORDERING),
            (known.substring, Kind.SUBSTRING),
        ):
            rule = rule_named(name)
            assert rule.kind is kind if rule else name == "", f"{known.name}: {name}"


def test_no_name_stands_for_two_definitions() -> None:
    """Every name and OID leads to the definition that it is written at."""
    schema = standard_schema()
    types = {known.name: known for known in schema.attribute_types.values()}.values()
    names = [caseless(name) for known in types for name in (known.name, *known.aliases)]
    assert sorted(names) == sorted(schema.attribute_types)


def test_superiors_are_in_the_table() -> None:
    """No type or class hangs in the air, and required attributes are known."""
    schema = standard_schema()
    assert all(schema.attribute(known.superior) for known in schema.attribute_types.values() if known.superior)
    for known in schema.object_classes.values():
        assert all(caseless(name) in schema.object_classes for name in known.superiors)
        assert all(map(schema.attribute, known.must))


def test_dns_and_schema_agree_about_aliases() -> None:
    """What a DN takes for one attribute type is one here, under the same name."""
    assert {alias: standard_schema().canonical(alias) for alias in TYPE_ALIASES} == TYPE_ALIASES


@pytest.mark.parametrize(
    ("name", "equality", "ordering"),
    [
        ("uid", "caseIgnoreMatch", ""),
        ("mail", "caseIgnoreIA5Match", ""),
        ("memberUid", "caseExactIA5Match", ""),
        ("uidNumber", "integerMatch", "integerOrderingMatch"),
        ("shadowExpire", "integerMatch", ""),
        ("member", "distinguishedNameMatch", ""),
        ("uniqueMember", "uniqueMemberMatch", ""),
        ("entryUUID", "UUIDMatch", "UUIDOrderingMatch"),
        ("sshPublicKey", "octetStringMatch", ""),
        ("sAMAccountName", "caseIgnoreMatch", "caseIgnoreOrderingMatch"),
        ("userAccountControl", "integerMatch", "integerOrderingMatch"),
        ("whenCreated", "generalizedTimeMatch", "generalizedTimeOrderingMatch"),
        ("objectCategory", "objectCategoryMatch", ""),
        ("jpegPhoto", "", ""),
    ],
)
def test_common_attributes_compare_as_their_standards_say(name: str, equality: str, ordering: str) -> None:
    """One of each kind."""
    known = standard_schema().attribute(name)
    assert known is not None
    assert (known.equality, known.ordering) == (equality, ordering)


def test_subtypes_and_superclasses_are_there() -> None:
    """Inheritance of attributes and of classes works for LDIF as on a server."""
    schema = standard_schema()
    assert {"cn", "sn", "givenname", "c"} < schema.subtypes("name")
    assert schema.subtypes("distinguishedName") >= {"member", "owner", "seealso"}
    assert schema.superclasses(["inetOrgPerson"]) == {"inetorgperson", "organizationalperson", "person", "top"}
    assert schema.must_attributes(["groupOfNames"]) == {"cn", "member", "objectclass"}
    assert not schema.from_server
    assert schema.bit_rules
