"""Print what a saved plan is as lines NAME=value for $GITHUB_OUTPUT; reads that one file, and no word of it is printed.

Values are true, false, numbers and hexadecimal digits, so that nothing in a plan can write a line of its own. Standard
library only: the Python of the runner does.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SHORT = 12  # digits of a fingerprint that people compare by eye


def facts(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield the names and values. Raises KeyError, TypeError or ValueError for what is no plan."""
    plan = json.loads(content)
    summary, targets = plan["summary"], plan["targets"]
    yield "has_changes", _word(any(target["changes"] for target in targets))
    yield "has_removals", _word(int(summary["remove"]) > 0)
    yield "refused", _word(int(summary["refused"]) > 0)
    yield "applyable", _word(plan["applyable"] is True)
    yield "plan_digest", hashlib.sha256(content).hexdigest()
    yield "fingerprint", fingerprint(targets)


def fingerprint(targets: list[dict[str, Any]]) -> str:
    """Return a digest over what the changes ask for: the same for two plans of the same changes, whoever made them and when.

    Reasons, places in the policy and preconditions are left out.
    """
    lines = sorted(
        json.dumps([target["name"], *(_asked(change[part]) for part in ("type", "user", "group", "have", "want"))])
        for target in targets
        for change in target["changes"]
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_SHORT]


def _asked(part: object) -> str:
    return json.dumps(part, sort_keys=True)


def _word(fact: object) -> str:
    return "true" if fact else "false"


def main() -> int:
    """Print the facts of the plan that the first argument names; 64 where it is none."""
    try:
        lines = [f"{name}={value}" for name, value in facts(Path(sys.argv[1]).read_bytes())]
    except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
        sys.stderr.write(f"facts.py: no plan: {type(error).__name__}\n")
        return 64
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
