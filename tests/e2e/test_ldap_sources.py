"""Memberships that are not simply read from a group, bases, canaries: against OpenLDAP and a scripted domain controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from reconciler.directory.read import read_directory
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Needs, Readability, Snapshot
from reconciler.policy.model import Bind, Canary
from tests.fakes import active_directory, ldap_ranges
from tests.fakes.ldap_responder import Directory, Entry, Request, responder
from tests.servers.directories import BASE, NEEDS, READ_AT, SMALL, ldap_config, secret
from tests.servers.slapd import PASSWORD, Options, Slapd

StartSlapd = Callable[..., Slapd]

PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
DOMAIN = "DC=ad,DC=example"
USERS = [f"CN=u{n},CN=Users,{DOMAIN}" for n in range(5400)]
BIG = f"CN=big,OU=Groups,{DOMAIN}"
HIDDEN = "access to attrs=member,uniqueMember by * none"
CLAIMS = """
dn: cn=secret,ou=groups,dc=example,dc=com
objectClass: groupOfNames
entryUUID: aaaaaaaa-0000-4000-8000-000000000009
cn: secret
member: uid=alice,ou=people,dc=example,dc=com
member: uid=locked,ou=people,dc=example,dc=com
"""
DYNAMIC = """
dn: cn=staff,ou=groups,dc=example,dc=com
objectClass: groupOfURLs
entryUUID: aaaaaaaa-0000-4000-8000-00000000000a
cn: staff
memberURL: ldap:///ou=people,dc=example,dc=com??sub?(title=Staff Engineer)
memberURL: ldap:///uid=locked,ou=people,dc=example,dc=com??base?(objectClass=person)

dn: cn=abroad,ou=groups,dc=example,dc=com
objectClass: groupOfURLs
entryUUID: aaaaaaaa-0000-4000-8000-00000000000b
cn: abroad
memberURL: ldap://elsewhere.example/dc=example,dc=com??sub?(title=*)

dn: cn=misspelt,ou=groups,dc=example,dc=com
objectClass: groupOfURLs
entryUUID: aaaaaaaa-0000-4000-8000-00000000000c
cn: misspelt
memberURL: ldap:///dc=example,dc=com??sub?(!(titel=Boss))

dn: cn=nowhere,ou=groups,dc=example,dc=com
objectClass: groupOfURLs
entryUUID: aaaaaaaa-0000-4000-8000-00000000000d
cn: nowhere
memberURL: ldap:///ou=gone,dc=example,dc=com??sub?(title=*)
"""


def _read(server: Slapd, needs: Needs = NEEDS, **changes: object) -> Snapshot:
    return read_directory(ldap_config(server.url, **changes), needs, READ_AT)


def _members(snapshot: Snapshot, cn: str) -> list[str]:
    (group,) = [group for group in snapshot.groups if group.cn == cn]
    return [snapshot.people[place].attributes["uid"][0] for place in group.people]


@pytest.fixture(scope="module")
def claiming(start_slapd: StartSlapd) -> Slapd:
    """A server whose groups hide their members from readers, while people say what they are in."""
    alice = SMALL.replace("uid: alice\n", f"uid: alice\nmemberOf: cn=secret,ou=groups,{BASE}\n")
    both = alice.replace("uid: locked\n", f"uid: locked\nmemberOf: CN=Secret, ou=groups,{BASE}\n")
    return start_slapd(both + CLAIMS, Options(access=HIDDEN))


@pytest.mark.slapd
def test_member_of_stands_in_for_members_that_may_not_be_read(claiming: Slapd, tmp_path: Path) -> None:
    """Only where the policy says so; without it the group is unreadable, not empty."""
    bind = Bind(claiming.reader_dn, secret(PASSWORD, tmp_path))
    config = ldap_config(claiming.ldapi_url, bind=bind)
    closed = read_directory(config, NEEDS, READ_AT)
    assert {group.cn: group.readability for group in closed.groups}["secret"] is Readability.UNREADABLE
    opened = read_directory(ldap_config(claiming.ldapi_url, bind=bind, member_of=True), NEEDS, READ_AT)
    assert _members(opened, "secret") == ["alice", "locked"]
    readable = {group.cn for group in opened.groups if group.readability is Readability.READ}
    assert readable == {"secret", "unix", "nobody"}
    assert any("come from memberOf" in warning for warning in opened.warnings)


@pytest.mark.slapd
def test_a_group_that_may_not_be_seen_at_all_is_known_by_its_members(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Its name is that of its DN."""
    alice = SMALL.replace("uid: alice\n", f"uid: alice\nmemberOf: cn=secret,ou=groups,{BASE}\n")
    unseen = f'access to dn.exact="cn=secret,ou=groups,{BASE}" by * none'
    server = start_slapd(alice + CLAIMS, Options(access=unseen))
    bind = Bind(server.reader_dn, secret(PASSWORD, tmp_path))
    snapshot = read_directory(ldap_config(server.ldapi_url, bind=bind, member_of=True), NEEDS, READ_AT)
    assert _members(snapshot, "secret") == ["alice"]


