"""Who is a member of what, once every entry has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.directory.reduction import Origin, Reduction, moment_of
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import DirectoryGroup, Needs, Readability, ReadWith, Snapshot
from reconciler.model.standard_schema import standard_schema

ORIGIN = Origin("corp", "corp.ldif", "2026-11-20T04:00:00Z", ReadWith())
NEEDS = Needs(frozenset({"cn"}), frozenset({"cn"}))

Raw = dict[str, list[bytes]]


def _snapshot(people: dict[str, Raw], groups: dict[str, Raw], *, nested: bool = True) -> Snapshot:
    reduction = Reduction(NEEDS, standard_schema(), moment_of(ORIGIN.read_at))
    for dn, raw in people.items():
        reduction.add_person(dn.encode(), raw)
    for dn, raw in groups.items():
        reduction.add_group(dn.encode(), raw)
    return reduction.snapshot(replace(ORIGIN, read_with=ReadWith(nested_groups=nested)))


def _group(people: dict[str, Raw], raw: Raw) -> DirectoryGroup:
    return _snapshot(people, {"cn=g": raw}).groups[0]


def test_people_and_groups_are_sorted_by_canonical_dn() -> None:
    """Whatever the order they came in."""
    snapshot = _snapshot({"cn=b": {}, "CN=A": {}, "cn=c": {}}, {"cn=z": {}, "cn=y": {"member": [b"CN=C", b"cn=a"]}})
    assert [person.dn for person in snapshot.people] == ["CN=A", "cn=b", "cn=c"]
    assert [group.dn for group in snapshot.groups] == ["cn=y", "cn=z"]
    assert snapshot.groups[0].people == (0, 2)


def test_a_member_counts_once() -> None:
    """Written twice, in two ways, or by DN and by login."""
    people = {"cn=a": {"uid": [b"a"]}}
    raw: Raw = {"member": [b"cn=a", b"CN = A"], "uniqueMember": [b"cn=a#'1'B"], "memberUid": [b"a"]}
    assert _group(people, raw).people == (0,)


def test_what_names_nobody_dangles() -> None:
    """Sorted, each once; no DN, no UTF-8 and an unknown login, too. An empty DN is a placeholder for nobody."""
    raw: Raw = {"member": [b"cn=z", b"nothing", b"", b"cn=\xff", b"cn=z"], "memberUid": [b"x"]}
    assert _group({}, raw).dangling == ("cn=z", "cn=\udcff", "nothing", "x")


def test_logins_compare_exactly() -> None:
    """RFC 2307: `memberUid` is case-sensitive."""
    group = _group({"cn=a": {"uid": [b"Alice"]}}, {"memberUid": [b"alice"]})
    assert (group.people, group.dangling) == ((), ("alice",))


def test_a_login_of_two_people_makes_the_group_unreadable() -> None:
    """Nobody knows whom it means, so nobody is added and nobody removed."""
    people: dict[str, Raw] = {"cn=a": {"uid": [b"x"]}, "cn=b": {"uid": [b"x", b"y"]}}
    snapshot = _snapshot(people, {"cn=g": {"memberUid": [b"x", b"y"]}, "cn=h": {"memberUid": [b"y"]}})
    group, other = snapshot.groups
    assert (group.people, group.dangling, group.readability) == ((1,), ("x",), Readability.UNREADABLE)
    assert (other.people, other.readability) == ((1,), Readability.READ)
    assert snapshot.warnings == (
        'uid "x" belongs to 2 people ("cn=a" and "cn=b"): groups that name it by memberUid count as unreadable',
    )


def test_a_shared_login_that_no_group_names_is_nobodys_concern() -> None:
    """No warning."""
    assert not _snapshot({"cn=a": {"uid": [b"x"]}, "cn=b": {"uid": [b"x"]}}, {}).warnings


def test_groups_hold_groups_and_themselves() -> None:
    """A cycle is nothing special here."""
    groups: dict[str, Raw] = {"cn=g": {"member": [b"cn=h", b"cn=g"]}, "cn=h": {"member": [b"cn=g"]}}
    assert [group.groups for group in _snapshot({}, groups).groups] == [(0, 1), (0,)]
    flat = _snapshot({}, groups, nested=False).groups
    assert [(group.groups, group.dangling) for group in flat] == [((), ()), ((), ())]


def test_an_entry_that_came_as_both_is_a_group() -> None:
    """Nor does its login name a person any longer."""
    raw: Raw = {"uid": [b"g"], "memberUid": [b"g"]}
    snapshot = _snapshot({"cn=g": raw, "cn=a": {}}, {"CN=g": raw})
    assert [person.dn for person in snapshot.people] == ["cn=a"]
    assert (snapshot.groups[0].people, snapshot.groups[0].dangling) == ((), ("g",))


@pytest.mark.parametrize("kind", ["person", "group"])
def test_an_entry_that_comes_twice_is_an_error(kind: str) -> None:
    """However its DN is written."""
    reduction = Reduction(NEEDS, standard_schema(), moment_of(ORIGIN.read_at))
    add = reduction.add_person if kind == "person" else reduction.add_group
    add(b"cn=a,dc=b", {})
    with pytest.raises(ReadIncomplete, match='entry "CN=A, dc=b" came twice'):
        add(b"CN=A, dc=b", {})


@pytest.mark.parametrize("kind", ["person", "group"])
def test_two_entries_with_one_id_are_an_error(kind: str) -> None:
    """One of them moved while it was read."""
    raw: Raw = {"entryUUID": [b"6ba7b810-9dad-11d1-80b4-00c04fd430c8"]}
    both = {"cn=a": raw, "cn=b": raw}
    with pytest.raises(ReadIncomplete, match=r'"cn=a" and "cn=b" have one stable id, 6ba7b810-'):
        _snapshot(both if kind == "person" else {}, both if kind == "group" else {})


def test_only_the_used_part_of_the_schema_is_kept() -> None:
    """A server's has some thousand definitions."""
    schema = _snapshot({}, {}).schema
    assert schema.partial
    assert schema.attribute("commonName")
    assert not schema.attribute("mail")


