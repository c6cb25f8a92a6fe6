"""What tests load into a 389 Directory Server: people, and groups of all three kinds with members of every form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import ldap3

from tests.servers.ds389 import BASE, PASSWORD, Ds389
from tests.servers.ldif_tools import record

PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
GHOST = f"uid=ghost,{PEOPLE}"

PERSON_DNS = {
    "alice": f"uid=alice,{PEOPLE}",
    "jdoe": f'cn=Doe\\, Jörg \\"the second\\",{PEOPLE}',
    "rd": f"cn=R\\+D \\#1002+uid=rd,{PEOPLE}",
    "locked": f"uid=locked,{PEOPLE}",
    "gone": f"uid=gone,{PEOPLE}",
}
"""By uid. `gone` is deleted again."""

_NAMES = {"alice": "Alice Arden", "jdoe": 'Doe, Jörg "the second"', "rd": "R+D #1002"}

GROUP_DNS = {name: f"cn={name},{GROUPS}" for name in ("devs", "all", "circle", "unix", "few", "nobody")}
MEMBERS: Mapping[str, tuple[str, Sequence[str]]] = {
    "devs": ("groupOfNames", [PERSON_DNS["alice"], PERSON_DNS["jdoe"], PERSON_DNS["rd"], GHOST]),
    "all": ("groupOfNames", [GROUP_DNS["devs"], GROUP_DNS["circle"]]),
    "circle": ("groupOfUniqueNames", [GROUP_DNS["all"], PERSON_DNS["locked"].upper()]),
    "few": ("groupOfUniqueNames", [PERSON_DNS["gone"]]),
    "unix": ("posixGroup", ["alice", "nobody-here"]),
    "nobody": ("groupOfNames", []),
}
"""The class of each group, and its members as they are written."""

_ATTRIBUTES = {"groupOfNames": "member", "groupOfUniqueNames": "uniqueMember", "posixGroup": "memberUid"}


def fill(server: Ds389) -> None:
    """Load everything, then delete one member."""
    units = "".join(record(dn, {"objectClass": "organizationalUnit"}) for dn in (PEOPLE, GROUPS))
    people = "".join(record(dn, _person(uid)) for uid, dn in PERSON_DNS.items())
    groups = "".join(record(GROUP_DNS[name], _group(name)) for name in GROUP_DNS)
    server.add(units + people + groups + record(PERSON_DNS["gone"], {"changetype": "delete"}))


@contextmanager
def manager(server: Ds389) -> Iterator[ldap3.Connection]:
    """Give a connection of ldap3 as it comes, to see with other eyes than ours what is there."""
    plain = ldap3.Server(server.url, get_info=ldap3.NONE)
    connection = ldap3.Connection(plain, server.admin_dn, server.password, auto_bind=True, check_names=False)
    try:
        yield connection
    finally:
        connection.unbind()


def _person(uid: str) -> dict[str, str]:
    locked = {"nsAccountLock": "true"} if uid == "locked" else {}
    return {
        "objectClass": "inetOrgPerson",
        "uid": uid,
        "cn": _NAMES.get(uid, uid),
        "sn": "x",
        "mail": f"{uid}@example.com",
        "userPassword": PASSWORD,
        **locked,
    }


def _group(name: str) -> dict[str, str | Sequence[str]]:
    kind, members = MEMBERS[name]
    number: dict[str, str | Sequence[str]] = {"gidNumber": "2000"} if kind == "posixGroup" else {}
    return {"objectClass": kind, "cn": name, _ATTRIBUTES[kind]: members, **number}
