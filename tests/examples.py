"""Run the command line as a person would, on a scratch copy of the examples; never on the clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(folder for folder in (ROOT / "policies").iterdir() if folder.is_dir())
TODAY = "2026-11-20"
NOON = "1795176000"  # that day at 12:00 UTC
LIVE = ("*.db", "*.db-*", ".reconcile")  # what a run leaves beside a policy


def scratch_copy(folder: Path) -> Path:
    """Return a folder that looks like a clone to the examples: policies/ and schemas/ as they are here."""
    for name in ("policies", "schemas"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*LIVE))
    return folder


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a run whose output does not depend on where and when it happens."""
    bin_folder = str(Path(sys.executable).parent)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RECONCILE_", "GIT_"))}
    path = bin_folder + os.pathsep + os.environ["PATH"]
    fixed = {"RECONCILE_NOW": NOON, "COLUMNS": "80", "NO_COLOR": "1", "TZ": "Pacific/Auckland"}
    return {**kept, **fixed, "PATH": path, "GIT_CEILING_DIRECTORIES": os.sep, **more}


def unwatched() -> dict[str, str]:
    """Return our environment without what makes coverage follow a process: it imports sqlite3 itself."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


def reconcile(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run `reconcile` and insist on its exit code; the assertion shows what it said."""
    return insisted(ended(["reconcile", *arguments], cwd, env or {}), code)


def ended(words: Sequence[str], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program in that environment, without anything to read, and return how it ended and what it said."""
    return subprocess.run(
        words,
        cwd=cwd,
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def insisted(done: subprocess.CompletedProcess[str], code: int) -> subprocess.CompletedProcess[str]:
    """Return what was run, once it is sure that it ended with that exit code."""
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
