"""The policy's own tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.desired.build import Desired
from reconciler.desired.expectations import NAMED, Verdict, title, verdict
from reconciler.model.access import Capabilities, NameLimits
from reconciler.policy.model import Expectation, Naming, NamingRule, OnInvalidName
from tests.builders import (
    EDITOR,
    OWNER,
    ROSTER,
    TARGET,
    USERS,
    VIEWER,
    at,
    desired,
    imported,
    link,
    person,
    rule,
    rules,
    snapshot,
    team,
)

SEEN = snapshot((person("ann"), person("bob", uid="both"), person("cy", uid="both")), (team("devs", "ann"),))
WANTED = desired(SEEN, rules(rule("api", link("devs", EDITOR)), rule("web")))


def facts(user: str, has: dict[str, str], lacks: tuple[str, ...] = ()) -> list[str]:
    return said(Expectation(user, "roster", at(60), has, lacks))


def said(expectation: Expectation, wanted: Desired = WANTED, can: Capabilities = ROSTER) -> list[str]:
    return [finding.summary for finding in verdict(expectation, wanted, can).problems()]


def of_groups(*patterns: str, **more: Any) -> Expectation:
    return Expectation("", "roster", at(60), groups=patterns, **more)


def test_what_holds_is_not_mentioned() -> None:
    """The exact role, and no role at all; names compare without case."""
    assert facts("Ann", {"api": "editor"}, ("web",)) == []


def test_what_does_not_hold_is_said_with_what_was_found() -> None:
    """One finding per fact, at the expectation's place."""
    assert facts("ann", {"web": "viewer", "api": "owner"}) == [
        "ann in roster: expected owner in api, found editor.",
        "ann in roster: expected viewer in web, found no role.",
    ]
    (finding,) = verdict(Expectation("ann", "roster", at(60), {}, ("api",)), WANTED, ROSTER).problems()
    assert (finding.where, finding.summary) == (at(60), "ann in roster: expected no role in api, found editor.")


def test_a_group_that_no_rule_names_fails() -> None:
    """In `lacks` it would hold for ever, and in `has` it is not the person who is wrong."""
    assert facts("ann", {"apy": "editor"}, ("wep", "api")) == [
        "ann in roster: apy is no group that a rule of this target names.",
        "ann in roster: wep is no group that a rule of this target names.",
        "ann in roster: expected no role in api, found editor.",
    ]


def test_an_imported_group_is_one_that_can_be_expected() -> None:
    """By the name that the import gives it."""
    mirrored = desired(SEEN, rules(imports=(imported("(cn=devs)", "x-{cn}", EDITOR),)))
    expectation = Expectation("ann", "roster", at(60), {"x-devs": "editor"}, ("devs",))
    assert said(expectation, mirrored) == ["ann in roster: devs is no group that a rule of this target names."]


def test_a_name_that_is_nobodys_or_several_peoples_fails() -> None:
    """`lacks` would hold for ever for a name with a typing error."""
    assert facts("anm", {}, ("api",)) == ["anm in roster: nobody in the directory has this name."]
    assert facts("both", {}, ("api",)) == ["both in roster: 2 people have this name."]


TEAMS = snapshot(
    (person("ann"), person("bob"), person("cy"), person("dee", uid="dee x"), person("eve")),
    (
        team("staff", "ann", "bob"),
        team("owners", "ann", "bob", "cy"),
        team("devs", "dee"),
        team("shut", readable=False),
    ),
)
ROLES = desired(
    TEAMS,
    rules(
        rule("pay", link("owners", OWNER)),
        rule("pay/api", link("devs", EDITOR)),
        rule("web", link("staff", VIEWER)),
        target=replace(TARGET, users=replace(USERS, scope="linked")),
        naming=Naming(users=NamingRule(NameLimits(pattern="[a-z]+"), OnInvalidName.SKIP)),
    ),
)


def test_the_number_of_people_with_a_role_is_judged_group_by_group() -> None:
    """Exactly that role, or any; who has it is named, by DN where there is no username."""
    assert said(of_groups("**", role="owner", at_most=3), ROLES) == []
    assert said(of_groups("*", role="owner", at_most=2), ROLES) == [
        "* in roster: expected at most 2 with owner in pay, 3 people have it: ann, bob, cy."
    ]
    assert said(of_groups("pay/*", "web", at_least=2), ROLES) == [
        "pay/*, web in roster: expected at least 2 with a role in pay/api, 1 person has it: uid=dee,ou=people,dc=acme."
    ]
    assert said(of_groups("web", role="owner", at_least=1), ROLES) == [
        "web in roster: expected at least 1 with owner in web, 0 people have it."
    ]


