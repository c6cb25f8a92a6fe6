"""The example of a GitLab as its README says to try it: a stand-in started by hand, a copy of the policy, and what is there in the end."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import urllib3

from tests.examples import ROOT, ended, scratch_copy
from tests.fakes.gitlab import TOKEN
from tests.live_targets import STATE

README = (ROOT / "policies" / "gitlab" / "README.md").read_text(encoding="utf-8")
PORT = "8929"
START = f"python -m tests.fakes.gitlab --load tests/live/gitlab.json --port {PORT} &"


@contextmanager
def started(stdin: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the stand-in as the README does, on a port that is free; give the process, and what it prints first."""
    command = [word for word in START.removesuffix(" &").replace(PORT, "0").split() if word != "python"]
    with subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_the_readme_leads_to_a_gitlab_as_the_policy_wants_it(tmp_path: Path) -> None:
    """Each command prints what it says there, and afterwards everybody is where the table says, nobody else is touched."""
    clone = scratch_copy(tmp_path)
    lines = "".join(re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
    commands = [part.partition("\n") for part in re.split(r"^\$ ", lines, flags=re.MULTILINE)[1:]]
    assert commands[0][::2] == (START, f"http://127.0.0.1:{PORT}\n")
    assert commands[-1][::2] == ("kill %1", "")
    with started(subprocess.PIPE) as (process, url):
        script = "\n".join(command for command, _, _ in commands[1:-1]).replace(f"http://127.0.0.1:{PORT}", url)
        done = ended(["sh", "-ec", script], clone, {})
        assert done.returncode == 0, done.stderr
        shown = "".join(output for _, _, output in commands[1:-1])
        said = done.stdout.replace(url, f"http://127.0.0.1:{PORT}")
        assert re.fullmatch(_pattern(shown.splitlines()), said), said
        _check_accounts(_ask(f"{url}/-/fake/state"))
        _check_members(_ask(f"{url}/-/fake/state"), _members(url, "nordlicht/platform"), _members(url, "finance"))
        assert _ask(f"{url}/api/v4/application/settings")["lock_memberships_to_ldap"] is True
        process.terminate()
        assert process.wait(10) == 0


def _pattern(shown: list[str]) -> str:
    return "".join(r"(?:.*\n)*?" if line == "…" else re.escape(line) + r"\n" for line in shown)


def _ask(url: str) -> Any:
    answer = urllib3.request("GET", url, headers={"PRIVATE-TOKEN": TOKEN}, retries=False)
    assert answer.status == 200
    return answer.json()


def _members(url: str, group: str) -> dict[str, dict[str, Any]]:
    rows = _ask(f"{url}/api/v4/groups/{quote(group, safe='')}/members?per_page=100")
    return {row["username"]: row for row in rows}


def _check_accounts(state: dict[str, Any]) -> None:
    """Hold the accounts in the end against the README's table."""
    users = {user["username"]: user for user in state["users"]}
    assert {name for name, user in users.items() if user["admin"]} == {"root", "fay", "kim"}
    assert {name for name, user in users.items() if user["external"]} == {"gus", "hana"}
    ours = ["reconcile_blocked"]
    blocked = {name: sorted(user["attributes"]) for name, user in users.items() if user["state"] != "active"}
    assert blocked == {"ivo": ours, "zoe": ours, "tilda": ours, "nils": [], "pia": []}
    assert {name for name, user in users.items() if "reconcile_ssh_keys" in user["attributes"]} == {"ada", "kim"}


def _check_members(state: dict[str, Any], platform: dict[str, Any], finance: dict[str, Any]) -> None:
    """Hold who is in groups and the project in the end against the table, and the rest against how it was."""
    begun, now = json.loads(STATE.read_text(encoding="utf-8")), {**state["groups"], **state["projects"]}
    assert now["break-glass"] == begun["groups"]["break-glass"]
    assert now["labs"] == begun["groups"]["labs"]
    assert now["operations"] == {**begun["groups"]["operations"], "kim": 50}
    assert now["nordlicht/platform"] == {
        **dict.fromkeys(("svc-mirror", "svc-deploy", "ada", "ben", "cleo"), 30),
        **dict.fromkeys(("emil", "nils"), 40),
        **dict.fromkeys(("fay", "kim"), 50),
    }
    assert now["nordlicht/web"] == {"cleo": 30, "dora": 40, "gus": 30, "ravi": 30, "rosa": 30, "sven": 30}
    assert now["nordlicht/web/shop"] == {"hana": 30, "jo": 20, "wes": 20, "zoe": 20}
    assert platform["ben"]["expires_at"] == "2027-03-31"
    assert finance["mats"]["member_role"]["id"] == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stand_in_started_at_a_terminal_serves_until_it_is_told_to_stop(number: signal.Signals) -> None:
    """It never reads the terminal, so that a shell can have it in the background, and it ends without a word."""
    ours, theirs = pty.openpty()
    try:
        with started(theirs) as (process, url):
            assert _ask(f"{url}/-/fake")["effects"] == 0
            process.send_signal(number)
            assert process.wait(10) == 0
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--load", "none.json"), "none.json cannot be loaded: FileNotFoundError"),
        (("--load", "policies/gitlab/plan.json"), "policies/gitlab/plan.json cannot be loaded: KeyError('users')"),
        (("--port", "TAKEN"), " cannot be used: Address already in use"),
    ],
)
def test_what_a_stand_in_cannot_serve_is_said_in_a_line(words: tuple[str, ...], said: str) -> None:
    """As a usage error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "tests.fakes.gitlab", *(port if word == "TAKEN" else word for word in words)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
