"""A snapshot as lines and back, and one clear error for lines that are something else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.directory.snapshot_codec import Head, Saved, SnapshotSyntaxError, decode, digest_of, encode, head_of
from reconciler.model.access import UserKey
from reconciler.model.directory import DirectoryGroup, Needs, Person, Readability, ReadWith, Snapshot
from reconciler.model.schema import restrict
from reconciler.model.standard_schema import standard_schema
from tests.examples import ROOT

SCHEMA = json.loads((ROOT / "schemas" / "snapshot.schema.json").read_text(encoding="utf-8"))
NEEDS = Needs(frozenset({"uid", "Mail"}), frozenset({"cn"}))
_READ = {"base": "", "group_base": "", "user_filter": "", "group_filter": "", "nested_groups": True}
READ_WITH = ReadWith(("dc=example",), ("ou=g,dc=example",), "(uid=*)", "", nested_groups=False)


def _snapshot() -> Snapshot:
    bare = Snapshot(
        directory="corp",
        source="ldaps://dc1.example.com/dc=example",
        read_at="2026-11-20T04:00:00Z",
        people=(
            Person(UserKey("1"), "uid=a", {"uid": ("a",), "mail": ("a@b", "\udcff")}),
            Person(UserKey("2"), "uid=ö", {"objectclass": ("top",), "cn;lang-de": ("ö",)}, disabled=True),
        ),
        groups=(
            DirectoryGroup("3", "cn=g", "g", {"cn": ("g",)}, people=(0, 1), groups=(1,), dangling=("cn=x",)),
            DirectoryGroup("4", "cn=h", "h", {}, readability=Readability.UNREADABLE),
        ),
        schema=restrict(standard_schema(), {"uid", "mail", "cn"}, {"person"}),
        digest="",
        warnings=("odd",),
        read_with=READ_WITH,
    )
    return replace(bare, digest=digest_of(bare))


def _lines() -> list[bytes]:
    return list(encode(Saved(_snapshot(), NEEDS)))


def _error(lines: list[bytes]) -> str:
    with pytest.raises(SnapshotSyntaxError) as caught:
        decode(lines)
    return str(caught.value)


def _sealed(lines: list[bytes]) -> list[bytes]:
    """Return lines whose last one agrees with the others again, as a forger would write it."""
    head = {key: json.loads(lines[0]).get(key) for key in ("directory", "read_with")}
    identity = json.dumps(head, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(identity.encode() + b"\n" + b"".join(lines[1:-1])).hexdigest()
    checksum = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    end = json.loads(lines[-1]) | {"digest": f"sha256:{digest}", "checksum": f"sha256:{checksum}"}
    return [*lines[:-1], json.dumps(end).encode() + b"\n"]


def _changed(number: int, **changes: Any) -> list[bytes]:
    lines = _lines()
    lines[number] = json.dumps(json.loads(lines[number]) | changes).encode() + b"\n"
    return _sealed(lines)


def test_what_was_written_is_read() -> None:
    """Equal in everything, bytes that are no text included."""
    assert decode(_lines()) == Saved(_snapshot(), NEEDS)
    assert head_of(_lines()[:1]) == Head("corp", "openldap")


def test_every_line_is_what_the_schema_says() -> None:
    """The schema is for other programs; this one checks by itself."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    records = [json.loads(line) for line in _lines()]
    for record in records:
        validator.validate(record)
    assert [record["type"] for record in records] == [
        *("snapshot", "schema", "person", "person", "group", "group", "warnings", "end")
    ]
    for record in records:
        damaged = {key: value for key, value in record.items() if key in {"type", "disabled"}}
        assert not validator.is_valid(damaged)


def test_the_digest_is_of_everything_but_source_and_time() -> None:
    """Each other change gives another one."""
    snapshot = _snapshot()
    assert digest_of(replace(snapshot, source="x", read_at="y", digest="z")) == snapshot.digest
    others = [
        replace(snapshot, directory="other"),
        replace(snapshot, warnings=()),
        replace(snapshot, read_with=replace(READ_WITH, base=("x",))),
        replace(snapshot, read_with=replace(READ_WITH, group_base=("x",))),
        replace(snapshot, read_with=replace(READ_WITH, user_filter="x")),
        replace(snapshot, read_with=replace(READ_WITH, group_filter="x")),
        replace(snapshot, read_with=replace(READ_WITH, nested_groups=True)),
        replace(snapshot, read_with=replace(READ_WITH, member_of=True)),
        replace(snapshot, read_with=replace(READ_WITH, dynamic_groups=True)),
        replace(snapshot, read_with=replace(READ_WITH, base=("dc=example", "dc=other"))),
        replace(snapshot, dialect="active_directory"),
        replace(snapshot, people=snapshot.people[:1]),
        replace(snapshot, people=(replace(snapshot.people[0], disabled=True), snapshot.people[1])),
        replace(snapshot, groups=(replace(snapshot.groups[0], people=(0,)), snapshot.groups[1])),
        replace(snapshot, schema=replace(snapshot.schema, from_server=True)),
    ]
    digests = {digest_of(other) for other in others}
    assert len(digests) == len(others)
    assert snapshot.digest not in digests


def test_the_order_of_attributes_does_not_matter() -> None:
    """Values stay in their order."""
    snapshot = _snapshot()
    turned = dict(reversed(list(snapshot.people[0].attributes.items())))
    people = (replace(snapshot.people[0], attributes=turned), snapshot.people[1])
    assert digest_of(replace(snapshot, people=people)) == snapshot.digest


