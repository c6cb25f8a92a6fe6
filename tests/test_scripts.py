"""The scripts do what their first comment says, and leave the clone as it was."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples import LIVE, ROOT, environment
from tests.servers import browser, ds389, postgres, samba, slapd

SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix)


def test_the_demo_ends_in_step_and_leaves_the_clone_clean() -> None:
    """It shows a first plan, its application, a second plan without changes, and removals with their reasons."""
    before = _fingerprint()
    said = _run("scripts/demo")
    assert _fingerprint() == before
    first, _, later = said.partition("\nNo changes.")
    assert "Plan:" in first
    assert "- cbauer" in later.replace("  ", " ")
    assert "viewer -> editor" in later or "viewer → editor" in later


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_posix_shell_that_can_be_run(script: Path) -> None:
    """The shell parses it, its mode says program, and it tells its purpose first; `environment` is only ever sourced."""
    subprocess.run(["sh", "-n", script], check=True)
    lines = script.read_text(encoding="utf-8").splitlines()
    if script.name == "environment":
        assert lines[0].startswith("# Sourced by every script")
    else:
        assert os.access(script, os.X_OK)
        assert lines[0] == "#!/bin/sh"
        assert lines[1].startswith("# ")


def test_ci_and_the_workflow_run_the_same(tmp_path: Path) -> None:
    """.ci/run calls check and then test, ends at the first failure with its code, and reads no input."""
    clone = _clone_with({"check": "echo checked", "test": "cat; echo tested; exit 5"}, tmp_path)
    done = subprocess.run(
        [clone / ".ci/run"], env=_environment(), input="not read", capture_output=True, encoding="utf-8", check=False
    )
    assert done.stdout == "checked\ntested\n"
    assert done.returncode == 5
    assert "- run: .ci/run" in (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")


def test_ci_requires_the_servers_that_are_here(tmp_path: Path) -> None:
    """The scripts see the same servers as the tests; whoever calls may require more."""
    clone = _clone_with({"check": "true", "test": 'echo "$RECONCILE_REQUIRE_SERVERS"'}, tmp_path)
    done = subprocess.run(
        [clone / ".ci/run"],
        env=_environment() | {"RECONCILE_REQUIRE_SERVERS": "toaster"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    here = {
        "slapd": slapd.program() is not None,
        "postgres": postgres._newest() is not None,
        "samba": not samba.missing(),
        "ds389": not ds389.missing(),
        "browser": browser.program() is not None,
    }
    assert done.stdout.split() == ["toaster", *(name for name, found in here.items() if found)]


def test_ci_does_not_go_on_after_a_failed_check(tmp_path: Path) -> None:
    """The tests' result would hide the check's."""
    clone = _clone_with({"check": "exit 3", "test": "echo tested"}, tmp_path)
    done = subprocess.run([clone / ".ci/run"], env=_environment(), capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (3, "")


def test_the_test_script_passes_arguments_and_the_exit_code_on(tmp_path: Path) -> None:
    """No test found is pytest's exit code 5, and no success."""
    (tmp_path / "test_nothing.py").write_text('"""Empty."""\n', encoding="utf-8")
    done = subprocess.run(
        ["scripts/test", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=ROOT,
        env=_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 5, done.stderr
    assert "no tests ran" in done.stdout.splitlines()[-1]


def _clone_with(scripts: dict[str, str], folder: Path) -> Path:
    for name in (".ci", "scripts"):
        shutil.copytree(ROOT / name, folder / name)
    for name, body in scripts.items():
        (folder / "scripts" / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    return folder


def _environment() -> dict[str, str]:
    return environment(RECONCILE_VENV=sys.prefix)


def _run(script: str) -> str:
    done = subprocess.run(
        [ROOT / script],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def _fingerprint() -> dict[str, str]:
    """Return a digest of everything in the clone that a demo could touch by mistake."""
    kept = shutil.ignore_patterns(*LIVE, "__pycache__")
    files = [path for folder in ("policies", "schemas", "scripts", "docs") for path in (ROOT / folder).rglob("*")]
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and not kept("", [path.name])
    }
