"""Print what the event of a pull request to the default branch says: the commits of its base and of its head.

Whoever can push a branch can open a pull request to it, and would choose the connections: so no other branch is a base.
Reads the file that $GITHUB_EVENT_PATH names and nothing else. Commits are hexadecimal digits or are not printed.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


def told(event: dict[str, Any]) -> tuple[str, str]:
    """Return the commits of the base and of the head; raises KeyError, TypeError or ValueError where they are not said."""
    pull, default = event["pull_request"], event["repository"]["default_branch"]
    if not default or pull["base"]["ref"] != default:
        raise ValueError(pull["base"]["ref"])
    commits = (pull["base"]["sha"], pull["head"]["sha"])
    if not all(_COMMIT.fullmatch(commit) for commit in commits):
        raise ValueError(commits)
    return commits


def main() -> int:
    """Print the two commits on a line; nothing, and 64, where there is no such pull request."""
    try:
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_bytes())
        sys.stdout.write(" ".join(told(event)) + "\n")
    except (OSError, KeyError, TypeError, ValueError):
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(main())