@pytest.fixture(scope="module")
def dynamic(start_slapd: StartSlapd) -> Slapd:
    """A server with dynamic groups, which it does not expand itself."""
    schemas = ("core", "cosine", "inetorgperson", "nis", "dyngroup")
    return start_slapd(SMALL + DYNAMIC, Options(schemas=schemas))


@pytest.mark.slapd
def test_dynamic_groups_are_expanded_where_the_policy_asks_for_it(dynamic: Slapd) -> None:
    """One search for each memberURL; what it finds are members."""
    dynamic.forget()
    snapshot = _read(dynamic, dynamic_groups=True)
    assert _members(snapshot, "staff") == ["alice", "locked"]
    assert len(dynamic.searches()) == 4 + 3 + 1  # the usual, three searches, and a look at whom a group names in vain


@pytest.mark.slapd
def test_a_dynamic_group_that_this_server_cannot_answer_is_unreadable(dynamic: Slapd) -> None:
    """Another server's entries, a filter that selects nobody or everybody, a base that is gone: named, and never empty."""
    snapshot = _read(dynamic, dynamic_groups=True)
    found = {group.cn: group.readability for group in snapshot.groups}
    assert {cn for cn, how in found.items() if how is Readability.UNREADABLE} == {"abroad", "misspelt", "nowhere"}
    (warning,) = snapshot.warnings
    named = ", ".join(f"cn={cn},ou=groups,{BASE}" for cn in ("abroad", "misspelt", "nowhere"))
    assert f"{named} have members by a search" in warning


@pytest.mark.slapd
def test_dynamic_groups_are_missing_where_nobody_asks_for_them(dynamic: Slapd) -> None:
    """A link to one is a link to a group that is not there, which freezes what it gives."""
    assert "staff" not in {group.cn for group in _read(dynamic).groups}


@pytest.mark.slapd
def test_several_bases_are_read_one_after_the_other(slapd: Slapd) -> None:
    """One search for each; the same snapshot as from the base above them, but for what it says of itself."""
    slapd.forget()
    both = _read(slapd, base=(f"ou=people,{BASE}", f"ou=groups,{BASE}"), group_base=(f"ou=groups,{BASE}",))
    assert len(slapd.searches()) == 2 + 2 + 1 + 1 + 1  # the first base once more, by id, and a look at a name of nobody
    whole = _read(slapd)
    assert (both.people, both.groups) == (whole.people, whole.groups)
    assert both.source.endswith(f"/ou=people,{BASE} and 1 more")
    people_only = _read(slapd, base=(f"uid=alice,ou=people,{BASE}", f"uid=locked,ou=people,{BASE}"), group_base=BASE)
    assert [person.attributes["uid"] for person in people_only.people] == [("alice",), ("locked",)]


