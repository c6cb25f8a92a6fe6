"""SSH keys in a GitLab: ours follow the directory, those of the user stay, bad ones are named."""

from __future__ import annotations

import json

import pytest

from reconciler.model.access import Scope
from reconciler.targets.base import Status
from tests.e2e.gitlab_reading import SECRET, VARIABLE
from tests.e2e.gitlab_writing import (
    ends,
    gitlab,
    key,
    run,
    small,
    update,
    who,
)
from tests.fakes.gitlab_faults import Fault
from tests.fakes.gitlab_keys import read_key
from tests.fakes.gitlab_world import Key, World

KEYS = "reconcile_ssh_keys"
HOME, WORK, BAD = key("home", "zoe@home"), key("work", "zoe@work"), "ssh-rsa AAAA zoe"


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the target have its token."""
    monkeypatch.setenv(VARIABLE, SECRET)


def noted(world: World, name: str) -> dict[str, str]:
    """Return what we have noted with an account."""
    return world.user(name).attributes


def titles(world: World, name: str) -> list[str]:
    """Return the titles of somebody's keys."""
    return [one.title for one in world.user(name).keys.values()]


def test_keys_of_ours_follow_the_directory_and_others_stay() -> None:
    """What the user has added stays, also where the directory has it, too; what is bad is named, noted and not tried again."""
    world = small()
    with gitlab(world) as (_, found):
        own = key("own", "mine")
        fake_key(world, "ann", own, "my laptop")
        fake_key(world, "ben", key("taken", "x"), "his")
        wanted = tuple(sorted((HOME, own, key("taken", "ann@x"), BAD)))
        (outcome,) = run(found, update("ann", {"ssh_keys": None}, {"ssh_keys": wanted}))
        assert outcome.status is Status.APPLIED
        assert "belongs to another account" in outcome.message
        assert f'"{BAD.replace("AAAA", "…AAAA")}" is no SSH public key' in outcome.message
        assert titles(world, "ann") == ["my laptop", "reconcile: zoe@home"]
        state = found.read(Scope("corp", frozenset()))
        assert state.users[who("ann").account].attributes["ssh_keys"] == wanted
        assert sorted(note.code for note in state.notes) == ["GITLAB-REFUSED-KEY"] * 2
        (outcome,) = run(found, update("ann", {"ssh_keys": wanted}, {"ssh_keys": (WORK,)}))
        assert (outcome.status, outcome.message) == (Status.APPLIED, "")
        assert titles(world, "ann") == ["my laptop", "reconcile: zoe@work"]
        assert json.loads(noted(world, "ann")[KEYS]) == [{"key": WORK}]
        assert ends(run(found, update("ann", {"ssh_keys": (WORK,)}, {"ssh_keys": ()}))) == ["applied"]
        assert (titles(world, "ann"), KEYS in noted(world, "ann")) == (["my laptop"], False)


def fake_key(world: World, name: str, text: str, title: str) -> None:
    """Let somebody add a key of their own."""
    _, fingerprint, body = read_key(text)
    number = world.number("key")
    world.user(name).keys[number] = Key(number, title, body, fingerprint, world.now())
    world.fingerprints[fingerprint] = number


def test_keys_whose_adding_broke_off_are_looked_at_again() -> None:
    """What was noted before the first call is not what is wanted, so the next plan has a change; nothing is left behind."""
    world = small()
    with gitlab(world) as (served, found):
        served.fail(Fault("POST", "/users/[0-9]+/keys", ending="reset", effect=True, first=2))
        wanted = tuple(sorted((HOME, WORK)))
        (outcome,) = run(found, update("ann", {"ssh_keys": None}, {"ssh_keys": wanted}))
        assert outcome.status is Status.FAILED
        assert outcome.message.startswith("not all SSH keys are as wanted, and the next plan looks at them again: ")
        served.fail()
        live = found.read(Scope("corp", frozenset())).users[who("ann").account].attributes["ssh_keys"]
        assert live != wanted
        assert len(titles(world, "ann")) == 2
        assert ends(run(found, update("ann", {"ssh_keys": live}, {"ssh_keys": ()}))) == ["applied"]
        assert titles(world, "ann") == []
