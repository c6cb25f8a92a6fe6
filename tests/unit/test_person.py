"""Plans for some people alone, on LDIF files and SQLite rosters."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from reconciler.apply.task import Task
from reconciler.directory.read import write_snapshot
from reconciler.errors import TargetError, UsageError
from reconciler.model.access import Scope, UserKey
from reconciler.model.change import person_of, type_name
from reconciler.model.plan import Only, Plan
from reconciler.pipeline import Run, apply_plan, make_plan, take_snapshot
from reconciler.plan.decode import decode
from reconciler.plan.encode import encode, to_text
from reconciler.policy.load import load_policy
from reconciler.targets.registry import opened
from tests.builders import NOW, TODAY
from tests.unit.apply.apps import manner, store_in

HEAD = "version: 1\n\ndn: dc=acme\nobjectClass: domain\ndc: acme\n"
POLICY = """\
version: 1
directories:
  corp: {kind: ldif, file: corp.ldif, base: dc=acme}
  partners: {kind: ldif, file: partners.ldif, base: dc=acme}
targets:
  one: {kind: sql, url: "sqlite:///one.db", directory: corp, roles: [viewer, owner], users: {create: true}, groups: {create: true}}
  two: {kind: sql, url: "sqlite:///two.db", directory: partners, users: {create: true, username: "{mail}"}, groups: {create: true}}
group_links:
  one:
    api: [{cn: devs, access: viewer}, {cn: leads, access: owner}]
    web: [{cn: devs, access: viewer}]
  two:
    web: [{cn: guests, access: member}]
