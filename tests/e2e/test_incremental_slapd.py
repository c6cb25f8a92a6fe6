"""Reading OpenLDAP by its changes gives what a whole read gives, for everything that the server reports and for most it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.model.filter import parse_filter
from tests.e2e.increments import (
    ALICE,
    DEVS,
    GROUPS,
    PEOPLE,
    Increments,
    group,
    increments,
    members_of,
    person,
    removed,
    renamed,
    until,
)
from tests.servers.directories import BASE, READ_AT, awkward
from tests.servers.ldif_tools import added, record, replaced
from tests.servers.slapd import Options, Slapd

pytestmark = pytest.mark.slapd
Start = Callable[..., Slapd]
SESSION_LOG = Options(syncprov="syncprov-sessionlog 1000")


@pytest.fixture(params=["", "syncprov-sessionlog 1000"], ids=["no session log", "session log"])
def directory(request: pytest.FixtureRequest, start_slapd: Start, tmp_path: Path) -> Increments:
    """A server that tells deletions by who is still there, or by who is not."""
    return increments(start_slapd, tmp_path, Options(syncprov=request.param))


def test_a_quiet_read_is_one_search_for_each_class_and_base(directory: Increments) -> None:
    """Beside root DSE, schema and the base entry, by which the server is known."""
    found = directory.follows()
    assert found.confirmed_at == READ_AT
    directory.read()
    assert directory.searches() == 5
    assert not any("cn=Subschema" in line and "scope=2" in line for line in directory.server.searches())


def test_every_base_has_a_search_of_its_own(start_slapd: Start, tmp_path: Path) -> None:
    """And a cookie."""
    two = increments(start_slapd, tmp_path, base=(PEOPLE, GROUPS), group_base=(GROUPS,))
    two.change(person("bob"), added(DEVS, "member", f"uid=bob,{PEOPLE}"))
    assert f"uid=bob,{PEOPLE}" in members_of(two.follows(), "devs")
    two.read()  # looks once more at the group that names somebody new
    two.read()
    assert two.searches() == 2 + 2 + 3


def test_nothing_is_written_but_the_head_where_nothing_changed(directory: Increments) -> None:
    """The content is large, and the disk need not see it at every run."""
    content = {path.name: path.stat().st_mtime_ns for path in directory.folder.glob("content-*")}
    directory.follows()
    assert {path.name: path.stat().st_mtime_ns for path in directory.folder.glob("content-*")} == content
    assert len(list(directory.folder.glob("[!.]*"))) == 2


def test_who_comes_changes_and_leaves_is_seen(directory: Increments) -> None:
    """People and groups, attributes and members."""
    directory.change(person("bob"), group("ops", [f"uid=bob,{PEOPLE}", ALICE]))
    assert members_of(directory.follows(), "ops") == {f"uid=bob,{PEOPLE}", ALICE}
    directory.change(replaced(ALICE, "displayName", "Ally"), replaced(f"cn=ops,{GROUPS}", "member", ALICE))
    assert members_of(directory.follows(), "ops") == {ALICE}
    directory.change(removed(f"cn=ops,{GROUPS}"))
    assert not [each for each in directory.follows().groups if each.cn == "ops"]


def test_a_leaver_is_gone_from_groups_that_the_server_cleaned_without_a_word(directory: Increments) -> None:
    """slapo-refint changes groups without a trace in any attribute that could be asked for."""
    directory.change(removed(ALICE))
    until(lambda: b"alice" not in directory.shown(DEVS))
    found = directory.follows()
    assert ALICE not in {each.dn for each in found.people}
    assert members_of(found, "devs") == members_of(directory.plain(), "devs")


def test_a_new_entry_inherits_nothing_from_who_had_its_name(directory: Increments) -> None:
    """Not even where the server has not yet taken the old name out of the groups."""
    directory.change(removed(ALICE))
    directory.change(person("alice", mail="another@example.com"))
    assert ALICE not in members_of(directory.read(), "devs")
    until(lambda: b"alice" not in directory.shown(DEVS))
    directory.follows()
    assert ALICE not in members_of(directory.follows(), "devs")


def test_a_new_entry_at_a_name_that_a_group_never_lost_is_what_the_server_says(
    start_slapd: Start, tmp_path: Path
) -> None:
    """Without refint a group keeps the name, and whoever has it is a member: a whole read says the same."""
    modules = tuple(name for name in Options().modules if name != "refint")
    directory = increments(start_slapd, tmp_path, Options(modules=modules))
    directory.change(person("ghost"))
    assert f"uid=ghost,{PEOPLE}" in members_of(directory.follows(), "devs")
    directory.change(removed(ALICE))
    assert ALICE in next(each for each in directory.follows().groups if each.cn == "devs").dangling
    directory.change(person("alice"))
    assert ALICE in members_of(directory.follows(), "devs")


def test_who_is_renamed_stays_a_member(directory: Increments) -> None:
    """Members are known by id; the server renames them in the groups when it comes to it."""
    directory.change(renamed(ALICE, "uid=ally"))
    until(lambda: b"uid=ally" in directory.shown(DEVS))
    assert f"uid=ally,{PEOPLE}" in members_of(directory.follows(), "devs")
    directory.change(replaced(f"uid=ally,{PEOPLE}", "title", "Boss"))
    directory.follows()


def test_who_is_renamed_is_no_member_for_long_where_the_server_does_not_follow(
    start_slapd: Start, tmp_path: Path
) -> None:
    """Without refint a renaming ends memberships, and a whole read says so at once."""
    modules = tuple(name for name in Options().modules if name != "refint")
    directory = increments(start_slapd, tmp_path, Options(modules=modules))
    directory.change(renamed(ALICE, "uid=ally"))
    assert f"uid=ally,{PEOPLE}" not in members_of(directory.follows(), "devs")


def test_two_who_change_names_are_not_confused(directory: Increments) -> None:
    """Each keeps its own memberships."""
    directory.change(person("bob"), group("ops", [f"uid=bob,{PEOPLE}"]))
    directory.follows()
    directory.change(
        renamed(ALICE, "uid=tmp"), renamed(f"uid=bob,{PEOPLE}", "uid=alice"), renamed(f"uid=tmp,{PEOPLE}", "uid=bob")
    )
    until(lambda: b"uid=bob" in directory.shown(DEVS) and b"uid=alice" in directory.shown(f"cn=ops,{GROUPS}"))
    directory.read()
    found = directory.follows()
    assert members_of(found, "ops") == {ALICE}
    assert f"uid=bob,{PEOPLE}" in members_of(found, "devs")


def test_who_leaves_the_filter_is_gone_and_may_come_back(start_slapd: Start, tmp_path: Path) -> None:
    """With all memberships, for nobody took them away."""
    chosen = parse_filter("(&(objectClass=inetOrgPerson)(!(title=retired)))")
    directory = increments(start_slapd, tmp_path, SESSION_LOG, user_filter=chosen)
    directory.change(replaced(ALICE, "title", "retired"))
    assert ALICE not in {each.dn for each in directory.follows().people}
    directory.change(replaced(ALICE, "title", "back"))
    assert ALICE in members_of(directory.follows(), "devs")


def test_who_moves_out_of_the_base_is_gone_and_may_come_back(start_slapd: Start, tmp_path: Path) -> None:
    """It is the same entry all the time, and the server follows it in the groups without a word."""
    directory = increments(start_slapd, tmp_path, SESSION_LOG, base=PEOPLE, group_base=GROUPS)
    ops = f"cn=ops,{GROUPS}"
    directory.change(group("ops", [ALICE, f"uid=locked,{PEOPLE}"]))
    assert ALICE in members_of(directory.follows(), "ops")
    directory.change(renamed(ALICE, "uid=alice", BASE))
    until(lambda: f"uid=alice,{BASE}".encode() in directory.shown(ops))
    for _ in "abc":
        assert ALICE not in {each.dn for each in directory.follows().people}
    directory.change(renamed(f"uid=alice,{BASE}", "uid=alice", PEOPLE))
    until(lambda: ALICE.encode() in directory.shown(ops))
    assert ALICE in members_of(directory.follows(), "ops")


def test_a_renamed_branch_is_read_anew(directory: Increments) -> None:
    """The server reports none of the entries below it."""
    directory.change(renamed(PEOPLE, "ou=humans"))
    until(lambda: b"ou=humans" in directory.shown(DEVS))
    assert f"uid=alice,ou=humans,{BASE}" in {each.dn for each in directory.reads_whole().people}
    directory.follows()


def test_a_branch_that_leaves_the_base_takes_its_people_along(start_slapd: Start, tmp_path: Path) -> None:
    """Nobody in it is reported to have gone."""
    ldif = awkward(5)
    directory = increments(start_slapd, tmp_path, ldif=ldif, base=PEOPLE, group_base=GROUPS)
    directory.change(
        record(f"ou=team,{PEOPLE}", {"changetype": "add", "objectClass": "organizationalUnit", "ou": "team"}),
        person("tina,ou=team".replace(",ou=team", ""), mail="t@example.com"),
        renamed(f"uid=tina,{PEOPLE}", "uid=tina", f"ou=team,{PEOPLE}"),
    )
    assert f"uid=tina,ou=team,{PEOPLE}" in {each.dn for each in directory.follows().people}
    directory.change(renamed(f"ou=team,{PEOPLE}", "ou=team", BASE))
    assert f"uid=tina,ou=team,{PEOPLE}" not in {each.dn for each in directory.reads_whole().people}


def test_changes_elsewhere_cost_one_look_at_what_lies_above(directory: Increments) -> None:
    """Something changed that neither search finds: it could have been a branch."""
    directory.change(record(f"cn=printer,{BASE}", {"changetype": "add", "objectClass": "device", "cn": "printer"}))
    directory.read()
    assert directory.searches() == 6
    directory.follows()


def test_awkward_names_are_followed(start_slapd: Start, tmp_path: Path) -> None:
    """Members written in other ways than the names they mean, logins, nesting."""
    directory = increments(start_slapd, tmp_path, ldif=awkward(2))
    directory.follows()
    directory.change(
        replaced(f"cn=g 1,{GROUPS}", "description", "touched"),
        replaced(f"cn=g 2,{GROUPS}", "description", "touched"),
        person("new"),
    )
    directory.follows()


@pytest.mark.parametrize("log", ["", "syncprov-sessionlog 1000"])
def test_a_restart_of_the_server_loses_nothing(start_slapd: Start, tmp_path: Path, log: str) -> None:
    """The session log is in memory, and so is gone: who is still there is then told instead."""
    directory = increments(start_slapd, tmp_path, Options(syncprov=log))
    directory.server.restart()
    directory.follows()
    directory.change(removed(ALICE), person("bob"))
    directory.server.restart()
    directory.change(person("carol"))
    until(lambda: b"alice" not in directory.shown(DEVS))
    people = {each.dn for each in directory.follows().people}
    assert ALICE not in people
    assert {f"uid=bob,{PEOPLE}", f"uid=carol,{PEOPLE}"} <= people


def test_every_so_many_runs_everything_is_read(start_slapd: Start, tmp_path: Path) -> None:
    """Whatever the server never reports does not last."""
    directory = increments(start_slapd, tmp_path).every(3)
    confirmed = [bool(directory.read().confirmed_at) for _ in range(8)]
    assert confirmed == [True, True, True, False] * 2


def test_a_lost_deletion_lasts_until_everything_is_read(start_slapd: Start, tmp_path: Path) -> None:
    """With syncprov-nopresent, meant for logs, nobody is told who is gone: only a whole read shows it."""
    directory = increments(start_slapd, tmp_path, Options(syncprov="syncprov-nopresent TRUE")).every(2)
    directory.change(removed(ALICE))
    until(lambda: b"alice" not in directory.shown(DEVS))
    seen = [ALICE in {each.dn for each in directory.read().people} for _ in range(3)]
    assert seen == [True, True, False]


def test_a_name_that_is_there_twice_is_read_anew(start_slapd: Start, tmp_path: Path) -> None:
    """A lost deletion shows itself where somebody else comes to the name."""
    directory = increments(start_slapd, tmp_path, Options(syncprov="syncprov-nopresent TRUE"))
    directory.change(removed(ALICE), person("alice"))
    until(lambda: b"alice" not in directory.shown(DEVS))
    directory.reads_whole()
