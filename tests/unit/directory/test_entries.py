"""What is kept of a raw entry, and what it is known by."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from reconciler.directory.entries import AttributeReader, EntryReader
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Readability
from reconciler.model.standard_schema import standard_schema

NOW = datetime(2026, 11, 20, tzinfo=UTC)
UUID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"


def _reader(*needs: str) -> EntryReader:
    return EntryReader(needs, standard_schema(), NOW)


def _kept(needs: list[str], raw: dict[str, list[bytes]]) -> dict[str, tuple[str, ...]]:
    return dict(AttributeReader(needs, standard_schema()).attributes(b"cn=a", raw))


def test_only_what_the_policy_names_is_kept() -> None:
    """Under the schema's name for it, whatever the policy or the server calls it."""
    raw = {"userid": [b"a"], "MAIL": [b"b", b"c"], "sn": [b"d"], "description": []}
    assert _kept(["UID", "rfc822Mailbox", "description"], raw) == {"uid": ("a",), "mail": ("b", "c")}


def test_options_make_another_description_of_the_same_attribute() -> None:
    """Who asks for an option does not get what is without it (RFC 4512 2.5)."""
    raw = {"cn": [b"a"], "CN;lang-DE": [b"b"], "cn;x-y;lang-de": [b"c"]}
    assert _kept(["cn"], raw) == {"cn": ("a",), "cn;lang-de": ("b",), "cn;lang-de;x-y": ("c",)}
    assert _kept(["cn;lang-de"], raw) == {"cn;lang-de": ("b",), "cn;lang-de;x-y": ("c",)}


def test_a_type_brings_its_subtypes() -> None:
    """A filter on `name` looks at them."""
    assert _kept(["name"], {"sn": [b"a"], "cn": [b"b"], "mail": [b"c"]}) == {"sn": ("a",), "cn": ("b",)}


def test_an_unknown_attribute_is_kept_by_its_own_name() -> None:
    """Somebody's own schema."""
    assert _kept(["AcmeBadge"], {"acmebadge": [b"7"]}) == {"acmebadge": ("7",)}


def test_bytes_that_are_no_text_survive() -> None:
    """They can be written back as they came."""
    kept = _kept(["jpegPhoto"], {"jpegPhoto": [b"\xff\x00"]})
    assert kept["jpegphoto"][0].encode("utf-8", "surrogateescape") == b"\xff\x00"


def test_equal_object_classes_are_one_value() -> None:
    """They repeat on every entry of a directory."""
    reader = AttributeReader(["objectClass"], standard_schema())
    first, second = (reader.attributes(b"cn=a", {"objectClass": [b"top", b"person"]}) for _ in range(2))
    assert first["objectclass"] is second["objectclass"]
    assert reader.classes_kept == {"top", "person"}


@pytest.mark.parametrize("description", ["member;range=0-1499", "Member;Range=1500-*"])
def test_a_part_of_an_attribute_is_refused(description: str) -> None:
    """Reading on is not done here, and a part is not the whole."""
    with pytest.raises(ReadIncomplete, match=r'entry "cn=a": only a part of "[mM]ember" was sent'):
        _reader("cn").group(b"cn=a", {"member": [], description: [b"cn=b"]})


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ({"entryUUID": [UUID.upper().encode()]}, UUID),
        ({"entryUUID": [f"{{{UUID}}}".encode()]}, UUID),
        ({"entryuuid": [UUID.encode()], "nsUniqueId": [b"a-b"]}, UUID),
        ({"nsUniqueId": [b"0B6DC501-1dd211b2"], "objectGUID": [b"x" * 16]}, "0b6dc501-1dd211b2"),
        ({"objectGUID": [uuid.UUID(UUID).bytes_le]}, UUID),
        ({}, "dn:cn=a,dc=b"),
    ],
)
def test_a_person_is_known_by_the_most_stable_id(raw: dict[str, list[bytes]], key: str) -> None:
    """entryUUID, nsUniqueId, objectGUID; the DN where there is none."""
    assert _reader().person(b"CN=A, dc=b", raw).person.key == key


