"""What `reconcile apply` refuses, leaves out, remembers and goes on with, as a pipeline meets it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.state.file import FileStore
from reconciler.state.lease import Holder
from reconciler.state.lock import Terms, acquire
from tests.e2e.team import edit, team
from tests.e2e.teams_world import World, world
from tests.examples import NOON, environment, reconcile
from tests.fakes.teams import App
from tests.fakes.teams_server import Fault, serving, status
from tests.plugins.installed import ENVIRONMENT

KEY = {"PLAN_KEY": "correct horse battery staple"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a folder with a policy, its directory and no roster yet."""
    return team(tmp_path)


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[World]:
    """Give a policy over an app on HTTP that is asked for one thing at a time."""
    with serving() as served:
        yield world(tmp_path, served, parallel=1)


def roster(work: Path, statement: str) -> list[tuple[object, ...]]:
    """Run a statement on the roster as somebody else would."""
    with closing(sqlite3.connect(work / "policies" / "roster.db")) as rows, rows:
        return rows.execute(statement).fetchall()


def later(**time: int) -> dict[str, str]:
    """Return the environment of a run some minutes after all others."""
    return {"RECONCILE_NOW": str(int(NOON) + 60 * time["minutes"])}


def test_a_signed_plan_is_applied_under_its_key_alone(work: Path) -> None:
    """An edited one, one of another key and one without a signature are not; each is usage, and nothing is written."""
    reconcile("plan", "--out", "plan.json", "--plan-key", "PLAN_KEY", cwd=work, env=KEY)
    wrong = {"PLAN_KEY": "another horse and staple"}
    done = reconcile("apply", "plan.json", "--plan-key", "PLAN_KEY", cwd=work, env=wrong, code=64)
    assert "This plan is not to be trusted: its signature is not one of this key." in done.stderr
    reconcile("plan", "--out", "unsigned.json", cwd=work)
    done = reconcile("apply", "unsigned.json", "--plan-key", "PLAN_KEY", cwd=work, env=KEY, code=64)
    assert "This plan is not to be trusted: it is not signed." in done.stderr
    assert json.loads((work / "plan.json").read_text())["id"] == json.loads((work / "unsigned.json").read_text())["id"]
    assert not (work / "policies" / ".reconcile").exists()
    applied = reconcile("apply", "plan.json", "--plan-key", "PLAN_KEY", cwd=work, env=KEY).stdout
    assert "Applied: 7 added" in applied


def test_demands_on_a_plan_need_one(work: Path) -> None:
    """A plan that is made now was neither signed nor saved."""
    assert "name one" in reconcile("apply", "--plan-key", "PLAN_KEY", cwd=work, env=KEY, code=64).stderr
    assert "name one" in reconcile("apply", "--commit", "abc", cwd=work, code=64).stderr
    assert "give both" in reconcile("plan", "--plan-key", "PLAN_KEY", cwd=work, env=KEY, code=64).stderr
    reconcile("plan", "--out", "plan.json", cwd=work)
    for more in (["plan.json"], ["--user", "ann"], ["--target", "roster"]):
        done = reconcile("apply", *more, "--resume", cwd=work, code=64)
        assert "--resume goes on with a plan as it was begun" in done.stderr


