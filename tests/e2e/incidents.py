"""A small company in OpenLDAP with a roster that is already right, for trying what has gone wrong elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import ldap3

from tests.examples import reconcile
from tests.servers.directories import BASE
from tests.servers.rosters import Row, SqliteRoster
from tests.servers.slapd import Slapd

PEOPLE = tuple(f"p{number:02}" for number in range(1, 21))
LEADS, ADMINS = PEOPLE[:2], PEOPLE[:3]
DEVS = PEOPLE[2:]

_PERSON = """
dn: uid={uid},ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
mail: {uid}@example.com
employeeType: staff
"""
_GROUP = """
dn: cn={cn},ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: {cn}
"""
_TREE = """\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups
"""
_POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: ["{url}"]
    base: dc=example,dc=com
    bind: {{dn: "{dn}", password: {{file: password}}}}
    tls: {{ca_file: "{ca_file}"}}
    user_filter: (objectClass=person)
targets:
  roster:
    kind: sql
    url: sqlite:///roster.db
    directory: corp
    roles: [viewer, owner]
    admin_group: admins
    users: {{create: true, sync: [email, name]}}
    groups: {{create: true}}
group_links:
  roster:
    app:
      - {{cn: devs, access: viewer}}
      - {{cn: leads, access: owner}}
"""


def directory() -> str:
    """Return the LDIF of the company."""
    groups = {"devs": DEVS, "leads": LEADS, "admins": ADMINS}
    members = {cn: "".join(f"member: {dn_of(uid)}\n" for uid in held) for cn, held in groups.items()}
    people = "".join(_PERSON.format(uid=uid) for uid in PEOPLE)
    return _TREE + people + "".join(_GROUP.format(cn=cn) + held for cn, held in members.items())


def dn_of(uid: str) -> str:
    return f"uid={uid},ou=people,{BASE}"


def group_dn(cn: str) -> str:
    return f"cn={cn},ou=groups,{BASE}"


@dataclass
class Company:
    """A policy over a server, and its roster."""

    work: Path
    server: Slapd
    roster: SqliteRoster

    def run(self, *arguments: str, code: int = 0) -> CompletedProcess[str]:
        """Run the command line and insist on the exit code."""
        return reconcile(*arguments, cwd=self.work, code=code)

    def edit(self, old: str, new: str) -> None:
        """Change the policy."""
        path = self.work / "policies" / "policy.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def modify(self, dn: str, changes: Mapping[str, Sequence[tuple[str, Sequence[str | bytes]]]]) -> None:
        """Change an entry as an administrator of the directory does."""
        with self.connected() as connection:
            assert connection.modify(dn, changes), connection.result

    def delete(self, *dns: str) -> None:
        """Delete entries."""
        with self.connected() as connection:
            for dn in dns:
                assert connection.delete(dn), connection.result

    def content(self) -> dict[str, list[Row]]:
        """Return who has what, and which accounts are in use."""
        return {
            "users": self.roster.execute("SELECT username, active, admin FROM users ORDER BY username"),
            "memberships": self.roster.execute("SELECT username, group_name, role FROM who_has_what ORDER BY 1, 2, 3"),
        }

    def connected(self) -> ldap3.Connection:
        """Return a connection of the administrator, to be entered."""
        server = ldap3.Server(self.server.url, get_info=ldap3.NONE)
        return ldap3.Connection(server, self.server.admin_dn, self.server.password, check_names=False)


def company(folder: Path, server: Slapd) -> Company:
    """Return a company whose roster was filled by an apply, and has nothing left to do."""
    policies = folder / "policies"
    policies.mkdir()
    (policies / "password").write_text(server.password, encoding="utf-8")
    point_to(policies, server)
    made = Company(folder, server, SqliteRoster(policies / "roster.db"))
    made.run("apply", "--auto-approve")
    made.run("plan", "--detailed-exitcode")
    return made


def point_to(policies: Path, server: Slapd) -> None:
    """Write the policy with this server as the directory."""
    text = _POLICY.format(url=server.ldaps_url, dn=server.reader_dn, ca_file=server.ca_file)
    (policies / "policy.yaml").write_text(text, encoding="utf-8")
