"""Read one directory again and again by its changes, and compare each time with what a whole read gives."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ldap3

from reconciler.directory.cache import Cache
from reconciler.directory.read import read_directory
from reconciler.model.directory import Needs, Snapshot
from reconciler.policy.model import Bind, DirectoryConfig, Incremental, Tls
from tests.servers import ldif_tools
from tests.servers.directories import BASE, NEEDS, READ_AT, SMALL, ldap_config, secret
from tests.servers.ldif_tools import record
from tests.servers.slapd import Options, Slapd

PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ALICE, DEVS = f"uid=alice,{PEOPLE}", f"cn=devs,{GROUPS}"
LATER = "2026-11-20T05:00:00Z"


@dataclass
class Increments:
    """One server, one policy's directory with a cache, and what the last read gave."""

    server: Slapd
    config: DirectoryConfig
    needs: Needs = NEEDS
    snapshots: list[Snapshot] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the cache is."""
        assert self.config.incremental
        return Path(self.config.incremental.cache)

    @property
    def cache(self) -> Cache:
        """The cache itself."""
        return Cache(str(self.folder))

    def read(self, *, whole: bool = False) -> Snapshot:
        """Read, and note it; the read before was an hour ago, as far as the snapshots tell."""
        self.server.forget()
        self.snapshots.append(
            read_directory(self.config, self.needs, LATER if self.snapshots else READ_AT, whole=whole)
        )
        return self.snapshots[-1]

    def plain(self) -> Snapshot:
        """Read whole and without a cache."""
        return read_directory(replace(self.config, incremental=None), self.needs, LATER)

    def follows(self) -> Snapshot:
        """Read by changes, and see that it was, and that it gave just what a whole read gives."""
        found = self.read()
        assert found.confirmed_at, "everything was read"
        assert found == replace(self.plain(), confirmed_at=found.confirmed_at)
        return found

    def reads_whole(self) -> Snapshot:
        """Read, and see that everything was read although nobody asked for it, and that it is right."""
        found = self.read()
        assert not found.confirmed_at, "only changes were read"
        assert found == replace(self.plain(), warnings=found.warnings, digest=found.digest)
        assert [person.dn for person in found.people] == [person.dn for person in self.plain().people]
        return found

    def every(self, runs: int) -> Increments:
        """Read everything after so many runs from now on."""
        self.config = replace(self.config, incremental=Incremental(str(self.folder), runs))
        return self

    def shown(self, dn: str) -> bytes:
        """Return the members of a group, as ldap3 itself reads them."""
        connection = ldap3.Connection(ldap3.Server(self.server.url, get_info=ldap3.NONE), auto_bind=True)
        connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["member", "uniqueMember"])
        found = connection.response[0]["raw_attributes"]
        connection.unbind()
        return b"\n".join([*found.get("member", ()), *found.get("uniqueMember", ())])

    def holding(self, dn: str) -> Sequence[str]:
        """Return the DNs of the groups that hold somebody, as ldap3 itself reads them."""
        connection = ldap3.Connection(ldap3.Server(self.server.url, get_info=ldap3.NONE), auto_bind=True)
        connection.search(GROUPS, f"(|(member={dn})(uniqueMember={dn}))", ldap3.SUBTREE)
        found = [entry["dn"] for entry in connection.response]
        connection.unbind()
        return found

    def change(self, *records: str) -> None:
        """Change the directory."""
        ldif_tools.load("".join(records), self.server.url, self.server.admin_dn, self.server.password)

    def searches(self) -> int:
        """Return how many searches the last read took; the log of the server is a little behind."""
        time.sleep(0.1)
        return len(self.server.searches())

    def with_cookies(self, change: Callable[[bytes], bytes]) -> None:
        """Put other cookies into the cache."""
        head = self.cache.head()
        assert head
        self.cache.write(replace(head, cookies=tuple(map(change, head.cookies))), None)


def increments(
    start: Callable[..., Slapd], folder: Path, options: Options | None = None, ldif: str = SMALL, **changes: Any
) -> Increments:
    """Start a server, read it once, and so make a cache."""
    server = start(ldif, options)
    config = ldap_config(server.url, incremental=Incremental(str(folder / "cache"), 24), **changes)
    found = Increments(server, config)
    assert not found.read().confirmed_at
    return found


def as_reader(server: Slapd, folder: Path) -> dict[str, Any]:
    """Return how the reader's account logs in."""
    return {"bind": Bind(server.reader_dn, secret(server.password, folder)), "tls": Tls(allow_plaintext=True)}


def person(uid: str, **more: str) -> str:
    """Return the record that adds somebody."""
    return record(
        f"uid={uid},{PEOPLE}",
        {"changetype": "add", "objectClass": "inetOrgPerson", "uid": uid, "cn": uid, "sn": uid, **more},
    )


def group(cn: str, members: Sequence[str]) -> str:
    """Return the record that adds a group."""
    return record(
        f"cn={cn},{GROUPS}", {"changetype": "add", "objectClass": "groupOfNames", "cn": cn, "member": members}
    )


def removed(dn: str) -> str:
    """Return the record that deletes an entry."""
    return record(dn, {"changetype": "delete"})


def renamed(dn: str, rdn: str, under: str = "") -> str:
    """Return the record that renames an entry, and moves it if `under` is given."""
    more = {"newsuperior": under} if under else {}
    return record(dn, {"changetype": "modrdn", "newrdn": rdn, "deleteoldrdn": "1", **more})


def members_of(snapshot: Snapshot, cn: str) -> set[str]:
    """Return the DNs of a group's people."""
    found = next(group for group in snapshot.groups if group.cn == cn)
    return {snapshot.people[place].dn for place in found.people}


def until(done: Callable[[], bool]) -> None:
    """Wait for what a server does by itself, for half a minute at most."""
    for _ in range(1500):
        if done():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")
