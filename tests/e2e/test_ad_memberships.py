"""Who is in which group of Active Directory, wherever the directory keeps it, against Samba's domain controller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.directory.read import read_directory
from reconciler.model.directory import DirectoryGroup, Needs, Readability, Snapshot
from reconciler.policy.model import Bind, Tls
from tests.e2e.planned import planned
from tests.servers.active_directory import (
    AUTHENTICATED_USERS,
    CORP,
    FOREIGN,
    FOREIGNERS,
    PEOPLE_OF,
    PERSON_DNS,
)
from tests.servers.directories import READ_AT, ldap_config, secret
from tests.servers.forwarder import forwarded
from tests.servers.samba import BASE, Samba

pytestmark = pytest.mark.samba

CATALOGUE = 3268
_NEEDS = Needs(frozenset({"sAMAccountName"}), frozenset({"cn", "sAMAccountName"}))


@pytest.fixture
def read(samba: Samba, tmp_path: Path) -> Callable[..., Snapshot]:
    """Return a way to read the shared domain as its ordinary account, over LDAPS."""
    password = secret(samba.password, tmp_path)

    def read_it(url: str = "", **changes: object) -> Snapshot:
        usual = {"base": CORP, "bind": Bind(samba.reader_dn, password), "tls": Tls(samba.ca_file)}
        return read_directory(ldap_config(url or samba.ldaps_url, **usual | changes), _NEEDS, READ_AT)

    return read_it


def _people(snapshot: Snapshot) -> dict[str, str]:
    return {person.attributes["samaccountname"][0]: person.dn for person in snapshot.people}


def _groups(snapshot: Snapshot) -> dict[str, DirectoryGroup]:
    return {group.attributes["samaccountname"][0]: group for group in snapshot.groups}


def _logins(snapshot: Snapshot, group: DirectoryGroup) -> set[str]:
    return {snapshot.people[place].attributes["samaccountname"][0] for place in group.people}


def test_the_root_of_the_domain_is_read_whole(read: Callable[..., Snapshot]) -> None:
    """Its references to the forest's own naming contexts hold no people; everybody of the domain is there."""
    snapshot = read(base=BASE)
    people = _people(snapshot)
    assert {name: people.get(name) for name in PERSON_DNS} == PERSON_DNS
    assert {"Administrator", "Guest", "krbtgt", "reader"} <= set(people)
    assert "Domain Users" in _groups(snapshot)


def test_a_changed_primary_group_is_a_membership(read: Callable[..., Snapshot]) -> None:
    """Although neither `member` nor `memberOf` says so; its number is the last of the group's SID."""
    snapshot = read()
    assert _logins(snapshot, _groups(snapshot)["staff"]) == PEOPLE_OF["staff"] | {"primary"}


def test_the_usual_primary_group_holds_everybody_who_has_it(read: Callable[..., Snapshot]) -> None:
    """Domain Users, seen from the root: all whose primaryGroupID is 513."""
    snapshot = read(base=BASE)
    found = _logins(snapshot, _groups(snapshot)["Domain Users"])
    assert set(PERSON_DNS) - {"primary"} <= found
    assert "primary" in found  # by `member`: who changes the primary group stays in the former one by that attribute
    assert "Guest" not in found


def test_primary_groups_out_of_the_base_do_not_matter(read: Callable[..., Snapshot]) -> None:
    """Domain Users is not under the base, so nobody gets a group by it and nothing is said."""
    snapshot = read()
    assert not any(group.cn == "Domain Users" for group in snapshot.groups)
    assert not any("primary" in warning for warning in snapshot.warnings)


@pytest.mark.parametrize("base", [CORP, BASE])
def test_members_of_other_domains_are_named_and_are_not_people(read: Callable[..., Snapshot], base: str) -> None:
    """Each by its SID in the warnings, with the group that it is in; a group of everybody is unreadable."""
    snapshot = read(base=base)
    said = "\n".join(snapshot.warnings)
    for sid in (AUTHENTICATED_USERS, FOREIGN):
        assert sid in said
        assert f"CN={sid},{FOREIGNERS}" not in _people(snapshot).values()
    local = _groups(snapshot)["local"]
    assert _logins(snapshot, local) == {"expired", "never"}
    assert local.readability is Readability.UNREADABLE


def test_login_names_are_sam_account_names_unless_the_policy_says_otherwise(samba: Samba, tmp_path: Path) -> None:
    """A policy that maps no attribute plans the same as one that names sAMAccountName."""
    links = "    developers:\n      - {cn: Devs, access: editor}\n    team:\n      - {cn: staff, access: viewer}\n"
    plans = []
    for number, username in enumerate(("", "sAMAccountName", "userPrincipalName")):
        (tmp_path / str(number)).mkdir()
        plans.append(
            planned(
                tmp_path / str(number),
                links,
                url=samba.ldaps_url,
                base=CORP,
                dn=samba.reader_dn,
                password=samba.password,
                ca_file=samba.ca_file,
                username=username,
            )
        )
    assert plans[0] == plans[1]
    assert {user for _, user, _ in plans[0]} == PEOPLE_OF["devs"] | PEOPLE_OF["staff"] | {"primary"}
    assert {user for _, user, _ in plans[2]} == {f"{user}@ad.example.test" for _, user, _ in plans[0]}


def test_the_global_catalogue_is_told_from_a_domain_controller(samba: Samba, read: Callable[..., Snapshot]) -> None:
    """By its port, which is fixed: of its own domain it knows all members, and the plan says what it does not know."""
    try:
        with forwarded(CATALOGUE, urlsplit(samba.gc_url).port or 0):
            snapshot = read(f"ldap://127.0.0.1:{CATALOGUE}", tls=Tls(allow_plaintext=True))
    except OSError:
        pytest.skip(f"port {CATALOGUE} is taken")
    whole = read()
    assert [(group.key, group.people) for group in snapshot.groups] == [
        (group.key, group.people) for group in whole.groups
    ]
    assert any("read from a global catalogue" in warning for warning in snapshot.warnings)
    assert not any("catalogue" in warning for warning in whole.warnings)
