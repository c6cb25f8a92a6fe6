"""One person on OpenLDAP: the plan is that for everybody, kept to the one, and costs what the one costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ldap3
import pytest

from benchmarks.searches import traffic
from reconciler.pipeline import make_plan
from tests.e2e.one_person import Counted, Office, check_each_alone, linked
from tests.servers.directories import BASE, SMALL, awkward, people_and_groups
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.slapd

FEW = 12  # searches for a person in one group

StartSlapd = Callable[..., Slapd]


def office(server: Slapd, folder: Path, **more: str) -> Office:
    options = {
        "url": server.ldaps_url,
        "base": BASE,
        "dn": server.reader_dn,
        "password": server.password,
        "ca_file": server.ca_file,
    }
    return Office(folder, options, **more)


def entries(server: Slapd, wanted: str, attribute: str) -> list[tuple[str, str]]:
    """Return (DN, value) of everything that a filter finds, by DN."""
    plain = ldap3.Server(server.url, get_info=ldap3.NONE)
    with ldap3.Connection(plain, server.admin_dn, server.password, check_names=False) as connection:
        connection.search(BASE, wanted, attributes=[attribute])
        found = [each for each in connection.response if each["type"] == "searchResEntry"]
        return sorted((each["raw_dn"].decode(), each["raw_attributes"][attribute][0].decode()) for each in found)


def delete(server: Slapd, dn: str) -> None:
    plain = ldap3.Server(server.url, get_info=ldap3.NONE)
    with ldap3.Connection(plain, server.admin_dn, server.password, check_names=False) as connection:
        assert connection.delete(dn), connection.result


GROUPS = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"


@pytest.mark.parametrize("ldif", [SMALL, awkward(7), awkward(8)], ids=["small", "awkward 7", "awkward 8"])
def test_each_persons_plan_is_the_plan_for_all_kept_to_the_one(
    start_slapd: StartSlapd, tmp_path: Path, ldif: str
) -> None:
    """Odd names, every member form, nesting, cycles; people who are there, locked, or deleted since."""
    server = start_slapd(ldif)
    logins = [login for _, login in entries(server, "(objectClass=person)", "uid")]
    dns = [dn for dn, _ in entries(server, GROUPS, "cn")]
    company = office(server, tmp_path, users=", sync: [email, name]")
    company.filled(linked(dns))
    for dn, login in entries(server, "(objectClass=person)", "uid")[::4]:
        delete(server, dn)
        if login not in company.accounts():
            logins.remove(login)
    assert check_each_alone(company.run(linked(dns, 1)), logins) > len(logins)


def chained(depth: int, beside: int) -> str:
    """Return LDIF: alice in a chain of so many groups, each of which is also in so many further groups that hold nothing else."""
    parts = [people_and_groups(3, 0)]
    members = ["uid=u00000,ou=people"]
    for level in range(depth):
        names = [f"cn=l{level}n{number},ou=groups" for number in range(beside)]
        for name in names:
            inside = "".join(f"member: {each},{BASE}\n" for each in members)
            parts.append(f"dn: {name},{BASE}\nobjectClass: groupOfNames\ncn: {name[3:].partition(',')[0]}\n{inside}")
        members = names
    return "\n".join(parts)


def asked(company: Office, links: str, name: str) -> Counted:
    """Return what a plan for one person asks."""
    counted = Counted()
    plan = make_plan(replace(company.run(links), only=(name,), observer=counted))
    assert plan.applyable
    return counted


def test_searches_grow_with_the_depth_of_nesting_and_not_with_the_number_of_groups(
    start_slapd: StartSlapd, tmp_path: Path
) -> None:
    """One search more for each level, however many groups are on it."""
    searches = {}
    for depth, beside in ((1, 1), (2, 1), (5, 1), (5, 4), (5, 8)):
        server = start_slapd(chained(depth, beside))
        folder = tmp_path / f"{depth}-{beside}"
        folder.mkdir()
        link = f"    app:\n      - {{cn: l{depth - 1}n0, access: viewer}}"
        searches[depth, beside] = len(asked(office(server, folder), link, "u00000").questions)
    first = searches[1, 1]
    assert searches == {(1, 1): first, (2, 1): first + 1, (5, 1): first + 4, (5, 4): first + 4, (5, 8): first + 4}
    assert first <= FEW


def test_twice_the_directory_asks_and_brings_no_more(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """The same searches and the same entries of 200 or 400 people in 100 or 200 groups, as the server itself counts them."""
    seen = []
    for times in (1, 2):
        server = start_slapd(people_and_groups(200 * times, 100 * times))
        folder = tmp_path / str(times)
        folder.mkdir()
        company = office(server, folder)
        links = "\n".join(f"    team {n}:\n      - {{cn: g{n:05}, access: viewer}}" for n in range(100 * times))
        company.filled(links)
        other = links.replace("cn: g00007,", "cn: g00050,")
        server.forget()
        counted = asked(company, other, "u00008")
        told = traffic(server.operations("S"))
        assert told.requests == len(counted.questions)  # nobody is on a second page
        seen.append((told.requests, told.entries))
    assert seen[0] == seen[1]
    assert max(seen[0]) <= 2 * FEW
