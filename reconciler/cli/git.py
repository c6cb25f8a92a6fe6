"""Ask git which commit a policy folder stands at; never changes anything and never fails a run."""

from __future__ import annotations

import re
import shutil
import subprocess

_TIMEOUT = 5  # seconds
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def head_commit(folder: str) -> str:
    """Return the full commit id of the folder's HEAD, empty where there is no git, no repository or no commit."""
    program = shutil.which("git")
    if program is None:
        return ""
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed program and fixed words; the folder follows -C
            [program, "-C", folder, "rev-parse", "--verify", "--quiet", "HEAD"],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    commit = answer.stdout.strip()
    return commit if answer.returncode == 0 and _COMMIT.fullmatch(commit) else ""
