"""A company on a live directory whose roster is out of step, planned for everybody and for each person alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from reconciler.apply.task import Task
from reconciler.directory.observer import Question
from reconciler.model.change import (
    AddMembership,
    Change,
    ChangeRole,
    CreateGroup,
    RemoveMembership,
    RenameGroup,
    person_of,
)
from reconciler.model.plan import Plan
from reconciler.pipeline import Run, apply_plan, make_plan
from reconciler.plan.encode import encode
from reconciler.policy.load import load_policy
from tests.unit.apply.apps import manner, store_in

_MEMBERSHIP = (AddMembership, ChangeRole, RemoveMembership)
TODAY, NOW = date(2026, 11, 20), "2026-11-20T04:00:00Z"
_POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: [{url}]
    base: {base}
    bind: {{dn: {dn}, password: {{file: password}}}}
    tls: {{ca_file: {ca_file}}}
{more}
targets:
  roster:
    kind: sql
    url: sqlite:///roster.db
    directory: corp
    roles: [viewer, editor, owner]
    users: {{create: true, when_missing: disable{users}}}
    groups: {{create: true}}
{flags}
guards:
  "*": {{max_removals: off, max_removals_per_group: off, empty_group: allow, min_owners: off, max_privileged_grants: off}}
{imports}
group_links:
  roster:
{links}
"""


@dataclass
class Counted:
    """An observer that keeps every search and counts the entries."""

    questions: list[Question] = field(default_factory=list)
    entries: int = 0

    def searching(self, question: Question) -> None:
        """Keep it."""
        self.questions.append(question)

    def found(self, entries: int) -> None:
        """Count them."""
        self.entries += entries

    def finished(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Office:
    """A folder with a policy for one server; `options` are the server's url, base, dn, password and ca_file."""

    folder: Path
    options: dict[str, str]
    more: str = ""
    users: str = ""
    flags: str = ""
    imports: str = ""

    def run(self, links: str) -> Run:
        """Return a run with these links, which are lines of YAML indented by four."""
        options = {name: json.dumps(value) for name, value in self.options.items() if name != "password"}
        (self.folder / "password").write_text(self.options["password"], encoding="utf-8")
        text = _POLICY.format(
            **options, more=self.more, users=self.users, flags=self.flags, imports=self.imports, links=links
        )
        return self.again(text)

    def again(self, text: str) -> Run:
        """Return a run with this text as the policy."""
        (self.folder / "policy.yaml").write_text(text, encoding="utf-8")
        return Run(load_policy(str(self.folder), TODAY).policy, TODAY, NOW)

    def filled(self, links: str) -> None:
        """Let the roster hold what these links give."""
        run = self.run(links)
        plan = make_plan(run)
        assert apply_plan(run, Task(plan, encode(plan)), store_in(self.folder), manner()).exit_code == 0

    def accounts(self) -> set[str]:
        """Return the usernames in the roster."""
        with closing(sqlite3.connect(self.folder / "roster.db")) as connection:
            return {name for (name,) in connection.execute("SELECT username FROM users")}


def linked(dns: Sequence[str], step: int = 0) -> str:
    """Return links: each team is two of the directory groups, `step` further on in their list, with two roles."""
    lines = []
    for number in range(len(dns)):
        one, other = (dns[(number + step + more) % len(dns)] for more in (0, 2))
        lines.append(f"    team {number}:")
        lines.append(f"      - {{dn: {json.dumps(one)}, access: {('viewer', 'owner')[number % 2]}}}")
        lines.append(f"      - {{dn: {json.dumps(other)}, access: editor}}")
    return "\n".join(lines)


def check_each_alone(run: Run, names: Iterable[str]) -> int:
    """Check for each name that its plan is that for everybody, kept to the one; return how many changes that were.

    A group that the plan for everybody renames keeps its name in a plan for one.
    """
    everything, count = make_plan(run), 0
    for name in names:
        mine = make_plan(replace(run, only=(name,)))
        assert not mine.errored
        key = mine.only[0].key
        expected = _theirs(everything, key)
        assert _theirs(mine, key) == expected, name
        assert [change for change in _changes(mine) if person_of(change) not in {key, ""}] == []
        groups = {change.group for change in expected if isinstance(change, _MEMBERSHIP)}
        assert all(isinstance(c, CreateGroup) and c.group.key in groups for c in _changes(mine) if not person_of(c))
        assert _held(mine, key) == _held(everything, key), name
        count += len(expected)
    return count


def _changes(plan: Plan) -> list[Change]:
    return [change for target in plan.targets for change in target.changes]


def _theirs(plan: Plan, key: str) -> list[Change]:
    return [_before_renaming(change, plan) for change in _changes(plan) if person_of(change) == key]


def _held(plan: Plan, key: str) -> list[tuple[Change, str, str]]:
    held = [one for target in plan.targets for one in target.withheld if person_of(one.change) == key]
    return [(_before_renaming(one.change, plan), one.hold, one.detail) for one in held]


def _before_renaming(change: Change, plan: Plan) -> Change:
    names = {one.want: one.have for one in _changes(plan) if isinstance(one, RenameGroup)}
    return replace(change, group=names.get(change.group, change.group)) if isinstance(change, _MEMBERSHIP) else change
