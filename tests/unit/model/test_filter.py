"""RFC 4515 filters: what parses to what, what is refused where, and the one text that each filter has."""

from __future__ import annotations

import pytest

from reconciler.model.filter import (
    MAX_DEPTH,
    And,
    Approx,
    AtLeast,
    AtMost,
    Equal,
    Extensible,
    Filter,
    FilterSyntaxError,
    Not,
    Or,
    Present,
    Substring,
    attributes_of,
    parse_filter,
    rules_of,
    to_text,
)

READ: list[tuple[str, Filter]] = [
    ("(cn=Babs Jensen)", Equal("cn", "Babs Jensen")),
    ("(cn=)", Equal("cn", "")),
    ("(cn= x )", Equal("cn", " x ")),
    ("(cn=a=b)", Equal("cn", "a=b")),
    ("(cn=a>=b)", Equal("cn", "a>=b")),
    ("(cn;lang-de;x-a=y)", Equal("cn;lang-de;x-a", "y")),
    ("(2.5.4.3=y)", Equal("2.5.4.3", "y")),
    (r"(o=Parens R Us \28for all\29)", Equal("o", "Parens R Us (for all)")),
    (r"(cn=\2A\5c\00)", Equal("cn", "*\\\0")),
    (r"(sn=Lu\c4\8di\C4\87)", Equal("sn", "Lučić")),
    (r"(bin=\ff\00)", Equal("bin", "\udcff\0")),
    (r"(bin=é\ff)", Equal("bin", "é\udcff")),
    ("(cn~=x)", Approx("cn", "x")),
    ("(uidNumber>=5)", AtLeast("uidNumber", "5")),
    ("(uidNumber<=5)", AtMost("uidNumber", "5")),
    ("(cn=*)", Present("cn")),
    ("(cn=a*)", Substring("cn", "a", (), "")),
    ("(cn=*a)", Substring("cn", "", (), "a")),
    ("(cn=*a*)", Substring("cn", "", ("a",), "")),
    (r"(cn=a*b c*\2a*d)", Substring("cn", "a", ("b c", "*"), "d")),
    ("(cn:caseExactMatch:=Fred)", Extensible("cn", "caseExactMatch", dn_attributes=False, value="Fred")),
    ("(cn:=Fred)", Extensible("cn", "", dn_attributes=False, value="Fred")),
    ("(sn:dn:2.4.6.8.10:=B)", Extensible("sn", "2.4.6.8.10", dn_attributes=True, value="B")),
    ("(o:DN:=Ace)", Extensible("o", "", dn_attributes=True, value="Ace")),
    ("(:1.2.3:=W)", Extensible("", "1.2.3", dn_attributes=False, value="W")),
    ("(:dn:2.4.6.8.10:=D)", Extensible("", "2.4.6.8.10", dn_attributes=True, value="D")),
    ("(&)", And(())),
    ("(|)", Or(())),
    ("(!(a=b))", Not(Equal("a", "b"))),
    ("(&(a=b)(|(c=d)(e=*)))", And((Equal("a", "b"), Or((Equal("c", "d"), Present("e")))))),
    (" ( & (a=b)\n\t( ! (c=d) ) ) ", And((Equal("a", "b"), Not(Equal("c", "d"))))),
]


@pytest.mark.parametrize(("text", "meant"), READ, ids=[text for text, _ in READ])
def test_a_filter_is_read_as_rfc_4515_says(text: str, meant: Filter) -> None:
    """Each form of the grammar becomes its value."""
    assert parse_filter(text) == meant


