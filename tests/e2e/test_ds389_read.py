"""What a complete read of 389 Directory Server holds, against a real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ldap3
import pytest
import yaml

from reconciler.directory.read import read_directory
from reconciler.errors import DirectoryUnreachable
from reconciler.model.directory import DirectoryGroup, Needs, Person, Readability, Snapshot
from reconciler.policy.model import Bind, Tls
from tests.e2e.planned import planned
from tests.examples import reconcile
from tests.servers.directories import READ_AT, ldap_config, people_and_groups, secret
from tests.servers.directory_389 import GHOST, GROUP_DNS, PERSON_DNS, fill, manager
from tests.servers.ds389 import Ds389, Options
from tests.servers.ldif_tools import added, replaced

pytestmark = pytest.mark.ds389

StartDs389 = Callable[..., Ds389]
_NEEDS = Needs(frozenset({"uid", "cn", "mail", "objectClass"}), frozenset({"cn"}))


@pytest.fixture
def read(ds389: Ds389, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Snapshot]:
    """Return a way to read the shared server as the account that may read, over LDAPS."""
    password = secret(ds389.password, tmp_path_factory.mktemp("reader"))

    def read_it(**changes: object) -> Snapshot:
        usual = {"bind": Bind(ds389.reader_dn, password), "tls": Tls(ds389.ca_file)}
        return read_directory(ldap_config(ds389.ldaps_url, **usual | changes), _NEEDS, READ_AT)

    return read_it


def _logins(snapshot: Snapshot, group: DirectoryGroup) -> set[str]:
    return {snapshot.people[place].attributes["uid"][0] for place in group.people}


@pytest.mark.parametrize("dialect", ["auto", "389ds"])
def test_people_are_there_whatever_their_names(read: Callable[..., Snapshot], dialect: str) -> None:
    """Whether the server is recognised or named; who was deleted is not there, and neither are the two accounts."""
    snapshot = read(dialect=dialect)
    assert {person.attributes["uid"][0] for person in snapshot.people} == {"alice", "jdoe", "rd", "locked"}
    assert {group.dn for group in snapshot.groups} == set(GROUP_DNS.values())
    assert snapshot.warnings == ()


def test_keys_are_the_entry_uuids_of_the_server(ds389: Ds389, read: Callable[..., Snapshot]) -> None:
    """Where it has them; its own nsUniqueId is another name for the same entry, and not taken."""
    snapshot = read()
    found: list[Person | DirectoryGroup] = [*snapshot.people, *snapshot.groups]
    keys = {entry.dn: entry.key for entry in found}
    with manager(ds389) as connection:
        chosen = "(|(objectClass=person)(cn=*))"
        connection.search(f"{ds389.base}", chosen, attributes=["entryUUID", "nsUniqueId"])
        entries = {entry["raw_dn"].decode(): entry["raw_attributes"] for entry in connection.response}
    assert set(keys) <= set(entries)
    assert keys == {dn: entries[dn]["entryUUID"][0].decode() for dn in keys}
    assert all(entries[dn]["nsUniqueId"][0].decode() != keys[dn] for dn in keys)


def test_a_server_that_hides_entry_uuids_is_read_by_its_own_ids(start_ds389: StartDs389, tmp_path: Path) -> None:
    """nsUniqueId, as older servers have nothing else."""
    server = start_ds389()
    fill(server)
    rule = f'(targetattr="entryUUID")(version 3.0; acl "hidden"; deny (all) userdn="ldap:///{server.reader_dn}";)'
    server.add(added(server.base, "aci", rule))
    bind = Bind(server.reader_dn, secret(server.password, tmp_path))
    config = ldap_config(server.ldaps_url, bind=bind, tls=Tls(server.ca_file))
    keys = {person.dn: person.key for person in read_directory(config, _NEEDS, READ_AT).people}
    with manager(server) as connection:
        connection.search(server.base, "(objectClass=person)", attributes=["nsUniqueId"])
        ids = {
            entry["raw_dn"].decode(): entry["raw_attributes"]["nsUniqueId"][0].decode() for entry in connection.response
        }
    assert keys == ids
    assert len(keys) == 4


def test_an_account_lock_disables(read: Callable[..., Snapshot]) -> None:
    """The attribute nsAccountLock is operational, and is asked for by name."""
    assert {person.attributes["uid"][0] for person in read().people if person.disabled} == {"locked"}


def test_members_of_all_three_kinds_are_found(read: Callable[..., Snapshot]) -> None:
    """By DN in any letters and by login; what names nobody is listed, also who was deleted behind a group's back."""
    snapshot = read()
    groups = {group.cn: group for group in snapshot.groups}
    assert {name: _logins(snapshot, group) for name, group in groups.items() if group.people} == {
        "devs": {"alice", "jdoe", "rd"},
        "circle": {"locked"},
        "unix": {"alice"},
    }
    assert {name: group.dangling for name, group in groups.items() if group.dangling} == {
        "devs": (GHOST,),
        "few": (PERSON_DNS["gone"],),
        "unix": ("nobody-here",),
    }
    inner = {name: {snapshot.groups[place].cn for place in group.groups} for name, group in groups.items()}
    assert {name: found for name, found in inner.items() if found} == {"all": {"devs", "circle"}, "circle": {"all"}}


def test_an_empty_group_is_empty_where_the_schema_allows_it(read: Callable[..., Snapshot]) -> None:
    """The server's groupOfNames needs no member, so seeing none is no sign of hidden ones."""
    nobody = next(group for group in read().groups if group.cn == "nobody")
    assert (nobody.people, nobody.readability) == ((), Readability.READ)