def test_a_plan_is_bound_to_its_commit_and_its_age(work: Path) -> None:
    """A merge makes another commit of the same policy: that is a note."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "policy"]):
        subprocess.run([*git, *arguments], cwd=work, check=True)
    edit(work, "policy.yaml", "expect:", "apply: {max_age: 30m}\nexpect:")
    reconcile("plan", "--out", "plan.json", cwd=work)
    commit = json.loads((work / "plan.json").read_text())["policy"]["git_commit"]
    done = reconcile("apply", "plan.json", cwd=work, env=later(minutes=31), code=8)
    assert "made 31 minutes ago, and the policy lets one be applied for 30 minutes (apply.max_age)" in done.stderr
    done = reconcile("apply", "plan.json", "--commit", "0123456", cwd=work, code=8)
    assert f"The plan was made from {commit[:12]}, and 0123456 was asked for (--commit)." in done.stderr
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "merge"], cwd=work, check=True)
    done = reconcile("apply", "plan.json", "--commit", commit[:10], cwd=work, env=later(minutes=30))
    assert f"The plan was made at commit {commit[:12]} and the policy stands at " in done.stderr
    assert "Applied: 7 added" in done.stdout


def test_what_has_changed_is_named_and_what_still_holds_can_be_applied(work: Path) -> None:
    """Exit 8 and nothing written; with --allow-partial exit 7, and a plan for the rest."""
    reconcile("apply", "--auto-approve", cwd=work)
    edit(work, "policy.yaml", "users: {create: true}", "users: {create: true, sync: [name]}")
    edit(work, "directory.ldif", "sn: alice", "sn: alice\ndisplayName: Alice")
    edit(work, "directory.ldif", "sn: bob", "sn: bob\ndisplayName: Bob")
    reconcile("plan", "--out", "plan.json", cwd=work)
    roster(work, "UPDATE users SET name = 'Bobby' WHERE username = 'bob'")
    done = reconcile("apply", "plan.json", cwd=work, code=8)
    assert "no longer as planned: ~ bob  " in done.stdout
    assert 'bob: name is "Bobby", the plan expected' in done.stdout
    assert "nothing was written.\nRun `reconcile plan` again and review what it says now.\n" in done.stdout
    assert roster(work, "SELECT name FROM users WHERE username = 'alice'") != [("Alice",)]
    done = reconcile("apply", "plan.json", "--allow-partial", cwd=work, code=7)
    assert done.stdout.endswith("Applied: 0 added, 1 changed, 0 removed. 1 no longer as planned.\n")
    assert roster(work, "SELECT username, name FROM users WHERE name IN ('Alice', 'Bobby') ORDER BY 1") == [
        ("alice", "Alice"),
        ("bob", "Bobby"),
    ]


def test_a_target_that_is_worked_on_is_named_with_the_way_out(work: Path) -> None:
    """Exit 9; --lock-timeout waits, and `reconcile unlock` ends a lock that was left behind."""
    store = FileStore(str(work / "policies" / ".reconcile"))
    terms = Terms(Holder("alice", "build-7", 4711), lambda: datetime.now(UTC))
    lock = acquire(store, "roster", terms)
    done = reconcile("apply", "--auto-approve", cwd=work, code=9)
    assert "roster is held by alice on build-7 (process 4711) since " in done.stderr
    assert f"`reconcile unlock {lock.id}` ends the lock at once." in done.stderr
    for never in ("nan", "inf", "-1"):
        assert (
            "Invalid value for '--lock-timeout'"
            in reconcile("apply", "--lock-timeout", never, cwd=work, code=64).stderr
        )
    reconcile("unlock", lock.id, cwd=work)
    assert "Applied: 7 added" in reconcile("apply", "--auto-approve", "--lock-timeout", "1", cwd=work).stdout
    lock.release()


def test_a_plan_asks_the_state_store_and_never_writes_to_it(work: Path) -> None:
    """None is made, and one that cannot be used is no reason to plan without what it knows."""
    reconcile("plan", cwd=work)
    assert not (work / "policies" / ".reconcile").exists()
    (work / "policies" / ".reconcile").write_text("not a folder")
    for arguments in (["plan"], ["apply", "--auto-approve"]):
        assert "state store" in reconcile(*arguments, cwd=work, code=5).stderr
    assert not (work / "policies" / "roster.db").exists()


def test_a_plan_without_changes_leaves_what_it_has_seen(work: Path) -> None:
    """So the guard against shrinking directories knows the last good read, also of a run that had nothing to do."""
    reconcile("apply", "--auto-approve", cwd=work)
    reconcile("apply", "--auto-approve", cwd=work, env=later(minutes=5))
    seen = json.loads((work / "policies" / ".reconcile" / "seen" / "corp" / "roster").read_text())
    assert seen == {"people": 3, "groups": 2, "read_at": "2026-11-20T12:05:00Z"}


def test_a_terminated_apply_finishes_its_call_and_says_how_to_go_on(chat: World) -> None:
    """As when a pipeline is cancelled: exit 7, and the rest is done by --resume with nothing asked for twice."""
    chat.run("plan", "--out", "plan.json")
    total = len(json.loads((chat.folder / "plan.json").read_text())["targets"][0]["changes"])
    env = environment(**{**ENVIRONMENT, "TEAMS_TOKEN": "secret-token"})
    process = subprocess.Popen(
        ["reconcile", "apply", "plan.json"],
        cwd=chat.folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def terminate(_app: App) -> None:
        os.kill(process.pid, signal.SIGTERM)

    chat.served.fail(Fault("POST", ".*", effect=True, meanwhile=terminate))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 7, err
    assert "stopping: what is on its way to a target is finished first." in err
    assert "Interrupted. Not everything was applied.\nGo on with: reconcile apply --resume sha256:" in out
    made = len(chat.served.app.effects)
    assert 0 < made < total
    resumed = chat.run("apply", "--resume").stdout
    assert f"Resumed: {made} of the changes had been made before." in resumed
    effects = chat.served.app.effects
    assert len(effects) == len(set(effects)) == total
    assert "No changes." in chat.run("plan").stdout


def test_what_a_target_keeps_refusing_is_held_back_and_shown(chat: World) -> None:
    """After three runs on end it waits a day; then it is tried again, and is forgotten once it is made."""
    before = len(chat.served.app.users)
    chat.served.fail(Fault("POST", ".*/users", change=status(422, {"error": "no seat left"}), times=1000))
    for _ in range(3):
        assert "no seat left" in chat.run("apply", "--auto-approve", code=7).stdout
    held = chat.run("plan").stdout
    assert "no seat left" in held
    assert "it is tried again on 2026-11-21" in held
    assert len(chat.served.app.users) == before
    assert "No changes." in chat.run("apply", "--auto-approve").stdout
    chat.served.fail()
    env = {**ENVIRONMENT, "TEAMS_TOKEN": "secret-token", **later(minutes=24 * 60)}
    done = reconcile("apply", "--auto-approve", cwd=chat.folder, env=env)
    assert done.stdout.endswith(" 0 changed, 0 removed.\n")
    assert len(chat.served.app.users) == before + 3
    troubles = chat.folder / "policies" / ".reconcile" / "troubles" / "chat"
    assert json.loads(troubles.read_text()) == {}
