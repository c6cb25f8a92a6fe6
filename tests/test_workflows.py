"""Hold the workflows to pinned actions, least permissions and no expression in a shell step; run none of them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).resolve().parent.parent / ".github"
WORKFLOWS = sorted((HERE / "workflows").glob("*.yml"))
PINNED = re.compile(r"\./.*|[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def faults(workflow: dict[str, Any]) -> list[str]:
    """Say what is wrong with a workflow, each as a word and what it was found in; empty when all is well."""
    found = [] if "permissions" in workflow else ["permissions"]
    for job in workflow["jobs"].values():
        for step in [job, *job.get("steps", [])]:
            if "uses" in step and not PINNED.fullmatch(step["uses"]):
                found.append(f"uses {step['uses']}")
            if "${{" in step.get("run", ""):
                found.append(f"run {step['run']}")
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_pinned_and_takes_no_expression_into_a_shell(path: Path) -> None:
    """Every action is named by commit, permissions are set, and no shell step holds an expression."""
    assert faults(yaml.safe_load(path.read_text(encoding="utf-8"))) == []


def test_faults_are_found() -> None:
    """A tag for a commit, an expression in a shell step and missing permissions are each said."""
    steps = [{"uses": "actions/checkout@v5"}, {"run": "echo ${{ github.head_ref }}"}]
    assert faults({"jobs": {"a": {"steps": steps}}}) == [
        "permissions",
        "uses actions/checkout@v5",
        "run echo ${{ github.head_ref }}",
    ]
