"""A repository whose main branch is trusted and whose working tree is a pull request, with real servers on both sides.

The good directory and the good app log what they are asked; the evil one writes down every byte that reaches it.
"""

from __future__ import annotations

import json
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.examples import reconcile
from tests.fakes.ldap_responder import Directory, Entry
from tests.fakes.teams_server import Served
from tests.plugins.installed import ENVIRONMENT

CANARY = "canary-7f3a91"
BASE = "dc=example,dc=com"
SECRETS = {"TEAMS_TOKEN": "secret-token", "OTHER_SECRET": CANARY}
WHO = {f"GIT_{role}_{word}": "a@example.com" for role in ("AUTHOR", "COMMITTER") for word in ("NAME", "EMAIL")}
IGNORED = "*.db\n.reconcile/\nsecrets/\n/plan.json\n"
POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: ["{ldap}"]
    base: "dc=example,dc=com"
    dialect: openldap
    bind: {{dn: "cn=reader,dc=example,dc=com", password: {{file: ../secrets/ldap}}}}
    tls: {{plaintext: true}}
targets:
  chat:
    kind: teams
    url: {app}
    token: {{env: TEAMS_TOKEN}}
    directory: corp
    users: {{create: true}}
    groups: {{create: true}}
  roster:
    kind: sql
    url: sqlite:///roster.db
    directory: corp
    roles: [viewer, owner]
    users: {{create: true}}
    groups: {{create: true}}
group_links:
  chat:
    app: [{{cn: devs, access: writer}}]
  roster:
    api: [{{cn: devs, access: viewer}}]
guards: {{"*": {{max_privileged_grants: off, max_removals: off, max_removals_per_group: off}}}}
"""


def git(folder: Path, *words: str) -> str:
    """Run git, with nobody's settings."""
    done = subprocess.run(
        ["git", "-c", "core.hooksPath=/dev/null", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_GLOBAL": "/dev/null", **WHO},
    )
    return done.stdout.strip()


def _person(name: str) -> Entry:
    attributes = {"uid": [name], "cn": [name], "sn": [name], "mail": [f"{name}@example.com"]}
    return f"uid={name},{BASE}", {"objectClass": ["top", "person", "inetOrgPerson"], **attributes}


def directory() -> Directory:
    """Return what the good server holds: ann and bob, who are devs."""
    members = [f"uid={name},{BASE}" for name in ("ann", "bob")]
    group: Entry = (f"cn=devs,{BASE}", {"objectClass": ["top", "groupOfNames"], "cn": ["devs"], "member": members})
    return Directory({BASE: [_person("ann"), _person("bob"), group]})


@dataclass
class Evil:
    """A listener that answers nothing."""

    address: str = ""
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def evil() -> Iterator[Evil]:
    """Listen on a loopback port while the block runs; a connection alone is heard, too."""
    found = Evil()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            connection: socket.socket = self.request
            connection.settimeout(2)
            found.heard.append(b"connected")
            found.heard.append(connection.recv(65_536))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        found.address = f"127.0.0.1:{server.server_address[1]}"
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@dataclass
class PullRequest:
    """The working tree of a branch under review; `main` is what it goes to."""

    folder: Path
    evil: Evil
    ldap: Directory
    app: Served

    @property
    def policy(self) -> Path:
        """Return the only file of the policy."""
        return self.folder / "policies" / "policy.yaml"

    def edit(self, old: str, new: str) -> None:
        """Change the head's policy."""
        text = self.policy.read_text(encoding="utf-8")
        assert old in text
        self.policy.write_text(text.replace(old, new), encoding="utf-8")

    def commit(self) -> None:
        """Commit whatever the branch has."""
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-qm", "harmless")

    def plan(
        self, *words: str, code: int = 0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Plan beside main, in the environment of a CI run that has secrets."""
        given = words if "--base-policy" in words else ("--base", "main", *words)
        return reconcile("plan", *given, cwd=self.folder, env={**ENVIRONMENT, **SECRETS, **(env or {})}, code=code)

    def document(self) -> dict[str, Any]:
        """Return the plan as data."""
        found = json.loads(self.plan("--format", "json").stdout)
        assert isinstance(found, dict)
        return found

    def everything_written(self) -> str:
        """Return what the run left in the folder, but for what was secret before, and what git has."""
        kept = (path for path in self.folder.rglob("*") if path.is_file() and not {".git", "secrets"} & set(path.parts))
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in kept)


def pull_request(folder: Path, evil_one: Evil, ldap: tuple[Directory, str], app: Served) -> PullRequest:
    """Return a branch that has changed nothing yet."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "policies").mkdir(parents=True)
    (folder / "secrets").mkdir()
    (folder / "secrets" / "ldap").write_text("reader-password\n")
    (folder / "secrets" / "other").write_text(CANARY + "\n")
    (folder / ".gitignore").write_text(IGNORED)
    (folder / "policies" / "policy.yaml").write_text(POLICY.format(ldap=ldap[1], app=app.url))
    git(folder, "init", "-q", "-b", "main")
    found = PullRequest(folder, evil_one, ldap[0], app)
    found.commit()
    git(folder, "checkout", "-q", "-b", "change")
    ldap[0].requests.clear()
    app.log.clear()
    return found
