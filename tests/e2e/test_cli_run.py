"""The command line from plan to applied, as pipelines and people use it: exit codes, streams, files."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

from tests.e2e.team import PERSON, edit, team
from tests.examples import environment, reconcile


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a folder with a policy, its directory and no roster yet."""
    return team(tmp_path)


def applied(work: Path) -> Path:
    reconcile("apply", "--auto-approve", cwd=work)
    return work


def test_plan_apply_plan_ends_without_changes(work: Path) -> None:
    """What was planned is applied, and then there is nothing left."""
    planned = reconcile("plan", cwd=work)
    assert planned.stdout.endswith(
        "  team/app\n"
        "    + alice  viewer  (cn=devs; policies/policy.yaml:18)\n"
        "    + bob    viewer  (cn=devs; policies/policy.yaml:18)\n"
        "    + carol  owner   (cn=leads; policies/policy.yaml:19)\n"
        "\n"
        "Plan: 7 to add, 0 to change, 0 to remove. 3 people affected, 1 privileged grant.\n"
    )
    assert (
        reconcile("apply", "--auto-approve", cwd=work).stdout
        == planned.stdout + "\nApplied: 7 added, 0 changed, 0 removed.\n"
    )
    again = reconcile("plan", "--detailed-exitcode", cwd=work)
    assert again.stdout.startswith("No changes. Compared 3 users, 1 group and 3 memberships in 1 target.\n")
    assert reconcile("apply", "--auto-approve", cwd=work).stdout == again.stdout
    with sqlite3.connect(work / "policies" / "roster.db") as rows:
        assert rows.execute("SELECT count(*) FROM memberships").fetchone() == (3,)


def test_policy_folder_in_the_place_of_a_plan_is_taken_as_one(work: Path) -> None:
    """All other commands take the folder as their argument, so apply does, too."""
    assert "Applied: 7 added" in reconcile("apply", "policies", "--auto-approve", cwd=work).stdout


def test_detailed_exitcode_is_two_when_there_are_changes(work: Path) -> None:
    """A scheduled run tells drift from order by it; without the option changes are no failure."""
    reconcile("plan", "--detailed-exitcode", cwd=work, code=2)
    reconcile("plan", cwd=work)


def test_saved_plan_is_the_json_plan_and_for_nobody_else(work: Path) -> None:
    """One document in the file and on stdout; what is said beside it is on stderr."""
    done = reconcile("plan", "--out", "plan.json", "--format", "json", cwd=work)
    assert (work / "plan.json").read_text() == done.stdout
    assert json.loads(done.stdout)["summary"]["add"] == 7
    assert stat.S_IMODE((work / "plan.json").stat().st_mode) == 0o600
    assert done.stderr == "Saved to plan.json. To make exactly this so: reconcile apply plan.json\n"


def test_same_inputs_give_the_same_bytes_whatever_the_hash_seed(work: Path) -> None:
    """A plan can be compared with another by its bytes."""
    plans = {
        reconcile("plan", "--format", "json", cwd=work, env={"PYTHONHASHSEED": seed}).stdout for seed in ("1", "2", "3")
    }
    assert len(plans) == 1


def test_saved_plan_is_shown_with_where_it_comes_from(work: Path) -> None:
    """The text is that of the plan, after a line of origin."""
    planned = reconcile("plan", "--out", "plan.json", cwd=work).stdout
    origin, rest = reconcile("show", "plan.json", cwd=work).stdout.split("\n", 1)
    assert rest == planned
    assert origin.startswith("Plan sha256:")
    assert origin.endswith(", made 2026-11-20 12:00 UTC from policies, judged as of 2026-11-20")
    assert reconcile("show", "plan.json", "--format", "json", cwd=work).stdout == (work / "plan.json").read_text()


def test_saved_plan_is_applied_without_a_question_and_only_once(work: Path) -> None:
    """The second time its id is used up: exit 8 and nothing written."""
    reconcile("plan", "--out", "plan.json", cwd=work)
    done = reconcile("apply", "plan.json", cwd=work)
    assert done.stdout.endswith("\nApplied: 7 added, 0 changed, 0 removed.\n")
    before = (work / "policies" / "roster.db").read_bytes()
    again = reconcile("apply", "plan.json", cwd=work, code=8)
    assert "This plan has been applied already, and a plan is applied once. Nothing was written." in again.stderr
    assert (work / "policies" / "roster.db").read_bytes() == before


def test_saved_plan_finds_its_policy_by_itself(work: Path) -> None:
    """Whoever planned another folder than the default need not name it twice."""
    (work / "policies").rename(work / "elsewhere")
    reconcile("plan", "elsewhere", "--out", "plan.json", cwd=work)
    assert "7 added" in reconcile("apply", "plan.json", cwd=work).stdout


