"""What an examination says of servers that do not do what a read rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconciler.directory.examine import DirectoryReport, examine
from reconciler.directory.sources import Reading
from reconciler.model.check import Check, Status
from reconciler.policy.model import Policy
from tests.fakes.ber import entry
from tests.fakes.ldap_responder import Directory, Entry, Reply, Request, Script, responder
from tests.servers.directories import BASE, READ_AT, ldap_config

PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
UUID = "00000000-0000-4000-8000-{:012}"
UNIT = {"objectClass": ["organizationalUnit"]}
ENTRIES: Mapping[str, Sequence[Entry]] = {
    PEOPLE: [
        (PEOPLE, UNIT),
        *(
            (f"cn=p{n},{PEOPLE}", {"objectClass": ["person"], "cn": [f"p{n}"], "entryUUID": [UUID.format(n)]})
            for n in range(6)
        ),
    ],
    GROUPS: [
        (GROUPS, UNIT),
        (
            f"cn=g,{GROUPS}",
            {
                "objectClass": ["groupOfNames"],
                "cn": ["g"],
                "entryUUID": [UUID.format(99)],
                "member": [f"cn=p1,{PEOPLE}"],
            },
        ),
    ],
}


def report(script: Script = lambda *_: None, **changes: Any) -> DirectoryReport:
    fake = replace(Directory(ENTRIES, script), **changes)
    with responder(fake) as url:
        config = ldap_config(url, base=PEOPLE, group_base=GROUPS)
        return examine(Policy("policies", "", (), {"corp": config}, {}), "corp", Reading(READ_AT))


def check(of: DirectoryReport, name: str) -> Check:
    (found,) = (each for each in of.servers[0].checks if each.name == name)
    return found


def on_people(change: Callable[[int, Reply], None]) -> Script:
    def script(base: str, number: int, reply: Reply) -> None:
        if base == PEOPLE and number:
            change(number, reply)

    return script


def no_control(_: int, reply: Reply) -> None:
    reply.cookie = None


def limit_on_the_second(number: int, reply: Reply) -> None:
    reply.code = 4 if number == 2 else 0


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (no_control, "the server does not answer the paging control"),
        (limit_on_the_second, "a page ended with sizeLimitExceeded (4)"),
    ],
)
def test_paging_that_does_not_work_is_told(change: Callable[[int, Reply], None], what: str) -> None:
    """On the first page or on the second."""
    found = check(report(on_people(change)), "paging")
    assert (found.status, found.what) == (Status.FAILED, what)


def test_a_second_page_that_repeats_the_first_is_told() -> None:
    """A cookie that is taken and not followed."""

    def repeat(_: int, reply: Reply) -> None:
        reply.entries = [entry(reply.request, *ENTRIES[PEOPLE][1])]

    found = check(report(on_people(repeat)), "paging")
    assert found == Check("paging", Status.FAILED, "the second page repeats the first: its cookie is not followed")


def test_too_few_people_for_a_second_page_are_no_fault() -> None:
    """The control was answered."""
    few = {**ENTRIES, PEOPLE: ENTRIES[PEOPLE][:2]}
    found = check(report(entries=few), "paging")
    assert found == Check("paging", Status.OK, "answered; there are not enough people for a second page")


def test_a_base_on_another_server_is_told() -> None:
    """The server says where, and nothing is followed there."""

    def refer(request: Request, reply: Reply) -> None:
        if request.base == GROUPS:
            reply.entries, reply.code, reply.references = [], 0, ["ldap://elsewhere.example/" + GROUPS]

    found = check(report(base_script=refer), "group base")
    assert (found.status, found.way_out) == (Status.FAILED, "name the server that holds it")
    assert "ldap://elsewhere.example/" in found.what


def test_a_server_without_a_list_of_controls_is_believed_and_told() -> None:
    """Its silence about paging is no refusal."""
    found = report(controls=())
    assert check(found, "controls").what == "the server shows no list of its controls"
    assert found.code == 0


def test_a_server_that_offers_no_paging_ends_its_examination() -> None:
    """What a read would say is said once, and nothing is read."""
    found = report(controls=(b"1.2.3",))
    assert found.code == 4
    assert check(found, "read").what.endswith("without which no read is proven complete")
    assert "policies/corp.yaml" not in check(found, "read").what
