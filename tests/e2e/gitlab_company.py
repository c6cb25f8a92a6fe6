"""A company whose access is in a GitLab: a directory, a policy, and what is there before the first run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, CompletedProcess, Popen
from time import monotonic, sleep

from tests.e2e.gitlab_reading import PROVIDER, SECRET, VARIABLE
from tests.e2e.gitlab_writing import key, stable
from tests.examples import environment, reconcile
from tests.fakes.gitlab_server import Served
from tests.fakes.gitlab_world import World

PEOPLE = ("ann", "ben", "cleo", "dan", "eve", "fay")
MEMBERS = {
    "devs": ("ann", "ben", "cleo", "dan"),
    "leads": ("ann", "eve"),
    "admins": ("eve",),
    "interns": ("dan",),
}
BAD_KEY = "ssh-rsa AAAA fay"

_POLICY = """\
version: 1
directories:
  corp: {{kind: ldif, file: directory.ldif, base: "dc=example,dc=com"}}
targets:
  lab:
    kind: gitlab
    url: {url}
    token: {{env: {variable}}}
    directory: corp
    provider: {provider}
    membership_lock: true
    admin_group: admins
    external_groups: [interns]
    users: {{create: true, sync: [email, name, ssh_keys]}}
    groups: {{create: true}}
    delete_rate: 60000
{more}
group_links:
  lab:
    acme: [{{cn: leads, access: owner}}]
    acme/app: [{{cn: devs, access: developer}}, {{cn: leads, access: owner}}]
    acme/new/deep: [{{cn: devs, access: maintainer}}]
    acme/site: [{{cn: interns, access: reporter}}, {{filter: "(uid=fay)", access: guest}}]
guards: {{"*": {{max_removals: off, max_removals_per_group: off, max_disabled_users: off, max_privileged_grants: off}}}}
"""


@dataclass
class Company:
    """A policy folder beside a running GitLab."""

    folder: Path
    served: Served

    def run(self, *arguments: str, code: int = 0) -> CompletedProcess[str]:
        """Run the command line."""
        return reconcile(*arguments, cwd=self.folder, env={VARIABLE: SECRET}, code=code)

    def kill(self, *arguments: str, when: Callable[[], bool]) -> None:
        """Run the command line until this is so, and kill it."""
        env = environment(**{VARIABLE: SECRET})
        with Popen(["reconcile", *arguments], cwd=self.folder, env=env, stdin=DEVNULL, stdout=DEVNULL) as process:
            last = monotonic() + 60
            while not when():
                assert process.poll() is None
                assert monotonic() < last
                sleep(0.02)
            process.kill()


def company(folder: Path, served: Served, more: str = "") -> Company:
    """Return the policy over a GitLab that was filled by `fill`."""
    policies = folder / "policies"
    policies.mkdir()
    policy = _POLICY.format(url=served.url, variable=VARIABLE, provider=PROVIDER, more=more)
    (policies / "policy.yaml").write_text(policy)
    (policies / "directory.ldif").write_text(_ldif())
    return Company(folder, served)


def place(name: str) -> str:
    """Return where somebody is in the directory."""
    return f"uid={name},ou=People,dc=example,dc=com"


def fill(world: World) -> World:
    """Put into a GitLab what is there before the first run.

    Three of the directory have accounts, ann with an old address and an SSH key of her own; zed and yan have left, yan is
    blocked by hand; a local account and a bot are members, too. cleo, eve and fay have no account yet.
    """
    world.instance.enterprise = True
    for name in ("ann", "ben", "dan", "zed", "yan"):
        world.add_user(name, identities={PROVIDER: place(name).upper() if name == "ben" else place(name)}, name=name)
    _old_address(world)
    world.user("yan").state = "blocked"
    bob, bot = world.add_user("bob"), world.add_user("bot", bot="project_bot")
    acme = world.add_group("acme")
    app, site = world.add_group("acme/app"), world.add_project("acme/site")
    for group, name, level in (
        (acme, "zed", 50),
        (acme, "sync", 50),
        (app, "ben", 40),
        (app, "yan", 30),
        (site, "ann", 30),
    ):
        world.add_member(group, world.user(name), level)
    for group in (acme, app, site):
        world.add_member(group, bot, 30)
        world.add_member(group, bob, 50 if group is acme else 40)
    app.members[world.user("ben").id].expires_at = "2035-01-01"
    return world


def _old_address(world: World) -> None:
    user = world.user("ann")
    world.emails.pop(user.email)
    user.email = "old@example.com"
    world.emails[user.email] = user.id
    world.touch(user)


def _ldif() -> str:
    blocks = ["version: 1\n\ndn: dc=example,dc=com\nobjectClass: domain\ndc: example\n"]
    for name in PEOPLE:
        keys = [key(name, f"{name}@work")] if name in {"ann", "cleo", "fay"} else []
        keys += [BAD_KEY] if name == "fay" else []
        blocks.append(
            f"dn: {place(name)}\nobjectClass: inetOrgPerson\nobjectClass: ldapPublicKey\nuid: {name}\ncn: {name}\nsn: {name}\n"
            f"displayName: {name}\nmail: {name}@Example.com\nentryUUID: {stable(name)}\n"
            + "".join(f"sshPublicKey: {text}\n" for text in keys)
        )
    for group, names in MEMBERS.items():
        lines = "".join(f"member: {place(name)}\n" for name in names)
        blocks.append(f"dn: cn={group},dc=example,dc=com\nobjectClass: groupOfNames\ncn: {group}\n{lines}")
    return "\n".join(blocks)
