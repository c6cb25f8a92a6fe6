"""Two DNs have one key exactly where OpenLDAP's own distinguishedNameMatch holds them equal."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.names import DnSyntaxError, dn_key, fold
from tests.servers.directories import BASE
from tests.servers.matching import COMPARE_FALSE, COMPARE_TRUE, SUCCESS, Matching, matching
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.slapd

Dn = Sequence[Mapping[str, str]]
"""RDNs, the entry's own first: values by the short name of their type."""

NAMES = {
    "cn": ["cn", "CN", "commonName", "2.5.4.3"],
    "ou": ["ou", "OU", "organizationalUnitName", "2.5.4.11"],
    "dc": ["dc", "DC", "domainComponent", "0.9.2342.19200300.100.1.25"],
    "uid": ["uid", "UID", "userid", "0.9.2342.19200300.100.1.1"],
    "o": ["o", "O", "organizationName", "2.5.4.10"],
    "mail": ["mail", "MAIL", "rfc822Mailbox", "0.9.2342.19200300.100.1.3"],
    "serialNumber": ["serialNumber", "SERIALNUMBER", "2.5.4.5"],
    "c": ["c", "C", "countryName", "2.5.4.6"],
    "st": ["st", "ST", "stateOrProvinceName", "2.5.4.8"],
    "l": ["l", "L", "localityName", "2.5.4.7"],
}
ASCII_ONLY = {"dc": 'aZ9 ,+"\\<>;=#.-', "mail": 'aZ9 ,+"\\<>;=#.@', "serialNumber": "aZ9 ,+=()-.", "c": "DEde"}
ANY = "abAB19  ,+\"\\<>;=#.-_'/ßéÉöΣσςİıÅ\u212bǄǅﬁｘＸ日ｱア½ẞȺ㎒Ⅳ\u00a0\u3000\u00ad\u200b\u0301\u030a\u0308\t\U00010400"
SAME = (
    ("fi", "ﬁ"),
    ("x", "ｘ"),
    ("Å", "A\u030a"),
    ("Å", "\u212b"),
    ("é", "e\u0301"),
    ("σ", "Σ"),
    ("i", "İ"),
    (" ", "\u00a0"),
    ("ｱ", "ア"),
)
OTHER = (
    ("ss", "ß"),
    ("σ", "ς"),
    ("a", "a\u200b"),
    ("b", "\u00adb"),
    ("i", "ı"),
    (" ", ""),
    ("e", "é"),
    ("1", "l"),
    (" ", "\t"),
    ("MHz", "㎒"),
)


@pytest.fixture(scope="module")
def oracle(slapd: Slapd) -> Iterator[Matching]:
    """Return an entry of a real server that holds one DN at a time."""
    with matching(slapd, f"cn=circle,ou=groups,{BASE}", "seeAlso") as found:
        yield found


def _dn(chance: random.Random) -> Dn:
    return [_rdn(chance) for _ in range(chance.choice([1, 1, 2, 3]))]


def _rdn(chance: random.Random) -> Mapping[str, str]:
    return {name: _value(name, chance) for name in chance.sample(list(NAMES), chance.choice([1, 1, 1, 2, 3]))}


def _value(name: str, chance: random.Random) -> str:
    if name == "c":
        return "".join(chance.choices("DEde", k=2))
    alphabet = ASCII_ONLY.get(name, ANY)
    return "".join(chance.choices(alphabet, k=chance.randint(1, 6))) + chance.choice(["", "fi", "a b", "x"])


def _same(dn: Dn, chance: random.Random) -> Dn:
    """Return the DN with values that should compare equal, for all that we know."""
    return [{name: _spelled(name, value, chance) for name, value in rdn.items()} for rdn in dn]


def _spelled(name: str, value: str, chance: random.Random) -> str:
    for _ in range(chance.randint(0, 2)):
        one, other = chance.sample(chance.choice(SAME), 2)
        value = chance.choice(
            [
                value.replace(one, other, 1) if name not in ASCII_ONLY else value,
                "".join(chance.choice([char.upper(), char.lower()]) if char.isascii() else char for char in value),
                value.replace(" ", "  ", 1),
                f" {value} " if name != "c" else value,
            ]
        )
    return value


