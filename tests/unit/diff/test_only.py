"""A comparison kept to some people: what is theirs, under which names, and which findings are about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.diff.compare import compare
from reconciler.diff.only import accounts_of, concerned, narrowed
from reconciler.model.access import Flag, Group, GroupKey, NameLimits, State, Totals, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    CreateGroup,
    CreateUser,
    RemoveMembership,
    person_of,
    type_name,
)
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Hold, TargetPlan
from reconciler.plan.build import Safety, build_target
from reconciler.policy.model import (
    GroupImport,
    GroupRule,
    GuardLimits,
    Limit,
    Naming,
    NamingRule,
    OnMissing,
    Protection,
    TargetConfig,
)
from tests.builders import (
    GROUPS,
    OWNER,
    TARGET,
    TODAY,
    USERS,
    VIEWER,
    World,
    grant,
    imported,
    key,
    link,
    live,
    named,
    person,
    rule,
    rules,
    snapshot,
    stranger,
    team,
    user,
)

ANN, BOB = frozenset({key("ann")}), frozenset({key("bob")})
PEOPLE = (person("ann"), person("bob"))
DEVS = (team("devs", "ann", "bob"),)


def world(have: State, *said: GroupRule, target: TargetConfig = TARGET, imports: Sequence[GroupImport] = ()) -> World:
    """Return a world of two developers with these rules."""
    return World(snapshot(PEOPLE, DEVS), rules(*said, target=target, imports=imports), have)


def section(here: World, only: frozenset[UserKey]) -> TargetPlan:
    """Return the section of these people."""
    want = narrowed(here.want(), here.have, here.diff_rules(), only)
    safety = Safety(here.limits, here.waivers, TODAY, here.capabilities)
    return build_target(TargetPlan("roster", "sql", "", "corp"), here.have, want, here.diff_rules(), safety)


def test_everybody_is_the_whole_state() -> None:
    """Where nobody is singled out, nothing is left out."""
    here = world(live({"api": {"ann": VIEWER}}), rule("api", link("devs")))
    assert concerned(here.have, here.want()) is here.have


def test_only_their_rows_are_compared_and_everybodys_are_seen_by_guards() -> None:
    """The state that comes back is the whole one, under the plan's keys."""
    here = world(live({"api": {"ann": VIEWER, "cy": OWNER}, "web": {"bob": VIEWER}}), rule("api"), rule("web"))
    want = narrowed(here.want(), here.have, here.diff_rules(), ANN)
    have, found = compare(here.have, want, here.diff_rules())
    assert have == here.have
    assert [(type_name(change), getattr(change, "group", "")) for change in found.changes] == [
        ("membership.remove", "api")
    ]
    assert list(want.state.groups) == ["api"]


def test_an_account_that_is_not_ours_is_nobodys() -> None:
    """Whatever it is called."""
    here = world(live({}, stranger("ann"), user("bob")), rule("api", link("devs")))
    assert accounts_of(here.have, here.want(), here.diff_rules(), ANN | BOB) == {key("bob")}


def test_an_account_that_is_taken_over_is_theirs_with_what_it_holds() -> None:
    """What somebody who has left still had under this name is taken away, in groups where the newcomer should not be, too."""
    target = replace(TARGET, users=replace(USERS, adopt=True))
    left = live({"web": {"ann": VIEWER, "bob": VIEWER}}, user("ann", key="id-gone"))
    here = world(left, rule("api", link("devs")), rule("web", link("(uid=bob)")), target=target)
    assert accounts_of(left, here.want(), here.diff_rules(), ANN | BOB) == {"id-gone", key("bob")}
    assert [type_name(change) for change in section(here, ANN).changes] == [
        "user.update",
        "group.create",
        "membership.add",
        "membership.remove",
    ]
    by_hand = here.now_with(live({}, stranger("ann"), by_hand={"web": {"ann": OWNER}}))
    assert accounts_of(by_hand.have, here.want(), here.diff_rules(), ANN) == {"local:ann"}
    mine = section(by_hand, ANN)
    assert [type_name(change) for change in mine.changes] == ["user.adopt", "group.create", "membership.add"]
    assert mine.unchanged.groups == 1


def test_nothing_is_taken_from_an_account_that_may_be_somebody_elses() -> None:
    """Who has the same login, and is in no group, does not cost the other the membership: it is shown, and stays."""
    people = (person("bob", stable=False), person("cy", stable=False, uid="bob"))
    have = live({"api": {"bob": VIEWER}}, user("bob"))
    here = World(snapshot(people, (team("devs", "bob"),)), rules(rule("api", link("devs"))), have)
    for one in people:
        mine = section(here, frozenset({one.key}))
        assert [change for change in mine.changes if person_of(change) == key("bob")] == []
        held = [(type_name(held.change), held.hold) for held in mine.withheld if person_of(held.change) == key("bob")]
        assert held == [("membership.remove", Hold.FROZEN_USER)]


def test_a_group_is_made_only_for_a_membership_in_it() -> None:
    """Each rule's group would be made in a run for everybody."""
    here = world(State(), rule("api", link("devs")), rule("web", link("(uid=bob)")))
    assert [type(change) for change in section(here, ANN).changes] == [CreateUser, CreateGroup, AddMembership]
    assert len(section(here, BOB).changes) == 5


