"""Run the steps of our action as a runner of GitHub does: by what action.yml says, with files for outputs and the page."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.pull_request import git
from tests.e2e.team import team
from tests.examples import ROOT, ended
from tests.fakes.github import REPOSITORY

FOLDER = ROOT / ".github/actions/reconcile"
ACTION: dict[str, Any] = yaml.safe_load((FOLDER / "action.yml").read_text(encoding="utf-8"))
TOKEN = "ghs-workflow"
_INPUT = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")


@dataclass(frozen=True, slots=True)
class Ran:
    """How the step ended: its outputs, as action.yml names them, the page of the run, and the log."""

    outputs: Mapping[str, str]
    page: str
    log: str


@dataclass
class Runner:
    """A runner whose workspace is `folder`, a checkout of a policy; `env` is what GitHub sets."""

    folder: Path
    temp: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(self, command: str, *, code: int = 0, **inputs: str) -> Ran:
        """Run the step that runs the program, with these inputs (``plan_digest`` for plan-digest)."""
        files = {name: self.temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            path.write_text("")
        said = _step("run").copy()
        given = {name.replace("_", "-"): value for name, value in {"command": command, **inputs}.items()}
        done = bash(
            said["run"],
            self.folder,
            {
                **{name: _filled(value, given) for name, value in said["env"].items()},
                **{name: str(path) for name, path in files.items()},
                **self.env,
            },
        )
        log = done.stdout + done.stderr
        assert done.returncode == code, f"exit {done.returncode}\n{log}"
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        return Ran(dict(line.split("=", 1) for line in lines), files["GITHUB_STEP_SUMMARY"].read_text(), log)


def bash(script: str, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as a runner does, beside the action's files."""
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return ended(words, folder, {"GITHUB_ACTION_PATH": str(FOLDER), **env})


def sourced(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines that use the functions of the scripts."""
    (folder / "output").touch()
    common = {"RUNNER_TEMP": str(folder / "temp"), "GITHUB_OUTPUT": str(folder / "output")}
    return bash(f'. "$GITHUB_ACTION_PATH/common.sh"\n{script}', folder, {**common, **env})


def repository(folder: Path) -> Path:
    """Return the checkout of a team's policy, on main."""
    work = folder / "work"
    work.mkdir()
    team(work)
    (work / ".gitignore").write_text("*.db\n.reconcile/\n")
    git(work, "init", "-q", "-b", "main")
    commit(work, "first")
    return work


def commit(work: Path, message: str) -> str:
    """Commit whatever is there; return the id."""
    git(work, "add", "-A")
    git(work, "commit", "-qm", message)
    return git(work, "rev-parse", "HEAD")


def on_main(work: Path, temp: Path, url: str = "", event: str = "push") -> Runner:
    """Return the runner of a push to main, or of a schedule."""
    temp.mkdir(exist_ok=True)
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": event,
        "GITHUB_SHA": git(work, "rev-parse", "HEAD"),
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_API_URL": url,
        "RUNNER_TEMP": str(temp),
    }
    return Runner(work, temp, env)


def on_pull_request(work: Path, temp: Path, url: str) -> Runner:
    """Return the runner of pull request 7, whose branch `change` has been checked out: of the merge that GitHub makes."""
    base, head = git(work, "rev-parse", "main"), git(work, "rev-parse", "change")
    git(work, "checkout", "-q", "--detach", "main")
    git(work, "merge", "-q", "--no-ff", "-m", "merge", "change")
    runner = on_main(work, temp, url, "pull_request")
    repo = {"full_name": REPOSITORY}
    pull = {"number": 7, "base": {"sha": base, "ref": "main"}, "head": {"sha": head, "repo": repo}}
    (temp / "event.json").write_text(
        json.dumps({"pull_request": pull, "number": 7, "repository": {"default_branch": "main"}})
    )
    runner.env["GITHUB_EVENT_PATH"] = str(temp / "event.json")
    return runner


def _step(name: str) -> dict[str, Any]:
    steps: list[dict[str, Any]] = ACTION["runs"]["steps"]
    return next(step for step in steps if step.get("id") == name)


def _filled(value: str, given: Mapping[str, str]) -> str:
    """Return what an expression of action.yml stands for; a default of GitHub's is our token."""
    match = _INPUT.fullmatch(value)
    assert match, value
    default = str(ACTION["inputs"][match[1]].get("default", ""))
    return given.get(match[1], TOKEN if default == "${{ github.token }}" else default)