"""


def person(uid: str, number: int, **more: str) -> str:
    values = {"uid": uid, "cn": uid, "sn": uid, "mail": f"{uid}@acme.example", **more}
    lines = [f"dn: uid={uid},dc=acme", "objectClass: inetOrgPerson", f"entryUUID: {key(number)}"]
    return "\n" + "\n".join([*lines, *(f"{name}: {value}" for name, value in values.items())]) + "\n"


def group(cn: str, *uids: str) -> str:
    members = "".join(f"member: uid={uid},dc=acme\n" for uid in uids)
    return f"\ndn: cn={cn},dc=acme\nobjectClass: groupOfNames\ncn: {cn}\n{members}"


def key(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


CROWD = [f"p{number:02}" for number in range(20)]
CORP = (
    HEAD
    + "".join(person(uid, number) for number, uid in enumerate(CROWD))
    + person("ann", 100)
    + group("devs", "ann", *CROWD)
    + group("leads", "p00", "p01")
)
PARTNERS = HEAD + person("ann", 200, mail="ann@partner.example") + person("zoe", 201) + group("guests", "ann", "zoe")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of two targets, each with a directory of its own; both know somebody called ann."""
    (tmp_path / "corp.ldif").write_text(CORP, encoding="utf-8")
    (tmp_path / "partners.ldif").write_text(PARTNERS, encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return reload(tmp_path)


def reload(folder: Path) -> Run:
    return Run(load_policy(str(folder), TODAY).policy, TODAY, NOW)


def edit(run: Run, file: str, old: str, new: str) -> Run:
    path = Path(run.policy.root) / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return reload(Path(run.policy.root))


def only(run: Run, *names: str) -> Plan:
    return make_plan(replace(run, only=names))


def types(plan: Plan) -> list[str]:
    return [type_name(change) for target in plan.targets for change in target.changes]


def applied(run: Run, plan: Plan) -> int:
    return apply_plan(run, Task(plan, encode(plan)), store_in(Path(run.policy.root)), manner()).exit_code


def filled(run: Run) -> Run:
    assert applied(run, make_plan(run)) == 0
    return run


def gone(run: Run, uid: str, number: int) -> Run:
    text = person(uid, number)
    edit(run, "corp.ldif", text, "\n")
    return edit(run, "corp.ldif", f"member: uid={uid},dc=acme\n", "")


def test_who_is_found_gets_what_they_should_have_and_nobody_else(run: Run) -> None:
    """The plan says whom it is about; the other directory, which does not know them, is in no section."""
    plan = only(run, "p00")
    assert plan.only == (Only("p00", key(0), "uid=p00,dc=acme"),)
    assert [target.name for target in plan.targets] == ["one"]
    assert [facts.name for facts in plan.directories] == ["corp"]
    assert types(plan) == ["user.create", "group.create", "group.create", "membership.add", "membership.add"]


@pytest.mark.parametrize("name", ["P00", "p00@ACME.example", key(0).upper(), "UID=p00 , DC=acme"])
def test_everybody_has_four_names(run: Run, name: str) -> None:
    """Login, address, stable id and DN, in any case; the plan keeps the name that was asked for."""
    assert only(run, name).only == (Only(name, key(0), "uid=p00,dc=acme"),)


def test_a_name_of_two_directories_is_an_error_that_names_both(run: Run) -> None:
    """A target, a stable id or an address tells them apart."""
    with pytest.raises(UsageError) as error:
        only(run, "ann")
    assert str(error.value) == (
        '"ann" may be "uid=ann,dc=acme" of corp and "uid=ann,dc=acme" of partners. Say which by the stable id or the DN, '
        "or choose a --target."
    )
    assert only(run, key(100)).directories[0].name == "corp"
    assert only(run, "ann@partner.example").directories[0].name == "partners"
    assert [target.name for target in only(replace(run, targets=("two",)), "ann").targets] == ["two"]


def test_who_left_one_directory_is_not_mistaken_for_a_namesake_in_another(run: Run) -> None:
    """Their account is of that name still, and ending the other's access would leave theirs."""
    run = filled(run)
    text = person("ann", 200, mail="ann@partner.example")
    run = edit(edit(run, "partners.ldif", text, "\n"), "partners.ldif", "member: uid=ann,dc=acme\n", "")
    assert only(run, "ann").only == (Only("ann", key(100), "uid=ann,dc=acme"),), "their account has another name"
    run = edit(run, "corp.ldif", "mail: p05@acme.example", "mail: ann@partner.example")
    with pytest.raises(UsageError) as error:
        only(run, "ann@partner.example")
    assert str(error.value) == (
        f'"ann@partner.example" may be "uid=p05,dc=acme" of corp and the account {key(200)} (its entry is gone) of partners. '
        "Say which by the stable id or the DN, or choose a --target."
    )
    assert types(only(run, key(200))) == ["membership.remove", "user.disable"]


def test_nobody_is_a_usage_error_that_says_who_was_asked(run: Run) -> None:
    """A typing mistake must not pass for somebody without changes."""
    with pytest.raises(
        UsageError, match=r'Nobody is called "nope" in the directory \(corp, partners\), and no target \(one, two\)'
    ):
        only(run, "nope")


def test_nobody_is_not_said_where_a_target_does_not_answer(run: Run) -> None:
    """It may know them; where they are known otherwise, its section holds the error."""
    Path(run.policy.root, "one.db").write_bytes(b"no database" * 1000)
    with pytest.raises(TargetError, match="not every target could be asked"):
        only(run, "nope")
    plan = only(run, "p00")
    assert plan.errored
    assert not plan.applyable


def test_who_has_left_is_found_by_the_account(run: Run) -> None:
    """By the login, the address and the stable id that the account holds; with the guards and reasons of every run."""
    run = gone(
        edit(
            filled(run),
            "policy.yaml",
            "roles: [viewer, owner], users: {",
            "roles: [viewer, owner], users: {sync: [email], ",
        ),
        "p05",
        5,
    )
    for name in ("p05", "P05@acme.example", key(5)):
        plan = only(run, name)
        assert plan.only == (Only(name, key(5), ""),)
        assert types(plan) == ["membership.remove", "membership.remove", "user.disable"]
        assert not plan.targets[0].refusals


def test_an_account_that_is_not_ours_is_nobody(run: Run) -> None:
    """Only our mark makes somebody of an account."""
    filled(run)
    with closing(sqlite3.connect(Path(run.policy.root) / "one.db")) as connection, connection:
        connection.execute("INSERT INTO users (username, email) VALUES ('root', 'root@acme.example')")
    for name in ("root", "root@acme.example"):
        with pytest.raises(UsageError, match="Nobody is called"):
            only(run, name)


def test_an_old_login_leads_to_the_person_by_the_accounts_stable_id(run: Run) -> None:
    """Who has another login now has not left."""
    run = edit(filled(run), "corp.ldif", "uid: p05\n", "uid: pat\n")
    plan = only(run, "p05")
    assert plan.only == (Only("p05", key(5), "uid=p05,dc=acme"),)
    assert types(plan) == ["user.update"]


def test_limits_in_percent_are_of_everything_that_the_target_holds(run: Run) -> None:
    """Of one person's few memberships most go, which is little of all; the refusal of a lower limit tells the whole."""
    run = edit(run, "policy.yaml", "    web: [{cn: devs", "    ops: [{cn: leads, access: viewer}]\n    web: [{cn: devs")
    run = gone(filled(run), "p05", 5)
    assert only(run, "p05").applyable
    strict = edit(run, "policy.yaml", "group_links:", 'guards: {"*": {max_removals: {percent: 2}}}\ngroup_links:')
    mine, everybody = only(strict, "p05").targets[0].refusals, make_plan(strict).targets[0].refusals
    assert [refusal.summary for refusal in mine] == ["Removes 2 of 44 memberships; the limit is 1 (2 %)."]
    assert mine == everybody


def test_a_group_keeps_an_owner_whatever_others_are_to_get(run: Run) -> None:
    """The guard looks at everybody who is in the group now; that somebody else will own it is in no plan for one."""
    run = edit(gone(filled(run), "p00", 0), "corp.ldif", group("leads", "p01"), group("leads", "p02"))
    assert types(only(run, "p01")) == ["membership.change"]
    leaver = only(run, "p00")
    assert types(leaver) == ["membership.remove", "membership.remove", "user.disable"]
    assert applied(run, leaver) == 0
    assert [held.hold for held in only(run, "p01").targets[0].withheld] == ["last_owner"]
    assert types(only(run, "p01", "p02")) == ["membership.change", "membership.change"]


def test_an_account_that_is_taken_over_loses_what_its_last_person_had(run: Run) -> None:
    """Somebody new has the login of somebody who left, and is in one of the two groups: alone as in a plan for everybody."""
    run = gone(filled(run), "p01", 1)
    run = edit(run, "policy.yaml", "users: {create: true}, groups", "users: {create: true, adopt: true}, groups")
    run = edit(run, "corp.ldif", group("leads", "p00"), person("p01", 301) + group("leads", "p00", "p01"))
    everybody, mine = make_plan(run), only(run, "p01")
    assert types(mine) == ["user.update", "membership.remove"]
    theirs = [change for change in everybody.targets[0].changes if person_of(change) == key(301)]
    assert list(mine.targets[0].changes) == theirs
    assert applied(run, mine) == 0
    assert types(only(run, "p01")) == []


def test_an_account_by_hand_of_somebody_disabled_goes_as_in_a_plan_for_everybody(run: Run) -> None:
    """The rule that names the person counts, though nobody who is disabled is in a group any more."""
    run = edit(
        run, "policy.yaml", "users: {create: true}, g", "users: {create: true, adopt: true, when_disabled: remove}, g"
    )
    locked = person("p01", 1, pwdAccountLockedTime="000001010000Z")
    run = filled(edit(run, "corp.ldif", person("p01", 1), locked))
    with closing(sqlite3.connect(Path(run.policy.root) / "one.db")) as connection, connection:
        connection.execute("INSERT INTO users (username) VALUES ('p01')")
    mine = only(run, "p01")
    assert types(mine) == ["user.adopt", "user.remove"]
    assert mine.targets[0].changes == make_plan(run).targets[0].changes


@contextmanager
def statements() -> Iterator[list[str]]:
    """Give the list of every SQL statement that is executed inside."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_twice_the_roster_is_read_with_the_same_statements_and_rows(run: Run) -> None:
    """Everybody who is in no group of this person stays unread; how much there is, is counted by the database."""
    run = edit(run, "policy.yaml", "    web: [{cn: devs, access: viewer}]\n  two:", "  two:")
    run = edit(run, "policy.yaml", "{cn: devs, access: viewer}, {cn: leads", "{cn: leads")
    filled(run)
    seen = []
    for more in (0, 500):
        with closing(sqlite3.connect(Path(run.policy.root) / "one.db")) as connection, connection:
            rows = [(f"x{n}", f"x{n}", "corp") for n in range(more)]
            connection.executemany("INSERT INTO users (username, external_id, managed_by) VALUES (?, ?, ?)", rows)
        with statements() as asked, opened(run.policy.targets["one"]) as target:
            state = target.read(
                Scope("corp", frozenset(), users=frozenset({UserKey(key(0))}), names=frozenset({"p00"}))
            )
        assert sorted(user.username for user in state.users.values()) == ["p00", "p01"]
        assert state.totals is not None
        seen.append((asked, state.users, state.memberships, state.totals.accounts - more))
    assert seen[0] == seen[1]
    assert len(seen[0][0]) <= 16


def test_twice_the_roster_is_written_with_the_same_statements_and_rows(run: Run) -> None:
    """Each query that an apply for one person makes says which rows it wants."""
    filled(run)
    asked = []
    for number, more in ((0, 0), (1, 500)):
        gone(run, f"p1{number}", 10 + number)
        with closing(sqlite3.connect(Path(run.policy.root) / "one.db")) as connection, connection:
            rows = [(f"x{n}", f"x{n}", "corp") for n in range(more)]
            connection.executemany("INSERT INTO users (username, external_id, managed_by) VALUES (?, ?, ?)", rows)
        plan = only(run, f"p1{number}")
        with statements() as found:
            assert applied(run, plan) == 0
        assert all("WHERE" in one for one in found if one.startswith("SELECT") and "roster_version" not in one)
        asked.append(found)
    assert asked[0] == asked[1]


def test_a_saved_plan_for_one_is_applied_as_it_was_shown(run: Run) -> None:
    """It says whom it is about, and is no plan of another format."""
    plan = only(run, "p00")
    document = encode(plan)
    assert document["only"] == [{"name": "p00", "key": key(0), "dn": "uid=p00,dc=acme"}]
    again, _ = decode(to_text(document))
    assert again == plan
    assert applied(run, again) == 0
    assert only(run, "p00").empty
    assert key(0) not in map(person_of, make_plan(run).targets[0].changes)


def test_a_snapshot_stands_in_for_the_directory(run: Run, tmp_path: Path) -> None:
    """As for everybody."""
    snapshot, needs = take_snapshot(run, "corp")
    file = str(tmp_path / "corp.snapshot")
    write_snapshot(snapshot, needs, file)
    edit(run, "corp.ldif", "uid: p00\n", "uid: other\n")
    assert only(replace(run, snapshots=(file,), targets=("one",)), "p00").only[0].key == key(0)


def test_findings_about_others_stay_out(run: Run) -> None:
    """Somebody without a login, a grant that names nobody, a group whose name cannot be used: not this plan's matter."""
    run = edit(run, "corp.ldif", "uid: p07\n", "")
    text = "grants:\n  one:\n    api: [{user: nope, access: owner, until: 2026-12-31, reason: r}]\ngroup_links:"
    run = edit(run, "policy.yaml", "group_links:", text)
    assert {finding.code for finding in make_plan(run).targets[0].diagnostics} >= {"USER-NAME", "GRANT-UNKNOWN-USER"}
    assert only(run, "p00").targets[0].diagnostics == ()
    assert [finding.code for finding in only(run, key(7)).targets[0].diagnostics] == ["USER-NAME"]
