"""What a complete read of OpenLDAP holds, how few questions it asks, and that an export of the same data reads the same."""

from __future__ import annotations

import gc
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.directory.read import read_directory
from reconciler.model.directory import Needs, Readability, Snapshot
from reconciler.model.filter import parse_filter
from reconciler.policy.model import Bind
from tests.servers.directories import (
    BASE,
    NEEDS,
    READ_AT,
    SMALL,
    awkward,
    ldap_config,
    ldif_config,
    people_and_groups,
    secret,
)
from tests.servers.slapd import PASSWORD, Options, Slapd

pytestmark = pytest.mark.slapd

StartSlapd = Callable[..., Slapd]


def _read(server: Slapd, needs: Needs = NEEDS, **changes: object) -> Snapshot:
    return read_directory(ldap_config(server.ldapi_url, **changes), needs, READ_AT)


def _export(server: Slapd, file: Path) -> Path:
    with file.open("wb") as out:
        subprocess.run(
            ["ldapsearch", "-x", "-LLL", "-E", "pr=500/noprompt", "-H", server.ldapi_url, "-b", server.base, "*", "+"],
            check=True,
            stdout=out,
        )
    return file


def test_people_are_known_by_entry_uuid_and_hold_what_the_policy_names(slapd: Slapd) -> None:
    """Names are canonical, options are kept, nothing else is there."""
    people = {person.attributes["uid"][0]: person for person in _read(slapd).people}
    assert people["alice"].key == "11111111-0000-4000-8000-00000000000a"
    assert people["alice"].attributes == {
        "uid": ("alice",),
        "mail": ("alice@example.com", "a.arden@example.com"),
        "displayname": ("Alice",),
        "objectclass": ("inetOrgPerson", "posixAccount"),
    }
    assert people["jdoe"].attributes["description;lang-de"] == ("Buchhaltung",)


def test_only_the_administrative_lock_disables(slapd: Slapd) -> None:
    """A lock that failed passwords set ends by itself; an account past its last day is disabled."""
    disabled = {person.attributes["uid"][0] for person in _read(slapd).people if person.disabled}
    assert disabled == {"locked", "expired"}


def test_members_are_found_however_they_are_written(slapd: Slapd) -> None:
    """Other case, other escapes, other order, a UID suffix, a login; what names nobody is listed."""
    snapshot = _read(slapd)
    groups = {group.cn: group for group in snapshot.groups}
    names = {place: person.attributes["uid"][0] for place, person in enumerate(snapshot.people)}
    assert {names[place] for place in groups["devs"].people} == {"alice", "jdoe", "rd"}
    assert groups["devs"].dangling == (f"uid=ghost,ou=people,{BASE}",)
    assert {names[place] for place in groups["circle"].people} == {"locked"}
    assert {snapshot.groups[place].cn for place in groups["all"].groups} == {"devs", "circle"}
    assert {snapshot.groups[place].cn for place in groups["circle"].groups} == {"all"}
    assert {names[place] for place in groups["unix"].people} == {"alice"}
    assert groups["unix"].dangling == ("ALICE", "nobody-here")
    assert (groups["nobody"].people, groups["nobody"].readability) == ((), Readability.READ)


def test_the_source_is_an_ldap_url(slapd: Slapd) -> None:
    """Server and base, without any name to log in with."""
    assert _read(slapd).source == f"{slapd.ldapi_url}/{BASE}"


def test_groups_in_groups_are_left_out_where_the_policy_says_so(slapd: Slapd) -> None:
    """Their own members stay."""
    groups = {group.cn: group for group in _read(slapd, nested_groups=False).groups}
    assert (groups["all"].people, groups["all"].groups, groups["all"].dangling) == ((), (), ())
    assert len(groups["circle"].people) == 1


def test_the_pages_do_not_matter(slapd: Slapd) -> None:
    """One entry a page, or all on one."""
    assert _read(slapd, page_size=1).digest == _read(slapd, page_size=1000).digest