def test_the_pages_do_not_matter(read: Callable[..., Snapshot]) -> None:
    """One entry a page, or all on one: the same digest."""
    assert read(page_size=1).digest == read(page_size=1000).digest


def test_more_entries_than_the_servers_limit_are_all_read(start_ds389: StartDs389, tmp_path: Path) -> None:
    """It is a limit of one answer, and a page is an answer: who asks for no pages is sent a part, with code 4."""
    server = start_ds389()
    server.add(people_and_groups(30, 3).partition("\n\n")[2])  # the base is there already
    server.add(replaced("cn=config", "nsslapd-sizelimit", "12"))
    with manager(server) as connection:
        connection.rebind(server.reader_dn, server.password)
        connection.search(server.base, "(objectClass=person)")
        assert (len(connection.response), connection.result["result"]) == (12, 4)
    bind = Bind(server.reader_dn, secret(server.password, tmp_path))
    config = ldap_config(server.ldaps_url, bind=bind, tls=Tls(server.ca_file), page_size=10)
    assert len(read_directory(config, _NEEDS, READ_AT).people) == 30


def test_an_account_that_no_rule_names_sees_nobody(ds389: Ds389, read: Callable[..., Snapshot], tmp_path: Path) -> None:
    """The server says success all the same: nothing in a single answer tells it from an empty directory."""
    stranger = Bind(ds389.stranger_dn, secret(ds389.password, tmp_path))
    snapshot = read(bind=stranger)
    assert (snapshot.people, snapshot.groups) == ((), ())


def test_an_anonymous_read_sees_nobody(ds389: Ds389, read: Callable[..., Snapshot]) -> None:
    """As an account that no rule names."""
    assert not read(bind=None).people


def test_a_locked_account_is_not_let_in(ds389: Ds389, read: Callable[..., Snapshot], tmp_path: Path) -> None:
    """Although its password is right; the server says why in its own words."""
    bind = Bind(PERSON_DNS["locked"], secret(ds389.password, tmp_path))
    with pytest.raises(DirectoryUnreachable, match="Account inactivated"):
        read(bind=bind)


def test_a_certificate_for_another_host_is_refused(start_ds389: StartDs389, tmp_path: Path) -> None:
    """A valid chain is not enough, over LDAPS and after StartTLS."""
    server = start_ds389(Options(certificate="elsewhere"))
    bind = Bind(server.reader_dn, secret(server.password, tmp_path))
    for url in (server.ldaps_url, server.url):
        tls = Tls(server.ca_file, start_tls=url == server.url)
        with pytest.raises(DirectoryUnreachable, match="certificate is not trusted"):
            read_directory(ldap_config(url, bind=bind, tls=tls), _NEEDS, READ_AT)


_LINKS = """\
    team/app:
      - {cn: all, access: viewer}
      - {cn: devs, access: owner}
    team/unix:
      - {cn: unix, access: editor}
    team/circle:
      - {cn: circle, access: viewer}
    team/nobody:
      - {cn: nobody, access: viewer}
"""


def test_a_plan_is_right_to_the_last_membership(ds389: Ds389, tmp_path: Path) -> None:
    """As one sees it who asks the server about every group and every member, one by one."""
    wanted = {
        **{("team/app", login): "viewer" for login in _inside(ds389, "all")},
        **{("team/app", login): "owner" for login in _inside(ds389, "devs")},
        **{("team/unix", login): "editor" for login in _inside(ds389, "unix")},
        **{("team/circle", login): "viewer" for login in _inside(ds389, "circle")},
    }
    plan = planned(
        tmp_path,
        _LINKS,
        url=ds389.ldaps_url,
        base=ds389.base,
        dn=ds389.reader_dn,
        password=ds389.password,
        ca_file=ds389.ca_file,
        username="uid",
    )
    assert plan == {(group, login, role) for (group, login), role in wanted.items()}
    assert len(plan) == 3 + 1 + 3


def _inside(server: Ds389, group: str) -> set[str]:
    """Return who is in a group, directly or not, and not locked; the server itself compares the names."""
    found: set[str] = set()
    with manager(server) as connection:
        ahead, seen = [GROUP_DNS[group]], set()
        while ahead:
            dn = ahead.pop()
            names = ["uid", "member", "uniqueMember", "memberUid", "nsAccountLock", "entryDN"]
            if not connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=names):
                continue
            entry = connection.response[0]["raw_attributes"]
            if entry["entryDN"][0] in seen:
                continue
            seen.add(entry["entryDN"][0])
            if entry["uid"] and entry["nsAccountLock"] != [b"true"]:
                found.add(entry["uid"][0].decode())
            ahead += [value.decode() for value in (*entry["member"], *entry["uniqueMember"])]
            ahead += [PERSON_DNS.get(value.decode(), GHOST) for value in entry["memberUid"]]
    return found


def test_a_first_policy_says_what_the_server_shows_of_itself(ds389: Ds389, tmp_path: Path) -> None:
    """It is recognised, and its groups have a place of their own."""
    options = ["--server", ds389.ldaps_url, "--bind-dn", ds389.reader_dn, "--ca-file", ds389.ca_file, "--ci", "none"]
    reconcile("init", *options, cwd=tmp_path, env={"LDAP_PASSWORD": ds389.password})
    corp = yaml.safe_load((tmp_path / "policies/connections.yaml").read_text(encoding="utf-8"))["directories"]["corp"]
    assert (corp["dialect"], corp["attributes"]["username"]) == ("389ds", "uid")
    assert (corp["base"], corp["group_base"]) == ("dc=example,dc=com", "ou=groups,dc=example,dc=com")
    said = reconcile("plan", cwd=tmp_path, env={"LDAP_PASSWORD": ds389.password})
    assert "No changes." in said.stdout
