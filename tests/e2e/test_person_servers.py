"""One person on Active Directory and on 389: the plan is that for everybody, kept to the one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.pipeline import make_plan
from tests.e2e.one_person import Counted, Office, check_each_alone, linked
from tests.servers import active_directory, directory_389, samba
from tests.servers.ds389 import BASE, Ds389
from tests.servers.ldif_tools import record
from tests.servers.samba import Samba


def domain(server: Samba, folder: Path, **more: str) -> Office:
    options = {
        "url": server.ldaps_url,
        "base": samba.BASE,
        "dn": server.reader_dn,
        "password": server.password,
        "ca_file": server.ca_file,
    }
    return Office(folder, options, **more)


def suffix(server: Ds389, folder: Path, **more: str) -> Office:
    options = {
        "url": server.ldaps_url,
        "base": BASE,
        "dn": server.reader_dn,
        "password": server.password,
        "ca_file": server.ca_file,
    }
    return Office(folder, options, **more)


AD_GROUPS = [
    *active_directory.GROUP_DNS.values(),
    f"CN=Domain Users,CN=Users,{samba.BASE}",
    f"CN=Users,CN=Builtin,{samba.BASE}",
]


@pytest.mark.samba
def test_each_persons_plan_on_active_directory(samba: Samba, tmp_path: Path) -> None:
    """Primary groups and what holds them, sliced groups, circles, and groups that hold everybody who logs in."""
    company = domain(samba, tmp_path)
    company.filled(linked(AD_GROUPS))
    names = [*active_directory.PERSON_DNS, "Administrator", "Guest", "reader"]
    assert check_each_alone(company.run(linked(AD_GROUPS, 1)), names) > len(names)


@pytest.mark.samba
def test_a_person_of_active_directory_is_found_by_every_name(samba: Samba, tmp_path: Path) -> None:
    """The object's GUID among them, which a filter holds as bytes; each with few searches."""
    run = domain(samba, tmp_path).run(linked(AD_GROUPS))
    found = make_plan(replace(run, only=("alice",))).only[0]
    for name in (found.key, found.key.upper(), found.dn, found.dn.upper(), "ALICE"):
        counted = Counted()
        plan = make_plan(replace(run, only=(name,), observer=counted))
        assert (plan.only[0].key, plan.only[0].dn) == (found.key, found.dn)
        assert len(counted.questions) <= 20


@pytest.mark.ds389
def test_each_persons_plan_on_389(ds389: Ds389, tmp_path: Path) -> None:
    """Members by DN and by login, nesting and circles, and a group that shows nobody."""
    company = suffix(ds389, tmp_path)
    groups = list(directory_389.GROUP_DNS.values())
    company.filled(linked(groups))
    names = [name for name in directory_389.PERSON_DNS if name != "gone"]
    assert check_each_alone(company.run(linked(groups, 1)), names) > len(names)


@pytest.mark.ds389
def test_a_person_of_389_is_found_by_every_name(ds389: Ds389, tmp_path: Path) -> None:
    """Login, stable id and DN."""
    run = suffix(ds389, tmp_path).run(linked(list(directory_389.GROUP_DNS.values())))
    found = make_plan(replace(run, only=("alice",))).only[0]
    for name in (found.key, found.dn.upper(), "ALICE"):
        plan = make_plan(replace(run, only=(name,)))
        assert (plan.only[0].key, plan.only[0].dn) == (found.key, found.dn)


@pytest.mark.ds389
def test_a_member_with_a_uid_behind_its_dn_loses_nothing_on_389(
    start_ds389: Callable[[], Ds389], tmp_path: Path
) -> None:
    """389 finds such a value by no filter for the DN; the group is read from above before anything is taken away."""
    server = start_ds389()
    units = "".join(
        record(dn, {"objectClass": "organizationalUnit"}) for dn in (directory_389.PEOPLE, directory_389.GROUPS)
    )
    ann = {"objectClass": "inetOrgPerson", "uid": "ann", "cn": "ann", "sn": "x"}
    team = {
        "objectClass": "groupOfUniqueNames",
        "cn": "team",
        "uniqueMember": f"uid=ann,{directory_389.PEOPLE}#'0101'B",
    }
    server.add(units + record(f"uid=ann,{directory_389.PEOPLE}", ann) + record(f"cn=team,{directory_389.GROUPS}", team))
    company, links = suffix(server, tmp_path), "    app:\n      - {cn: team, access: viewer}"
    assert make_plan(replace(company.run(links), only=("ann",))).empty
    company.filled(links)
    assert check_each_alone(company.run(links), ["ann"]) == 0
