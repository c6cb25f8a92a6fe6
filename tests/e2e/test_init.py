"""`reconcile init`: what it writes is a policy, for an example, a file and a server; it overwrites nothing and leaves no half."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.e2e.terminal import Start
from tests.examples import ROOT, reconcile
from tests.servers.slapd import PASSWORD, Slapd, free_port
from tests.starting import uncommented

SECRET = {"LDAP_PASSWORD": PASSWORD}
MARCH = """\
dn: CN=Domain Admins,CN=Users,DC=corp,DC=example
objectClass: group
cn: Domain Admins
isCriticalSystemObject: TRUE

dn: CN=Devs,OU=Groups,DC=corp,DC=example
objectClass: group
cn: Devs
member: CN=Al,OU=Staff,DC=corp,DC=example

dn: CN=Al,OU=Staff,DC=corp,DC=example
objectClass: person
objectClass: user
cn: Al
sAMAccountName: al
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return an empty folder."""
    return tmp_path


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def corp(folder: Path, policy: str = "policies") -> dict[str, object]:
    loaded = yaml.safe_load((folder / policy / "connections.yaml").read_text(encoding="utf-8"))
    found: dict[str, object] = loaded["directories"]["corp"]
    return found


def links(folder: Path, target: str = "roster") -> dict[str, list[dict[str, str]]]:
    rules = uncommented((folder / "policies/rules.yaml").read_text(encoding="utf-8"))
    (folder / "policies/rules.yaml").write_text(rules, encoding="utf-8")
    found: dict[str, list[dict[str, str]]] = yaml.safe_load(rules)["group_links"][target]
    return found


def bind(slapd: Slapd) -> list[str]:
    return ["--server", slapd.ldaps_url, "--bind-dn", slapd.reader_dn, "--ca-file", slapd.ca_file]


def test_without_a_directory_there_is_an_example_that_works(work: Path) -> None:
    """Validate, test, plan and apply succeed as they stand, and git is offered nothing but the files that were named."""
    said = reconcile("init", cwd=work)
    files = {f"policies/{name}" for name in ("connections.yaml", "rules.yaml", "directory.ldif", "policy.schema.json")}
    assert written(work) == files | {".gitignore", ".github/workflows/reconcile.yml"}
    named = {line.removeprefix("Wrote ") for line in said.stdout.splitlines()}
    assert named == written(work)
    subprocess.run(["git", "init", "-q"], cwd=work, check=True)
    assert "valid: 2 files" in reconcile("validate", "--strict", cwd=work).stdout
    assert "3 expectations met." in reconcile("test", cwd=work).stdout
    assert "Plan: 15 to add" in reconcile("plan", "--out", "plan.json", cwd=work).stdout
    reconcile("apply", "plan.json", cwd=work)
    shown = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=work, check=True, capture_output=True, encoding="utf-8"
    ).stdout
    assert {line[3:] for line in shown.splitlines()} == named


def test_an_example_for_gitlab_is_valid(work: Path) -> None:
    """Its roles are GitLab's; the token is a reference, and the workflow hands it over."""
    reconcile("init", "--target", "gitlab", "--gitlab-url", "https://git.example.org", cwd=work)
    reconcile("test", cwd=work)
    text = (work / ".github/workflows/reconcile.yml").read_text(encoding="utf-8")
    assert "GITLAB_TOKEN: ${{ secrets.GITLAB_TOKEN }}" in text


def test_a_file_is_looked_at(work: Path) -> None:
    """Base, group base and attributes are those of the file; groups are examples that hold once they are taken in."""
    ldif = work / "export.ldif"
    ldif.write_bytes((ROOT / "policies/acme/directory.ldif").read_bytes())
    said = reconcile("init", "--ldif", "export.ldif", "--ci", "none", cwd=work)
    assert "Found 69 people, 35 groups below dc=acme,dc=example, read like openldap." in said.stderr
    found = corp(work)
    assert found["file"] == "../export.ldif"
    assert (found["base"], found["group_base"]) == ("dc=acme,dc=example", "ou=groups,dc=acme,dc=example")
    assert found["attributes"] == {"username": "uid", "email": "mail", "name": "displayName"}
    assert len(links(work)) == 6
    assert "+ app-expenses" in reconcile("plan", cwd=work).stdout


def test_an_export_of_active_directory_is_told_by_its_attributes(work: Path) -> None:
    """The login name is its own, and the groups that every domain has are no examples."""
    (work / "export.ldif").write_text(MARCH, encoding="utf-8")
    reconcile("init", "--ldif", "export.ldif", "--ci", "none", cwd=work)
    assert corp(work) | {"nested_groups": True} == {
        "kind": "ldif",
        "file": "../export.ldif",
        "dialect": "active_directory",
        "base": "DC=corp,DC=example",
        "group_base": "OU=Groups,DC=corp,DC=example",
        "attributes": {"username": "sAMAccountName", "name": "cn"},
        "nested_groups": True,
    }
    assert list(links(work)) == ["devs", "by-filter"]
    assert "+ al" in reconcile("plan", cwd=work).stdout


