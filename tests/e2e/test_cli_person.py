"""The command line for one person: plan, save, apply, and names that nobody has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.team import PERSON, edit, team
from tests.examples import reconcile


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a policy, its directory, and no roster yet."""
    return team(tmp_path)


@pytest.mark.parametrize(("name", "shown"), [("alcie", "alcie"), ("\x1b[2J", r"\x1b[2J"), ("*", "*"), ("-", "-")])
def test_a_name_that_nobody_has_is_usage(work: Path, name: str, shown: str) -> None:
    """Exit 64 for plan and apply; nothing is made."""
    for command in (["plan"], ["apply", "--auto-approve"]):
        done = reconcile(*command, "--user", name, cwd=work, code=64)
        assert f'Nobody is called "{shown}" in the directory (corp), and no target (roster) has' in done.stderr
        assert done.stdout == ""
    assert not (work / "policies" / "roster.db").exists()


def test_one_person_is_let_in_and_out_again(work: Path) -> None:
    """With apply alone, as a hook does it; a second time there is nothing to do."""
    done = reconcile("apply", "--user", "alice@example.com", "--auto-approve", cwd=work)
    assert done.stdout.startswith("Only alice@example.com: uid=alice,dc=example,dc=com. Nobody else's access")
    assert done.stdout.endswith("Applied: 3 added, 0 changed, 0 removed.\n")
    assert reconcile("plan", "--user", "alice", "--detailed-exitcode", cwd=work).stdout.startswith("No changes.")
    reconcile("plan", "--user", "bob", "--detailed-exitcode", cwd=work, code=2)
    reconcile("apply", "--user", "bob", "--auto-approve", cwd=work)
    edit(work, "directory.ldif", PERSON.format(uid="bob"), "\n")
    edit(work, "directory.ldif", "member: uid=bob,dc=example,dc=com\n", "")
    done = reconcile("apply", "--user", "bob", "--auto-approve", cwd=work)
    assert "Only bob: gone from the directory, known by the account dn:uid=bob,dc=example,dc=com." in done.stdout
    assert done.stdout.endswith("Applied: 0 added, 0 changed, 2 removed.\n")
    reconcile("plan", "--user", "bob", "--detailed-exitcode", cwd=work)
    everybody = reconcile("plan", cwd=work).stdout
    assert "carol" in everybody
    assert "alice" not in everybody


def test_a_saved_plan_for_one_person_is_shown_and_applied(work: Path) -> None:
    """It is the same plan, and says whom it is about."""
    reconcile("plan", "--user", "alice", "--user", "carol", "--out", "plan.json", cwd=work)
    only = json.loads((work / "plan.json").read_text(encoding="utf-8"))["only"]
    assert [one["name"] for one in only] == ["alice", "carol"]
    assert "\nOnly carol: " in reconcile("show", "plan.json", cwd=work).stdout
    reconcile("apply", "plan.json", cwd=work)
    assert reconcile("plan", "--user", "alice", "--user", "carol", cwd=work).stdout.startswith("No changes.")
