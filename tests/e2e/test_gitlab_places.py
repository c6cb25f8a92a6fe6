"""Groups in a GitLab, and the lock on its memberships: made and set, and asked for where no answer came."""

from __future__ import annotations

import pytest

from reconciler.model.access import Group, GroupKey
from reconciler.model.change import (
    CreateGroup,
    SetSetting,
)
from reconciler.targets.base import Status
from tests.e2e.gitlab_reading import SECRET, VARIABLE
from tests.e2e.gitlab_writing import (
    OWNER,
    REASON,
    add,
    change,
    ends,
    gitlab,
    remove,
    run,
    small,
)
from tests.fakes.gitlab_faults import Fault


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the target have its token."""
    monkeypatch.setenv(VARIABLE, SECRET)


def test_groups_are_made_below_each_other_and_people_put_into_them() -> None:
    """Each in the one above by its number, as visible as the policy says."""
    world = small()
    paths = [GroupKey(path) for path in ("new", "new/Below", "new/Below/deep")]
    with gitlab(world, group_visibility="internal") as (_, found):
        made = [CreateGroup(Group(path), REASON) for path in paths]
        assert ends(run(found, *made, add("ann", "new/Below/deep"))) == ["applied"] * 4
        assert ends(run(found, CreateGroup(Group(GroupKey("no/such")), REASON))) == [
            "failed there is no group no to make it in"
        ]
        assert ends(run(found, made[0])) == ["stale new: the group is there already, and it is ours"]
    assert [world.source(path).full_path for path in paths] == list(paths)
    assert world.source("new/below/deep").visibility == "internal"
    assert world.levels("new/below/deep")["ann"] == 30


def test_a_group_whose_making_got_no_answer_is_there() -> None:
    """It is looked for, and people are put into it."""
    world = small()
    with gitlab(world) as (served, found):
        served.fail(Fault("POST", "/groups", effect=True, ending="reset"))
        assert (
            ends(run(found, CreateGroup(Group(GroupKey("acme/app")), REASON), add("ann", "acme/app")))
            == ["applied"] * 2
        )


def test_memberships_are_locked_where_gitlab_has_that() -> None:
    """Elsewhere the change is stale."""
    world = small()
    lock = SetSetting("membership_lock", have=False, want=True, reason=REASON)
    with gitlab(world) as (_, found):
        assert [outcome.status for outcome in run(found, lock)] == [Status.STALE]
    world.instance.enterprise = True
    with gitlab(world) as (_, found):
        assert ends(run(found, lock)) == ["applied"]
        assert (
            ends(run(found, add("ann"), change("ann", add("ann").want, OWNER), remove("ann", have=OWNER)))[0]
            == "applied"
        )
    assert world.instance.lock_memberships
