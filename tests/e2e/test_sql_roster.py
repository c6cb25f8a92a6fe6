"""What is special about a roster, in SQLite and in PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from reconciler.model.access import Flag, Group, GroupKey, Role, Scope, State, User, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    CreateGroup,
    CreateUser,
    DisableUser,
    EnableUser,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    SetFlag,
    UpdateUser,
    Who,
)
from reconciler.model.reason import Reason, Why
from reconciler.targets.base import Batch, Outcome, Status
from reconciler.targets.sql import create
from tests.servers.apply_crowd import crowd
from tests.servers.rosters import DIRECTORY, NOW, Roster, RosterScratch, SqliteRoster, content, make_tables, opened

REASON = Reason(Why.GROUP_LINK)
VIEWER = Role("viewer")
TEAM, OTHER = GroupKey("team"), GroupKey("other")
SCOPE = Scope(DIRECTORY, frozenset({TEAM, OTHER}), all_managed_groups=True)
ALICE, BOB = Who("alice", UserKey("uuid-alice")), Who("bob", UserKey("uuid-bob"))
LATER = "2026-11-21T04:00:00Z"


def test_a_plan_does_not_make_the_roster(roster: Roster) -> None:
    """Reading what is not there yields an empty state, and it is still not there."""
    assert opened(roster).read(SCOPE) == State()
    if isinstance(roster, SqliteRoster):
        assert not roster.path.exists()
    else:
        assert roster.execute("SELECT * FROM pg_tables WHERE tablename IN ('users', 'roster_version')") == []


def test_a_stale_run_does_not_make_the_tables(roster: Roster) -> None:
    """Nothing is written means nothing at all."""
    (outcome,) = _apply(roster, DisableUser(ALICE, REASON))
    assert outcome.status is Status.STALE
    table = "sqlite_master" if isinstance(roster, SqliteRoster) else "pg_tables WHERE schemaname = 'public'"
    assert roster.execute(f"SELECT * FROM {table}") == []  # noqa: S608 - the two names above


def test_only_what_changes_gets_a_new_time(roster: Roster) -> None:
    """`created_at` stays, `changed_at` moves with the row."""
    _filled(roster)
    changes: list[Change] = [DisableUser(ALICE, REASON), RenameGroup(TEAM, OTHER, "", REASON)]
    assert {outcome.status for outcome in opened(roster, LATER).apply(Batch(tuple(changes)))} == {Status.APPLIED}
    assert roster.execute("SELECT username, created_at, changed_at FROM users ORDER BY username") == [
        ("alice", NOW, LATER),
        ("bob", NOW, NOW),
    ]
    assert roster.execute("SELECT created_at, changed_at FROM groups") == [(NOW, LATER)]
    assert roster.execute("SELECT created_at, changed_at FROM memberships") == [(NOW, NOW)]


def test_names_are_exchanged_in_one_run(roster: Roster) -> None:
    """Two accounts and two groups swap their names, and keep their rows."""
    _filled(roster, CreateGroup(Group(OTHER), REASON))
    before = roster.execute("SELECT username, id FROM users UNION ALL SELECT name, id FROM groups")
    outcomes = _apply(
        roster,
        UpdateUser(ALICE, {"username": "alice"}, {"username": "bob"}, REASON),
        UpdateUser(BOB, {"username": "bob"}, {"username": "alice"}, REASON),
        RenameGroup(TEAM, GroupKey("aside"), "", REASON),
        RenameGroup(OTHER, TEAM, "", REASON),
        RenameGroup(GroupKey("aside"), OTHER, "", REASON),
    )
    assert [outcome.message for outcome in outcomes] == [""] * 5
    after = roster.execute("SELECT username, id FROM users UNION ALL SELECT name, id FROM groups")
    swapped = {"alice": "bob", "bob": "alice", "team": "other", "other": "team"}
    assert sorted(after) == sorted((swapped[str(name)], number) for name, number in before)


def test_a_username_is_taken_whatever_its_case(roster: Roster) -> None:
    """Two people whose names differ in case only would be one to most applications."""
    RosterScratch(roster).user_by_hand("Bob")
    (outcome,) = _apply(roster, CreateUser(User(BOB.key, "bob"), REASON))
    assert outcome == Outcome(
        outcome.change, Status.STALE, "bob: an account of that name is there already (Bob, made by hand)"
    )


def test_a_username_may_change_its_case(roster: Roster) -> None:
    """The account itself is not in its own way."""
    _filled(roster)
    (outcome,) = _apply(roster, UpdateUser(BOB, {"username": "bob"}, {"username": "Bob"}, REASON))
    assert outcome.message == ""
    assert opened(roster).read(SCOPE).users[BOB.key].username == "Bob"


def test_what_was_disabled_by_hand_is_not_enabled(roster: Roster) -> None:
    """The state says who disabled it, and apply looks again."""
    _filled(roster)
    roster.execute("UPDATE users SET active = FALSE WHERE username = 'alice'")
    _apply(roster, DisableUser(BOB, REASON))
    users = opened(roster).read(SCOPE).users
    assert users[ALICE.key].disabled_by_hand
    assert not users[BOB.key].disabled_by_hand
    (outcome,) = _apply(roster, EnableUser(ALICE, REASON))
    assert outcome.message == "alice: the account was disabled by hand, so it is not ours to enable"


def test_enabling_by_hand_has_to_clear_our_mark(roster: Roster) -> None:
    """Otherwise a later disabling by hand would pass for ours."""
    _filled(roster, DisableUser(ALICE, REASON))
    with pytest.raises(Exception, match="active_is_not_disabled"):
        roster.execute("UPDATE users SET active = TRUE WHERE username = 'alice'")
    roster.execute("UPDATE users SET active = TRUE, disabled_by = NULL WHERE username = 'alice'")
    assert opened(roster).read(SCOPE).users[ALICE.key].active


def test_two_directories_share_a_roster(roster: Roster) -> None:
    """What carries another directory's name is not ours: it is seen, and left alone."""
    _filled(roster)
    state = create(replace(roster.options(), directory="hr")).read(Scope("hr", SCOPE.groups))
    assert {user.username: user.managed for user in state.users.values()} == {"alice": False, "bob": False}
    assert state.memberships == {}
    assert state.by_hand == {TEAM: {UserKey("local:alice"): VIEWER}}


