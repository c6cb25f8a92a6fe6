"""Hold workflows and the action to pinned actions, least permissions and no expression in a shell step; run none of them."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.examples import ROOT, reconcile

HERE = ROOT / ".github"
WORKFLOWS = sorted((HERE / "workflows").glob("*.yml"))
REUSABLE = [path for path in WORKFLOWS if path.name.startswith("reconcile-")]
ACTION = HERE / "actions/reconcile/action.yml"
PINNED = re.compile(r"\$/.*|[\w.-]+/[\w./-]+@[0-9a-f]{40}")
CHECKOUT = "actions/checkout@"
WRITES = {"reconcile-plan.yml": {"pull-requests"}, "reconcile-drift.yml": {"issues"}}


PAGE = ROOT / "docs/ci.md"
_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(path: Path) -> dict[str, Any]:
    """Return what a file says; YAML 1.1 reads `on` as true."""
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(said, dict)
    return {"on" if key is True else key: value for key, value in said.items()}


def on_page() -> list[dict[str, Any]]:
    """Return what the YAML on the page about pipelines says."""
    found = [yaml.safe_load(block) for block in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    return [{"on" if key is True else key: value for key, value in block.items()} for block in found]


def faults(workflow: dict[str, Any]) -> list[str]:
    """Say what is wrong with a workflow, each as a word and what it was found in; empty when all is well."""
    found = [] if "permissions" in workflow else ["permissions"]
    for job in workflow["jobs"].values():
        if job.get("secrets") == "inherit":
            found.append("secrets inherit")
        for step in [job, *job.get("steps", [])]:
            found += step_faults(step)
    return found


def step_faults(step: dict[str, Any]) -> list[str]:
    """Say what is wrong with a step, or with a job as a whole."""
    used = step.get("uses", "")
    found = [f"uses {used}"] if used and not PINNED.fullmatch(used) else []
    if used.startswith(CHECKOUT) and step.get("with", {}).get("persist-credentials") is not False:
        found.append("checkout keeps credentials")
    if "${{" in step.get("run", ""):
        found.append(f"run {step['run']}")
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_pinned_and_takes_no_expression_into_a_shell(path: Path) -> None:
    """Every action is named by commit, permissions are set, no checkout keeps a token, and no shell step holds an expression."""
    assert faults(read(path)) == []


def test_faults_are_found() -> None:
    """A tag for a commit, an expression in a shell step, a token kept, secrets as a whole and missing permissions are said."""
    pin = CHECKOUT + "0" * 40
    steps = [{"uses": "actions/checkout@v5"}, {"run": "echo ${{ github.head_ref }}"}, {"uses": pin}]
    assert faults(
        {
            "jobs": {
                "a": {"steps": steps},
                "b": {"uses": f"o/r/.github/workflows/x.yml@{'0' * 40}", "secrets": "inherit"},
            }
        }
    ) == [
        "permissions",
        "uses actions/checkout@v5",
        "checkout keeps credentials",
        "run echo ${{ github.head_ref }}",
        "checkout keeps credentials",
        "secrets inherit",
    ]


def test_the_action_takes_no_expression_into_a_shell_and_uses_every_input() -> None:
    """Each step is one script of the folder, each input reaches one by its environment, and scripts read nothing else."""
    action = read(ACTION)
    steps = action["runs"]["steps"]
    assert [fault for step in steps for fault in step_faults(step)] == []
    passed = {name: value for step in steps for name, value in step["env"].items()}
    assert set(passed.values()) == {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}
    assert all(f"IN_{value[11:-3].upper().replace('-', '_')}" == name for name, value in passed.items())
    for step in steps:
        script = re.fullmatch(r'bash "\$GITHUB_ACTION_PATH/([a-z]+\.sh)"', step["run"])
        assert script
        assert (ACTION.parent / script[1]).is_file()
    text = "".join(path.read_text(encoding="utf-8") for path in ACTION.parent.glob("*.sh"))
    assert set(re.findall(r"\bIN_[A-Z_]+", text)) - {"IN_"} == set(passed)


def test_every_output_of_the_action_is_written_by_a_script() -> None:
    """None is promised that stays empty for ever."""
    text = "".join(path.read_text(encoding="utf-8") for path in ACTION.parent.glob("*.*") if path != ACTION)
    for name, output in read(ACTION)["outputs"].items():
        assert output["value"] == f"${{{{ steps.run.outputs.{name} }}}}"
        assert re.search(rf'(output|yield "?) ?"?{name}\b', text)


@pytest.mark.parametrize("path", REUSABLE, ids=lambda path: path.name)
def test_a_reusable_workflow_is_no_other_and_writes_only_what_it_must(path: Path) -> None:
    """It is only called; nothing is allowed but by a job, each job reads, and writes at most the one thing of its purpose."""
    workflow = read(path)
    assert set(workflow["on"]) == {"workflow_call"}
    assert workflow["permissions"] == {}
    writes = set()
    for job in workflow["jobs"].values():
        assert job["permissions"]["contents"] == "read"
        writes |= {name for name, right in job["permissions"].items() if right == "write"}
        assert "timeout-minutes" in job
    assert writes == WRITES.get(path.name, set())


def test_a_failed_check_leaves_no_older_plan_standing() -> None:
    """The job that comments runs all the same; it says that the policy is not valid."""
    job = read(HERE / "workflows/reconcile-plan.yml")["jobs"]["plan"]
    assert job["needs"] == "check"
    assert job["if"].startswith("!cancelled() && ")


@pytest.mark.parametrize("path", REUSABLE, ids=lambda path: path.name)
def test_a_reusable_workflow_uses_every_input_and_secret_and_gives_the_action_what_it_knows(path: Path) -> None:
    """No input is without effect, no secret comes unnamed, and every input that is passed on is one of the action."""
    workflow, text = read(path), path.read_text(encoding="utf-8")
    call = workflow["on"]["workflow_call"]
    assert set(re.findall(r"\binputs\.([a-z-]+)", text)) == set(call["inputs"])
    assert set(re.findall(r"\bsecrets\.([a-z_]+)", text)) == set(call["secrets"])
    known = set(read(ACTION)["inputs"])
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    ours = [step for step in steps if step.get("uses", "").startswith("$/")]
    assert len(ours) == len(workflow["jobs"])
    for step in ours:
        assert set(step["with"]) <= known


def test_credentials_reach_only_the_jobs_that_plan_or_apply() -> None:
    """The job that runs for forks is handed none, and no token that writes."""
    check = read(HERE / "workflows/reconcile-plan.yml")["jobs"]["check"]
    handed = [str(step.get("with", "")) for step in check["steps"]]
    assert not any("secrets" in text for text in handed)
    assert check["permissions"] == {"contents": "read"}
    plan = read(HERE / "workflows/reconcile-plan.yml")["jobs"]["plan"]
    assert "github.event.pull_request.head.repo.full_name == github.repository &&" in plan["if"]
    assert "github.event.pull_request.base.ref == github.event.repository.default_branch &&" in plan["if"]


def test_what_is_applied_is_the_artifact_of_the_plan_by_digest_and_commit_after_an_approval() -> None:
    """The job that has the right to write waits in an environment, one at a time, and none is cancelled at work."""
    jobs = read(HERE / "workflows/reconcile-apply.yml")["jobs"]
    apply = jobs["apply"]
    assert apply["environment"] == "${{ inputs.environment }}"
    assert apply["concurrency"]["cancel-in-progress"] is False
    given = apply["steps"][-1]["with"]
    assert given["plan-digest"] == "${{ needs.plan.outputs.plan_digest }}"
    assert given["commit"] == "${{ github.sha }}"
    assert "reconcile_credentials" not in str(jobs["plan"])
    assert "reconcile_plan_credentials" not in str(apply)


@pytest.mark.parametrize(
    ("name", "fine"),
    [
        ("reconcile-plan.yml", [("pull_request", "refs/pull/7/merge")]),
        ("reconcile-apply.yml", [("push", "refs/heads/main"), ("workflow_dispatch", "refs/heads/main")]),
        ("reconcile-drift.yml", [("schedule", ""), ("workflow_dispatch", "refs/heads/main")]),
    ],
)
def test_a_reusable_workflow_refuses_other_events_before_anything_else(name: str, fine: list[tuple[str, str]]) -> None:
    """pull_request_target is for none of them, and another branch can neither apply nor look for drift."""
    events = {*fine, ("pull_request_target", "refs/heads/main"), ("push", "refs/heads/x"), ("workflow_dispatch", "x")}
    for job in read(HERE / "workflows" / name)["jobs"].values():
        step = job["steps"][0]
        assert step["shell"] == "bash"
        allowed = {
            (event, ref)
            for event, ref in events
            if not subprocess.run(
                ["bash", "-euo", "pipefail", "-c", step["run"]],
                env={
                    "GITHUB_EVENT_NAME": event,
                    "GITHUB_REF": ref,
                    "DEFAULT": "refs/heads/main",
                    "PATH": "/usr/bin:/bin",
                },
                capture_output=True,
                check=False,
            ).returncode
        }
        assert allowed == set(fine)


def called_by(callers: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the secrets that each reusable workflow is handed; its callers give known inputs, and the rights it needs."""
    assert [fault for caller in callers for fault in faults(caller)] == []
    handed: dict[str, set[str]] = {}
    for job in (job for caller in callers for job in caller["jobs"].values() if "uses" in job):
        name = Path(job["uses"].partition("@")[0]).name
        workflow = read(HERE / "workflows" / name)
        assert set(job["with"]) <= set(workflow["on"]["workflow_call"]["inputs"])
        needed: dict[str, str] = {}
        for each in workflow["jobs"].values():
            needed |= each["permissions"]
        assert job["permissions"] == needed
        handed[name] = set(job["secrets"])
    return handed