@pytest.mark.parametrize("meant", [meant for _, meant in READ])
def test_the_canonical_text_reads_as_the_same_filter(meant: Filter) -> None:
    """Writing and reading give the filter back."""
    assert parse_filter(to_text(meant)) == meant


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (" ( & (a=b) (c=d) ) ", "(&(a=b)(c=d))"),
        (r"(a=\41\2A\C3\A9\29\00\1f\FF)", r"(a=A\2aé\29\00\1f\ff)"),
        (r"(a=*\28*)", r"(a=*\28*)"),
        ("(a:DN:=x)", "(a:dn:=x)"),
    ],
)
def test_the_canonical_text_escapes_only_what_it_must(text: str, canonical: str) -> None:
    """Escapes are lower case and stand for special characters, controls and bytes that are no UTF-8; spaces go."""
    assert to_text(parse_filter(text)) == canonical


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("", 0, "the filter is empty"),
        ("  ", 2, "a filter is missing here"),
        ("a=b", 0, 'starts with "(", not with "a=b"'),
        ("(a=b", 4, 'a closing ")" is missing'),
        ("(&(a=b)", 7, 'a closing ")" is missing'),
        ("(a=b))", 5, '")" stands after the end'),
        ("(a=b)(c=d)", 5, '"(c=d)" stands after the end'),
        ("(&(a=b)x)", 7, 'expected "(" or ")", not "x)"'),
        ("(!)", 2, 'starts with "(", not with ")"'),
        ("(!", 2, "a filter is missing here"),
        ("(!(a=b)(c=d))", 7, 'expected "(" or ")"'),
        ("()", 1, 'expected "attribute=value", not ""'),
        ("(ab)", 1, 'expected "attribute=value", not "ab"'),
        ("(=x)", 1, "the name or OID of an attribute, not nothing"),
        ("(a b=x)", 1, 'the name or OID of an attribute, not "a b"'),
        ("(cn =x)", 1, 'not "cn "'),
        ("(a_b=x)", 1, 'not "a_b"'),
        ("(1=x)", 1, 'not "1"'),
        ("(a;=x)", 1, 'not "a;"'),
        ("(a=**)", 4, 'two "*" in a row'),
        ("(a=b**c)", 5, 'two "*" in a row'),
        ("(a>=*)", 4, r"is written \2a"),
        ("(a:=x*)", 5, r"is written \2a"),
        ("(a=b(c)", 4, r"is written \28"),
        ("(a=b*c(d)", 6, r"is written \28"),
        ("(a=\0)", 3, r"is written \00"),
        ("(a=\ud800)", 3, "is no character"),
        (r"(a=\zz)", 3, "two hexadecimal digits"),
        (r"(a=b*c\4)", 6, "two hexadecimal digits"),
        ("(:=x)", 1, "needs an attribute or a matching rule"),
        ("(:dn:=x)", 1, "needs an attribute or a matching rule"),
        ("(a:b:c:=x)", 1, '"b:c" is not the name or OID of a matching rule'),
        ("(a:b;x:=x)", 1, '"b;x" is not the name or OID of a matching rule'),
        ("(a::=x)", 1, '"" is not the name or OID of a matching rule'),
        ("(" * 300, 1, 'expected "attribute=value"'),
        ("(!" * 300, 2 * MAX_DEPTH, f"deeper than {MAX_DEPTH} levels"),
    ],
)
def test_a_malformed_filter_is_refused_with_its_place(text: str, offset: int, words: str) -> None:
    """The message says what is wrong and how to write it; the offset points at it."""
    with pytest.raises(FilterSyntaxError) as refused:
        parse_filter(text)
    assert words in str(refused.value)
    assert refused.value.offset == offset


def test_a_filter_may_be_nested_up_to_the_limit() -> None:
    """The deepest filter that is allowed is read and written."""
    text = "(!" * (MAX_DEPTH - 1) + "(a=b)" + ")" * (MAX_DEPTH - 1)
    assert to_text(parse_filter(text)) == text


def test_control_characters_of_a_bad_filter_are_shown_escaped() -> None:
    """What the policy's author wrote cannot move the cursor of whoever reads the message."""
    with pytest.raises(FilterSyntaxError, match=r"\\x1b"):
        parse_filter("\x1b[2J(a=b)")


def test_attributes_are_named_as_written_without_options() -> None:
    """All items count, at any depth; a match without an attribute names none."""
    text = "(&(CN;lang-de=x)(!(mail=*))(|(uidNumber>=1)(a<=1)(b~=1)(c=*x)(d:dn:=y)(:2.5.13.2:=z)))"
    assert attributes_of(parse_filter(text)) == {"CN", "mail", "uidNumber", "a", "b", "c", "d"}


def test_the_rules_that_a_filter_names_are_found_however_deep() -> None:
    """An extensible match may leave its rule out."""
    text = "(&(cn=x)(|(a:1.2.3:=x)(!(b:dn:caseExactMatch:=y)))(c:dn:=z)(:4.5:=w))"
    assert rules_of(parse_filter(text)) == {"1.2.3", "caseExactMatch", "4.5"}
