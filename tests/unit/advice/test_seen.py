"""Lint rules that need a directory: each finds what it is for, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from sys import setprofile
from types import FrameType

from reconciler.advice.seen import advise_seen
from reconciler.advice.subject import Subject
from reconciler.desired.build import Rules
from reconciler.desired.links import Directory
from reconciler.model.diagnostic import Diagnostic
from tests.builders import (
    EDITOR,
    OWNER,
    ROSTER,
    TARGET,
    TODAY,
    VIEWER,
    desired,
    grant,
    imported,
    link,
    named,
    person,
    rule,
    rules,
    snapshot,
    team,
)

SEEN = snapshot(
    (person("ann", title="Engineer"), person("bob"), person("cy")),
    (
        team("devs", "ann", "bob"),
        team("leads", "ann"),
        team("qa", "cy"),
        team("empty"),
        team("hidden", readable=False),
        team("all", groups=("devs", "qa")),
    ),
)


def judged(said: Rules) -> tuple[Diagnostic, ...]:
    """Return all findings."""
    return advise_seen(Subject(said, ROSTER, TODAY), Directory(SEEN), desired(SEEN, said))


def found(said: Rules) -> list[str]:
    """Return ``line CODE`` of every finding."""
    return [f"{one.where.line if one.where else 0} {one.code}" for one in judged(said)]


def test_rules_that_are_well_are_not_mentioned() -> None:
    """Groups with people, the higher role for the smaller one, a grant of something else."""
    said = rules(
        rule("api", link("all", VIEWER), link("devs", EDITOR, 11), link("leads", OWNER, 12), grant("cy", EDITOR)),
        imports=(imported("(cn=devs)", "x-{cn}"), imported("(cn=qa)", "x-{cn}", line=51)),
        target=replace(TARGET, admin_group=named("leads"), external_groups=(named("qa", 41),)),
    )
    assert found(said) == []


def test_an_unknown_group_is_an_error_with_the_nearest_name() -> None:
    """By CN, by DN, and in the keys for marks; said once."""
    said = rules(
        rule("api", link("dves"), link("cn=gone,ou=groups,dc=acme", line=11), link("zzz", line=12)),
        target=replace(TARGET, admin_group=named("leeds")),
    )
    assert sorted(found(said)) == [
        "10 LINK-UNKNOWN-GROUP",
        "11 LINK-UNKNOWN-GROUP",
        "12 LINK-UNKNOWN-GROUP",
        "40 LINK-UNKNOWN-GROUP",
    ]
    by_line = {one.where.line: one.detail for one in judged(said) if one.where}
    assert by_line[10] == 'Did you mean "devs"?'
    assert by_line[12] == "Correct the name, or create the group."


def test_a_link_that_gives_nobody_anything_is_found() -> None:
    """An empty group, and a filter that matches nobody; not a group that nobody can read."""
    said = rules(rule("api", link("empty"), link("(title=Enginer)", line=11), link("hidden", line=12)))
    assert [one for one in found(said) if "EMPTY" in one] == ["10 LINK-EMPTY", "11 LINK-EMPTY"]
    assert "12 LINK-UNREADABLE-GROUP" in found(said)


def test_a_link_to_people_who_have_at_least_that_role_is_shadowed() -> None:
    """All of them by one other link; of two that give the same, the later one."""
    assert found(rules(rule("api", link("leads", VIEWER), link("devs", EDITOR, 11)))) == ["10 LINK-SHADOWED"]
    same = rule("api", link("leads", EDITOR), link("(title=Engineer)", EDITOR, 11))
    assert found(rules(same)) == ["11 LINK-SHADOWED"]
    assert found(rules(rule("api", link("qa", VIEWER), link("devs", EDITOR, 11)))) == []


def test_a_grant_of_what_a_link_gives_adds_nothing() -> None:
    """By a link or an import of the same group; not one that is over, nor one for nobody."""
    said = rule("api", link("devs", EDITOR), grant("ann", VIEWER), grant("cy", VIEWER, line=31))
    assert found(rules(said)) == ["30 GRANT-NEEDLESS"]
    over = rule("api", link("devs", EDITOR), grant("ann", VIEWER, TODAY.replace(year=2025)))
    assert found(rules(over)) == ["30 GRANT-ENDED"]
    nobody = rule("api", link("devs", EDITOR), grant("zoe"), grant("ann", "chief", line=31))  # type: ignore[arg-type]
    assert "30 GRANT-NEEDLESS" not in found(rules(nobody))


def test_imports_that_make_the_same_groups_overlap() -> None:
    """Said once for each pair, with the names, cut at five."""
    pair = (imported("(cn=*)"), imported("(cn=devs)", access=EDITOR, line=51), imported("(cn=*)", line=52))
    finding = [one for one in judged(rules(imports=pair)) if one.code == "IMPORT-OVERLAP"]
    assert [one.where.line for one in finding if one.where] == [51, 52]
    assert "both make devs." in finding[0].summary
    assert "all, devs, empty, hidden, leads and 1 more." in finding[1].summary


def test_twice_the_links_is_twice_the_work() -> None:
    """Calls are counted: links of one group to the same people, to people of their own, and to names that do not exist."""
    counts = [_calls(size) for size in (150, 300)]
    assert counts[1] < 2.5 * counts[0]


def _calls(size: int) -> int:
    crowd = [f"u{number}" for number in range(size)]
    teams = [team(f"one-{name}", name, "u0") for name in crowd] + [team(f"all-{n}", *crowd[:20]) for n in range(size)]
    seen = snapshot(map(person, crowd), teams)
    links = [link(one.cn, VIEWER, line) for line, one in enumerate(teams)]
    said = rules(rule("big", *links, *(link(f"none-{n}", VIEWER, 9000 + n) for n in range(size))))
    subject, directory, want = Subject(said, ROSTER, TODAY), Directory(seen), desired(seen, said)
    count = 0

    def counted(_frame: FrameType, event: str, _value: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"} and "difflib" not in _frame.f_code.co_filename

    setprofile(counted)
    try:
        advise_seen(subject, directory, want)
    finally:
        setprofile(None)
    return count