def test_a_time_without_a_zone_is_utc() -> None:
    """Times come in as text."""
    assert moment_of("2026-11-20") == moment_of("2026-11-20T00:00:00Z") == datetime(2026, 11, 20, tzinfo=UTC)
    assert moment_of("2026-11-20T02:00:00+02:00") == datetime(2026, 11, 20, tzinfo=UTC)


_SMALL = st.integers(0, 5)


@given(
    st.permutations(range(6)),
    st.permutations(range(6)),
    st.lists(st.tuples(_SMALL, st.sampled_from("pgx"), _SMALL), max_size=30),
)
def test_the_order_of_entries_and_values_does_not_matter(
    people: list[int], groups: list[int], members: list[tuple[int, str, int]]
) -> None:
    """Same content, same digest; nobody is lost and nobody invented."""

    def build(people: list[int], groups: list[int], members: list[tuple[int, str, int]]) -> Snapshot:
        held: dict[int, list[bytes]] = {number: [] for number in groups}
        for group, kind, member in members:
            held[group].append(f"cn={kind}{member}".encode())
        return _snapshot(
            {f"cn=p{number}": {} for number in people}, {f"cn=g{number}": {"member": held[number]} for number in groups}
        )

    snapshot = build(people, groups, members)
    assert snapshot == build(sorted(people), sorted(groups), sorted(members))
    for number, group in enumerate(snapshot.groups):
        meant = {(kind, member) for holder, kind, member in members if holder == number}
        assert {("p", place) for place in group.people} == {each for each in meant if each[0] == "p"}
        assert {("g", place) for place in group.groups} == {each for each in meant if each[0] == "g"}
        assert set(group.dangling) == {f"cn=x{member}" for kind, member in meant if kind == "x"}
