"""What has gone wrong with access that was synchronised from directories, each incident tried for real: it ends well.

Every test makes one incident in a real OpenLDAP or a real roster, runs the command line as a schedule would, and then puts
the incident right: what nobody meant to change is as before, and the next run goes on as if nothing had been.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import ldap3
import pytest

from tests.e2e.incidents import ADMINS, DEVS, PEOPLE, Company, company, directory, dn_of, group_dn, point_to
from tests.servers.slapd import Options, Slapd

pytestmark = pytest.mark.slapd

StartSlapd = Callable[..., Slapd]


@pytest.fixture
def acme(start_slapd: StartSlapd, tmp_path: Path) -> Company:
    """Give a company whose roster is right."""
    return company(tmp_path, start_slapd(directory()))


def nothing_to_do(acme: Company) -> None:
    """Check that all is as the directory says."""
    acme.run("plan", "--detailed-exitcode")


def test_an_outage_of_the_directory_strips_nobody(acme: Company) -> None:
    """No server answers: exit 4, every membership and every account stays, and the next run has nothing to do."""
    before = acme.content()
    acme.server.stop()
    for arguments in (("plan",), ("apply", "--auto-approve")):
        assert "error:" in acme.run(*arguments, code=4).stderr
    assert acme.content() == before
    assert all(active for _, active, _ in before["users"]), "nobody is blocked"
    acme.server.restart()
    nothing_to_do(acme)


def test_a_directory_that_breaks_off_in_the_middle_strips_nobody(
    acme: Company, start_slapd: StartSlapd, tmp_path: Path
) -> None:
    """Error answers (a size limit) are not a short list of people: exit 4, and nothing is read from them."""
    before = acme.content()
    point_to(
        acme.work / "policies", start_slapd(directory(), Options(limits="size=5 size.pr=unlimited size.prtotal=7"))
    )
    assert "sizeLimitExceeded" in acme.run("apply", "--auto-approve", code=4).stderr
    assert acme.content() == before
    point_to(acme.work / "policies", acme.server)
    nothing_to_do(acme)


def test_a_reader_that_lost_its_rights_strips_nobody(acme: Company, start_slapd: StartSlapd) -> None:
    """The server says success and shows nobody: that everybody has left is not believed."""
    before = acme.content()
    hidden = 'access to dn.subtree="ou=people,dc=example,dc=com" by * none'
    point_to(acme.work / "policies", start_slapd(directory(), Options(access=hidden)))
    done = acme.run("apply", "--auto-approve", code=6)
    assert "empty_directory" in done.stdout
    assert acme.content() == before
    point_to(acme.work / "policies", acme.server)
    nothing_to_do(acme)


def test_a_wrong_filter_deletes_nobody(acme: Company) -> None:
    """A typing error in `user_filter` hides nearly everybody: refused with numbers, exit 6, nothing written."""
    before = acme.content()
    acme.edit("user_filter: (objectClass=person)", "user_filter: (&(objectClass=person)(uid=p0*))")
    done = acme.run("apply", "--auto-approve", code=6)
    assert "max_removals" in done.stdout
    assert "waivers:" in done.stdout or "guard: max_removals" in done.stdout, "the way out is printed, ready to paste"
    assert acme.content() == before
    acme.edit("(&(objectClass=person)(uid=p0*))", "(objectClass=person)")
    nothing_to_do(acme)


def test_a_limit_that_is_exceeded_has_an_exit_code_of_its_own(acme: Company) -> None:
    """Of plan, of apply, and of applying the saved plan: 6 each time, and nothing is written."""
    before = acme.content()
    acme.modify(group_dn("devs"), {"member": [(ldap3.MODIFY_DELETE, [dn_of(uid) for uid in DEVS[:9]])]})
    acme.run("plan", "--out", "plan.json", code=6)
    acme.run("plan", "--detailed-exitcode", code=6)
    acme.run("apply", "--auto-approve", code=6)
    acme.run("apply", "plan.json", code=6)
    assert acme.content() == before
    acme.modify(group_dn("devs"), {"member": [(ldap3.MODIFY_ADD, [dn_of(uid) for uid in DEVS[:9]])]})
    nothing_to_do(acme)


def test_a_plan_writes_nothing_and_an_apply_does_what_it_said(acme: Company) -> None:
    """The plan's lines and what differs in the roster afterwards are the same, to the last membership."""
    acme.modify(group_dn("devs"), {"member": [(ldap3.MODIFY_DELETE, [dn_of("p20")])]})
    acme.modify(group_dn("leads"), {"member": [(ldap3.MODIFY_ADD, [dn_of("p19")])]})
    before, files = acme.content(), _files(acme.work)
    acme.run("plan", "--out", "plan.json", "--detailed-exitcode", code=2)
    assert (acme.content(), _files(acme.work, "plan.json")) == (before, files)
    acme.run("apply", "plan.json")
    changes = json.loads((acme.work / "plan.json").read_text(encoding="utf-8"))["targets"][0]["changes"]
    said = {(each["user"]["username"], each["group"], each["have"], each["want"]) for each in changes}
    had, has = ({row[:2]: row[2] for row in each["memberships"]} for each in (before, acme.content()))
    done = {
        (*place, had.get(place), has.get(place))
        for place in had.keys() | has.keys()
        if had.get(place) != has.get(place)
    }
    assert done == said == {("p20", "app", "viewer", None), ("p19", "app", "viewer", "owner")}
    nothing_to_do(acme)


