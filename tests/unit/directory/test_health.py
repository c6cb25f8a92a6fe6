"""What checks say of a server's encryption, login, root DSE and of a whole read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.directory.encryption import Encryption
from reconciler.directory.health import (
    control_checks,
    encryption_check,
    login_check,
    not_incremental,
    server_check,
    snapshot_checks,
)
from reconciler.directory.observer import Way
from reconciler.directory.servers import Address
from reconciler.model.access import UserKey
from reconciler.model.check import Check, Status
from reconciler.model.diagnostic import Position
from reconciler.model.directory import DirectoryGroup, Person, Readability, Snapshot
from reconciler.model.schema import DirectorySchema
from reconciler.policy.model import DirectoryConfig

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LDAPS = Address("ldaps://dc1", "dc1", 636, "ldaps")
PLAIN = Address("ldap://dc1", "dc1", 389)
CONFIG = DirectoryConfig(name="corp", kind="ldap", where=Position("p.yaml", 3))


def encryption(days: int) -> Encryption:
    return Encryption("TLSv1.3", "TLS_AES_256_GCM_SHA384", "CN=dc1", "CN=Corp CA", NOW + timedelta(days=days))


@pytest.mark.parametrize(("days", "status"), [(400, Status.OK), (21, Status.OK), (20, Status.WARNING)])
def test_a_certificate_that_ends_soon_is_a_warning(days: int, status: Status) -> None:
    """Three weeks: what a machine renews has been renewed by then."""
    check = encryption_check(Way(LDAPS), encryption(days), NOW)
    assert check.status is status
    assert f"{days} days left" in check.what
    assert "the system's authorities" in check.what


def test_a_plain_connection_says_what_can_be_seen() -> None:
    """The password, too, where one is sent."""
    assert "the password and what is read can be seen" in encryption_check(Way(PLAIN, "simple", "cn=x"), None, NOW).what
    assert "none: what is read can be seen" in encryption_check(Way(PLAIN), None, NOW).what


@pytest.mark.parametrize(
    ("way", "said", "status", "fact"),
    [
        (Way(LDAPS), "", Status.OK, "anonymous, because the policy has no bind; the server calls us anonymous"),
        (Way(LDAPS, "simple", "cn=r"), None, Status.OK, '"cn=r" with a password; the server does not say who that is'),
        (Way(LDAPS, "simple", "cn=r"), "", Status.WARNING, "but the server takes us for anonymous"),
        (Way(LDAPS, "gssapi"), "u:CORP\\reader", Status.OK, "SASL GSSAPI; the server calls us u:CORP\\reader"),
    ],
)
def test_who_we_are_is_told_as_the_server_says_it(way: Way, said: str | None, status: Status, fact: str) -> None:
    """A bind that ends as anonymous reads what anonymous may read, which is not what the policy wants."""
    check = login_check(way, said)
    assert check.status is status
    assert fact in check.what


def test_a_server_that_shows_nothing_of_itself_is_told() -> None:
    """It may still be readable."""
    assert server_check({}, "openldap").what.endswith("it names no vendor; names no naming contexts")
    controls, sasl = control_checks({})
    assert (controls.status, sasl.what) == (Status.WARNING, "the server names no mechanism")
    controls, _ = control_checks({"supportedcontrol": [b"1.2.3"]})
    assert controls == Check("controls", Status.OK, "of those that matter it offers none")


@pytest.mark.parametrize(
    ("dialect", "offered", "fact"),
    [
        ("openldap", b"1.2.840.113556.1.4.841", "syncprov"),
        ("389ds", b"1.2.3", "take incremental out of the policy"),
        ("active_directory", b"1.3.6.1.4.1.4203.1.9.1.1", "domain controller"),
    ],
)
def test_each_kind_of_server_has_its_own_way_to_read_changes(dialect: str, offered: bytes, fact: str) -> None:
    """And what to do where it is not offered."""
    check = not_incremental({"supportedcontrol": [offered]}, dialect)  # type: ignore[arg-type]  # the rows are dialects
    assert check is not None
    assert fact in check.way_out


def test_an_offered_way_to_read_changes_is_nothing_to_say() -> None:
    """The request itself is made by the probe."""
    assert not_incremental({"supportedcontrol": [b"1.2.840.113556.1.4.841"]}, "active_directory") is None


def test_five_are_named_and_the_rest_is_counted() -> None:
    """Members that name nobody, groups that hide theirs, and what a read found odd."""
    people = [Person(UserKey("p"), "uid=a", {})]
    groups = [
        DirectoryGroup(f"g{n}", f"cn=g{n}", f"g{n}", {}, dangling=("uid=gone",), readability=Readability.UNREADABLE)
        for n in range(7)
    ]
    snapshot = Snapshot("corp", "x", "now", people, groups, DirectorySchema(), "", warnings=("something \x1b odd",))
    checks = {check.name: check for check in snapshot_checks(CONFIG, snapshot)}
    assert checks["members"].what.startswith("7 that name nobody who was read: uid=gone in cn=g0, ")
    assert checks["members"].what.endswith("uid=gone in cn=g4 and 2 more")
    assert checks["groups"].what.endswith("cn=g4 and 2 more")
    assert checks["oddity"] == Check("oddity", Status.WARNING, "something \\x1b odd")
    assert checks["canary"].what == "the policy names none"


def test_a_read_that_finds_nobody_is_a_warning() -> None:
    """A complete read of an empty base is seldom meant."""
    snapshot = Snapshot("corp", "x", "now", [], [], DirectorySchema(), "")
    read, groups, members, _ = snapshot_checks(CONFIG, snapshot)
    assert (read.status, groups.status, members.status) == (Status.WARNING, Status.OK, Status.OK)
