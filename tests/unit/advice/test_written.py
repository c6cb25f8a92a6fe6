"""Lint rules that need no directory: each finds what it is for, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from sys import setprofile
from types import FrameType
from typing import Any

import pytest

from reconciler.advice.subject import Subject
from reconciler.advice.written import advise
from reconciler.desired.build import Rules
from reconciler.model.access import Capabilities, NameLimits
from reconciler.model.diagnostic import Severity
from reconciler.policy.model import GuardLimits, Naming, NamingRule, Protection, Waiver
from tests.builders import (
    CORP,
    EDITOR,
    OWNER,
    ROSTER,
    TARGET,
    TODAY,
    USERS,
    VIEWER,
    at,
    grant,
    imported,
    link,
    named,
    rule,
    rules,
)

FINE = rules(rule("api", link("devs", EDITOR), link("leads", OWNER, 11)))
BASED = replace(CORP, group_bases=("ou=groups,dc=acme",))
NAMES = NamingRule(NameLimits(pattern="app-[a-z]{8,}", max_length=10), where=at(60))


def found(said: Rules, can: Capabilities | None = ROSTER, **more: Any) -> list[str]:
    """Return ``line CODE`` of every finding; `more` are fields of the subject."""
    subject = Subject(said, can, TODAY, **more)
    return [f"{one.where.line if one.where else 0} {one.code}" for one in advise(subject)]


def waiver(guard: str, group: str = "", line: int = 70) -> Waiver:
    return Waiver(guard, "roster", date(2026, 12, 1), "#1", "because", at(line), group)


def test_rules_that_are_well_are_not_mentioned() -> None:
    """Links, a grant, an import, a protection, a waiver, a naming rule: each of them with an effect."""
    said = rules(
        rule("api", link("devs", EDITOR), link("leads", OWNER, 11), link("(title=x)", EDITOR, 12), grant("ann")),
        rule("web", link("cn=devs,ou=groups,dc=acme")),
        imports=(imported("(cn=a*)"), imported("(cn=b*)", line=51), imported("(cn=a*)", "x-{cn}", line=52)),
        target=replace(TARGET, admin_group=named("admins"), external_groups=(named("interns", 41),)),
        directory=BASED,
        naming=Naming(groups=NamingRule(NameLimits("[a-z]+", 10), where=at(60))),
    )
    protection = Protection(("root", "svc-*"), ("vault/**",), at(65))
    assert found(said, protection=protection, waivers=(waiver("max_removals"),)) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (rules(), ["5 TARGET-WITHOUT-RULE"]),
        (rules(target=replace(TARGET, users=replace(USERS, scope="all"))), []),
        (rules(target=replace(TARGET, admin_group=named("admins"))), []),
        (rules(target=replace(TARGET, auditor_group=named("auditors"))), []),
        (
            rules(target=replace(TARGET, admin_group=named("admins"), external_groups=(named("Admins", 41),))),
            ["41 ADMIN-EXTERNAL"],
        ),
    ],
)
def test_a_target_is_named_and_its_marks_exclude_each_other(said: Rules, expected: list[str]) -> None:
    """Without any rule nothing is managed; a group is not both kinds of people."""
    assert found(said) == expected


def test_a_role_that_the_target_does_not_have_is_an_error() -> None:
    """In links, grants and imports; where nobody knows the roles, nothing is said."""
    said = rules(
        rule("api", link("devs", "boss"), grant("ann", "chief")),  # type: ignore[arg-type]
        imports=(imported("(cn=a*)", access="king"),),  # type: ignore[arg-type]
    )
    assert found(said) == ["10 ROLE-UNKNOWN", "30 ROLE-UNKNOWN", "50 ROLE-UNKNOWN"]
    assert found(said, can=None) == []


def test_a_link_outside_of_group_base_finds_no_group() -> None:
    """By its DN; below the base it does."""
    said = rule("api", link("cn=devs,ou=groups,dc=acme"), link("cn=devs,ou=teams,dc=acme", line=11))
    assert found(rules(said, directory=BASED)) == ["11 LINK-OUTSIDE-BASE"]
    assert found(rules(said)) == []


def test_a_filter_that_contradicts_itself_is_found() -> None:
    """In links and in imports."""
    said = rules(rule("api", link("(&(ou=a)(!(ou=a)))")), imports=(imported("(|)"),))
    assert found(said) == ["10 FILTER-CONTRADICTION", "50 FILTER-CONTRADICTION"]


def test_a_privileged_role_by_filter_is_pointed_at() -> None:
    """A group's members are answered for by somebody; other roles by filter are usual."""
    said = rules(rule("api", link("(title=x)", OWNER), link("(title=x)", EDITOR, 11), link("leads", OWNER, 12)))
    assert "10 PRIVILEGED-FILTER" in found(said)
    assert "10 PRIVILEGED-FILTER" not in found(said, can=None)


