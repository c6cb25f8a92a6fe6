"""`reconcile validate` as a person and a pipeline call it: forms, exit codes, snapshots, pages of codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.examples import reconcile, scratch_copy

POLICY = """\
version: 1
directories:
  corp: {kind: ldif, file: directory.ldif, base: "dc=acme,dc=example", group_base: "ou=groups,dc=acme,dc=example"}
targets:
  roster: {kind: sql, url: "sqlite:///roster.db", directory: corp, roles: [viewer, owner]}
group_links:
  roster:
    api:
      - {cn: platform-dves, access: viewer}
      - {filter: "(title=Chief Technology Officer)", access: owner}
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a policy, its directory, and a snapshot of that."""
    clone = scratch_copy(tmp_path_factory.mktemp("validate"))
    (clone / "own").mkdir()
    (clone / "own" / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (clone / "own" / "directory.ldif").write_bytes((clone / "policies/acme/directory.ldif").read_bytes())
    reconcile("snapshot", "own", "--out", "corp.snapshot", cwd=clone)
    return clone


def test_a_warning_fails_only_a_strict_check(work: Path) -> None:
    """It is shown with its line either way."""
    done = reconcile("validate", "own", cwd=work)
    first, line, mark, last = done.stdout.splitlines()
    assert first.startswith("own/policy.yaml:10:9: warning[PRIVILEGED-FILTER] ")
    assert line.strip().startswith('- {filter: "(title=Chief')
    assert mark.strip() == "^"
    assert last.endswith("0 expectations. With 1 warning.")
    strict = reconcile("validate", "own", "--strict", cwd=work, code=3)
    assert strict.stdout.endswith("\nThe policy is not valid: 1 warning.\n")


def test_a_snapshot_shows_a_group_that_does_not_exist(work: Path) -> None:
    """It is an error, with the nearest name; the saved directory stands in for the live one."""
    done = reconcile("validate", "own", "--snapshot", "corp.snapshot", cwd=work, code=3)
    assert 'own/policy.yaml:9:9: error[LINK-UNKNOWN-GROUP] "cn=platform-dves" matches no group' in done.stdout
    assert 'Did you mean "platform-devs"?' in done.stdout
    assert "LINK-MISSING-GROUP" not in done.stdout


def test_what_is_said_without_a_snapshot_is_not_said_again_with_one(work: Path) -> None:
    """A link that another one beats by what is written is covered by today's members, too; a grant is over once."""
    links = "      - {cn: finance, access: viewer}\n      - {cn: finance, access: owner}\n"
    grants = 'grants:\n  roster:\n    api:\n      - {user: a, access: viewer, until: 2020-01-01, reason: "x"}\n'
    (work / "own" / "twice.yaml").write_text(f"version: 1\ngroup_links:\n  roster:\n    web:\n{links}{grants}")
    try:
        arguments = ("validate", "own", "--format", "json", "--snapshot", "corp.snapshot")
        found = json.loads(reconcile(*arguments, cwd=work, code=3).stdout)["problems"]
    finally:
        (work / "own" / "twice.yaml").unlink()
    codes = [one["code"] for one in found if one["path"] == "own/twice.yaml"]
    assert codes == ["LINK-SHADOWED", "PAST-DATE"]


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab"])
def test_the_forms_for_programs_are_json(work: Path, form: str) -> None:
    """One document on stdout, whatever is found."""
    found = json.loads(reconcile("validate", "own", "--format", form, cwd=work).stdout)
    assert "PRIVILEGED-FILTER" in json.dumps(found)


def test_github_is_given_annotations_for_what_does_not_load_too(work: Path) -> None:
    """A policy that cannot be loaded exits with 3."""
    (work / "broken.yaml").write_text("version: 2\n", encoding="utf-8")
    done = reconcile("validate", "broken.yaml", "--format", "github", cwd=work, code=3)
    assert done.stdout.startswith("::error file=broken.yaml,line=1,col=")


def test_a_code_is_explained_without_any_policy(tmp_path: Path) -> None:
    """The page of documentation, in any case of letters; an unknown code gets the nearest one."""
    assert reconcile("validate", "--explain", "link-empty", cwd=tmp_path).stdout.startswith("# LINK-EMPTY\n")
    done = reconcile("validate", "--explain", "LINK-EMTY", cwd=tmp_path, code=64)
    assert 'No finding has the code "LINK-EMTY". Did you mean LINK-EMPTY?' in done.stderr


def test_a_target_of_which_nothing_is_installed_is_judged_by_what_is_written(tmp_path: Path) -> None:
    """Nobody knows its roles or limits, and the check goes on."""
    dcos = 'kind: dcos, url: "https://dcos.example", uid: sync, private_key: {env: KEY}'
    text = POLICY.replace('kind: sql, url: "sqlite:///roster.db"', dcos).replace(", roles: [viewer, owner]", "")
    text = text.replace("viewer", "member").replace(", access: owner", "")
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    done = reconcile("validate", "policy.yaml", cwd=tmp_path)
    assert done.stdout.startswith("policy.yaml: the policy is valid: ")
