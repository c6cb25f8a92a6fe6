"""Matching rules: which values are equal, how they sort, and which no syntax allows."""

from __future__ import annotations

import pytest

from reconciler.model.matching import Key, Kind, Place, Rule, rule_named, rules_of_syntax


def rule(name: str) -> Rule:
    """Return a rule that is there."""
    found = rule_named(name)
    assert found is not None
    return found


def key(name: str, value: str, place: Place = Place.WHOLE) -> Key | None:
    """Return the key of a value under a rule."""
    return rule(name).prepare(value, place)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("caseIgnoreMatch", "  Staff   ENGINEER ", "staff engineer"),
        ("caseIgnoreMatch", "E\u0301lan", "ÉLAN"),
        ("caseExactMatch", " Staff   Engineer", "Staff Engineer"),
        ("caseIgnoreIA5Match", "A  B@x", "a b@X"),
        ("caseExactIA5Match", " /bin/sh", "/bin/sh"),
        ("caseIgnoreListMatch", "Street 1 $ 8000  Zürich", "street 1$8000 zürich"),
        ("numericStringMatch", "12 34", "1 2 3 4"),
        ("telephoneNumberMatch", "+41 44-123", "+4144123"),
        ("generalizedTimeMatch", "20260101120000Z", "202601011200Z"),
        ("generalizedTimeMatch", "20260101120000Z", "2026010112.0Z"),
        ("generalizedTimeMatch", "20260101120000Z", "20260101130000+0100"),
        ("generalizedTimeMatch", "20260101120000Z", "20260101063000-0530"),
        ("generalizedTimeMatch", "20260101123000Z", "2026010112,5Z"),
        ("generalizedTimeMatch", "20260101123030Z", "202601011230.5Z"),
        ("generalizedTimeMatch", "20260101123030.5Z", "20260101123030.500Z"),
        ("distinguishedNameMatch", "UID=a , OU=x", "userid=A,ou=X"),
        ("uniqueMemberMatch", "UID=a, OU=x#'01'B", "uid=A,ou=x#'01'B"),
        ("UUIDMatch", "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        ("objectIdentifierMatch", "inetOrgPerson", "INETORGPERSON"),
        ("objectCategoryMatch", "CN=Person,CN=Schema,CN=Configuration,DC=x", "person"),
        ("objectCategoryMatch", "CN=Person,CN=Schema,CN=Configuration,DC=x", "User"),
        ("objectCategoryMatch", "CN=Computer,CN=Schema,CN=Configuration,DC=x", "cn=computer,cn=Schema"),
    ],
)
def test_equal_values_have_one_key(name: str, one: str, other: str) -> None:
    """What a rule calls equal has the same key."""
    assert key(name, one) is not None
    assert key(name, one) == key(name, other)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("caseIgnoreMatch", "a b", "ab"),
        ("caseExactMatch", "A", "a"),
        ("caseExactIA5Match", "A", "a"),
        ("telephoneNumberMatch", "1 ext A", "1 ext a"),  # as OpenLDAP compares them
        ("octetStringMatch", "A ", "A"),
        ("booleanMatch", "TRUE", "FALSE"),
        ("bitStringMatch", "'01'B", "'1'B"),
        ("uniqueMemberMatch", "uid=a,ou=x#'01'B", "uid=a,ou=x"),
        ("objectCategoryMatch", "CN=Person,CN=Schema", "computer"),
    ],
)
def test_different_values_have_different_keys(name: str, one: str, other: str) -> None:
    """What a rule tells apart has different keys."""
    assert key(name, one) is not None
    assert key(name, one) != key(name, other)


@pytest.mark.parametrize(
    ("name", "ordered"),
    [
        ("integerOrderingMatch", ["-10", "-9", "0", "7", "30", "100000000000000000000"]),
        ("caseIgnoreOrderingMatch", ["a", "B", "c d", "cd", "é"]),
        ("caseExactOrderingMatch", ["B", "a", "c"]),
        ("numericStringOrderingMatch", ["1 2", "123", "13"]),
        ("generalizedTimeOrderingMatch", ["000001010000Z", "19991231235959.9Z", "20000101Z".replace("Z", "00Z")]),
        ("generalizedTimeOrderingMatch", ["20240228235960Z", "20240229000001Z", "99991231235959Z"]),
        ("octetStringOrderingMatch", ["a", "é", "\udcff"]),
        ("UUIDOrderingMatch", ["00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000B"]),
    ],
)
def test_keys_sort_as_the_values_do(name: str, ordered: list[str]) -> None:
    """Numbers sort by size, times by the clock, strings by their characters, bytes by their bytes."""
    keys = [key(name, value) for value in ordered]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert sorted(keys) == keys  # type: ignore[type-var]  # one rule's keys are of one type


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("caseIgnoreMatch", ""),
        ("caseIgnoreMatch", "\udcff"),
        ("caseExactMatch", ""),
        ("caseIgnoreIA5Match", "é"),
        ("caseIgnoreListMatch", "\udcff"),
        ("integerMatch", ""),
        ("integerMatch", "05"),
        ("integerMatch", "+5"),
        ("integerMatch", "-0"),
        ("integerMatch", "5 "),
        ("integerMatch", "٣"),
        ("integerMatch", "1" * 5000),
        ("numericStringMatch", ""),
        ("numericStringMatch", "1x"),
        ("telephoneNumberMatch", ""),
        ("telephoneNumberMatch", "#1"),
        ("booleanMatch", "true"),
        ("generalizedTimeMatch", "20260101Z"),
        ("generalizedTimeMatch", "20260101120000"),
        ("generalizedTimeMatch", "20260230120000Z"),
        ("generalizedTimeMatch", "20230229120000Z"),
        ("generalizedTimeMatch", "20260101240000Z"),
        ("generalizedTimeMatch", "20260101120000+2500"),
        ("generalizedTimeMatch", "00000101000000+0100"),
        ("distinguishedNameMatch", "alice"),
        ("uniqueMemberMatch", "alice#'01'B"),
        ("UUIDMatch", "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
        ("objectIdentifierMatch", "no such"),
        ("objectCategoryMatch", "cn=,dc=x"),
        ("bitStringMatch", "01"),
    ],
)
def test_a_value_that_the_syntax_does_not_allow_has_no_key(name: str, value: str) -> None:
    """Such a value equals nothing, and asserting it is undefined."""
    assert key(name, value) is None


