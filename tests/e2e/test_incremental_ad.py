"""Reading Active Directory by its changes gives what a whole read gives, against Samba's domain controller."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from reconciler.directory.cache import Cache
from reconciler.directory.read import read_directory
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.filter import parse_filter
from reconciler.policy.model import Bind, DirectoryConfig, Incremental, Tls
from tests.e2e.increments import LATER, members_of, removed, renamed
from tests.servers import active_directory
from tests.servers.active_directory import CORP, DOMAIN_LOCAL, GROUP_DNS, GROUPS, PEOPLE, PERSON_DNS, administrator
from tests.servers.directories import READ_AT, ldap_config, secret
from tests.servers.ldif_tools import added, record, replaced
from tests.servers.samba import BASE, Samba

pytestmark = pytest.mark.samba
NEEDS = Needs(frozenset({"sAMAccountName", "mail", "displayName", "description"}), frozenset({"cn"}))
NUMBERS = count(1)
NAMES = (f"t{number}" for number in NUMBERS)


@dataclass
class Domain:
    """A domain that is read again and again with one cache."""

    server: Samba
    config: DirectoryConfig

    def read(self, at: str = LATER) -> Snapshot:
        """Read."""
        return read_directory(self.config, NEEDS, at)

    def plain(self) -> Snapshot:
        """Read whole and without a cache."""
        return read_directory(replace(self.config, incremental=None), NEEDS, LATER)

    def follows(self) -> Snapshot:
        """Read by changes, and see that it was, and that it gave just what a whole read gives."""
        found = self.read()
        assert found.confirmed_at, "everything was read"
        assert found == replace(self.plain(), confirmed_at=found.confirmed_at)
        return found

    def same(self) -> None:
        """Read by changes, and see that it gave what a whole read gives, but for names of those outside the base.

        Where one of them is renamed or deleted, the groups that name it are silent, and it is nobody's in either case.
        """
        found, plain = self.read(), self.plain()
        assert found.confirmed_at, "everything was read"
        assert found.people == plain.people
        assert [replace(each, dangling=()) for each in found.groups] == [
            replace(each, dangling=()) for each in plain.groups
        ]

    def reads_whole(self) -> Snapshot:
        """Read, and see that everything was read, and that it is right."""
        found = self.read()
        assert not found.confirmed_at, "only changes were read"
        plain = self.plain()
        assert (found.people, found.groups) == (plain.people, plain.groups)
        return found

    def change(self, *records: str) -> None:
        """Change the directory."""
        self.server.add("".join(records))


@pytest.fixture(scope="module")
def server(start_samba: Callable[..., Samba]) -> Samba:
    """One domain for all tests of this module, which leave each other's entries alone."""
    samba = start_samba()
    active_directory.fill(samba)
    return samba


@pytest.fixture
def domain(server: Samba, tmp_path: Path) -> Domain:
    """The domain as the administrator reads it, who may replicate; read once."""
    config = _config(server, tmp_path, server.admin_dn)
    domain = Domain(server, config)
    assert not domain.read(READ_AT).confirmed_at
    return domain


def _config(server: Samba, folder: Path, who: str, **changes: object) -> DirectoryConfig:
    usual: dict[str, object] = {
        "base": CORP,
        "bind": Bind(who, secret(server.password, folder)),
        "tls": Tls(server.ca_file),
        "incremental": Incremental(str(folder / "cache"), 1000),
    }
    return ldap_config(server.ldaps_url, **usual | changes)


def _user(name: str, under: str = PEOPLE, **more: str) -> str:
    return record(
        f"CN={name},{under}",
        {"changetype": "add", "objectClass": "user", "sAMAccountName": name, "userAccountControl": "544", **more},
    )


def _group(name: str, *members: str) -> str:
    given = {"member": members} if members else {}
    return record(
        f"CN={name},{GROUPS}",
        {"changetype": "add", "objectClass": "group", "sAMAccountName": name, "groupType": DOMAIN_LOCAL, **given},
    )


def _people(snapshot: Snapshot) -> set[str]:
    return {person.dn for person in snapshot.people}


def test_a_quiet_domain_is_not_read_again(domain: Domain) -> None:
    """The snapshot says since when nothing is confirmed."""
    assert domain.follows().confirmed_at == READ_AT