def test_a_role_from_above_counts_where_the_target_inherits() -> None:
    """The higher one of both; elsewhere groups have nothing to do with each other."""
    nested = replace(ROSTER, inherits=True)
    three = of_groups("pay/**", role="owner", at_least=3)
    assert said(three, ROLES, nested) == []
    assert len(said(three, ROLES)) == 1
    (fact,) = said(of_groups("pay/api", role="editor", nobody_outside=link("devs")), ROLES, nested)
    assert fact.endswith("found ann, bob, cy.")
    both = desired(TEAMS, rules(rule("pay", link("owners", VIEWER)), rule("pay/api", link("owners", OWNER))))
    assert said(of_groups("pay/api", role="owner", at_least=3), both, nested) == []


def test_what_somebody_has_and_lacks_counts_from_above_where_the_target_inherits() -> None:
    """The higher role is the one that holds, wherever it stands; who has nothing here may still have it from above."""
    nested = replace(ROSTER, inherits=True)
    both = desired(
        TEAMS, rules(rule("Pay", link("owners", OWNER)), rule("pay/api", link("staff", VIEWER), link("devs")))
    )

    def judged(user: str, has: dict[str, str], lacks: tuple[str, ...], can: Capabilities) -> list[str]:
        return said(Expectation(user, "roster", at(60), has, lacks), both, can)

    assert judged("ann", {"pay/api": "owner"}, (), nested) == []
    assert judged("ann", {"pay/api": "viewer"}, (), nested) == [
        "ann in roster: expected viewer in pay/api, found owner from Pay."
    ]
    assert judged("ann", {"pay/api": "viewer"}, (), ROSTER) == []
    assert judged("cy", {}, ("pay/api",), nested) == [
        "cy in roster: expected no role in pay/api, found owner from Pay."
    ]
    assert judged("cy", {}, ("pay/api",), ROSTER) == []
    assert judged("eve", {}, ("pay/api", "Pay"), nested) == []
    low = desired(TEAMS, rules(rule("pay", link("staff", VIEWER)), rule("pay/api", link("staff", OWNER))))
    assert said(Expectation("ann", "roster", at(60), {"pay/api": "owner"}, ()), low, nested) == []


def test_nobody_outside_of_a_group_has_a_role_or_a_higher_one() -> None:
    """By CN, by DN or by filter; without a role any counts."""
    assert said(of_groups("web", "pay/*", role="owner", nobody_outside=link("staff")), ROLES) == []
    assert said(of_groups("*", role="editor", nobody_outside=link("staff")), ROLES) == [
        "* in roster: expected nobody outside cn=staff with editor or more in pay, found cy."
    ]
    assert said(of_groups("web", nobody_outside=link("(uid=ann)")), ROLES) == [
        "web in roster: expected nobody outside (uid=ann) with a role in web, found bob."
    ]
    assert said(of_groups("web", nobody_outside=link("cn=staff,ou=groups,dc=acme")), ROLES) == []


def test_who_is_inside_must_be_known() -> None:
    """A group that is missing, unreadable or ambiguous says nothing about who is outside of it."""
    assert said(of_groups("web", nobody_outside=link("stuff")), ROLES) == [
        "web in roster: the group cn=stuff is not in the directory."
    ]
    (fact,) = said(of_groups("web", nobody_outside=link("shut")), ROLES)
    assert "cannot be read" in fact
    twins = replace(TEAMS, groups=(*TEAMS.groups, replace(TEAMS.groups[-1], dn="cn=staff,ou=other", key="twin")))
    (fact,) = said(of_groups("web", nobody_outside=link("staff")), desired(twins, rules(rule("web", link("devs")))))
    assert '"cn=staff" is the name of 2 groups' in fact


def test_a_pattern_that_matches_no_group_fails() -> None:
    """It would hold for ever."""
    assert said(of_groups("pai/**", "web", at_most=5), ROLES) == [
        "pai/**, web in roster: pai/** matches no group that a rule of this target names."
    ]


def test_a_failure_names_at_most_so_many_people() -> None:
    """The others are counted."""
    crowd = [f"u{number:02}" for number in range(NAMED + 5)]
    many = desired(snapshot(map(person, crowd), (team("all", *crowd),)), rules(rule("web", link("all"))))
    (fact,) = said(of_groups("web", at_most=1), many)
    assert fact.endswith("25 people have it: " + ", ".join(crowd[:NAMED]) + " and 5 more.")


def test_a_test_has_a_title() -> None:
    """What it wants, in a line."""
    person_test = Expectation("ann", "roster", at(60), {"web": "owner", "api": "viewer"}, ("x",))
    assert title(person_test) == "ann has viewer in api, has owner in web, lacks x"
    limits = of_groups("a/*", "b", role="owner", at_least=1, at_most=3, nobody_outside=link("staff"))
    assert title(limits) == "a/*, b: at least 1 with owner, at most 3 with owner, nobody outside cn=staff has owner"
    assert title(of_groups("b", at_most=3)) == "b: at most 3 with a role"
    assert list(Verdict(limits).problems()) == []
