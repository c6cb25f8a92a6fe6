"""What every target has to keep, as tests that any target author can run; knows no target.

Make a class whose name starts with ``Test`` from `Conformance`, and give it a pytest fixture ``scratch`` that returns a
`Scratch`, a new and empty one for each test. What a target cannot do by its own capabilities is skipped by name.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from reconciler.model.access import Group, GroupKey, Scope, State, User
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
from reconciler.targets.base import Right, Status
from reconciler.testing.examples import (
    ALICE,
    BY_HAND,
    CAROL,
    GROUPS,
    MIRROR,
    NEW_KEY,
    NOBODY,
    OTHER_VALUES,
    REASON,
    SOURCE,
    TEAM,
    alice,
    carol,
    counted,
    first_run,
    lowest_and_highest,
    seed,
    unexpected,
)
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
    true,
)


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
        make(scratch, *first_run(scratch))
        before = scratch.content()
        read(scratch, GROUPS)
        same(scratch.content(), before, "what is stored after a read")

    def test_what_people_made_is_seen_and_is_not_ours(self, scratch: Scratch) -> None:
        """Accounts, groups and memberships made by hand are read without our mark."""
        can = capabilities(scratch)
        bob = seed(scratch)
        state = read(scratch, GROUPS)
        same((bob.username, bob.managed), ("bob", False), "the account made by hand")
        same(state.groups, {BY_HAND: Group(BY_HAND, managed=not can.keeps_sources)}, "the group made by hand")
        same(state.by_hand, {BY_HAND: {bob.key: can.roles[0]}}, "the membership made by hand")
        same(state.memberships, {}, "the memberships that are ours")

    def test_rights_are_told_and_nothing_is_written_to_find_out(self, scratch: Scratch) -> None:
        """Before the first run and after it; whoever could make a run can read and write, and lacks nothing."""
        for changes in ([], first_run(scratch)):
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
        make(scratch, *first_run(scratch))
        seed(scratch)
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
        same(part.totals, counted(part, whole), "how much there is in all")
        alone = Scope(scratch.directory, frozenset(), users=frozenset(), names=frozenset({"carol"}))
        with closing(scratch.open()) as target:
            part = comparable(target.read(alone))
        same(set(part.groups), {TEAM}, "the groups of an account that is in one")
        same(part.totals, counted(part, whole), "how much there is in all, whoever is asked for")

    def test_everything_is_seen_where_it_is_asked_for(self, scratch: Scratch) -> None:
        """Groups that no rule names are read with their members, as if one named them."""
        make(scratch, *first_run(scratch))
        whole = read(scratch, GROUPS)
        with closing(scratch.open()) as target:
            everything = target.read(Scope(scratch.directory, frozenset(), all_managed_groups=True, everything=True))
        found = {group: everything.memberships.get(group) for group in whole.memberships}
        same(found, whole.memberships, "the memberships of ours, in groups that nobody named")

    def test_a_target_can_be_closed_twice(self, scratch: Scratch) -> None:
        """The second time does nothing."""
        target = scratch.open()
        target.read(Scope(scratch.directory, frozenset(GROUPS)))
        target.close()
        target.close()

    def test_batches_hold_every_change_once(self, scratch: Scratch) -> None:
        """Nothing is left out or made twice by the way in which changes group into calls, and stages never fall."""
        changes = first_run(scratch)
        with closing(scratch.open()) as target:
            batches = list(target.batches(changes))
            batched = [id(change) for batch in batches for change in batch.changes]
            same(sorted(batched), sorted(map(id, changes)), "the changes of all batches")
            stages = [batch.stage for batch in batches]
            same(stages, sorted(stages), "the stages of the batches")
            same(list(target.batches([])), [], "the batches of no changes")

    def test_a_run_may_rest_on_itself(self, scratch: Scratch) -> None:
        """Memberships of accounts and groups that the same run makes are given."""
        leads_to(scratch, GROUPS, *first_run(scratch))

    def test_the_same_run_again_is_stale(self, scratch: Scratch) -> None:
        """Nothing is applied twice, and nothing is written."""
        changes = first_run(scratch)
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
        first, second = replace(alice(scratch), flags=flags), replace(carol(scratch), active=False)
        leads_to(scratch, GROUPS, CreateUser(first, REASON), CreateUser(second, REASON))

    def test_attributes_change_in_place(self, scratch: Scratch) -> None:
        """Each attribute that the target keeps is changed, and one can be taken away."""
        kept = alice(scratch).attributes
        needs(kept, "keep attributes")
        make(scratch, *first_run(scratch))
        values = {name: OTHER_VALUES[name] for name in kept}
        leads_to(scratch, GROUPS, UpdateUser(ALICE, kept, values, REASON))
        for name in sorted(set(values) - capabilities(scratch).needs - {"dn"})[:1]:
            leads_to(scratch, GROUPS, UpdateUser(ALICE, {name: values[name]}, {name: None}, REASON))

    def test_a_username_changes_and_everything_stays(self, scratch: Scratch) -> None:
        """A rename is an update: the memberships are those from before."""
        needs(capabilities(scratch).renames_users, "rename users")
        make(scratch, *first_run(scratch))
        leads_to(scratch, GROUPS, UpdateUser(ALICE, {"username": "alice"}, {"username": "alice.mueller"}, REASON))

    def test_a_key_changes_and_everything_stays(self, scratch: Scratch) -> None:
        """The change is addressed by the new key, and what follows in the run, too."""
        needs(capabilities(scratch).keeps_keys, "keep keys")
        make(scratch, *first_run(scratch))
        who = Who("alice", NEW_KEY)
        rekey = UpdateUser(who, {"key": str(ALICE.key)}, {"key": str(NEW_KEY)}, REASON)
        leads_to(scratch, GROUPS, rekey, DisableUser(who, REASON))

    def test_an_account_is_disabled_and_enabled_again(self, scratch: Scratch) -> None:
        """What we disabled is known as that, so it may be undone."""
        make(scratch, *first_run(scratch))
        leads_to(scratch, GROUPS, DisableUser(ALICE, REASON))
        leads_to(scratch, GROUPS, EnableUser(ALICE, REASON))

    def test_flags_are_given_and_taken(self, scratch: Scratch) -> None:
        """Every flag that the target keeps, one at a time."""
        flags = sorted(capabilities(scratch).flags)
        needs(flags, "keep flags")
        make(scratch, *first_run(scratch))
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
        make(scratch, *first_run(scratch))
        low, high = lowest_and_highest(scratch)
        remove = RemoveUser(ALICE, read(scratch, GROUPS).users[ALICE.key], REASON)
        is_stale(scratch, remove)
        ends = (RemoveMembership(ALICE, TEAM, high, REASON), RemoveMembership(ALICE, MIRROR, low, REASON))
        leads_to(scratch, GROUPS, *ends, remove)

    def test_an_adopted_account_is_ours(self, scratch: Scratch) -> None:
        """It is found by its stable id from now on; what hangs on it stays, and the same run may add to it."""
        bob = seed(scratch)
        make(scratch, *first_run(scratch))
        who = Who("bob", NEW_KEY)
        can = capabilities(scratch)
        changes: list[Change] = [AdoptUser(who, bob, REASON)]
        if "dn" in can.attributes:  # there it is this that makes an account ours
            changes.append(UpdateUser(who, {"dn": None}, {"dn": "uid=bob,ou=people,dc=example,dc=com"}, REASON))
        leads_to(scratch, GROUPS, *changes, AddMembership(who, TEAM, can.roles[0], REASON))

    def test_an_adopted_group_is_ours(self, scratch: Scratch) -> None:
        """Its memberships stay as they are."""
        needs(capabilities(scratch).keeps_sources, "mark groups")
        seed(scratch)
        leads_to(scratch, GROUPS, AdoptGroup(Group(BY_HAND), REASON))

    def test_a_group_is_renamed_with_everything_in_it(self, scratch: Scratch) -> None:
        """A rename is an update, and what follows in the run uses the new name."""
        needs(capabilities(scratch).keeps_sources, "rename groups")
        make(scratch, *first_run(scratch))
        renamed = GroupKey("renamed")
        role = capabilities(scratch).roles[0]
        add = AddMembership(CAROL, renamed, role, REASON)
        leads_to(scratch, (*GROUPS, renamed), RenameGroup(MIRROR, renamed, SOURCE, REASON), add)

    def test_a_removed_group_is_gone(self, scratch: Scratch) -> None:
        """Once the run has ended what is in it; with a membership that the run does not know of, it stays: that is stale."""
        needs(capabilities(scratch).removes_groups, "remove groups")
        make(scratch, *first_run(scratch))
        low, _ = lowest_and_highest(scratch)
        remove = RemoveGroup(Group(MIRROR, SOURCE), REASON)
        is_stale(scratch, remove)
        leads_to(scratch, GROUPS, RemoveMembership(ALICE, MIRROR, low, REASON), remove)

    def test_memberships_are_given_changed_and_taken(self, scratch: Scratch) -> None:
        """One run does all three; roles change in place."""
        make(scratch, *first_run(scratch))
        low, high = lowest_and_highest(scratch)
        changes: list[Change] = [
            AddMembership(CAROL, MIRROR, low, REASON),
            RemoveMembership(CAROL, TEAM, low, REASON),
        ]
        if low != high:
            changes.append(ChangeRole(ALICE, TEAM, high, low, REASON))
        leads_to(scratch, GROUPS, *changes)

    def test_what_people_made_is_left_alone(self, scratch: Scratch) -> None:
        """No change touches an account, a group or a membership that does not carry our mark."""
        bob = seed(scratch)
        make(scratch, *first_run(scratch))
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
        seed(scratch)
        if capabilities(scratch).creates_users:
            is_stale(scratch, CreateUser(User(NEW_KEY, "bob"), REASON))
        if capabilities(scratch).creates_groups:
            is_stale(scratch, CreateGroup(Group(BY_HAND), REASON))

    def test_a_change_is_stale_when_what_it_expects_is_not_so(self, scratch: Scratch) -> None:
        """Every type of change re-checks its precondition, and writes nothing where it does not hold."""
        make(scratch, *first_run(scratch))
        for change in unexpected(scratch):
            is_stale(scratch, change)

    def test_outcomes_stand_in_the_order_of_the_changes(self, scratch: Scratch) -> None:
        """Also where one of them is stale; that one says so, whatever became of the others."""
        make(scratch, *first_run(scratch))
        low, _ = lowest_and_highest(scratch)
        stale = RemoveMembership(NOBODY, TEAM, low, REASON)
        outcomes = apply(scratch, [DisableUser(CAROL, REASON), stale, DisableUser(ALICE, REASON)])
        same(outcomes[1].status, Status.STALE, "what became of the change in the middle")
        true(outcomes[0].status in {Status.APPLIED, Status.SKIPPED}, "the first change is applied or skipped")
