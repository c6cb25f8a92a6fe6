"""A GitLab keeps what every target has to keep, as its API is documented: the same over a socket, with and without ids of people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.targets.base import Options, Target
from reconciler.targets.registry import create
from reconciler.testing.conformance import Conformance
from reconciler.testing.scratch import Scratch
from tests.e2e.gitlab_reading import PROVIDER, SECRET, TOKEN, VARIABLE, world_of
from tests.fakes.gitlab_seed import dump
from tests.fakes.gitlab_server import Served, serving


class GitlabScratch:
    """A running GitLab, of the edition that has everything."""

    directory = "corp"

    def __init__(self, served: Served, *, remember: bool) -> None:
        self.served = served
        self.remember = remember

    def open(self) -> Target:
        """Return the target through the door by which all targets are found."""
        keys = {"url": self.served.url, "token": TOKEN, "provider": PROVIDER, "remember": self.remember}
        return create("gitlab", Options("gitlab", "corp", {**keys, "delete_rate": 60_000}, "/", ()))

    def user_by_hand(self, username: str) -> None:
        """Make an account that is not ours."""
        self.served.world.add_user(username)

    def group_by_hand(self, name: str) -> None:
        """Make a group."""
        self.served.world.add_group(name)

    def membership_by_hand(self, username: str, group: str, role: str) -> None:
        """Make a membership."""
        world, levels = self.served.world, {"minimal": 5, "owner": 50}
        world.add_member(world.source(group), world.user(username), levels[role])

    def content(self) -> object:
        """Return what is stored."""
        return dump(self.served.world)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Give a GitLab in which there is nobody but the account of our token."""
    monkeypatch.setenv(VARIABLE, SECRET)
    world = world_of()
    world.instance.enterprise = True
    with serving(world) as served:
        yield served


class TestGitlab(Conformance):
    """Accounts are known by their DN until they have an id."""

    @pytest.fixture
    def scratch(self, running: Served) -> Scratch:
        """Give an empty GitLab."""
        return GitlabScratch(running, remember=False)


class TestGitlabThatRemembers(Conformance):
    """Accounts are given the ids of their people."""

    @pytest.fixture
    def scratch(self, running: Served) -> Scratch:
        """Give an empty GitLab."""
        return GitlabScratch(running, remember=True)
