"""Directories that tests load into servers and files, and how a policy would name them."""

from __future__ import annotations

import base64
import random
from dataclasses import replace
from pathlib import Path

from reconciler.model.diagnostic import Position
from reconciler.model.directory import Needs
from reconciler.policy.model import DirectoryConfig, SecretRef

BASE = "dc=example,dc=com"

SMALL = """\
# awkward names, every member form, nesting, a cycle, what dangles and what is empty
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

dn: uid=alice,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: posixAccount
entryUUID: 11111111-0000-4000-8000-00000000000a
uid: alice
cn: Alice Arden
sn: Arden
displayName: Alice
mail: alice@example.com
mail: a.arden@example.com
title: Staff Engineer
uidNumber: 1001
gidNumber: 1001
homeDirectory: /home/alice

dn: cn=Doe\\, J\u00f6rg \\22the second\\22,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
entryUUID: 22222222-0000-4000-8000-00000000000b
uid: jdoe
cn: Doe, J\u00f6rg "the second"
sn: Doe
mail: jdoe@example.com
description;lang-de: Buchhaltung

dn: cn=R\\2BD \\#1002+uid=rd,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
entryUUID: 33333333-0000-4000-8000-00000000000c
uid: rd
cn: R+D #1002
sn: Lab

dn: uid=locked,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
entryUUID: 44444444-0000-4000-8000-00000000000d
uid: locked
cn: Lou Locked
sn: Locked
mail: locked@example.com
pwdAccountLockedTime: 000001010000Z

dn: uid=pause,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
entryUUID: 55555555-0000-4000-8000-00000000000e
uid: pause
cn: Pat Pause
sn: Pause
pwdAccountLockedTime: 20260101000000Z

dn: uid=expired,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: shadowAccount
entryUUID: 66666666-0000-4000-8000-00000000000f
uid: expired
cn: Eve Expired
sn: Expired
shadowExpire: 10

dn: cn=devs,ou=groups,dc=example,dc=com
objectClass: groupOfNames
entryUUID: aaaaaaaa-0000-4000-8000-000000000001
cn: devs
member: uid=alice,ou=people,dc=example,dc=com
member: CN=doe\\2C  j\u00f6rg \\22the second\\22 , OU=People,DC=example,dc=com
member: uid=rd+cn=R\\2BD \\231002,ou=people,dc=example,dc=com
member: uid=ghost,ou=people,dc=example,dc=com

dn: cn=all,ou=groups,dc=example,dc=com
objectClass: groupOfNames
entryUUID: aaaaaaaa-0000-4000-8000-000000000002
cn: all
member: cn=devs,ou=groups,dc=example,dc=com
member: cn=circle,ou=groups,dc=example,dc=com

dn: cn=circle,ou=groups,dc=example,dc=com
objectClass: groupOfUniqueNames
entryUUID: aaaaaaaa-0000-4000-8000-000000000003
cn: circle
uniqueMember: cn=all,ou=groups,dc=example,dc=com
uniqueMember: uid=locked,ou=people,dc=example,dc=com#'0101'B

dn: cn=unix,ou=groups,dc=example,dc=com
objectClass: posixGroup
entryUUID: aaaaaaaa-0000-4000-8000-000000000004
cn: unix
gidNumber: 2000
memberUid: alice
memberUid: ALICE
memberUid: nobody-here

dn: cn=nobody,ou=groups,dc=example,dc=com
objectClass: posixGroup
entryUUID: aaaaaaaa-0000-4000-8000-000000000005
cn: nobody
gidNumber: 2001
"""


def people_and_groups(people: int, groups: int) -> str:
    """Return LDIF with so many people and groups, each group with three members."""
    parts = [SMALL.split("\n\ndn: uid=alice", maxsplit=1)[0] + "\n"]
    parts += [
        f"dn: uid=u{n:05},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: u{n:05}\ncn: User {n}\nsn: {n}\n"
        f"mail: u{n:05}@example.com\n"
        for n in range(people)
    ]
    parts += [
        f"dn: cn=g{n:05},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: g{n:05}\n"
        + "".join(f"member: uid=u{(n + k) % people:05},ou=people,{BASE}\n" for k in range(3))
        for n in range(groups)
    ]
    return "\n".join(parts)


