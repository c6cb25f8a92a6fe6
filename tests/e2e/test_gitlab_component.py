"""The GitLab component: its lines run as a runner would run them, against a GitLab of our own; the rest is held by its form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.action import commit, repository
from tests.e2e.pull_request import git
from tests.e2e.team import edit
from tests.examples import ROOT, ended, insisted, reconcile
from tests.fakes.forge_server import serving
from tests.fakes.gitlab_notes import BASE, PROJECT, GitLab

FILE = ROOT / "templates/reconcile.yml"
HEADER, _, BODY = FILE.read_text(encoding="utf-8").partition("\n---\n")
INPUTS: dict[str, Any] = yaml.safe_load(HEADER)["spec"]["inputs"]
_USED = re.compile(r"\$\[\[ inputs\.([a-z-]+) \]\]")


def component(**given: str) -> dict[str, Any]:
    """Return the jobs, with inputs filled in as GitLab does it: in the text."""
    values = {
        name: given.get(name, str(said.get("default", "")).lower() if said.get("type") else said.get("default", ""))
        for name, said in INPUTS.items()
    }
    found = yaml.safe_load(_USED.sub(lambda match: str(values[match[1]]), BODY))
    assert isinstance(found, dict)
    return found


JOBS = {name: job for name, job in component(image="tools/reconcile@sha256:0").items() if not name.startswith(".")}


@dataclass
class Pipeline:
    """A pipeline in a checkout; `env` is what GitLab sets, and what a dotenv report of a job has added."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def job(self, name: str, code: int = 0, env: Mapping[str, str] | None = None) -> str:
        """Run the lines of a job one after the other, and return its log."""
        variables = {key: str(value) for key, value in component()[".reconcile"]["variables"].items()}
        script = "\n".join(JOBS[f"reconcile:{name}"]["script"])
        given = {**variables, **self.env, **(env or {})}
        done = insisted(ended(["bash", "-eo", "pipefail", "-c", script], self.folder, given), code)
        return done.stdout + done.stderr


@pytest.fixture
def forge() -> GitLab:
    """Return a project with one merge request."""
    return GitLab(merge_requests={7})


@pytest.fixture
def pipeline(forge: GitLab, tmp_path: Path) -> Iterator[Pipeline]:
    """Return a pipeline in a clone of a project, on a branch for a change."""
    origin = repository(tmp_path)
    git(origin, "clone", "-q", str(origin), str(tmp_path / "clone"))
    work = tmp_path / "clone"
    git(work, "checkout", "-q", "-b", "change")
    with serving(forge) as running:
        env = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": running.url + BASE,
            "CI_PROJECT_ID": str(PROJECT),
            "CI_PROJECT_URL": "https://gitlab.example.com/acme/access",
            "CI_DEFAULT_BRANCH": "main",
            "RECONCILE_GITLAB_TOKEN": "glpat-bot",
        }
        yield Pipeline(work, env)


def test_a_merge_request_gets_one_note_and_numbers_for_its_widget(
    pipeline: Pipeline, forge: GitLab, tmp_path: Path
) -> None:
    """The branch is merged into what is on the default branch by now, whose commit is the base; a failure is noted, too."""
    work = pipeline.folder
    edit(
        work,
        "policy.yaml",
        "{cn: leads, access: owner}",
        "{cn: leads, access: owner}\n      - {cn: leads, access: viewer}",
    )
    commit(work, "change")
    (tmp_path / "work/README").write_text("meanwhile")
    tip = commit(tmp_path / "work", "meanwhile")

    pipeline.job("validate")
    assert json.loads((work / "gl-code-quality-report.json").read_text())
    pipeline.job("test")
    assert "<testsuite" in (work / "reconcile-tests.xml").read_text()
    pipeline.job("plan", env={"CI_MERGE_REQUEST_IID": "7"})
    assert json.loads((work / "plan.json").read_text())["base"]["git_commit"] == tip
    assert json.loads((work / "plan-numbers.json").read_text()) == {"create": 7, "update": 0, "delete": 0}
    assert (work / "plan.html").stat().st_size
    (note,) = forge.bodies(("merge_requests", 7))
    assert note.startswith("<!-- reconcile:plan -->\n")

    (work / "plan.json").unlink()
    edit(work, "policy.yaml", "access: owner", "acess: owner")
    commit(work, "broken")
    pipeline.job("validate", 3)
    assert (
        json.loads((work / "gl-code-quality-report.json").read_text())[0]["location"]["path"] == "policies/policy.yaml"
    )
    pipeline.job("plan", 3, {"CI_MERGE_REQUEST_IID": "7"})
    (note,) = forge.bodies(("merge_requests", 7))
    assert "No plan could be made (exit code 3)" in note


def test_a_tag_or_a_branch_that_is_called_as_the_base_is_not_the_base(pipeline: Pipeline, tmp_path: Path) -> None:
    """Whoever can push a branch can push a tag ``origin/main`` or ``main`` as well, with connections of their own."""
    work, origin = pipeline.folder, tmp_path / "work"
    tip = git(origin, "rev-parse", "refs/heads/main")
    edit(work, "policy.yaml", "access: owner", "access: viewer")
    own = commit(work, "own")
    for name in ("refs/tags/origin/main", "refs/tags/main", "refs/heads/origin/main"):
        git(work, "push", "-q", "origin", f"{own}:{name}")
    git(work, "fetch", "-q", "--tags", "origin")
    pipeline.job("plan", env={"CI_MERGE_REQUEST_IID": "7"})
    assert json.loads((work / "plan.json").read_text())["base"]["git_commit"] == tip


