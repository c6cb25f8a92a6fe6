"""A small team: three people, two directory groups, one group in a roster."""

from __future__ import annotations

from pathlib import Path

DIRECTORY = """\
version: 1

dn: dc=example,dc=com
objectClass: domain
dc: example

dn: cn=devs,dc=example,dc=com
objectClass: groupOfNames
cn: devs
member: uid=alice,dc=example,dc=com
member: uid=bob,dc=example,dc=com

dn: cn=leads,dc=example,dc=com
objectClass: groupOfNames
cn: leads
member: uid=carol,dc=example,dc=com
"""

PERSON = """
dn: uid={uid},dc=example,dc=com
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
mail: {uid}@example.com
"""

POLICY = """\
version: 1
directories:
  corp:
    kind: ldif
    file: directory.ldif
    base: dc=example,dc=com
targets:
  roster:
    kind: sql
    url: sqlite:///roster.db
    directory: corp
    roles: [viewer, owner]
    users: {create: true}
    groups: {create: true}
group_links:
  roster:
    team/app:
      - {cn: devs, access: viewer}
      - {cn: leads, access: owner}
expect:
  - {user: carol, target: roster, has: {team/app: owner}}
"""


def team(tmp_path: Path) -> Path:
    """Return the folder, filled: a policy, its directory, and no roster yet."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "directory.ldif").write_text(
        DIRECTORY + "".join(PERSON.format(uid=uid) for uid in ("alice", "bob", "carol"))
    )
    return tmp_path


def edit(work: Path, name: str, old: str, new: str) -> None:
    """Replace text that is there in a file of the policy."""
    path = work / "policies" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
