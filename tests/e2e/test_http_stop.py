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


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_wait_for_the_rate_ends_with_the_run(tmp_path: Path, how: signal.Signals) -> None:
    """Not after a minute: exit 7, nothing that is not planned, and the rest is made when the run is resumed."""
    with serving() as served:
        made = world(tmp_path, served, timeout=20)
        policy = tmp_path / "policies" / "policy.yaml"
        policy.write_text(policy.read_text().replace("longest_wait: 2", "longest_wait: 120"))
        made.run("plan", "--out", "plan.json")
        planned = Counter(planned_effects((tmp_path / "plan.json").read_text()))
        served.fail(Fault("POST", MEMBERS, change=status(429, "x", "text/plain", Retry_After="60"), times=999))
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
        assert process.returncode == 7, f"{out}\n{err}"
        assert monotonic() - began < 40
        assert "apply --resume" in out + err
        assert Counter(served.app.effects) < planned
        served.fail()
        made.run("apply", "--resume")
        assert Counter(served.app.effects) == planned
