"""Names as directories compare them."""

from __future__ import annotations

import pytest

from reconciler.model.names import (
    Ava,
    DnKey,
    DnSyntaxError,
    caseless,
    dn_key,
    dn_text,
    exact,
    fold,
    is_under,
    login_key,
    lowered,
    parent,
    parse_dn,
    rdn_of,
    rdn_values,
    split_unique_member,
)

PLAIN = "uid=x,ou=people,dc=example,dc=com"


@pytest.mark.parametrize(
    "written",
    [
        "uid=x,ou=people,dc=example,dc=com",
        "UID=X,OU=People,DC=Example,DC=Com",
        " uid = x , ou=people ,dc=example, dc=com ",
        "uid=x;ou=people;dc=example;dc=com",
        "userid=x,organizationalUnitName=people,domainComponent=example,dc=com",
        "0.9.2342.19200300.100.1.1=x,2.5.4.11=people,dc=example,dc=com",
        "OID.0.9.2342.19200300.100.1.1=x,oid.2.5.4.11=people,dc=example,dc=com",
        'uid="x",ou="people",dc=example,dc=com',
        r"uid=\78,ou=\70eople,dc=example,dc=com",
        "uid=#040178,ou=#0c0670656f706c65,dc=#16076578616d706c65,dc=com",
        "uid=ｘ,ou=people,dc=example,dc=com",
    ],
)
def test_equal_dns_have_one_key(written: str) -> None:
    """Case, spaces, aliases, OIDs, quotes, escapes, BER and compatibility forms do not make another DN."""
    assert dn_key(written) == PLAIN


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("", ""),
        (" \t", ""),
        (r"cn=a\,b,dc=x", r"cn=a\2cb,dc=x"),
        (r"cn=a\2Cb,dc=x", r"cn=a\2cb,dc=x"),
        ('cn="a,b",dc=x', r"cn=a\2cb,dc=x"),
        ("cn=two   Words ,dc=x", "cn=two words,dc=x"),
        (r"cn=\20 \20,dc=x", r"cn=\20,dc=x"),
        (r"cn=\#6162", r"cn=\236162"),
        ("cn=#6162", "cn=#6162"),
        ("cn=#04820002ab", "cn=#04820002ab"),
        ("cn=#04810141", "cn=a"),
        ("cn=#0401ff", "cn=#0401ff"),
        ("cn=#05", "cn=#05"),
        ("cn=#1e0400410042", "cn=ab"),
        (r"cn=R\2BD #1002", r"cn=r\2bd #1002"),
        ("sn=B+CN=a", "cn=a+sn=b"),
        ("cn=a+sn=b", "cn=a+sn=b"),
        (r"cn=J\C3\B6RG", "cn=jörg"),
        ("cn=Jo\u0308rg", "cn=jörg"),
        (r"cn=\ff", r"cn=\ff"),
        (r"cn=\0A", r"cn=\0a"),
        (r"cn=a\ ", "cn=a"),
        ("unknownType=X", "unknowntype=x"),
        ("1.2.3.4=X", "1.2.3.4=x"),
        ("cn=a=b", "cn=a=b"),
        (r"cn=\"\<\>\;\\", r"cn=\22\3c\3e\3b\5c"),
    ],
)
def test_a_key_is_canonical_and_its_own_key(written: str, key: str) -> None:
    """Special characters are escaped one way, so the key is a DN again and stays the same."""
    assert dn_key(written) == key
    assert dn_key(key) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=#6162", r"cn=\#6162"),
        ("cn=Strauß", "cn=Strauss"),
        ("cn=adm\u200bins", "cn=admins"),
        (r"cn=a\,dc=x", "cn=a,dc=x"),
        ("cn=a,dc=x", "cn=a+dc=x"),
        ("cn=a b", "cn=ab"),
        ("ou=a,ou=b", "ou=b,ou=a"),
    ],
)
def test_different_dns_have_different_keys(one: str, other: str) -> None:
    """What only looks alike is not taken for the same entry."""
    assert dn_key(one) != dn_key(other)