@pytest.mark.parametrize(
    ("ldif", "reason"),
    [
        (None, "export.ldif cannot be read: No such file or directory. Nothing was written."),
        ("dn: dc=x\ndc: x", "export.ldif:2: the file ends in the middle of a line"),
        ("dn: dc=x\ndc: x\n", ""),
    ],
)
def test_a_file_that_cannot_be_read_ends_it(work: Path, ldif: str | None, reason: str) -> None:
    """Exit 4 with one error and nothing written; a file without people or groups is one like any other."""
    if ldif:
        (work / "export.ldif").write_text(ldif, encoding="utf-8")
    before = written(work)
    said = reconcile("init", "--ldif", "export.ldif", cwd=work, code=4 if reason else 0)
    assert reason in said.stderr
    assert said.stderr.count("error:") == bool(reason)
    assert written(work) == before or not reason


@pytest.mark.slapd
def test_a_server_is_looked_at(slapd: Slapd, work: Path) -> None:
    """Naming context, dialect, attributes and groups come from it, whatever their names; a plan reads it as it was written."""
    said = reconcile("init", *bind(slapd), "--ci", "none", cwd=work, env=SECRET)
    assert "below dc=example,dc=com, read like openldap." in said.stderr
    found = corp(work)
    assert (found["base"], found["group_base"]) == ("dc=example,dc=com", "ou=groups,dc=example,dc=com")
    assert found["attributes"] == {"username": "uid", "email": "mail", "name": "displayName"}
    assert found["bind"] == {"dn": slapd.reader_dn, "password": {"env": "LDAP_PASSWORD"}}
    assert found["tls"] == {"ca_file": slapd.ca_file}
    assert not any(PASSWORD in path.read_text() for path in work.rglob("*.yaml"))
    assert "No changes." in reconcile("plan", cwd=work, env=SECRET).stdout, "nothing is managed before somebody says so"
    assert "devs" in links(work)
    assert "+ alice" in reconcile("plan", cwd=work, env=SECRET).stdout


