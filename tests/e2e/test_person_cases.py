"""One person on OpenLDAP where something is odd: what a directory hides, moves or says otherwise; each with a server of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import ldap3
import pytest

from reconciler.errors import DirectoryUnreachable, ReadIncomplete, UsageError
from reconciler.model.change import type_name
from reconciler.model.plan import Plan
from reconciler.pipeline import Run, make_plan
from tests.e2e.one_person import Counted, check_each_alone
from tests.e2e.test_person_slapd import delete, office
from tests.servers.directories import BASE
from tests.servers.slapd import Options, Slapd

pytestmark = pytest.mark.slapd

StartSlapd = Callable[..., Slapd]

UNITS = f"""\
dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{BASE}
objectClass: organizationalUnit
ou: groups

dn: ou=more,{BASE}
objectClass: organizationalUnit
ou: more
"""


def person(uid: str, unit: str = "people", **attributes: str) -> str:
    values = {"uid": uid, "cn": uid, "sn": uid, "mail": f"{uid}@example.com", **attributes}
    lines = [f"dn: uid={uid},ou={unit},{BASE}", "objectClass: inetOrgPerson", f"entryUUID: {UUID(int=ord(uid[0]))}"]
    return "\n".join(["", *lines, *(f"{name}: {value}" for name, value in values.items()), ""])


def group(cn: str, *members: str, unit: str = "groups") -> str:
    """Return a group; members are uids, or CNs where they begin with an equals sign."""
    dns = [f"cn={name[1:]},ou={unit}" if name[0] == "=" else f"uid={name},ou=people" for name in members]
    lines = [f"dn: cn={cn},ou={unit},{BASE}", "objectClass: groupOfNames", f"cn: {cn}"]
    return "\n".join(["", *lines, *(f"member: {dn},{BASE}" for dn in dns), ""])


def rename(server: Slapd, entry: str, new: str) -> None:
    """Give an entry, written without the base, another name in its place."""
    plain = ldap3.Server(server.url, get_info=ldap3.NONE)
    with ldap3.Connection(plain, server.admin_dn, server.password, check_names=False) as connection:
        assert connection.modify_dn(f"{entry},{BASE}", new.partition(",")[0]), connection.result


def rename_login(server: Slapd, uid: str, new: str) -> None:
    """Give somebody another login, which is in the DN, too."""
    rename(server, f"uid={uid},ou=people", f"uid={new}")


def one(run: Run, name: str) -> Plan:
    return make_plan(replace(run, only=(name,)))


def types(plan: Plan) -> list[str]:
    return [type_name(change) for target in plan.targets for change in target.changes]


TEAM = person("ann") + person("bob") + group("devs", "ann", "bob") + group("leads", "bob")
LINKS = "    app:\n      - {cn: devs, access: viewer}\n      - {cn: leads, access: owner}"


def test_two_people_with_one_address_are_an_error_that_names_both(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Their logins and DNs still tell them apart."""
    server = start_slapd(UNITS + person("ann", mail="team@example.com") + person("bob", mail="team@example.com"))
    run = office(server, tmp_path).run("    app:\n      - {filter: (uid=ann), access: viewer}")
    with pytest.raises(UsageError) as error:
        one(run, "team@example.com")
    assert f'"uid=ann,ou=people,{BASE}"' in str(error.value)
    assert f'"uid=bob,ou=people,{BASE}"' in str(error.value)
    assert one(run, f"UID=Ann, ou=people,{BASE}").only[0].dn == f"uid=ann,ou=people,{BASE}"
    assert types(one(run, "ann")) == ["user.create", "group.create", "membership.add"]
    assert types(one(run, "bob")) == []


@pytest.mark.parametrize("name", ["*", "ann)(uid=*", "a*", "\\2a", "ann\x00", "(", "uid=*", "  ", "dc=example,dc=com"])
def test_a_name_is_a_value_and_never_a_part_of_a_filter(start_slapd: StartSlapd, tmp_path: Path, name: str) -> None:
    """Nobody is called that."""
    run = office(start_slapd(UNITS + TEAM), tmp_path).run(LINKS)
    with pytest.raises(UsageError, match="Nobody is called"):
        one(run, name)