def test_plan_of_another_policy_is_stale(work: Path) -> None:
    """One more comment in the policy is another policy."""
    reconcile("plan", "--out", "plan.json", cwd=work)
    edit(work, "policy.yaml", "expect:", "# a word\nexpect:")
    done = reconcile("apply", "plan.json", cwd=work, code=8)
    assert "The policy has changed" in done.stderr
    assert not (work / "policies" / "roster.db").exists()


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ('"viewer"', '"owner"', "was edited or damaged"),
        ('"format_version": "1.', '"format_version": "2.', "has plan format 2.2"),
        ('  "notes": []\n}', "", "truncated perhaps"),
        ("{", "[", "truncated perhaps"),
    ],
)
def test_plan_file_that_is_not_what_we_wrote_is_usage(work: Path, old: str, new: str, fact: str) -> None:
    """Edited, newer, truncated: one line that says so, and nothing is applied or shown."""
    reconcile("plan", "--out", "plan.json", cwd=work)
    text = (work / "plan.json").read_text()
    assert old in text
    (work / "plan.json").write_text(text.replace(old, new, 1))
    for command in ("show", "apply"):
        done = reconcile(command, "plan.json", cwd=work, code=64)
        assert fact in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""
    assert not (work / "policies" / "roster.db").exists()


def test_refused_plan_is_shown_whole_and_not_applied(work: Path) -> None:
    """Exit 6, the numbers, a waiver; also from a saved plan."""
    applied(work)
    edit(work, "directory.ldif", "member: uid=alice,dc=example,dc=com\n", "")
    edit(work, "directory.ldif", "member: uid=bob,dc=example,dc=com\n", "member: uid=nobody,dc=example,dc=com\n")
    before = (work / "policies" / "roster.db").read_bytes()
    planned = reconcile("plan", "--out", "plan.json", cwd=work, code=6)
    assert "  ! max_removals" in planned.stdout
    assert "        - {guard: max_removals, target: " in planned.stdout
    assert "    - alice  viewer" in planned.stdout
    assert planned.stderr == "Saved to plan.json; it cannot be applied as it is.\n"
    reconcile("plan", "--detailed-exitcode", cwd=work, code=6)
    reconcile("apply", "--auto-approve", cwd=work, code=6)
    assert "`reconcile show plan.json` says why" in reconcile("apply", "plan.json", cwd=work, code=6).stderr
    assert (work / "policies" / "roster.db").read_bytes() == before


def test_plan_with_errors_of_the_policy_exits_three(work: Path) -> None:
    """A link that can mean two groups is an error to correct, and nothing is applied until then."""
    path = work / "policies" / "directory.ldif"
    path.write_text(
        path.read_text() + "\ndn: cn=devs,cn=leads,dc=example,dc=com\nobjectClass: groupOfNames\ncn: devs\n"
    )
    done = reconcile("plan", cwd=work, code=3)
    assert "error[LINK-AMBIGUOUS]" in done.stdout
    assert "This plan cannot be applied: 1 error to correct." in done.stdout
    reconcile("apply", "--auto-approve", cwd=work, code=3)


def test_target_that_cannot_be_read_leaves_the_others_planned(work: Path) -> None:
    """Exit 5; its section says why."""
    second = "  second:\n    kind: sql\n    url: sqlite:///taken.db\n    directory: corp\n    roles: [viewer]\n"
    edit(work, "policy.yaml", "group_links:", second + "group_links:\n  second:\n    x: [{cn: devs, access: viewer}]")
    (work / "policies" / "taken.db").write_text("this is no database, and long enough to be looked at as one" * 20)
    done = reconcile("plan", cwd=work, code=5)
    assert "  ! could not be read: " in done.stdout
    assert "    + carol  owner" in done.stdout
    assert "This plan cannot be applied: second could not be read." in done.stdout
    reconcile("plan", "--target", "roster", cwd=work)


def test_directory_that_is_not_read_to_its_end_exits_four(work: Path) -> None:
    """Nothing downstream happens: no plan, no file, no roster."""
    path = work / "policies" / "directory.ldif"
    path.write_text(
        path.read_text() + "\ndn: uid=dora,dc=example,dc=com\nobjectClass: inetOrgPerson\njpegPhoto:: AAAA=A\n"
    )
    done = reconcile("plan", "--out", "plan.json", cwd=work, code=4)
    assert done.stdout == ""
    assert "directory.ldif" in done.stderr
    assert sorted(found.name for found in work.iterdir()) == ["policies"]
    assert not (work / "policies" / "roster.db").exists()


def test_plan_from_a_saved_directory_is_the_same_plan(work: Path) -> None:
    """Offline, with the live directory gone."""
    live = reconcile("plan", cwd=work).stdout
    saved = reconcile("snapshot", "--out", "corp.snapshot", cwd=work)
    assert saved.stdout == "Saved 3 people and 2 groups of corp to corp.snapshot.\n"
    assert stat.S_IMODE((work / "corp.snapshot").stat().st_mode) == 0o600
    (work / "policies" / "directory.ldif").unlink()
    offline = reconcile("plan", "--snapshot", "corp.snapshot", cwd=work).stdout
    assert offline.split("\n")[2:] == live.split("\n")[2:]
    assert "3 people, 2 groups" in offline.split("\n")[1]


