"""A pull request that wants what the job of its plan holds: credentials, the token that comments, a say in what is shown."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.action import TOKEN, Ran, on_pull_request
from tests.e2e.pull_request import CANARY, SECRETS, Evil, PullRequest, directory, evil, git, pull_request
from tests.fakes import forge_server
from tests.fakes.github import GitHub
from tests.fakes.ldap_responder import responder
from tests.fakes.teams_server import serving
from tests.plugins.installed import ENVIRONMENT

CREDENTIALS = "\n".join(f"{name}={value}" for name, value in SECRETS.items())


@dataclass
class Attack:
    """A change that is to be made a bad one; the servers that it is planned with, and one that must hear nothing."""

    change: PullRequest
    listener: Evil
    ldap: str
    app: str
    hub: GitHub
    forge: str
    temp: Path

    def planned(self) -> Ran:
        """Commit the change, and plan it as its pull request is."""
        self.change.commit()
        runner = on_pull_request(self.change.folder, self.temp, self.forge)
        runner.env |= ENVIRONMENT
        return runner.run("plan", credentials=CREDENTIALS)


@pytest.fixture
def attack(tmp_path: Path) -> Iterator[Attack]:
    """Return a change that does nothing yet, with everything that it could reach."""
    held, hub = directory(), GitHub()
    hub.pull(7)
    with (
        evil() as listener,
        responder(held) as url,
        serving() as served,
        forge_server.serving(hub) as running,
    ):
        change = pull_request(tmp_path / "work", listener, (held, url), served)
        yield Attack(change, listener, url, served.url, hub, running.url, tmp_path / "temp")


def test_a_branch_gets_no_credential_of_its_plan_and_hides_nothing_in_the_comment(attack: Attack) -> None:
    """It names its own servers, another secret and our token; it is planned with the connections of main, and told so."""
    change, evil_one = attack.change, attack.listener.address
    change.edit(f"url: {attack.app}", f"url: http://{evil_one}/api/v1")
    change.edit(attack.ldap, f"ldap://{evil_one}")
    change.edit("token: {env: TEAMS_TOKEN}", "token: {env: IN_TOKEN}")
    change.edit("password: {file: ../secrets/ldap}", "password: {env: OTHER_SECRET}")
    change.edit("    api: [", '    "api</code></details>\\u202e": [')
    ran = attack.planned()
    assert attack.listener.heard == []
    (body,) = attack.hub.bodies(7)
    assert "CONNECTION-CHANGED" in ran.page
    assert "\\u202e" in body
    assert "\u202e" not in body + ran.page
    outside = re.sub(r"^```.*?^```$", "", body + ran.page, flags=re.MULTILINE | re.DOTALL)
    assert "api</code></details>" not in outside
    for secret in (CANARY, TOKEN, "reader-password"):
        assert secret not in body + ran.page
        assert secret not in change.everything_written()
        assert not [line for line in ran.log.splitlines() if secret in line and not line.startswith("::add-mask::")]
    assert git(change.folder, "status", "--porcelain") == ""


def repository_inside(change: PullRequest, policy: str, ran: Path) -> None:
    """Commit a repository as plain files in the policy folder, which has another policy for main's commit, and runs a program."""
    base, inside, own = (
        git(change.folder, "rev-parse", "main"),
        change.folder / "policies",
        change.folder.parent / "own",
    )
    own.mkdir()
    git(own, "init", "-q", "-b", "main")
    (own / "policy.yaml").write_text(policy)
    git(own, "add", "-A")
    git(own, "commit", "-qm", "other")
    shutil.copytree(own / ".git/objects", inside / "objects")
    files = {
        "HEAD": "ref: refs/heads/main",
        "config": f"[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\nfsmonitor = touch {ran}; false",
        "objects/info/alternates": "../../.git/objects",
        "refs/heads/main": base,
        f"refs/replace/{base}": git(own, "rev-parse", "HEAD"),
    }
    for name, text in files.items():
        path = inside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def test_a_repository_among_the_files_of_the_policy_is_not_the_one_that_the_base_comes_from(
    attack: Attack, tmp_path: Path
) -> None:
    """Git takes a folder with HEAD, objects and refs for a repository; its settings are not used, nor what it calls main."""
    change = attack.change
    text = change.policy.read_text().replace(attack.ldap, f"ldap://{attack.listener.address}")
    repository_inside(change, text.replace("{file: ../secrets/ldap}", "{env: OTHER_SECRET}"), tmp_path / "ran")
    main = git(change.folder, "rev-parse", "main")
    ran = attack.planned()
    assert attack.listener.heard == []
    assert not (tmp_path / "ran").exists()
    assert main[:12] in ran.page
    assert len(attack.hub.bodies(7)) == 1
