"""How a plan's changes group into the calls that GitLab takes."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.access import Group, GroupKey, Role, UserKey, Value
from reconciler.model.change import (
    AddMembership,
    Change,
    ChangeRole,
    CreateGroup,
    RemoveMembership,
    UpdateUser,
    Who,
)
from reconciler.model.reason import Reason, Why
from reconciler.targets.gitlab.batches import batches

REASON = Reason(Why.GROUP_LINK)
DEVELOPER, MAINTAINER, OWNER = Role("developer"), Role("maintainer"), Role("owner")


def who(name: str) -> Who:
    """Return a person."""
    return Who(name, UserKey(f"id-{name}"))


def add(name: str, group: str, role: Role = DEVELOPER) -> AddMembership:
    """Return an addition."""
    return AddMembership(who(name), GroupKey(group), role, REASON)


def change(name: str, group: str, have: Role, want: Role) -> ChangeRole:
    """Return a change of role."""
    return ChangeRole(who(name), GroupKey(group), have, want, REASON)


def remove(name: str, group: str, have: Role = DEVELOPER) -> RemoveMembership:
    """Return a removal."""
    return RemoveMembership(who(name), GroupKey(group), have, REASON)


def update(name: str, have: dict[str, Value | None], want: dict[str, Value | None]) -> UpdateUser:
    """Return an update of an account."""
    return UpdateUser(who(name), have, want, REASON)


def shape(changes: Sequence[Change]) -> list[tuple[int, list[int]]]:
    """Return the stage of each batch, and which of the changes are in it."""
    places = {id(one): place for place, one in enumerate(changes)}
    return [(batch.stage, [places[id(one)] for one in batch.changes]) for batch in batches(changes)]


def test_additions_go_by_the_hundred_one_group_and_one_role_a_call() -> None:
    """The calls of one type are of one stage."""
    changes = [add(f"u{number}", "a") for number in range(230)] + [add("x", "a", OWNER), add("u1", "b")]
    assert [(stage, len(places)) for stage, places in shape(changes)] == [(0, 100), (0, 100), (0, 30), (0, 1), (0, 1)]


def test_roles_change_together_whoever_stands_between() -> None:
    """What the plan has in the order of names goes out in the order of roles."""
    changes = [
        change("ann", "a", DEVELOPER, MAINTAINER),
        change("ben", "a", DEVELOPER, OWNER),
        change("cid", "a", DEVELOPER, MAINTAINER),
    ]
    assert shape(changes) == [(0, [0, 2]), (0, [1])]


def test_removals_take_turns_among_the_groups() -> None:
    """So that no group's limit keeps the others waiting."""
    changes = [remove("ann", "a"), remove("ben", "a"), remove("cid", "a"), remove("ann", "b"), remove("ann", "c")]
    assert shape(changes) == [(0, [0]), (0, [3]), (0, [4]), (0, [1]), (0, [2])]


def test_types_do_not_overtake_each_other() -> None:
    """A stage for each run of changes of one type, in the order of the plan."""
    changes: list[Change] = [
        remove("ann", "a", OWNER),
        change("ann", "a/b", OWNER, DEVELOPER),
        remove("ben", "a"),
        add("ben", "a/b"),
    ]
    assert shape(changes) == [(0, [0]), (1, [1]), (2, [2]), (3, [3])]


def test_a_role_above_changes_before_the_one_below() -> None:
    """GitLab refuses a role that is lower than the inherited one; other people and other groups do not wait."""
    changes = [
        change("ann", "a", MAINTAINER, DEVELOPER),
        change("ann", "a/b/c", MAINTAINER, DEVELOPER),
        change("ann", "ab/c", MAINTAINER, DEVELOPER),
        change("ben", "a/b/c", MAINTAINER, DEVELOPER),
        change("ann", "a/b/c/d", MAINTAINER, DEVELOPER),
    ]
    assert shape(changes) == [(0, [0]), (0, [2]), (0, [3]), (1, [1]), (2, [4])]


