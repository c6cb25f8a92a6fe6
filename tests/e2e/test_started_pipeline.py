"""The pipelines that `reconcile init` writes: their lines run as a runner would run them; installing is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.action import commit
from tests.e2e.pull_request import git
from tests.examples import ended, insisted, reconcile
from tests.fakes.forge_server import serving
from tests.fakes.github import REPOSITORY, GitHub
from tests.fakes.gitlab_notes import BASE, PROJECT, GitLab

NUMBER = 7


def started(folder: Path, forge: str) -> Path:
    """Return a repository with the first policy, its pipeline beside it, on main."""
    git(folder, "init", "-q", "-b", "main")
    reconcile("init", "--ci", forge, cwd=folder)
    commit(folder, "first")
    return folder


def lines(script: str, folder: Path, env: Mapping[str, str], code: int = 0) -> str:
    """Run a script as runners do where nothing else is said, and return its log."""
    done = insisted(ended(["bash", "--noprofile", "--norc", "-e", "-c", script], folder, env), code)
    return done.stdout + done.stderr


class Workflow:
    """The workflow for GitHub of one repository."""

    def __init__(self, folder: Path, temp: Path, url: str) -> None:
        """Read it, and say what GitHub sets."""
        temp.mkdir()
        self.folder, self.output, self.page = folder, temp / "output", temp / "page"
        (temp / "event.json").write_text(json.dumps({"pull_request": {"number": NUMBER}}))
        self.said: dict[str, Any] = yaml.safe_load((folder / ".github/workflows/reconcile.yml").read_text())
        self.env = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_PATH": str(temp / "event.json"),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.page),
        }

    def job(self, name: str, values: Mapping[str, str], code: int = 0) -> str:
        """Run the steps of a job that are not about its set-up; `values` are what its expressions stand for."""
        self.page.write_text("")
        log, known = "", {"github.token": "ghs-workflow", **values}
        for step in self.said["jobs"][name]["steps"][3:]:
            if "run" not in step:
                continue
            self.output.write_text("")
            env = {key: known[text.strip("${} ")] for key, text in step.get("env", {}).items()}
            sha = {"GITHUB_SHA": git(self.folder, "rev-parse", "HEAD")}
            log += lines(step["run"], self.folder, {**self.env, **self.said["env"], **sha, **env}, code)
            outputs = dict(line.split("=", 1) for line in self.output.read_text().splitlines())
            known |= {f"steps.{step.get('id')}.outputs.{key}": value for key, value in outputs.items()}
        self.known = known
        return log


@pytest.fixture
def forge() -> GitHub:
    """Return a repository with one pull request."""
    found = GitHub()
    found.pull(NUMBER)
    return found


@pytest.fixture
def workflow(forge: GitHub, tmp_path: Path) -> Iterator[Workflow]:
    """Return the workflow, with a GitHub to comment at."""
    (tmp_path / "work").mkdir()
    with serving(forge) as running:
        yield Workflow(started(tmp_path / "work", "github"), tmp_path / "temp", running.url)


def test_github_applies_the_very_file_that_was_planned_and_looks_for_drift(workflow: Workflow, forge: GitHub) -> None:
    """A plan file that is another one is not applied; afterwards nothing is left to do, and no issue is open."""
    workflow.job("planned", {})
    assert workflow.known["steps.plan.outputs.code"] == "2"
    assert "Plan: 15 to add" in workflow.page.read_text()
    digest = {"needs.planned.outputs.digest": workflow.known["steps.plan.outputs.digest"]}
    other = workflow.job("apply", {"needs.planned.outputs.digest": "0" * 64}, code=1)
    assert "plan.json: FAILED" in other
    assert "Applied: 15 added" in workflow.job("apply", digest)
    workflow.job("planned", {})
    assert workflow.known["steps.plan.outputs.code"] == "0"
    assert "No issue is open: nothing to close." in workflow.job("drift", {})

    (workflow.folder / "policies/roster.db").unlink()
    assert "Issue opened" in workflow.job("drift", {})
    (issue,) = [thread for thread in forge.threads.values() if not thread.pull]
    assert "Plan: 15 to add" in str(issue.body)


def test_github_comments_on_a_pull_request_and_says_so_where_no_plan_can_be_made(
    workflow: Workflow, forge: GitHub
) -> None:
    """No older plan is taken for this one."""
    work = workflow.folder
    base = git(work, "rev-parse", "HEAD")
    git(work, "checkout", "-q", "-b", "change")
    rules = work / "policies/rules.yaml"
    rules.write_text(rules.read_text().replace("{cn: auditors, access: viewer}", "{cn: auditors, access: editor}"))
    commit(work, "change")
    values = {"github.event.pull_request.base.sha": base}
    assert "Comment created" in workflow.job("plan", values)
    (body,) = forge.bodies(NUMBER)
    assert "Caused by this change of the policy" in body

    rules.write_text("version: 2\n")
    commit(work, "broken")
    (step,) = [step for step in workflow.said["jobs"]["plan"]["steps"] if step.get("id") == "plan"]
    lines(step["run"], work, {**workflow.env, **workflow.said["env"], "BASE": base}, code=3)
    comment = workflow.said["jobs"]["plan"]["steps"][-1]
    assert "Comment updated" in lines(comment["run"], work, {**workflow.env, "GITHUB_TOKEN": "ghs-workflow"})
    (body,) = forge.bodies(NUMBER)
    assert body.endswith("No plan could be made (exit code 3). The log of the job says why.\n")


def test_gitlab_notes_plans_and_applies_the_very_file(tmp_path: Path) -> None:
    """The lines of every job, in a clone on a branch and then on the default branch."""
    origin = tmp_path / "origin"
    origin.mkdir()
    started(origin, "gitlab")
    work = tmp_path / "work"
    git(origin, "clone", "-q", str(origin), str(work))
    jobs = yaml.safe_load((work / ".gitlab-ci.yml").read_text())
    forge = GitLab(merge_requests={NUMBER})
    with serving(forge) as running:
        env = {
            **jobs["variables"],
            "GITLAB_CI": "true",
            "CI_API_V4_URL": running.url + BASE,
            "CI_PROJECT_ID": str(PROJECT),
            "CI_PROJECT_URL": "https://gitlab.example.com/acme/access",
            "CI_DEFAULT_BRANCH": "main",
            "CI_COMMIT_SHA": git(work, "rev-parse", "HEAD"),
            "CI_MERGE_REQUEST_IID": str(NUMBER),
            "RECONCILE_GITLAB_TOKEN": "glpat-bot",
        }

        def job(name: str, code: int = 0) -> str:
            return lines("\n".join(jobs[f"reconcile {name}"]["script"]), work, env, code)

        git(work, "push", "-q", "origin", "HEAD:refs/tags/main")
        (origin / "meanwhile").write_text("")
        tip = commit(origin, "meanwhile")
        assert "Comment created" in job("plan")
        assert json.loads((work / "plan.json").read_text())["base"]["git_commit"] == tip
        assert json.loads((work / "plan-report.json").read_text())["create"] == 15
        git(work, "reset", "-q", "--hard", env["CI_COMMIT_SHA"])
        job("planned")
        name, _, value = (work / "plan.env").read_text().strip().partition("=")
        env[name] = "0" * 64
        job("apply", code=1)
        env[name] = value
        assert "Applied: 15 added" in job("apply")
        assert "No issue is open" in job("drift")


def test_gitlab_says_that_there_is_no_plan_whatever_files_and_conflicts_a_branch_has(tmp_path: Path) -> None:
    """An older note is replaced, and neither a plan of the branch nor a link of it is taken for what the job writes."""
    origin, work, elsewhere = (tmp_path / name for name in ("origin", "work", "elsewhere"))
    origin.mkdir()
    started(origin, "gitlab")
    git(origin, "clone", "-q", str(origin), str(work))
    script = "\n".join(yaml.safe_load((work / ".gitlab-ci.yml").read_text())["reconcile plan"]["script"])
    (work / "plan.md").symlink_to(elsewhere)
    (work / "plan-report.json").write_text("forged")
    for folder in (work, origin):
        (folder / "policies/rules.yaml").write_text(f"# {folder}\n")
    git(work, "add", "-f", "plan.md", "plan-report.json")
    commit(work, "change")
    commit(origin, "meanwhile")
    forge = GitLab(merge_requests={NUMBER})
    with serving(forge) as running:
        env = {
            "CI_API_V4_URL": running.url + BASE,
            "CI_PROJECT_ID": str(PROJECT),
            "CI_PROJECT_URL": "https://gitlab.example.com/acme/access",
            "CI_DEFAULT_BRANCH": "main",
            "CI_MERGE_REQUEST_IID": str(NUMBER),
            "GITLAB_CI": "true",
            "RECONCILE_GITLAB_TOKEN": "glpat-bot",
        }
        lines(script, work, env, code=1)
    (note,) = forge.bodies(("merge_requests", NUMBER))
    assert "No plan could be made (exit code 1)" in note
    assert not elsewhere.exists()
    assert not (work / "plan-report.json").exists()


def test_a_link_of_a_branch_is_not_written_through(workflow: Workflow, forge: GitHub, tmp_path: Path) -> None:
    """A plan that went through it could become a program of the next step, which holds a token."""
    work = workflow.folder
    base = git(work, "rev-parse", "HEAD")
    (work / "plan.md").symlink_to(tmp_path / "elsewhere")
    git(work, "add", "-f", "plan.md")
    commit(work, "link")
    assert "Comment created" in workflow.job("plan", {"github.event.pull_request.base.sha": base})
    assert not (tmp_path / "elsewhere").exists()
    assert len(forge.bodies(NUMBER)) == 1