def _other(dn: Dn, chance: random.Random) -> Dn:
    """Return the DN with one thing changed that may well make it another one."""
    place = chance.randrange(len(dn))
    rdn = dict(dn[place])
    name = chance.choice(list(rdn))
    one, other = chance.sample(chance.choice(OTHER), 2)
    at = chance.randrange(len(rdn[name]) + 1)
    changed: Sequence[Dn] = [
        [*dn[:place], {**rdn, name: rdn[name].replace(one, other, 1)}, *dn[place + 1 :]],
        [*dn[:place], {**rdn, name: rdn[name][:at] + rdn[name][at + 1 :]}, *dn[place + 1 :]],
        [
            *dn[:place],
            {**rdn, name: rdn[name][:at] + chance.choice(ASCII_ONLY.get(name, ANY)) + rdn[name][at:]},
            *dn[place + 1 :],
        ],
        [*dn[:place], {chance.choice(["cn", "ou", "l"]): rdn[name]}, *dn[place + 1 :]],
        dn[::-1],
        dn[1:],
        [*dn, {"dc": "x"}],
        [{**dn[0], **dn[-1]}],
    ]
    return chance.choice(changed)


def _written(dn: Dn, chance: random.Random) -> str:
    parts = []
    for rdn in dn:
        avas = [
            f"{chance.choice(NAMES[name])}{_pad(chance)}={_pad(chance)}{_text(value, chance)}"
            for name, value in rdn.items()
        ]
        chance.shuffle(avas)
        parts.append(f"{_pad(chance)}+{_pad(chance)}".join(avas))
    separator = chance.choice([",", ",", ",", ";"])
    return f"{_pad(chance)}{separator}{_pad(chance)}".join(parts)


def _pad(chance: random.Random) -> str:
    return chance.choice(["", "", "", " ", "  "])


def _text(value: str, chance: random.Random) -> str:
    style = chance.random()
    if style < 0.1:
        return "".join(f"\\{byte:02x}" for byte in value.encode())
    if style < 0.2:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "".join(_char(char, chance, edge=at in {0, len(value) - 1}) for at, char in enumerate(value))


def _char(char: str, chance: random.Random, *, edge: bool) -> str:
    must = char in ',+"\\<>;\t' or (edge and char in " #\t")
    if must or chance.random() < 0.05:
        if char in ' ,+"\\<>;=#' and chance.random() < 0.5:
            return f"\\{char}"
        return "".join(f"\\{byte:02X}" for byte in char.encode())
    return char


def _ours(text: str) -> str | None:
    try:
        return dn_key(text)
    except DnSyntaxError:
        return None


def test_our_keys_are_equal_where_the_server_says_equal(oracle: Matching) -> None:
    """Thousands of pairs that are mutations of one another; what the server takes for a DN, we take for one, too."""
    seen: Counter[str] = Counter()

    @settings(max_examples=150, suppress_health_check=list(HealthCheck), database=None)
    @given(st.randoms(use_true_random=False))
    def compare(chance: random.Random) -> None:
        dn = _dn(chance)
        held = _written(dn, chance)
        if oracle.store(held.encode()) != SUCCESS:
            seen["not stored"] += 1
            return
        key = _ours(held)
        assert key is not None, f"slapd takes {held!r} for a DN"
        others = [
            _written(_same(dn, chance) if n % 2 else _other(_same(dn, chance), chance), chance) for n in range(16)
        ]
        for other, code in zip(others, oracle.compared([other.encode() for other in others]), strict=True):
            if code not in {COMPARE_TRUE, COMPARE_FALSE}:
                seen["no DN there"] += 1
                continue
            ours = _ours(other)
            assert ours is not None, f"slapd takes {other!r} for a DN"
            assert (ours == key) == (code == COMPARE_TRUE), (
                f"{held!r} and {other!r}: slapd says {code}, {key!r}, {ours!r}"
            )
            seen["equal" if ours == key else "different"] += 1

    compare()
    assert seen["equal"] >= 500
    assert seen["different"] >= 500


