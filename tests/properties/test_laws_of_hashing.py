"""Python's random order of sets never reaches a plan."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CASES = Path(__file__).parent.parent / "cases"

_SCRIPT = """
import os, sys
from datetime import date
from pathlib import Path
from reconciler.pipeline import Run, make_plan
from reconciler.plan.encode import encode, to_text
from reconciler.policy.load import load_policy

today = date(2026, 11, 20)
for policy_folder in sorted(Path(sys.argv[1]).glob("*/policy")):
    os.chdir(policy_folder.parent)
    policy = load_policy("policy", today).policy
    sys.stdout.write(to_text(encode(make_plan(Run(policy, today, "2026-11-20T04:00:00Z")))))
"""


def test_the_hash_seed_does_not_matter() -> None:
    """Every case, planned on an empty roster, gives the same bytes under three seeds."""
    texts = {_planned(seed) for seed in ("0", "1", "4242")}
    assert len(texts) == 1
    assert texts.pop().count('"format_version"') == len(list(CASES.glob("*/policy")))


def _planned(seed: str) -> str:
    root = str(CASES.parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(CASES)],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