def test_filters_of_the_policy_reach_the_server_unchanged(start_slapd: StartSlapd) -> None:
    """Spaces at the ends of values, parentheses, letters of other alphabets, empty lists."""
    server = start_slapd(awkward(3))
    written = r"(&(objectClass=person)(|(cn=*\2c J\c3\b6rg*)(cn=  日本 *)(cn=\23lead*)(uid=u1 )(!(&))(|))(!(uid=u2)))"
    filters = {"user_filter": parse_filter(written), "group_filter": parse_filter("(cn=g*)")}
    snapshot = _read(server, Needs(frozenset({"cn", "uid"}), frozenset({"cn"})), **filters)
    found = {person.attributes["uid"][0] for person in snapshot.people}
    asked = subprocess.run(
        ["ldapsearch", "-x", "-LLL", "-H", server.ldapi_url, "-b", BASE, written, "uid"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert found == {line.removeprefix("uid: ") for line in asked.stdout.splitlines() if line.startswith("uid: ")}
    assert found


def test_an_entry_that_is_both_is_a_group(slapd: Slapd) -> None:
    """Nobody gets access as a group."""
    both = parse_filter("(objectClass=*)")
    snapshot = _read(slapd, user_filter=both, group_filter=parse_filter("(objectClass=groupOfNames)"))
    assert [group.cn for group in snapshot.groups] == ["all", "devs"]
    assert not {person.dn for person in snapshot.people} & {group.dn for group in snapshot.groups}


@pytest.mark.parametrize("groups", [3, 300])
def test_a_read_asks_four_questions_whatever_the_number_of_groups(start_slapd: StartSlapd, groups: int) -> None:
    """Root DSE, schema, people, groups; a further page is the same question continued."""
    server = start_slapd(people_and_groups(50, groups))
    server.forget()
    assert len(_read(server).groups) == groups
    assert len(server.searches()) == 4


def test_only_what_is_needed_is_asked_for(slapd: Slapd) -> None:
    """No star, no plus: attribute by attribute."""
    slapd.forget()
    _read(slapd, Needs(frozenset({"mail"}), frozenset({"cn"})))
    asked = [line.partition("attr=")[2].split() for line in slapd.operations("SRCH attr=")]
    assert {"mail", "entryUUID", "pwdAccountLockedTime", "uid", "objectClass"} <= set(asked[2])
    assert not {"*", "+", "sn", "userPassword", "memberOf"} & {name for names in asked for name in names}


def test_a_group_whose_members_are_hidden_is_unreadable(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Its class demands a member, so seeing none means not being allowed to."""
    hidden = 'access to dn.exact="cn=devs,ou=groups,dc=example,dc=com" attrs=member by * none'
    server = start_slapd(SMALL, Options(access=hidden))
    bind = Bind(server.reader_dn, secret(PASSWORD, tmp_path))
    groups = {group.cn: group for group in _read(server, bind=bind).groups}
    assert (groups["devs"].people, groups["devs"].readability) == ((), Readability.UNREADABLE)
    assert groups["all"].readability is Readability.READ
    assert groups["nobody"].readability is Readability.READ


def test_a_schema_that_is_hidden_is_replaced_and_told(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Comparing goes on by the rules of the standard schemas."""
    server = start_slapd(SMALL, Options(extra_global='access to dn.base="cn=Subschema" by * none'))
    bind = Bind(server.reader_dn, secret(PASSWORD, tmp_path))
    snapshot = _read(server, bind=bind, dialect="openldap")  # that rule hides the root DSE, too
    assert snapshot.warnings == ("the server shows no schema: attributes compare by the rules of the standard schemas",)
    assert not snapshot.schema.from_server
    assert len(snapshot.people) == 6


def test_the_collector_is_as_it_was_after_a_read(slapd: Slapd) -> None:
    """Also where it was off before."""
    _read(slapd)
    assert gc.isenabled()
    gc.disable()
    try:
        _read(slapd)
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("ldif", [SMALL, people_and_groups(60, 40), *(awkward(seed) for seed in range(4))])
def test_an_export_of_a_server_reads_as_the_server_does(start_slapd: StartSlapd, tmp_path: Path, ldif: str) -> None:
    """People, groups and their members are equal, one by one."""
    server = start_slapd(ldif)
    live = _read(server)
    saved = read_directory(ldif_config(_export(server, tmp_path / "export.ldif")), NEEDS, READ_AT)
    assert saved.people == live.people
    assert saved.groups == live.groups


def test_every_member_of_an_awkward_directory_is_found(start_slapd: StartSlapd) -> None:
    """Only those that are truly nobody dangle."""
    for seed in range(3):
        live = _read(start_slapd(awkward(seed)))
        nobody = {name for group in live.groups for name in group.dangling}
        assert all("gone" in name.lower() or name.startswith("u") for name in nobody), nobody
        assert sum(len(group.people) for group in live.groups) > 20


def test_the_digest_is_of_the_content_alone(start_slapd: StartSlapd, slapd: Slapd) -> None:
    """Another server and another time, the same data: the same digest."""
    other = start_slapd(SMALL)
    later = read_directory(ldap_config(other.url), NEEDS, "2026-11-21T00:00:00Z")
    assert later.digest == _read(slapd).digest
    assert replace(later, source="", read_at="") == replace(_read(slapd), source="", read_at="")
