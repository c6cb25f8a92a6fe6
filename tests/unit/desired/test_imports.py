"""Mirroring directory groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.desired.build import Desired
from reconciler.model.access import Group, GroupKey, NameLimits, Role
from reconciler.model.diagnostic import Severity
from reconciler.model.reason import Why
from reconciler.policy.model import GroupImport, Naming, NamingRule, OnInvalidName
from tests.builders import (
    EDITOR,
    OWNER,
    SCHEMA,
    Team,
    at,
    desired,
    imported,
    link,
    members,
    person,
    rule,
    rules,
    snapshot,
    team,
)

PEOPLE = (person("ann"), person("bob"))
APPS = (team("app-a", "ann"), team("app-b", "bob"), team("devs", "ann", "bob"))
RULE = imported("(cn=app-*)")


def of(
    *imports: GroupImport,
    teams: Sequence[Team] = APPS,
    on_invalid: OnInvalidName = OnInvalidName.ERROR,
    limits: NameLimits | None = None,
) -> Desired:
    naming = Naming(groups=NamingRule(limits or NameLimits(pattern="[a-z-]+"), on_invalid))
    return desired(snapshot(PEOPLE, teams), rules(imports=imports, naming=naming))


def findings(wanted: Desired) -> list[tuple[str, str]]:
    return [(str(finding.severity), finding.code) for finding in wanted.diagnostics]


def test_every_group_that_the_filter_selects_is_mirrored() -> None:
    """With the stable id of its directory group."""
    wanted = of(RULE)
    assert wanted.state.groups == {
        "app-a": Group(GroupKey("app-a"), "group-app-a"),
        "app-b": Group(GroupKey("app-b"), "group-app-b"),
    }
    assert members("app-a", wanted) == {"ann": "viewer"}


def test_the_name_is_made_by_the_template() -> None:
    """Of the group's attributes."""
    assert list(of(imported("(cn=app-a)", "x-{cn}")).state.groups) == ["x-app-a"]


@pytest.mark.parametrize(("on_invalid", "severity"), [(OnInvalidName.SKIP, "warning"), (OnInvalidName.ERROR, "error")])
def test_a_group_whose_name_the_target_cannot_hold_is_skipped(on_invalid: OnInvalidName, severity: str) -> None:
    """It is named; the others are mirrored."""
    wanted = of(RULE, teams=(*APPS, team("app-C!", "ann")), on_invalid=on_invalid)
    assert list(wanted.state.groups) == ["app-a", "app-b"]
    assert findings(wanted) == [(severity, "IMPORT-NAME")]
    assert "group-app-C!" in wanted.directory_groups


def test_a_name_is_normalized_where_the_policy_says_so() -> None:
    """And skipped with an error if that does not help."""
    wanted = of(RULE, teams=(team("app-C!", "ann"),), on_invalid=OnInvalidName.NORMALIZE)
    assert (list(wanted.state.groups), findings(wanted)) == (["app-c"], [])
    limits = NameLimits(pattern="[a-z]{40}")
    hopeless = of(RULE, teams=(team("app-C!", "ann"),), on_invalid=OnInvalidName.NORMALIZE, limits=limits)
    assert (list(hopeless.state.groups), findings(hopeless)) == ([], [("error", "IMPORT-NAME")])


def test_a_group_without_what_the_template_needs_is_skipped() -> None:
    """The finding names the attribute."""
    wanted = of(imported("(cn=app-a)", "{description}"))
    assert findings(wanted) == [("error", "IMPORT-NAME")]
    assert 'no attribute "description"' in wanted.diagnostics[0].summary


@pytest.mark.parametrize(("on_invalid", "severity"), [(OnInvalidName.SKIP, "warning"), (OnInvalidName.ERROR, "error")])
def test_groups_of_one_name_are_all_skipped(on_invalid: OnInvalidName, severity: str) -> None:
    """Neither gets the members of the other."""
    same = Team("app-x", ("ann",), attributes={"l": ("ulm",)}), Team("app-y", ("bob",), attributes={"l": ("ulm",)})
    wanted = of(imported("(cn=app-*)", "{l}"), teams=same, on_invalid=on_invalid)
    assert list(wanted.state.groups) == []
    assert findings(wanted) == [(severity, "IMPORT-CLASH"), (severity, "IMPORT-CLASH")]
    assert 'would be called "ulm", like cn=app-y,ou=groups,dc=acme' in wanted.diagnostics[0].summary


def test_one_group_under_two_names_is_an_error_whatever_the_policy_says_of_bad_names() -> None:
    """Its rules contradict each other."""
    wanted = of(RULE, imported("(cn=app-a)", "x-{cn}", line=51), on_invalid=OnInvalidName.SKIP)
    assert list(wanted.state.groups) == ["app-b"]
    assert findings(wanted) == [("error", "IMPORT-CLASH")]
    assert 'is imported under 2 names: "app-a" and "x-app-a"' in wanted.diagnostics[0].summary


def test_two_imports_of_one_name_give_the_higher_role() -> None:
    """They are two rules for one group."""
    assert members("app-a", of(RULE, imported("(cn=app-a)", access=OWNER, line=51))) == {"ann": "owner"}


def test_an_import_and_links_of_one_name_are_one_group() -> None:
    """The highest role wins, and the group mirrors its directory group."""
    said = rules(rule("app-a", link("devs", EDITOR)), imports=[RULE])
    wanted = desired(snapshot(PEOPLE, APPS), said)
    assert members("app-a", wanted) == {"ann": "editor", "bob": "editor"}
    assert wanted.state.groups[GroupKey("app-a")].source == "group-app-a"
    assert wanted.explain.group(GroupKey("app-a")).why is Why.NAMED_BY_RULE


def test_a_name_template_with_an_attribute_that_the_server_does_not_know_is_an_error() -> None:
    """Once, at the rule, and not only once for each group; a table of ours does not know everything."""
    server = replace(SCHEMA, from_server=True)
    wanted = desired(snapshot(PEOPLE, APPS, server), rules(imports=(imported("(cn=app-*)", "{cnn}"),)))
    (finding, *_) = wanted.diagnostics
    assert (finding.severity, finding.code, finding.where) == (Severity.ERROR, "TEMPLATE-SCHEMA", at(50))
    assert finding.summary.endswith('has no attribute "cnn": did you mean "cn"?')
    other = desired(snapshot(PEOPLE, APPS), rules(imports=(imported("(cn=app-*)", "{cnn}"),)))
    assert {finding.code for finding in other.diagnostics} == {"IMPORT-NAME"}


def test_an_unreadable_group_is_mirrored_and_frozen() -> None:
    """With a warning at the import's place."""
    wanted = of(RULE, teams=(team("app-a", readable=False),))
    assert list(wanted.frozen_groups) == ["app-a"]
    (finding,) = wanted.diagnostics
    assert (finding.severity, finding.code, finding.where) == (Severity.WARNING, "LINK-UNREADABLE-GROUP", at(50))


def test_an_unknown_attribute_in_the_filter_is_warned_about() -> None:
    """It selects nothing."""
    assert findings(of(imported("(nosuch=app)"))) == [("warning", "FILTER-SCHEMA")]


def test_an_import_of_an_unknown_role_is_an_error_and_explains_itself_all_the_same() -> None:
    """Nothing falls over what the policy loader would have found."""
    wanted = of(imported("(cn=app-a)", access=Role("boss")))
    assert findings(wanted) == [("error", "ROLE-UNKNOWN")]
    assert wanted.explain.group(GroupKey("app-a")).why is Why.GROUP_IMPORT
