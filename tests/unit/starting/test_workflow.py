"""The pipelines that `reconcile init` writes are held to what our own are held to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from reconciler.starting.workflow import Pipeline, filled_in, github, gitlab, is_action, is_variable
from tests.examples import ROOT
from tests.test_workflows import faults

ACTION = f"example/reconcile/.github/actions/reconcile@{'0' * 40}"
PLAIN = Pipeline("policies", "1.2.3")
PIPELINES = [
    PLAIN,
    replace(PLAIN, secrets=("LDAP_PASSWORD", "GITLAB_TOKEN"), package="git+https://git.example.com/r@1"),
    replace(PLAIN, offline=True, policy='a "folder": # here'),
    replace(PLAIN, action=ACTION),
    replace(PLAIN, action=ACTION, secrets=("LDAP_PASSWORD",)),
]
each_pipeline = pytest.mark.parametrize("pipeline", PIPELINES, ids=str)


@each_pipeline
def test_a_workflow_is_pinned_and_takes_no_expression_into_a_shell(pipeline: Pipeline) -> None:
    """No right is given to all jobs, no marker is left, and every job says how long it may take."""
    text = github(pipeline)
    workflow = yaml.safe_load(text)
    assert faults(workflow) == []
    assert workflow["permissions"] == {}
    assert "@@" not in text
    assert not any(line.endswith(" ") for line in text.splitlines())
    jobs = workflow["jobs"].values()
    assert all("permissions" in job and ("uses" in job or "timeout-minutes" in job) for job in jobs)


@each_pipeline
def test_secrets_reach_only_jobs_that_a_fork_does_not_start(pipeline: Pipeline) -> None:
    """They stand in the step that needs them, in jobs with an environment; a pull request's job looks where it is from."""
    workflow = yaml.safe_load(github(pipeline))
    assert "secrets." not in str({key: value for key, value in workflow.items() if key != "jobs"})
    for job in () if pipeline.action else workflow["jobs"].values():
        given = [name for step in job["steps"] for name, value in step.get("env", {}).items() if "secrets." in value]
        if "environment" not in job:
            assert not given
        else:
            assert given == list(pipeline.secrets)
            assert "pull_request" not in job["if"] or "head.repo.full_name == github.repository" in job["if"]


@each_pipeline
def test_a_workflow_names_the_policy_the_version_and_the_package_as_they_are(pipeline: Pipeline) -> None:
    """Whatever characters are in them."""
    workflow = yaml.safe_load(github(pipeline))
    if pipeline.action:
        assert {job["with"]["policy"] for job in workflow["jobs"].values()} == {pipeline.policy}
        return
    assert workflow["env"] == {
        "RECONCILE_POLICY": pipeline.policy,
        "RECONCILE_PACKAGE": pipeline.package,
        "RECONCILE_VERSION": pipeline.version,
    }
    tests = [step for step in workflow["jobs"]["validate"]["steps"] if step.get("run") == "reconcile test"]
    assert bool(tests) == pipeline.offline


@pytest.mark.parametrize("action", [ACTION, f"example/reconcile@{'0' * 40}"])
def test_a_workflow_calls_those_of_this_project_as_they_want_to_be_called(action: str) -> None:
    """By the same commit, with inputs and secrets that they have."""
    jobs = yaml.safe_load(github(replace(PLAIN, action=action)))["jobs"]
    assert list(jobs) == ["plan", "apply", "drift"]
    assert jobs["plan"]["with"]["needs-credentials"] is False
    for name, job in jobs.items():
        file = f".github/workflows/reconcile-{name}.yml"
        assert job["uses"] == f"example/reconcile/{file}@{'0' * 40}"
        if (ROOT / file).exists():
            called = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))[True][
                "workflow_call"
            ]  # "on" is true in YAML
            assert job["with"].keys() <= called["inputs"].keys()
            assert job["secrets"].keys() <= called["secrets"].keys()


def test_an_apply_is_never_cut_short_and_waits_for_its_turn() -> None:
    """One group for all runs, not cancelled."""
    job: dict[str, Any] = yaml.safe_load(github(PLAIN))["jobs"]["apply"]
    assert job["concurrency"] == {"group": "reconcile-apply", "cancel-in-progress": False}


