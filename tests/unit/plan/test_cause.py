"""What brought each change about: the policy, the directory, or somebody in the target."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reconciler.model.access import Flag, GroupKey, UserKey
from reconciler.model.change import (
    AddMembership,
    Change,
    ChangeRole,
    CreateUser,
    RemoveUser,
    RenameGroup,
    SetFlag,
    UpdateUser,
    Who,
)
from reconciler.model.plan import Cause
from reconciler.plan.cause import ACCOUNT, NOTHING_LEFT, Left, Thing, causes_of
from tests.builders import EDITOR, OWNER, VIEWER, user
from tests.unit.model.changes import ANN, API, EVERY, WHY

ROLE: Thing = ("role", "api")


def left(*groups: str, **things: Mapping[Thing, object]) -> Left:
    """Return what we left: things of people by the name in their key, and groups."""
    return Left({f"id-{name}": held for name, held in things.items()}, frozenset(groups))


def pending(change: Change, known: Left = NOTHING_LEFT) -> Cause:
    """Return the cause of a change that is in both plans."""
    (cause,) = causes_of([change], [change], known).causes
    return cause


@pytest.mark.parametrize("name", EVERY)
def test_what_only_the_head_plans_is_caused_by_the_policy(name: str) -> None:
    """Whatever we left, and also where there is no plan of the base at all."""
    change = EVERY[name]
    assert causes_of([], [change], left("api", ann={ROLE: OWNER})).causes == (Cause.POLICY,)
    assert causes_of(None, [change], NOTHING_LEFT).causes == (Cause.POLICY,)


@pytest.mark.parametrize("name", EVERY)
def test_what_both_plan_was_pending_anyway(name: str) -> None:
    """No change of the policy can be blamed for it."""
    assert pending(EVERY[name]) is not Cause.POLICY
    assert causes_of([EVERY[name]], [EVERY[name]], NOTHING_LEFT).prevented == ()


def test_a_switch_that_was_pending_is_drift() -> None:
    """No directory says anything of it."""
    assert pending(EVERY["setting.set"]) is Cause.DRIFT


def test_another_wish_for_the_same_object_is_caused_by_the_policy() -> None:
    """The base would make her a viewer, the head makes her the owner."""
    before, after = AddMembership(ANN, API, VIEWER, WHY), AddMembership(ANN, API, OWNER, WHY)
    found = causes_of([before], [after], NOTHING_LEFT)
    assert found.causes == (Cause.POLICY,)
    assert found.prevented == ()


def test_what_only_the_base_plans_is_prevented() -> None:
    """It is told, because somebody may have counted on it."""
    remove, add = EVERY["membership.remove"], EVERY["user.enable"]
    assert causes_of([remove, add], [add], NOTHING_LEFT).prevented == (remove,)


@pytest.mark.parametrize(
    ("name", "known", "cause"),
    [
        ("membership.add", left(), "directory"),  # we never gave it: somebody has come into the group
        ("membership.add", left(ann={ROLE: None}), "directory"),  # we took it at last: back again
        ("membership.add", left(ann={ROLE: OWNER}), "drift"),  # we gave it at last, and it is gone
        ("membership.remove", left(ann={ROLE: OWNER}), "directory"),  # we gave it at last: out of the group
        ("membership.remove", left(), "drift"),  # we never gave it
        ("membership.remove", left(ann={ROLE: VIEWER}), "drift"),  # we gave another role
        ("membership.change", left(ann={ROLE: VIEWER}), "directory"),
        ("membership.change", left(ann={ROLE: EDITOR}), "drift"),
        ("user.create", left(), "directory"),
        ("user.create", left(ann={ACCOUNT: True}), "drift"),
        ("user.adopt", left(), "directory"),
        ("user.enable", left(ann={ACCOUNT: False}), "directory"),
        ("user.enable", left(ann={ACCOUNT: True}), "drift"),
        ("user.disable", left(ann={ACCOUNT: True}), "directory"),
        ("user.disable", left(ann={ACCOUNT: False}), "drift"),
        ("user.remove", left(ann={ACCOUNT: True}), "directory"),
        ("user.remove", left(), "drift"),
        ("user.flag", left(ann={("flag", "admin"): False}), "directory"),
        ("user.flag", left(ann={("flag", "admin"): True}), "drift"),
        ("user.update", left(ann={("value", "username"): "anne"}), "directory"),
        ("user.update", left(ann={("value", "username"): "ann"}), "drift"),
        ("user.update", left(ann={("value", "username"): "anne", ("value", "email"): "a@acme.example"}), "drift"),
        ("group.create", left(), "directory"),
        ("group.create", left("api"), "drift"),
        ("group.adopt", left(), "directory"),
        ("group.rename", left("old"), "directory"),
        ("group.rename", left("api"), "drift"),
        ("group.remove", left("api"), "directory"),
        ("group.remove", left(), "drift"),
    ],
)
def test_what_we_left_tells_the_directory_from_the_target(name: str, known: Left, cause: str) -> None:
    """As we left it: then the directory is not as it was. Otherwise: somebody changed the target."""
    assert pending(EVERY[name], known) == cause


def test_an_account_that_we_disabled_may_be_removed_later() -> None:
    """It is inactive, as we left it."""
    change = RemoveUser(ANN, user("ann", active=False), WHY)
    assert pending(change, left(ann={ACCOUNT: False})) is Cause.DIRECTORY
    assert pending(change, left(ann={ACCOUNT: True})) is Cause.DRIFT


def test_a_key_that_changes_is_no_drift() -> None:
    """Keys come from the directory alone; what hangs on the account is still known by the key that it had."""
    rekeyed = UpdateUser(Who("ann", UserKey("id-new")), {"key": "id-ann"}, {"key": "id-new"}, WHY)
    change = ChangeRole(Who("ann", UserKey("id-new")), API, VIEWER, EDITOR, WHY)
    found = causes_of([rekeyed, change], [rekeyed, change], left(ann={ROLE: VIEWER}))
    assert found.causes == (Cause.DIRECTORY, Cause.DIRECTORY)


def test_a_group_that_is_renamed_keeps_what_is_known_of_its_members() -> None:
    """Roles were given in it under the name that it had."""
    renamed = RenameGroup(GroupKey("old"), API, "group-app", WHY)
    change = ChangeRole(ANN, API, VIEWER, EDITOR, WHY)
    found = causes_of([renamed, change], [renamed, change], left("old", ann={("role", "old"): VIEWER}))
    assert found.causes == (Cause.DIRECTORY, Cause.DIRECTORY)


def test_accounts_and_marks_are_told_apart_by_what_they_are_to_be() -> None:
    """The same type and person, another wish: the whole change is the policy's."""
    plain, admin = CreateUser(user("ann"), WHY), CreateUser(user("ann", flags=[Flag.ADMIN]), WHY)
    assert causes_of([plain], [admin], NOTHING_LEFT).causes == (Cause.POLICY,)
    external = SetFlag(ANN, Flag.EXTERNAL, have=False, want=True, reason=WHY)
    assert causes_of([EVERY["user.flag"]], [external], NOTHING_LEFT).causes == (Cause.POLICY,)