def test_who_comes_changes_and_leaves_is_seen(domain: Domain) -> None:
    """The group of somebody who is deleted does not change, as far as the server tells."""
    name = next(NAMES)
    user, group = f"CN={name},{PEOPLE}", f"CN=g{name},{GROUPS}"
    domain.change(_user(name), _group(f"g{name}", user, PERSON_DNS["zero"]))
    assert members_of(domain.follows(), f"g{name}") == {user, PERSON_DNS["zero"]}
    domain.change(replaced(user, "displayName", "Somebody"))
    domain.follows()
    domain.change(removed(user))
    found = domain.follows()
    assert user not in _people(found)
    assert members_of(found, f"g{name}") == {PERSON_DNS["zero"]}
    domain.change(_user(name))
    assert members_of(domain.follows(), f"g{name}") == {PERSON_DNS["zero"]}
    domain.change(removed(group))
    assert group not in {each.dn for each in domain.follows().groups}


def test_who_is_renamed_or_moved_stays_a_member(domain: Domain) -> None:
    """The group is silent about it."""
    name = next(NAMES)
    domain.change(_user(name), _group(f"g{name}", f"CN={name},{PEOPLE}"))
    domain.follows()
    domain.change(renamed(f"CN={name},{PEOPLE}", f"CN={name} new"))
    assert members_of(domain.follows(), f"g{name}") == {f"CN={name} new,{PEOPLE}"}
    domain.change(renamed(f"CN={name} new,{PEOPLE}", f"CN={name}", GROUPS))
    assert members_of(domain.follows(), f"g{name}") == {f"CN={name},{GROUPS}"}


def test_who_moves_out_of_the_base_is_gone_and_may_come_back(domain: Domain) -> None:
    """DirSync knows no bases; the policy's own search decides."""
    name, users = next(NAMES), f"CN=Users,{BASE}"
    domain.change(_user(name), _group(f"g{name}", f"CN={name},{PEOPLE}"))
    domain.follows()
    domain.change(renamed(f"CN={name},{PEOPLE}", f"CN={name}", users))
    for _ in "ab":
        assert not members_of(domain.follows(), f"g{name}")
    domain.change(renamed(f"CN={name},{users}", f"CN={name}", PEOPLE))
    assert members_of(domain.follows(), f"g{name}") == {f"CN={name},{PEOPLE}"}


def test_memberships_come_and_go(domain: Domain) -> None:
    """Of people, of groups, and by primary group."""
    name = next(NAMES)
    user, group = f"CN={name},{PEOPLE}", f"CN=g{name},{GROUPS}"
    domain.change(_user(name), _group(f"g{name}"))
    domain.follows()
    domain.change(added(group, "member", user, GROUP_DNS["empty"]))
    found = domain.follows()
    assert members_of(found, f"g{name}") == {user}
    assert next(each for each in found.groups if each.cn == f"g{name}").groups
    domain.change(record(group, {"changetype": "modify", "delete": "member", "member": user}))
    assert not members_of(domain.follows(), f"g{name}")
    domain.change(added(GROUP_DNS["staff"], "member", user))
    domain.change(replaced(user, "primaryGroupID", _relative_id(domain.server, GROUP_DNS["staff"])))
    assert user in members_of(domain.follows(), "staff")


def test_who_is_disabled_and_enabled_is_seen(domain: Domain) -> None:
    """By the bit of userAccountControl."""
    name = next(NAMES)
    domain.change(_user(name))
    domain.follows()
    for flags, disabled in (("546", True), ("544", False)):
        domain.change(replaced(f"CN={name},{PEOPLE}", "userAccountControl", flags))
        found = next(each for each in domain.follows().people if each.dn == f"CN={name},{PEOPLE}")
        assert found.disabled is disabled


def test_who_leaves_the_filter_by_an_attribute_that_nobody_needs_is_gone(server: Samba, tmp_path: Path) -> None:
    """DirSync is asked for what filters look at, too."""
    chosen = parse_filter("(&(objectClass=user)(!(department=left)))")
    domain = Domain(server, _config(server, tmp_path, server.admin_dn, user_filter=chosen))
    name = next(NAMES)
    domain.change(_user(name), _group(f"g{name}", f"CN={name},{PEOPLE}"))
    domain.read()
    domain.change(replaced(f"CN={name},{PEOPLE}", "department", "left"))
    assert not members_of(domain.follows(), f"g{name}")
    domain.change(replaced(f"CN={name},{PEOPLE}", "department", "back"))
    assert members_of(domain.follows(), f"g{name}") == {f"CN={name},{PEOPLE}"}


