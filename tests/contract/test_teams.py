"""A target that no part of the project knows, of a package of its own and over HTTP, keeps what every target has to keep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from reconciler.model.access import Role, Scope, UserKey
from reconciler.model.change import AddMembership, Who
from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef
from reconciler.targets.base import Options, Status, Target
from reconciler.targets.pages import side_by_side
from reconciler.targets.registry import create
from reconciler.testing.conformance import Conformance
from reconciler.testing.examples import REASON, TEAM
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


def test_many_go_in_few_calls_and_come_back_in_few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred a call, one call a batch, all of one stage; who was refused among them is the only one who is not in."""
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setenv("TEAMS_TOKEN", "secret-token")
    people = [Who(f"user{number:03}", UserKey(f"id-{number:03}")) for number in range(230)]
    with serving() as served:
        for who in people:
            served.app.seed_user(who.username, provider="corp", external_id=who.key)
        served.app.seed_group("team")
        served.app.forbidden = {"user007"}
        additions = [AddMembership(who, TEAM, Role("reader"), REASON) for who in people]
        with closing(TeamsScratch(served).open()) as target:
            batches = list(target.batches(additions))
            assert [(len(batch.changes), batch.stage) for batch in batches] == [(100, 0), (100, 0), (30, 0)]
            outcomes = [outcome for made in side_by_side(target.apply, batches, target.parallel) for outcome in made]
            assert [entry.path for entry in served.writes()] == ["/api/v1/groups/231/members"] * 3
            failed = [outcome for outcome in outcomes if outcome.status is not Status.APPLIED]
            assert [(one.change, one.status, one.message) for one in failed] == [
                (additions[7], Status.FAILED, "may not be added")
            ]
            served.log.clear()
            held = target.read(Scope("corp", frozenset({TEAM}))).memberships[TEAM]
        assert held.keys() == {who.key for who in people} - {people[7].key}
        pages = [entry.query["page"] for entry in served.log if entry.path.endswith("/members")]
        assert pages == ["1", "2", "3"] * 2, "read until two reads were the same"
