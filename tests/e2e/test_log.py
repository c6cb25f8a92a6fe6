"""`reconcile log` after real applies: what was done, by whom, to whom; and that nobody can change it unseen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.apply.chain import HEAD, name_of
from reconciler.policy.schemas import read_schema
from tests.e2e.team import edit, team
from tests.examples import reconcile
from tests.servers.rosters import SqliteRoster

CI = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_RUN_ID": "4711",
    "GITHUB_ACTOR": "alice",
    "GITHUB_SERVER_URL": "https://git.example",
    "GITHUB_REPOSITORY": "acme/access",
}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Give a policy that was applied twice: three people came, then bob left the group."""
    folder = team(tmp_path)
    reconcile("apply", "--auto-approve", cwd=folder, env=CI)
    edit(folder, "directory.ldif", "member: uid=bob,", "member: uid=carol,")
    reconcile("apply", "--auto-approve", cwd=folder)
    return folder


def log(work: Path, *arguments: str, code: int = 0) -> Any:
    return json.loads(reconcile("log", "--format", "json", *arguments, cwd=work, code=code).stdout)


def kept(work: Path, name: str) -> Path:
    """Return the file that the store keeps something in."""
    (path,) = (work / "policies" / ".reconcile").glob(name)
    return path


def test_nothing_was_applied_yet(tmp_path: Path) -> None:
    """Looking makes nothing."""
    work = team(tmp_path)
    assert reconcile("log", cwd=work).stdout.startswith("Nothing has been applied yet")
    assert log(work)["reports"] == []
    assert reconcile("log", "--verify", cwd=work).stdout.startswith("0 reports, as they were written.")
    assert not (work / "policies" / ".reconcile").exists()


def test_reports_are_listed_newest_first(work: Path) -> None:
    """In a line each, or as JSON; the limit says that there are older ones."""
    newer, older = reconcile("log", cwd=work).stdout.splitlines()
    assert newer.startswith("2  2026-11-20 12:00 UTC  applied  0 added, 0 changed, 1 removed  ")
    assert older.startswith("1  2026-11-20 12:00 UTC  applied  7 added, 0 changed, 0 removed  alice (")
    done = reconcile("log", "--limit", "1", cwd=work)
    assert [line.split() for line in done.stdout.splitlines()] == [newer.split()]
    assert "There are older ones" in done.stderr
    assert [report["number"] for report in log(work, "--limit", "0")["reports"]] == [2, 1]


def test_one_report_says_who_what_when_why(work: Path) -> None:
    """By number, by its own digest, by that of the plan; as JSON it is what the schema describes."""
    report = log(work, "1")
    Draft202012Validator(read_schema("report")).validate(report)
    assert (report["who"]["actor"], report["who"]["system"], report["who"]["run"]) == ("alice", "github", "4711")
    assert report["who"]["url"] == "https://git.example/acme/access/actions/runs/4711"
    assert report["previous"] == ""
    (roster,) = report["targets"]
    assert {change["status"] for change in roster["changes"]} == {"applied"}
    assert [batch["changes"] for batch in roster["batches"]] == [7]
    for wanted in (
        report["id"],
        report["id"][:15],
        report["plan"]["id"],
        report["plan"]["id"].removeprefix("sha256:")[:8],
    ):
        assert log(work, wanted) == report
    text = reconcile("log", "1", cwd=work).stdout
    assert "+ team/app  bob  viewer  (cn=devs; policies/policy.yaml:18)" in text
    assert text.endswith("\nApplied: 7 added, 0 changed, 0 removed.\n")


def test_what_happened_to_a_person_is_told_across_a_rename(work: Path) -> None:
    """By the old name and by the new one; nobody else's changes are in it."""
    edit(work, "policy.yaml", "users: {create: true}", 'users: {create: true, scope: all, username: "{mail}"}')
    reconcile("apply", "--auto-approve", cwd=work)
    by_old_name = log(work, "--user", "bob")
    by_new_name = log(work, "--user", "BOB@example.com")
    assert by_old_name["events"] == by_new_name["events"]
    told = [(event["report"]["number"], event["type"]) for event in by_old_name["events"]]
    assert told[-3:] == [(2, "membership.remove"), (1, "user.create"), (1, "membership.add")]
    assert (3, "user.update") in told
    assert {event["user"]["username"] for event in by_old_name["events"]} <= {"bob", "bob@example.com"}
    text = reconcile("log", "--user", "bob", "--limit", "1", cwd=work)
    assert text.stdout.startswith("bob  ")
    assert "older changes: --limit 0 shows all" in text.stderr


def test_a_run_that_failed_in_part_and_one_that_was_stale_are_told(work: Path) -> None:
    """The reason of the target stands beside the change."""
    edit(work, "directory.ldif", "member: uid=carol,dc=example,dc=com\n\n", "member: uid=bob,dc=example,dc=com\n\n")
    reconcile("plan", "--out", "plan.json", cwd=work)
    SqliteRoster(work / "policies" / "roster.db").execute("DELETE FROM memberships")
    reconcile("apply", "plan.json", cwd=work, code=8)
    report = log(work, "3")
    assert report["exit_code"] == 8
    assert {change["status"] for change in report["targets"][0]["changes"]} & {"stale"}
    assert "  stale" in reconcile("log", cwd=work).stdout.splitlines()[0]