@pytest.mark.parametrize(
    ("name", "piece", "place", "prepared"),
    [
        ("caseIgnoreSubstringsMatch", "  Two  ", Place.INITIAL, "two "),
        ("caseIgnoreSubstringsMatch", "  Two  ", Place.ANY, " two "),
        ("caseIgnoreSubstringsMatch", "  Two  ", Place.FINAL, " two"),
        ("caseIgnoreSubstringsMatch", "   ", Place.INITIAL, " "),
        ("caseIgnoreSubstringsMatch", "   ", Place.ANY, " "),
        ("caseIgnoreSubstringsMatch", "   ", Place.FINAL, ""),
        ("caseIgnoreSubstringsMatch", "a", Place.ANY, "a"),
        ("caseExactSubstringsMatch", "A  b", Place.ANY, "A b"),
        ("caseIgnoreIA5SubstringsMatch", "", Place.ANY, ""),
        ("caseIgnoreListSubstringsMatch", "1 $ B", Place.ANY, "1 $ b"),
        ("numericStringSubstringsMatch", "1 2", Place.ANY, "12"),
        ("numericStringSubstringsMatch", " ", Place.ANY, " "),
        ("telephoneNumberSubstringsMatch", "4-1", Place.ANY, "41"),
        ("octetStringSubstringsMatch", " A", Place.ANY, " A"),
        ("caseIgnoreSubstringsMatch", "\udcff", Place.ANY, None),
    ],
)
def test_pieces_keep_the_spaces_where_they_were_cut(name: str, piece: str, place: Place, prepared: str | None) -> None:
    """A space at a cut is significant, one at the end of the whole value is not (RFC 4518 2.6.1)."""
    assert key(name, piece, place) == prepared


def test_only_spaces_are_one_space() -> None:
    """A value of nothing but spaces is a value, and equal to another such."""
    assert key("caseIgnoreMatch", "   ") == key("caseIgnoreMatch", " ") == " "
    assert key("caseIgnoreIA5Match", "") == ""


@pytest.mark.parametrize(
    ("written", "name", "kind"),
    [
        ("CASEIGNOREMATCH", "caseIgnoreMatch", Kind.EQUALITY),
        ("2.5.13.3", "caseIgnoreOrderingMatch", Kind.ORDERING),
        ("caseIgnoreIA5SubstringsMatch", "caseIgnoreIA5SubstringsMatch", Kind.SUBSTRING),
        ("1.2.840.113556.1.4.803", "integerBitAndMatch", Kind.BITS),
        ("1.2.840.113556.1.4.804", "integerBitOrMatch", Kind.BITS),
    ],
)
def test_a_rule_is_found_by_name_and_oid(written: str, name: str, kind: Kind) -> None:
    """Case does not matter, and the kind comes with it."""
    assert (rule(written).name, rule(written).kind) == (name, kind)


def test_a_rule_that_is_not_implemented_is_not_found() -> None:
    """Nothing stands in for it silently."""
    assert rule_named("certificateExactMatch") is None
    assert rule_named("caseIgnoreIA5OrderingMatch") is None
    assert rule_named("") is None


@pytest.mark.parametrize(
    ("syntax", "equality", "ordering", "substring"),
    [
        (
            "1.3.6.1.4.1.1466.115.121.1.15",
            "caseIgnoreMatch",
            "caseIgnoreOrderingMatch",
            "caseIgnoreSubstringsMatch",
        ),
        ("1.2.840.113556.1.4.906", "integerMatch", "integerOrderingMatch", ""),
        ("1.3.6.1.4.1.1466.115.121.1.12", "distinguishedNameMatch", "", ""),
        ("1.2.840.113556.1.4.907", "octetStringMatch", "octetStringOrderingMatch", ""),
    ],
)
def test_a_syntax_has_rules_where_a_schema_names_none(
    syntax: str, equality: str, ordering: str, substring: str
) -> None:
    """Active Directory's schema names no rules; what it does follows from the syntax."""
    assert rules_of_syntax(syntax) == (equality, ordering, substring)