def test_one_bad_account_blocks_nobody_else(acme: Company) -> None:
    """One that no database can hold fails by name, one with an impossible username is skipped by name; all others are made.

    Exit 7; once the entry is put right, the next run makes what was left.
    """
    _add_person(acme, "new01", displayName=b"half\x00name")
    _add_person(acme, "bad\tname")
    _add_person(acme, "new02")
    done = acme.run("apply", "--auto-approve", code=7)
    assert "failed: + new01" in done.stdout
    assert "bad\\x09name" in done.stdout
    held = {str(row[0]) for row in acme.content()["memberships"]}
    assert held == {*PEOPLE, "new02"}
    acme.modify(dn_of("new01"), {"displayName": [(ldap3.MODIFY_REPLACE, ["whole name"])]})
    acme.run("apply", "--auto-approve")
    assert {str(row[0]) for row in acme.content()["memberships"]} == {*PEOPLE, "new01", "new02"}
    nothing_to_do(acme)


def test_a_target_that_refuses_everything_is_left_as_it_was_and_said_so(acme: Company) -> None:
    """A trigger in the roster fails: exit 5, one transaction, so all of it or nothing; no account is lost for later runs."""
    acme.roster.execute("CREATE TRIGGER bad BEFORE INSERT ON memberships BEGIN SELECT RAISE(ABORT, 'broken'); END")
    _add_person(acme, "new01")
    before = acme.content()
    assert "broken" in acme.run("apply", "--auto-approve", code=5).stdout
    assert acme.content() == before
    acme.roster.execute("DROP TRIGGER bad")
    acme.run("apply", "--resume")
    assert "new01" in {str(row[0]) for row in acme.content()["memberships"]}
    nothing_to_do(acme)


def test_a_saved_plan_is_applied_once(acme: Company) -> None:
    """Also where the roster is again as the plan expected: its id is used up, exit 8."""
    acme.modify(group_dn("devs"), {"member": [(ldap3.MODIFY_DELETE, [dn_of("p20")])]})
    acme.run("plan", "--out", "plan.json")
    acme.run("apply", "plan.json")
    acme.modify(group_dn("devs"), {"member": [(ldap3.MODIFY_ADD, [dn_of("p20")])]})
    acme.run("apply", "--auto-approve")
    again = acme.content()
    assert "applied already" in acme.run("apply", "plan.json", code=8).stderr
    assert acme.content() == again
    nothing_to_do(acme)


def test_a_plan_that_reality_has_overtaken_writes_nothing_and_names_what_moved(acme: Company) -> None:
    """The live state is compared, not the age of a file: exit 8 with the person's name."""
    acme.modify(group_dn("devs"), {"member": [(ldap3.MODIFY_DELETE, [dn_of("p20"), dn_of("p19")])]})
    acme.edit("group_links:", "guards: {roster: {max_removals: off}}\ngroup_links:")
    acme.run("plan", "--out", "plan.json")
    acme.roster.execute(
        "UPDATE memberships SET role = 'owner' WHERE user_id = (SELECT id FROM users WHERE username = 'p20')"
    )
    before = acme.content()
    done = acme.run("apply", "plan.json", code=8)
    assert "p20" in done.stdout
    assert acme.content() == before
    acme.run("apply", "--auto-approve")
    nothing_to_do(acme)


