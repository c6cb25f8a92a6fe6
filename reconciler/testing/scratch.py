"""An instance of a target to try things on, and the few moves that every conformance test makes; knows no target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Protocol, TypeVar
from unittest import SkipTest

from reconciler.model.access import Capabilities, Flag, GroupKey, Scope, State, Totals, UserKey, Value
from reconciler.model.change import Change, type_name
from reconciler.plan.holds import Holding, holdings
from reconciler.targets.base import Outcome, Status, Target
from reconciler.testing.oracle import after, without_empty

_T = TypeVar("_T")


class Scratch(Protocol):
    """An empty instance of the target, and a way behind the adapter's back."""

    @property
    def directory(self) -> str:
        """Return the name of the directory that the target is made for."""

    def open(self) -> Target:
        """Return the target under test; every call may return a new one for the same instance."""

    def user_by_hand(self, username: str) -> None:
        """Make an account as people make them: without our mark."""

    def group_by_hand(self, name: str) -> None:
        """Make a group as people make them: without our mark."""

    def membership_by_hand(self, username: str, group: str, role: str) -> None:
        """Make a membership as people make them: without our mark, where memberships carry one."""

    def content(self) -> object:
        """Return everything that is stored, comparable; nothing stored and nothing there yet are the same."""


def capabilities(scratch: Scratch) -> Capabilities:
    """Return what the target says that it can do."""
    with closing(scratch.open()) as target:
        return target.capabilities


def needs(ability: object, what: str) -> None:
    """Skip the test, by name, on a target that does not say it can do this."""
    if not ability:
        raise SkipTest(f"this target does not {what}")


def read(scratch: Scratch, groups: Iterable[GroupKey]) -> State:
    """Return the live state, as asked for before accounts may be removed; groups without members are left out of the memberships."""
    with closing(scratch.open()) as target:
        state = target.read(Scope(scratch.directory, frozenset(groups), all_managed_groups=True))
    return comparable(state)


def comparable(state: State) -> State:
    """Return a live state without what targets may say differently: groups without members, attributes without a value, the
    account of the credential and what it holds, and what is said of the instance as a whole.
    """
    people = {key: replace(user, attributes=_given(user.attributes)) for key, user in state.users.items()}
    rows, by_hand = (
        without_empty({group: _but(members, state.own) for group, members in side.items()})
        for side in (state.memberships, state.by_hand)
    )
    return State(_but(people, state.own), state.groups, rows, by_hand, totals=state.totals)


def _but(found: Mapping[UserKey, _T], own: UserKey | None) -> dict[UserKey, _T]:
    return {key: value for key, value in found.items() if key != own}


def _given(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in attributes.items() if value}


def apply(scratch: Scratch, changes: Sequence[Change]) -> list[Outcome]:
    """Make the changes as a run does, and check that there is one outcome for each, in order."""
    outcomes: dict[int, Outcome] = {}
    with closing(scratch.open()) as target:
        for batch in target.batches(changes):
            made = target.apply(batch)
            same([outcome.change for outcome in made], list(batch.changes), "the changes of the outcomes")
            outcomes |= {id(change): outcome for change, outcome in zip(batch.changes, made, strict=True)}
    same(sorted(outcomes), sorted(map(id, changes)), "the changes that are in a batch")
    return [outcomes[id(change)] for change in changes]


def make(scratch: Scratch, *changes: Change) -> None:
    """Make the changes, all of which have to be applied."""
    for outcome in apply(scratch, changes):
        same((outcome.status, outcome.message), (Status.APPLIED, ""), f"what became of {type_name(outcome.change)}")


def leads_to(scratch: Scratch, groups: Iterable[GroupKey], *changes: Change) -> State:
    """Make the changes and check that the target then reads as it has to; return that state.

    What the target reads as has to say of every change that it can be made before, and that it is made after.
    """
    named = frozenset(groups)
    have = read(scratch, named)
    expected = comparable(after(have, changes, capabilities(scratch)))
    _stand(have, changes, Holding.PENDING)
    make(scratch, *changes)
    found = read(scratch, named)
    _stand(found, changes, Holding.DONE)
    same(found.users, expected.users, "the accounts")
    same(found.groups, expected.groups, "the groups")
    same(found.memberships, expected.memberships, "the memberships")
    same(found.by_hand, expected.by_hand, "the memberships made by hand")
    same(found.settings, expected.settings, "the settings")
    return found


def is_stale(scratch: Scratch, change: Change) -> None:
    """Check that the change is found stale, with a message, and that nothing is written for it."""
    before = scratch.content()
    (outcome,) = apply(scratch, [change])
    same(outcome.status, Status.STALE, f"what became of {type_name(change)}")
    true(outcome.message, f"there is a message on the stale {type_name(change)}")
    same(scratch.content(), before, f"what is stored after a stale {type_name(change)}")


def _stand(state: State, changes: Sequence[Change], expected: Holding) -> None:
    for change, found in zip(changes, holdings(state, changes), strict=True):
        same((found.holding, found.words if expected is Holding.PENDING else ""), (expected, ""), type_name(change))


def same(found: object, expected: object, what: str) -> None:
    """Raise AssertionError unless the two are equal."""
    if found != expected:
        raise AssertionError(f"{what}:\n  found    {found!r}\n  expected {expected!r}")


def true(fact: object, what: str) -> None:
    """Raise AssertionError unless `fact` holds."""
    if not fact:
        raise AssertionError(f"not so: {what}")


def totals(whole: State) -> Totals:
    """Return how much of ours a whole state holds."""
    ours = [user for user in whole.users.values() if user.managed]
    return Totals(
        accounts=sum(user.active for user in ours),
        admins=sum(user.flags.get(Flag.ADMIN, False) for user in ours),
        groups=sum(group.managed for group in whole.groups.values()),
        memberships=sum(map(len, whole.memberships.values())),
    )
