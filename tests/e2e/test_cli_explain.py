"""`reconcile explain`: who has what, should have what, and why, with the roster asked, offline, and from a saved plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.team import edit, team
from tests.examples import reconcile


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a policy, its directory, and no roster yet."""
    return team(tmp_path)


def answer(work: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Return the answer as data."""
    found = json.loads(reconcile("explain", *arguments, "--format", "json", cwd=work, code=code).stdout)
    assert isinstance(found, dict)
    return found


def rows(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the groups of the only target by name."""
    (target,) = document["targets"]
    return {row["group"]: row for row in target["groups"]}


def test_what_will_be_given_is_said_with_the_rule_and_the_account(work: Path) -> None:
    """Before the first apply: no account, no role, and what the next apply would do."""
    text = reconcile("explain", "alice", cwd=work).stdout
    assert text.startswith("alice  uid=alice,dc=example,dc=com  (active; directory corp)\n")
    assert "  no account\n  the policy wants an account called alice\n" in text
    assert "has no role, should have " in text
    assert "next apply: add alice " in text


def test_what_is_as_it_should_be_says_by_which_rule(work: Path) -> None:
    """After an apply: the role, the directory group and the place in the policy."""
    reconcile("apply", "--auto-approve", cwd=work)
    text = reconcile("explain", "alice@example.com", cwd=work).stdout
    assert "account alice: active, ours" in text
    assert ", as it should be\n" in text
    assert "policies/policy.yaml:" in text
    assert "next apply" not in text
    for row in rows(answer(work, "alice")).values():
        assert row["have"] == row["want"]
        assert row["given"]
        assert row["changes"] == []


def test_somebody_who_has_left_is_found_by_the_account(work: Path) -> None:
    """The entry is gone: the roles that are left, and that they go; offline nobody can tell."""
    reconcile("apply", "--auto-approve", cwd=work)
    text = (work / "policies" / "directory.ldif").read_text(encoding="utf-8")
    entries = [entry for entry in text.split("\n\n") if not entry.strip().startswith("dn: uid=bob,")]
    gone = "\n\n".join(entries).replace("member: uid=bob,dc=example,dc=com\n", "")
    (work / "policies" / "directory.ldif").write_text(gone, encoding="utf-8")
    found = answer(work, "bob")
    assert found["person"] == {
        "directory": "corp",
        "key": "dn:uid=bob,dc=example,dc=com",
        "dn": "",
        "status": "gone",
    }
    (row,) = rows(found).values()
    assert row["want"] is None
    assert row["have"] is not None
    (change,) = row["changes"]
    assert change["reason"]["why"] == "left_directory"
    assert "should have no role" in reconcile("explain", "bob", cwd=work).stdout
    done = reconcile("explain", "bob", "--offline", cwd=work, code=64)
    assert "no target was asked" in done.stderr


def test_a_saved_plan_answers_for_itself(work: Path) -> None:
    """Neither directory nor roster are read; what the plan does not touch, it does not know."""
    reconcile("plan", "--out", "plan.json", cwd=work)
    (work / "policies" / "directory.ldif").unlink()
    done = reconcile("explain", "ALICE", "--plan", "plan.json", cwd=work)
    assert "in the plan sha256:" in done.stdout
    assert "  create alice (" in done.stdout
    done = reconcile("explain", "nobody", "--plan", "plan.json", cwd=work, code=64)
    assert "The plan changes nothing about" in done.stderr
    found = answer(work, "--plan", "plan.json", "--group", "team/app")
    assert {change["group"] for change in found["targets"][0]["changes"]} == {"team/app"}


def test_a_group_shows_its_rules_and_its_people(work: Path) -> None:
    """Before and after an apply, and with the policy named as a folder."""
    before = reconcile("explain", "--group", "team/app", cwd=work).stdout
    assert "there is no such group in the target" in before
    assert "no role → " in before
    reconcile("apply", "--auto-approve", cwd=work)
    after = reconcile("explain", "--group", "team/app", "policies", cwd=work).stdout
    assert "→" not in after
    assert "alice" in after
    found = answer(work, "--group", "team/app", "--offline")
    assert found["live"] is False
    assert {one["have"] for one in found["targets"][0]["people"]} == {None}


def test_what_cannot_be_answered_is_usage(work: Path) -> None:
    """No name, an unknown name, an unknown group, a word too many: exit 64, and what to write."""
    for arguments, said in (
        ((), "Say whom it is about"),
        (("nobody",), 'Nobody is called "nobody"'),
        (("alice", "--group", "team/ap"), 'Did you mean "team/app"?'),
        (("--group", "team/ap"), 'Did you mean "team/app"?'),
        (("alice", "policies", "more"), 'There is no use for "more"'),
    ):
        assert said in reconcile("explain", *arguments, cwd=work, code=64).stderr


def test_a_target_that_does_not_answer_is_an_error_beside_what_should_be(work: Path) -> None:
    """Exit 5: the rules are explained all the same."""
    (work / "policies" / "roster.db").write_text("this is no database, and long enough to be told from one" * 20)
    done = reconcile("explain", "alice", cwd=work, code=5)
    assert "error: " in done.stdout
    assert "should have " in done.stdout


def test_a_directory_that_cannot_be_read_is_no_answer(work: Path) -> None:
    """Exit 4: that somebody is not named is never said of a directory that nobody has seen."""
    (work / "policies" / "directory.ldif").unlink()
    assert reconcile("explain", "alice", cwd=work, code=4).stdout == ""


def test_names_from_outside_cannot_move_the_cursor(work: Path) -> None:
    """A control character in a name of the directory is shown as its escape."""
    edit(work, "directory.ldif", "cn: alice", "cn:: " + "YWxpY2UbWzJK")
    done = reconcile("explain", "uid=alice,dc=example,dc=com", cwd=work)
    assert "\x1b" not in done.stdout
