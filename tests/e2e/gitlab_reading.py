"""A GitLab to read from: a small one with one of each kind, or a crowd; asks nothing itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from reconciler.model.access import GroupKey, Scope
from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef
from reconciler.targets.base import Options
from reconciler.targets.gitlab.api import Api
from reconciler.targets.gitlab.read import Found, read
from reconciler.targets.gitlab.settings import settings
from tests.fakes.gitlab_server import Served
from tests.fakes.gitlab_world import World

VARIABLE = "GITLAB_TOKEN"
TOKEN = SecretRef("env", VARIABLE, Position("policy.yaml", 1))
SECRET = "glpat-very-secret"
PROVIDER = "ldapmain"


def person(world: World, username: str, /, **more: Any) -> int:
    """Add an account of the directory, and return its number."""
    user = world.add_user(username, **{"identities": {PROVIDER: dn(username)}, **more})
    return user.id


def dn(name: str) -> str:
    """Return where somebody is in the directory."""
    return f"uid={name},ou=people,dc=example,dc=com"


def world_of(*scopes: str, admin: bool = True) -> World:
    """Return a GitLab with nobody but the account of our token."""
    world = World()
    world.add_token(SECRET, world.add_user("sync", admin=admin), *scopes)
    return world


def crowd(users: int, groups: int, members: int) -> World:
    """Return a GitLab with so many people, groups, and members of each group."""
    world = world_of()
    people = [world.users[person(world, f"user{number:05}")] for number in range(users - 1)]
    for number in range(groups):
        group = world.add_group(f"team{number:04}")
        for step in range(members):
            world.add_member(group, people[(number * 7 + step) % len(people)], (30, 40, 20)[step % 3], created_by=1)
    return world


@contextmanager
def api(served: Served, **keys: object) -> Iterator[Api]:
    """Give the calls of a target with these policy keys."""
    said = {"url": served.url, "token": TOKEN, "provider": PROVIDER, **keys}
    with closing(Api(settings(Options("lab", "corp", said, "/", ())))) as found:
        yield found


def found(served: Served, *groups: str, users: Scope | None = None, **keys: object) -> Found:
    """Return what a read of these groups gives."""
    with api(served, **keys) as calls:
        return read(calls, users or scope(*groups))


def scope(*groups: str) -> Scope:
    """Return the scope of a policy that names these groups."""
    return Scope("corp", frozenset(map(GroupKey, groups)))
