"""Preconditions on a live state: what can be made, what is made already, and the words for what is there instead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.access import Flag, Group, GroupKey, State, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateGroup,
    CreateUser,
    DisableUser,
    EnableUser,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    UpdateUser,
    Who,
)
from reconciler.plan.holds import Holding, holdings
from tests.builders import EDITOR, OWNER, VIEWER, live, stranger, user
from tests.unit.model.changes import ANN, API, EVERY, WHY

BOB = Who("bob", UserKey("id-bob"))
STRANGER = AdoptUser(Who("bob", BOB.key), stranger("bob"), WHY)
RENAME = RenameGroup(GroupKey("old"), API, "group-app", WHY)
MIRROR = Group(API, "group-app")
REKEY = UpdateUser(ANN, {"key": "local:ann"}, {"key": "id-ann"}, WHY)
LOCAL_ANN = user("ann", key="local:ann")
HELD = live({"api": {"ann": EDITOR}})
ADD = AddMembership(ANN, API, OWNER, WHY)
CHANGE = ChangeRole(ANN, API, VIEWER, OWNER, WHY)
END = RemoveMembership(ANN, API, OWNER, WHY)
LOCK = EVERY["setting.set"]

STALE = [
    (ADD, live({"api": {"ann": VIEWER}}), "ann in api: the role is viewer, the plan expected none"),
    (ADD, live({}, by_hand={"api": {"ann": OWNER}}), "ann in api: there is a membership made by hand, owner"),
    (ADD, live({}, user("ann")), "ann in api: there is no group api"),
    (ADD, live({}, groups=[Group(API)]), "ann in api: there is no account with the key id-ann"),
    (CHANGE, HELD, "ann in api: the role is editor, the plan expected viewer"),
    (
        CHANGE,
        live({}, user("ann"), groups=[Group(API)]),
        "ann in api: there is no membership, the plan expected viewer",
    ),
    (END, HELD, "ann in api: the role is editor, the plan expected owner"),
    (
        CreateGroup(MIRROR, WHY),
        live(groups=[Group(GroupKey("x"), "group-app")]),
        "api: the group x mirrors group-app already",
    ),
    (
        CreateGroup(Group(API), WHY),
        live(groups=[Group(API, managed=False)]),
        "api: a group of that name is there, and it is not ours",
    ),
    (CreateGroup(Group(API), WHY), live(groups=[MIRROR]), 'api: the group mirrors "group-app" now'),
    (
        AdoptUser(BOB, user("ann"), WHY),
        live({}, user("ann")),
        "ann: the account is ours already, with the key id-ann",
    ),
    (AdoptGroup(Group(API), WHY), State(), "api: there is no group of that name any more"),
    (AdoptGroup(Group(API), WHY), live(groups=[MIRROR]), 'api: the group mirrors "group-app" now'),
    (RENAME, State(), "old: there is no group of that name any more"),
    (
        RENAME,
        live(groups=[Group(GroupKey("old"), "other")]),
        'old: the group mirrors "other", the plan expected "group-app"',
    ),
    (RENAME, live(groups=[Group(GroupKey("old"), managed=False)]), "old: the group is not ours any more"),
    (
        RENAME,
        live(groups=[Group(GroupKey("old"), "group-app"), Group(API)]),
        "api: a group of that name is there already",
    ),
    (
        RemoveGroup(MIRROR, WHY),
        live({"api": {"ann": VIEWER}}, groups=[MIRROR]),
        "api: the plan does not end all memberships in the group, 1 would stay",
    ),
    (
        RemoveGroup(MIRROR, WHY),
        live(groups=[Group(API)]),
        'api: the group mirrors "", the plan expected "group-app"',
    ),
    (
        CreateUser(user("ann"), WHY),
        live({}, replace(user("ann"), managed=False)),
        "ann: an account with the key id-ann is there, and it is not ours",
    ),
    (
        CreateUser(user("ann"), WHY),
        live({}, user("anne", key="id-ann")),
        "ann: an account with the key id-ann is there already, and it is another one",
    ),
    (
        CreateUser(user("ann"), WHY),
        live({}, user("ann", flags=[Flag.ADMIN])),
        "ann: an account with the key id-ann is there already, and it is another one",
    ),
    (CreateUser(user("ann"), WHY), live({}, stranger("Ann")), "ann: an account of that name is there already"),
    (STRANGER, State(), "bob: there is no account of that name with the key local:bob any more"),
    (
        STRANGER,
        live({}, stranger("bob"), replace(user("bobby", key="id-bob"), managed=False)),
        "bob: another account has the key id-bob already",
    ),
    (EVERY["user.update"], live({}, user("ann")), 'ann: username is "ann", the plan expected "anne"'),
    (EVERY["user.update"], State(), "ann: there is no account with the key id-ann any more"),
    (
        EVERY["user.update"],
        live({}, replace(user("anne", key="id-ann"), managed=False)),
        "ann: the account is not ours any more",
    ),
    (
        REKEY,
        live({}, LOCAL_ANN, replace(user("x", key="id-ann"), managed=False)),
        "ann: another account has the key id-ann already",
    ),
    (
        UpdateUser(ANN, {"username": "ann"}, {"username": "bob"}, WHY),
        live({}, user("ann"), user("bob")),
        "bob: an account of that name is there already",
    ),
    (EnableUser(ANN, WHY), State(), "ann: there is no account with the key id-ann any more"),
    (
        EnableUser(ANN, WHY),
        live({}, replace(user("ann", active=False), disabled_by_hand=True)),
        "ann: the account was disabled by hand, so it is not ours to enable",
    ),
    (DisableUser(ANN, WHY), live({}, replace(user("ann"), managed=False)), "ann: the account is not ours any more"),
    (
        RemoveUser(ANN, user("ann"), WHY),
        live({}, replace(user("ann"), managed=False)),
        "ann: the account is not ours any more",
    ),
    (RemoveUser(ANN, user("ann"), WHY), live({}, user("anne", key="id-ann")), "ann: the account is called anne now"),
    (RemoveUser(ANN, user("ann"), WHY), HELD, "ann: the plan does not end all memberships that hang on the account"),
    (LOCK, State(), "membership_lock: the target has no such setting any more"),
]

DONE = [
    (ADD, live({"api": {"ann": OWNER}}), "ann in api: the role is owner already"),
    (CHANGE, live({"api": {"ann": OWNER}}), "ann in api: the role is owner already"),
    (END, State(), "ann in api: there is no membership any more"),
    (CreateGroup(MIRROR, WHY), live(groups=[MIRROR]), "api: the group is there already, and it is ours"),
    (AdoptGroup(MIRROR, WHY), live(groups=[MIRROR]), "api: the group is there already, and it is ours"),
    (RENAME, live(groups=[MIRROR]), "old: the group is called api already"),
    (RemoveGroup(MIRROR, WHY), State(), "api: there is no group of that name any more"),
    (CreateUser(user("ann"), WHY), live({}, user("ann")), "ann: the account is there already, and it is ours"),
    (
        CreateUser(replace(user("ann", active=False), attributes={"email": "x"}, flags={}), WHY),
        live({}, replace(user("ann", active=False), attributes={})),
        "ann: the account is there already, and it is ours",
    ),
    (STRANGER, live({}, user("bob")), "bob: the account is ours already"),
    (REKEY, live({}, user("ann")), "ann: key as the plan wants it already"),
    (EnableUser(ANN, WHY), live({}, user("ann")), "ann: the account is active already"),
    (DisableUser(ANN, WHY), live({}, user("ann", active=False)), "ann: the account is disabled already"),
    (EVERY["user.flag"], live({}, user("ann", flags=[Flag.ADMIN])), "ann: admin is on already"),
    (RemoveUser(ANN, user("ann"), WHY), State(), "ann: there is no account with the key id-ann any more"),
    (LOCK, State(settings={"membership_lock": True}), "membership_lock: on already"),
]


@pytest.mark.parametrize(("change", "have", "words"), STALE)
def test_what_is_something_else_now_is_stale_and_named(change: Change, have: State, words: str) -> None:
    """The words say what is there, where the plan expected something else."""
    (found,) = holdings(have, [change])
    assert (found.holding, found.words) == (Holding.STALE, words)


@pytest.mark.parametrize(("change", "have", "words"), DONE)
def test_what_is_so_already_is_done(change: Change, have: State, words: str) -> None:
    """Whoever made it so."""
    (found,) = holdings(have, [change])
    assert (found.holding, found.words) == (Holding.DONE, words)


def test_changes_rest_on_earlier_ones() -> None:
    """An account, a group and a role in it; and everything is given back in the right order."""
    up: list[Change] = [CreateUser(user("ann"), WHY), CreateGroup(MIRROR, WHY), ADD]
    down: list[Change] = [END, RemoveUser(ANN, user("ann"), WHY), RemoveGroup(MIRROR, WHY)]
    assert [one.holding for one in holdings(State(), [*up, *down])] == [Holding.PENDING] * 6


def test_names_can_be_exchanged() -> None:
    """Each takes the name that the other gives up; the end of the run counts."""
    have = live({}, user("ann"), user("bob"))
    swap = [
        UpdateUser(ANN, {"username": "ann"}, {"username": "bob"}, WHY),
        UpdateUser(BOB, {"username": "bob"}, {"username": "ann"}, WHY),
    ]
    assert [one.holding for one in holdings(have, swap)] == [Holding.PENDING] * 2
    assert [one.holding for one in holdings(have, swap[:1])] == [Holding.STALE]


def test_what_rests_on_a_stale_change_is_stale_too() -> None:
    """The name of the new account is taken, so there will be nobody to give a role to."""
    have = live({}, stranger("ann"), groups=[Group(API)])
    found = holdings(have, [CreateUser(user("ann"), WHY), ADD])
    assert [one.holding for one in found] == [Holding.STALE] * 2
    assert found[1].words == "ann in api: there is no account with the key id-ann"


def test_a_new_key_takes_everything_along() -> None:
    """Memberships of both kinds hang on the account under its new key, so it cannot be removed with them."""
    have = live({"api": {"ann": VIEWER}}, LOCAL_ANN, by_hand={"by-hand": {"ann": OWNER}})
    remove = RemoveUser(ANN, user("ann"), WHY)
    end = RemoveMembership(ANN, API, VIEWER, WHY)
    found = [one.holding for one in holdings(have, [REKEY, end, remove])]
    assert found == [Holding.PENDING, Holding.PENDING, Holding.STALE]


@pytest.mark.parametrize(
    "change", [REKEY, AdoptUser(ANN, stranger("ann"), WHY), *(EVERY[f"user.{name}"] for name in ("enable", "flag"))]
)
def test_what_was_done_to_an_account_that_is_removed_in_the_end_is_done(change: Change) -> None:
    """The account is gone; without its removal in the same run that would be somebody else's doing."""
    remove = RemoveUser(ANN, user("ann"), WHY)
    found = holdings(State(), [change, remove])
    assert [one.holding for one in found] == [Holding.DONE] * 2
    assert found[0].words == "ann: the account is gone already, as this plan wants it in the end"
    assert [one.holding for one in holdings(State(), [change])] == [Holding.STALE]