def test_a_renamed_branch_is_read_anew(domain: Domain) -> None:
    """Only the branch itself is reported."""
    name = next(NAMES)
    branch = f"OU={name},{PEOPLE}"
    unit = record(branch, {"changetype": "add", "objectClass": "organizationalUnit"})
    domain.change(unit, _user(f"u{name}", branch))
    assert f"CN=u{name},{branch}" in _people(domain.follows())
    domain.change(renamed(branch, f"OU={name}x"))
    assert f"CN=u{name},OU={name}x,{PEOPLE}" in _people(domain.reads_whole())
    domain.change(renamed(f"OU={name}x,{PEOPLE}", f"OU={name}x", f"OU=Domain Controllers,{BASE}"))
    assert not [dn for dn in _people(domain.reads_whole()) if f"u{name}" in dn]


def test_an_account_that_may_not_replicate_reads_everything(server: Samba, tmp_path: Path) -> None:
    """And so sees every deletion; the warning names the right."""
    domain = Domain(server, _config(server, tmp_path, server.reader_dn))
    name = next(NAMES)
    domain.change(_user(name))
    assert f"CN={name},{PEOPLE}" in _people(domain.reads_whole())
    domain.change(removed(f"CN={name},{PEOPLE}"))
    found = domain.reads_whole()
    assert f"CN={name},{PEOPLE}" not in _people(found)
    assert "DS-Replication-Get-Changes" in " ".join(found.warnings)
    assert not (tmp_path / "cache").exists()


def test_the_cache_of_another_account_is_not_used(domain: Domain, tmp_path: Path) -> None:
    """Nor touched by one that may not replicate."""
    own = domain.config
    domain.config = replace(own, bind=Bind(domain.server.reader_dn, secret(domain.server.password, tmp_path)))
    domain.reads_whole()
    domain.config = own
    domain.follows()


@pytest.mark.parametrize("cookie", [b"", b"nonsense", b"\0" * 108])
def test_a_cookie_that_the_server_cannot_read_means_a_whole_read(domain: Domain, cookie: bytes) -> None:
    """Whether it refuses it or sends everything."""
    assert domain.config.incremental
    cache = Cache(domain.config.incremental.cache)
    head = cache.head()
    assert head
    cache.write(replace(head, cookies=(cookie,)), None)
    found = domain.read()
    assert found.digest == domain.plain().digest
    domain.follows()


def test_a_base_outside_the_domain_is_read_whole(server: Samba, tmp_path: Path) -> None:
    """DirSync tells the changes of one naming context."""
    chosen = parse_filter("(objectClass=nobody)")
    outside = {"base": f"CN=Configuration,{BASE}", "user_filter": chosen, "group_filter": chosen}
    config = _config(server, tmp_path, server.admin_dn, **outside)
    assert "DirSync tells the changes" in " ".join(read_directory(config, NEEDS, LATER).warnings)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_read_by_changes_gives_what_a_whole_read_gives(domain: Domain, seed: int) -> None:
    """After any sequence of changes."""
    chance = random.Random(seed)  # noqa: S311 - the same changes for the same seed
    names = [next(NAMES) for _ in range(6)]
    people = {name: f"CN={name},{PEOPLE}" for name in names}
    groups = [f"CN=g{name},{GROUPS}" for name in names[:3]]
    domain.change(*map(_user, names), *(_group(f"g{name}", people[name]) for name in names[:3]))
    for _ in range(15):
        domain.change(_random_change(chance, people, groups))
        if chance.random() < 0.6:
            domain.same()
    domain.same()


def _random_change(chance: random.Random, people: dict[str, str], groups: list[str]) -> str:
    name, group = chance.choice(sorted(people)), chance.choice(groups)
    dn = people[name]
    match chance.randrange(5):
        case 0:
            people[name] = f"CN={name}-{next(NUMBERS)},{chance.choice([PEOPLE, GROUPS, f'CN=Users,{BASE}'])}"
            rdn, _, under = people[name].partition(",")
            return renamed(dn, rdn, under)
        case 1:
            del people[name]
            new = next(NAMES)
            people[new] = dn
            user = {"objectClass": "user", "sAMAccountName": new, "userAccountControl": "544"}
            return removed(dn) + record(dn, {"changetype": "add", **user})
        case 2:
            return replaced(dn, "displayName", str(chance.random()))
        case 3:
            return replaced(group, "member", *chance.sample(sorted(people.values()), 2))
        case _:
            return replaced(dn, "userAccountControl", chance.choice(["544", "546"]))


def _relative_id(server: Samba, group: str) -> str:
    with administrator(server) as connection:
        connection.search(group, "(objectClass=*)", "BASE", attributes=["primaryGroupToken"])
        return str(connection.response[0]["raw_attributes"]["primaryGroupToken"][0].decode())
