"""What tests load into a domain controller: people, groups and members of every kind that Active Directory has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import ldap3

from tests.servers.ldif_tools import added, record, replaced
from tests.servers.samba import BASE, Samba

CORP = f"OU=Corp,{BASE}"
PEOPLE = f"OU=People,{CORP}"
GROUPS = f"OU=Groups,{CORP}"

GLOBAL, DOMAIN_LOCAL, UNIVERSAL = "-2147483646", "-2147483644", "-2147483640"  # MS-ADTS 2.2.12, of security groups
_ENABLED, _DISABLED, _COMPUTER = "544", "514", "4128"  # MS-ADTS 2.2.16; no password is needed, for nobody logs in
_LONG_AGO, _NEVER = "131592000000000000", "9223372036854775807"
FOREIGNERS = f"CN=ForeignSecurityPrincipals,{BASE}"
AUTHENTICATED_USERS = "S-1-5-11"  # every domain has an entry for it
FOREIGN = "S-1-5-21-1004336348-1177238915-682003330-1105"  # somebody of a trusted domain, whose entry the server makes

PERSON_DNS = {
    "alice": f"CN=Alice Arden,{PEOPLE}",
    "jdoe": f'CN=Doe\\, Jörg \\"the second\\",{PEOPLE}',
    "rd": f"CN=R\\+D \\#1002,{PEOPLE}",
    "lead": f"CN=\\#lead,{PEOPLE}",
    "locked": f"CN=Lou Locked,{PEOPLE}",
    "expired": f"CN=Eve Expired,{PEOPLE}",
    "never": f"CN=Nina Never,{PEOPLE}",
    "zero": f"CN=Zoe Zero,{PEOPLE}",
    "primary": f"CN=Pat Primary,{PEOPLE}",
}
"""By sAMAccountName."""

_MORE = {
    "alice": {"displayName": "Alice", "description": "Abteilung Österreich"},
    "locked": {"userAccountControl": _DISABLED},
    "expired": {"accountExpires": _LONG_AGO},
    "never": {"accountExpires": _NEVER},
    "zero": {"accountExpires": "0"},
}

COMPUTER = f"CN=LAPTOP1,{PEOPLE}"
CONTACT = f"CN=Carl Contact,{PEOPLE}"

GROUP_DNS = {
    name: f"CN={cn},{GROUPS}"
    for name, cn in {
        "devs": "devs",
        "all": "all",
        "circle": "circle",
        "local": "local",
        "staff": "staff",
        "empty": "empty",
        "quoted": 'Ärger\\, \\"quoted\\" + more'.replace("+", "\\+"),
    }.items()
}
"""By sAMAccountName."""

_KINDS = {"devs": GLOBAL, "all": UNIVERSAL, "circle": UNIVERSAL, "local": DOMAIN_LOCAL, "quoted": DOMAIN_LOCAL}

PEOPLE_OF = {
    "devs": {"alice", "jdoe", "rd"},
    "circle": {"locked", "lead"},
    "local": {"expired", "never"},
    "staff": {"zero"},
    "quoted": {"alice"},
}
"""Direct members as `member` has them; `primary` belongs to staff, too, by its primary group."""

GROUPS_OF = {"all": {"devs", "circle"}, "circle": {"all"}, "local": {"all"}}
OTHERS_OF = {"all": {CONTACT}, "local": {COMPUTER}}


def fill(server: Samba) -> None:
    """Load everything; the numbers of groups are known only afterwards."""
    server.add(_units() + _entries() + _memberships())
    server.add(
        added(GROUP_DNS["local"], "member", f"CN={AUTHENTICATED_USERS},{FOREIGNERS}", f"<SID={FOREIGN}>")
        + added(GROUP_DNS["staff"], "member", PERSON_DNS["primary"])
        + replaced(PERSON_DNS["primary"], "primaryGroupID", _relative_id(server, GROUP_DNS["staff"]))
    )


@contextmanager
def administrator(server: Samba, url: str = "") -> Iterator[ldap3.Connection]:
    """Give a connection of ldap3 as it comes, to see with other eyes than ours what is there."""
    plain = ldap3.Server(url or server.url, get_info=ldap3.NONE)
    connection = ldap3.Connection(
        plain, server.admin_dn, server.password, auto_bind=True, check_names=False, raise_exceptions=True
    )
    try:
        yield connection
    finally:
        connection.unbind()


def _relative_id(server: Samba, group: str) -> str:
    with administrator(server) as connection:
        connection.search(group, "(objectClass=*)", ldap3.BASE, attributes=["primaryGroupToken"])
        return str(connection.response[0]["raw_attributes"]["primaryGroupToken"][0].decode())


def _units() -> str:
    return "".join(record(dn, {"objectClass": "organizationalUnit"}) for dn in (CORP, PEOPLE, GROUPS))


def _entries() -> str:
    people = "".join(
        record(
            dn,
            {
                "objectClass": "user",
                "sAMAccountName": name,
                "userPrincipalName": f"{name}@ad.example.test",
                "mail": f"{name}@example.com",
                "userAccountControl": _ENABLED,
            }
            | _MORE.get(name, {}),
        )
        for name, dn in PERSON_DNS.items()
    )
    computer = {"objectClass": "computer", "sAMAccountName": "LAPTOP1$", "userAccountControl": _COMPUTER}
    groups = "".join(
        record(dn, {"objectClass": "group", "sAMAccountName": name, "groupType": _KINDS.get(name, GLOBAL)})
        for name, dn in GROUP_DNS.items()
    )
    return people + record(COMPUTER, computer) + record(CONTACT, {"objectClass": "contact"}) + groups


def _memberships() -> str:
    members = {
        name: [
            *(PERSON_DNS[person] for person in sorted(PEOPLE_OF.get(name, ()))),
            *(GROUP_DNS[group] for group in sorted(GROUPS_OF.get(name, ()))),
            *sorted(OTHERS_OF.get(name, ())),
        ]
        for name in GROUP_DNS
    }
    return "".join(added(GROUP_DNS[name], "member", *found) for name, found in members.items() if found)
