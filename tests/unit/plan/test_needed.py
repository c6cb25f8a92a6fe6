"""What of a target a few changes have to look at."""

from __future__ import annotations

import pytest

from reconciler.model.access import Group, Scope, User, UserKey
from reconciler.model.change import AdoptGroup, Change, CreateGroup, CreateUser, DisableUser, RemoveGroup, RemoveUser
from reconciler.plan.needed import FEW, scope_for
from tests.builders import user
from tests.unit.model.changes import ANN, API, EVERY, WHY

MIRROR = Group(API, "group-app")
ADD, CHANGE, END = (EVERY[name] for name in ("membership.add", "membership.change", "membership.remove"))
RENAME = EVERY["group.rename"]


@pytest.mark.parametrize(
    ("change", "groups", "everything"),
    [
        (ADD, {"api"}, False),
        (CHANGE, {"api"}, False),
        (END, {"api"}, False),
        (CreateGroup(Group(API), WHY), {"api"}, False),
        (CreateGroup(MIRROR, WHY), {"api"}, True),
        (AdoptGroup(Group(API), WHY), {"api"}, False),
        (RENAME, {"old", "api"}, True),
        (RemoveGroup(MIRROR, WHY), {"api"}, True),
        (RemoveUser(ANN, user("ann"), WHY), set(), True),
        (DisableUser(ANN, WHY), set(), False),
    ],
)
def test_a_look_covers_what_a_change_concerns(change: Change, groups: set[str], everything: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Everything of ours where something mirrors a directory group, or an account goes with all that hangs on it."""
    scope = scope_for("corp", [change])
    assert (scope.directory, set(scope.groups), scope.all_managed_groups) == ("corp", groups, everything)


def test_a_look_at_few_changes_asks_for_no_account_but_those_concerned() -> None:
    """By the keys that they have or are to have, and whoever has a name that is to be theirs."""
    new = User(UserKey("id-new"), "newcomer")
    scope = scope_for("corp", [CreateUser(new, WHY), ADD, CreateGroup(MIRROR, WHY)], part=True)
    assert scope == Scope(
        "corp",
        frozenset({API}),
        all_managed_groups=True,
        users=frozenset({ANN.key, new.key}),
        names=frozenset({"newcomer"}),
        sources=frozenset({"group-app"}),
    )


def test_a_look_at_many_changes_asks_for_everybody() -> None:
    """One long list is cheaper than many questions."""
    assert scope_for("corp", [ADD] * FEW, part=True).users == frozenset({ANN.key})
    assert scope_for("corp", [ADD] * (FEW + 1), part=True) == Scope("corp", frozenset({API}))