@pytest.mark.parametrize("number", range(8))
def test_a_cut_file_says_so(number: int) -> None:
    """Between two lines, or inside one."""
    lines = _lines()
    assert _error(lines[:number]) == f"line {number + 1}: the file is cut off"
    assert _error([*lines[:number], lines[number][:-1]]) == f"line {number + 1}: the file is cut off"


def test_an_edited_line_is_seen() -> None:
    """Whichever it is, at the latest by the checksum."""
    for number, line in enumerate(_lines()):
        lines = _lines()
        lines[number] = line.replace(b'"', b' "', 1)
        if number < len(lines) - 1:  # a space more in the last line changes nothing
            assert "the file was edited or damaged" in _error(lines)


def test_an_edited_address_is_seen() -> None:
    """It is no part of the digest, but of the checksum."""
    lines = _lines()
    lines[0] = lines[0].replace(b"dc1.example.com", b"dc2.example.com")
    assert _error(lines) == "line 8: its checksum does not agree with its content: the file was edited or damaged"


def test_lines_that_follow_the_end_are_seen() -> None:
    """Nothing is ignored."""
    assert "something follows the last line" in _error([*_lines(), b"{}\n"])


def test_a_newer_format_says_which_program_to_use() -> None:
    """Before anything else is looked at."""
    message = _error([b'{"type":"snapshot","format_version":"2.0"}\n'])
    assert message == (
        "line 1: it has format 2.0 and this program reads 1.x: use the version that wrote it, or take the snapshot again"
    )


def test_a_newer_minor_format_is_read() -> None:
    """It may have more keys, which mean nothing here."""
    snapshot, _ = decode(_changed(0, format_version="1.7", more=[1]))
    assert snapshot.people == _snapshot().people


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b"hello\n"], "this is not JSON"),
        ([b"[" * 100_000 + b"\n"], "this is not JSON"),
        ([b"[]\n"], "a record is no object"),
        ([b'{"type":"plan"}\n'], "this is some other file"),
        (_changed(0, directory=None), '"directory" is no text'),
        (_changed(0, people=-1), '"people" is no count'),
        (_changed(0, people=True), '"people" is no count'),
        (_changed(0, people=1), 'a record of type "group" is missing'),
        (_changed(0, groups=3), 'a record of type "group" is missing'),
        (_changed(0, groups=0), 'a record of type "warnings" is missing'),
        (_changed(0, needs=[]), '"needs" is no object'),
        (_changed(0, read_with=None), '"read_with" is no object'),
        (_changed(0, read_with={"nested_groups": True}), '"base" is no text'),
        (_changed(0, read_with={**_READ, "nested_groups": "yes"}), '"nested_groups" is no truth value'),
        (_changed(0, read_with={**_READ, "member_of": 1}), '"member_of" is no truth value'),
        (_changed(0, read_with={**_READ, "base": ["dc=a", 1]}), '"base" is no list of texts'),
        (_changed(0, dialect="novell"), '"dialect" is none that this program knows'),
        (_changed(1, schema={}), "its schema cannot be read"),
        (_changed(2, key=7), '"key" is no text'),
        (_changed(2, attributes={"cn": "a"}), '"cn" is no list of texts'),
        (_changed(2, attributes={"cn": [1]}), '"cn" is no list of texts'),
        (_changed(4, people=[2]), '"people" names somebody who is not in the file'),
        (_changed(4, groups=[-1]), '"groups" names somebody who is not in the file'),
        (_changed(4, people=[True]), '"people" names somebody'),
        (_changed(4, readability="maybe"), "unknown readability"),
        (_changed(6, type="end"), 'a record of type "warnings" is missing'),
        ([*_lines()[:-1], b'{"type":"ending"}\n'], "the last line is not where it should be"),
    ],
)
def test_what_is_no_snapshot_is_named_with_its_line(lines: list[bytes], said: str) -> None:
    """Also where somebody made the checksum fit."""
    message = _error(lines)
    assert message.startswith("line ")
    assert said in message


@given(st.data())
def test_a_changed_byte_is_always_seen(data: st.DataObject) -> None:
    """Nothing of a file can change unseen."""
    whole = bytearray(b"".join(_lines()))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    lines = [line + b"\n" for line in bytes(whole).split(b"\n")[:-1]]
    try:
        found = decode(lines)
    except SnapshotSyntaxError:
        return
    assert found == Saved(_snapshot(), NEEDS)  # a key of the last line that nothing depends on


@example(["},{", '"},{"attributes":', '},{"attributes":', "attributes"])
@given(st.lists(st.text('}{,":\\\n\r ' + "a\u2028", max_size=12), max_size=250))
def test_records_that_are_encoded_together_are_lines_of_their_own(texts: list[str]) -> None:
    """Whatever looks like the border between two records inside a text, and however many records there are."""
    people = tuple(Person(UserKey(str(n)), text, {"cn": (text, text)}) for n, text in enumerate(texts))
    lines = list(encode(Saved(replace(_snapshot(), people=people, groups=()), NEEDS)))
    found = [json.loads(line) for line in lines if line.startswith(b'{"attributes":')]
    assert [record["dn"] for record in found] == texts
    assert [record["attributes"]["cn"] for record in found] == [[text, text] for text in texts]
