"""What a target should look like: links, gaps, roles, scope, disabled people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.desired.build import Desired, rules_for
from reconciler.model.access import GroupKey, NameLimits, Role
from reconciler.model.diagnostic import Severity
from reconciler.policy.model import (
    GroupRule,
    Naming,
    NamingRule,
    OnInvalidName,
    OnMissing,
    OnMissingGroup,
    Policy,
    TargetConfig,
    UserRules,
)
from tests.builders import (
    CORP,
    EDITOR,
    FORGE,
    OWNER,
    ROSTER,
    SCHEMA,
    TARGET,
    USERS,
    VIEWER,
    at,
    desired,
    imported,
    key,
    link,
    members,
    person,
    rule,
    rules,
    snapshot,
    team,
)

API = GroupKey("api")
PEOPLE = (person("ann"), person("bob"), person("cy", title="Boss"))
TEAMS = (team("devs", "ann", "bob"), team("leads", "bob"), team("all", groups=("devs", "leads")), team("nobody"))


def of(*said: GroupRule, target: TargetConfig = TARGET) -> Desired:
    return desired(snapshot(PEOPLE, TEAMS), rules(*said, target=target))


def codes(wanted: Desired) -> list[tuple[str, str]]:
    return [(str(finding.severity), finding.code) for finding in wanted.diagnostics]


def test_everybody_in_a_linked_group_gets_its_role() -> None:
    """Direct members, by stable id."""
    assert members("api", of(rule("api", link("devs", EDITOR)))) == {"ann": "editor", "bob": "editor"}


def test_the_highest_of_several_roles_wins_in_whatever_order_they_are_written() -> None:
    """Bob is in both groups and gets the higher role from either order."""
    links = (link("devs", VIEWER, 10), link("leads", OWNER, 11))
    for said in (links, links[::-1]):
        assert members("api", of(rule("api", *said))) == {"ann": "viewer", "bob": "owner"}


def test_a_link_reaches_nested_groups() -> None:
    """The outer group has no member of its own."""
    assert members("api", of(rule("api", link("all")))) == {"ann": "viewer", "bob": "viewer"}


def test_a_link_may_be_a_filter_over_people() -> None:
    """Evaluated on the snapshot."""
    assert members("api", of(rule("api", link("(title=boss)", OWNER)))) == {"cy": "owner"}


def test_a_link_may_be_a_dn_in_any_spelling() -> None:
    """Compared in canonical form."""
    assert members("api", of(rule("api", link("CN=Devs, OU=groups,DC=acme")))) == {"ann": "viewer", "bob": "viewer"}


def test_a_username_template_with_an_attribute_that_the_server_does_not_know_is_an_error() -> None:
    """Our own words for attributes are none of the server's."""
    server = replace(SCHEMA, from_server=True)
    for template, found in (("{uidd}-{username}", ["uidd"]), ("{uid}{email}", [])):
        target = replace(TARGET, users=replace(USERS, username=template, where=at(9)))
        wanted = desired(snapshot(PEOPLE, TEAMS, server), rules(rule("api", link("devs")), target=target))
        schema = [finding for finding in wanted.diagnostics if finding.code == "TEMPLATE-SCHEMA"]
        assert [finding.summary.split('"')[1] for finding in schema] == found
        assert all((finding.severity, finding.where) == (Severity.ERROR, at(9)) for finding in schema)


@pytest.mark.parametrize(
    "users", [UserRules(email="{uidd}"), UserRules(name="{uidd}"), UserRules(kerberos="{uidd}")], ids=repr
)
def test_every_template_of_an_account_is_held_against_the_schema(users: UserRules) -> None:
    """Not only that of the username."""
    target = replace(TARGET, users=users)
    said = rules(rule("api", link("devs")), target=target)
    wanted = desired(snapshot(PEOPLE, TEAMS, replace(SCHEMA, from_server=True)), said, FORGE)
    assert [finding.code for finding in wanted.diagnostics] == ["TEMPLATE-SCHEMA"]


def test_an_identity_that_the_target_cannot_keep_is_an_error() -> None:
    """What a policy says is not passed over in silence."""
    target = replace(TARGET, users=replace(USERS, kerberos="{uid}@ACME", where=at(9)))
    said = rules(rule("api", link("devs")), target=target)
    (finding,) = desired(snapshot(PEOPLE, TEAMS), said).diagnostics
    assert (finding.code, finding.severity, finding.where) == ("ATTRIBUTE-UNKNOWN", Severity.ERROR, at(9))
    assert not desired(snapshot(PEOPLE, TEAMS), said, FORGE).diagnostics


