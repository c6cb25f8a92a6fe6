"""The scripted server answers as the servers do that it stands for, asked through ldap3 alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ldap3
import pytest

from tests.fakes import active_directory, ldap_ranges
from tests.fakes.ldap_responder import Directory, Request, responder

BASE = "DC=example,DC=com"
MEMBERS = [f"CN=u{n},CN=Users,{BASE}" for n in range(25)]
BIG = f"CN=big,OU=Groups,{BASE}"
PAGED = "1.2.840.113556.1.4.319"


def _directory(**options: Any) -> Directory:
    people = [active_directory.user(dn, number) for number, dn in enumerate(MEMBERS, 1)]
    groups = [active_directory.group(BIG, 1001, MEMBERS), active_directory.group(f"CN=a\\,DC=com,{BASE}", 1002, [])]
    return Directory({BASE: [*people, *groups]}, root=active_directory.root_dse(BASE), **options)


@contextmanager
def _asking(directory: Directory) -> Iterator[Any]:
    with responder(directory) as url:
        server = ldap3.Server(url, get_info=ldap3.NONE)
        with ldap3.Connection(server, auto_range=False, return_empty_attributes=False) as connection:
            yield connection


def _found(connection: Any, base: str, searched: str, **how: Any) -> list[tuple[str, dict[str, list[bytes]]]]:
    connection.search(base, searched, **how)
    return [
        (each["dn"], {name: values or [] for name, values in each["raw_attributes"].items()})
        for each in connection.response or ()
    ]


def test_people_and_groups_under_one_base_are_told_apart() -> None:
    """By the filters that Active Directory is asked with."""
    with _asking(_directory()) as connection:
        people = _found(connection, BASE, "(&(objectClass=user)(!(objectClass=computer)))", attributes=["cn"])
        groups = _found(connection, BASE, "(objectClass=GROUP)", attributes=["cn", "description"])
        either = _found(connection, BASE, "(|(objectClass=group)(cn=anything))", attributes=["1.1"])
    assert [len(people), len(groups), len(either)] == [25, 2, 27]
    assert people[0] == (MEMBERS[0], {"cn": [b"u0"]})


def test_a_subtree_is_what_ends_with_its_base() -> None:
    """An escaped comma ends nothing, and a base that is not there is not found."""
    with _asking(_directory()) as connection:
        assert [dn for dn, _ in _found(connection, f"ou=groups,{BASE.lower()}", "(objectClass=*)")] == [BIG]
        assert not _found(connection, f"OU=none,{BASE}", "(objectClass=*)")
        assert connection.result["result"] == 32


@pytest.mark.parametrize("base", [BIG, BIG.lower(), f"<GUID={active_directory.guid(1001).hex()}>"])
def test_one_entry_is_found_by_its_dn_and_by_its_guid(base: str) -> None:
    """With the attributes asked for."""
    with _asking(_directory()) as connection:
        found = _found(connection, base, "(objectClass=*)", search_scope=ldap3.BASE, attributes=["uSNChanged"])
    assert found == [(BIG, {"uSNChanged": [b"100"]})]


def test_the_root_of_a_domain_says_what_it_is() -> None:
    """And an entry that does not exist is not found."""
    with _asking(_directory()) as connection:
        ((_, root),) = _found(connection, "", "(objectClass=*)", search_scope=ldap3.BASE, attributes=["*"])
        assert b"1.2.840.113556.1.4.800" in root["supportedCapabilities"]
        place = root["subschemaSubentry"][0].decode()
        assert _found(connection, place, "(objectClass=*)", search_scope=ldap3.BASE, attributes=["attributeTypes"])
        _found(connection, f"CN=none,{BASE}", "(objectClass=*)", search_scope=ldap3.BASE)
        assert connection.result["result"] == 32


def test_a_page_has_no_more_entries_than_the_server_likes() -> None:
    """Whatever is asked for; without pages only so many come at all."""
    with _asking(_directory(page_cap=10)) as connection:
        sizes, cookie = [], None
        while cookie != b"":
            how = {"paged_size": 5000, "paged_criticality": True, "paged_cookie": cookie}
            sizes.append(len(_found(connection, BASE, "(objectClass=*)", **how)))
            cookie = connection.result["controls"][PAGED]["value"]["cookie"]
        assert sizes == [10, 10, 7]
        assert len(_found(connection, BASE, "(objectClass=*)")) == 10
        assert connection.result["result"] == 4


def _slices(directory: Directory, *asked: str) -> list[tuple[int, dict[str, list[bytes]]]]:
    slices = []
    with _asking(directory) as connection:
        for name in asked:
            found = _found(connection, BIG, "(objectClass=*)", search_scope=ldap3.BASE, attributes=[name])
            slices.append((connection.result["result"], found[0][1] if found else {}))
    return slices


def _values(first: int, end: int) -> list[bytes]:
    return [dn.encode() for dn in MEMBERS[first:end]]


def test_a_long_attribute_comes_in_slices() -> None:
    """Empty under its name, the last slice with a star, and an error behind the end."""
    asked = ("member", "member;range=10-*", "member;Range=20-29", "member;range=3-4", "member;range=25-*")
    assert _slices(_directory(value_cap=10), *asked) == [
        (0, {"member": [], "member;range=0-9": _values(0, 10)}),
        (0, {"member;range=10-19": _values(10, 20)}),
        (0, {"member;range=20-*": _values(20, 25)}),
        (0, {"member;range=3-4": _values(3, 5)}),
        (1, {}),
    ]


def test_an_attribute_that_fits_comes_whole() -> None:
    """A range is in the answer only where it is in the question."""
    assert _slices(_directory(value_cap=25), "member", "member;range=0-*") == [
        (0, {"member": _values(0, 25)}),
        (0, {"member;range=0-*": _values(0, 25)}),
    ]


@pytest.mark.parametrize(
    ("cut", "slices"),
    [
        (ldap_ranges.endless, [("20-29", [*range(20, 25), *range(5)]), ("30-39", range(5, 15))]),
        (ldap_ranges.unfinished, [("20-24", range(20, 25)), ("30-30", ())]),
        (ldap_ranges.repeating, [("20-*", range(10, 15)), None]),
        (ldap_ranges.stuck, [("0-9", range(10)), ("0-9", range(10))]),
        (ldap_ranges.gapped, [("21-*", range(21, 25)), None]),
    ],
)
def test_slices_can_lie(
    cut: Callable[[ldap_ranges.Ask], ldap_ranges.Slice], slices: Sequence[tuple[str, Sequence[int]] | None]
) -> None:
    """In the ways that a reader has to notice."""
    found = _slices(_directory(value_cap=10, cut=cut), "member;range=20-*", "member;range=30-*")
    assert [attributes for _, attributes in found] == [
        {f"member;range={each[0]}": [MEMBERS[n].encode() for n in each[1]]} if each else {} for each in slices
    ]


def test_a_group_can_change_between_two_slices() -> None:
    """The hook runs before anything is looked up."""
    directory = _directory(value_cap=10)

    def grow(request: Request) -> None:
        if request.attributes == ["member;range=10-*"]:
            directory.entries[BASE][25][1]["uSNChanged"] = ["101"]  # type: ignore[index]  # a dictionary here

    directory.before = grow
    asked = ("uSNChanged", "member;range=10-*", "uSNChanged")
    found = [attributes for _, attributes in _slices(directory, *asked)]
    assert found == [{"uSNChanged": [b"100"]}, {"member;range=10-19": _values(10, 20)}, {"uSNChanged": [b"101"]}]


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (active_directory.SIGNING_REQUIRED, "00002028"),
        (active_directory.CHANNEL_BINDING_REQUIRED, "data 80090346"),
        *((active_directory.credentials_refused(data), f"data {data},") for data in active_directory.DATA_CODES),
    ],
)
def test_a_bind_is_refused_in_the_words_of_a_domain_controller(refusal: tuple[int, str], text: str) -> None:
    """Code and text."""
    code, message = refusal
    with responder(_directory(bind_code=code, bind_message=message)) as url:
        connection = ldap3.Connection(ldap3.Server(url, get_info=ldap3.NONE), "cn=reader", "hidden")
        assert not connection.bind()
        assert connection.result["result"] == code
        assert text in connection.result["message"]
        connection.unbind()
