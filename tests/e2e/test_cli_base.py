"""`reconcile plan --base`: what this change of the policy causes, and what was pending anyway."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.pull_request import IGNORED, SECRETS, PullRequest, directory, evil, git, pull_request
from tests.e2e.team import DIRECTORY, PERSON, edit, team
from tests.examples import reconcile
from tests.fakes.ldap_responder import Directory, responder
from tests.fakes.teams_server import Served, serving
from tests.plugins.installed import ENVIRONMENT

OFF = 'guards: {"*": {max_privileged_grants: off, max_removals: off, max_removals_per_group: off, min_owners: off}}\n'


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A team whose policy has been applied, and a branch beside main that has changed nothing."""
    team(tmp_path)
    edit(tmp_path, "policy.yaml", "expect:", f"{OFF}expect:")
    (tmp_path / ".gitignore").write_text(IGNORED + "policies/directory.ldif\n")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    reconcile("apply", "--auto-approve", cwd=tmp_path)
    return tmp_path


def staff(work: Path, *names: str, devs: tuple[str, ...]) -> None:
    """Let the directory hold these people, and these devs."""
    members = "".join(f"member: uid={name},dc=example,dc=com\n" for name in devs)
    text = DIRECTORY.replace("member: uid=alice,dc=example,dc=com\nmember: uid=bob,dc=example,dc=com\n", members)
    (work / "policies" / "directory.ldif").write_text(text + "".join(PERSON.format(uid=name) for name in names))


def roster(work: Path, statement: str) -> None:
    with closing(sqlite3.connect(work / "policies" / "roster.db")) as connection, connection:
        connection.execute(statement)


def document(work: Path, *words: str) -> dict[str, Any]:
    found = json.loads(reconcile("plan", "--base", "main", "--format", "json", *words, cwd=work).stdout)
    assert isinstance(found, dict)
    return found


