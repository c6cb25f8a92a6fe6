"""Write a first policy, with a comment on every key; what a directory holds goes into it escaped, and as comments only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from reconciler.adoption.text import quoted
from reconciler.starting.seen import FoundGroup, Seen

SCHEMA = "policy.schema.json"
_SCHEMA_LINE = f"# yaml-language-server: $schema={SCHEMA}"
_MOST = 5  # groups that are shown as examples
_LONGEST = 120  # characters of a name that is shown as an example

TargetKind = Literal["sql", "gitlab"]
ROLES: Mapping[TargetKind, tuple[str, str, str]] = {
    "sql": ("viewer", "editor", "owner"),
    "gitlab": ("developer", "maintainer", "owner"),
}
"""The roles that examples give, the lowest first."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files are to say beside what was seen; paths are as they stand in the files, secrets by name only."""

    seen: Seen
    server: str = ""
    ldif: str = ""
    bind_dn: str = ""
    password: tuple[Literal["env", "file"], str] = ("env", "LDAP_PASSWORD")
    ca_file: str = ""
    start_tls: bool = False
    target: TargetKind = "sql"
    gitlab_url: str = "https://gitlab.example.com"

    @property
    def target_name(self) -> str:
        """What the target is called in the policy."""
        return "roster" if self.target == "sql" else "gitlab"


def connections(wanted: Wanted) -> str:
    """Return the file that says where everything is and who we are there."""
    return _lines(
        _SCHEMA_LINE,
        "# Where things are: the directory that people and groups come from, and the application whose access is managed.",
        "# docs/reference/policy.md explains every key; an editor that reads the line above completes and checks them.",
        "",
        "# The version of the format, the same in every file of a policy.",
        "version: 1",
        "",
        "# Directories by a name of your choice; targets refer to it.",
        "directories:",
        "  corp:",
        *_directory(wanted),
        "",
        "# Applications by a name of your choice; rules refer to it.",
        "targets:",
        *(_roster(wanted) if wanted.target == "sql" else _gitlab(wanted)),
    )


def rules(wanted: Wanted) -> str:
    """Return the file that says who has what: everything in it is a comment, to be taken in by whoever knows what it means."""
    return _lines(
        _SCHEMA_LINE,
        "# Who has what. Take the # away from what you want, and look at `reconcile plan` before you apply it.",
        "version: 1",
        "",
        *_examples(wanted),
        "",
        *_safety(wanted),
    )


def example_group(group: FoundGroup) -> str:
    """Return a name that a group of an application can have, made from that of a directory group."""
    return re.sub(r"[^a-z0-9]+", "-", group.cn.lower()).strip("-") or "everybody"


def _directory(wanted: Wanted) -> Iterator[str]:
    seen = wanted.seen
    if wanted.ldif:
        yield "    # An LDIF file, relative to this file. For a live server write kind: ldap, servers and bind in its place."
        yield "    kind: ldif"
        yield f"    file: {quoted(wanted.ldif)}"
    else:
        yield "    # A live server; ldif and snapshot stand for files."
        yield "    kind: ldap"
        yield "    # Tried in this order; the first that lets us in is read. Name a second one."
        yield "    servers:"
        yield f"      - {quoted(wanted.server)}"
        yield from _login(wanted)
        yield from _tls(wanted)
    yield "    # How the server marks disabled accounts and names things: openldap, 389ds or active_directory."
    yield f"    dialect: {seen.dialect}"
    if seen.base:
        yield "    # People, and groups where group_base does not say otherwise, are looked for below this entry."
        yield f"    base: {quoted(seen.base)}"
    if seen.group_base:
        yield "    # Groups are looked for below this entry only; rules cannot name others."
        yield f"    group_base: {quoted(seen.group_base)}"
    yield from _people(seen)


def _login(wanted: Wanted) -> Iterator[str]:
    if not wanted.bind_dn:
        yield "    # Read without logging in. To log in, with a password that stands in an environment variable:"
        yield '    # bind: {dn: "cn=reader,dc=example,dc=com", password: {env: LDAP_PASSWORD}}'
        return
    kind, name = wanted.password
    yield "    # The account that reads; it needs no right to write. Its password never stands here:"
    yield "    # env names an environment variable that holds it, file a file."
    yield "    bind:"
    yield f"      dn: {quoted(wanted.bind_dn)}"
    yield "      password:"
    yield f"        {kind}: {quoted(name)}"


def _tls(wanted: Wanted) -> Iterator[str]:
    if wanted.start_tls or wanted.ca_file:
        yield "    # How the connection is protected; certificates are always verified."
        yield "    tls:"
    if wanted.start_tls:
        yield "      # Encrypt an ldap:// connection before anything is sent over it."
        yield "      start_tls: true"
    if wanted.ca_file:
        yield "      # Only certificates of these authorities are accepted; without it, those that the system trusts."
        yield f"      ca_file: {quoted(wanted.ca_file)}"


