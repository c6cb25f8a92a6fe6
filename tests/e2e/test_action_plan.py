"""What the action does for a pull request: a plan, one comment, the page of the run, outputs; or a check without credentials."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.action import Runner, commit, on_main, on_pull_request, repository, sourced
from tests.e2e.pull_request import POLICY, evil, git
from tests.e2e.team import edit
from tests.examples import reconcile
from tests.fakes.forge_server import Running, serving
from tests.fakes.github import GitHub

LINK = "      - {cn: devs, access: viewer}\n"


@pytest.fixture
def hub() -> GitHub:
    """Return a GitHub with one pull request."""
    app = GitHub()
    app.pull(7)
    return app


@pytest.fixture
def running(hub: GitHub) -> Iterator[Running]:
    """Serve it."""
    with serving(hub) as server:
        yield server


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a checkout, with a branch for a change."""
    work = repository(tmp_path)
    git(work, "checkout", "-q", "-b", "change")
    return work


def proposed(work: Path, tmp_path: Path, running: Running) -> Runner:
    """Commit the change, and return the runner of its pull request."""
    commit(work, "change")
    return on_pull_request(work, tmp_path / "temp", running.url)


def test_a_pull_request_gets_one_comment_a_page_and_outputs(
    work: Path, tmp_path: Path, hub: GitHub, running: Running
) -> None:
    """The plan tells the change from what is pending; the comment and the page end in one fingerprint, of the same changes."""
    edit(
        work,
        "policy.yaml",
        "{cn: leads, access: owner}",
        "{cn: leads, access: owner}\n      - {cn: leads, access: viewer}",
    )
    runner = proposed(work, tmp_path, running)
    ran = runner.run("plan", html="true")
    assert {
        name: ran.outputs[name] for name in ("has_changes", "has_removals", "refused", "applyable", "exit_code")
    } == {
        "has_changes": "true",
        "has_removals": "false",
        "refused": "false",
        "applyable": "true",
        "exit_code": "0",
    }
    plan = json.loads(Path(ran.outputs["plan_path"]).read_text())
    assert plan["base"]["git_commit"] == git(work, "rev-parse", "main")
    (body,) = hub.bodies(7)
    assert body.startswith("<!-- reconcile:plan -->\n")
    assert body.endswith(f"\nFingerprint of the changes: <code>{ran.outputs['fingerprint']}</code>\n")
    assert ran.page.endswith(body.rpartition("\n\n")[2])
    assert "7 to add" in ran.page
    assert Path(ran.outputs["html_path"]).read_text().startswith("<!DOCTYPE html>")
    assert "ghs-workflow" not in ran.log


def test_a_refused_plan_is_shown_and_fails_the_run(work: Path, tmp_path: Path, hub: GitHub, running: Running) -> None:
    """Most of a group would lose their role: the outputs say removals and refused, and the code is the guard's."""
    reconcile("apply", "--auto-approve", cwd=work)
    edit(work, "policy.yaml", LINK, "")
    ran = proposed(work, tmp_path, running).run("plan", code=6)
    assert (ran.outputs["has_removals"], ran.outputs["refused"], ran.outputs["applyable"]) == ("true", "true", "false")
    assert ran.outputs["exit_code"] == "6"
    assert "max_removals_per_group" in hub.bodies(7)[0]


def test_an_invalid_policy_is_annotated_and_takes_the_place_of_an_older_plan(
    work: Path, tmp_path: Path, hub: GitHub, running: Running
) -> None:
    """Nothing is planned; the comment that was there says so now, and no file name or message can end its fence."""
    old = hub.remark(7, "<!-- reconcile:plan -->\n### Plan: 1 to add.", "github-actions[bot]")
    edit(work, "policy.yaml", "access: owner", "acess: owner")
    ran = proposed(work, tmp_path, running).run("plan", code=3)
    assert "::error file=policies/policy.yaml,line=19" in ran.log
    assert ran.outputs == {
        **dict.fromkeys(("has_changes", "has_removals", "refused", "applyable"), "false"),
        "exit_code": "3",
    }
    assert hub.bodies(7) == [old.body]
    assert "The policy is not valid (exit code 3)" in old.body
    assert " | policies/policy.yaml:19" in old.body
    assert "The policy is not valid" in ran.page


def test_connections_come_from_the_first_parent_of_github_s_own_merge_and_else_from_the_event(
    work: Path, tmp_path: Path
) -> None:
    """A commit that the branch itself could have made is never asked for its parent, and another branch is no base."""
    git(work, "commit", "-q", "--allow-empty", "-m", "change")
    head = git(work, "rev-parse", "HEAD")
    git(work, "checkout", "-q", "main")
    git(work, "commit", "-q", "--allow-empty", "-m", "meanwhile")
    event_says = git(work, "rev-parse", "main^")
    runner = on_pull_request(work, tmp_path / "temp", "")
    event = json.loads((tmp_path / "temp/event.json").read_text())
    event["pull_request"]["base"]["sha"] = event_says
    (tmp_path / "temp/event.json").write_text(json.dumps(event))

    def base(**env: str) -> str:
        done = sourced("base_commit", work, **(runner.env | env))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert base() == git(work, "rev-parse", "main")
    assert base(GITHUB_SHA=head) == event_says
    git(work, "checkout", "-q", "change")
    assert base() == event_says
    assert base(GITHUB_SHA=head) == event_says
    for part, key, value in (("base", "ref", "change"), ("base", "sha", "--output=x")):
        other = {**event, "pull_request": {**event["pull_request"], part: {**event["pull_request"][part], key: value}}}
        (tmp_path / "temp/event.json").write_text(json.dumps(other))
        assert base() == ""


def test_a_check_without_credentials_tests_and_plans_what_is_offline(work: Path, tmp_path: Path) -> None:
    """It needs no token and writes no comment; an expectation that does not hold fails it."""
    runner = on_main(work, tmp_path / "temp", event="pull_request")
    ran = runner.run("check", token="")
    assert "### Its tests: passed" in ran.page
    assert "### A plan without credentials: passed" in ran.page
    assert "7 to add" in ran.page
    edit(
        work,
        "policy.yaml",
        "{user: carol, target: roster, has: {team/app: owner}}",
        "{user: bob, target: roster, has: {team/app: owner}}",
    )
    ran = runner.run("check", code=3)
    assert ran.outputs["exit_code"] == "3"
    assert "### Its tests: failed (exit code 3)" in ran.page


def test_a_check_of_what_needs_credentials_contacts_nobody(work: Path, tmp_path: Path) -> None:
    """As for a fork: the branch names servers of its own, and they hear nothing, whatever the job was given."""
    with evil() as listener:
        text = POLICY.format(ldap=f"ldap://{listener.address}", app=f"http://{listener.address}")
        text = text.replace("{file: ../secrets/ldap}", "{env: LDAP_PASSWORD}").replace("kind: teams", "kind: gitlab")
        text = text.replace("access: writer", "access: developer")
        expected = "expect:\n  - {user: ann, target: roster, has: {api: viewer}}\n"
        (work / "policies/policy.yaml").write_text(text + expected)
        ran = on_main(work, tmp_path / "temp", event="pull_request").run(
            "check", credentials="LDAP_PASSWORD=secret\nTEAMS_TOKEN=secret"
        )
        assert listener.heard == []
    assert ran.outputs["exit_code"] == "0"
    assert "### Its tests: not tried" in ran.page
    assert "### A plan without credentials: not tried" in ran.page