def test_files_of_a_branch_are_not_taken_for_what_the_job_writes(
    pipeline: Pipeline, forge: GitLab, tmp_path: Path
) -> None:
    """Neither for a plan that could not be made, nor as links to write elsewhere; the note says that there is none."""
    work = pipeline.folder
    pipeline.job("plan", env={"CI_MERGE_REQUEST_IID": "7"})
    for name in ("plan.html", "plan-numbers.json"):
        (work / name).write_text("forged")
    (work / "plan.md").unlink()
    (work / "plan.md").symlink_to(tmp_path / "elsewhere")
    edit(work, "policy.yaml", "access: owner", "acess: owner")
    git(work, "add", "-f", "plan.json", "plan.html", "plan.md", "plan-numbers.json")
    commit(work, "broken")
    pipeline.job("plan", 3, {"CI_MERGE_REQUEST_IID": "7"})
    (note,) = forge.bodies(("merge_requests", 7))
    assert "No plan could be made (exit code 3)" in note
    assert sorted(path.name for path in work.glob("plan*")) == ["plan.md"]
    assert not (tmp_path / "elsewhere").exists()


def test_a_branch_that_cannot_be_merged_does_not_leave_an_older_plan_in_the_note(
    pipeline: Pipeline, forge: GitLab, tmp_path: Path
) -> None:
    """The job fails, and the note says that there is no plan."""
    work = pipeline.folder
    pipeline.job("plan", env={"CI_MERGE_REQUEST_IID": "7"})
    for folder, word in ((work, "viewer"), (tmp_path / "work", "nobody")):
        edit(folder, "policy.yaml", "access: owner", f"access: {word}")
        commit(folder, word)
    pipeline.job("plan", 1, {"CI_MERGE_REQUEST_IID": "7"})
    (note,) = forge.bodies(("merge_requests", 7))
    assert "No plan could be made (exit code 1)" in note


def test_exactly_the_plan_of_the_pipeline_is_applied(pipeline: Pipeline) -> None:
    """Its digest goes from job to job beside it, and the commit has to be the pipeline's."""
    work = pipeline.folder
    key = {"RECONCILE_PLAN_KEY": "long-enough-key-of-the-pipeline"}
    pipeline.job("plan-merged", env=key)
    name, _, digest = (work / "plan.env").read_text().strip().partition("=")
    fine = {**key, "CI_COMMIT_SHA": git(work, "rev-parse", "HEAD"), name: digest}
    assert "FAILED" in pipeline.job("apply", 1, {**fine, name: "0" * 64})
    assert "--commit" in pipeline.job("apply", 8, {**fine, "CI_COMMIT_SHA": "0" * 40})
    assert "Applied: 7 added" in pipeline.job("apply", env=fine)


def test_one_issue_is_open_as_long_as_there_is_drift(pipeline: Pipeline, forge: GitLab) -> None:
    """It is opened, and closed by the run that finds nothing; without a token the plan is an artifact alone."""
    pipeline.job("drift")
    assert [(issue.title, issue.state) for issue in forge.issues] == [("Access is not as the policy says", "opened")]
    reconcile("apply", "--auto-approve", cwd=pipeline.folder)
    pipeline.job("drift")
    assert forge.issues[0].state == "closed"
    pipeline.job("drift", env={"RECONCILE_GITLAB_TOKEN": ""})
    assert "No changes." in (pipeline.folder / "plan.md").read_text()


def test_every_input_is_used_and_none_reaches_a_line_that_a_shell_reads() -> None:
    """An input is text in the file; in a script it would be code."""
    assert set(_USED.findall(BODY)) == set(INPUTS)
    assert {name for name, said in INPUTS.items() if "default" not in said} == {"image"}
    raw = yaml.safe_load(BODY)
    lines = [line for job in raw.values() for line in job.get("script", [])]
    assert lines
    assert [line for line in lines if "[[ inputs" in line] == []
    assert [line for line in lines if not isinstance(line, str)] == []


def test_credentials_of_an_environment_are_only_where_connections_are_trusted() -> None:
    """Neither a fork nor another target branch is planned; jobs that follow the connections of a branch have no environment."""
    (rule,) = JOBS["reconcile:plan"]["rules"]
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_PATH == $CI_PROJECT_PATH" in rule["if"]
    assert "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME == $CI_DEFAULT_BRANCH" in rule["if"]
    for name, job in JOBS.items():
        requests = any("merge_request_event" in rule["if"] for rule in job["rules"])
        assert not (requests and "environment" in job) or any('--base="$base"' in line for line in job["script"]), name
        assert all(
            "$CI_DEFAULT_BRANCH" in rule["if"] or "merge_request_event" in rule["if"] for rule in job["rules"]
        ), name


def test_only_one_job_writes_and_it_waits_for_a_person() -> None:
    """It is started by hand, in an environment of its own, one at a time, and is not cancelled by a newer pipeline."""
    writing = [name for name, job in JOBS.items() if any("reconcile apply" in line for line in job["script"])]
    assert writing == ["reconcile:apply"]
    apply = JOBS["reconcile:apply"]
    assert {rule.get("when") for rule in apply["rules"]} == {"manual"}
    assert apply["resource_group"] == apply["environment"]["name"] == "access"
    assert apply["interruptible"] is False
    assert set(apply["needs"]) <= JOBS.keys()
    others = {job["environment"]["name"] for name, job in JOBS.items() if "environment" in job and name not in writing}
    assert others == {"access-plan"}


def test_plans_are_for_those_who_may_read_the_code() -> None:
    """They hold names of people: artifacts of plans are neither public nor for guests, and do not stay."""
    for job in JOBS.values():
        artifacts: Mapping[str, Any] = job.get("artifacts", {})
        if "paths" in artifacts:
            assert (artifacts["access"], artifacts["expire_in"]) == ("developer", "7 days")