def test_a_new_owner_comes_before_an_old_one_goes() -> None:
    """Also where the new one is in a group above; the group would have none in between."""
    changes = [
        change("new", "a", DEVELOPER, OWNER),
        change("top", "t", DEVELOPER, OWNER),
        change("old", "a", OWNER, DEVELOPER),
        change("low", "t/s", OWNER, DEVELOPER),
        change("ben", "b", OWNER, DEVELOPER),
    ]
    assert shape(changes) == [(0, [0]), (0, [1]), (0, [4]), (1, [2]), (1, [3])]


def test_groups_are_made_from_the_top() -> None:
    """Those side by side at once."""
    changes = [CreateGroup(Group(GroupKey(path)), REASON) for path in ("a", "a/b", "a/b/c", "a/d", "e")]
    assert shape(changes) == [(0, [0]), (0, [4]), (1, [1]), (1, [3]), (2, [2])]


def test_what_an_account_gives_up_is_free_before_another_takes_it() -> None:
    """One after the other along a chain, whatever the order of names; in a circle the call tells that it cannot be."""
    changes = [
        update("ann", {"email": "ann@x"}, {"email": "ben@x"}),
        update("ben", {"email": "ben@x", "dn": "cn=1"}, {"email": "cid@x", "dn": "cn=2"}),
        update("cid", {"email": "cid@x", "dn": "cn=2"}, {"email": "new@x", "dn": "cn=3"}),
        update("dan", {"name": "Dan"}, {"name": "Ben"}),
        update("eve", {"email": "eve@x"}, {"email": "fay@x"}),
        update("fay", {"email": "fay@x"}, {"email": "eve@x"}),
        update("gil", {"kerberos": None}, {"kerberos": "gil@X"}),
        update("hal", {"kerberos": None, "email": "hal@x"}, {"kerberos": "hal@X", "email": "hal@y"}),
    ]
    stages = {place: stage for stage, places in shape(changes) for place in places}
    assert (stages[2], stages[1], stages[0]) == (0, 1, 2)
    assert [stages[place] for place in (3, 6, 7)] == [0, 0, 0]
    assert stages[4] == stages[5] > 2


def test_the_longest_way_counts() -> None:
    """Who takes from two waits for the later one."""
    changes = [
        update("ann", {"email": "a", "dn": "a"}, {"email": "b", "dn": "c"}),
        update("ben", {"email": "b"}, {"email": "n"}),
        update("cid", {"dn": "c", "email": "c"}, {"dn": "n", "email": "b"}),
    ]
    holders = {place: stage for stage, places in shape(changes) for place in places}
    assert holders == {1: 0, 2: 1, 0: 2}


NAMES = st.sampled_from(["ann", "ben", "cid"])
GROUPS = st.sampled_from(["a", "a/b", "a/b/c", "d"])
ROLES = st.sampled_from([DEVELOPER, MAINTAINER, OWNER])


@given(
    st.lists(
        st.one_of(
            st.builds(add, NAMES, GROUPS, ROLES),
            st.builds(change, NAMES, GROUPS, ROLES, ROLES),
            st.builds(remove, NAMES, GROUPS, ROLES),
        )
    )
)
def test_every_change_is_in_one_batch_and_stages_never_fall(changes: list[Change]) -> None:
    """Nothing is left out or made twice, and a later type is in a later stage."""
    found = shape(changes)
    assert sorted(place for _, places in found for place in places) == list(range(len(changes)))
    stages = [stage for stage, _ in found]
    assert stages == sorted(stages)
    stage_of = {place: stage for stage, places in found for place in places}
    for place in range(1, len(changes)):
        if type(changes[place]) is not type(changes[place - 1]):
            assert stage_of[place] > stage_of[place - 1]


def test_an_ssh_key_is_given_up_before_another_account_gets_it() -> None:
    """Whatever its comment; one that stays where it is holds up nobody."""
    changes = [
        update("ann", {"ssh_keys": ("rsa A",)}, {"ssh_keys": ("rsa A", "rsa B now mine")}),
        update("ben", {"ssh_keys": ("rsa B old", "rsa C")}, {"ssh_keys": ("rsa C here",)}),
        update("cid", {"ssh_keys": None}, {"ssh_keys": ("rsa A", "rsa C")}),
    ]
    assert shape(changes) == [(0, [1]), (0, [2]), (1, [0])]