@pytest.mark.parametrize(
    ("written", "offset", "words"),
    [
        ("x", 0, 'expected "type=value", not "x"'),
        ("cn=a,", 5, 'expected "type=value", not ""'),
        ("cn=a,,dc=x", 5, 'expected "type=value"'),
        ("=a", 0, 'expected "type=value"'),
        ("1=a", 0, 'expected "type=value"'),
        ("<GUID=0a>;cn=a", 0, 'expected "type=value"'),
        ("cn=,dc=x", 3, 'the value of "cn" is missing'),
        ('cn=""', 5, 'the value of "cn" is missing'),
        ("cn=#0400", 8, 'the value of "cn" is missing'),
        ("cn=#048100", 10, 'the value of "cn" is missing'),
        ("cn=#x", 3, 'unexpected "#"'),
        ("cn=#616", 6, 'unexpected "6"'),
        ("cn=a<b", 4, 'unexpected "<"'),
        ('cn="a"b', 6, 'unexpected "b"'),
        ('cn="a', 3, 'unexpected """'),
        (r"cn=a\zz", 4, r'unexpected "\"'),
        ("cn=a\0b", 4, r'unexpected "\x00"'),
        ("cn=a+,dc=x", 5, 'expected "type=value"'),
        ("cn=\ud800", 3, "is no character"),
    ],
)
def test_an_illegal_dn_is_refused_with_its_place(written: str, offset: int, words: str) -> None:
    """The message shows what stands there; the offset points at it."""
    with pytest.raises(DnSyntaxError) as refused:
        dn_key(written)
    assert words in str(refused.value)
    assert refused.value.offset == offset


def test_values_keep_their_case_when_taken_apart() -> None:
    """Types are canonical, values are as written, without escapes and outer spaces."""
    assert parse_dn(r"CN = Doe\, Jo  + uid=JD ,dc=#0501") == (
        (Ava("cn", "Doe, Jo"), Ava("uid", "JD")),
        (Ava("dc", "0501", encoded=True),),
    )


def test_the_own_rdn_gives_the_naming_values() -> None:
    """Only the entry's own RDN counts, all of its parts do."""
    assert rdn_values(r"commonName=Team A+2.5.4.4=b,cn=other") == {"cn": "Team A", "sn": "b"}
    assert rdn_values("") == {}


def test_keys_know_their_place_in_the_tree() -> None:
    """Parent and subtree follow separators, never an escaped comma."""
    key, base = dn_key(r"cn=a\,dc=com,ou=groups,dc=example"), dn_key("ou=Groups,dc=example")
    assert rdn_of(key) == r"cn=a\2cdc=com"
    assert parent(key) == base
    assert parent(dn_key("dc=example")) == ""
    assert parent(DnKey("")) == ""


@pytest.mark.parametrize(
    ("entry", "base", "under"),
    [
        ("cn=a,ou=g,dc=x", "ou=g,dc=x", True),
        ("ou=g,dc=x", "ou=g,dc=x", True),
        ("cn=a,cn=b,ou=g,dc=x", "dc=x", True),
        ("cn=a,dc=x", "", True),
        ("", "", True),
        ("dc=x", "ou=g,dc=x", False),
        ("cn=a,ou=bg,dc=x", "ou=g,dc=x", False),
        (r"cn=a\,ou=g,dc=x", "ou=g,dc=x", False),
        ("cn=a", "dc=x", False),
    ],
)
def test_an_entry_is_under_its_bases_only(entry: str, base: str, *, under: bool) -> None:
    """A base contains itself and what hangs on it; the empty DN contains everything."""
    assert is_under(dn_key(entry), dn_key(base)) is under