def test_the_callers_on_the_page_are_sound_and_give_what_is_asked_for() -> None:
    """Each is held to what our own are held to, and hands every secret on by its name."""
    handed = called_by([block for block in on_page() if "jobs" in block])
    assert handed == {path.name: set(read(path)["on"]["workflow_call"]["secrets"]) for path in REUSABLE}


def test_the_caller_that_init_writes_is_sound_and_gives_what_is_asked_for(tmp_path: Path) -> None:
    """The same, without the key that is optional."""
    action = f"acme/reconcile/.github/actions/reconcile@{'0' * 40}"
    reconcile("init", "--action", action, cwd=tmp_path)
    handed = called_by([read(tmp_path / ".github/workflows/reconcile.yml")])
    wanted = {path.name: set(read(path)["on"]["workflow_call"]["secrets"]) for path in REUSABLE}
    assert handed == {name: secrets - {"reconcile_plan_key"} for name, secrets in wanted.items()}


def test_the_page_names_every_output_of_the_action_and_every_job_of_the_component() -> None:
    """And for the component only inputs that it has, every one without a default among them."""
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in read(ACTION)["outputs"] if f"| `{name}` |" not in text] == []
    header, _, body = (ROOT / "templates/reconcile.yml").read_text(encoding="utf-8").partition("\n---\n")
    assert [
        job for job in re.findall(r"^(reconcile:[a-z-]+):$", body, re.MULTILINE) if f"| `{job}` |" not in text
    ] == []
    inputs = yaml.safe_load(header)["spec"]["inputs"]
    (include,) = (block["include"][0] for block in on_page() if "include" in block)
    assert {name for name, said in inputs.items() if "default" not in said} <= set(include["inputs"]) <= set(inputs)


def test_zizmor_finds_nothing() -> None:
    """The auditor of workflows, offline, on workflows and action."""
    program = Path(sys.executable).parent / "zizmor"
    done = subprocess.run(
        [program, "--offline", "--no-progress", "--color=never", HERE],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
