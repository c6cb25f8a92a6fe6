"""The fast decoder gives exactly what ldap3 itself gives, on the same pages of a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ldap3
import pytest

from benchmarks.entries import entries
from benchmarks.shape import Shape
from reconciler.directory.client import PAGED_RESULTS
from reconciler.directory.fast import FastSyncStrategy, install
from reconciler.directory.read import read_directory
from reconciler.directory.session import connected
from tests.servers.directories import BASE, NEEDS, READ_AT, SMALL, awkward, ldap_config, people_and_groups
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.slapd

_COMPANY = Shape(people=400, groups=220, mean=8.0, nested=40)


def _connection(server: Slapd, **options: Any) -> Any:
    usual = {"auto_range": False, "check_names": False, "return_empty_attributes": False, "receive_timeout": 10}
    return ldap3.Connection(ldap3.Server(server.url, get_info=ldap3.NONE), **(usual | options))


def _pages(connection: Any, size: int) -> list[tuple[list[tuple[bytes, dict[str, list[bytes]]]], int]]:
    pages, cookie = [], None
    connection.open(read_server_info=False)
    while cookie != b"":
        connection.search(
            BASE, "(objectClass=*)", attributes=["*", "+"], paged_size=size, paged_criticality=True, paged_cookie=cookie
        )
        entries = [(entry["raw_dn"], dict(entry["raw_attributes"])) for entry in connection.response]
        pages.append((entries, connection.result["result"]))
        cookie = connection.result["controls"][PAGED_RESULTS]["value"]["cookie"]
    connection.unbind()
    return pages


@pytest.mark.parametrize("ldif", [SMALL, awkward(1), people_and_groups(300, 100)])
@pytest.mark.parametrize("size", [7, 1000])
def test_fast_and_plain_decoding_agree(start_slapd: Callable[..., Slapd], ldif: str, size: int) -> None:
    """All entries, all attributes, operational ones included, byte for byte."""
    server = start_slapd(ldif)
    fast, plain = _connection(server), _connection(server)
    assert install(fast)
    assert isinstance(fast.strategy, FastSyncStrategy)
    assert _pages(fast, size) == _pages(plain, size)


@pytest.mark.parametrize("source", ["small", "awkward", "company"])
def test_the_policy_may_choose_the_decoder_and_gets_the_same_snapshot(
    start_slapd: Callable[..., Slapd], source: str
) -> None:
    """`decoder: ldap3` is the way out where ours were ever wrong: the same people, groups, members and digest."""
    server = start_slapd({"small": SMALL, "awkward": awkward(1), "company": "".join(entries(_COMPANY))}[source])
    fast = read_directory(ldap_config(server.url, page_size=50), NEEDS, READ_AT)
    plain = read_directory(ldap_config(server.url, page_size=50, decoder="ldap3"), NEEDS, READ_AT)
    assert fast == plain
    assert fast.digest == plain.digest != ""
    assert fast.people
    assert any(group.people for group in fast.groups)


def test_the_decoder_of_the_policy_is_the_one_at_work(slapd: Slapd) -> None:
    """`decoder: ldap3` leaves ldap3's own strategy in place."""
    for decoder, ours in (("fast", True), ("ldap3", False)):
        with connected(ldap_config(slapd.url, decoder=decoder), "here") as (client, _):
            assert isinstance(client._connection.strategy, FastSyncStrategy) == ours


def test_values_of_every_length_agree(start_slapd: Callable[..., Slapd]) -> None:
    """Around the lengths where BER needs one byte more."""
    lengths = [1, 126, 127, 128, 129, 255, 256, 65535, 65536, 300_000]
    people = "\n".join(
        f"dn: cn=p{size},{BASE}\nobjectClass: person\ncn: p{size}\nsn: x\ndescription: {'x' * size}\n"
        for size in lengths
    )
    server = start_slapd(SMALL.split("\n\ndn: ou=people", maxsplit=1)[0] + "\n\n" + people)
    fast, plain = _connection(server), _connection(server)
    assert install(fast)
    found = _pages(fast, 1000)
    assert found == _pages(plain, 1000)
    seen = {len(attributes["description"][0]) for _, attributes in found[0][0] if "description" in attributes}
    assert seen == set(lengths)


def test_another_version_of_ldap3_is_left_alone(slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its private parts may differ: slower is better than wrong, and gives the same snapshot."""
    fast = read_directory(ldap_config(slapd.url, page_size=2), NEEDS, READ_AT)
    monkeypatch.setattr(ldap3, "__version__", "2.10.0")
    connection = _connection(slapd)
    assert not install(connection)
    assert not isinstance(connection.strategy, FastSyncStrategy)
    assert read_directory(ldap_config(slapd.url, page_size=2), NEEDS, READ_AT) == fast


def test_a_connection_that_follows_ranges_by_itself_is_left_alone(slapd: Slapd) -> None:
    """That code of ldap3 needs what the fast decoder leaves out."""
    assert not install(_connection(slapd, auto_range=True))
