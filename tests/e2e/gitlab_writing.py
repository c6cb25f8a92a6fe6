"""A GitLab to write to: a small one, the target on it, and changes as a plan has them; asks nothing itself."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256

from reconciler.model.access import STABLE_ID_MISSING, GroupKey, Role, Scope, User, UserKey, Value
from reconciler.model.change import (
    AddMembership,
    Change,
    ChangeRole,
    CreateUser,
    RemoveMembership,
    UpdateUser,
    Who,
)
from reconciler.model.names import dn_key, dn_text
from reconciler.model.reason import Reason, Why
from reconciler.targets.base import Options, Outcome
from reconciler.targets.gitlab import create
from reconciler.targets.gitlab.target import GitlabTarget
from tests.e2e.gitlab_reading import PROVIDER, TOKEN, dn, person, world_of
from tests.fakes.gitlab_server import Served, serving
from tests.fakes.gitlab_world import World

REASON = Reason(Why.GROUP_LINK)
GUEST, DEVELOPER, MAINTAINER, OWNER = map(Role, ("guest", "developer", "maintainer", "owner"))
NAMES = ("ann", "ben", "cid", "dan")


def stable(name: str) -> UserKey:
    """Return the id of a person."""
    return UserKey(f"5f0c1d2e-0000-4000-8000-{sha256(name.encode()).hexdigest()[:12]}")


def who(name: str) -> Who:
    """Return a person whose account is known by its DN, as a target without ids has it."""
    return Who(name, stable(name), UserKey(STABLE_ID_MISSING + dn_key(dn(name))))


def add(name: str, group: str = "acme", role: Role = DEVELOPER) -> AddMembership:
    """Return an addition."""
    return AddMembership(who(name), GroupKey(group), role, REASON)


def change(name: str, have: Role, want: Role, group: str = "acme") -> ChangeRole:
    """Return a change of role."""
    return ChangeRole(who(name), GroupKey(group), have, want, REASON)


def remove(name: str, group: str = "acme", have: Role = DEVELOPER) -> RemoveMembership:
    """Return a removal."""
    return RemoveMembership(who(name), GroupKey(group), have, REASON)


def update(name: str, have: dict[str, Value | None], want: dict[str, Value | None]) -> UpdateUser:
    """Return an update."""
    return UpdateUser(who(name), have, want, REASON)


def new(name: str, **more: Value) -> CreateUser:
    """Return the creation of an account."""
    attributes: dict[str, Value] = {
        "email": f"{name}@example.com",
        "name": name.title(),
        "dn": dn_text(dn(name)),
        **more,
    }
    return CreateUser(User(stable(name), name, attributes), REASON)


def key(mark: str, comment: str, kind: str = "ssh-ed25519") -> str:
    """Return the text of an SSH key, another one for each mark."""
    blob = len(kind).to_bytes(4, "big") + kind.encode() + mark.encode().ljust(36, b"\0")
    return f"{kind} {b64encode(blob).decode()} {comment}"


def small(**members: int) -> World:
    """Return a GitLab with four people of the directory, a group, and these members of it."""
    world = world_of()
    for name in NAMES:
        person(world, name)
    group = world.add_group("acme")
    for name, level in members.items():
        world.add_member(group, world.user(name), level)
    return world


@contextmanager
def gitlab(world: World, **keys: object) -> Iterator[tuple[Served, GitlabTarget]]:
    """Serve a GitLab, and give it with a target that has read it."""
    with serving(world) as served, target(served, **keys) as found:
        found.read(Scope("corp", frozenset({GroupKey("acme")})))
        served.forget()
        yield served, found


@contextmanager
def target(served: Served, **keys: object) -> Iterator[GitlabTarget]:
    """Give a target that has asked nothing yet."""
    said = {"url": served.url, "token": TOKEN, "provider": PROVIDER, "delete_rate": 60_000, **keys}
    with closing(create(Options("lab", "corp", said, "/", ()))) as found:
        yield found


def run(found: GitlabTarget, *changes: Change) -> list[Outcome]:
    """Make changes as a run does, one batch after the other, and return what became of each, in their order."""
    outcomes: dict[int, Outcome] = {}
    for batch in found.batches(changes):
        outcomes |= {id(one): end for one, end in zip(batch.changes, found.apply(batch), strict=True)}
    return [outcomes[id(one)] for one in changes]


def ends(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what became of changes, in words."""
    return [f"{outcome.status} {outcome.message}".strip() for outcome in outcomes]


def asked(served: Served) -> list[str]:
    """Return the requests, with what they say where they write."""
    return [f"{entry.method} {entry.path}" for entry in served.log]
