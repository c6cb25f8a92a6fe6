"""Group links, imports and grants as values, and what cannot be right about them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from reconciler.model.diagnostic import Position
from reconciler.model.filter import Equal, Present
from reconciler.policy.model import Grant, GroupImport, GroupLink, GroupRule
from tests.unit.policy.policies import CONNECTIONS, brief, codes, load, refused

DAY = date(2026, 12, 31)


def roster_codes(folder: Path, lines: str) -> list[str]:
    return codes(folder, f"{CONNECTIONS}{lines}\n")


def warnings(folder: Path, lines: str) -> list[str]:
    return [f"{brief(found)} {found.summary}" for found in load(folder, f"{CONNECTIONS}{lines}\n").warnings]


def test_links_and_grants_of_one_group_are_one_rule(tmp_path: Path) -> None:
    """Each link and each grant with its own place; groups and targets sorted."""
    policy = load(
        tmp_path,
        {
            "a.yaml": CONNECTIONS,
            "b.yaml": """version: 1
group_links:
  roster:
    z/team:
      - {cn: devs, access: viewer}
      - dn: cn=devs,dc=x
        access: editor
      - {filter: (a=b), access: owner}
    a: [{cn: x, access: viewer}]
""",
            "c.yaml": """version: 1
grants:
  roster:
    z/team: [{user: alice, access: owner, until: 2026-12-31, reason: why}]
    only-granted: [{user: bob, access: viewer, until: 2026-12-31, reason: why}]
""",
        },
    ).policy
    b, c = ((tmp_path / name).as_posix() for name in ("b.yaml", "c.yaml"))
    assert list(policy.groups["roster"]) == ["a", "only-granted", "z/team"]
    assert policy.groups["roster"]["z/team"] == GroupRule(
        "z/team",
        Position(b, 4, 5),
        (
            GroupLink("viewer", Position(b, 5, 9), cn="devs"),
            GroupLink("editor", Position(b, 6, 9), dn="cn=devs,dc=x"),
            GroupLink("owner", Position(b, 8, 9), filter=Equal("a", "b")),
        ),
        (Grant("alice", "owner", DAY, "why", Position(c, 4, 14)),),
    )
    assert policy.groups["roster"]["only-granted"].where == Position(c, 5, 5)
    assert policy.groups["roster"]["only-granted"].links == ()


@pytest.mark.parametrize(
    "link", ["{access: owner}", "{cn: a, dn: b=c, access: owner}", "{cn: a, filter: (b=c), access: owner}"]
)
def test_a_link_selects_in_exactly_one_way(tmp_path: Path, link: str) -> None:
    """By common name, by DN or by filter."""
    assert roster_codes(tmp_path, f"group_links: {{roster: {{g: [{link}]}}}}") == ["7:28 LINK-SELECTOR"]


def test_a_dn_that_is_none_is_probably_a_common_name(tmp_path: Path) -> None:
    """A DN has an attribute and a value."""
    assert roster_codes(tmp_path, "group_links: {roster: {g: [{dn: devs, access: owner}]}}") == ["7:33 BAD-DN"]


@pytest.mark.parametrize(
    "lines",
    [
        "group_links: {roster: {g: [{cn: a, access: ownr}]}}",
        "group_imports: {roster: [{filter: (a=b), name: '{cn}', access: ownr}]}",
        "grants: {roster: {g: [{user: a, until: 2026-12-31, reason: r, access: ownr}]}}",
        "expect: [{user: a, target: roster, has: {g: ownr}}]",
    ],
)
def test_a_role_that_the_target_does_not_have_is_an_error_everywhere(tmp_path: Path, lines: str) -> None:
    """The nearest one is offered."""
    (problem,) = refused(tmp_path, f"{CONNECTIONS}{lines}\n")
    assert problem.code == "UNKNOWN-ROLE"
    assert problem.summary == 'roster has no role "ownr". Did you mean "owner"?'
    assert problem.where == Position((tmp_path / "policy.yaml").as_posix(), 7, lines.index("ownr") + 1)


def test_targets_with_fixed_roles_bring_their_own(tmp_path: Path) -> None:
    """GitLab's are known, in its own words."""
    load(tmp_path, f"{CONNECTIONS}group_links: {{gitlab: {{g: [{{cn: a, access: maintainer}}]}}}}\n")
    assert roster_codes(tmp_path, "group_links: {gitlab: {g: [{cn: a, access: editor}]}}") == ["7:44 UNKNOWN-ROLE"]