def test_what_another_directory_manages_is_not_adopted(roster: Roster) -> None:
    """It fails alone, with what rests on it skipped; the rest is made."""
    _filled(roster)
    roster.execute("UPDATE users SET managed_by = 'hr' WHERE username = 'alice'")
    roster.execute("UPDATE groups SET managed_by = 'hr'")
    have = opened(roster).read(SCOPE).users[UserKey("local:alice")]
    outcomes = _apply(
        roster,
        AdoptUser(ALICE, have, REASON),
        AdoptGroup(Group(TEAM), REASON),
        SetFlag(ALICE, Flag.ADMIN, have=False, want=True, reason=REASON),
        AddMembership(BOB, TEAM, VIEWER, REASON),
    )
    assert [(outcome.status, outcome.message) for outcome in outcomes] == [
        (Status.FAILED, "alice: the account is managed by hr; one account has one manager"),
        (Status.FAILED, "team: the group is managed by hr; one group has one manager"),
        (Status.SKIPPED, "not tried: the account alice was refused"),
        (Status.APPLIED, ""),
    ]
    assert BOB.key in opened(roster).read(SCOPE).memberships[TEAM]


@pytest.mark.parametrize("value", ["a\x00b", "Mül\udcffler"])
def test_what_a_database_cannot_keep_fails_alone(roster: Roster, value: str) -> None:
    """A directory may hold bytes that are no text: that person waits, the others do not."""
    _filled(roster)
    carol = Who("carol", UserKey("uuid-carol"))
    outcomes = _apply(
        roster,
        CreateUser(User(carol.key, "carol", {"name": value}), REASON),
        CreateGroup(Group(GroupKey(value)), REASON),
        UpdateUser(ALICE, {"name": None}, {"name": value}, REASON),
        AddMembership(carol, TEAM, VIEWER, REASON),
        AddMembership(BOB, GroupKey(value), VIEWER, REASON),
        AddMembership(BOB, TEAM, VIEWER, REASON),
    )
    assert [outcome.status.value for outcome in outcomes] == ["failed"] * 3 + ["skipped"] * 2 + ["applied"]
    assert all("cannot keep" in outcome.message for outcome in outcomes[:3])
    assert opened(roster).read(SCOPE).memberships == {TEAM: {ALICE.key: VIEWER, BOB.key: VIEWER}}