def test_every_letter_has_no_other_form_than_the_servers(oracle: Matching) -> None:
    """Each character that any version of Unicode unifies with another is unified by us only where the server does it."""
    every = (chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000)
    letters = [one for one in every if unicodedata.normalize("NFKC", one.lower()) != one]
    assert len(letters) > 6_000
    for start in range(0, len(letters), 100):
        some = [f"x{one}y" for one in letters[start : start + 100]]
        if not _folds(oracle, some):
            assert not [ascii(one) for one in some if not _folds(oracle, [one])]


def _folds(oracle: Matching, names: Sequence[str]) -> bool:
    """Tell whether the server holds names, side by side, equal to our keys of them."""
    held, keys = ("".join(each).encode() for each in (names, map(fold, names)))
    assert oracle.store(b"cn=" + b"".join(b"\\%02x" % byte for byte in held)) == SUCCESS
    return oracle.compared([b"cn=" + b"".join(b"\\%02x" % byte for byte in keys)]) == [COMPARE_TRUE]


@pytest.mark.parametrize(
    ("held", "other"),
    [
        ("telephoneNumber=1 23", "telephoneNumber=12-3"),
        (r"seeAlso=cn\=a\,dc\=x", r"seeAlso=CN\=A\, dc\=x"),
        ("cn=\u210d", "cn=\u210b"),
        ("cn=a", "cn=\U0001d41a"),
    ],
)
def test_what_only_the_server_holds_equal_is_known(oracle: Matching, held: str, other: str) -> None:
    """On the safe side: types that nothing is named by, and letters made for formulas."""
    assert oracle.store(held.encode()) == SUCCESS
    assert oracle.compared([other.encode()]) == [COMPARE_TRUE]
    assert dn_key(held) != dn_key(other)


@pytest.mark.parametrize(
    ("held", "other"),
    [
        ("cn=admins", "cn=adm\u200bins"),
        ("cn=admins", "cn=adm\u00adins"),
        ("cn=strauss", "cn=strauß"),
        ("cn=5mhz", "cn=5\u3392"),
        ("cn=iv", "cn=\u2163"),
        ("cn=2", "cn=\U0001d7d0"),
        ("cn=\u2c65", "cn=\u023a"),
        ("cn=ß", "cn=\u1e9e"),
    ],
)
def test_what_the_standard_holds_equal_and_the_server_does_not_is_different(
    oracle: Matching, held: str, other: str
) -> None:
    """Invisible characters, ß, symbols made of capitals, and letters that are newer than the standard."""
    assert oracle.store(held.encode()) == SUCCESS
    assert oracle.compared([other.encode()]) == [COMPARE_FALSE]
    assert dn_key(held) != dn_key(other)


def test_types_that_compare_by_case_are_the_one_exception(oracle: Matching) -> None:
    """Nobody is named by a URI: folding every value is what makes a key cheap, and no schema is needed for it."""
    assert oracle.store(b"labeledURI=http://x/A") == SUCCESS
    assert oracle.compared([b"labeledURI=http://x/a"]) == [COMPARE_FALSE]
    assert dn_key("labeledURI=http://x/A") == dn_key("labeledURI=http://x/a")


@pytest.mark.parametrize(
    "written",
    ["OID.2.5.4.3=a", "cn=#040161", "cn=#0c0161", "cn=a+cn=b", "nosuchtype=a", "1.2.3.4=a", "mail=é@x", r"cn=\ff"],
)
def test_what_the_server_takes_for_no_dn_never_comes_from_it(oracle: Matching, written: str) -> None:
    """A policy or another server may write so; two entries of one server are never confused by it."""
    assert oracle.store(written.encode()) not in {SUCCESS, COMPARE_TRUE}
    assert dn_key(written)


def test_a_type_with_an_option_is_a_dn_only_there(oracle: Matching) -> None:
    """RFC 4514 has no options in DNs: such an entry is named in an error, and never taken for another."""
    assert oracle.store(b"cn;lang-de=a") == SUCCESS
    with pytest.raises(DnSyntaxError):
        dn_key("cn;lang-de=a")
