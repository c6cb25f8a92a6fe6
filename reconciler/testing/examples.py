"""The people, groups and changes that the conformance tests try targets with; knows no target."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.access import Group, GroupKey, Role, State, Totals, User, UserKey, Value
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
    UpdateUser,
    Who,
)
from reconciler.model.reason import Reason, Why
from reconciler.testing.scratch import (
    Scratch,
    capabilities,
    needs,
    read,
    totals,
)

REASON = Reason(Why.GROUP_LINK)
TEAM = GroupKey("team")
MIRROR = GroupKey("mirror")
BY_HAND = GroupKey("by-hand")
GROUPS = (TEAM, MIRROR, BY_HAND)
SOURCE = "5f0c1d2e-0000-4000-8000-0000000000aa"  # the directory group that MIRROR mirrors
ALICE = Who("alice", UserKey("5f0c1d2e-0000-4000-8000-000000000001"))
CAROL = Who("carol", UserKey("5f0c1d2e-0000-4000-8000-000000000002"))
NOBODY = Who("nobody", UserKey("5f0c1d2e-0000-4000-8000-000000000009"))
NEW_KEY = UserKey("5f0c1d2e-0000-4000-8000-000000000010")
VALUES: dict[str, Value] = {
    "dn": "uid=alice,ou=people,dc=example,dc=com",
    "email": "alice@example.com",
    "kerberos": "alice@EXAMPLE.COM",
    "name": "Alice Müller-Łukasz",
    "ssh_keys": (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice@work",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA alice@home",
    ),
}
OTHER_VALUES: dict[str, Value] = {
    "dn": "uid=alice,ou=leads,dc=example,dc=com",
    "email": "a.mueller@example.com",
    "kerberos": "a.mueller@EXAMPLE.COM",
    "name": "Alice'; --",
    "ssh_keys": (),
}
CAROLS: dict[str, Value] = {
    "dn": "uid=carol,ou=people,dc=example,dc=com",
    "email": "carol@example.com",
    "name": "Carol",
}


def counted(part: State, whole: State) -> Totals:
    """Return how much there is in all; a target that cannot count memberships counts those that it gives, which limits more."""
    there, given = totals(whole), sum(map(len, part.memberships.values()))
    few = part.totals is not None and part.totals.memberships == given
    return replace(there, memberships=given) if few else there


def first_run(scratch: Scratch) -> list[Change]:
    """Return a first run: two accounts, a group that a rule names and one that an import mirrors, three memberships."""
    can = capabilities(scratch)
    needs(can.creates_users, "create users")
    needs(can.creates_groups, "create groups")
    low, high = lowest_and_highest(scratch)
    return [
        CreateUser(alice(scratch), REASON),
        CreateUser(carol(scratch), REASON),
        CreateGroup(Group(TEAM), REASON),
        CreateGroup(Group(MIRROR, SOURCE if can.keeps_sources else ""), REASON),
        AddMembership(ALICE, TEAM, high, REASON),
        AddMembership(ALICE, MIRROR, low, REASON),
        AddMembership(CAROL, TEAM, low, REASON),
    ]


def unexpected(scratch: Scratch) -> list[Change]:
    """Return one change of each type that expects what is not so after the first run."""
    can = capabilities(scratch)
    low, high = lowest_and_highest(scratch)
    there = read(scratch, GROUPS).users[ALICE.key]
    changes: list[Change] = [
        CreateUser(User(ALICE.key, "alice.two"), REASON),
        CreateUser(User(NEW_KEY, "alice"), REASON),
        AdoptUser(Who("alice", NEW_KEY), there, REASON),
        UpdateUser(ALICE, {"username": "alicia"}, {"username": "allie"}, REASON),
        EnableUser(ALICE, REASON),
        DisableUser(NOBODY, REASON),
        CreateGroup(Group(TEAM), REASON),
        AddMembership(ALICE, TEAM, low, REASON),
        AddMembership(NOBODY, TEAM, low, REASON),
        AddMembership(ALICE, GroupKey("no-such-group"), low, REASON),
        RemoveMembership(CAROL, MIRROR, low, REASON),
    ]
    changes += [SetFlag(ALICE, flag, have=True, want=False, reason=REASON) for flag in sorted(can.flags)]
    changes += [UpdateUser(ALICE, {name: "other"}, {name: None}, REASON) for name in sorted(there.attributes)]
    if can.renames_users:
        changes.append(UpdateUser(ALICE, {"username": "alice"}, {"username": "carol"}, REASON))
    if can.keeps_sources:
        changes.append(AdoptGroup(Group(TEAM), REASON))
        changes.append(RenameGroup(MIRROR, GroupKey("renamed"), "another source", REASON))
        changes.append(RenameGroup(MIRROR, TEAM, SOURCE, REASON))
    if can.removes_users:
        changes.append(RemoveUser(NOBODY, there, REASON))
    if can.removes_groups:
        changes.append(RemoveGroup(Group(MIRROR, "another source"), REASON))
    if low != high:
        changes += [ChangeRole(ALICE, TEAM, low, high, REASON), RemoveMembership(ALICE, TEAM, low, REASON)]
    return changes


def seed(scratch: Scratch) -> User:
    """Make an account, a group and a membership by hand; return the account as it is read."""
    scratch.user_by_hand("bob")
    scratch.group_by_hand(BY_HAND)
    scratch.membership_by_hand("bob", BY_HAND, capabilities(scratch).roles[0])
    return next(user for user in read(scratch, GROUPS).users.values() if user.username == "bob")


def alice(scratch: Scratch) -> User:
    """Return somebody of whom everything is known that a target can keep."""
    can = capabilities(scratch)
    return User(ALICE.key, ALICE.username, {name: VALUES[name] for name in sorted(can.attributes & set(VALUES))})


def carol(scratch: Scratch) -> User:
    """Return somebody of whom a target is told no more than it has to know."""
    can = capabilities(scratch)
    wanted = can.needs | (can.attributes & {"dn"})
    return User(CAROL.key, CAROL.username, {name: CAROLS[name] for name in sorted(wanted)})


def lowest_and_highest(scratch: Scratch) -> tuple[Role, Role]:
    """Return the lowest and the highest role; the same where there is only one."""
    roles = capabilities(scratch).roles
    return roles[0], roles[-1]
