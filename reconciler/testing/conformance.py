"""What every target has to keep, as tests that any target author can run; knows no target.

Make a class whose name starts with ``Test`` from `Conformance`, and give it a pytest fixture ``scratch`` that returns a
`Scratch`, a new and empty one for each test. What a target cannot do by its own capabilities is skipped by name.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from reconciler.model.access import Group, GroupKey, Role, Scope, State, User, UserKey, Value
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
from reconciler.targets.base import Right, Status
from reconciler.testing.scratch import (
    Scratch,
    apply,
    capabilities,
    comparable,
    is_stale,
    leads_to,
    make,
    needs,
    read,
    same,
    totals,
    true,
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
_VALUES: dict[str, Value] = {
    "dn": "uid=alice,ou=people,dc=example,dc=com",
    "email": "alice@example.com",
    "kerberos": "alice@EXAMPLE.COM",
    "name": "Alice Müller-Łukasz",
    "ssh_keys": (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice@work",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA alice@home",
    ),
}
_OTHER_VALUES: dict[str, Value] = {
    "dn": "uid=alice,ou=leads,dc=example,dc=com",
    "email": "a.mueller@example.com",
    "kerberos": "a.mueller@EXAMPLE.COM",
    "name": "Alice'; --",
    "ssh_keys": (),
}
_CAROLS: dict[str, Value] = {
    "dn": "uid=carol,ou=people,dc=example,dc=com",
    "email": "carol@example.com",
    "name": "Carol",
}


class Conformance:
    """The suite. A test that fails raises AssertionError with what was found and what was expected."""

    def test_capabilities_make_sense(self, scratch: Scratch) -> None:
        """Roles are there, each once, and those with a meaning are among them."""
        can = capabilities(scratch)
        same(len(set(can.roles)), len(can.roles), "the number of different roles")
        true(can.roles, "there is a role")
        true(can.privileged_roles <= set(can.roles), "privileged roles are roles")
        true(can.owner_role is None or can.owner_role in can.roles, "the owner's role is a role")
        with closing(scratch.open()) as target:
            true(target.address, "the target says where it is")

    def test_an_empty_target_reads_as_an_empty_state(self, scratch: Scratch) -> None:
        """There is nothing to read, and reading makes nothing."""
        before = scratch.content()
        same(replace(read(scratch, GROUPS), settings={}, notes=()), State(), "the state of an empty target")
        same(scratch.content(), before, "what is stored after a read")

    def test_reading_writes_nothing(self, scratch: Scratch) -> None:
        """A read of a target that is in use leaves everything as it is."""
        make(scratch, *_run(scratch))
        before = scratch.content()
        read(scratch, GROUPS)
        same(scratch.content(), before, "what is stored after a read")

    def test_what_people_made_is_seen_and_is_not_ours(self, scratch: Scratch) -> None:
        """Accounts, groups and memberships made by hand are read without our mark."""
        can = capabilities(scratch)
        bob = _seed(scratch)
        state = read(scratch, GROUPS)
        same((bob.username, bob.managed), ("bob", False), "the account made by hand")
        same(state.groups, {BY_HAND: Group(BY_HAND, managed=not can.keeps_sources)}, "the group made by hand")
        same(state.by_hand, {BY_HAND: {bob.key: can.roles[0]}}, "the membership made by hand")
        same(state.memberships, {}, "the memberships that are ours")

    def test_rights_are_told_and_nothing_is_written_to_find_out(self, scratch: Scratch) -> None:
        """Before the first run and after it; whoever could make a run can read and write, and lacks nothing."""
        for changes in ([], _run(scratch)):
            make(scratch, *changes)
            before = scratch.content()
            with closing(scratch.open()) as target:
                rights = target.rights()
            same(scratch.content(), before, "what is stored after asking for rights")
            true(rights.account, "the target says whom it takes us for")
            true({Right.READ, Right.WRITE} <= rights.can, "whoever makes runs can read and write")
            true(rights.detail, "the target says what its rights rest on")
            same(rights.lacks, (), "what whoever makes runs lacks")

    def test_a_part_of_the_state_is_as_the_whole_says(self, scratch: Scratch) -> None:
        """Asked for some accounts, a target gives these, all that they have, and everything in the groups concerned."""
        make(scratch, *_run(scratch))
        _seed(scratch)
        whole = read(scratch, GROUPS)
        scope = Scope(scratch.directory, frozenset({BY_HAND}), users=frozenset({ALICE.key}), names=frozenset({"BOB"}))
        with closing(scratch.open()) as target:
            part = comparable(target.read(scope))
        if part.totals is None:
            same(part, whole, "the state of a target that does not count")
            return
        same(part.users, whole.users, "the accounts asked for, and those in their groups")
        same(part.groups, whole.groups, "the group asked for, and those in which an account holds anything")
        same((part.memberships, part.by_hand), (whole.memberships, whole.by_hand), "all memberships in these groups")
        same(part.totals, totals(whole), "how much there is in all")
        alone = Scope(scratch.directory, frozenset(), users=frozenset(), names=frozenset({"carol"}))
        with closing(scratch.open()) as target:
            part = comparable(target.read(alone))
        same(set(part.groups), {TEAM}, "the groups of an account that is in one")
        same(part.totals, totals(whole), "how much there is in all, whoever is asked for")

    def test_a_target_can_be_closed_twice(self, scratch: Scratch) -> None:
        """The second time does nothing."""
        target = scratch.open()
        target.read(Scope(scratch.directory, frozenset(GROUPS)))
        target.close()
        target.close()

    def test_batches_hold_every_change_once(self, scratch: Scratch) -> None:
        """Nothing is left out or made twice by the way in which changes group into calls, and stages never fall."""
        changes = _run(scratch)
        with closing(scratch.open()) as target:
            batches = list(target.batches(changes))
            batched = [id(change) for batch in batches for change in batch.changes]
            same(sorted(batched), sorted(map(id, changes)), "the changes of all batches")
            stages = [batch.stage for batch in batches]
            same(stages, sorted(stages), "the stages of the batches")
            same(list(target.batches([])), [], "the batches of no changes")

    def test_a_run_may_rest_on_itself(self, scratch: Scratch) -> None:
        """Memberships of accounts and groups that the same run makes are given."""
        leads_to(scratch, GROUPS, *_run(scratch))

    def test_the_same_run_again_is_stale(self, scratch: Scratch) -> None:
        """Nothing is applied twice, and nothing is written."""
        changes = _run(scratch)
        make(scratch, *changes)
        before = scratch.content()
        outcomes = apply(scratch, changes)
        same(
            {outcome.status for outcome in outcomes} - {Status.SKIPPED}, {Status.STALE}, "what became of the second run"
        )
        same(scratch.content(), before, "what is stored after the second run")

    def test_a_created_account_has_everything_that_was_asked_for(self, scratch: Scratch) -> None:
        """Attributes, flags and being disabled are there from the start."""
        can = capabilities(scratch)
        needs(can.creates_users, "create users")
        flags = dict.fromkeys(can.flags, True)
        alice = replace(_alice(scratch), flags=flags)
        carol = replace(_carol(scratch), active=False)
        leads_to(scratch, GROUPS, CreateUser(alice, REASON), CreateUser(carol, REASON))

    def test_attributes_change_in_place(self, scratch: Scratch) -> None:
        """Each attribute that the target keeps is changed, and one can be taken away."""
        kept = _alice(scratch).attributes
        needs(kept, "keep attributes")
        make(scratch, *_run(scratch))
        values = {name: _OTHER_VALUES[name] for name in kept}
        leads_to(scratch, GROUPS, UpdateUser(ALICE, kept, values, REASON))
        for name in sorted(set(values) - capabilities(scratch).needs - {"dn"})[:1]:
            leads_to(scratch, GROUPS, UpdateUser(ALICE, {name: values[name]}, {name: None}, REASON))

    def test_a_username_changes_and_everything_stays(self, scratch: Scratch) -> None:
        """A rename is an update: the memberships are those from before."""
        needs(capabilities(scratch).renames_users, "rename users")
        make(scratch, *_run(scratch))
        leads_to(scratch, GROUPS, UpdateUser(ALICE, {"username": "alice"}, {"username": "alice.mueller"}, REASON))

    def test_a_key_changes_and_everything_stays(self, scratch: Scratch) -> None:
        """The change is addressed by the new key, and what follows in the run, too."""
        needs(capabilities(scratch).keeps_keys, "keep keys")
        make(scratch, *_run(scratch))
        who = Who("alice", NEW_KEY)
        rekey = UpdateUser(who, {"key": str(ALICE.key)}, {"key": str(NEW_KEY)}, REASON)
        leads_to(scratch, GROUPS, rekey, DisableUser(who, REASON))

    def test_an_account_is_disabled_and_enabled_again(self, scratch: Scratch) -> None:
        """What we disabled is known as that, so it may be undone."""
        make(scratch, *_run(scratch))
        leads_to(scratch, GROUPS, DisableUser(ALICE, REASON))
        leads_to(scratch, GROUPS, EnableUser(ALICE, REASON))

    def test_flags_are_given_and_taken(self, scratch: Scratch) -> None:
        """Every flag that the target keeps, one at a time."""
        flags = sorted(capabilities(scratch).flags)
        needs(flags, "keep flags")
        make(scratch, *_run(scratch))
        for flag in flags:
            leads_to(scratch, GROUPS, SetFlag(ALICE, flag, have=False, want=True, reason=REASON))
            leads_to(scratch, GROUPS, SetFlag(ALICE, flag, have=True, want=False, reason=REASON))

    def test_settings_are_turned_on_and_off(self, scratch: Scratch) -> None:
        """Every switch that the instance has, each way; what another one has turned meanwhile is stale."""
        needs(capabilities(scratch).settings, "have settings")
        for name, held in sorted(read(scratch, GROUPS).settings.items()):
            true(name in capabilities(scratch).settings, f"{name} is among the settings that a policy may set")
            there = SetSetting(name, have=held, want=not held, reason=REASON)
            back = SetSetting(name, have=not held, want=held, reason=REASON)
            is_stale(scratch, back)
            leads_to(scratch, GROUPS, there)
            leads_to(scratch, GROUPS, back)

    def test_a_removed_account_is_gone(self, scratch: Scratch) -> None:
        """Once the run has ended its memberships; with one that the run does not know of, it stays: that is stale."""
        needs(capabilities(scratch).removes_users, "remove users")
        make(scratch, *_run(scratch))
        low, high = _roles(scratch)
        remove = RemoveUser(ALICE, read(scratch, GROUPS).users[ALICE.key], REASON)
        is_stale(scratch, remove)
        ends = (RemoveMembership(ALICE, TEAM, high, REASON), RemoveMembership(ALICE, MIRROR, low, REASON))
        leads_to(scratch, GROUPS, *ends, remove)

    def test_an_adopted_account_is_ours(self, scratch: Scratch) -> None:
        """It is found by its stable id from now on; what hangs on it stays, and the same run may add to it."""
        bob = _seed(scratch)
        make(scratch, *_run(scratch))
        who = Who("bob", NEW_KEY)
        can = capabilities(scratch)
        changes: list[Change] = [AdoptUser(who, bob, REASON)]
        if "dn" in can.attributes:  # there it is this that makes an account ours
            changes.append(UpdateUser(who, {"dn": None}, {"dn": "uid=bob,ou=people,dc=example,dc=com"}, REASON))
        leads_to(scratch, GROUPS, *changes, AddMembership(who, TEAM, can.roles[0], REASON))

    def test_an_adopted_group_is_ours(self, scratch: Scratch) -> None:
        """Its memberships stay as they are."""
        needs(capabilities(scratch).keeps_sources, "mark groups")
        _seed(scratch)
        leads_to(scratch, GROUPS, AdoptGroup(Group(BY_HAND), REASON))

    def test_a_group_is_renamed_with_everything_in_it(self, scratch: Scratch) -> None:
        """A rename is an update, and what follows in the run uses the new name."""
        needs(capabilities(scratch).keeps_sources, "rename groups")
        make(scratch, *_run(scratch))
        renamed = GroupKey("renamed")
        role = capabilities(scratch).roles[0]
        add = AddMembership(CAROL, renamed, role, REASON)
        leads_to(scratch, (*GROUPS, renamed), RenameGroup(MIRROR, renamed, SOURCE, REASON), add)

    def test_a_removed_group_is_gone(self, scratch: Scratch) -> None:
        """Once the run has ended what is in it; with a membership that the run does not know of, it stays: that is stale."""
        needs(capabilities(scratch).removes_groups, "remove groups")
        make(scratch, *_run(scratch))
        low, _ = _roles(scratch)
        remove = RemoveGroup(Group(MIRROR, SOURCE), REASON)
        is_stale(scratch, remove)
        leads_to(scratch, GROUPS, RemoveMembership(ALICE, MIRROR, low, REASON), remove)

    def test_memberships_are_given_changed_and_taken(self, scratch: Scratch) -> None:
        """One run does all three; roles change in place."""
        make(scratch, *_run(scratch))
        low, high = _roles(scratch)
        changes: list[Change] = [
            AddMembership(CAROL, MIRROR, low, REASON),
            RemoveMembership(CAROL, TEAM, low, REASON),
        ]
        if low != high:
            changes.append(ChangeRole(ALICE, TEAM, high, low, REASON))
        leads_to(scratch, GROUPS, *changes)

    def test_what_people_made_is_left_alone(self, scratch: Scratch) -> None:
        """No change touches an account, a group or a membership that does not carry our mark."""
        bob = _seed(scratch)
        make(scratch, *_run(scratch))
        who = Who("bob", bob.key)
        role = capabilities(scratch).roles[0]
        is_stale(scratch, DisableUser(who, REASON))
        is_stale(scratch, UpdateUser(who, {"username": "bob"}, {"username": "robert"}, REASON))
        is_stale(scratch, AddMembership(who, BY_HAND, role, REASON))
        if capabilities(scratch).removes_users:
            is_stale(scratch, RemoveUser(who, bob, REASON))
        if capabilities(scratch).removes_groups:
            is_stale(scratch, RemoveGroup(Group(BY_HAND), REASON))
        is_stale(scratch, RemoveMembership(who, BY_HAND, role, REASON))

    def test_a_name_that_people_took_is_not_taken_over(self, scratch: Scratch) -> None:
        """Creating an account or a group of a name that is there is stale."""
        _seed(scratch)
        if capabilities(scratch).creates_users:
            is_stale(scratch, CreateUser(User(NEW_KEY, "bob"), REASON))
        if capabilities(scratch).creates_groups:
            is_stale(scratch, CreateGroup(Group(BY_HAND), REASON))

    def test_a_change_is_stale_when_what_it_expects_is_not_so(self, scratch: Scratch) -> None:
        """Every type of change re-checks its precondition, and writes nothing where it does not hold."""
        make(scratch, *_run(scratch))
        for change in _unexpected(scratch):
            is_stale(scratch, change)

    def test_outcomes_stand_in_the_order_of_the_changes(self, scratch: Scratch) -> None:
        """Also where one of them is stale; that one says so, whatever became of the others."""
        make(scratch, *_run(scratch))
        low, _ = _roles(scratch)
        stale = RemoveMembership(NOBODY, TEAM, low, REASON)
        outcomes = apply(scratch, [DisableUser(CAROL, REASON), stale, DisableUser(ALICE, REASON)])
        same(outcomes[1].status, Status.STALE, "what became of the change in the middle")
        true(outcomes[0].status in {Status.APPLIED, Status.SKIPPED}, "the first change is applied or skipped")


def _run(scratch: Scratch) -> list[Change]:
    """Return a first run: two accounts, a group that a rule names and one that an import mirrors, three memberships."""
    can = capabilities(scratch)
    needs(can.creates_users, "create users")
    needs(can.creates_groups, "create groups")
    low, high = _roles(scratch)
    return [
        CreateUser(_alice(scratch), REASON),
        CreateUser(_carol(scratch), REASON),
        CreateGroup(Group(TEAM), REASON),
        CreateGroup(Group(MIRROR, SOURCE if can.keeps_sources else ""), REASON),
        AddMembership(ALICE, TEAM, high, REASON),
        AddMembership(ALICE, MIRROR, low, REASON),
        AddMembership(CAROL, TEAM, low, REASON),
    ]


def _unexpected(scratch: Scratch) -> list[Change]:
    """Return one change of each type that expects what is not so after the first run."""
    can = capabilities(scratch)
    low, high = _roles(scratch)
    alice = read(scratch, GROUPS).users[ALICE.key]
    changes: list[Change] = [
        CreateUser(User(ALICE.key, "alice.two"), REASON),
        CreateUser(User(NEW_KEY, "alice"), REASON),
        AdoptUser(Who("alice", NEW_KEY), alice, REASON),
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
    changes += [UpdateUser(ALICE, {name: "other"}, {name: None}, REASON) for name in sorted(alice.attributes)]
    if can.renames_users:
        changes.append(UpdateUser(ALICE, {"username": "alice"}, {"username": "carol"}, REASON))
    if can.keeps_sources:
        changes.append(AdoptGroup(Group(TEAM), REASON))
        changes.append(RenameGroup(MIRROR, GroupKey("renamed"), "another source", REASON))
        changes.append(RenameGroup(MIRROR, TEAM, SOURCE, REASON))
    if can.removes_users:
        changes.append(RemoveUser(NOBODY, alice, REASON))
    if can.removes_groups:
        changes.append(RemoveGroup(Group(MIRROR, "another source"), REASON))
    if low != high:
        changes += [ChangeRole(ALICE, TEAM, low, high, REASON), RemoveMembership(ALICE, TEAM, low, REASON)]
    return changes


def _seed(scratch: Scratch) -> User:
    """Make an account, a group and a membership by hand; return the account as it is read."""
    scratch.user_by_hand("bob")
    scratch.group_by_hand(BY_HAND)
    scratch.membership_by_hand("bob", BY_HAND, capabilities(scratch).roles[0])
    return next(user for user in read(scratch, GROUPS).users.values() if user.username == "bob")


def _alice(scratch: Scratch) -> User:
    can = capabilities(scratch)
    return User(ALICE.key, ALICE.username, {name: _VALUES[name] for name in sorted(can.attributes & set(_VALUES))})


def _carol(scratch: Scratch) -> User:
    """Return somebody of whom a target is told no more than it has to know."""
    can = capabilities(scratch)
    wanted = can.needs | (can.attributes & {"dn"})
    return User(CAROL.key, CAROL.username, {name: _CAROLS[name] for name in sorted(wanted)})


def _roles(scratch: Scratch) -> tuple[Role, Role]:
    """Return the lowest and the highest role; the same where there is only one."""
    roles = capabilities(scratch).roles
    return roles[0], roles[-1]