def caused(plan: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the cause of each change by its type and person."""
    (target,) = plan["targets"]
    return {(change["type"], change["user"]["username"]): change["cause"] for change in target["changes"]}


def codes(plan: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in [*plan["notes"], *plan["targets"][0]["diagnostics"]]]


def test_each_change_is_told_by_its_cause(work: Path) -> None:
    """Dora has joined, bob's row was taken out by hand, carol is to be a viewer from now on."""
    staff(work, "alice", "bob", "carol", "dora", devs=("alice", "bob", "dora"))
    roster(work, "DELETE FROM memberships WHERE user_id = (SELECT id FROM users WHERE username = 'bob')")
    edit(work, "policy.yaml", "{cn: leads, access: owner}", "{cn: leads, access: viewer}")
    plan = document(work)
    assert caused(plan) == {
        ("user.create", "dora"): "directory",
        ("membership.add", "dora"): "directory",
        ("membership.add", "bob"): "drift",
        ("membership.change", "carol"): "policy",
    }
    assert plan["summary"]["causes"] == {"policy": 1, "directory": 2, "drift": 1}
    assert plan["base"] == {
        "root": "policies",
        "digest": plan["base"]["digest"],
        "git_commit": git(work, "rev-parse", "main"),
    }
    text = reconcile("plan", "--base", "main", cwd=work).stdout
    assert "(no longer given by cn=leads; policies/policy.yaml:19 of the base; still cn=leads)" in text
    mine, new, drift = (
        text.index("  Caused by this change of the policy (1 change)\n"),
        text.index("  Pending: the directory changed since the last apply (2 changes)\n"),
        text.index("  Pending: the target was changed by somebody else (1 change)\n"),
    )
    assert mine < new < drift
    assert text.endswith("Plan: 3 to add, 1 to change, 0 to remove. 3 people affected, 0 privileged grants.\n")


def test_without_a_change_nothing_is_caused_by_one(work: Path) -> None:
    """Whatever is pending."""
    staff(work, "alice", "bob", "carol", "dora", devs=("alice", "dora"))
    plan = document(work)
    assert plan["summary"]["causes"] == {"policy": 0, "directory": 3, "drift": 0}
    assert plan["notes"] == []


def test_what_is_prevented_and_what_is_lifted_is_said(work: Path) -> None:
    """The base would end what the head keeps; the base's guards would refuse what the head's let pass."""
    staff(work, "alice", "bob", "carol", devs=("alice",))
    git(work, "checkout", "-q", "main")
    edit(work, "policy.yaml", OFF, 'guards: {"*": {max_removals: {count: 0}}}\n')
    git(work, "commit", "-qam", "strict")
    edit(work, "policy.yaml", 'guards: {"*": {max_removals: {count: 0}}}\n', OFF)
    plan = document(work)
    assert caused(plan) == {("membership.remove", "bob"): "directory"}
    assert "REFUSAL-LIFTED" in codes(plan)
    edit(
        work,
        "policy.yaml",
        "      - {cn: leads, access: owner}",
        "      - {cn: leads, access: owner}\n      - {filter: (uid=bob), access: viewer}",
    )
    plan = document(work)
    assert caused(plan) == {}
    (note,) = (one for one in plan["targets"][0]["diagnostics"] if one["code"] == "CHANGE-PREVENTED")
    assert note["summary"].endswith("prevented by this change of the policy: remove team/app: bob.")


def test_a_change_of_what_is_read_is_caused_by_the_policy(work: Path) -> None:
    """A narrower filter makes people leave: the directory has not changed. A base that cannot be read blames the head."""
    edit(
        work,
        "policy.yaml",
        "    base: dc=example,dc=com",
        "    base: dc=example,dc=com\n    user_filter: (&(objectClass=inetOrgPerson)(!(uid=bob)))",
    )
    plan = document(work)
    assert set(caused(plan).values()) == {"policy"}
    git(work, "checkout", "-q", "main", "--", ".")
    edit(work, "policy.yaml", "base: dc=example,dc=com", "base: dc=nowhere")
    git(work, "commit", "-qam", "broken")
    edit(work, "policy.yaml", "base: dc=nowhere", "base: dc=example,dc=com")
    staff(work, "alice", "bob", "carol", devs=("alice",))
    plan = document(work)
    assert caused(plan) == {("membership.remove", "bob"): "policy"}
    assert "BASE-UNREADABLE" in codes(plan)


def test_a_folder_may_stand_for_the_base(work: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its connections are used, roster and store included, wherever the head's are."""
    head = tmp_path_factory.mktemp("head")
    team(head)
    edit(head, "policy.yaml", "{cn: leads, access: owner}", "{cn: leads, access: viewer}")
    edit(head, "policy.yaml", "expect:", f"{OFF}expect:")
    edit(head, "policy.yaml", "sqlite:///roster.db", "sqlite:///other.db")
    staff(head, "mallory", devs=("mallory",))
    done = reconcile("plan", "--base-policy", str(work / "policies"), "--format", "json", cwd=head)
    plan = json.loads(done.stdout)
    assert caused(plan) == {("membership.change", "carol"): "policy"}
    assert codes(plan) == ["CONNECTION-CHANGED"]
    assert not (head / "policies" / ".reconcile").exists()
    assert not (head / "policies" / "roster.db").exists()


def test_a_saved_plan_is_applied_after_the_merge(work: Path) -> None:
    """The reviewed plan and no other; where connections are the same it is the head's own."""
    edit(work, "policy.yaml", "{cn: leads, access: owner}", "{cn: leads, access: viewer}")
    reconcile("plan", "--base", "main", "--out", "plan.json", cwd=work)
    git(work, "commit", "-qam", "second")
    done = reconcile("apply", "plan.json", "--auto-approve", cwd=work)
    assert "1 changed" in done.stdout
    assert reconcile("plan", cwd=work).stdout.startswith("No changes.")


def test_targets_that_come_and_go_are_notes(work: Path) -> None:
    """A new one has no section, also where it is asked for alone; one that is taken out is named."""
    edit(
        work,
        "policy.yaml",
        "  roster:\n    kind: sql\n    url: sqlite:///roster.db",
        "  fresh:\n    kind: sql\n    url: sqlite:///fresh.db",
    )
    text = (
        (work / "policies" / "policy.yaml")
        .read_text()
        .replace("group_links:\n  roster:", "group_links:\n  fresh:")
        .replace("target: roster", "target: fresh")
    )
    (work / "policies" / "policy.yaml").write_text(text)
    plan = json.loads(reconcile("plan", "--base", "main", "--format", "json", cwd=work).stdout)
    assert plan["targets"] == []
    assert [note["code"] for note in plan["notes"]] == ["NEW-TARGET", "GONE-TARGET"]
    done = reconcile("plan", "--base", "main", "--target", "fresh", cwd=work, code=64)
    assert "The base has no target fresh: it cannot be reached before this is merged." in done.stderr
    assert not (work / "policies" / "fresh.db").exists()


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[tuple[PullRequest, Directory, Served]]:
    """Give a branch over a directory and an app that count."""
    held = directory()
    with evil() as listener, responder(held) as url, serving() as served:
        yield pull_request(tmp_path / "work", listener, (held, url), served), held, served


def test_directories_and_targets_are_asked_as_often_as_without_a_base(
    counted: tuple[PullRequest, Directory, Served],
) -> None:
    """Once each, though there are two policies; twice only what the change itself wants read otherwise."""
    change, held, served = counted

    def asked(*words: str) -> tuple[int, int]:
        held.requests.clear()
        served.log.clear()
        change.plan(*words)
        return held.searches(), len(served.log)

    alone = asked("--base-policy", "policies")
    held.requests.clear()
    served.log.clear()
    reconcile("plan", cwd=change.folder, env={**ENVIRONMENT, **SECRETS})
    assert alone == (held.searches(), len(served.log))
    change.edit("{cn: devs, access: viewer}", "{cn: devs, access: owner}")
    assert asked() == alone
    change.edit('    base: "dc=example,dc=com"\n', '    base: "dc=example,dc=com"\n    user_filter: (cn=ann)\n')
    searches, requests = asked()
    assert searches == 2 * alone[0]
    assert requests == alone[1]
