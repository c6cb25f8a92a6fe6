"""LDIF as RFC 2849 has it, and one clear error with its line for everything else."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.directory import ldif
from reconciler.directory.ldif import LdifEntry, LdifError, read_entries
from reconciler.errors import ReadIncomplete


def _entries(text: str | bytes) -> list[LdifEntry]:
    return list(read_entries(io.BytesIO(text.encode() if isinstance(text, str) else text), "corp.ldif"))


def _error(text: str | bytes) -> str:
    with pytest.raises(LdifError) as caught:
        _entries(text)
    return str(caught.value)


def test_an_entry_is_its_dn_and_its_attributes() -> None:
    """Names in lower case, values in file order."""
    entry, other = _entries("version: 1\n\ndn: cn=a\ncn: a\nMail: b\nmail: c\n\n\n\ndn: cn=b\ncn: b\n")
    assert (entry.dn, entry.line) == (b"cn=a", 3)
    assert entry.attributes == {"cn": [b"a"], "mail": [b"b", b"c"]}
    assert (other.dn, other.line) == (b"cn=b", 10)


def test_base64_folds_comments_and_options() -> None:
    """A comment may be folded like any other line, and stand anywhere."""
    text = (
        "# a comment\n that goes on\ndn:: Y249SsO2\n cmc=\n# between\ncn;lang-DE: J\n \u00f6r\n g\n"
        "jpegPhoto;binary:: AP8=\ndescription:   two  spaces \nseeAlso:\n"
    )
    (entry,) = _entries(text)
    assert entry.dn == "cn=Jörg".encode()
    assert entry.attributes == {
        "cn;lang-de": ["Jörg".encode()],
        "jpegphoto;binary": [b"\x00\xff"],
        "description": [b"two  spaces "],
        "seealso": [b""],
    }


def test_windows_line_ends_are_line_ends() -> None:
    """Also where lines are folded."""
    (entry,) = _entries("version: 1\r\ndn: cn=a\r\ncn: a\r\n b\r\n\r\n")
    assert entry.attributes == {"cn": [b"ab"]}


def test_a_file_without_entries_has_none() -> None:
    """Empty, or comments and a version; a comment may lack its line end."""
    assert not _entries("")
    assert not _entries("version: 1\n\n# nothing here")


def test_a_value_may_be_folded_anywhere() -> None:
    """Even inside a character, and to nothing."""
    (entry,) = _entries(b"dn: cn=a\ncn: J\xc3\n \xb6rg\n \n")
    assert entry.attributes == {"cn": ["Jörg".encode()]}


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("dn: cn=a\ncn:: YQ=\n", 2, "bad base64, the value may have been cut"),
        ("dn: cn=a\ncn:: Y!Q=\n", 2, "bad base64"),
        ("dn:: YQ\ncn: a\n", 1, "bad base64"),
        ("dn: cn=a\ncn: a\nsn: cut of", 3, "ends in the middle of a line"),
        ("dn: cn=a\ncn: a\n b", 3, "ends in the middle of a line"),
        ("dn: cn=a\n", 1, "no attributes"),
        ("dn: cn=a\n\ndn: cn=b\ncn: b\n", 1, "no attributes"),
        ("dn: cn=a\nphoto:< file:///etc/passwd\n", 2, "values by URL are not read"),
        ("dn: cn=a\nchangetype: delete\n", 2, "change record"),
        ("dn: cn=a\ncontrol: 1.2.3 true\nchangetype: add\n", 2, "change record"),
        ("dn: cn=a\ncn: a\ndn: cn=b\n", 3, "an empty line is missing"),
        ("dn: cn=a\ncn\n", 2, '"cn" has no colon'),
        ("cn: a\ndn: cn=a\n", 1, 'must start with "dn:"'),
        ("version: 1\nversion: 1\ndn: cn=a\ncn: a\n", 2, 'must start with "dn:"'),
        ("version: 2\ndn: cn=a\ncn: a\n", 1, 'LDIF version "2" is not known'),
        (" dn: cn=a\ncn: a\n", 1, "continues nothing"),
        ("dn: cn=a\ncn: a\n\n more\n", 4, "continues nothing"),
        ("dn: cn=a\nc n: a\n", 2, '"c n" is no attribute description'),
        ("dn: cn=a\n: a\n", 2, "is no attribute description"),
        ("dn: cn=a\ncn: a\0b\n", 2, "a control character in a plain value"),
        ("dn: cn=a\ncn: a\rb\n", 2, "a control character in a plain value"),
        (b"dn: cn=a\ncn: \xff\n", 2, "not UTF-8"),
        (b"dn: cn=a\n\xff: x\n", 2, "is no attribute description"),
    ],
)
def test_what_is_no_ldif_is_named_with_its_line(text: str | bytes, place: int, said: str) -> None:
    """As `path:line`, and a part of the reading family."""
    message = _error(text)
    assert message.startswith(f"corp.ldif:{place}: ")
    assert said in message
    assert issubclass(LdifError, ReadIncomplete)


def test_quoted_text_is_made_safe() -> None:
    """No control character reaches a terminal, and no megabytes."""
    message = _error(b"dn: cn=a\n\x1b[31m" + b"x" * 5000 + b"\n")
    assert r"\x1b[31m" in message
    assert len(message) < 200


@pytest.mark.parametrize("text", ["dn: cn=a\ncn: {}\n", "dn: cn=a\ncn: x\n {}\n", "dn: cn=a\ncn: x\n {}"])
def test_a_value_has_a_largest_size(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, folded, and without an end."""
    monkeypatch.setattr(ldif, "MAX_LINE", 1000)
    assert "longer than" in _error(text.format("x" * 1100))


def test_an_entry_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of its values."""
    monkeypatch.setattr(ldif, "MAX_ENTRY", 1000)
    assert _error("dn: cn=a\n" + "cn: 12345678\n" * 100).startswith("corp.ldif:1: the entry is larger than")


_NAME = st.from_regex(r"[a-z][a-z0-9-]{0,8}(;[a-z0-9-]{1,5})?", fullmatch=True).filter(
    lambda name: name not in {"dn", "control", "changetype", "version"}
)
_VALUE = st.binary(max_size=60)


@given(st.dictionaries(_NAME, st.lists(_VALUE, min_size=1, max_size=4), min_size=1), st.integers(1, 20))
def test_what_was_written_is_read(attributes: dict[str, list[bytes]], width: int) -> None:
    """Any bytes, folded at any width."""
    lines = [b"dn: cn=a"]
    for name, values in attributes.items():
        lines += [name.encode() + b":: " + base64.b64encode(value) for value in values]
    folded = [b"\n ".join(line[at : at + width] for at in range(0, len(line), width)) for line in lines]
    (entry,) = _entries(b"\n".join(folded) + b"\n")
    assert entry.attributes == attributes


def test_a_cut_file_is_never_taken_for_a_smaller_one() -> None:
    """Wherever it is cut, but exactly between two lines, where nothing shows it."""
    whole = b"dn: cn=a\ncn: a\nsn:: " + base64.b64encode(b"x" * 31) + b"\n\ndn: cn=b\ncn: b\nsn: b\n"
    cuts = [size for size in range(1, len(whole)) if not whole[:size].endswith(b"\n")]
    for size in cuts:
        _error(whole[:size])
    assert len(cuts) > 60


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Never another exception."""
    try:
        entries = _entries(data)
    except LdifError:
        return
    assert all(entry.attributes for entry in entries)