@pytest.mark.parametrize("raw", [{"entryUUID": [b"1"]}, {"entryUUID": [b"\xff"]}, {"objectGUID": [b"short"]}])
def test_an_id_that_is_none_is_an_error(raw: dict[str, list[bytes]]) -> None:
    """Nobody gets another's key."""
    with pytest.raises(ReadIncomplete, match="its stable id cannot be read"):
        _reader().person(b"cn=a", raw)


@pytest.mark.parametrize("dn", [b"cn=\xff", b"nothing"])
def test_a_dn_that_is_none_is_an_error(dn: bytes) -> None:
    """Of a person or of a group."""
    with pytest.raises(ReadIncomplete, match="its DN cannot be read"):
        _reader().person(dn, {})
    with pytest.raises(ReadIncomplete, match="its DN cannot be read"):
        _reader().group(dn, {})


def test_a_person_is_disabled_by_its_mark() -> None:
    """Which is not kept."""
    person = _reader("cn").person(b"cn=a", {"cn": [b"a"], "userAccountControl": [b"514"]}).person
    assert person.disabled
    assert person.attributes == {"cn": ("a",)}


def test_a_mark_that_cannot_be_read_is_named() -> None:
    """With the entry."""
    with pytest.raises(ReadIncomplete, match=r'entry "cn=a": its marker .* \(useraccountcontrol\)'):
        _reader().person(b"cn=a", {"userAccountControl": [b"off"]})


def test_logins_are_known_without_being_kept() -> None:
    """`memberUid` needs them whatever the policy names."""
    raw = _reader("cn").person(b"cn=a", {"uid": [b"a", b"b"]})
    assert raw.uids == [b"a", b"b"]
    assert raw.person.attributes == {}


@pytest.mark.parametrize(
    ("dn", "names", "expected"),
    [
        (b"cn=b,dc=x", [b"a", b"b"], "b"),
        (b"ou=b,dc=x", [b"a", b"b"], "a"),
        (b"ou=b,dc=x", [b"a"], "a"),
        (b"ou=b,dc=x", [], ""),
    ],
)
def test_a_group_is_called_by_the_name_in_its_dn(dn: bytes, names: list[bytes], expected: str) -> None:
    """Where it has several; else by the first."""
    assert _reader().group(dn, {"cn": names}).group.cn == expected


def test_all_member_forms_are_collected() -> None:
    """DNs of both kinds together, the UID of a unique member taken off, logins apart."""
    raw = {
        "member": [b"cn=a", b"cn=q#'01'B"],
        "uniqueMember": [b"cn=b#'0101'B", b"cn=c#d", b"cn=\xff#'1'B"],
        "memberUid": [b"e"],
    }
    group = _reader().group(b"cn=g", raw)
    assert list(group.members) == [b"cn=a", b"cn=q#'01'B", b"cn=b", b"cn=c#d", b"cn=\xff"]
    assert group.uids == [b"e"]


@pytest.mark.parametrize(
    ("classes", "members", "expected"),
    [
        ([b"groupOfNames"], [], Readability.UNREADABLE),
        ([b"top", b"GROUPOFNAMES"], [b"cn=a"], Readability.READ),
        ([b"groupOfUniqueNames"], [b"cn=a"], Readability.UNREADABLE),
        ([b"posixGroup"], [], Readability.READ),
        ([b"unheardOf"], [], Readability.READ),
        ([], [], Readability.READ),
    ],
)
def test_a_group_without_the_members_that_its_class_demands_is_unreadable(
    classes: list[bytes], members: list[bytes], expected: Readability
) -> None:
    """Only the schema tells an empty group from one whose members are hidden."""
    raw = {"objectClass": classes, "member": members}
    assert _reader().group(b"cn=g", raw).group.readability is expected