def test_a_link_that_another_one_always_beats_is_shadowed() -> None:
    """The same selector with a higher role, in any order; names are compared as the directory does."""
    low, high = link("Devs", VIEWER), link("devs", EDITOR, 11)
    assert found(rules(rule("api", low, high))) == ["10 LINK-SHADOWED"]
    assert found(rules(rule("api", high, low, link("qa", VIEWER, 12)))) == ["10 LINK-SHADOWED"]
    assert found(rules(rule("api", low), rule("web", high))) == []


def test_imports_with_one_filter_and_name_overlap() -> None:
    """The second one is named."""
    said = rules(imports=(imported("(cn=a*)"), imported("(cn=a*)", access=EDITOR, line=51)))
    assert found(said) == ["51 IMPORT-OVERLAP"]


def test_a_grant_that_ends_within_14_days_is_noted() -> None:
    """From the last day on, and not before; it never fails a check."""
    days = [date(2026, 11, 19), TODAY, date(2026, 12, 4), date(2026, 12, 5)]
    said = rules(rule("api", *(grant(f"u{line}", until=day, line=line) for line, day in enumerate(days, 30))))
    assert found(said) == ["31 GRANT-ENDS-SOON", "32 GRANT-ENDS-SOON"]
    assert {one.severity for one in advise(Subject(said, ROSTER, TODAY))} == {Severity.NOTE}


def test_a_grant_that_another_one_covers_adds_nothing() -> None:
    """The same user, at least that role, at least as long; a longer one with a lower role does add something."""
    strong = grant("Ann", EDITOR, date(2027, 2, 1))
    covered, longer = grant("ann", VIEWER, date(2027, 2, 1), 31), grant("ann", VIEWER, date(2027, 3, 1), 32)
    assert found(rules(rule("api", covered, strong))) == ["31 GRANT-NEEDLESS"]
    assert found(rules(rule("api", longer, strong))) == []
    assert found(rules(rule("api", covered, longer, strong))) == ["31 GRANT-NEEDLESS"]


def test_a_rule_for_a_protected_group_has_no_effect() -> None:
    """What is protected is never touched."""
    assert found(FINE, protection=Protection(groups=("a*",))) == ["9 RULE-PROTECTED"]


@pytest.mark.parametrize(
    ("patterns", "count"),
    [(("svc-*", "svc-backup"), 1), (("**", "svc-*", "root"), 2), (("svc-*", "svc-b*"), 0), (("root", "admin"), 0)],
)
def test_a_protection_that_another_covers_adds_nothing(patterns: tuple[str, ...], count: int) -> None:
    """Only where that is certain: a plain name, or anything beside ``**``."""
    assert found(FINE, protection=Protection(users=patterns, where=at(65))) == ["65 PROTECTION-NEEDLESS"] * count


def test_a_waiver_that_can_lift_nothing_is_found() -> None:
    """Its guard is off, no rule names its group, or it stands there twice."""
    off = GuardLimits(max_removals=None)
    assert found(FINE, waivers=(waiver("max_removals"),), limits=off) == ["70 WAIVER-NEEDLESS"]
    none_allowed = GuardLimits(max_privileged_grants=0, empty_group="allow", protect_self=False)
    three = (waiver("max_privileged_grants"), waiver("empty_group", line=71), waiver("protect_self", line=72))
    assert found(FINE, waivers=three, limits=none_allowed) == ["71 WAIVER-NEEDLESS", "72 WAIVER-NEEDLESS"]
    assert found(FINE, waivers=(waiver("missing_group"),)) == []
    assert found(FINE, waivers=(waiver("empty_group", "apy"), waiver("empty_group", "api"))) == ["70 WAIVER-NEEDLESS"]
    assert found(FINE, waivers=(waiver("min_owners"), waiver("min_owners", line=71))) == ["71 WAIVER-NEEDLESS"]


def test_a_naming_rule_that_no_name_satisfies_is_an_error() -> None:
    """With the target's own limits, too; the defaults are nobody's fault."""
    assert found(replace(FINE, naming=Naming(groups=NAMES))) == ["60 NAMING-UNSATISFIABLE"]
    assert found(replace(FINE, naming=Naming(users=NAMES)), can=None) == ["60 NAMING-UNSATISFIABLE"]
    short = replace(ROSTER, user_names=NameLimits(max_length=3))
    four = Naming(users=NamingRule(NameLimits("[a-z]{4}"), where=at(61)))
    assert found(replace(FINE, naming=four), can=short) == ["61 NAMING-UNSATISFIABLE"]


def test_twice_the_links_is_twice_the_work() -> None:
    """Calls are counted, for thousands of links of one group and of many."""
    counts = [_calls(size) for size in (500, 1000)]
    assert all(twice < 2.5 * once for once, twice in pairwise(counts))


def _calls(size: int) -> int:
    one = rule("big", *(link(f"g{n}", VIEWER, n) for n in range(size)))
    many = (rule(f"group{n}", link(f"(title={n})", EDITOR, n), grant(f"u{n}")) for n in range(size))
    subject = Subject(rules(one, *many), ROSTER, TODAY)
    count = 0

    def counted(_frame: FrameType, event: str, _value: object) -> None:
        nonlocal count
        count += event == "call"

    setprofile(counted)
    try:
        advise(subject)
    finally:
        setprofile(None)
    return count
