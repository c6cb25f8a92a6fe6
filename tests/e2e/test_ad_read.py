"""What a complete read of Active Directory holds, against Samba's domain controller."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import ldap3
import pytest
import yaml

from reconciler.directory.read import read_directory
from reconciler.errors import DirectoryUnreachable
from reconciler.model.directory import DirectoryGroup, Needs, Person, Readability, Snapshot
from reconciler.model.filter import parse_filter
from reconciler.model.names import dn_key
from reconciler.policy.model import Bind, Tls
from tests.e2e.planned import planned
from tests.examples import reconcile
from tests.servers.active_directory import (
    AUTHENTICATED_USERS,
    CORP,
    FOREIGN,
    FOREIGNERS,
    GROUP_DNS,
    GROUPS,
    GROUPS_OF,
    OTHERS_OF,
    PEOPLE,
    PEOPLE_OF,
    PERSON_DNS,
    administrator,
)
from tests.servers.directories import READ_AT, ldap_config, secret
from tests.servers.samba import Options, Samba

pytestmark = pytest.mark.samba

StartSamba = Callable[..., Samba]
_NEEDS = Needs(
    frozenset({"sAMAccountName", "userPrincipalName", "mail", "displayName", "description", "objectClass"}),
    frozenset({"cn", "sAMAccountName"}),
)
_IN_CHAIN = "1.2.840.113556.1.4.1941"
_BIT_AND = "1.2.840.113556.1.4.803"


@pytest.fixture
def read(samba: Samba, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Snapshot]:
    """Return a way to read the shared domain as its ordinary account, over LDAPS."""
    password = secret(samba.password, tmp_path_factory.mktemp("reader"))

    def read_it(**changes: object) -> Snapshot:
        usual = {"base": CORP, "bind": Bind(samba.reader_dn, password), "tls": Tls(samba.ca_file)}
        return read_directory(ldap_config(samba.ldaps_url, **usual | changes), _NEEDS, READ_AT)

    return read_it


def _people(snapshot: Snapshot) -> dict[str, str]:
    """Return the DN of everybody by login."""
    return {person.attributes["samaccountname"][0]: person.dn for person in snapshot.people}


def _groups(snapshot: Snapshot) -> dict[str, DirectoryGroup]:
    return {group.attributes["samaccountname"][0]: group for group in snapshot.groups}


def _logins(snapshot: Snapshot, group: DirectoryGroup) -> set[str]:
    return {snapshot.people[place].attributes["samaccountname"][0] for place in group.people}


@pytest.mark.parametrize("dialect", ["auto", "active_directory"])
def test_users_are_people_and_computers_and_contacts_are_not(read: Callable[..., Snapshot], dialect: str) -> None:
    """By the default filters, whether the server is recognised or named; names of any letters are as the server has them."""
    snapshot = read(dialect=dialect)
    assert _people(snapshot) == PERSON_DNS
    assert {name: group.dn for name, group in _groups(snapshot).items()} == GROUP_DNS
    unreadable = {group.cn for group in snapshot.groups if group.readability is not Readability.READ}
    assert unreadable == {"local"}  # it holds everybody who logs in
    assert snapshot.schema.from_server


def test_another_dialect_finds_no_group_there(read: Callable[..., Snapshot]) -> None:
    """The classes of RFC 4519 are not Active Directory's, so the default filters have to know which it is."""
    assert not read(dialect="openldap").groups


def test_attributes_come_with_the_names_and_letters_of_the_directory(read: Callable[..., Snapshot]) -> None:
    """Those that the policy names and no others."""
    people = {person.attributes["samaccountname"][0]: person.attributes for person in read().people}
    assert people["alice"] == {
        "samaccountname": ("alice",),
        "userprincipalname": ("alice@ad.example.test",),
        "mail": ("alice@example.com",),
        "displayname": ("Alice",),
        "description": ("Abteilung Österreich",),
        "objectclass": ("top", "person", "organizationalPerson", "user"),
    }


def test_keys_are_the_guids_that_others_find_the_entry_by(samba: Samba, read: Callable[..., Snapshot]) -> None:
    """The text is that of the bytes with the first three fields turned, and a search for `<GUID=…>` gives the same entry."""
    snapshot = read()
    found: list[Person | DirectoryGroup] = [*snapshot.people, *snapshot.groups]
    assert len(found) == len(PERSON_DNS) + len(GROUP_DNS)
    with administrator(samba) as connection:
        for entry in found:
            connection.search(f"<GUID={entry.key}>", "(objectClass=*)", ldap3.BASE, attributes=["objectGUID"])
            (answer,) = connection.response
            assert answer["raw_dn"].decode() == entry.dn
            raw = answer["raw_attributes"]["objectGUID"][0]
            assert (entry.key, uuid.UUID(entry.key).bytes_le) == (str(uuid.UUID(bytes_le=raw)), raw)


