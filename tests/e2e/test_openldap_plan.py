"""A plan from OpenLDAP is right to the last membership, as the server itself sees them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ldap3
import pytest
from ldap3.utils.conv import escape_filter_chars

from reconciler.model.names import caseless
from tests.e2e.planned import planned
from tests.servers.directories import BASE, SMALL, awkward
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.slapd

StartSlapd = Callable[..., Slapd]


@pytest.mark.parametrize("ldif", [SMALL, awkward(7), awkward(8)], ids=["small", "awkward 7", "awkward 8"])
def test_a_plan_is_right_to_the_last_membership(start_slapd: StartSlapd, tmp_path: Path, ldif: str) -> None:
    """Every group of the directory is linked; for every person the server is asked which groups hold whom, level by level."""
    server = start_slapd(ldif)
    wanted = _everybody(server)
    groups = sorted({group for group, _ in wanted})
    assert len(groups) > 2
    links = "".join(f'    "team {n}":\n      - {{dn: {_quoted(dn)}, access: viewer}}\n' for n, dn in enumerate(groups))
    plan = planned(
        tmp_path,
        links,
        url=server.ldaps_url,
        base=BASE,
        dn=server.reader_dn,
        password=server.password,
        ca_file=server.ca_file,
        username="uid",
    )
    assert {(groups[int(group.split()[1])], user) for group, user, _ in plan} == wanted


def _everybody(server: Slapd) -> set[tuple[str, str]]:
    """Return (DN of a group, login) for everybody who is in it, directly or not, and not locked for good or past the end."""
    plain = ldap3.Server(server.url, get_info=ldap3.NONE)
    locked = "(|(pwdAccountLockedTime=000001010000Z)(shadowExpire=10))"
    found = set()
    with ldap3.Connection(plain, server.admin_dn, server.password, check_names=False) as connection:
        connection.search(BASE, f"(&(objectClass=person)(!{locked}))", attributes=["uid"])
        people = [(each["raw_dn"].decode(), each["raw_attributes"]["uid"][0].decode()) for each in connection.response]
        assert people
        for dn, login in people:
            ahead, seen = _holding(connection, dn, f"(memberUid={escape_filter_chars(login)})"), set()
            while ahead:
                group = ahead.pop()
                if group not in seen:
                    seen.add(group)
                    ahead += _holding(connection, group)
            found |= {(group, login) for group in seen}
    return found


def _holding(connection: ldap3.Connection, dn: str, more: str = "") -> list[str]:
    """Ask which groups hold this entry; with a UID behind it, as uniqueMember may have, it is the same entry."""
    value = escape_filter_chars(dn)
    asked = f"(|(member={value})(uniqueMember={value})(uniqueMember={value}#'0101'B){more})"
    connection.search(BASE, asked, attributes=["1.1"])
    return [each["raw_dn"].decode() for each in connection.response]


def _quoted(dn: str) -> str:
    return '"' + dn.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_the_oracle_sees_what_the_directory_says(start_slapd: StartSlapd) -> None:
    """A group in a circle of two holds whom the other holds; capitals in a member's DN are nothing to the server."""
    found = _everybody(start_slapd(SMALL))
    by_group: dict[str, set[str]] = {}
    for group, login in found:
        by_group.setdefault(caseless(group).partition(",")[0], set()).add(login)
    assert by_group["cn=devs"] == {"alice", "jdoe", "rd"}
    assert by_group["cn=all"] == by_group["cn=circle"] == {"alice", "jdoe", "rd"}
    assert by_group["cn=unix"] == {"alice"}
