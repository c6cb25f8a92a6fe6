"""What `reconcile doctor` says of targets: what is there, what we may do, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.team import edit, team
from tests.e2e.test_doctor import checks_of
from tests.examples import reconcile
from tests.servers.rosters import SqliteRoster


def targets_of(work: Path, *more: str, code: int = 0) -> list[dict[str, Any]]:
    """Return the targets of the JSON document."""
    document = json.loads(reconcile("doctor", "--format", "json", *more, cwd=work, code=code).stdout)
    found: list[dict[str, Any]] = document["targets"]
    return found


def test_what_is_there_and_what_we_may_do_is_told(tmp_path: Path) -> None:
    """Ours and what people made are counted apart; being able to write is more than a plan needs."""
    work = team(tmp_path)
    reconcile("apply", "--auto-approve", cwd=work)
    by_hand = SqliteRoster(work / "policies" / "roster.db")
    by_hand.execute("INSERT INTO users (username) VALUES ('erin')")
    by_hand.execute(
        "INSERT INTO memberships (group_id, user_id, role) SELECT 1, id, 'owner' FROM users WHERE username = 'erin'"
    )
    (roster,) = targets_of(work)
    assert (roster["name"], roster["kind"], roster["address"]) == ("roster", "sql", "sqlite:///roster.db")
    assert (roster["usable"], roster["rights"], roster["lacks"]) == (True, ["read", "write"], [])
    found = checks_of(roster)
    assert found["account"] == ("ok", f"{roster['account']} can read and write")
    assert found["rights"] == ("warning", "plan needs to read; this credential can also write (may write the file)")
    assert found["read"] == (
        "ok",
        "read to its end: users 4, 3 of them managed from corp; groups 1, 1 of them ours; memberships 3, and 1 made by hand",
    )


def test_for_apply_the_right_to_write_is_no_more_than_needed(tmp_path: Path) -> None:
    """Nothing to warn of, and a roster that is not there yet is told as empty and not made."""
    work = team(tmp_path)
    (roster,) = targets_of(work, "--for", "apply")
    assert checks_of(roster)["rights"] == ("ok", "apply needs to read and write, and this credential can do no more")
    assert "users 0, 0 of them managed from corp" in checks_of(roster)["read"][1]
    assert not (work / "policies" / "roster.db").exists()


def test_a_target_that_cannot_be_used_ends_with_5_and_the_directory_is_told_all_the_same(tmp_path: Path) -> None:
    """The file is no database."""
    work = team(tmp_path)
    (work / "policies" / "roster.db").write_text("not a database at all, but long enough to look like one" * 20)
    (roster,) = targets_of(work, code=5)
    assert roster["usable"] is False
    assert "is not a SQLite database" in checks_of(roster)["read"][1]
    text = reconcile("doctor", cwd=work, code=5).stdout
    assert text.startswith("corp  ldif\n")
    assert "roster  sql  sqlite:///roster.db\n" in text
    assert text.endswith(": 1 failed, 1 warning.\n")


def test_a_kind_without_an_adapter_ends_with_5(tmp_path: Path) -> None:
    """Its rights cannot be asked for."""
    work = team(tmp_path)
    guard = "targets:\n  forge: {kind: defguard, url: https://guard.example.com, token: {env: T}, directory: corp}\n"
    edit(work, "policy.yaml", "targets:\n", guard)
    forge, roster = targets_of(work, code=5)
    assert (forge["name"], forge["account"], forge["rights"]) == ("forge", None, [])
    assert "has no adapter for it" in checks_of(forge)["read"][1]
    assert roster["usable"]


def test_only_what_is_named_is_looked_at(tmp_path: Path) -> None:
    """A name on one side leaves the other side out; an unknown one is a usage error with the nearest name."""
    work = team(tmp_path)
    documents = [
        json.loads(reconcile("doctor", "--format", "json", *more, cwd=work).stdout)
        for more in ([], ["--target", "roster"], ["--directory", "corp"], ["--target", "roster", "--directory", "corp"])
    ]
    assert [(len(each["directories"]), len(each["targets"])) for each in documents] == [(1, 1), (0, 1), (1, 0), (1, 1)]
    assert 'Did you mean "roster"?' in reconcile("doctor", "--target", "rooster", cwd=work, code=64).stderr


def test_a_directory_that_cannot_be_read_comes_before_a_target(tmp_path: Path) -> None:
    """Exit 4: the rest may follow from it."""
    work = team(tmp_path)
    (work / "policies" / "directory.ldif").unlink()
    (work / "policies" / "roster.db").write_text("not a database" * 90)
    reconcile("doctor", cwd=work, code=4)