def test_who_is_deleted_is_found_by_the_account_and_loses_everything(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """By login, by address and by stable id; nobody else's account is read for changes."""
    server = start_slapd(UNITS + TEAM)
    company = office(server, tmp_path, users=", sync: [email]")
    company.filled(LINKS)
    run = company.run(LINKS)
    key = one(run, "bob").only[0].key
    delete(server, f"uid=bob,ou=people,{BASE}")
    for name in ("bob", "BOB@example.com", key):
        plan = one(run, name)
        assert [(each.key, each.dn) for each in plan.only] == [(key, "")]
        assert types(plan) == ["membership.remove", "user.disable"]
    assert check_each_alone(run, ["bob", "ann"]) == 2


def test_an_old_login_leads_to_the_person_who_has_another_one_now(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """The account still has the old one; its stable id is looked for before anybody counts as gone."""
    server = start_slapd(UNITS + TEAM)
    company = office(server, tmp_path)
    company.filled(LINKS)
    rename_login(server, "bob", "robert")
    plan = one(company.run(LINKS), "bob")
    assert plan.only[0].dn == f"uid=robert,ou=people,{BASE}"
    assert types(plan) == ["user.update"]


def test_an_account_without_rights_proves_nobody_gone(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """It sees no person at all, with success: that somebody is not there is worth nothing."""
    server = start_slapd(UNITS + TEAM)
    company = office(server, tmp_path)
    company.filled(LINKS)
    blind = start_slapd(UNITS + TEAM, Options(access=f'access to dn.subtree="ou=people,{BASE}" by * none'))
    with pytest.raises(ReadIncomplete, match="shows nobody at all"):
        one(office(blind, tmp_path).run(LINKS), "bob")


def test_a_canary_has_to_be_seen_and_floors_do_not_count(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """The canary's entries are asked for by name."""
    server = start_slapd(UNITS + TEAM)
    seen = f'{{people: ["uid=ann,ou=people,{BASE}"], groups: ["cn=devs,ou=groups,{BASE}"], min_people: 1000}}'
    assert types(one(office(server, tmp_path, more=f"    canary: {seen}").run(LINKS), "ann"))
    for hidden in (seen.replace("ann", "zoe"), seen.replace("devs", "none")):
        with pytest.raises(ReadIncomplete, match="lost rights"):
            one(office(server, tmp_path, more=f"    canary: {hidden}").run(LINKS), "ann")


def test_a_group_that_hides_its_members_takes_nothing_away(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Neither the linked group itself, nor one in it: the plan for one holds back as the plan for all does."""
    ldif = UNITS + person("ann") + person("bob") + group("inner", "ann") + group("devs", "bob", "=inner")
    company = office(start_slapd(ldif), tmp_path)
    links = "    app:\n      - {cn: devs, access: viewer}"
    company.filled(links)
    for hidden in ("inner", "devs"):
        rule = f'access to dn.exact="cn={hidden},ou=groups,{BASE}" attrs=member by * none'
        server = start_slapd(ldif, Options(access=rule))
        run = office(server, tmp_path).run(links)
        plan = one(run, "ann")
        assert types(plan) == []
        assert [held.hold for held in plan.targets[0].withheld] == ["frozen_group"]
        check_each_alone(run, ["ann", "bob"])


def test_a_linked_group_that_is_missing_takes_nothing_away(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """It is looked for before a membership goes, and said."""
    server = start_slapd(UNITS + TEAM)
    company = office(server, tmp_path)
    company.filled(LINKS)
    run = company.run(LINKS.replace("leads", "lost"))
    assert [held.hold for held in one(run, "bob").targets[0].withheld] == ["frozen_group"]
    found = {finding.code for finding in one(run, "bob").targets[0].diagnostics}
    assert found == {"LINK-MISSING-GROUP"}
    assert check_each_alone(run, ["ann", "bob"]) == 0


def test_nesting_counts_only_where_the_policy_says_so(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """With nested_groups: false, one level is asked for and no more."""
    server = start_slapd(UNITS + TEAM + group("all", "=devs") + group("top", "=all"))
    links = "    app:\n      - {cn: all, access: viewer}\n    web:\n      - {cn: devs, access: viewer}"
    nested, flat = office(server, tmp_path).run(links), None
    assert types(one(nested, "ann")).count("membership.add") == 2
    flat = office(server, tmp_path, more="    nested_groups: false").run(links)
    assert types(one(flat, "ann")).count("membership.add") == 1
    check_each_alone(flat, ["ann", "bob"])


def test_bases_and_filters_bound_what_is_found(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Several bases are all asked, what lies beside them is not there, and what no filter selects is nobody."""
    ldif = UNITS + TEAM + person("cy", "more", title="temp") + group("devs", "ann", unit="more")
    more = f'    group_base: "ou=groups,{BASE}"\n    user_filter: "(!(title=temp))"'
    server = start_slapd(ldif)
    company = office(server, tmp_path)
    both = replace(company, options={**company.options, "base": f"ou=people,{BASE}"}, more=more)
    check_each_alone(both.run(LINKS), ["ann", "bob"])
    with pytest.raises(UsageError, match="Nobody"):
        one(both.run(LINKS), "cy")
    split = replace(company, more=more)
    text = (tmp_path / "policy.yaml").read_text(encoding="utf-8")
    lists = text.replace(f'base: "ou=people,{BASE}"', f'base: ["ou=people,{BASE}", "ou=more,{BASE}"]')
    run = split.again(lists.replace("(!(title=temp))", "(uid=*)"))
    assert one(run, "cy").only[0].dn == f"uid=cy,ou=more,{BASE}"
    check_each_alone(run, ["ann", "bob", "cy"])


def test_who_says_itself_where_it_belongs_is_believed_where_the_policy_says_so(
    start_slapd: StartSlapd, tmp_path: Path
) -> None:
    """`memberOf` counts for groups that show no members to this account, also for groups in groups."""
    ldif = UNITS + person("ann", memberOf=f"cn=devs,ou=groups,{BASE}") + person("bob")
    ldif += group("devs", "ann").replace("cn: devs", f"cn: devs\nmemberOf: cn=all,ou=groups,{BASE}") + group(
        "all", "=devs"
    )
    hidden = Options(access=f'access to dn.subtree="ou=groups,{BASE}" attrs=member by * none')
    links = "    app:\n      - {cn: devs, access: viewer}\n    web:\n      - {cn: all, access: viewer}"
    run = office(start_slapd(ldif, hidden), tmp_path, more="    member_of: true").run(links)
    assert types(one(run, "ann")).count("membership.add") == 2
    assert check_each_alone(run, ["ann", "bob"]) == 3


def test_a_dynamic_group_holds_whom_its_search_finds(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Each search is made for this person alone; one that cannot be made leaves the group unreadable."""

    def dynamic(cn: str, url: str) -> str:
        return f"\ndn: cn={cn},ou=groups,{BASE}\nobjectClass: groupOfURLs\ncn: {cn}\nmemberURL: {url}\n"

    urls = {
        "staff": f"ldap:///ou=people,{BASE}??sub?(title=staff)",
        "far": f"ldap://other/ou=people,{BASE}??sub?(uid=*)",
    }
    ldif = UNITS + person("ann", title="staff") + person("bob") + group("all", "=staff")
    ldif += "".join(dynamic(cn, url) for cn, url in urls.items())
    links = "\n".join(f"    {cn}:\n      - {{cn: {cn}, access: viewer}}" for cn in ("staff", "all", "far"))
    known = Options(schemas=("core", "cosine", "inetorgperson", "nis", "dyngroup"))
    company = office(start_slapd(ldif, known), tmp_path, more="    dynamic_groups: true")
    run = company.run(links)
    assert types(one(run, "ann")).count("membership.add") == 2
    check_each_alone(run, ["ann", "bob"])
    company.filled(links.replace("cn: staff", "cn: all").replace("cn: far", "cn: all"))
    run = company.run(links)
    assert check_each_alone(run, ["ann", "bob"]) == 0
    assert [held.hold for held in one(run, "ann").targets[0].withheld] == ["frozen_group"]


def test_a_name_that_two_could_have_is_nobodys(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Two people whom the template calls the same, both linked: neither gets the account, as in the plan for all."""
    ldif = UNITS + person("ann", title="same") + person("bob", title="same") + group("devs", "ann", "bob")
    links = "    app:\n      - {cn: devs, access: viewer}"
    run = office(start_slapd(ldif), tmp_path, users=', username: "{title}"').run(links)
    plan = one(run, "ann")
    assert types(plan) == []
    assert [held.hold for held in plan.targets[0].withheld] == ["frozen_user"]
    assert {finding.code for finding in plan.targets[0].diagnostics} == {"USER-NAME"}
    check_each_alone(run, ["ann", "bob"])


def test_an_account_of_the_wanted_name_is_no_one_elses_to_take(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Also where the policy adopts: whether its person is still there is looked up."""
    server = start_slapd(UNITS + TEAM)
    company = office(server, tmp_path, users=", adopt: true")
    company.filled(LINKS)
    rename_login(server, "bob", "robert")
    rename_login(server, "ann", "bob")
    plan = one(company.run(LINKS), "bob")
    assert [refusal.guard for refusal in plan.targets[0].refusals] == ["not_ours_user"]
    delete(server, f"uid=robert,ou=people,{BASE}")
    assert "user.update" in types(one(company.run(LINKS), f"uid=bob,ou=people,{BASE}"))


def test_what_nobody_has_is_told_from_what_this_person_has_not(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Of a filter's attributes one person who has each is looked for."""
    server = start_slapd(UNITS + person("ann") + person("bob", title="lead"))
    run = office(server, tmp_path).run("    app:\n      - {filter: '(!(title=lead))', access: viewer}")
    plan = one(run, "ann")
    assert "membership.add" in types(plan)
    assert plan.applyable
    delete(server, f"uid=bob,ou=people,{BASE}")
    assert [f.code for f in one(run, "ann").targets[0].diagnostics] == ["FILTER-NO-VALUE"]
    assert not one(run, "ann").applyable


def test_two_people_are_one_plan(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Each is named once more where the name is theirs, too; others' changes stay out."""
    server = start_slapd(UNITS + TEAM + person("cy") + group("more", "cy"))
    run = office(server, tmp_path).run(LINKS + "\n    web:\n      - {cn: more, access: viewer}")
    plan = make_plan(replace(run, only=("ann", "bob@example.com", "bob")))
    assert [each.name for each in plan.only] == ["ann", "bob", "bob@example.com"]
    assert types(plan) == ["user.create", "user.create", "group.create", "membership.add", "membership.add"]


def test_no_server_and_no_end_are_errors_of_the_directory(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """A size limit in the middle of the steps, and a server that is gone; a second server takes over before the first step."""
    company = office(start_slapd(UNITS + TEAM), tmp_path)
    company.filled(LINKS)
    limited = start_slapd(UNITS + TEAM, Options(limits="size=1"))
    with pytest.raises(ReadIncomplete, match="sizeLimitExceeded"):
        one(replace(company, options=office(limited, tmp_path).options).run(LINKS), "ann")
    dead = start_slapd(UNITS + TEAM)
    dead.stop()
    alone = replace(company, options={**company.options, "url": dead.ldaps_url})
    with pytest.raises(DirectoryUnreachable):
        one(alone.run(LINKS), "ann")
    text = (tmp_path / "policy.yaml").read_text(encoding="utf-8")
    both = alone.again(text.replace(f'["{dead.ldaps_url}"]', f'["{dead.ldaps_url}", "{company.options["url"]}"]'))
    counted = Counted()
    assert make_plan(replace(both, only=("ann",), observer=counted)).applyable


def test_caches_are_neither_used_nor_written(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """A plan for one asks the server itself, and a plan for all finds its cache as it left it."""
    company = office(start_slapd(UNITS + TEAM, Options(syncprov="syncprov-sessionlog 100")), tmp_path)
    company = replace(company, more="    incremental: {cache: cache}")
    assert types(one(company.run(LINKS), "ann"))
    assert not (tmp_path / "cache").exists()
    make_plan(company.run(LINKS))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")}
    assert before
    assert not one(company.run(LINKS), "ann").directories[0].confirmed_at
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")} == before


def test_a_mark_is_given_and_taken_only_where_its_group_is_known_to_the_end(
    start_slapd: StartSlapd, tmp_path: Path
) -> None:
    """Nobody gains or loses admin while a group in the admin group hides its members; external is still given."""
    ldif = UNITS + TEAM + group("root", "ann", "=devs") + group("guests", "bob", "=leads")
    flags = "    admin_group: root\n    external_groups: [guests]"
    run = office(start_slapd(ldif), tmp_path, flags=flags).run(LINKS)
    assert check_each_alone(run, ["ann", "bob"]) > 2
    hidden = Options(access=f'access to dn.exact="cn=devs,ou=groups,{BASE}" attrs=member by * none')
    run = office(start_slapd(ldif, hidden), tmp_path, flags=flags).run(LINKS)
    check_each_alone(run, ["ann", "bob"])
    assert "FLAG-GROUP-GAP" in {finding.code for finding in one(run, "bob").targets[0].diagnostics}