def test_a_plan_that_is_applied_twice_leaves_two_reports(work: Path) -> None:
    """The second says why nothing was done."""
    edit(work, "directory.ldif", "member: uid=carol,dc=example,dc=com\n\n", "member: uid=bob,dc=example,dc=com\n\n")
    reconcile("plan", "--out", "plan.json", cwd=work)
    reconcile("apply", "plan.json", cwd=work)
    reconcile("apply", "plan.json", cwd=work, code=8)
    again, first = log(work)["reports"][:2]
    assert (first["exit_code"], again["exit_code"]) == (0, 8)
    assert "applied" in again["failure"]
    assert first["plan"] == again["plan"]
    assert (first["summary"]["added"], again["summary"]["added"], again["summary"]["skipped"]) == (1, 0, 2)
    done = reconcile("log", "--format", "json", first["plan"]["id"], cwd=work, code=64)
    assert "2 reports match: 4, 3" in done.stderr
    assert reconcile("log", first["plan"]["id"], cwd=work).stdout.count("\nReport ") == 1, "both, one after the other"


def test_an_apply_with_nothing_to_do_leaves_no_report(work: Path) -> None:
    """A schedule would fill the log with them."""
    reconcile("apply", "--auto-approve", cwd=work)
    assert len(log(work)["reports"]) == 2


def test_a_whole_chain_is_said_to_be_whole(work: Path) -> None:
    """With the digest to write down; what was written down is found again."""
    first, second = log(work, "1")["id"], log(work, "2")["id"]
    assert (
        reconcile("log", "--verify", cwd=work).stdout == f"2 reports, as they were written. The newest is {second}.\n"
    )
    assert log(work, "--verify", "--contains", first) == {
        "format_version": "1.0",
        "whole": True,
        "reports": 2,
        "newest": second,
        "faults": [],
        "notes": [],
    }


def test_an_apply_says_the_digest_of_its_report(work: Path) -> None:
    """So that the log of the CI system is a witness elsewhere."""
    edit(work, "directory.ldif", "member: uid=carol,dc=example,dc=com\n\n", "member: uid=bob,dc=example,dc=com\n\n")
    done = reconcile("apply", "--auto-approve", cwd=work)
    assert f"Report 3: {log(work, '3')['id']}\n" in done.stderr


def test_a_report_that_was_edited_is_found_and_not_shown_as_if_it_were_one(work: Path) -> None:
    """Exit 10, and the place is named."""
    path = kept(work, f"**/*{name_of(1).partition('/')[2]}*")
    path.write_bytes(path.read_bytes().replace(b'"alice"', b'"mallory"'))
    done = reconcile("log", "--verify", cwd=work, code=10)
    assert "reports/00000001 was changed: its content has not the digest that it names" in done.stderr
    assert log(work, "--verify", code=10)["whole"] is False
    done = reconcile("log", cwd=work)
    assert len(done.stdout.splitlines()) == 1
    assert "reports/00000001 is not as it was written" in done.stderr


def test_a_report_that_was_deleted_is_missed(work: Path) -> None:
    """In the middle by the next one, at the end by the head."""
    kept(work, f"**/*{name_of(2).partition('/')[2]}*").unlink()
    assert "the newest 1 of 2 reports were cut off" in reconcile("log", "--verify", cwd=work, code=10).stderr
    edit(work, "directory.ldif", "member: uid=carol,dc=example,dc=com\n\n", "member: uid=bob,dc=example,dc=com\n\n")
    reconcile("apply", "--auto-approve", cwd=work)
    assert "1 missing before reports/00000003" in reconcile("log", "--verify", cwd=work, code=10).stderr


def test_a_chain_that_was_made_again_is_found_by_what_was_written_down(work: Path) -> None:
    """Whoever can delete everything can start anew."""
    witness = log(work, "1")["id"]
    for path in (*(work / "policies" / ".reconcile" / "reports").glob("*"), kept(work, f"{HEAD}*")):
        path.unlink()
    assert reconcile("log", "--verify", cwd=work).stdout.startswith("0 reports")
    done = reconcile("log", "--verify", "--contains", witness, cwd=work, code=10)
    assert f"no report has the digest {witness}" in done.stderr


def test_no_secret_is_in_a_report(tmp_path: Path) -> None:
    """Not even where a message of the target could hold one."""
    work = team(tmp_path)
    secret = "5ecret-of-the-roster"
    url = "url: postgresql://reconcile@127.0.0.1:1/roster\n    password: {env: ROSTER_PASSWORD}"
    reconcile("plan", "--out", "plan.json", cwd=work)
    reconcile("apply", "plan.json", cwd=work)
    edit(work, "policy.yaml", "url: sqlite:///roster.db", url)
    reconcile("apply", "--auto-approve", cwd=work, code=5, env={"ROSTER_PASSWORD": secret})
    for path in (work / "policies" / ".reconcile").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["99"], 'No report is called "99"'),
        (["nonsense\x1b"], 'No report is called "nonsense\\x1b"'),
        (["1", "--user", "bob"], "ID and --user ask for different things"),
        (["--user", "bob", "--verify"], "--user and --verify ask for different things"),
        (["--contains", "sha256:1"], "--contains is a part of --verify"),
        (["--user", "nobody"], 'No report names "nobody"'),
        (["--limit", "-1"], "--limit"),
    ],
)
def test_what_cannot_be_answered_is_a_usage_error(work: Path, arguments: list[str], message: str) -> None:
    """Exit 64, and the way out."""
    assert message in reconcile("log", *arguments, cwd=work, code=64).stderr