def test_a_group_is_adopted_also_where_something_is_taken_in_it() -> None:
    """A target changes nothing in a group that is not ours."""
    target = replace(TARGET, groups=replace(GROUPS, adopt=True))
    have = live({"api": {"ann": VIEWER}}, groups=[Group(GroupKey("api"), managed=False)])
    here = world(have, rule("api"), rule("web", link("devs")), target=target)
    assert [type(change) for change in section(here, ANN).changes] == [
        AdoptGroup,
        CreateGroup,
        AddMembership,
        RemoveMembership,
    ]


def test_a_group_is_not_renamed_for_one_of_its_members() -> None:
    """What changes in it is said by the name that it has; protected ones, and those whose names are taken, are left alone."""
    mirror = Group(GroupKey("old"), "group-devs")
    have = live({"old": {"bob": VIEWER}}, user("ann"), groups=[mirror])
    here = world(have, imports=[imported("(cn=devs)")])
    (change,) = section(here, ANN).changes
    assert isinstance(change, AddMembership)
    assert change.group == "old"
    protected = replace(here, protected=Protection(groups=("old",)))
    assert section(protected, ANN).changes == ()
    taken = here.now_with(replace(have, groups={**have.groups, GroupKey("devs"): Group(GroupKey("devs"))}))
    assert [getattr(one, "group", "") for one in section(taken, ANN).changes] == ["devs"]


def test_a_group_that_is_gone_loses_this_member_and_stays() -> None:
    """Removing it is a matter of a run for everybody."""
    target = replace(TARGET, groups=replace(GROUPS, when_missing=OnMissing.REMOVE))
    have = live({"old": {"ann": VIEWER, "bob": VIEWER}}, groups=[Group(GroupKey("old"), "group-gone")])
    here = world(have, target=target, imports=[imported("(cn=app-*)")])
    assert [type_name(change) for change in section(here, ANN).changes] == ["membership.remove"]


def test_findings_about_others_are_left_out() -> None:
    """Names of people, grants of people, and groups that hold none of them."""
    people = (person("ann"), person("bob", uid="!"), person("cy"))
    teams = (team("bad one", "ann"), team("bad two", "bob"), team("devs", "ann", "bob"))
    plain = NamingRule(NameLimits(pattern="[a-z]+"))
    said = rules(
        rule("api", link("devs"), grant("zoe"), grant("ann", until=TODAY.replace(year=2025)), link("none")),
        imports=[imported("(cn=bad*)")],
        naming=Naming(users=plain, groups=plain),
    )
    here = World(snapshot(people, teams), said)
    about = {
        only: sorted(f"{one.code} {one.subject}" for one in section(here, keys).diagnostics)
        for only, keys in {"ann": ANN, "bob": BOB, "cy": frozenset({key("cy")})}.items()
    }
    assert about == {
        "ann": ["GRANT-ENDED ann", "IMPORT-NAME cn=bad one,ou=groups,dc=acme", "LINK-MISSING-GROUP cn=none"],
        "bob": [
            "IMPORT-NAME cn=bad two,ou=groups,dc=acme",
            "LINK-MISSING-GROUP cn=none",
            "USER-NAME uid=bob,ou=people,dc=acme",
        ],
        "cy": ["LINK-MISSING-GROUP cn=none"],
    }


def test_an_import_whose_group_is_not_there_is_nobodys_finding() -> None:
    """A finding that names no group of the directory is about nobody in it."""
    here = world(State(), rule("api", link("devs")))
    want = replace(here.want(), diagnostics=(Diagnostic(Severity.ERROR, "IMPORT-NAME", "x", subject="cn=x,dc=acme"),))
    assert narrowed(want, State(), here.diff_rules(), ANN).diagnostics == ()


def test_limits_are_of_the_totals_where_the_state_is_a_part() -> None:
    """Accounts that are closed count as open before, as in a whole state; admins are those of the target."""
    limits = GuardLimits(max_removals=Limit(percent=10), max_removals_per_group=None, empty_group="allow")
    target = replace(TARGET, users=replace(USERS, when_missing=OnMissing.REMOVE))
    have = live({"api": {"xan": VIEWER, "yul": VIEWER}}, user("yul", active=False))
    here = replace(world(have, rule("api"), target=target), limits=limits)
    gone = frozenset({key("xan"), key("yul")})
    counts = [(one.count, one.limit, one.total) for one in section(here, gone).refusals]
    assert counts == [(2, 1, 2), (2, 1, 2)]
    part = here.now_with(replace(have, totals=Totals(accounts=14, admins=3, groups=2, memberships=20)))
    assert [(one.count, one.limit, one.total) for one in section(part, gone).refusals] == [(2, 1, 15)]


def test_the_last_admin_is_known_from_the_totals() -> None:
    """Others with the mark are not in a state that is a part."""
    target = replace(TARGET, admin_group=named("leads"))
    seen = snapshot(PEOPLE, (*DEVS, team("leads")))
    have = live({}, user("ann", flags=(Flag.ADMIN,)))
    for admins, refused in ((1, ["empty_admin_group"]), (5, [])):
        part = replace(have, totals=Totals(accounts=9, admins=admins, groups=2, memberships=20))
        here = World(seen, rules(rule("api", link("devs")), target=target), part)
        assert [one.guard for one in section(here, ANN).refusals] == refused