def test_disabled_are_those_whose_bit_is_set_or_whose_time_is_over(read: Callable[..., Snapshot]) -> None:
    """Both values that mean never are never."""
    disabled = {person.attributes["samaccountname"][0] for person in read().people if person.disabled}
    assert disabled == {"locked", "expired"}


def test_members_are_found_however_awkward_their_names(read: Callable[..., Snapshot]) -> None:
    """People and groups under the base, by DN; a computer, a contact and foreigners are not among the people."""
    snapshot = read()
    groups = _groups(snapshot)
    for name, group in groups.items():
        assert _logins(snapshot, group) - {"primary"} == PEOPLE_OF.get(name, set()), name
        inner = {snapshot.groups[place].attributes["samaccountname"][0] for place in group.groups}
        assert inner == GROUPS_OF.get(name, set()), name
    assert OTHERS_OF["all"] <= set(groups["all"].dangling)
    assert OTHERS_OF["local"] <= set(groups["local"].dangling)


def test_members_of_other_domains_are_nobody_under_the_base(read: Callable[..., Snapshot]) -> None:
    """They are stand-ins of their own container, and no person is made of them."""
    snapshot = read()
    stand_ins = {f"CN={sid},{FOREIGNERS}" for sid in (AUTHENTICATED_USERS, FOREIGN)}
    assert stand_ins.isdisjoint(_people(snapshot).values())
    assert _logins(snapshot, _groups(snapshot)["local"]) == {"expired", "never"}


def test_groups_in_groups_are_left_out_where_the_policy_says_so(read: Callable[..., Snapshot]) -> None:
    """A cycle is none then."""
    groups = _groups(read(nested_groups=False))
    assert not any(group.groups for group in groups.values())
    assert len(groups["circle"].people) == 2


def test_people_and_groups_may_have_bases_of_their_own(read: Callable[..., Snapshot]) -> None:
    """The same people and members as from their common root."""
    apart, together = read(base=PEOPLE, group_base=GROUPS), read()
    assert apart.people == together.people
    assert apart.groups == together.groups


def test_the_pages_do_not_matter(read: Callable[..., Snapshot]) -> None:
    """Two entries a page, or all on one: the same digest."""
    assert read(page_size=2).digest == read(page_size=1000).digest


def test_filters_with_the_rules_of_active_directory_reach_the_server(read: Callable[..., Snapshot]) -> None:
    """A bit rule, and the rule that follows members through groups."""
    enabled = parse_filter(f"(&(objectClass=user)(!(userAccountControl:{_BIT_AND}:=2)))")
    assert {"locked"} == set(PERSON_DNS) - set(_people(read(user_filter=enabled))) - {"LAPTOP1$"}
    inside = parse_filter(f"(memberOf:{_IN_CHAIN}:={GROUP_DNS['devs']})")
    assert set(_people(read(user_filter=inside))) == PEOPLE_OF["devs"]


@pytest.mark.parametrize("scheme", ["ldaps_url", "url"])
def test_a_password_goes_over_tls_either_way(samba: Samba, read: Callable[..., Snapshot], scheme: str) -> None:
    """LDAPS, and StartTLS on the other port."""
    config = {"servers": (getattr(samba, scheme),), "tls": Tls(samba.ca_file, start_tls=scheme == "url")}
    assert len(read(**config).people) == len(PERSON_DNS)


def test_a_certificate_of_another_authority_is_refused(samba: Samba, read: Callable[..., Snapshot]) -> None:
    """Before the password is sent."""
    with pytest.raises(DirectoryUnreachable, match="certificate is not trusted"):
        read(tls=Tls(samba.other_ca_file))


def test_a_principal_name_is_as_good_as_a_dn_to_bind_with(
    samba: Samba, read: Callable[..., Snapshot], tmp_path: Path
) -> None:
    """Domain controllers take both."""
    bind = Bind("reader@ad.example.test", secret(samba.password, tmp_path))
    assert len(read(bind=bind).people) == len(PERSON_DNS)


def test_a_wrong_password_is_told_in_words(samba: Samba, read: Callable[..., Snapshot], tmp_path: Path) -> None:
    """With the server's code, and not with the password."""
    with pytest.raises(DirectoryUnreachable, match="the name or the password is wrong") as caught:
        read(bind=Bind(samba.reader_dn, secret("Wr0ng!pass", tmp_path)))
    assert "Wr0ng!pass" not in str(caught.value)