@pytest.mark.slapd
def test_a_canary_tells_lost_rights_from_departures(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """The server answers with success and without the entries that it hides now."""
    server = start_slapd(SMALL, Options(access=f'access to dn.subtree="ou=people,{BASE}" by * none'))
    bind = Bind(server.reader_dn, secret(PASSWORD, tmp_path))
    assert read_directory(ldap_config(server.ldapi_url, bind=bind), NEEDS, READ_AT).people == ()
    canary = Canary((f"uid=alice,ou=people,{BASE}",), min_people=2)
    with pytest.raises(ReadIncomplete, match="has the account that reads lost rights"):
        read_directory(ldap_config(server.ldapi_url, bind=bind, canary=canary), NEEDS, READ_AT)


def _domain(members: Sequence[bytes | str], **options: object) -> Directory:
    people: list[Entry] = [active_directory.user(dn, number) for number, dn in enumerate(USERS, 1)]
    groups: list[Entry] = [active_directory.group(BIG, 90001, members)]
    return Directory(
        {DOMAIN: [*people, *groups]},
        root=active_directory.root_dse(DOMAIN),
        page_cap=active_directory.MAX_PAGE_SIZE,
        value_cap=active_directory.MAX_VALUE_RANGE,
        **options,  # type: ignore[arg-type]  # the caller names fields of Directory
    )


def _read_domain(fake: Directory) -> Snapshot:
    with responder(fake) as url:
        return read_directory(ldap_config(url, base=DOMAIN, page_size=5000), NEEDS, READ_AT)


@pytest.mark.parametrize(("count", "slices"), [(1499, 0), (1500, 0), (1501, 2), (2999, 2), (3001, 3), (5400, 4)])
def test_a_group_is_read_to_its_last_member(count: int, slices: int) -> None:
    """More than 1,500, more than 5,000: slice by slice, each begun with the last value of the one before."""
    fake = _domain(USERS[:count])
    snapshot = _read_domain(fake)
    assert len(snapshot.groups[0].people) == count
    assert snapshot.groups[0].dangling == ()
    assert snapshot.dialect == "active_directory"
    pages = 6 + 1  # 5,400 people by MaxPageSize, one page of groups
    assert fake.searches() == 2 + pages + slices


@pytest.mark.parametrize(
    "cut", [ldap_ranges.endless, ldap_ranges.unfinished, ldap_ranges.repeating, ldap_ranges.stuck, ldap_ranges.gapped]
)
def test_slices_that_lie_end_the_read(cut: Callable[[ldap_ranges.Ask], ldap_ranges.Slice]) -> None:
    """No end, no last one, the same one again, one value left out between two."""
    with pytest.raises(ReadIncomplete) as caught:
        _read_domain(_domain(USERS[:4000], cut=cut))
    assert f'groups under "{DOMAIN}": entry "{BIG}": ' in str(caught.value)


def test_a_group_that_changes_between_slices_is_read_anew() -> None:
    """By its version, and, where a member was deleted, by the value that the next slice begins with."""
    members: list[bytes | str] = list(USERS[:4000])
    fake = _domain(members)
    group = fake.entries[DOMAIN][-1][1]
    seen: list[str] = []

    def before(request: Request) -> None:
        if any(";range=" in name for name in request.attributes):
            seen.extend(request.attributes)
            if len(seen) == 4:  # the second slice
                members.remove(USERS[7])
            if len(seen) == 10:
                members.append(USERS[5000])
                group["uSNChanged"] = ["101"]  # type: ignore[index]  # the responder hands out dictionaries

    fake.before = before
    snapshot = _read_domain(fake)
    wanted = {*USERS[:4000], USERS[5000]} - {USERS[7]}
    assert {snapshot.people[place].dn for place in snapshot.groups[0].people} == wanted
    assert len(seen) > 10


def test_a_group_that_goes_away_between_slices_ends_the_read() -> None:
    """It was there, so its members are not nobody."""
    fake = _domain(USERS[:4000])

    def before(request: Request) -> None:
        if any(";range=" in name for name in request.attributes):
            fake.entries[DOMAIN].pop()  # type: ignore[attr-defined]  # the lists of this test

    fake.before = before
    with pytest.raises(ReadIncomplete, match="ended with noSuchObject"):
        _read_domain(fake)


def _renaming(count: int, root: Mapping[str, Sequence[bytes | str]] | None = None) -> tuple[Directory, list[str]]:
    """A directory in which the first person is renamed after people were read; some other names are of nobody."""
    people: list[Entry] = [
        (f"cn=p{n},{PEOPLE}", {"objectClass": ["person", "user"], "entryUUID": [f"{n:08}-0000-4000-8000-000000000001"]})
        for n in range(4)
    ]
    ghosts = [f"cn=ghost{n},{PEOPLE}" for n in range(count)]
    new = f"cn=new name,{PEOPLE}"
    group: Entry = (
        f"cn=g,{GROUPS}",
        {"objectClass": ["groupOfNames", "group"], "member": [new, people[1][0], *ghosts]},
    )
    fake = Directory({PEOPLE: people, GROUPS: [group]}, root=root or {})

    def before(request: Request) -> None:
        if request.base == GROUPS:
            people[0] = (new, people[0][1])

    fake.before = before
    return fake, ghosts


@pytest.mark.parametrize(
    ("count", "root", "searches"),
    [
        (0, None, 2 + 2 + 1),
        (7, None, 2 + 2 + 8),
        (60, None, 2 + 2 + 2),
        (7, active_directory.root_dse(BASE, usn=4711), 2 + 2 + 2),
    ],
    ids=["one look", "a few looks", "a list of all", "a list of what has changed"],
)
def test_somebody_renamed_during_the_read_stays_in_the_groups(
    count: int, root: Mapping[str, Sequence[bytes | str]] | None, searches: int
) -> None:
    """Found again by the stable id, whatever it takes to look; who is nobody stays nobody."""
    fake, ghosts = _renaming(count, root)
    with responder(fake) as url:
        snapshot = read_directory(ldap_config(url, base=PEOPLE, group_base=GROUPS), NEEDS, READ_AT)
    assert [snapshot.people[place].dn for place in snapshot.groups[0].people] == [f"cn=p0,{PEOPLE}", f"cn=p1,{PEOPLE}"]
    assert snapshot.groups[0].dangling == tuple(sorted(ghosts))
    assert fake.searches() == searches
    if root:
        assert all(b"4711" in request.searched for request in fake.asked[-2:])


def test_somebody_who_moves_between_two_bases_during_the_read_is_not_lost() -> None:
    """From the second into the first, after that was read: in no answer, and the read ends rather than lose anybody."""
    first, second = f"ou=a,{BASE}", f"ou=b,{BASE}"
    bob = {"objectClass": ["person"], "entryUUID": ["11111111-0000-4000-8000-000000000001"]}
    entries: dict[str, list[Entry]] = {
        first: [(f"cn=ann,{first}", {"objectClass": ["person"]})],
        second: [(f"cn=bob,{second}", bob)],
        GROUPS: [(f"cn=g,{GROUPS}", {"objectClass": ["groupOfNames"], "member": [f"cn=ann,{first}"]})],
    }
    fake = Directory(entries)

    def before(request: Request) -> None:
        if request.base == second and entries[second]:
            entries[second].clear()
            entries[first].append((f"cn=bob,{first}", bob))

    fake.before = before
    config = {"base": (first, second), "group_base": GROUPS}
    with responder(fake) as url:
        with pytest.raises(ReadIncomplete, match=f'entry "cn=bob,{first}" is there now and did not come before'):
            read_directory(ldap_config(url, **config), NEEDS, READ_AT)
        assert len(read_directory(ldap_config(url, **config), NEEDS, READ_AT).people) == 2