@pytest.mark.slapd
def test_a_base_and_a_password_file_are_taken_as_given(slapd: Slapd, work: Path) -> None:
    """Only groups below the base are found, so they have no place of their own; paths are relative to the policy."""
    (work / "secret.password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    (work / "secret.password").chmod(0o600)
    options = ["--base", "ou=groups,dc=example,dc=com", "--password-file", "secret.password", "--dialect", "389ds"]
    reconcile("init", "rules", *bind(slapd), *options, cwd=work)
    found = corp(work, "rules")
    assert (found["base"], found["dialect"]) == ("ou=groups,dc=example,dc=com", "389ds")
    assert "group_base" not in found
    assert found["bind"] == {"dn": slapd.reader_dn, "password": {"file": "../secret.password"}}
    reconcile("plan", "rules", cwd=work)
    assert "secrets." not in (work / ".github/workflows/reconcile.yml").read_text(encoding="utf-8")


@pytest.mark.slapd
@pytest.mark.parametrize(
    ("options", "env", "reason"),
    [
        (["--base", "dc=nowhere"], SECRET, "noSuchObject (32)"),
        ([], {"LDAP_PASSWORD": "wrong"}, "invalidCredentials (49)"),
        (["--ca-file", "/dev/null"], SECRET, "tls.ca_file /dev/null cannot be used"),
    ],
)
def test_a_server_that_cannot_be_read_ends_it(
    slapd: Slapd, work: Path, options: list[str], env: Mapping[str, str], reason: str
) -> None:
    """Exit 4, one error that names the reason, and nothing written."""
    said = reconcile("init", *bind(slapd), *options, cwd=work, env=env, code=4)
    assert reason in said.stderr
    assert said.stderr.count("error:") == 1
    assert said.stderr.rstrip().endswith("Nothing was written.")
    assert written(work) == set()


def test_a_server_that_does_not_answer_ends_it(work: Path) -> None:
    """Not even the folder is made."""
    said = reconcile("init", "--server", f"ldap://127.0.0.1:{free_port()}", cwd=work, code=4)
    assert "Connection refused" in said.stderr
    assert list(work.iterdir()) == []


@pytest.mark.slapd
def test_answers_on_a_terminal_stand_for_options(slapd: Slapd, work: Path, start: Start) -> None:
    """Each has a default that an empty answer takes; an answer that is none of the choices is asked again."""
    terminal = start("init", env={"READER": PASSWORD})
    for question, answer in (
        ("Server, such as ldaps://dc1.example.com [none: an example]: ", slapd.ldaps_url),
        ("DN to log in with [none: do not log in]: ", slapd.reader_dn),
        ("File of the authorities to trust [none: the system's]: ", slapd.ca_file),
        ("Environment variable that holds the password [LDAP_PASSWORD]: ", "READER"),
        ("people and groups are [dc=example,dc=com]: ", ""),
        ("Application: sql, gitlab [sql]: ", "gitlub"),
        ("Application: sql, gitlab [sql]: ", "gitlab"),
        ("Address of GitLab [https://gitlab.example.com]: ", ""),
        ("Pipeline: github, gitlab, none [github]: ", "gitlab"),
    ):
        terminal.until(question)
        terminal.shown = ""
        terminal.type(answer)
    assert terminal.end() == 0
    assert corp(work)["bind"] == {"dn": slapd.reader_dn, "password": {"env": "READER"}}
    assert ".gitlab-ci.yml" in written(work)


def test_a_terminal_asks_only_for_what_no_option_gave(work: Path, start: Start) -> None:
    """With everything given, or the input at its end, nothing waits."""
    (work / "export.ldif").write_text(MARCH, encoding="utf-8")
    terminal = start("init", "--ldif", "export.ldif", "--target", "sql", "--ci", "none")
    assert terminal.end() == 0
    assert "]: " not in terminal.shown
    terminal = start("init", "other")
    terminal.until("an example]: ")
    os.write(terminal.master, b"\x04\x04\x04")  # end of input, as often as there are questions
    assert terminal.end() == 0
    assert (work / "other/directory.ldif").is_file()


def test_ctrl_c_at_a_question_writes_nothing(work: Path, start: Start) -> None:
    """Exit 130."""
    terminal = start("init")
    terminal.until("an example]: ")
    terminal.process.send_signal(2)
    assert terminal.end() == 130
    assert list(work.iterdir()) == []


def test_a_policy_that_is_there_is_left_alone(work: Path) -> None:
    """Exit 64, and not one file more, though a single YAML file of another name is all that is there."""
    (work / "policies/team").mkdir(parents=True)
    (work / "policies/team/mine.yml").write_text("version: 1\n", encoding="utf-8")
    said = reconcile("init", cwd=work, code=64)
    assert "policies holds a policy already (policies/team/mine.yml)" in said.stderr
    assert written(work) == {"policies/team/mine.yml"}


def test_a_file_that_the_policy_would_rest_on_is_left_alone(work: Path) -> None:
    """Another directory.ldif, even a link that leads nowhere, would not be the example's."""
    (work / "policies").mkdir()
    (work / "policies/directory.ldif").symlink_to("nowhere")
    said = reconcile("init", cwd=work, code=64)
    assert "policies/directory.ldif is there already" in said.stderr
    assert [path.name for path in (work / "policies").iterdir()] == ["directory.ldif"]


def test_what_the_repository_has_is_left_and_named(work: Path) -> None:
    """Its top is where .git is, however deep the policy lies; the rest is written."""
    (work / ".git").mkdir()
    (work / ".gitignore").write_text("mine\n", encoding="utf-8")
    (work / ".github/workflows").mkdir(parents=True)
    (work / ".github/workflows/reconcile.yml").write_text("mine\n", encoding="utf-8")
    (work / "access").mkdir()
    said = reconcile("init", "rules", cwd=work / "access")
    assert f"{work}/.gitignore was there already and is as it was; it should keep .reconcile/" in said.stderr
    assert "reconcile.yml was there already and is as it was." in said.stderr
    assert (work / ".gitignore").read_text(encoding="utf-8") == "mine\n"
    assert (work / ".github/workflows/reconcile.yml").read_text(encoding="utf-8") == "mine\n"
    assert (work / "access/rules/rules.yaml").is_file()
    reconcile("init", "more", "--ci", "gitlab", cwd=work / "access")
    assert "RECONCILE_POLICY: access/more" in (work / ".gitlab-ci.yml").read_text(encoding="utf-8")


def test_a_failure_halfway_takes_everything_back(work: Path) -> None:
    """A folder where the workflow belongs that is a file: the policy's files are gone again, and so is their folder."""
    (work / ".github").write_text("", encoding="utf-8")
    said = reconcile("init", cwd=work, code=64)
    assert said.stderr == f"error: {work}/.github/workflows: Not a directory. Nothing was written.\n"
    assert written(work) == {".github"}
    assert [path.name for path in work.iterdir()] == [".github"]


@pytest.mark.slapd
def test_a_password_is_not_sent_unencrypted(slapd: Slapd, work: Path) -> None:
    """An ldap:// address is refused before anything is sent, and taken with --start-tls."""
    slapd.forget()
    options = ["--server", slapd.url, "--bind-dn", slapd.reader_dn]
    said = reconcile("init", *options, cwd=work, env=SECRET, code=4)
    assert "would get the password unencrypted" in said.stderr
    assert slapd.operations("BIND dn=") == []
    reconcile("init", *options, "--start-tls", "--ca-file", slapd.ca_file, cwd=work, env=SECRET)
    assert corp(work)["tls"] == {"start_tls": True, "ca_file": slapd.ca_file}