@pytest.mark.parametrize(
    ("keys", "sources", "source"), [(True, True, "group-devs"), (True, False, ""), (False, True, "")]
)
def test_a_group_mirrors_something_only_where_the_target_can_keep_that(
    *, keys: bool, sources: bool, source: str
) -> None:
    """Elsewhere it is a group like any other."""
    can = replace(FORGE, keeps_keys=keys, keeps_sources=sources)
    wanted = desired(snapshot(PEOPLE, TEAMS), rules(imports=[imported("(cn=devs)")]), can)
    assert [group.source for group in wanted.state.groups.values()] == [source]


def test_a_filter_that_the_schema_does_not_know_is_warned_about() -> None:
    """A typing error in an attribute must not be silent."""
    assert codes(of(rule("api", link("(titel=boss)")))) == [
        ("warning", "FILTER-SCHEMA"),
        ("warning", "FILTER-NO-VALUE"),
    ]


@pytest.mark.parametrize("filtered", ["(!(title=boss))", "(&(uid=*)(|(!(title=boss))(uid=x)))"])
def test_not_having_what_nobody_has_selects_nobody_on_a_server(filtered: str) -> None:
    """An attribute that the account may not read looks absent, and then everybody would get the role."""
    said = rules(rule("api", link(filtered)))
    read = snapshot([person("ann")], schema=replace(SCHEMA, from_server=True))
    assert ("error", "FILTER-NO-VALUE") in codes(desired(read, said))
    assert ("warning", "FILTER-NO-VALUE") in codes(desired(snapshot([person("ann")]), said))


def test_an_empty_group_is_no_gap() -> None:
    """Only it can lead to removals."""
    wanted = of(rule("api", link("nobody")))
    assert (members("api", wanted), wanted.frozen_groups, wanted.diagnostics) == ({}, {}, ())


@pytest.mark.parametrize("missing", ["gone", "cn=gone,ou=groups,dc=acme"])
def test_a_missing_group_freezes_the_target_group(missing: str) -> None:
    """Others still give their roles; the finding says where the link stands and what to do."""
    wanted = of(rule("api", link("devs"), link(missing, OWNER, 11)))
    assert members("api", wanted) == {"ann": "viewer", "bob": "viewer"}
    assert list(wanted.frozen_groups) == [API]
    (finding,) = wanted.diagnostics
    assert (finding.severity, finding.code, finding.where) == (Severity.WARNING, "LINK-MISSING-GROUP", at(11))
    assert "is not in the directory" in finding.summary
    assert "take the rule out" in finding.detail


def test_a_missing_group_counts_as_empty_where_the_policy_says_so() -> None:
    """Then nothing is frozen, and the finding says why."""
    wanted = of(rule("api", link("gone")), target=replace(TARGET, on_missing_group=OnMissingGroup.EMPTY))
    assert wanted.frozen_groups == {}
    assert "counts as empty" in wanted.diagnostics[0].detail


def test_a_group_that_must_not_be_missing_is_named_where_the_policy_says_so() -> None:
    """For a guard to refuse the plan; the target group is frozen all the same, for when that is waived."""
    said = (rule("api", link("gone"), link("devs"), link("away")), rule("web", link("devs")))
    strict = of(*said, target=replace(TARGET, on_missing_group=OnMissingGroup.ERROR))
    assert codes(strict) == [("warning", "LINK-MISSING-GROUP")] * 2
    assert (strict.missing_groups, list(strict.frozen_groups)) == ({API: ("cn=away", "cn=gone")}, [API])
    assert not of(*said).missing_groups


@pytest.mark.parametrize("choice", OnMissingGroup)
def test_an_unreadable_group_freezes_whatever_the_policy_says_of_missing_ones(choice: OnMissingGroup) -> None:
    """Unreadable is not missing, and never empty; also where it is nested."""
    seen = snapshot(PEOPLE, (team("outer", "ann", groups=("inner",)), team("inner", readable=False)))
    wanted = desired(seen, rules(rule("api", link("outer")), target=replace(TARGET, on_missing_group=choice)))
    assert members("api", wanted) == {"ann": "viewer"}
    assert wanted.frozen_groups[API] == "the members of cn=inner,ou=groups,dc=acme cannot be read"
    assert [finding.code for finding in wanted.diagnostics] == ["LINK-UNREADABLE-GROUP"]


