"""What our token may do in a GitLab, and what a read says where that is too little."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.errors import TargetError
from reconciler.targets.base import Right, Rights
from reconciler.targets.gitlab.rights import rights_of, us
from tests.e2e.gitlab_reading import SECRET, VARIABLE, api, found, world_of
from tests.fakes.gitlab_answers import answer
from tests.fakes.gitlab_faults import Fault
from tests.fakes.gitlab_server import Served, serving
from tests.fakes.gitlab_world import World

READ, WRITE, ADMIN = Right.READ, Right.WRITE, Right.ADMIN


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the token."""
    monkeypatch.setenv(VARIABLE, SECRET)


def rights(served: Served) -> Rights:
    """Return what a target says of its token."""
    with api(served) as calls:
        return rights_of(us(calls))


OWNER = "an administrator as its owner"
MODE = f"{OWNER} or, where Admin Mode is on, the scope admin_mode"
TOKENS: dict[str, tuple[tuple[str, ...], bool, bool, set[Right], tuple[str, ...]]] = {
    # scopes, administrator, admin mode on; what it can, what it lacks
    "all": (("api",), True, False, {READ, WRITE}, ()),
    "for plans": (("read_api",), True, False, {READ}, ("the scope api",)),
    "too much": (("api", "sudo"), True, False, {READ, WRITE, ADMIN}, ()),
    "nobody": (("api", "admin_mode"), False, False, set(), (OWNER,)),
    "no scope for the mode": (("api",), True, True, set(), (MODE,)),
    "a scope for the mode": (("api", "admin_mode"), True, True, {READ, WRITE}, ()),
    "only users": (("read_user",), True, False, set(), ("the scope api, for plans alone read_api", "the scope api")),
}


@pytest.mark.parametrize("name", TOKENS)
def test_rights_are_what_scopes_and_owner_give(name: str) -> None:
    """And a read that cannot see enough ends with the same words."""
    scopes, admin, mode, can, lacks = TOKENS[name]
    world = world_of(*scopes, admin=admin)
    world.instance.admin_mode = mode
    with serving(world) as served:
        said = rights(served)
        assert (said.account, set(said.can), said.lacks) == ("sync", can, lacks)
        assert f"scopes {', '.join(sorted(scopes))}, GitLab 18.6.0" in said.detail
        assert sum(served.counts.values()) == 3
        if READ in can:
            found(served)
            return
        with pytest.raises(TargetError) as caught:
            found(served)
        assert lacks[0] in str(caught.value)
        assert SECRET not in str(caught.value)
        assert served.counts["users.list"] == 0


def test_a_token_that_is_not_told_about_may_still_do() -> None:
    """Some kinds of token cannot ask what they are; their owner tells what they may do."""
    with serving(world_of()) as served:
        served.fail(Fault("GET", "/personal_access_tokens/self", reply=answer({"message": "404"}, 404)))
        said = rights(served)
    assert said.can == {READ, WRITE}
    assert said.detail == "an administrator, scopes that GitLab does not tell, GitLab 18.6.0"


def older(world: World) -> None:
    """Be a version before users could be listed in order."""
    world.instance.version = "16.4.9"


def nameless(world: World) -> None:
    """Be no version."""
    world.instance.version = "pre"


def revoked(world: World) -> None:
    """Have taken the token back."""
    world.tokens[SECRET].revoked = True


def scopeless(world: World) -> None:
    """Have a token for something else."""
    world.tokens[SECRET].scopes = ("write_repository",)


REFUSED: dict[Callable[[World], None], str] = {
    older: 'this GitLab is version "16.4.9", and 16.5 is the oldest that can be managed. Update it.',
    nameless: 'this GitLab is version "pre", and 16.5 is the oldest',
    revoked: "GitLab does not know the token. It may have expired or been revoked, or be for another GitLab: make one",
    scopeless: "the token's scopes do not let it ask who it is. Make one of an administrator with the scope api",
}


@pytest.mark.parametrize("become", REFUSED)
def test_what_cannot_be_asked_is_one_clear_error(become: Callable[[World], None]) -> None:
    """From rights and from a read alike, without the secret."""
    world = world_of()
    become(world)
    with serving(world) as served:
        for ask in (rights, found):
            with pytest.raises(TargetError) as caught:
                ask(served)
            assert REFUSED[become] in str(caught.value)
            assert SECRET not in str(caught.value)


def test_a_variable_that_is_not_set_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent."""
    monkeypatch.delenv(VARIABLE)
    with serving(world_of()) as served:
        with pytest.raises(TargetError, match=VARIABLE):
            rights(served)
        assert not served.counts
