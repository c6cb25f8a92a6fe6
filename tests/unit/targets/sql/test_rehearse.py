"""A rehearsal finds every precondition that does not hold, and arrives at what the oracle says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.access import Flag, Group, GroupKey, Role, Scope, State, User, UserKey
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
    SetFlag,
    SetSetting,
    UpdateUser,
    Who,
)
from reconciler.model.reason import Reason, Why
from reconciler.plan.needed import Needed, needed
from reconciler.targets.base import Batch, Options, Status
from reconciler.targets.sql import create
from reconciler.targets.sql.rehearse import rehearse, touched
from reconciler.targets.sql.rows import GroupRow, Mark, Roster, UserRow
from reconciler.testing.oracle import after

REASON = Reason(Why.GROUP_LINK)
ALICE = Who("alice", UserKey("uuid-alice"))
TEAM = GroupKey("team")
VIEWER, OWNER = Role("viewer"), Role("owner")
ROW = UserRow(
    1, "alice", "uuid-alice", "corp", "a@x", None, None, active=True, disabled_by=None, admin=False, external=True
)
BOB = ROW._replace(id=2, username="bob", external_id=None, managed_by=None)
DORA = ROW._replace(id=3, username="dora", external_id="uuid-dora", active=False, disabled_by="hr")
GROUPS = {7: GroupRow(7, "team", "src", "corp"), 8: GroupRow(8, "old", None, None)}
HAVE = Roster({1: ROW, 2: BOB, 3: DORA}, GROUPS, {(7, 1): Mark("viewer", "corp")})
BOB_USER = User(UserKey("local:bob"), "bob", managed=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (CreateUser(User(ALICE.key, "al"), REASON), "al: an account with the key uuid-alice is there already"),
        (
            CreateUser(User(UserKey("k"), "ALICE"), REASON),
            "ALICE: an account of that name is there already (alice, ours)",
        ),
        (AdoptUser(Who("alice", UserKey("k")), User(ALICE.key, "alice"), REASON), "alice: the account is ours already"),
        (AdoptUser(ALICE, BOB_USER, REASON), "bob: another account has the key uuid-alice already"),
        (
            UpdateUser(ALICE, {"email": "b@x"}, {"email": "c@x"}, REASON),
            'alice: email is "a@x", the plan expected "b@x"',
        ),
        (
            UpdateUser(ALICE, {"ssh_keys": ("k1", "k2")}, {"ssh_keys": None}, REASON),
            'alice: ssh_keys is not set, the plan expected "k1, k2"',
        ),
        (EnableUser(ALICE, REASON), "alice: the account is active already"),
        (
            UpdateUser(Who("dora", UserKey("uuid-alice")), {"key": "uuid-dora"}, {"key": "uuid-alice"}, REASON),
            "dora: another account has the key uuid-alice already",
        ),
        (DisableUser(Who("dora", UserKey("uuid-dora")), REASON), "dora: the account is disabled already"),
        (
            SetFlag(ALICE, Flag.ADMIN, have=True, want=False, reason=REASON),
            "alice: admin is off, the plan expected on",
        ),
        (
            RemoveUser(ALICE, User(ALICE.key, "alicia"), REASON),
            "alice: the account is called alice now",
        ),
        (CreateGroup(Group(TEAM), REASON), "team: a group of that name is there already"),
        (CreateGroup(Group(GroupKey("new"), "src"), REASON), "new: another group mirrors src already"),
        (AdoptGroup(Group(GroupKey("old"), "src"), REASON), "old: another group mirrors src already"),
        (
            RemoveGroup(Group(TEAM), REASON),
            'team: the group mirrors "src", the plan expected ""',
        ),
        (
            AddMembership(ALICE, TEAM, OWNER, REASON),
            "alice in team: there is a membership already, viewer, ours; the plan expected none",
        ),
        (
            ChangeRole(ALICE, TEAM, OWNER, VIEWER, REASON),
            "alice in team: the role is viewer, the plan expected owner",
        ),
        (
            RemoveMembership(Who("bob", BOB_USER.key), TEAM, OWNER, REASON),
            "bob in team: there is no membership any more, the plan expected owner",
        ),
        (
            DisableUser(Who("bob", BOB_USER.key), REASON),
            "bob: the account is no longer ours, it is made by hand",
        ),
        (
            DisableUser(Who("\x1b[31mcarol", UserKey("k\n")), REASON),
            r"\x1b[31mcarol: no account with the key k\x0a is there any more",
        ),
        (
            SetSetting("membership_lock", have=False, want=True, reason=REASON),
            "membership_lock: a roster has no such setting",
        ),
    ],
)
def test_a_precondition_that_does_not_hold_is_named(change: Change, message: str) -> None:
    """The message says who, what was found, and what the plan expected; nothing is to be written."""
    rehearsal = rehearse("corp", HAVE, [change])
    assert rehearsal.stale
    assert [(outcome.status, outcome.message) for outcome in rehearsal.outcomes] == [(Status.STALE, message)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            AdoptUser(Who("bob", BOB_USER.key), BOB_USER, REASON),
            "bob: the directory gives no stable id to find the account by",
        ),
        (
            UpdateUser(ALICE, {}, {"shoe_size": "44"}, REASON),
            'alice: a roster cannot hold "44" as shoe_size',
        ),
        (UpdateUser(ALICE, {}, {"name": True}, REASON), "alice: a roster cannot hold on as name"),
        (UpdateUser(ALICE, {}, {"username": None}, REASON), "alice: a roster cannot hold not set as username"),
        (
            UpdateUser(ALICE, {}, {"ssh_keys": ("k\x00",)}, REASON),
            r'alice: ssh_keys is "k\x00", which holds characters that a database cannot keep',
        ),
        (
            RenameGroup(TEAM, GroupKey("te\x00am"), "src", REASON),
            r"te\x00am: the name holds characters that a database cannot keep",
        ),
    ],
)
def test_what_a_roster_cannot_hold_has_failed(change: Change, message: str) -> None:
    """It is no reason to leave the rest."""
    rehearsal = rehearse("corp", HAVE, [change, DisableUser(ALICE, REASON)])
    assert not rehearsal.stale
    assert [(outcome.status, outcome.message) for outcome in rehearsal.outcomes] == [
        (Status.FAILED, message),
        (Status.APPLIED, ""),
    ]


def test_a_group_whose_new_owner_is_refused_keeps_the_one_that_it_has() -> None:
    """With the account and the group that hang on it; whoever is no owner goes, and so do owners of other groups."""
    new, gone = Who("new", UserKey("uuid-new")), Who("dora", UserKey("uuid-dora"))
    members = {(7, 1): Mark("owner", "corp"), (8, 1): Mark("owner", "corp"), (7, 3): Mark("viewer", "corp")}
    changes: list[Change] = [
        CreateUser(User(new.key, "ne\x00w"), REASON),
        AddMembership(new, TEAM, OWNER, REASON),
        RemoveMembership(ALICE, TEAM, OWNER, REASON),
        RemoveMembership(ALICE, GroupKey("old"), OWNER, REASON),
        RemoveMembership(gone, TEAM, VIEWER, REASON),
        RemoveUser(ALICE, User(ALICE.key, "alice"), REASON),
        RemoveGroup(Group(TEAM, "src"), REASON),
    ]
    rehearsal = rehearse("corp", replace(HAVE, members=members), changes, OWNER)
    assert [str(outcome.status) for outcome in rehearsal.outcomes] == [
        "failed",
        "skipped",
        "skipped",
        "applied",
        "applied",
        "skipped",
        "skipped",
    ]
    assert rehearsal.outcomes[2].message == "not tried: it rests on team: new"
    assert rehearsal.draft.members == {(7, 1): Mark("owner", "corp")}


def test_two_accounts_cannot_get_one_name() -> None:
    """Both are named: neither is more right than the other."""
    changes = [CreateUser(User(UserKey(key), "carol"), REASON) for key in ("k1", "k2")]
    rehearsal = rehearse("corp", HAVE, changes)
    assert [outcome.status for outcome in rehearsal.outcomes] == [Status.STALE, Status.STALE]


def test_only_what_is_needed_is_read() -> None:
    """Groups of membership changes, renamed and removed ones; removed accounts under the key they have."""
    new = Who("alice", UserKey("uuid-new"))
    changes: list[Change] = [
        UpdateUser(new, {"key": "uuid-alice"}, {"key": "uuid-new"}, REASON),
        AdoptUser(Who("bob", UserKey("uuid-bob")), BOB_USER, REASON),
        RenameGroup(TEAM, GroupKey("renamed"), "src", REASON),
        CreateGroup(Group(GroupKey("new")), REASON),
        AddMembership(new, GroupKey("g1"), VIEWER, REASON),
        RemoveUser(new, User(new.key, "alice"), REASON),
        RemoveUser(Who("bob", UserKey("uuid-bob")), BOB_USER, REASON),
        RemoveGroup(Group(GroupKey("g2")), REASON),
    ]
    found = touched(changes)
    assert found.groups == {"team", "g1", "g2"}
    assert found.users == {"uuid-new", "uuid-alice", "uuid-bob", "local:bob"}
    rows = needed(changes)
    assert rows == Needed(
        accounts=frozenset({new.key, UserKey("uuid-alice"), UserKey("uuid-bob"), UserKey("local:bob")}),
        usernames=frozenset(),
        groups=frozenset({TEAM, GroupKey("renamed"), GroupKey("new"), GroupKey("g1"), GroupKey("g2")}),
        sources=frozenset(),
    )
    named: list[Change] = [
        CreateUser(User(new.key, "cat"), REASON),
        UpdateUser(new, {"username": "a"}, {"username": "b"}, REASON),
    ]
    assert needed([*named, CreateGroup(Group(TEAM, "src"), REASON)]) == Needed(
        frozenset({new.key}), frozenset({"cat", "b"}), frozenset({TEAM}), frozenset({"src"})
    )
    assert needed(changes * 100) is None


_NAMES = st.sampled_from(["ann", "ben", "cat", "dan"])
_GROUPS = st.sampled_from([GroupKey(name) for name in ("g1", "g2", "g3")])
_ROLES = st.sampled_from([VIEWER, OWNER])
_SCOPE = Scope("corp", frozenset(), all_managed_groups=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.tuples(st.integers(0, 9), _NAMES, _GROUPS, _ROLES), max_size=12), min_size=1, max_size=3))
def test_any_run_that_may_be_made_leads_where_the_oracle_says(
    runs: list[list[tuple[int, str, GroupKey, Role]]],
) -> None:
    """Whatever the changes and however they rest on each other: written and read back, the roster is as expected."""
    with TemporaryDirectory() as folder:
        target = create(Options("app", "corp", {"url": "sqlite:///roster.db"}, str(Path(folder)), ("viewer", "owner")))
        expected = State()
        for run in runs:
            changes: list[Change] = []
            for choice in run:
                change = _possible(after(expected, changes, target.capabilities), *choice)
                changes += [change] if change else []
            expected = after(expected, changes, target.capabilities)
            for batch in target.batches(changes):
                assert {outcome.message for outcome in target.apply(batch)} == {""}
            found = target.read(_SCOPE)
            assert (found.users, found.groups, found.memberships) == (
                expected.users,
                expected.groups,
                expected.memberships,
            )
        assert target.apply(Batch(())) == []


def _possible(have: State, number: int, name: str, group: GroupKey, role: Role) -> Change | None:  # noqa: PLR0911 - one arm per kind
    """Return a change that this state allows, None where the choice makes none."""
    who = Who(name, UserKey(f"uuid-{name}"))
    user = have.users.get(who.key)
    held = have.memberships.get(group, {}).get(who.key)
    if user is None:
        return CreateUser(User(who.key, name, {"email": f"{name}@x"}), REASON) if number < 5 else None
    if group not in have.groups:
        return CreateGroup(Group(group, f"source of {group}"), REASON)
    match number:
        case 0:
            left = any(who.key in members for members in have.memberships.values())
            return None if left else RemoveUser(who, user, REASON)
        case 1:
            return None if have.memberships.get(group) else RemoveGroup(have.groups[group], REASON)
        case 2:
            wanted = "moved" if have.users[who.key].username == name else name
            free = all(other.username != wanted for other in have.users.values())
            return UpdateUser(who, {"username": user.username}, {"username": wanted}, REASON) if free else None
        case 3:
            return DisableUser(who, REASON) if user.active else EnableUser(who, REASON)
        case 4:
            on = user.flags[Flag.ADMIN]
            return SetFlag(who, Flag.ADMIN, have=on, want=not on, reason=REASON)
        case _ if held is None:
            return AddMembership(who, group, role, REASON)
        case 5 | 6:
            return RemoveMembership(who, group, held, REASON)
        case _:
            return ChangeRole(who, group, held, role, REASON) if role != held else None
