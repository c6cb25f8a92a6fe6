"""A pull request that wants what the job of its plan holds: credentials, the token that comments, a say in what is shown."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.action import TOKEN, on_pull_request
from tests.e2e.pull_request import CANARY, SECRETS, directory, evil, git, pull_request
from tests.fakes import forge_server
from tests.fakes.github import GitHub
from tests.fakes.ldap_responder import responder
from tests.fakes.teams_server import serving
from tests.plugins.installed import ENVIRONMENT

CREDENTIALS = "\n".join(f"{name}={value}" for name, value in SECRETS.items())


def test_a_branch_gets_no_credential_of_its_plan_and_hides_nothing_in_the_comment(tmp_path: Path) -> None:
    """It names its own servers, another secret and our token; it is planned with the connections of main, and told so."""
    held, hub = directory(), GitHub()
    hub.pull(7)
    with (
        evil() as listener,
        responder(held) as url,
        serving() as served,
        forge_server.serving(hub) as running,
    ):
        change = pull_request(tmp_path / "work", listener, (held, url), served)
        change.edit(f"url: {served.url}", f"url: http://{listener.address}/api/v1")
        change.edit(url, f"ldap://{listener.address}")
        change.edit("token: {env: TEAMS_TOKEN}", "token: {env: IN_TOKEN}")
        change.edit("password: {file: ../secrets/ldap}", "password: {env: OTHER_SECRET}")
        change.edit("    api: [", '    "api</code></details>\\u202e": [')
        change.commit()
        runner = on_pull_request(change.folder, tmp_path / "temp", running.url)
        runner.env |= ENVIRONMENT
        ran = runner.run("plan", credentials=CREDENTIALS)
        assert listener.heard == []
    (body,) = hub.bodies(7)
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