def test_roles_that_only_the_target_knows_are_not_judged(tmp_path: Path) -> None:
    """But one must be named."""
    baton = "  b: {kind: baton, directory: corp, file: f}\ngroup_links: {b: {g: [{cn: a, access: anything}]}}"
    assert load(tmp_path, f"{CONNECTIONS}{baton}\n").policy.groups["b"]["g"].links[0].access == "anything"
    assert roster_codes(tmp_path, baton.replace(", access: anything", "")) == ["8:23 MISSING-KEY"]


def test_the_role_may_be_left_out_where_there_is_just_one(tmp_path: Path) -> None:
    """Where there are several, which one is not guessed."""
    one = "  it: {kind: sql, directory: corp}\ngroup_links: {it: {g: [{cn: a}]}}"
    assert load(tmp_path, f"{CONNECTIONS}{one}\n").policy.groups["it"]["g"].links[0].access == "member"
    assert roster_codes(tmp_path, "group_links: {roster: {g: [{cn: a}]}}") == ["7:28 MISSING-KEY"]


def test_the_same_link_twice_is_a_warning(tmp_path: Path) -> None:
    """A different role, or a different way to select, is another link."""
    lines = "group_links: {roster: {g: [{cn: a, access: owner}, {cn: a, access: viewer}, {dn: a=b, access: owner},\n {cn: a, access: owner}]}}"
    assert warnings(tmp_path, lines) == [
        "8:2 DUPLICATE-LINK This link says the same as the one on line 7. Remove one of them."
    ]


def test_a_group_without_any_link_is_a_warning(tmp_path: Path) -> None:
    """It is managed, and nobody is to be in it."""
    (warning,) = warnings(tmp_path, "group_links: {roster: {g: []}}")
    assert warning.startswith('7:24 NO-LINK "g" has no link, so nobody is to be in it.')


def test_imports_keep_their_order(tmp_path: Path) -> None:
    """A template makes the name of each group."""
    lines = "group_imports: {roster: [{filter: (cn=*), name: 'x-{cn|lower}', access: viewer}, {filter: (a=b), name: '{a}', access: owner}]}"
    policy = load(tmp_path, f"{CONNECTIONS}{lines}\n").policy
    place = Position((tmp_path / "policy.yaml").as_posix(), 7, 26)
    assert policy.imports["roster"][0] == GroupImport(Present("cn"), "x-{cn|lower}", "viewer", place)
    assert [found.name for found in policy.imports["roster"]] == ["x-{cn|lower}", "{a}"]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("{filter: (cn=*), name: all, access: viewer}", "7:49 BAD-TEMPLATE"),
        ("{filter: (cn=*), name: '{cn', access: viewer}", "7:50 BAD-TEMPLATE"),
        ("{filter: (cn=*, name: '{cn}', access: viewer}", "7:40 BAD-FILTER"),
    ],
)
def test_an_import_needs_a_filter_and_a_name_with_a_field(tmp_path: Path, item: str, code: str) -> None:
    """A name without a field would be the same for every group."""
    assert roster_codes(tmp_path, f"group_imports: {{roster: [{item}]}}") == [code]


def test_a_grant_holds_until_the_end_of_its_last_day(tmp_path: Path) -> None:
    """The day before it ended is a warning, the day itself is not; it stays in the policy either way."""
    text = CONNECTIONS + "grants: {roster: {g: [{user: a, access: owner, until: 2026-12-31, reason: r}]}}\n"
    assert load(tmp_path, text, today=DAY).warnings == ()
    loaded = load(tmp_path, text, today=date(2027, 1, 1))
    assert [brief(found) for found in loaded.warnings] == ["7:55 PAST-DATE"]
    assert loaded.warnings[0].summary == "This grant ended on 2026-12-31 and has no effect. Remove it."
    assert len(loaded.policy.groups["roster"]["g"].grants) == 1


def test_a_grant_without_a_real_date_is_an_error(tmp_path: Path) -> None:
    """An exception always has an end."""
    lines = "grants: {roster: {g: [{user: a, access: owner, until: never, reason: r}]}}"
    assert roster_codes(tmp_path, lines) == ["7:55 BAD-DATE"]