def test_what_is_applied_is_the_plan_that_could_be_read_before_the_approval() -> None:
    """It is made in a job without reviewers, and the job with them takes that very file, by its digest and commit."""
    jobs: dict[str, Any] = yaml.safe_load(github(PLAIN))["jobs"]
    assert (jobs["planned"]["environment"], jobs["apply"]["environment"]) == ("reconcile-plan", "reconcile-apply")
    assert jobs["apply"]["needs"] == "planned"
    last = jobs["apply"]["steps"][-1]
    assert last["run"].splitlines() == [
        'echo "$DIGEST  plan.json" | sha256sum --check',
        'reconcile apply plan.json --commit "$GITHUB_SHA"',
    ]
    assert last["env"]["DIGEST"] == "${{ needs.planned.outputs.digest }}"
    assert jobs["planned"]["outputs"]["digest"] == "${{ steps.plan.outputs.digest }}"
    assert not any("reconcile plan" in step.get("run", "") for step in jobs["apply"]["steps"])
    applied = yaml.safe_load(gitlab(PLAIN))["reconcile apply"]
    assert applied["needs"] == ["reconcile planned"]
    assert applied["script"] == [
        "printf '%s  plan.json\\n' \"$RECONCILE_PLAN_DIGEST\" | sha256sum -c -",
        'reconcile apply plan.json --commit "$CI_COMMIT_SHA"',
    ]


def test_only_what_comments_may_write_comments() -> None:
    """One right each, and the token only in the step that writes."""
    jobs: dict[str, Any] = yaml.safe_load(github(PLAIN))["jobs"]
    assert {name: set(job["permissions"]) - {"contents"} for name, job in jobs.items()} == {
        "validate": set(),
        "plan": {"pull-requests"},
        "planned": set(),
        "apply": set(),
        "drift": {"issues"},
    }
    for job in jobs.values():
        for step in job["steps"]:
            assert ("GITHUB_TOKEN" in step.get("env", {})) == ("reconcile comment" in step.get("run", ""))


@each_pipeline
def test_a_pipeline_for_gitlab_applies_by_hand_and_one_at_a_time(pipeline: Pipeline) -> None:
    """It holds no secret's name but in a comment, and plans beside the target branch."""
    text = gitlab(pipeline)
    jobs = yaml.safe_load(text)
    assert "@@" not in text
    assert jobs["variables"]["RECONCILE_POLICY"] == pipeline.policy
    assert jobs["reconcile apply"]["resource_group"] == "reconcile-apply"
    assert jobs["reconcile apply"]["rules"][0]["when"] == "manual"
    assert 'git fetch --quiet origin "refs/heads/$CI_DEFAULT_BRANCH"' in jobs["reconcile plan"]["script"]
    assert any('reconcile plan --base "$base" --out plan.json' in line for line in jobs["reconcile plan"]["script"])
    assert ("reconcile test" in jobs["reconcile validate"]["script"]) == pipeline.offline


def test_a_value_is_never_taken_for_a_marker() -> None:
    """What is filled in is not looked at again; a line that is only an empty marker goes."""
    assert filled_in("a @@A@@\n@@B@@\n@@A@@", {"A": "@@B@@", "B": ""}) == "a @@B@@\n@@B@@"


def test_an_action_is_named_by_its_commit() -> None:
    """Tags and branches can be moved."""
    assert is_action(ACTION)
    assert not any(
        map(
            is_action,
            ("a/b@v1", "a/b@main", f"a@{'0' * 40}", f"a/b@{'0' * 40}\n", f"./a/b@{'0' * 39}", f"a/b/c@{'0' * 40}"),
        )
    )


def test_a_secret_is_named_as_variables_are() -> None:
    """Anything else, such as the password itself, is none."""
    assert [is_variable(text) for text in ("LDAP_PASSWORD", "hunter-2", "", "1A")] == [True, False, False, False]


@each_pipeline
def test_nothing_of_a_branch_is_run_or_handed_a_credential(pipeline: Pipeline) -> None:
    """No module of the checkout is pip, no schedule of another branch reads, and the policy's tests see no token."""
    text = gitlab(pipeline)
    for line in (github(pipeline) + text).splitlines():
        assert "python -m" not in line
    jobs = yaml.safe_load(text)
    for name, job in jobs.items():
        for rule in job.get("rules", ()) if isinstance(job, dict) else ():
            assert "$CI_DEFAULT_BRANCH" in rule["if"] or "environment" not in job, name
    script = jobs["reconcile validate"]["script"]
    if pipeline.offline:
        assert script[-1] == "reconcile test"
        assert script[-2].startswith("unset CI_JOB_TOKEN")
        assert "RECONCILE_GITLAB_TOKEN" in script[-2]
