"""Turn a shape into the files of a policy folder; never open a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.entries import (
    ADMIN_GROUP,
    BASE,
    GROUPS,
    IMPORTED,
    TITLES,
    department_name,
    departments,
    group_cn,
    group_dn,
)
from benchmarks.shape import Shape

DIRECTORY = "corp"
TARGET = "roster"
PAGE_SIZE = 1_000
_GROUPS_PER_FILE = 100
_ROLES = ("viewer", "viewer", "viewer", "viewer", "viewer", "editor", "editor", "editor", "owner", "owner")
_FILTER_EVERY, _FILTER_AT = 5, 2  # of ten links, two are filters
_DN_EVERY, _DN_AT = 10, 6  # and one names its group by DN


@dataclass(frozen=True, slots=True)
class Server:
    """A directory server to read from; without `bind_dn` the bind is anonymous."""

    url: str
    bind_dn: str = ""
    password_file: str = ""


def connections(server: Server | None) -> str:
    """Return the file that says where things are; without a server the generated LDIF file is the directory."""
    return f"""\
version: 1

directories:
  {DIRECTORY}:
{_source(server)}
    dialect: openldap
    base: {json.dumps(BASE)}
    group_base: {json.dumps(GROUPS)}
    user_filter: (objectClass=inetOrgPerson)
    attributes: {{username: uid, email: mail, name: displayName}}

targets:
  {TARGET}:
    kind: sql
    url: sqlite:///../roster.db
    directory: {DIRECTORY}
    roles: [viewer, editor, owner]
    users: {{create: true, username: "{{uid|lower}}", sync: [email, name]}}
    groups: {{create: true}}
    admin_group: {ADMIN_GROUP}

group_imports:
  {TARGET}:
    - {{filter: "(cn={IMPORTED}*)", name: "{{cn}}", access: viewer}}

# the first load makes and grants everything at once, and one percent of it is more than 50 removals or accounts
guards:
  {TARGET}:
    max_removals: off
    max_removals_per_group: off
    max_privileged_grants: off
    max_created_users: off
    max_disabled_users: off
"""


def link_files(shape: Shape, target: str = TARGET, roles: Sequence[str] = _ROLES) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file of group links; ten links of a group get `roles`, from first to last."""
    for start in range(0, shape.target_groups, _GROUPS_PER_FILE):
        numbers = range(start, min(start + _GROUPS_PER_FILE, shape.target_groups))
        body = "".join(_target_group(shape, number, roles) for number in numbers)
        yield f"links-{start // _GROUPS_PER_FILE:03}.yaml", f"version: 1\n\ngroup_links:\n  {target}:\n{body}"


def _source(server: Server | None) -> str:
    if server is None:
        return "    kind: ldif\n    file: ../directory.ldif"
    lines = ["    kind: ldap", f"    servers: [{json.dumps(server.url)}]", f"    page_size: {PAGE_SIZE}"]
    if server.bind_dn:
        password = f"{{file: {json.dumps(server.password_file)}}}"
        lines.append(f"    bind: {{dn: {json.dumps(server.bind_dn)}, password: {password}}}")
        lines.append("    tls: {plaintext: true} # loopback")
    return "\n".join(lines)


def target_group(number: int) -> str:
    """Return the name of a group of the app."""
    return f"division-{number // 50:03}/project-{number:05}"


def _target_group(shape: Shape, number: int, roles: Sequence[str]) -> str:
    drawn = shape.random("links", number)
    groups = drawn.sample(range(shape.groups), min(shape.links, shape.groups))
    if number < shape.big and number not in groups:
        groups[0] = number  # every big group is linked
    lines = [f"    {target_group(number)}:"]
    for place, group in enumerate(groups):
        role = roles[place * len(roles) // len(groups)]
        lines.append(f"      - {{{_who(shape, place, group)}, access: {role}}}")
    return "\n".join(lines) + "\n"


def _who(shape: Shape, place: int, group: int) -> str:
    """Return whom a link means; text is quoted as JSON, which is YAML, too."""
    if place % _FILTER_EVERY == _FILTER_AT:
        return f"filter: {json.dumps(_filter(shape, group))}"
    if place % _DN_EVERY == _DN_AT:
        return f"dn: {json.dumps(group_dn(shape, group), ensure_ascii=False)}"
    return f"cn: {json.dumps(group_cn(shape, group), ensure_ascii=False)}"


def _filter(shape: Shape, number: int) -> str:
    """Return one of four forms of filter, about a department that `number` picks."""
    count = departments(shape)
    department = department_name(number % count)
    forms = (
        f"(&(objectClass=person)(departmentNumber={department}))",
        f"(&(objectClass=person)(departmentNumber={department})(title={TITLES[number % len(TITLES)]}))",
        f"(|(departmentNumber={department})(departmentNumber={department_name((number + 1) % count)}))",
        f"(&(departmentNumber={department})(title=*Engineer)(!(employeeType=contractor)))",
    )
    return forms[number // count % len(forms)]
