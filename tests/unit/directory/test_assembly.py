"""Memberships that no member attribute holds: primary groups, memberOf, searches, principals of elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.directory.entries import Traits
from reconciler.directory.moved import candidates, check_all_came, recognise
from reconciler.directory.reduction import Origin, Reduction, moment_of
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Needs, Readability, ReadWith, Snapshot
from reconciler.model.names import dn_key
from reconciler.model.standard_schema import standard_schema

READ_WITH = ReadWith(("dc=x",), ("ou=g,dc=x",))
ORIGIN = Origin("corp", "corp.ldif", "2026-11-20T04:00:00Z", READ_WITH)
NEEDS = Needs(frozenset({"cn"}), frozenset({"cn"}))
DOMAIN = bytes.fromhex("0105000000000005150000000102030405060708090a0b0c")
WINDOWS = Traits("active_directory")
UNREADABLE, READ = Readability.UNREADABLE, Readability.READ

Raw = dict[str, list[bytes]]


def _sid(rid: int) -> bytes:
    return DOMAIN + rid.to_bytes(4, "little")


def _reduction(people: dict[str, Raw], groups: dict[str, Raw], traits: Traits = WINDOWS) -> Reduction:
    reduction = Reduction(NEEDS, standard_schema(), moment_of(ORIGIN.read_at), traits)
    for dn, raw in people.items():
        reduction.add_person(dn.encode(), raw)
    for dn, raw in groups.items():
        reduction.add_group(dn.encode(), raw)
    return reduction


def _members(snapshot: Snapshot) -> dict[str, list[str]]:
    return {
        group.dn: [
            *(snapshot.people[place].dn for place in group.people),
            *(snapshot.groups[place].dn for place in group.groups),
        ]
        for group in snapshot.groups
    }


def test_a_primary_group_has_everybody_who_names_it_as_one() -> None:
    """Beside those in its member attribute, each once; a number that no group here has names none."""
    people: dict[str, Raw] = {
        "cn=a": {"objectSid": [_sid(1001)], "primaryGroupID": [b"513"]},
        "cn=b": {"objectSid": [_sid(1002)], "primaryGroupID": [b"513"]},
        "cn=c": {"objectSid": [_sid(1003)], "primaryGroupID": [b"999"]},
        "cn=d": {},
    }
    groups: dict[str, Raw] = {
        "cn=users": {"objectSid": [_sid(513)], "member": [b"cn=d", b"cn=a"]},
        "cn=other": {"objectSid": [_sid(514)], "member": [b"cn=users"]},
        "cn=none": {},
    }
    snapshot = _reduction(people, groups).snapshot(ORIGIN)
    assert _members(snapshot) == {"cn=none": [], "cn=other": ["cn=users"], "cn=users": ["cn=a", "cn=b", "cn=d"]}


def test_only_active_directory_has_primary_groups() -> None:
    """Elsewhere an attribute of that name means nothing."""
    people: dict[str, Raw] = {"cn=a": {"primaryGroupID": [b"513"]}}
    assert _reduction(people, {"cn=g": {}}, Traits()).snapshot(ORIGIN).groups[0].people == ()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"primaryGroupID": [b"513"]}, 'entry "cn=a": it has a primary group, and objectSid, which tells which one'),
        ({"primaryGroupID": [b"x"], "objectSid": [_sid(1)]}, "its primary group cannot be read: invalid literal"),
        ({"primaryGroupID": [b"513"], "objectSid": [b"\x01"]}, "its primary group cannot be read: 1 bytes are no SID"),
    ],
)
def test_a_primary_group_that_cannot_be_told_ends_the_read(raw: Raw, said: str) -> None:
    """Else its member would seem to have left it."""
    with pytest.raises(ReadIncomplete) as caught:
        _reduction({"cn=a": raw}, {})
    assert said in str(caught.value)


def test_member_of_counts_only_where_the_group_shows_nobody() -> None:
    """Whoever claims to be in an empty or unreadable group is; a group that shows members is believed."""
    people: dict[str, Raw] = {
        "cn=a": {"memberOf": [b"cn=hidden,ou=g,dc=x", b"CN=Open, ou=g,dc=x"]},
        "cn=b": {"memberOf": [b"cn=HIDDEN,ou=g,dc=x", b"nonsense", b"\xff"]},
    }
    groups: dict[str, Raw] = {
        "cn=hidden,ou=g,dc=x": {"objectClass": [b"groupOfNames"]},
        "cn=open,ou=g,dc=x": {"member": [b"cn=b"], "memberOf": [b"cn=hidden,ou=g,dc=x"]},
        "cn=shut,ou=g,dc=x": {"objectClass": [b"groupOfNames"]},
    }
    snapshot = _reduction(people, groups, Traits(member_of=True)).snapshot(ORIGIN)
    assert _members(snapshot) == {
        "cn=hidden,ou=g,dc=x": ["cn=a", "cn=b", "cn=open,ou=g,dc=x"],
        "cn=open,ou=g,dc=x": ["cn=b"],
        "cn=shut,ou=g,dc=x": [],
    }
    assert [group.readability for group in snapshot.groups] == [READ, READ, UNREADABLE]
    (warning,) = snapshot.warnings
    assert warning == ("the members of cn=hidden,ou=g,dc=x come from memberOf, because it shows none to this account")


def test_a_group_that_only_member_of_tells_of_is_there() -> None:
    """Where groups are read and no filter says what one is; anywhere else it stays unseen."""
    claims = [b"cn=unseen,ou=g,dc=x", b"cn=elsewhere,dc=x", b"ou=unnamed,ou=g,dc=x"]
    people: dict[str, Raw] = {"cn=a": {"memberOf": claims}}
    reduction = _reduction(people, {}, Traits(member_of=True))
    snapshot = reduction.snapshot(ORIGIN)
    assert [(group.cn, group.key, group.people) for group in snapshot.groups] == [
        ("unseen", "dn:cn=unseen,ou=g,dc=x", (0,)),
        ("", "dn:ou=unnamed,ou=g,dc=x", (0,)),
    ]
    assert [dict(group.attributes) for group in snapshot.groups] == [{"cn": ("unseen",)}, {}]
    assert "because they show none" in snapshot.warnings[0]
    filtered = replace(ORIGIN, read_with=replace(READ_WITH, group_filter="(cn=app-*)"))
    assert _reduction(people, {}, Traits(member_of=True)).snapshot(filtered).groups == ()


def test_member_of_is_not_looked_at_unless_the_policy_says_so() -> None:
    """Overlays that write it are not always right."""
    people: dict[str, Raw] = {"cn=a": {"memberOf": [b"cn=g,ou=g,dc=x"]}}
    assert _reduction(people, {}, Traits()).snapshot(ORIGIN).groups == ()


def test_a_dynamic_group_whose_search_nobody_made_is_unreadable() -> None:
    """The warning says how to have it made."""
    groups: dict[str, Raw] = {
        "cn=g": {"objectClass": [b"groupOfURLs"], "memberURL": [b"ldap:///dc=x??sub?(cn=a)"], "member": [b"cn=a"]}
    }
    reduction = _reduction({"cn=a": {}}, groups, Traits())
    assert dict(reduction.searches) == {"cn=g": ()}
    snapshot = reduction.snapshot(ORIGIN)
    assert (snapshot.groups[0].readability, snapshot.groups[0].people) == (UNREADABLE, (0,))
    assert snapshot.warnings == (
        (
            "cn=g has members by a search (memberURL), which was not made, so the group counts as unreadable; "
            "read from a server, dynamic_groups: true in the policy makes such searches"
        ),
    )


def test_what_the_search_of_a_dynamic_group_finds_are_its_members() -> None:
    """Beside those that it names; who is neither a person nor a group of this directory does not count."""
    groups: dict[str, Raw] = {
        "cn=g": {"objectClass": [b"GroupOfURLs"], "memberURL": [b"u1", b"u2"], "member": [b"cn=a"]},
        "cn=h": {},
    }
    reduction = _reduction({"cn=a": {}, "cn=b": {}}, groups, Traits(dynamic_groups=True))
    ((group, urls),) = reduction.searches.items()
    assert urls == [b"u1", b"u2"]
    reduction.add_members(group, [b"CN=B", b"cn=h", b"cn=printer", b"cn=a"])
    snapshot = reduction.snapshot(ORIGIN)
    assert _members(snapshot)["cn=g"] == ["cn=a", "cn=b", "cn=h"]
    assert (snapshot.groups[0].readability, snapshot.groups[0].dangling, snapshot.warnings) == (READ, (), ())


def test_principals_of_other_domains_are_named() -> None:
    """They get nothing, and the group is readable all the same."""
    elsewhere = b"CN=S-1-5-21-1-2-3-1104,CN=ForeignSecurityPrincipals,DC=ad"
    snapshot = _reduction({"cn=a": {}}, {"cn=g": {"member": [b"cn=a", elsewhere]}}).snapshot(ORIGIN)
    assert (snapshot.groups[0].readability, snapshot.groups[0].dangling) == (READ, (elsewhere.decode(),))
    assert snapshot.warnings == (
        "cn=g has S-1-5-21-1-2-3-1104: members of other domains, who are not in this directory and get nothing from it",
    )


def test_a_group_that_holds_everybody_is_not_resolved_as_nobody() -> None:
    """Authenticated Users is whoever logs in: nobody knows who that is, so the group is unreadable."""
    everybody = b"CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=ad"
    groups: dict[str, Raw] = {f"cn=g{n}": {"member": [everybody]} for n in range(7)}
    snapshot = _reduction({}, groups).snapshot(ORIGIN)
    assert {group.readability for group in snapshot.groups} == {UNREADABLE}
    assert "cn=g0 has S-1-5-11, " in snapshot.warnings[0]
    assert "and 2 more: stands for whoever the system says" in snapshot.warnings[0]


def test_a_global_catalogue_knows_the_members_of_universal_groups_of_other_domains_alone() -> None:
    """Of its own domain it knows all."""
    groups: dict[str, Raw] = {
        "cn=a,dc=home": {"groupType": [b"-2147483646"]},
        "cn=e,ou=x,dc=child,dc=home": {"groupType": [b"-2147483646"]},
        "cn=b,dc=other": {"groupType": [b"-2147483640"]},
        "cn=c,dc=other": {"groupType": [b"-2147483646"]},
        "cn=d,dc=other": {},
    }
    traits = Traits("active_directory", home=dn_key("dc=home"))
    snapshot = _reduction({}, groups, traits).snapshot(ORIGIN)
    assert {group.dn: group.readability for group in snapshot.groups} == {
        "cn=a,dc=home": READ,
        "cn=b,dc=other": READ,
        "cn=c,dc=other": UNREADABLE,
        "cn=d,dc=other": UNREADABLE,
        "cn=e,ou=x,dc=child,dc=home": UNREADABLE,
    }
    with pytest.raises(ReadIncomplete, match="its groupType cannot be read"):
        _reduction({}, {"cn=a,dc=other": {"groupType": [b"many"]}}, traits)


def test_somebody_renamed_during_the_read_keeps_the_groups() -> None:
    """The group names the new DN, the person came under the old one; the stable id says that they are one."""
    uuid = {"entryUUID": [b"11111111-0000-4000-8000-000000000001"]}
    groups: dict[str, Raw] = {"cn=g,ou=g,dc=x": {"member": [b"CN=New,dc=x", b"cn=ghost,dc=x", b"cn=far,dc=y", b"nodn"]}}
    reduction = _reduction({"cn=old,dc=x": uuid}, groups, Traits())
    names = candidates(reduction, ("dc=x", "ou=g,dc=x"))
    assert names == [b"CN=New,dc=x", b"cn=ghost,dc=x"]
    other = {"entryUUID": [b"22222222-0000-4000-8000-000000000001"]}
    recognise(reduction, [(b"cn=new,dc=x", uuid), (b"cn=stranger,dc=x", other)], names)
    snapshot = reduction.snapshot(ORIGIN)
    assert snapshot.groups[0].people == (0,)
    assert snapshot.groups[0].dangling == ("cn=far,dc=y", "cn=ghost,dc=x", "nodn")


def test_somebody_who_is_there_and_did_not_come_ends_the_read() -> None:
    """Moved behind the back of the searches, or made meanwhile: in no answer, and not gone."""
    uuid = {"entryUUID": [b"11111111-0000-4000-8000-000000000001"]}
    reduction = _reduction({}, {"cn=g,ou=g,dc=x": {"member": [b"cn=bob,ou=a,dc=x"]}}, Traits())
    names = candidates(reduction, ("dc=x",))
    said = r'entry "CN=Bob,ou=a,dc=x" is there now and did not come before'
    with pytest.raises(ReadIncomplete, match=said):
        recognise(reduction, [(b"CN=Bob,ou=a,dc=x", uuid)], names)
    with pytest.raises(ReadIncomplete, match=said):
        check_all_came(reduction, [(b"CN=Bob,ou=a,dc=x", uuid)])
    check_all_came(_reduction({"cn=bob,ou=b,dc=x": uuid}, {}, Traits()), [(b"CN=Bob,ou=a,dc=x", uuid)])


def test_a_group_that_holds_a_placeholder_shows_its_members() -> None:
    """An empty DN stands for nobody where a class demands a member: what people claim does not count then."""
    people: dict[str, Raw] = {"cn=a": {"memberOf": [b"cn=g,ou=g,dc=x"]}}
    groups: dict[str, Raw] = {"cn=g,ou=g,dc=x": {"objectClass": [b"groupOfNames"], "member": [b""]}}
    snapshot = _reduction(people, groups, Traits(member_of=True)).snapshot(ORIGIN)
    assert (snapshot.groups[0].people, snapshot.groups[0].readability, snapshot.warnings) == ((), READ, ())


def test_what_is_asked_for_follows_from_what_counts() -> None:
    """No server is asked for what nobody looks at."""
    assert WINDOWS.person_attributes() == {"objectSid", "primaryGroupID"}
    assert WINDOWS.group_attributes() == {"objectSid", "groupType"}
    both = Traits(member_of=True, dynamic_groups=True)
    assert both.person_attributes() == {"memberOf"}
    assert both.group_attributes() == {"memberOf", "memberURL"}
    assert Traits().person_attributes() == Traits().group_attributes() == frozenset()


def test_submember_is_a_member_attribute() -> None:
    """Some directories name members by it."""
    snapshot = _reduction({"cn=a": {}}, {"cn=g": {"submember": [b"cn=a"]}}, Traits()).snapshot(ORIGIN)
    assert snapshot.groups[0].people == (0,)


@pytest.mark.parametrize("value", [b"-9223372036854775808", b"1" * 41])
def test_a_date_that_no_calendar_has_ends_the_read(value: bytes) -> None:
    """It is named, and the program does not fall over it."""
    with pytest.raises(ReadIncomplete, match="its marker of disabled accounts cannot be read"):
        _reduction({"cn=a": {"accountExpires": [value]}}, {})
