"""Whatever a GitLab holds, a read says it, by REST as by GraphQL: held against what is in its memory, in random worlds."""

from __future__ import annotations

from random import Random

import pytest

from reconciler.model.access import GroupKey, Role, State, UserKey
from reconciler.targets.gitlab.settings import LEVELS
from tests.e2e.gitlab_reading import PROVIDER, SECRET, VARIABLE, dn, found, world_of
from tests.fakes.gitlab_server import serving
from tests.fakes.gitlab_world import Source, User, World

ROLES = {level: role for role, level in LEVELS.items()}
ROUNDS = 25


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the token."""
    monkeypatch.setenv(VARIABLE, SECRET)


def random_world(chance: Random) -> World:
    """Return a GitLab with accounts of all kinds in groups above each other, some of several pages, and projects."""
    world = world_of()
    for number in range(chance.choice([0, 5, 99, 230])):
        name = f"user{number}"
        kinds = [{PROVIDER: dn(name)}, {}, {"ldapother": dn(name)}, {"ldapother": dn(name), PROVIDER: dn(name)}]
        world.add_user(
            name,
            identities=chance.choices(kinds, (8, 1, 1, 1))[0],
            bot=chance.choices(["", "project_bot", "ghost"], (20, 1, 1))[0],
            state=chance.choices(["active", "blocked", "deactivated"], (8, 1, 1))[0],
            attributes={"reconcile_id": f"id-{number}"} if chance.random() < 0.3 else {},
            admin=chance.random() < 0.1,
        )
    groups: list[Source] = []
    for number in range(chance.choice([0, 3, 25])):
        above = f"{chance.choice(groups).full_path}/" if groups and chance.random() < 0.6 else ""
        groups.append(world.add_group(f"{above}g{number}"))
    projects = [world.add_project(f"{group.full_path}/app") for group in groups if chance.random() < 0.2]
    people = list(world.users.values())
    for source in (*groups, *projects):
        for user in chance.sample(people, min(len(people), chance.choice([0, 1, 7, 100, 101, 240]))):
            by = chance.choice([0, 1, chance.choice(people).id])
            world.add_member(source, user, chance.choice(list(ROLES)), created_by=by)
    return world


def key_of(user: User) -> UserKey:
    """Return what an account is known by: ours by its identity, where that is its first of an LDAP server."""
    if next((name for name in user.identities if name.startswith("ldap")), "") != PROVIDER:
        return UserKey(f"local:{user.username}")
    return UserKey(user.attributes.get("reconcile_id") or f"dn:{user.identities[PROVIDER]}")


def truth(world: World, names: set[str]) -> State:
    """Return what a read of these names has to say of groups and members."""
    above = {source.full_path for name in names for source in world.source(name).above()} - names
    ours: dict[bool, dict[GroupKey, dict[UserKey, Role]]] = {True: {}, False: {}}
    higher: dict[GroupKey, dict[UserKey, Role]] = {}
    made: dict[GroupKey, dict[UserKey, str]] = {}
    for name in names | above:
        for member in world.source(name).members.values():
            key, path = key_of(member.user), GroupKey(name)
            mine = not key.startswith("local:")
            if member.user.bot or (name in above and not mine):
                continue
            rows = higher if name in above else ours[mine]
            rows.setdefault(path, {})[key] = ROLES[member.level]
            if name in names and mine and member.created_by > 1:
                made.setdefault(path, {})[key] = world.users[member.created_by].username
    return State(memberships=ours[True], by_hand=ours[False], above=higher, made_by=made)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_read_says_what_is_there(number: int) -> None:
    """Every account and every direct membership of the groups that are named, no other one, and each list once."""
    chance = Random(number)  # noqa: S311 - a world, not a secret
    world = random_world(chance)
    every = sorted(source.full_path for source in (*world.groups.values(), *world.projects.values()))
    names = {name for name in every if chance.random() < 0.5}
    with serving(world) as served:
        state = found(served, *names).state
        expected = sum(max(1, -(-len(world.source(str(name)).members) // 100)) for name in state.groups)
        assert served.counts["members.list"] == expected
        assert sum(count for kind, count in served.counts.items() if kind.startswith(("users.get", "groups.get"))) == 0
        assert found(served, *names, graphql=True).state == state
    want = truth(world, names)
    assert (state.memberships, state.by_hand) == (want.memberships, want.by_hand)
    assert (state.above, state.made_by) == (want.above, want.made_by)
    accounts = [user for user in world.users.values() if not user.bot]
    assert {key: (user.username, user.active) for key, user in state.users.items()} == {
        key_of(user): (user.username, user.state in {"active", "deactivated"}) for user in accounts
    }
    assert state.own == "local:sync"
