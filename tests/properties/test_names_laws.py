"""Laws of names: keys are canonical, the short cut changes nothing, and writing a DN otherwise changes nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.names import (
    DnSyntaxError,
    canonical_key,
    dn_key,
    exact,
    fold,
    fold_case,
    is_under,
    parent,
    parse_dn,
)

TYPES = st.sampled_from(["cn", "CN", "commonName", "2.5.4.3", "uid", "ou", "dc", "DC", "l", "x-own", "street"])
PLAIN = st.text("abcXYZ019_.@'/:&!?()*- ", min_size=1, max_size=8)
AWKWARD = st.text('aB ,+"\\<>;=#é\u0301ßİΣ\0\n\udcff日', min_size=1, max_size=8)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def written(value: str, style: int) -> str:
    """Write a value in one of the ways that RFC 4514 allows."""
    raw = value.encode(errors="surrogateescape")
    if style == 0:
        return "".join(f"\\{byte:02X}" for byte in raw)
    if style == 1 and "\udcff" not in value:
        return f"#0C{len(raw):02x}{raw.hex()}"
    if style == 2 and "\0" not in value:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    special = "".join(f"\\{ord(one):02x}" if one in '\0,+"\\<>;=# \n' else one for one in value)
    return f"  {special} "


RDNS = st.lists(
    st.lists(st.tuples(TYPES, AWKWARD, st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=3),
    min_size=1,
    max_size=3,
)


@given(st.lists(st.tuples(TYPES, PLAIN), min_size=1, max_size=4))
def test_the_short_cut_gives_the_key_of_the_long_way(avas: list[tuple[str, str]]) -> None:
    """DNs without special characters have the same key whichever way they go."""
    text = ",".join(f"{name}={value}" for name, value in avas)
    try:
        key = canonical_key(text)
    except DnSyntaxError:
        assert any(not value.strip() for _, value in avas)
    else:
        assert dn_key(text) == key


@given(RDNS)
@settings(deadline=None)
def test_a_dn_written_otherwise_has_the_same_key(rdns: list[list[tuple[str, str, int, int]]]) -> None:
    """Escapes, quotes, BER, the order within an RDN, separators and spaces do not count."""
    one = ",".join("+".join(f"{name}={written(value, style)}" for name, value, style, _ in rdn) for rdn in rdns)
    other = " ; ".join(
        " + ".join(f"{name.upper()} = {written(value, style)}" for name, value, _, style in reversed(rdn))
        for rdn in rdns
    )
    assert dn_key(one) == dn_key(other)


@given(RDNS)
@settings(deadline=None)
def test_a_key_is_a_dn_with_itself_as_key(rdns: list[list[tuple[str, str, int, int]]]) -> None:
    """Keys can be stored, read and compared again; each entry is under its parent."""
    key = dn_key(",".join("+".join(f"{name}={written(value, style)}" for name, value, style, _ in rdn) for rdn in rdns))
    assert dn_key(key) == key
    assert len(parse_dn(key)) == len(rdns)
    assert is_under(key, parent(key))
    assert dn_key(parent(key)) == parent(key)
    assert key.count(",") == len(rdns) - 1


@given(st.text(st.sampled_from('cn=ou,+;"\\ #2Ab<>\0é'), max_size=30) | st.text(max_size=30))
def test_any_text_is_a_dn_or_refused_with_a_place_in_it(text: str) -> None:
    """No other exception escapes, and the offset is never outside the text."""
    read = _read(text)
    if isinstance(read, int):
        assert 0 <= read <= len(text)
    else:
        assert len(parse_dn(read)) == len(parse_dn(text))


def _read(text: str) -> str | int:
    """Return the key, or the place where the DN is refused."""
    try:
        return dn_key(text)
    except DnSyntaxError as refused:
        return refused.offset


@given(TEXT)
def test_folding_twice_is_folding_once(text: str) -> None:
    """A key is its own key, with and without case."""
    assert fold(fold(text)) == fold(text)
    assert exact(exact(text)) == exact(text)


@given(st.text("aBéÉΣςİß日", max_size=8), st.integers(0, 8))
def test_a_piece_folds_like_the_whole(text: str, cut: int) -> None:
    """Case does not depend on neighbours, so substrings are found."""
    assert fold_case(text[:cut]) + fold_case(text[cut:]) == fold_case(text)
