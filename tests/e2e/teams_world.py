"""A company whose access is in a teams app: a directory, a policy for a target of an installed package, and a live state."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from tests.examples import reconcile
from tests.fakes.teams import App, Effect
from tests.fakes.teams_server import Served
from tests.plugins.installed import ENVIRONMENT

PEOPLE = ("ann", "ben", "cleo", "dan", "eve", "fay", "gil", "hal", "ida")
MEMBERS = {"devs": ("ann", "ben", "cleo", "dan", "ida"), "leads": ("ann", "eve"), "ops": ("fay", "gil", "hal")}

_POLICY = """\
version: 1
directories:
  corp: {{kind: ldif, file: directory.ldif, base: "dc=example,dc=com"}}
targets:
  chat:
    kind: teams
    url: {url}
    token: {{env: TEAMS_TOKEN}}
    directory: corp
    users: {{create: true, sync: [email, name]}}
    groups: {{create: true}}
    timeout: {timeout}
    attempts: 2
    pause: 0.05
    longest_wait: 2
    removals: 6000
    parallel: {parallel}
group_links:
  chat:
    app: [{{cn: devs, access: writer}}, {{cn: leads, access: owner}}]
    infra: [{{cn: ops, access: writer}}]
guards: {{"*": {{max_removals: off, max_removals_per_group: off, max_disabled_users: off}}}}
"""


def uuid(name: str) -> str:
    """Return the stable id of a person in the directory."""
    return f"00000000-0000-4000-8000-{name.encode().hex():0>12}"


@dataclass
class World:
    """A policy folder beside a running app."""

    folder: Path
    served: Served

    def run(self, *arguments: str, code: int = 0) -> CompletedProcess[str]:
        """Run the command line with the package on its path."""
        return reconcile(*arguments, cwd=self.folder, env={**ENVIRONMENT, "TEAMS_TOKEN": "secret-token"}, code=code)

    def reset(self) -> App:
        """Put the app back to where it was, without faults, log or effects, and forget that anything was applied."""
        self.served.app = app()
        self.served.log.clear()
        self.served.fail()
        shutil.rmtree(self.folder / "policies" / ".reconcile", ignore_errors=True)
        return self.served.app


def world(folder: Path, served: Served, *, timeout: float = 20, parallel: int = 4) -> World:
    """Return a policy over the app, which is filled as `app` says and has so many seconds for an answer."""
    policies = folder / "policies"
    policies.mkdir()
    (policies / "policy.yaml").write_text(_POLICY.format(url=served.url, timeout=timeout, parallel=parallel))
    (policies / "directory.ldif").write_text(_ldif())
    made = World(folder, served)
    made.reset()
    return made


def app() -> App:
    """Return the app as it is before: somebody new is missing, roles differ, two have left, one of them with a membership.

    aaron and bob are made by hand; zed and yan are ours and no longer in the directory.
    """
    made = App()
    made.seed_user("aaron")
    mine = {name: made.seed_user(name, **_ours(name)) for name in (*PEOPLE[:6], "zed", "yan")}
    made.users[mine["ben"]]["email"] = "old@example.com"
    bob = made.seed_user("bob")
    members = {mine["ann"]: "writer", mine["ben"]: "owner", mine["zed"]: "writer", bob: "writer"}
    made.seed_group("app", members, provider="corp")
    return made


def planned_effects(text: str) -> list[Effect]:
    """Return what the app has to see for each change of a saved plan, in the plan's order."""
    (target,) = json.loads(text)["targets"]
    return [_effect(change, (change["user"] or {}).get("key", "")) for change in target["changes"]]


def _effect(change: dict[str, str], key: str) -> Effect:
    match change["type"]:
        case "group.create" as kind:
            return kind, change["group"]
        case "membership.remove" as kind:
            return kind, change["group"], key
        case "membership.add" | "membership.change" as kind:
            return kind, change["group"], key, change["want"]
        case "user.create" as kind:
            return kind, key
        case "user.disable":
            return "user.update", key, "state"
        case _:
            return "user.update", key, *sorted(change["want"])


def _ours(name: str) -> dict[str, object]:
    return {"provider": "corp", "external_id": uuid(name), "email": f"{name}@example.com", "name": name}


def _ldif() -> str:
    blocks = ["version: 1\n\ndn: dc=example,dc=com\nobjectClass: domain\ndc: example\n"]
    blocks += (
        f"dn: uid={name},dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\n"
        f"displayName: {name}\nmail: {name}@example.com\nentryUUID: {uuid(name)}\n"
        for name in PEOPLE
    )
    for group, names in MEMBERS.items():
        lines = "".join(f"member: uid={name},dc=example,dc=com\n" for name in names)
        blocks.append(f"dn: cn={group},dc=example,dc=com\nobjectClass: groupOfNames\ncn: {group}\n{lines}")
    return "\n".join(blocks)