def test_a_cn_that_two_groups_have_is_an_error_that_names_both() -> None:
    """Nobody gets anything from it."""
    seen = snapshot(PEOPLE, (team("devs", "ann"), replace(team("other", "bob"), attributes={"cn": ("other", "DEVS")})))
    wanted = desired(seen, rules(rule("api", link("devs"))))
    assert members("api", wanted) == {}
    (finding,) = wanted.diagnostics
    assert (finding.severity, finding.code) == (Severity.ERROR, "LINK-AMBIGUOUS")
    assert "cn=devs,ou=groups,dc=acme and cn=other,ou=groups,dc=acme" in finding.summary


def test_a_role_that_the_target_does_not_have_is_an_error() -> None:
    """And gives nothing."""
    wanted = of(rule("api", link("devs", Role("admin"))))
    assert (codes(wanted), members("api", wanted)) == ([("error", "ROLE-UNKNOWN")], {})
    assert "viewer, editor, owner" in wanted.diagnostics[0].detail


def test_a_group_name_in_the_policy_must_be_one_that_the_target_can_hold() -> None:
    """It is taken literally, whatever `on_invalid` says."""
    naming = Naming(groups=NamingRule(NameLimits(pattern="[a-z]+"), OnInvalidName.NORMALIZE))
    wanted = desired(snapshot(), rules(rule("API!"), naming=naming))
    assert codes(wanted) == [("error", "GROUP-NAME")]
    assert list(wanted.state.groups) == [GroupKey("API!")]


def test_only_linked_people_have_accounts() -> None:
    """Cy is in no rule."""
    assert set(of(rule("api", link("devs"))).state.users) == {key("ann"), key("bob")}


def test_everybody_has_an_account_where_the_scope_is_all() -> None:
    """Without any link at all."""
    target = replace(TARGET, users=replace(USERS, scope="all"))
    assert set(of(target=target).state.users) == {key("ann"), key("bob"), key("cy")}


def test_disabled_people_keep_their_roles_unless_their_accounts_are_removed() -> None:
    """They are still in the groups; `remove` takes memberships and account."""
    seen = snapshot((person("ann", disabled=True), person("bob")), (team("devs", "ann", "bob"),))
    kept = desired(seen, rules(rule("api", link("devs"))))
    assert members("api", kept) == {"ann": "viewer", "bob": "viewer"}
    assert kept.disabled == {key("ann")}
    assert not kept.state.users[key("ann")].active
    removing = replace(TARGET, users=replace(USERS, when_disabled=OnMissing.REMOVE))
    assert members("api", desired(seen, rules(rule("api", link("devs")), target=removing))) == {"bob": "viewer"}


def test_somebody_without_a_usable_name_keeps_the_roles_and_gets_no_account() -> None:
    """Skipped is not absent: the stable id is in the group, the account is not wanted, and the plan says why."""
    seen = snapshot((person("ann", uid=()), person("bob")), (team("devs", "ann", "bob"),))
    wanted = desired(seen, rules(rule("api", link("devs"))))
    assert members("api", wanted) == {"ann": "viewer", "bob": "viewer"}
    assert set(wanted.state.users) == {key("bob")}
    assert wanted.frozen_users == {key("ann"): 'has no attribute "uid", which the username needs'}
    assert wanted.concerns(key("ann"))
    assert not wanted.concerns(key("cy"))


def test_attributes_that_the_target_cannot_hold_are_left_out() -> None:
    """Nobody is compared by them."""
    seen = snapshot((person("ann", mail="ann@acme.example"),), (team("devs", "ann"),))
    poor = replace(ROSTER, attributes=frozenset({"email"}))
    account = desired(seen, rules(rule("api", link("devs"))), poor).state.users[key("ann")]
    assert account.attributes == {"email": "ann@acme.example"}


def test_rules_are_those_of_one_target() -> None:
    """And a target without groups, imports or naming of its own has none."""
    policy = Policy("p", "d", (), {"corp": CORP}, {"roster": TARGET}, groups={"other": {"api": rule("api")}})
    assert rules_for(policy, "roster") == rules()
