"""Which commit a policy folder stands at."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.cli.git import head_commit, repository_of
from reconciler.errors import UsageError


@pytest.fixture(autouse=True)
def _own_repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at no repository outside the scratch folder, and at nobody's git settings."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.com")


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_commit_of_the_folders_repository_is_found(tmp_path: Path) -> None:
    """The full id, also from a folder below the root."""
    (tmp_path / "policies").mkdir()
    git(tmp_path, "init", "-q")
    assert head_commit(str(tmp_path / "policies")) == ""
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    assert head_commit(str(tmp_path / "policies")) == git(tmp_path, "rev-parse", "HEAD")


@pytest.mark.parametrize("folder", ["", "missing", "-x"])
def test_no_repository_is_no_commit(folder: str, tmp_path: Path) -> None:
    """A policy outside git is as good as any."""
    assert head_commit(str(tmp_path / folder)) == ""


def test_no_git_is_no_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Git is not needed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert head_commit(str(tmp_path)) == ""


def fake_git(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "git"
    program.write_text(f"#!{shutil.which('sh')}\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("script", ["exit 1", "echo HEAD", "printf '\\033[2J'"])
def test_answer_that_is_no_commit_is_not_taken_for_one(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends up in plans is a commit id or nothing."""
    fake_git(tmp_path, script, monkeypatch)
    assert head_commit(str(tmp_path)) == ""


def test_git_that_hangs_does_not_hold_up_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its seconds, and then the plan goes on without a commit."""
    monkeypatch.setattr("reconciler.cli.git._TIMEOUT", 0.2)
    fake_git(tmp_path, "exec sleep 30", monkeypatch)
    assert head_commit(str(tmp_path)) == ""


def test_a_folder_without_a_repository_is_told_another_way(tmp_path: Path) -> None:
    """A base can be a folder, too."""
    with pytest.raises(UsageError, match=r"not a git repository.*\. Use --base-policy DIR instead\."):
        repository_of(str(tmp_path))


def test_a_repository_without_commits_says_so(tmp_path: Path) -> None:
    """Fetching would bring nothing."""
    git(tmp_path, "init", "-q")
    with pytest.raises(UsageError, match=r'no commit "main" here, nor any other: commit the policy first'):
        repository_of(str(tmp_path)).commit("main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    with pytest.raises(UsageError, match=r'no commit "nowhere" here\. Is it fetched\?'):
        repository_of(str(tmp_path)).commit("nowhere")