def test_removal_stops_at_memberships_made_by_hand(roster: Roster) -> None:
    """The account and the group stay and are named; what else the run does is done."""
    _filled(roster)
    by_hand = RosterScratch(roster)
    by_hand.group_by_hand("operations")
    by_hand.membership_by_hand("alice", "operations", "owner")
    by_hand.membership_by_hand("bob", "team", "owner")
    alice = opened(roster).read(SCOPE).users[ALICE.key]
    outcomes = _apply(
        roster,
        RemoveMembership(ALICE, TEAM, VIEWER, REASON),
        RemoveUser(ALICE, alice, REASON),
        RemoveGroup(Group(TEAM), REASON),
        DisableUser(BOB, REASON),
    )
    assert [outcome.status.value for outcome in outcomes] == ["applied", "failed", "failed", "applied"]
    assert "1 of the account's memberships are not ours (that in operations is made by hand)" in outcomes[1].message
    assert "1 of the group's memberships are not ours (one is made by hand)" in outcomes[2].message
    assert len(content(roster)["memberships"]) == 2


def test_an_account_goes_only_when_nothing_hangs_on_it_any_more(roster: Roster) -> None:
    """What was added since the plan was made is not swept away; under a key that changed in the same run, too."""
    _filled(roster)
    who = Who("alice", UserKey("uuid-new"))
    alice = opened(roster).read(SCOPE).users[ALICE.key]
    rekey = UpdateUser(who, {"key": str(ALICE.key)}, {"key": str(who.key)}, REASON)
    remove = RemoveUser(who, replace(alice, key=who.key), REASON)
    assert "1 memberships that the plan does not end" in _apply(roster, rekey, remove)[1].message
    assert len(content(roster)["memberships"]) == 1
    outcomes = _apply(roster, rekey, RemoveMembership(who, TEAM, VIEWER, REASON), remove)
    assert [outcome.message for outcome in outcomes] == ["", "", ""]
    assert content(roster)["memberships"] == []


def test_ssh_keys_that_people_wrote_are_put_right(roster: Roster) -> None:
    """Text that is no JSON list is read as it stands, so that the plan shows it and the apply replaces it."""
    _filled(roster)
    for text in ("not json", "{}", "[1]", "[" * 100_000):
        roster.execute(f"UPDATE users SET ssh_keys = '{text}' WHERE username = 'alice'")  # noqa: S608 - from above
        assert opened(roster).read(SCOPE).users[ALICE.key].attributes["ssh_keys"] == text
    (outcome,) = _apply(roster, UpdateUser(ALICE, {"ssh_keys": "[" * 100_000}, {"ssh_keys": ("key",)}, REASON))
    assert outcome.message == ""
    assert opened(roster).read(SCOPE).users[ALICE.key].attributes["ssh_keys"] == ("key",)


@pytest.mark.parametrize("roster", ["sqlite"], indirect=True)
def test_rows_that_lost_their_account_or_group_do_no_harm(roster: SqliteRoster) -> None:
    """SQLite lets people delete accounts and leave their memberships behind."""
    _filled(roster, CreateGroup(Group(OTHER), REASON), AddMembership(BOB, OTHER, VIEWER, REASON))
    RosterScratch(roster).membership_by_hand("bob", "team", "viewer")
    with closing(sqlite3.connect(roster.path)) as connection, connection:
        connection.execute("DELETE FROM users WHERE username = 'alice'")
        connection.execute("DELETE FROM groups WHERE name = 'team'")
    state = opened(roster).read(SCOPE)
    assert state.memberships == {OTHER: {BOB.key: VIEWER}}
    assert roster.execute("SELECT username FROM who_has_what") == [("bob",)]
    (outcome,) = _apply(roster, RemoveUser(BOB, state.users[BOB.key], REASON))
    assert "that in a deleted group is made by hand" in outcome.message


@pytest.mark.parametrize("roster", ["sqlite"], indirect=True)
def test_a_text_in_place_of_a_number_is_nobody(roster: SqliteRoster) -> None:
    """With foreign keys off SQLite keeps it, and it names no accounts, whatever numbers are in it."""
    _filled(roster, CreateGroup(Group(OTHER), REASON))
    both = ",".join(str(number) for (number,) in roster.execute("SELECT id FROM users ORDER BY id"))
    ((group,),) = roster.execute("SELECT id FROM groups WHERE name = 'other'")
    with closing(sqlite3.connect(roster.path)) as connection, connection:
        connection.execute(
            "INSERT INTO memberships (group_id, user_id, role, managed_by) VALUES (?, ?, 'viewer', ?)",
            (group, both, DIRECTORY),
        )
    assert opened(roster).read(SCOPE).memberships == {TEAM: {ALICE.key: VIEWER}}


