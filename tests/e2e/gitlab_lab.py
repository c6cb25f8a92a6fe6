"""A directory, a policy and a GitLab that a test fills as it likes, and the command line in this process; asserts what every run keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import run
from tests.e2e.gitlab_reading import PROVIDER, SECRET, VARIABLE, world_of
from tests.e2e.gitlab_writing import stable
from tests.examples import NOON
from tests.fakes.gitlab_server import Served, serving
from tests.fakes.gitlab_world import Source, User, World

OFF = "max_removals: off, max_removals_per_group: off, max_disabled_users: off, max_privileged_grants: off"
_PLACE = re.compile(r"(?:(?<=\()|; )policies/[a-z]+\.yaml:[0-9]+\)$")
_POLICY = """\
version: 1
directories:
  corp: {{kind: ldif, file: corp.ldif, base: "dc=example,dc=com"}}
targets:
  lab:
    kind: gitlab
    url: {url}
    token: {{env: {variable}}}
    directory: corp
    provider: {provider}
    delete_rate: 60000
    {target}
group_links:
  lab:
    {links}
guards: {{"*": {{{guards}}}}}
{more}
"""


@dataclass
class Entry:
    """Somebody in the directory; `dn` and `mail` are the usual ones where nothing is said, and no `mail` is None."""

    name: str
    dn: str = ""
    mail: str | None = ""
    more: Sequence[str] = ()

    @property
    def place(self) -> str:
        """Return the DN."""
        return self.dn or home(self.name)


@dataclass
class Lab:
    """A policy folder beside a running GitLab. `people` and `groups` are what the LDIF file says at the next run."""

    folder: Path
    served: Served
    screen: pytest.CaptureFixture[str]
    setting: pytest.MonkeyPatch
    now: int = int(NOON)  # one minute later at each run
    people: dict[str, Entry] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    @property
    def world(self) -> World:
        """Return what the GitLab holds."""
        return self.served.world

    def policy(self, *links: str, target: Sequence[str] = (), guards: str = OFF, more: str = "") -> None:
        """Write the policy: lines of the target, lines of its links, and whatever else there is."""
        text = _POLICY.format(
            url=self.served.url,
            variable=VARIABLE,
            provider=PROVIDER,
            target="\n    ".join(target),
            links="\n    ".join(links) or "{}",
            guards=guards,
            more=more,
        )
        self.write("policy.yaml", text)

    def write(self, name: str, text: str) -> None:
        """Write a file of the policy folder."""
        (self.folder / "policies" / name).write_text(text)

    def someone(self, *names: str, account: bool = True) -> None:
        """Put people into the directory and, if they are to have accounts, into the GitLab."""
        for name in names:
            self.people[name] = Entry(name)
            if account:
                self.account(name)

    def account(self, name: str, **more: Any) -> User:
        """Put the account of somebody into the GitLab, as GitLab's own LDAP login would have made it."""
        return self.world.add_user(name, **{"identities": {PROVIDER: home(name)}, **more})

    def join(self, source: Source, /, **levels: int) -> None:
        """Make memberships as somebody nobody remembers would have."""
        for name, level in levels.items():
            self.world.add_member(source, self.world.user(name), level)

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run the command line, insist on its exit code, and return what it said on both streams."""
        self.write("corp.ldif", ldif(self.people.values(), self.groups))
        self.now += 60
        self.setting.setenv("RECONCILE_NOW", str(self.now))
        self.screen.readouterr()
        found = run(arguments)
        said = self.screen.readouterr()
        assert found == code, f"exit {found}\n{said.out}\n{said.err}"
        assert SECRET not in said.out + said.err
        return said.out + said.err

    def plan(self, *arguments: str, code: int = 0) -> tuple[str, dict[str, Any]]:
        """Plan; return the text and the target's part of the plan. Nothing was written."""
        self.served.forget()
        text = self.run("plan", "--out", "plan.json", *arguments, code=code)
        assert self.served.writes() == []
        document = json.loads((self.folder / "plan.json").read_text())
        (section,) = document["targets"]
        return text, section

    def apply(self, code: int = 0) -> str:
        """Apply the plan that was made last."""
        self.served.forget()
        return self.run("apply", "plan.json", code=code)

    def settled(self) -> str:
        """Plan again: there is nothing to do. Return what is said all the same."""
        self.served.forget()
        said = self.run("plan", "--detailed-exitcode")
        assert said.startswith("No changes.")
        assert self.served.writes() == []
        return said

    def sent(self) -> list[str]:
        """Return the writing requests, in order, with what decides of their query and body."""
        return [
            " ".join([entry.method, entry.path, *(f"{key}={value}" for key, value in _said(entry.query, entry.body))])
            for entry in self.served.writes()
        ]


def _said(query: Mapping[str, str], body: object) -> Iterable[tuple[str, object]]:
    yield from query.items()
    if isinstance(body, dict):
        yield from body.items()


def told(text: str) -> list[str]:
    """Return the lines of a plan without what only lines them up, and without the place of the rule."""
    lines = [" ".join(line.replace("→", "->").split()) for line in text.splitlines()]
    return [_PLACE.sub(")", line).removesuffix(" ()") for line in lines]


def home(name: str) -> str:
    """Return where somebody is in the directory where nothing else is said."""
    return f"uid={name},ou=people,dc=example,dc=com"


def who(changes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return changes of a plan in few words, sorted: type, group, person, what is and what is wanted."""
    return sorted(
        " ".join(
            filter(
                None,
                [
                    one["type"],
                    one["group"] or "",
                    (one["user"] or {}).get("username", ""),
                    f"{one['have']}→{one['want']}" if one["type"].startswith("membership.") else "",
                ],
            )
        )
        for one in changes
    )


def ldif(people: Iterable[Entry], groups: Mapping[str, str]) -> str:
    """Return a directory of these people, and groups that hold people by name or by DN."""
    entries = list(people)
    places = {entry.name: entry.place for entry in entries}
    blocks = ["version: 1\n\ndn: dc=example,dc=com\nobjectClass: domain\ndc: example\n"]
    for entry in entries:
        mail = [f"mail: {entry.mail or f'{entry.name}@example.com'}"] if entry.mail is not None else []
        lines = [
            f"dn: {entry.place}",
            "objectClass: inetOrgPerson",
            "objectClass: ldapPublicKey",
            f"uid: {entry.name}",
            f"cn: {entry.name}",
            f"sn: {entry.name}",
            f"entryUUID: {stable(entry.name)}",
            *mail,
            *entry.more,
        ]
        blocks.append("\n".join(lines) + "\n")
    for group, names in groups.items():
        members = "".join(f"member: {places.get(name, home(name))}\n" for name in names.split())
        kind = "groupOfNames" if members else "posixGroup\ngidNumber: 1"  # the former cannot be empty
        blocks.append(f"dn: cn={group},dc=example,dc=com\nobjectClass: {kind}\ncn: {group}\n{members}")
    return "\n".join(blocks)


@pytest.fixture
def lab(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Give an empty directory beside an empty GitLab, of the edition that has everything."""
    (tmp_path / "policies").mkdir()
    monkeypatch.chdir(tmp_path)
    fixed = {VARIABLE: SECRET, "NO_COLOR": "1", "COLUMNS": "200", "GIT_CEILING_DIRECTORIES": "/"}
    for name, value in fixed.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RECONCILE_POLICY", raising=False)
    world = world_of()
    world.instance.enterprise = True
    with serving(world) as served:
        yield Lab(tmp_path, served, capsys, monkeypatch)