@pytest.mark.parametrize(
    ("value", "dn", "uid"),
    [
        ("cn=a,dc=x#'0101'B", "cn=a,dc=x", "'0101'B"),
        ("cn=a,dc=x#''B", "cn=a,dc=x", "''B"),
        ("cn=a#1,dc=x#'1'B", "cn=a#1,dc=x", "'1'B"),
        ("cn=a,dc=x", "cn=a,dc=x", ""),
        ("cn=a#1002,dc=x", "cn=a#1002,dc=x", ""),
        ("cn=a,dc=x#'012'B", "cn=a,dc=x#'012'B", ""),
        ("cn=a,dc=x'01'B", "cn=a,dc=x'01'B", ""),
        ("cn=a,dc=x#'01'b", "cn=a,dc=x#'01'b", ""),
    ],
)
def test_a_uid_is_split_off_only_if_it_is_a_bit_string(value: str, dn: str, uid: str) -> None:
    """A hash in a name is a part of the name."""
    assert split_unique_member(value) == (dn, uid)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Alice", "alice"),
        ("  two   Words ", "two words"),
        ("ÉLAN", "élan"),
        ("E\u0301lan", "élan"),
        ("ＡＢＣ", "abc"),
        ("no\u00a0Break", "no break"),
        ("ΟΔΟΣ", "οδοσ"),
        ("οδος", "οδος"),
        ("İnci", "inci"),
        ("5㎒", "5㎒"),
        ("Ⅳ and ｉｖ", "Ⅳ and iv"),
        ("𝐀", "𝐀"),
        ("\uf900\uf902", "\uf900\u8eca"),
        ("Ⱥẞ", "Ⱥẞ"),
        ("\U00010400", "\U00010428"),
        ("Strauß", "strauß"),
        ("tab\there", "tab\there"),
        ("\udcff", "\udcff"),
        ("   ", ""),
    ],
)
def test_folding_follows_openldap(text: str, key: str) -> None:
    """Case, compatibility forms and insignificant spaces go; nothing else does."""
    assert fold(text) == key
    assert fold(key) == key


def test_every_letter_folds_to_what_folds_to_itself() -> None:
    """A form with capitals in it would fold once more."""
    letters = [chr(code) for code in range(0xFFFF) if not 0xD800 <= code < 0xE000]
    assert not [
        letter for letter in letters if fold(fold(letter)) != fold(letter) or exact(exact(letter)) != exact(letter)
    ]


def test_exact_keys_keep_case() -> None:
    """Only forms and insignificant spaces are unified."""
    assert exact("  Two   WORDS ") == "Two WORDS"
    assert exact("E\u0301LAN") == "ÉLAN"
    assert exact("5㎒\uf900") == "5MHz\uf900"


def test_logins_and_words_compare_without_case() -> None:
    """Logins fold like names, protocol words are just put in lower case."""
    assert login_key(" Alice@Example.COM ") == "alice@example.com"
    assert caseless("sAMAccountName") == "samaccountname"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("", ""),
        ("UID=John Smith,ou=People,dc=example,dc=com", "uid=john smith,ou=people,dc=example,dc=com"),
        ("uid     =John Smith ,  ou = People, dc=  example", "uid=john smith,ou=people,dc=example"),
        (
            r"uid   =  Sebasti\c3\a1n\ C.\20Smith,   ou=People (aka. \22humans\")  ,dc=example",
            r"uid=sebastián c. smith,ou=people (aka. \"humans\"),dc=example",
        ),
        (r"uid=\ John Smith,ou=People", r"uid=\ john smith,ou=people"),
        (r"uid=John Smith\   ,ou=People", r"uid=john smith\ ,ou=people"),
        (r"uid=John Smith  \  ,ou=People", r"uid=john smith  \ ,ou=people"),
        ("uid=John   Smith,ou=People", "uid=john   smith,ou=people"),
        (r"uid= foo  \3D  bar", r"uid=foo  \=  bar"),
        (r"ou=San Francisco\2C CA", r"ou=san francisco\, ca"),
        (r"ou=San Francisco\,\0D\0ACA", r"ou=san francisco\,\0d\0aca"),
        (r"cn=\#1,ou=a#1", r"cn=\#1,ou=a#1"),
        ("0.9.2342.19200300.100.1.25 = Example", "0.9.2342.19200300.100.1.25=example"),
        ("emailAddress=A@B", "emailaddress=a@b"),
        ("cn=#04024869", r"cn=\#04024869"),
        (r"cn=\FF", r"cn=\ff"),
        ("CN=B+UID=A,ou=x", "cn=b+uid=a,ou=x"),
        ("cn=ΟΔΟΣ", "cn=οδοσ"),
        ("No DN", "No DN"),
    ],
)
def test_gitlabs_spelling_of_a_dn(written: str, text: str) -> None:
    """What its class for DNs makes of them, by its own examples; to write it again changes nothing."""
    assert dn_text(written) == text
    assert dn_text(text) == text


def test_small_letters_are_made_one_by_one() -> None:
    """The end of a word has no say, and nothing else changes."""
    assert lowered("ANN.ΟΔΟΣ@Acme.Example ") == "ann.οδοσ@acme.example "
    assert lowered("Ann@ACME") == "ann@acme"
