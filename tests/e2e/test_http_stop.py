"""A run that waits for a target's rate can be stopped: it ends soon, says how to go on, and goes on from there."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.e2e.teams_world import planned_effects, world
from tests.examples import environment
from tests.fakes.teams_server import Fault, serving, status
from tests.plugins.installed import ENVIRONMENT

MEMBERS = r"/api/v1/groups/\d+/members"


@pytest.mark.parametrize(
    ("how", "method", "path", "code"),
    [
        (signal.SIGINT, "POST", MEMBERS, 7),
        (signal.SIGTERM, "POST", MEMBERS, 7),
        (signal.SIGTERM, "GET", ".*", 130),
    ],
)
def test_a_wait_for_the_rate_ends_with_the_run(
    tmp_path: Path, how: signal.Signals, method: str, path: str, code: int
) -> None:
    """Not after a minute: nothing that is not planned is made, and the rest is when one goes on.

    While changes are made it ends with 7, and is resumed; while it still looks at what is there with 130, and begins anew.
    """
    with serving() as served:
        made = world(tmp_path, served, timeout=20)
        policy = tmp_path / "policies" / "policy.yaml"
        policy.write_text(policy.read_text().replace("longest_wait: 2", "longest_wait: 120"))
        made.run("plan", "--out", "plan.json")
        planned = Counter(planned_effects((tmp_path / "plan.json").read_text()))
        served.fail(Fault(method, path, change=status(429, "x", "text/plain", Retry_After="60"), times=999))
        process = subprocess.Popen(
            ["reconcile", "apply", "plan.json"],
            cwd=tmp_path,
            env=environment(**ENVIRONMENT, TEAMS_TOKEN="secret-token"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        until = monotonic() + 40
        while not any(entry.status == 429 for entry in served.log):
            assert monotonic() < until, "the run never came to the wait"
            assert process.poll() is None, process.communicate()
            sleep(0.05)
        began = monotonic()
        process.send_signal(how)
        out, err = process.communicate(timeout=50)
        assert process.returncode == code, f"{out}\n{err}"
        assert monotonic() - began < 40
        assert ("apply --resume" in out + err) == (code == 7)
        assert Counter(served.app.effects) < planned
        served.fail()
        made.run("apply", "--resume" if code == 7 else "plan.json")
        assert Counter(served.app.effects) == planned
