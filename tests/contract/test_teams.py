"""A target that no part of the project knows, of a package of its own and over HTTP, keeps what every target has to keep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef
from reconciler.targets.base import Options, Target
from reconciler.targets.registry import create
from reconciler.testing.conformance import Conformance
from reconciler.testing.scratch import Scratch
from tests.fakes.teams_server import Served, serving
from tests.plugins.installed import FOLDER


class TeamsScratch:
    """A running app."""

    directory = "corp"

    def __init__(self, served: Served) -> None:
        self.served = served

    def open(self) -> Target:
        """Return the target through the door by which all targets are found."""
        token = SecretRef("env", "TEAMS_TOKEN", Position("x", 1))
        return create("teams", Options("teams", "corp", {"url": self.served.url, "token": token}, "/", ()))

    def user_by_hand(self, username: str) -> None:
        """Make an account that is not ours."""
        self.served.app.seed_user(username)

    def group_by_hand(self, name: str) -> None:
        """Make a group that is not ours."""
        self.served.app.seed_group(name)

    def membership_by_hand(self, username: str, group: str, role: str) -> None:
        """Make a membership."""
        app = self.served.app
        user = next(number for number, row in app.users.items() if row["username"] == username)
        team = next(number for number, row in app.groups.items() if row["name"] == group)
        app.members[team][user] = role

    def content(self) -> object:
        """Return what is stored."""
        return self.served.app.content()


class TestTeams(Conformance):
    """Over a socket."""

    @pytest.fixture
    def scratch(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scratch]:
        """Give an empty app."""
        monkeypatch.syspath_prepend(FOLDER)
        monkeypatch.setenv("TEAMS_TOKEN", "secret-token")
        with serving() as served:
            yield TeamsScratch(served)