def _people(seen: Seen) -> Iterator[str]:
    yield "    # Which entries are people. This is what holds without it:"
    yield f"    # user_filter: {quoted(seen.people_filter)}"
    if seen.attributes:
        yield "    # Which attributes hold what accounts need."
        yield "    attributes:"
        for word, name in seen.attributes.items():
            yield f"      {word}: {quoted(name)}"
    yield "    # Whoever is in a group that is in a group is in the outer one, too."
    yield "    nested_groups: true"
    more = "" if seen.all_people else " and more"
    yield f"    # {seen.people:,}{more} people and {len(seen.groups):,} groups were seen. A read that sees fewer than this ends the run:"
    yield "    # an account that has lost its rights sees fewer entries, and no error."
    yield f"    # canary: {{min_people: {max(1, seen.people // 2)}, min_groups: {max(1, len(seen.groups) // 2)}}}"


def _roster(wanted: Wanted) -> Iterator[str]:
    sync = [word for word in ("email", "name") if word in wanted.seen.attributes]
    yield "  roster:"
    yield "    # A small database of accounts, groups and roles that applications of your own read."
    yield "    kind: sql"
    yield "    # A SQLite file beside this one. For PostgreSQL: postgresql://reconcile@db.example.com/roster"
    yield "    url: sqlite:///roster.db"
    yield "    # Whose people it knows."
    yield "    directory: corp"
    yield "    # The roles that rules can give, the lowest first; of several the highest counts."
    yield f"    roles: [{', '.join(ROLES['sql'])}]"
    yield "    users:"
    yield "      # Make accounts for people whom a rule names."
    yield "      create: true"
    yield from _leavers()
    if sync:
        yield "      # Keep these in step with the directory, too."
        yield f"      sync: [{', '.join(sync)}]"
    yield "    groups:"
    yield "      # Make groups that a rule names."
    yield "      create: true"


def _gitlab(wanted: Wanted) -> Iterator[str]:
    yield "  gitlab:"
    yield "    kind: gitlab"
    yield f"    url: {quoted(wanted.gitlab_url)}"
    yield "    # An access token of an administrator. It never stands here: env names an environment variable that holds it."
    yield "    token: {env: GITLAB_TOKEN}"
    yield "    # Whose people it knows."
    yield "    directory: corp"
    yield "    # The name of the LDAP server in GitLab's own settings; only accounts that come from it are managed."
    yield "    provider: ldapmain"
    yield "    users:"
    yield "      # GitLab makes accounts itself when people sign in."
    yield "      create: false"
    yield from _leavers()


def _leavers() -> Iterator[str]:
    yield "      # What becomes of the account of somebody who has left the directory, or is disabled there:"
    yield "      # disable, remove or keep."
    yield "      when_missing: disable"
    yield "      when_disabled: disable"


def _examples(wanted: Wanted) -> Iterator[str]:
    role = ROLES[wanted.target][0]
    above = "  # or by DN, where a CN is not unique"
    yield "# A rule gives everybody in a directory group, or everybody whom a filter selects, a role in a group of the target."
    shown = [group for group in wanted.seen.groups if len(group.cn) <= _LONGEST and len(group.dn) <= _LONGEST]
    if shown:
        yield f"# These directory groups are there ({len(wanted.seen.groups):,} in all); which roles they stand for, you know."
    yield "#"
    yield "# group_links:"
    yield f"#   {wanted.target_name}:"
    names: set[str] = set()
    for group in shown[:_MOST]:
        name = example_group(group)
        if name in names:
            continue
        names.add(name)
        yield f"#     {quoted(name)}:"
        link = f"cn: {quoted(group.cn)}" if group.unique else f"dn: {quoted(group.dn)}"
        yield f"#       - {{{link}, access: {role}}}{'' if group.unique else above}"
    if not shown:
        yield "#     payments:"
        yield f"#       - {{cn: payments-devs, access: {role}}}"
    yield "#     by-filter:"
    yield f'#       - {{filter: "(title=Staff Engineer)", access: {role}}}'


def _safety(wanted: Wanted) -> Iterator[str]:
    name = wanted.target_name
    yield "# Accounts and groups that no plan may touch."
    yield "#"
    yield "# protected:"
    yield f'#   {name}: {{users: [root, "svc-*"]}}'
    yield ""
    yield "# Limits that stop a plan which takes away too much. These hold without being written; `reconcile plan` says when one does."
    yield "#"
    yield "# guards:"
    yield '#   "*": {max_removals: {percent: 10, count: 50}, max_removals_per_group: {percent: 50}, empty_group: refuse}'
    yield ""
    yield "# What must stay true whoever edits the rules; `reconcile test` checks it."
    yield "#"
    yield "# expect:"
    yield f'#   - {{target: {name}, groups: ["**"], role: owner, at_most: 3}}'


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"