def test_a_controller_that_demands_tls_refuses_a_plain_bind(start_samba: StartSamba, tmp_path: Path) -> None:
    """It says that it wants a stronger one (code 8), and with TLS it lets the same account in."""
    server = start_samba(Options(strong_auth="yes"))
    bind = Bind(server.reader_dn, secret(server.password, tmp_path))
    plain = ldap_config(server.url, base=server.base, bind=bind, tls=Tls(allow_plaintext=True))
    with pytest.raises(DirectoryUnreachable, match=r"(?i)strong") as caught:
        read_directory(plain, _NEEDS, READ_AT)
    assert server.password not in str(caught.value)
    users = f"CN=Users,{server.base}"
    encrypted = ldap_config(server.ldaps_url, base=users, bind=bind, tls=Tls(server.ca_file))
    assert "reader" in _people(read_directory(encrypted, _NEEDS, READ_AT))


def test_a_certificate_for_another_host_is_refused(start_samba: StartSamba, tmp_path: Path) -> None:
    """A valid chain is not enough."""
    server = start_samba(Options(certificate="elsewhere"))
    bind = Bind(server.reader_dn, secret(server.password, tmp_path))
    config = ldap_config(server.ldaps_url, base=server.base, bind=bind, tls=Tls(server.ca_file))
    with pytest.raises(DirectoryUnreachable, match="certificate is not trusted"):
        read_directory(config, _NEEDS, READ_AT)


_LINKS = f"""\
    team/app:
      - {{cn: all, access: viewer}}
      - {{cn: devs, access: owner}}
    team/local:
      - {{cn: local, access: editor}}
    team/quoted:
      - {{dn: '{GROUP_DNS["quoted"]}', access: viewer}}
    team/empty:
      - {{cn: empty, access: viewer}}
"""


def test_a_plan_is_right_to_the_last_membership(samba: Samba, tmp_path: Path) -> None:
    """What the domain controller itself says when it follows members through groups, with the highest role for each."""
    wanted = {
        **{("team/app", login): "viewer" for login in _in_chain(samba, "all")},
        **{("team/app", login): "owner" for login in _in_chain(samba, "devs")},
        **{("team/local", login): "editor" for login in _in_chain(samba, "local")},
        **{("team/quoted", login): "viewer" for login in _in_chain(samba, "quoted")},
    }
    plan = planned(
        tmp_path,
        _LINKS,
        url=samba.ldaps_url,
        base=CORP,
        dn=samba.reader_dn,
        password=samba.password,
        ca_file=samba.ca_file,
        username="sAMAccountName",
    )
    assert plan == {(group, login, role) for (group, login), role in wanted.items()}
    assert len(plan) == 4 + 5 + 1


def _in_chain(samba: Samba, group: str) -> set[str]:
    """Ask the server who is in a group, directly or not, and neither disabled nor past the last day."""
    now = (2026 - 1601) * 365 * 86400 * 10**7  # a little before today
    chosen = (
        f"(&(objectCategory=person)(objectClass=user)(memberOf:{_IN_CHAIN}:={_escaped(GROUP_DNS[group])})"
        f"(!(userAccountControl:{_BIT_AND}:=2))(|(accountExpires=0)(accountExpires>={now})))"
    )
    with administrator(samba) as connection:
        connection.search(CORP, chosen, attributes=["sAMAccountName"])
        return {entry["raw_attributes"]["sAMAccountName"][0].decode() for entry in connection.response}


def _escaped(value: str) -> str:
    """Return a value as filters have it."""
    return value.replace("\\", "\\5c").replace("*", "\\2a").replace("(", "\\28").replace(")", "\\29")


def test_a_first_policy_says_what_the_domain_shows_of_itself(samba: Samba, tmp_path: Path) -> None:
    """The domain is the base, logins are sAMAccountName, and groups that every domain has are no examples."""
    options = ["--server", samba.ldaps_url, "--bind-dn", samba.reader_dn, "--ca-file", samba.ca_file, "--ci", "none"]
    reconcile("init", *options, cwd=tmp_path, env={"LDAP_PASSWORD": samba.password})
    text = (tmp_path / "policies/connections.yaml").read_text(encoding="utf-8")
    corp = yaml.safe_load(text)["directories"]["corp"]
    assert (corp["dialect"], corp["attributes"]["username"]) == ("active_directory", "sAMAccountName")
    assert dn_key(corp["base"]) == dn_key(samba.base)
    assert "Domain Admins" not in (tmp_path / "policies/rules.yaml").read_text(encoding="utf-8")
    said = reconcile("plan", cwd=tmp_path, env={"LDAP_PASSWORD": samba.password})
    assert "No changes." in said.stdout