def test_snapshot_names_the_directories_when_it_cannot_choose(work: Path) -> None:
    """A wrong or missing name is usage."""
    edit(work, "policy.yaml", "targets:", "  other: {kind: ldif, file: o.ldif, base: dc=example}\ntargets:")
    for arguments in ((), ("--directory", "corpp")):
        done = reconcile("snapshot", "--out", "x", *arguments, cwd=work, code=64)
        assert "corp, other" in done.stderr
    reconcile("snapshot", "--out", "x", "--directory", "corp", cwd=work)


def test_expectations_that_do_not_hold_are_named_with_their_place(work: Path) -> None:
    """Exit 3, path:line, and how many."""
    assert reconcile("test", cwd=work).stdout == "1 expectation met.\n"
    edit(work, "policy.yaml", "has: {team/app: owner}", "has: {team/app: viewer}")
    done = reconcile("test", cwd=work, code=3)
    assert done.stdout.startswith("policies/policy.yaml:21:5: error[EXPECT]")
    assert done.stdout.endswith("\n1 expectation of 1 not met.\n")
    edit(work, "policy.yaml", "expect:\n  - {user: carol, target: roster, has: {team/app: viewer}}\n", "")
    assert "expects nothing" in reconcile("test", cwd=work).stdout


def test_today_moves_the_day_that_grants_are_judged_by(work: Path) -> None:
    """A grant that is over on that day is not in the plan, and a warning says so."""
    grant = "      - {user: alice, access: owner, until: 2026-12-31, reason: x}\n"
    edit(work, "policy.yaml", "expect:", f"grants:\n  roster:\n    team/app:\n{grant}expect:")
    assert 'grant until 2026-12-31: "x"' in reconcile("plan", cwd=work).stdout
    later = reconcile("plan", "--today", "2027-01-01", cwd=work)
    assert "grant until" not in later.stdout
    assert "ended" in later.stdout + later.stderr


def test_commit_of_the_policy_is_in_the_plan(work: Path) -> None:
    """A plan says which reviewed state it was made from."""
    env = {f"GIT_{role}_{what}": "a@b.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for words in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "x")):
        subprocess.run(["git", "-C", str(work), *words], env={**os.environ, **env}, check=True)
    head = subprocess.run(["git", "-C", str(work), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    document = json.loads(reconcile("plan", "--format", "json", cwd=work, env={"GIT_CEILING_DIRECTORIES": ""}).stdout)
    assert document["policy"]["git_commit"] == head.stdout.strip()


def test_no_terminal_means_no_question_and_no_work(work: Path) -> None:
    """Without --auto-approve a pipeline is told so before anything is read."""
    shutil.rmtree(work / "policies")
    done = reconcile("apply", cwd=work, code=64)
    assert done.stderr == (
        "error: Nobody can be asked here: give --auto-approve, or a plan saved by `reconcile plan --out`.\n"
    )


@pytest.mark.parametrize(("command", "expected"), [("plan --detailed-exitcode", 2), ("apply --auto-approve", 0)])
def test_closed_stdout_is_neither_an_error_nor_the_end_of_the_work(work: Path, command: str, expected: int) -> None:
    """`reconcile … | head`: no traceback, the exit code is that of the run, and an apply goes on to its end."""
    people = "".join(PERSON.format(uid=f"user{number:04}") for number in range(2000))
    members = "".join(f"member: uid=user{number:04},dc=example,dc=com\n" for number in range(2000))
    path = work / "policies" / "directory.ldif"
    path.write_text(path.read_text().replace("cn: devs\n", f"cn: devs\n{members}") + people)
    edit(work, "policy.yaml", "expect:", "guards:\n  roster: {max_created_users: off}\nexpect:")
    script = f"{{ reconcile {command}; echo $? >code; }} | head -1"
    done = subprocess.run(
        ["sh", "-c", script], cwd=work, env=environment(), capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    assert done.stdout.startswith("roster  sqlite:")
    assert re.fullmatch(r"(Report 1: sha256:\w+\n)?", done.stderr)
    assert (work / "code").read_text() == f"{expected}\n"
    if expected == 0:
        with sqlite3.connect(work / "policies" / "roster.db") as rows:
            assert rows.execute("SELECT count(*) FROM memberships").fetchone() == (2003,)


def test_full_disk_behind_stdout_is_an_error(work: Path) -> None:
    """A plan that nobody got is not a success."""
    done = subprocess.run(
        ["sh", "-c", "reconcile plan >/dev/full"], cwd=work, env=environment(), capture_output=True, encoding="utf-8",
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: The result could not be written to standard output: No space left on device.\n"
