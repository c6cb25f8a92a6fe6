"""`reconcile test` as a pipeline calls it: directories that cases bring along, forms, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.examples import reconcile, scratch_copy

POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: ["ldap://127.0.0.1:1"]
    base: dc=acme,dc=example
    group_base: ou=groups,dc=acme,dc=example
    dialect: openldap
    user_filter: (objectClass=inetOrgPerson)
    canary: {min_people: 1000}
targets:
  roster: {kind: sql, url: "sqlite:///roster.db", directory: corp, roles: [viewer, editor, owner]}
group_links:
  roster:
    payments/api:
      - {cn: payments-devs, access: editor}
      - {cn: payments-leads, access: owner}
expect:
  - {user: akowalska, target: roster, has: {payments/api: owner}, directory: ../policies/acme/directory.ldif}
  - {target: roster, groups: ["payments/**"], role: owner, at_least: 1, at_most: 3, directory: acme.snapshot}
  - {target: roster, groups: ["**"], role: owner, nobody_outside: {cn: payments-all}, directory: acme.snapshot}
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a policy whose server is down, and a snapshot of its directory."""
    clone = scratch_copy(tmp_path_factory.mktemp("tests"))
    (clone / "own").mkdir()
    reachable = POLICY.replace("kind: ldap", "kind: ldif\n    file: ../policies/acme/directory.ldif")
    reachable = reachable.replace('    servers: ["ldap://127.0.0.1:1"]\n', "").replace("canary: {min_people: 1000}", "")
    (clone / "own" / "policy.yaml").write_text(reachable, encoding="utf-8")
    reconcile("snapshot", "own", "--out", "own/acme.snapshot", cwd=clone)
    (clone / "own" / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return clone


def test_cases_that_bring_their_directory_need_no_server(work: Path) -> None:
    """An LDIF file or a snapshot, relative to the policy; nothing of the live directory is asked, no canary is looked for."""
    assert reconcile("test", "own", cwd=work).stdout == "3 expectations met.\n"


def test_what_does_not_hold_names_the_people_and_fails(work: Path) -> None:
    """In every form, with exit code 3; JUnit is written beside it."""
    text = POLICY.replace("at_least: 1, at_most: 3", "at_most: 0").replace(
        "nobody_outside: {cn: payments-all}", "at_least: 0"
    )
    (work / "own" / "policy.yaml").write_text(text, encoding="utf-8")
    try:
        done = reconcile("test", "own", "--junit", "report.xml", cwd=work, code=3)
        assert "error[EXPECT] payments/** in roster: expected at most 0 with owner in payments/api, " in done.stdout
        assert done.stdout.endswith("\n1 expectation of 3 not met.\n")
        assert ET.parse(work / "report.xml").getroot().get("failures") == "1"  # noqa: S314 - our own output
        found = json.loads(reconcile("test", "own", "--format", "json", cwd=work, code=3).stdout)
        assert found["failed"] == 1
        again = reconcile("test", "own", "--format", "junit", cwd=work, code=3)
        assert again.stdout == (work / "report.xml").read_text(encoding="utf-8")
    finally:
        (work / "own" / "policy.yaml").write_text(POLICY, encoding="utf-8")


def test_a_case_without_a_directory_is_judged_by_the_targets_own(work: Path) -> None:
    """Which a snapshot on the command line may stand in for; here that lacks the canary."""
    (work / "live").mkdir()
    text = POLICY.replace("acme.snapshot", "../own/acme.snapshot").replace(
        ", directory: ../policies/acme/directory.ldif", ""
    )
    (work / "live" / "policy.yaml").write_text(text, encoding="utf-8")
    reconcile("test", "live", cwd=work, code=4)
    (work / "live" / "policy.yaml").write_text(text.replace("1000", "10"), encoding="utf-8")
    assert reconcile("test", "live", "--snapshot", "own/acme.snapshot", cwd=work).stdout == "3 expectations met.\n"
