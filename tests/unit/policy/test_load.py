"""A folder becomes one policy, or all its problems at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from reconciler.errors import PolicyError
from reconciler.policy.load import load_policy
from reconciler.policy.model import SecretRef
from tests.unit.policy.policies import CONNECTIONS, TODAY, brief, codes, load, refused

EXAMPLE = """\
# yaml-language-server: $schema=../../schemas/policy.schema.json
version: 1

directories:
  corp:
    kind: ldap
    servers: [ldaps://dc1.example.com, ldaps://dc2.example.com]
    dialect: active_directory
    bind: {dn: "cn=reconciler,ou=services,dc=example,dc=com", password: {env: LDAP_PASSWORD}}
    tls: {ca_file: corp-ca.pem}
    base: dc=example,dc=com
    user_filter: (objectClass=user)
    group_base: ou=groups,dc=example,dc=com
    attributes: {username: sAMAccountName, email: mail, ssh_keys: sshPublicKey}
    nested_groups: true

targets:
  gitlab:
    kind: gitlab
    url: https://gitlab.example.com
    token: {env: GITLAB_TOKEN}
    directory: corp
    provider: ldapmain
    users: {create: false, when_missing: disable, when_disabled: disable, sync: [email, name, ssh_keys]}
    admin_group: gitlab-admins
    external_groups: [interns, contractors]
    membership_lock: true
  roster:
    kind: sql
    url: sqlite:///roster.db
    directory: corp
    roles: [viewer, editor, owner]
    users: {scope: linked, create: true, when_missing: disable, username: "{uid|lower}"}
    groups: {create: true, when_missing: remove}
  dcos: {kind: dcos, url: https://dcos.example.com, directory: corp, uid: reconciler, password: {env: DCOS_PASSWORD}}

group_links:
  gitlab:
    payments/backend:
      - {cn: payments-devs, access: developer}
      - {filter: "(&(objectClass=person)(title=Staff Engineer))", access: maintainer}

group_imports:
  roster:
    - {filter: "(cn=app-*)", name: "{cn}", access: viewer}

naming:
  "*": {groups: {pattern: "^[a-z0-9][a-z0-9_-]*$", max_length: 64, reserved: [root]}}
  dcos: {groups: {on_invalid: skip}}

grants:
  gitlab:
    payments/backend:
      - {user: alice, access: maintainer, until: 2026-12-31, reason: "INC-1234 handover"}

protected:
  gitlab: {users: [root, "svc-*"], groups: ["infrastructure/**"]}

guards:
  "*": {max_removals: {percent: 10, count: 50}, max_removals_per_group: {percent: 50}, empty_group: refuse,
        min_owners: 1, max_privileged_grants: 5, max_directory_shrink: {percent: 10}, protect_self: true}

waivers:
  - {guard: max_removals_per_group, target: gitlab, group: payments/backend, until: 2026-12-01, approved_by: "#482", reason: "gone"}

expect:
  - {user: alice, target: gitlab, has: {payments/backend: developer}, lacks: [payments/secrets]}
"""


def test_the_whole_vocabulary_loads(tmp_path: Path) -> None:
    """Every section of the reference example is understood, and nothing stands against it."""
    loaded = load(tmp_path, EXAMPLE)
    policy = loaded.policy
    assert not loaded.warnings
    assert (list(policy.directories), list(policy.targets)) == (["corp"], ["dcos", "gitlab", "roster"])
    assert len(policy.groups["gitlab"]["payments/backend"].links) == 2
    assert (len(policy.imports["roster"]), len(policy.waivers), len(policy.expect)) == (1, 1, 1)
    assert all(set(section) == set(policy.targets) for section in (policy.naming, policy.protected, policy.guards))
    assert isinstance(policy.targets["gitlab"].options["token"], SecretRef)
    assert (policy.root, policy.files) == (tmp_path.as_posix(), ((tmp_path / "policy.yaml").as_posix(),))


def test_sections_may_be_spread_over_files(tmp_path: Path) -> None:
    """By owner, for instance; every file says its version."""
    files = {
        "corp/directory.yaml": "version: 1\ndirectories: {corp: {kind: ldif, file: ../people.ldif}}\n",
        "targets.yaml": "version: 1\ntargets: {roster: {kind: sql, directory: corp}}\n",
        "teams/a.yaml": "version: 1\ngroup_links: {roster: {a: [{cn: a}]}}\nnaming: {roster: {groups: {max_length: 9}}}\n",
        "teams/b.yaml": "version: 1\ngroup_links: {roster: {b: [{cn: b}]}}\nnaming: {roster: {groups: {reserved: [x]}}}\n",
    }
    policy = load(tmp_path, files).policy
    assert list(policy.groups["roster"]) == ["a", "b"]
    assert policy.directories["corp"].file == str(tmp_path / "people.ldif")
    assert (policy.naming["roster"].groups.limits.max_length, policy.naming["roster"].groups.limits.reserved) == (
        9,
        ("x",),
    )


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("directories: {corp: {kind: ldif, file: x}}", "directories.corp"),
        ("targets: {roster: {kind: sql, directory: corp}}", "targets.roster"),
        ("group_links: {roster: {g: [{cn: a, access: owner}]}}", "group_links.roster.g"),
        ("group_imports: {roster: []}", "group_imports.roster"),
        ("grants: {roster: {g: []}}", "grants.roster.g"),
        ('naming: {"*": {users: {max_length: 1}}}', "naming.*.users.max_length"),
        ('protected: {"*": {users: [a]}}', "protected.*.users"),
        ("guards: {roster: {min_owners: 1}}", "guards.roster.min_owners"),
        ("apply: {max_age: 1d}", "apply.max_age"),
    ],
)
def test_what_two_files_set_is_an_error_that_names_both(tmp_path: Path, section: str, name: str) -> None:
    """Which of them would win cannot be seen in either."""
    text = f"version: 1\n{section}\n"
    base = CONNECTIONS if section[:3] not in {"dir", "tar"} else ""
    files = {"0.yaml": base, "a.yaml": text, "b.yaml": text} if base else {"a.yaml": CONNECTIONS, "b.yaml": text}
    (problem,) = refused(tmp_path, files)
    assert problem.code == "SET-TWICE"
    assert problem.where is not None
    assert problem.where.path == (tmp_path / "b.yaml").as_posix()
    first = (tmp_path / "a.yaml").as_posix()
    assert problem.summary.startswith(f"{name} is set in two files: here and at {first}:")


def test_every_mention_of_an_unknown_target_is_an_error(tmp_path: Path) -> None:
    """Also an empty one; and the star is a target only where a rule can hold for all."""
    lines = """group_links: {rooster: {}, "*": {}}
group_imports: {gitlab2: []}
grants: {x: {}}
naming: {"*": {}, y: {}}
protected: {"*": {}, z: {}}
guards: {"*": {}, gitlab1: {}}
waivers: [{guard: max_removals, target: "*", until: 2027-01-01, approved_by: a, reason: b}]
"""
    found = refused(tmp_path, CONNECTIONS + lines)
    assert [brief(problem) for problem in found] == [
        "7:15 UNKNOWN-TARGET",
        "7:28 UNKNOWN-TARGET",
        "8:17 UNKNOWN-TARGET",
        "9:10 UNKNOWN-TARGET",
        "10:19 UNKNOWN-TARGET",
        "11:22 UNKNOWN-TARGET",
        "12:19 UNKNOWN-TARGET",
        "13:41 UNKNOWN-TARGET",
    ]
    assert found[0].summary == 'No target is called "rooster". Did you mean "roster"?'
    assert found[3].summary == 'No target is called "x". Known: roster, gitlab.'


def test_problems_of_all_kinds_and_files_come_at_once_in_order(tmp_path: Path) -> None:
    """A typo in one place hides nothing in another."""
    files = {
        "a.yaml": CONNECTIONS + "naming: {roster: {groups: {patern: x}}}\n",
        "b.yaml": "targets: {x: {kind: sql, directory: nope}}\nversion: 1\nversion: 1\n",
        "c.yaml": "version: 1\ngroup_links:\n  roster:\n    g: [{cn: a, access: nope}, {cn: 5}, {filter: '(', access: owner}]\n",
        "d.yaml": "grants: {roster: {g: [{user: '${x}', access: owner, until: soon, reason: r}]}}\n",
    }
    found = refused(tmp_path, files)
    names = [f"{problem.where.path[-6:]} {brief(problem)}" for problem in found if problem.where]
    assert names == [
        "a.yaml 7:28 UNKNOWN-KEY",
        "b.yaml 1:37 UNKNOWN-DIRECTORY",
        "b.yaml 3:1 YAML-DUPLICATE-KEY",
        "c.yaml 4:25 UNKNOWN-ROLE",
        "c.yaml 4:37 SCHEMA",
        "c.yaml 4:52 BAD-FILTER",
        "d.yaml 1:1 MISSING-KEY",
        "d.yaml 1:30 TEMPLATING",
        "d.yaml 1:60 BAD-DATE",
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: b: c\n", "1:5 YAML-SYNTAX"),
        ("version: 1\ntargets: []\n", "2:10 SCHEMA"),
        ("version: 1\ndirectories: x\n", "2:14 SCHEMA"),
        ("version: 1\ntarget: {}\n", "2:1 UNKNOWN-KEY"),
        ("version: 2\n", "1:10 SCHEMA"),
        ("- x\n", "1:1 SCHEMA"),
    ],
)
def test_nothing_is_said_about_names_while_they_cannot_be_known(tmp_path: Path, text: str, code: str) -> None:
    """A file that is not understood may define what another refers to."""
    assert codes(tmp_path, {"a.yaml": text, "b.yaml": "version: 1\ngroup_links: {unknown: {}}\n"}) == [code]


def test_an_alias_bomb_is_one_error(tmp_path: Path) -> None:
    """It is refused at its first anchor."""
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    assert codes(tmp_path, f"version: 1\na0: &a0 [x, x]\n{levels}") == ["2:5 YAML-ALIAS"]


def test_deep_nesting_is_one_error(tmp_path: Path) -> None:
    """Ten thousand brackets end at the limit."""
    assert codes(tmp_path, "version: 1\nexpect: " + "[" * 10_000 + "\n") == ["2:20 YAML-TOO-DEEP"]


def test_the_number_of_values_is_counted_over_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small files are as much as one large one."""
    monkeypatch.setattr("reconciler.policy.load.MAX_VALUES", 40)
    many = {f"{n}.yaml": "version: 1\nwaivers: []\n" for n in range(9)}
    assert codes(tmp_path, many)[0] == "1:1 YAML-TOO-LARGE"


def test_the_digest_covers_every_file_and_nothing_else(tmp_path: Path) -> None:
    """Moving the folder changes nothing; changing a comment does."""
    first = load(tmp_path / "x", {"a.yaml": CONNECTIONS, "b.yaml": "version: 1\n"}).policy.digest
    (tmp_path / "x" / "notes.txt").write_text("not a policy file")
    assert load_policy(str(tmp_path / "x"), TODAY).policy.digest == first
    assert load(tmp_path / "y", {"b.yaml": "version: 1\n", "a.yaml": CONNECTIONS}).policy.digest == first
    assert load(tmp_path / "y", {"b.yaml": "version: 1 # changed\n"}).policy.digest != first


def test_warnings_are_sorted_by_place(tmp_path: Path) -> None:
    """Whatever section they come from."""
    lines = """waivers: [{guard: max_removals, target: roster, until: 2020-01-01, approved_by: a, reason: b}]
grants: {roster: {g: [{user: a, access: owner, until: 2020-01-01, reason: r}]}}
group_links: {roster: {g: []}}
"""
    loaded = load(tmp_path, CONNECTIONS + lines)
    assert [brief(found) for found in loaded.warnings] == ["7:56 PAST-DATE", "8:55 PAST-DATE", "9:24 NO-LINK"]


def test_the_error_reads_as_a_list_of_lines(tmp_path: Path) -> None:
    """One line for each problem, as editors and pipelines parse them."""
    (tmp_path / "p.yaml").write_text("version: 1\nfoo: 1\nbar: 2\n")
    with pytest.raises(PolicyError) as caught:
        load_policy(str(tmp_path), date(2026, 1, 1))
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == [
        f"{tmp_path.as_posix()}/p.yaml:2:1:",
        f"{tmp_path.as_posix()}/p.yaml:3:1:",
    ]
