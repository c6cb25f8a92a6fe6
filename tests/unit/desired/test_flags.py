"""Instance-wide marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.desired.build import Desired, without_marks
from reconciler.model.access import Flag
from reconciler.model.diagnostic import Severity
from tests.builders import ROSTER, TARGET, Team, at, desired, key, named, person, rules, snapshot, team

PEOPLE = (person("ann"), person("bob"), person("cy"))
MARKED = replace(TARGET, admin_group=named("root"), external_groups=(named("temps", 41), named("guests", 42)))
TEAMS = (team("root", "ann"), team("temps", "bob"), team("guests", groups=("temps",)))


def of(teams: Sequence[Team] = TEAMS) -> Desired:
    return desired(snapshot(PEOPLE, teams), rules(target=MARKED))


def test_members_of_the_admin_group_are_admins() -> None:
    """And everybody else in scope is not."""
    users = of().state.users
    assert users[key("ann")].flags == {Flag.ADMIN: True, Flag.EXTERNAL: False}
    assert users[key("bob")].flags == {Flag.ADMIN: False, Flag.EXTERNAL: True}


def test_people_named_only_by_these_groups_count_as_linked() -> None:
    """Cy is in none of them."""
    assert set(of().state.users) == {key("ann"), key("bob")}


def test_marks_are_not_managed_where_the_policy_does_not_name_groups() -> None:
    """An absent key means: not managed."""
    assert desired(snapshot(PEOPLE, TEAMS), rules()).flags == frozenset()


def test_a_gap_among_the_external_groups_lets_nobody_out() -> None:
    """Missing or unreadable, also nested: who is known to be external is marked, and nobody loses the mark."""
    for teams in (TEAMS[:2], (*TEAMS[:2], team("guests", groups=("inner",)), team("inner", readable=False))):
        wanted = of(teams)
        assert wanted.flags == {Flag.ADMIN, Flag.EXTERNAL}
        assert wanted.only_given == {Flag.EXTERNAL}
        (finding,) = wanted.diagnostics
        assert (finding.severity, finding.code) == (Severity.WARNING, "FLAG-GROUP-GAP")
        assert "Nobody loses external" in finding.detail


def test_a_gap_in_the_admin_group_leaves_the_mark_alone() -> None:
    """Nobody becomes admin, and nobody stops being one, by a guess."""
    wanted = of(TEAMS[1:])
    assert wanted.flags == {Flag.EXTERNAL}
    assert not wanted.only_given
    assert "Nobody gains or loses admin" in wanted.diagnostics[0].detail


def test_an_ambiguous_name_is_an_error() -> None:
    """Nobody is marked by a guess."""
    wanted = of((*TEAMS, replace(team("other"), attributes={"cn": ("other", "root")})))
    assert [(finding.severity, finding.code) for finding in wanted.diagnostics] == [("error", "LINK-AMBIGUOUS")]
    assert wanted.flags == {Flag.EXTERNAL}


def test_a_mark_that_the_target_does_not_know_is_an_error() -> None:
    """It is said, not dropped."""
    plain = replace(ROSTER, flags=frozenset({Flag.ADMIN}))
    wanted = desired(snapshot(PEOPLE, TEAMS), rules(target=MARKED), plain)
    assert [(finding.severity, finding.code) for finding in wanted.diagnostics] == [("error", "FLAG-UNKNOWN")]
    assert wanted.flags == {Flag.ADMIN}


def test_members_of_the_auditor_group_are_auditors() -> None:
    """Where the target has the mark; a gap leaves it alone, as with admins."""
    target = replace(MARKED, auditor_group=named("temps", 43))
    can = replace(ROSTER, flags=frozenset(Flag))
    users = desired(snapshot(PEOPLE, TEAMS), rules(target=target), can).state.users
    assert users[key("bob")].flags == {Flag.ADMIN: False, Flag.EXTERNAL: True, Flag.AUDITOR: True}
    gone = desired(snapshot(PEOPLE, TEAMS), rules(target=replace(target, auditor_group=named("gone"))), can)
    assert gone.flags == {Flag.ADMIN, Flag.EXTERNAL}
    assert "Nobody gains or loses auditor" in gone.diagnostics[0].detail


def test_a_mark_that_the_target_turns_out_not_to_have_is_given_to_nobody() -> None:
    """An error at the rule; what else should be stays as it is."""
    target = replace(MARKED, auditor_group=named("temps", 43))
    wanted = desired(snapshot(PEOPLE, TEAMS), rules(target=target), replace(ROSTER, flags=frozenset(Flag)))
    assert without_marks(wanted, frozenset(Flag)) is wanted
    left = without_marks(wanted, ROSTER.flags)
    assert left.flags == {Flag.ADMIN, Flag.EXTERNAL}
    assert left.state.users[key("bob")].flags == {Flag.ADMIN: False, Flag.EXTERNAL: True}
    assert [(one.code, one.where) for one in left.diagnostics] == [("FLAG-UNKNOWN", at(43))]
