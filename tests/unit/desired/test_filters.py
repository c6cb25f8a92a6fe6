"""Filters evaluated in memory: every operator, every way to be undefined."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reconciler.desired.filters import FilterIndex, filter_problems, unsupported
from reconciler.model.bits import indexes
from reconciler.model.directory import Attributes
from reconciler.model.filter import parse_filter
from reconciler.model.schema import DirectorySchema, parse_schema, restrict
from reconciler.model.standard_schema import standard_schema

ENTRIES: tuple[tuple[str, Attributes], ...] = (
    (
        "uid=ada,ou=People,dc=example,dc=com",
        {
            "objectclass": ("inetOrgPerson", "posixAccount"),
            "uid": ("ada",),
            "cn": ("Ada  Lovelace", "Countess"),
            "cn;lang-de": ("Gräfin",),
            "sn": ("Lovelace",),
            "mail": ("Ada@Example.com",),
            "uidnumber": ("512",),
            "useraccountcontrol": ("514",),
            "whencreated": ("20200101000000.0Z",),
            "manager": ("uid=bob,ou=people,dc=example,dc=com",),
            "title": ("Staff Engineer",),
            "colour": ("Dark  Red",),
        },
    ),
    (
        "uid=bob,ou=People,dc=example,dc=com",
        {
            "objectclass": ("person",),
            "uid": ("bob",),
            "cn": ("Bob",),
            "sn": ("Builder",),
            "uidnumber": ("9",),
            "useraccountcontrol": ("512",),
            "whencreated": ("20250101000000.0Z",),
            "grouptype": ("-2147483646",),
            "title": ("staff ENGINEER",),
            "jpegphoto": ("x",),
            "telephonenumber": (),
        },
    ),
    (
        "cn=Team A+ou=Groups,dc=example,dc=com",
        {
            "objectclass": ("groupOfNames",),
            "cn": ("Team A",),
            "member": ("UID=ada, ou=People,dc=example,dc=com", "uid=ghost"),
            "description": ("a*b (c)", "abcabd"),
            "objectcategory": ("CN=Person,CN=Schema,CN=Configuration,DC=example",),
        },
    ),
)
ADA, BOB, TEAM, ALL = {0}, {1}, {2}, {0, 1, 2}

SERVER = parse_schema(
    [
        "( 2.5.4.0 NAME 'objectClass' EQUALITY objectIdentifierMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 )",
        "( 2.5.4.3 NAME ( 'cn' 'commonName' ) EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
        "( 1.1 NAME 'uid' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
        "( 1.2 NAME 'uidNumber' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )",
        "( 1.3 NAME 'manager' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )",
        "( 1.4 NAME 'title' EQUALITY oddMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
        "( 1.5 NAME 'member' EQUALITY uniqueMemberMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.34 )",
    ],
    [
        "( 2.5.6.0 NAME 'top' ABSTRACT )",
        "( 2.5.6.6 NAME 'person' SUP top )",
        "( 1.6 NAME 'inetOrgPerson' SUP person )",
        "( 1.7 NAME 'groupOfNames' SUP top )",
        "( 1.8 NAME 'unused' SUP top )",
    ],
)


def selected(text: str, schema: DirectorySchema) -> set[int]:
    """Return the entries that a filter selects."""
    index = FilterIndex([attributes for _, attributes in ENTRIES], schema, [dn for dn, _ in ENTRIES])
    return set(indexes(index.select(parse_filter(text))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(uid=ADA)", ADA),
        ("(uid=eve)", set()),
        ("(UserID=ada)", ADA),
        ("(0.9.2342.19200300.100.1.1=ada)", ADA),
        ("(cn= ada lovelace )", ADA),
        ("(cn~=bob)", BOB),
        ("(cn=*)", ALL),
        ("(mail=*)", ADA),
        ("(telephoneNumber=*)", set()),
        ("(jpegPhoto=*)", BOB),
        ("(mail=ada@example.com)", ADA),
        ("(title=staff  engineer)", {0, 1}),
        ("(cn=Gr\\c3\\a4fin)", ADA),
        ("(cn;lang-de=gräfin)", ADA),
        ("(cn;lang-=gräfin)", ADA),
        ("(cn;lang-de=bob)", set()),
        ("(cn;lang-en=gräfin)", set()),
        ("(name=builder)", BOB),
        ("(name=team a)", TEAM),
        ("(distinguishedName=uid=ada,ou=people,dc=example,dc=com)", TEAM),
        ("(member=userid=Ada,ou=people,dc=example,dc=com)", TEAM),
        ("(objectClass=person)", {0, 1}),
        ("(objectClass=TOP)", ALL),
        ("(objectClass=posixAccount)", ADA),
        ("(uidNumber>=10)", ADA),
        ("(uidNumber<=512)", {0, 1}),
        ("(uidNumber<=10)", BOB),
        ("(uidNumber=9)", BOB),
        ("(whenCreated>=20240101000000Z)", BOB),
        ("(objectCategory=person)", TEAM),
        ("(sAMAccountName>=a)", set()),
        ("(&)", ALL),
        ("(|)", set()),
        ("(&(sn=*)(!(mail=*)))", BOB),
        ("(|(uid=ada)(cn=team a))", {0, 2}),
        ("(!(mail=x))", ALL),
        ("(!(uid=ada))", {1, 2}),
    ],
)
def test_items_and_logic_select_what_they_say(text: str, expected: set[int]) -> None:
    """Each operator, alone and combined, under the standard schemas."""
    assert selected(text, standard_schema()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(cn=ada*)", ADA),
        ("(cn=*lace)", ADA),
        ("(cn=*o*)", {0, 1}),
        ("(cn=* lovelace)", ADA),
        ("(cn=b*b)", BOB),
        ("(cn=bo*ob)", set()),
        ("(cn=*bob*b)", set()),
        (r"(description=a\2a*\28*\29)", TEAM),
        ("(description=*ab*ab*d)", TEAM),
        ("(description=*abd*abc*)", set()),
        ("(description=ab*cab*abd)", set()),
        ("(mail=ada@*)", ADA),
    ],
)
def test_substrings_stand_in_order_without_overlap(text: str, expected: set[int]) -> None:
    """Initial, any and final pieces are found one behind the other."""
    assert selected(text, standard_schema()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(cn:=bob)", BOB),
        ("(cn:caseExactMatch:=Bob)", BOB),
        ("(cn:caseExactMatch:=bob)", set()),
        ("(cn:2.5.13.5:=Bob)", BOB),
        ("(uidNumber:integerOrderingMatch:=10)", BOB),
        ("(userAccountControl:1.2.840.113556.1.4.803:=2)", ADA),
        ("(userAccountControl:1.2.840.113556.1.4.803:=514)", ADA),
        ("(userAccountControl:1.2.840.113556.1.4.804:=514)", {0, 1}),
        ("(userAccountControl:1.2.840.113556.1.4.804:=0)", set()),
        ("(userAccountControl:1.2.840.113556.1.4.803:=0)", {0, 1}),
        ("(groupType:1.2.840.113556.1.4.803:=2147483648)", BOB),
        ("(!(userAccountControl:1.2.840.113556.1.4.803:=2))", {1, 2}),
        ("(ou:dn:=people)", {0, 1}),
        ("(ou:dn:=groups)", TEAM),
        ("(cn:dn:=team a)", TEAM),
        ("(name:dn:=people)", {0, 1}),
        ("(uid:dn:caseExactMatch:=ada)", ADA),
        ("(ou;lang-de:dn:=people)", set()),
        ("(:caseExactMatch:=Bob)", BOB),
        ("(:dn:caseIgnoreMatch:=people)", {0, 1}),
        ("(:caseIgnoreMatch:=people)", set()),
        ("(:dn:caseIgnoreIA5Match:=example)", ALL),
        ("(colour:=dark red)", ADA),
        ("(uid:noSuchMatch:=ADA)", ADA),
    ],
)
def test_extensible_matches_follow_their_rule(text: str, expected: set[int]) -> None:
    """Named rules, bit rules, parts of DNs, and matches without an attribute."""
    assert selected(text, standard_schema()) == expected


@pytest.mark.parametrize(
    "item",
    [
        "(uidNumber=nine)",
        "(uidNumber=9*)",
        "(uidNumber>=nine)",
        "(cn>=a)",
        "(cn=)",
        "(cn=\\ff)",
        "(cn=a*\\ff)",
        "(cn=\\ff*a)",
        "(cn=*\\ff*)",
        "(member=ada)",
        "(member=uid*)",
        "(jpegPhoto=x)",
        "(jpegPhoto:=x)",
        "(cn:integerMatch:=9)",
        "(uidNumber:caseIgnoreMatch:=9)",
        "(cn:caseIgnoreSubstringsMatch:=a)",
        "(:caseIgnoreMatch:=)",
        "(memberOf:1.2.840.113556.1.4.1941:=cn=x)",
    ],
)
def test_an_undefined_item_selects_nobody_also_under_not(item: str) -> None:
    """Values the syntax does not allow, rules that are missing or do not fit: neither true nor false."""
    assert selected(item, standard_schema()) == set()
    assert selected(f"(!{item})", standard_schema()) == set()
    assert selected(f"(|{item}(uid=ada))", standard_schema()) == ADA
    assert selected(f"(!(&{item}(uid=ada)))", standard_schema()) == {1, 2}
    assert selected(f"(!(|{item}(uid=ada)))", standard_schema()) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(noSuch=x)", set()),
        ("(!(noSuch=x))", set()),
        ("(!(noSuch=*))", set()),
        ("(!(noSuch:=x))", set()),
        ("(!(noSuch:caseIgnoreMatch:=x))", set()),
        ("(!(uid:noSuchMatch:=x))", set()),
        ("(!(uidNumber:1.2.840.113556.1.4.803:=1))", set()),
        ("(!(title=x))", set()),
        ("(!(manager=nick=bob))", set()),
        ("(!(manager=bob))", set()),
        ("(!(manager=uid=eve))", ALL),
        ("(!(member=cn=x#'01'B))", ALL),
        ("(!(objectClass=noSuch))", set()),
        ("(!(objectClass=not a name))", set()),
        ("(!(objectClass=unused))", ALL),
        ("(objectClass=2.5.6.6)", {0, 1}),
        ("(:caseExactMatch:=Bob)", BOB),
    ],
)
def test_what_a_server_does_not_know_is_undefined(text: str, expected: set[int]) -> None:
    """Unknown attributes, rules, classes, types in DNs: nobody, under NOT too."""
    assert selected(text, SERVER) == expected


def test_without_a_servers_schema_unknown_names_are_texts() -> None:
    """Nobody can say that they are wrong: they compare without case, and can be absent."""
    assert selected("(colour=DARK red)", standard_schema()) == ADA
    assert selected("(colour=dark*)", standard_schema()) == ADA
    assert selected("(colour>=dark)", standard_schema()) == ADA
    assert selected("(!(colour=*))", standard_schema()) == {1, 2}
    assert selected("(!(objectClass=noSuch))", standard_schema()) == ALL


def test_a_restricted_schema_does_not_judge_the_types_of_dns() -> None:
    """What was not kept is not therefore unknown to the server."""
    kept = restrict(SERVER, ["manager"], [])
    assert selected("(!(manager=nick=bob))", kept) == ALL
    assert selected("(manager=uid=bob,ou=people,dc=example,dc=com)", kept) == ADA


def test_answers_do_not_depend_on_what_was_asked_before() -> None:
    """One index answers many filters, common values too, again and again."""
    many: Sequence[Attributes] = [{"uid": (f"user{number}",), "l": ("Bern",)} for number in range(200)]
    index = FilterIndex(many, standard_schema(), [f"uid=user{number}" for number in range(200)])
    for _ in range(2):
        assert index.select(parse_filter("(l=bern)")).bit_count() == 200
        assert indexes(index.select(parse_filter("(&(l=bern)(uid=user7))"))) == [7]
        assert index.select(parse_filter("(uid:dn:=user8)")) == 1 << 8
        assert index.select(parse_filter("(uid:dn:=user9)")) == 1 << 9


def test_no_entries_are_no_problem() -> None:
    """An empty directory selects nobody."""
    assert FilterIndex([], standard_schema(), []).select(parse_filter("(!(uid=a))")) == 0


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("(&(uid=a)(cn;lang-de=b)(!(commonName=c)))", ()),
        ("(uidNumbr=1)", ('the directory\'s schema has no attribute "uidNumbr": did you mean "uidNumber"?',)),
        ("(|(xyzzy=1)(xyzzy=2))", ('the directory\'s schema has no attribute "xyzzy"',)),
        ("(uid:oddMatch:=x)", ('the directory\'s schema has no matching rule "oddMatch"',)),
        (
            "(uidNumber:1.2.840.113556.1.4.803:=1)",
            ('the directory\'s schema has no matching rule "1.2.840.113556.1.4.803"',),
        ),
        ("(title=x)", ('"title" compares by oddMatch, which cannot be evaluated on a snapshot',)),
        ("(title:caseExactMatch:=x)", ()),
    ],
)
def test_problems_name_what_the_servers_schema_does_not_know(text: str, problems: tuple[str, ...]) -> None:
    """Each once, with the nearest name there is."""
    assert filter_problems(parse_filter(text), SERVER) == problems


def test_problems_say_whose_knowledge_they_are_about() -> None:
    """A table of ours, or a schema of which only a part was kept, is not the directory's own word."""
    searched = parse_filter("(xyzzy=1)")
    assert filter_problems(searched, standard_schema()) == ('the standard schemas have no attribute "xyzzy"',)
    (problem,) = filter_problems(searched, restrict(SERVER, ["cn"], []))
    assert problem == 'what was kept of the directory\'s schema has no attribute "xyzzy"'


def test_what_no_snapshot_can_answer_is_named() -> None:
    """In-chain matches and matches without an attribute, whatever the schema."""
    searched = parse_filter("(&(memberOf:1.2.840.113556.1.4.1941:=cn=x)(!(:caseExactMatch:=x))(uid=a))")
    found = unsupported(searched)
    assert len(found) == 2
    assert "(in chain) cannot be evaluated on a snapshot" in found[0]
    assert "a match without an attribute" in found[1]
    assert filter_problems(searched, standard_schema()) == found
    assert unsupported(parse_filter("(uid=a)")) == ()