def test_an_account_is_adopted_under_the_key_that_it_has() -> None:
    """Some targets hold the directory's id on accounts that are not ours."""
    have = live({}, replace(user("bob"), managed=False))
    adopt = AdoptUser(BOB, have.users[BOB.key], WHY)
    assert [one.holding for one in holdings(have, [adopt, DisableUser(BOB, WHY)])] == [Holding.PENDING] * 2


def test_a_group_is_renamed_with_its_members() -> None:
    """What follows uses the new name."""
    have = live({"old": {"ann": OWNER}}, by_hand={"old": {"bob": OWNER}}, groups=[Group(GroupKey("old"), "group-app")])
    found = holdings(have, [RENAME, END, RemoveGroup(MIRROR, WHY)])
    assert [one.holding for one in found] == [Holding.PENDING, Holding.PENDING, Holding.STALE]


def test_values_are_said_in_words() -> None:
    """Text, keys in a row, and what is taken away."""
    keys = {"ssh_keys": ("k1", "k2")}
    change = UpdateUser(ANN, {"ssh_keys": None, "name": "Ann"}, {"ssh_keys": (), "name": None}, WHY)
    (found,) = holdings(live({}, user("ann", attributes={"name": "Ann", **keys})), [change])
    assert found.words == 'ann: ssh_keys is "k1, k2", the plan expected not set'
    (found,) = holdings(live({}, user("ann", attributes={"name": "Anna"})), [change])
    assert found.words == 'ann: name is "Anna", the plan expected "Ann"'
    assert [one.holding for one in holdings(live({}, user("ann", attributes={"name": "Ann"})), [change])] == [
        Holding.PENDING
    ]


PENDING = [
    (AdoptGroup(Group(API), WHY), live(groups=[Group(API, managed=False)])),
    (EnableUser(ANN, WHY), live({}, user("ann", active=False))),
    (EVERY["user.flag"], live({}, user("ann"))),
    (REKEY, live({"api": {"ann": VIEWER}}, LOCAL_ANN, user("bob"), by_hand={"x": {"bob": VIEWER}})),
    (RENAME, live({"old": {"ann": OWNER}}, groups=[Group(GroupKey("old"), "group-app")])),
    (END, live({"api": {"ann": OWNER}})),
    (LOCK, State(settings={"membership_lock": False})),
]


@pytest.mark.parametrize(("change", "have"), PENDING)
def test_what_is_as_the_plan_expects_can_be_made(change: Change, have: State) -> None:
    """There are no words for it."""
    (found,) = holdings(have, [change])
    assert (found.holding, found.words) == (Holding.PENDING, "")


@pytest.mark.parametrize("name", EVERY)
def test_every_type_of_change_is_looked_at(name: str) -> None:
    """On an empty target, only what makes something can be made."""
    (found,) = holdings(State(), [EVERY[name]])
    assert (found.holding is Holding.PENDING) == name.endswith("create")
