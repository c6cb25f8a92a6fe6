"""The conformance suite finds targets that do not keep the contract, and skips by name what a target cannot do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from unittest import SkipTest

import pytest

from reconciler.model.access import Capabilities, Role, Scope, State, User, UserKey
from reconciler.model.change import Change, CreateUser
from reconciler.targets.base import Batch, Outcome, Right, Rights, Status
from reconciler.targets.sql.settings import settings
from reconciler.targets.sql.target import SqlTarget
from reconciler.testing.conformance import Conformance
from reconciler.testing.examples import REASON
from reconciler.testing.scratch import Scratch
from tests.servers.rosters import RosterScratch, SqliteRoster

SUITE = Conformance()


class Forgetful(SqlTarget):
    """A target that loses changes."""

    def batches(self, changes: Sequence[Change]) -> Iterable[Batch]:
        """Leave the last one out."""
        return super().batches(changes[:-1])


class Backwards(SqlTarget):
    """A target that mixes up what became of which change."""

    def apply(self, batch: Batch) -> list[Outcome]:
        """Report from last to first."""
        return super().apply(batch)[::-1]


class Boastful(SqlTarget):
    """A target that checks nothing, as far as anybody can see."""

    def apply(self, batch: Batch) -> list[Outcome]:
        """Call everything applied."""
        return [Outcome(outcome.change, Status.APPLIED) for outcome in super().apply(batch)]


class Mute(SqlTarget):
    """A target that leaves people guessing."""

    def apply(self, batch: Batch) -> list[Outcome]:
        """Keep the reasons back."""
        return [Outcome(outcome.change, outcome.status) for outcome in super().apply(batch)]


class Writing(SqlTarget):
    """A target that a plan changes."""

    def read(self, scope: Scope) -> State:
        """Leave a visitor behind."""
        visitor = User(UserKey("uuid-visitor"), "visitor")
        self.apply(Batch((CreateUser(visitor, REASON),)))
        return super().read(scope)


class Greedy(SqlTarget):
    """A target that takes what others made for its own."""

    def read(self, scope: Scope) -> State:
        """Put our mark on everybody."""
        state = super().read(scope)
        return replace(state, users={key: replace(user, managed=True) for key, user in state.users.items()})


class Fragile(SqlTarget):
    """A target that falls over when it is closed again."""

    closed = False

    def close(self) -> None:
        """Break the second time."""
        if self.closed:
            raise RuntimeError("closed twice")
        self.closed = True


class Unranked(SqlTarget):
    """A target that contradicts itself."""

    @property
    def capabilities(self) -> Capabilities:
        """Name an owner's role that is none of the roles."""
        return replace(super().capabilities, owner_role=Role("king"))


class Modest(SqlTarget):
    """A target that does not know what it can do."""

    def rights(self) -> Rights:
        """Tell of reading only."""
        return replace(super().rights(), can=frozenset({Right.READ}))


class Trying(SqlTarget):
    """A target that finds out by trying."""

    def rights(self) -> Rights:
        """Leave a visitor behind."""
        self.apply(Batch((CreateUser(User(UserKey("uuid-visitor"), "visitor"), REASON),)))
        return super().rights()


class Lowly(SqlTarget):
    """A target that can do little."""

    @property
    def capabilities(self) -> Capabilities:
        """Say so."""
        return replace(super().capabilities, creates_users=False, attributes=frozenset(), flags=frozenset())


class ScratchOf(RosterScratch):
    """A roster that is opened as one of the targets above."""

    def __init__(self, path: Path, kind: type[SqlTarget]) -> None:
        super().__init__(SqliteRoster(path))
        self._kind = kind

    def open(self) -> SqlTarget:
        """Return the target of that kind."""
        return self._kind(settings(self.roster.options()))


@pytest.mark.parametrize(
    ("kind", "test"),
    [
        (Forgetful, SUITE.test_batches_hold_every_change_once),
        (Forgetful, SUITE.test_a_run_may_rest_on_itself),
        (Backwards, SUITE.test_outcomes_stand_in_the_order_of_the_changes),
        (Boastful, SUITE.test_the_same_run_again_is_stale),
        (Boastful, SUITE.test_a_change_is_stale_when_what_it_expects_is_not_so),
        (Mute, SUITE.test_what_people_made_is_left_alone),
        (Writing, SUITE.test_an_empty_target_reads_as_an_empty_state),
        (Writing, SUITE.test_reading_writes_nothing),
        (Greedy, SUITE.test_what_people_made_is_seen_and_is_not_ours),
        (Unranked, SUITE.test_capabilities_make_sense),
        (Modest, SUITE.test_rights_are_told_and_nothing_is_written_to_find_out),
        (Trying, SUITE.test_rights_are_told_and_nothing_is_written_to_find_out),
    ],
)
def test_a_target_that_breaks_the_contract_is_found(
    tmp_path: Path, kind: type[SqlTarget], test: Callable[[Scratch], None]
) -> None:
    """Each is wrong in one way, and the test for that way fails while it passes for an honest one."""
    test(ScratchOf(tmp_path / "honest.db", SqlTarget))
    with pytest.raises(AssertionError):
        test(ScratchOf(tmp_path / "wrong.db", kind))


def test_a_target_that_cannot_be_closed_twice_is_found(tmp_path: Path) -> None:
    """Its own error comes through."""
    with pytest.raises(RuntimeError, match="closed twice"):
        SUITE.test_a_target_can_be_closed_twice(ScratchOf(tmp_path / "wrong.db", Fragile))


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        (SUITE.test_a_run_may_rest_on_itself, "this target does not create users"),
        (SUITE.test_attributes_change_in_place, "this target does not keep attributes"),
        (SUITE.test_flags_are_given_and_taken, "this target does not keep flags"),
    ],
)
def test_what_a_target_cannot_do_is_skipped_by_name(
    tmp_path: Path, test: Callable[[Scratch], None], reason: str
) -> None:
    """A skip that says why, never a pass."""
    with pytest.raises(SkipTest, match=reason):
        test(ScratchOf(tmp_path / "roster.db", Lowly))