def test_memberships_of_every_kind_are_read(roster: Roster) -> None:
    """Ours with a role of the policy and with one that it no longer has, those of others and of nobody, in one group."""
    names = ("carol", "dave", "eve")
    _filled(roster, *(CreateUser(User(UserKey(name), name), REASON) for name in names))
    _apply(roster, *(AddMembership(Who(name, UserKey(name)), TEAM, VIEWER, REASON) for name in names))
    of = "WHERE user_id = (SELECT id FROM users WHERE username = '{}')".format
    roster.execute(f"UPDATE memberships SET role = 'auditor' {of('carol')}")  # noqa: S608 - from above
    roster.execute(f"UPDATE memberships SET managed_by = 'hr' {of('dave')}")  # noqa: S608 - from above
    roster.execute(f"UPDATE memberships SET managed_by = NULL {of('eve')}")  # noqa: S608 - from above
    state = opened(roster).read(SCOPE)
    assert state.memberships == {TEAM: {ALICE.key: VIEWER, UserKey("carol"): Role("auditor")}}
    assert state.by_hand == {TEAM: {UserKey("dave"): VIEWER, UserKey("eve"): VIEWER}}


def test_two_runs_at_once_do_not_mix(roster: Roster) -> None:
    """The second waits for the first, and then finds its plan stale; so with the very first runs, which make the tables."""
    runs = [Batch(tuple(crowd(range(500)))) for _ in range(4)]
    with ThreadPoolExecutor(len(runs)) as pool:
        results = list(pool.map(lambda run: opened(roster, patience=60).apply(run)[0].status, runs))
    assert sorted(results) == [Status.APPLIED, Status.STALE, Status.STALE, Status.STALE]
    assert len(content(roster)["users"]) == 500


def test_more_rows_than_fit_in_one_call(roster: Roster) -> None:
    """10,000 rows come from the driver at a time, and the rows of 500 groups are looked up at a time to apply."""
    names = [GroupKey(f"group{number:04}") for number in range(501)]
    accounts = crowd(range(10_001))
    members = [AddMembership(Who(made.user.username, made.user.key), names[0], VIEWER, REASON) for made in accounts]
    members += [AddMembership(members[0].who, name, VIEWER, REASON) for name in names[1:]]
    assert not any(change.message for change in _apply(roster, *accounts, *_groups(names), *members))
    scope = Scope(DIRECTORY, frozenset(names[:-1]))
    found = opened(roster).read(scope)
    assert len(found.users) == 10_001
    assert len(found.memberships) == len(names)
    assert len(found.memberships[names[0]]) == 10_001
    assert set(found.groups) == set(names)
    removals = [RemoveMembership(change.who, change.group, VIEWER, REASON) for change in members]
    assert not any(change.message for change in _apply(roster, *removals))
    assert content(roster)["memberships"] == []


def test_the_whole_roster_is_read_whatever_the_scope(roster: Roster) -> None:
    """A wanted name that is taken has to be seen, and everything that would go with an account."""
    _filled(roster)
    RosterScratch(roster).group_by_hand("operations")
    state = opened(roster).read(Scope(DIRECTORY, frozenset()))
    assert set(state.groups) == {GroupKey("operations"), TEAM}
    assert state.memberships == {TEAM: {ALICE.key: VIEWER}}


def test_an_empty_batch_makes_an_empty_roster(roster: Roster) -> None:
    """Applications can be given the tables before the first account."""
    make_tables(roster)
    assert roster.execute("SELECT * FROM who_has_what") == []
    assert roster.execute("SELECT version FROM roster_version") == [(1,)]


def _filled(roster: Roster, *more: Change) -> None:
    """Make alice, who is a viewer of the team, and bob."""
    changes = [
        CreateUser(User(ALICE.key, "alice"), REASON),
        CreateUser(User(BOB.key, "bob"), REASON),
        CreateGroup(Group(TEAM), REASON),
        AddMembership(ALICE, TEAM, VIEWER, REASON),
        *more,
    ]
    assert [outcome.message for outcome in _apply(roster, *changes)] == [""] * len(changes)


def _groups(names: Sequence[GroupKey]) -> list[CreateGroup]:
    return [CreateGroup(Group(name), REASON) for name in names]


def _apply(roster: Roster, *changes: Change) -> list[Outcome]:
    return opened(roster).apply(Batch(changes))