def test_a_linked_group_that_is_not_found_is_not_an_empty_one(acme: Company) -> None:
    """Renamed away in the directory: its members stay, additions by other links go on, and the plan warns."""
    before = acme.content()
    with acme.connected() as connection:
        assert connection.modify_dn(group_dn("devs"), "cn=developers")
    acme.modify(group_dn("leads"), {"member": [(ldap3.MODIFY_ADD, [dn_of("p20")])]})
    done = acme.run("apply", "--auto-approve")
    assert "devs" in done.stdout
    after = acme.content()
    assert {row[0] for row in after["memberships"]} == {row[0] for row in before["memberships"]}
    assert ("p20", "app", "owner") in after["memberships"]
    with acme.connected() as connection:
        assert connection.modify_dn(group_dn("developers"), "cn=devs")
    nothing_to_do(acme)


def test_an_admin_group_that_was_emptied_is_a_question_and_never_silence(acme: Company) -> None:
    """Neither all administrators lose the mark nor do all keep it unsaid: refused by name, exit 6, until somebody decides."""
    before = acme.content()
    acme.delete(group_dn("admins"))
    _add_group(acme, "admins", "uid=nobody-at-all,ou=people,dc=example,dc=com")
    done = acme.run("apply", "--auto-approve", code=6)
    assert "empty_admin_group" in done.stdout
    assert acme.content() == before
    acme.delete(group_dn("admins"))
    _add_group(acme, "admins", *map(dn_of, ADMINS))
    nothing_to_do(acme)


def test_somebody_who_left_is_in_no_group_and_cannot_log_in(acme: Company) -> None:
    """In one run, memberships and account together; nothing is left over, and nothing comes back."""
    acme.delete(dn_of("p20"))
    acme.run("apply", "--auto-approve")
    content = acme.content()
    assert not [row for row in content["memberships"] if row[0] == "p20"]
    assert [bool(row[1]) for row in content["users"] if row[0] == "p20"] == [False]
    nothing_to_do(acme)


def test_what_changes_in_place_is_never_taken_away_in_between(acme: Company) -> None:
    """A new role is one change of one row: the membership keeps its first day."""
    born = "SELECT created_at FROM memberships WHERE user_id = (SELECT id FROM users WHERE username = 'p19')"
    acme.roster.execute("UPDATE memberships SET created_at = '2020-01-01T00:00:00Z'")
    acme.modify(group_dn("leads"), {"member": [(ldap3.MODIFY_ADD, [dn_of("p19")])]})
    acme.run("apply", "--auto-approve")
    assert ("p19", "app", "owner") in acme.content()["memberships"]
    assert acme.roster.execute(born) == [("2020-01-01T00:00:00Z",)]


def test_a_protected_account_keeps_what_it_has_and_the_others_go_on(acme: Company) -> None:
    """Protections stand apart from the rules: taking a link out takes no protection with it, and stops nobody else."""
    acme.edit("group_links:", "protected: {roster: {users: [p20]}}\ngroup_links:")
    acme.modify(group_dn("devs"), {"member": [(ldap3.MODIFY_DELETE, [dn_of("p20"), dn_of("p19")])]})
    acme.edit("groups: {create: true}", "groups: {create: true}\nguards: {roster: {max_removals: off}}")
    done = acme.run("apply", "--auto-approve")
    assert "protected by the policy" in done.stdout
    held = {row[0] for row in acme.content()["memberships"]}
    assert "p20" in held
    assert "p19" not in held
    assert len(held) == len(PEOPLE) - 1


def test_an_apply_is_never_made_without_being_asked_for(acme: Company) -> None:
    """Without a terminal and without a word for it: exit 64, nothing written."""
    acme.modify(group_dn("devs"), {"member": [(ldap3.MODIFY_DELETE, [dn_of("p20")])]})
    before = acme.content()
    acme.run("apply", code=64)
    assert acme.content() == before


def _files(work: Path, *but: str) -> dict[str, bytes]:
    """Return every file that is there, by its path."""
    found = {}
    for folder, _, names in os.walk(work):
        for name in names:
            path = Path(folder, name)
            if name not in but:
                found[str(path)] = path.read_bytes()
    return found


def _add_person(acme: Company, uid: str, **more: str | bytes) -> None:
    """Hire somebody, into the developers' group."""
    with acme.connected() as connection:
        fields = {"uid": uid, "cn": uid, "sn": uid, "mail": "new@example.com", **more}
        assert connection.add(dn_of(uid), ["inetOrgPerson"], fields), connection.result
    acme.modify(group_dn("devs"), {"member": [(ldap3.MODIFY_ADD, [dn_of(uid)])]})


def _add_group(acme: Company, cn: str, *members: str) -> None:
    with acme.connected() as connection:
        assert connection.add(group_dn(cn), ["groupOfNames"], {"cn": cn, "member": list(members)}), connection.result