NEEDS = Needs(frozenset({"uid", "mail", "displayName", "objectClass", "description"}), frozenset({"cn"}))
READ_AT = "2026-11-20T04:00:00Z"
_WHERE = Position("policies/corp.yaml", 4)


def secret(value: str, folder: Path) -> SecretRef:
    """Return a reference to a file that holds the value."""
    path = folder / "secret"
    path.write_text(value, encoding="utf-8")
    return SecretRef("file", str(path), _WHERE)


def ldap_config(*servers: str, **changes: object) -> DirectoryConfig:
    """Return the configuration of a directory called corp; by default no bind, and plain connections are allowed.

    It has the patience that a busy machine needs: where a server is to be silent, a test says how long that is waited for.

    `base` and `group_base` are one DN or several.
    """
    usual = DirectoryConfig(
        name="corp", kind="ldap", where=_WHERE, servers=servers, bases=(BASE,), connect_timeout=20, receive_timeout=30
    )
    for word in ("base", "group_base"):
        if word in changes:
            given = changes.pop(word)
            changes[f"{word}s"] = (given,) if given and isinstance(given, str) else given or ()
    if changes.get("bases") == ():
        changes["bases"] = ("",)
    return replace(usual, **changes)  # type: ignore[arg-type]  # the caller names fields of DirectoryConfig


def ldif_config(file: Path, **changes: object) -> DirectoryConfig:
    """Return the configuration of the same directory in a file."""
    return ldap_config(kind="ldif", file=str(file), **changes)


def awkward(seed: int, people: int = 40, groups: int = 25) -> str:
    """Return LDIF whose DNs need escapes and whose members are written in other ways than the DNs they mean."""
    chance = random.Random(seed)  # noqa: S311 - the same directory for the same seed
    names = [chance.choice(_NAMES) + f" {n}" for n in range(people)]
    person_dns = [f"cn={_escaped(name)},ou=people,{BASE}" for name in names]
    group_dns = [f"cn=g {n},ou=groups,{BASE}" for n in range(groups)]
    parts = [SMALL.split("\n\ndn: uid=alice", maxsplit=1)[0] + "\n"]
    for n, name in enumerate(names):
        lines = ["objectClass: inetOrgPerson", f"uid: u{n}", "sn: x", _line("cn", name), f"mail: u{n}@example.com"]
        lines += ["pwdAccountLockedTime: 000001010000Z"] if chance.random() < 0.1 else []
        parts.append("\n".join([_line("dn", person_dns[n]), *lines, ""]))
    for n, dn in enumerate(group_dns):
        kind = chance.choice(["groupOfNames", "groupOfUniqueNames", "posixGroup"])
        meant = chance.sample([*person_dns, *group_dns, f"cn=gone,ou=people,{BASE}"], chance.randint(1, 9))
        lines = [_line("dn", dn), f"objectClass: {kind}", f"cn: g {n}"]
        if kind == "posixGroup":
            lines += [f"gidNumber: {n}", *(f"memberUid: u{chance.randrange(people + 3)}" for _ in "ab")]
            lines = list(dict.fromkeys(lines))
        else:
            attribute = "member" if kind == "groupOfNames" else "uniqueMember"
            lines += [_line(attribute, _rewritten(each, chance)) for each in meant]
        parts.append("\n".join([*lines, ""]))
    return "\n".join(parts)


_NAMES = (
    "Doe, Jörg",
    'O"Brien',
    "R+D",
    "#lead",
    "semi;colon",
    "back\\slash",
    "<angle>",
    "Åsa  Öst",
    "plain",
    "a=b",
    "日本",
)


def _escaped(value: str) -> str:
    text = "".join("\\" + char if char in ',+"\\<>;=' else char for char in value)
    return "\\" + text if text.startswith("#") else text


def _rewritten(dn: str, chance: random.Random) -> str:
    rewrite = chance.choice(
        [
            str,
            str.upper if dn.isascii() and "\\" not in dn else str,
            lambda text: text.replace(",ou=", " , OU=").replace(",dc=", ", 0.9.2342.19200300.100.1.25="),
            lambda text: text.replace("\\,", "\\2C").replace("\\+", "\\2b"),
        ]
    )
    return rewrite(dn)


def _line(name: str, value: str) -> str:
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"
