"""A global catalogue holds some attributes of every domain: what it does not hold is not taken for absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from reconciler.directory.read import read_directory
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Needs, Readability, Snapshot
from reconciler.model.filter import parse_filter
from tests.fakes import active_directory
from tests.fakes.ldap_responder import Directory, Entry, responder
from tests.servers.directories import READ_AT, ldap_config
from tests.servers.forwarder import forwarded

DOMAIN = "DC=corp,DC=example"
CHILD = f"DC=child,{DOMAIN}"
SCHEMA = f"CN=Schema,CN=Configuration,{DOMAIN}"
NEEDS = Needs(frozenset({"cn", "mail", "sAMAccountName"}), frozenset({"cn"}))
GLOBAL, UNIVERSAL = "-2147483646", "-2147483640"


def _attribute(name: str) -> Entry:
    return f"CN={name},{SCHEMA}", {"objectClass": ["top", "attributeSchema"], "lDAPDisplayName": [name]}


def _catalogue(held: Sequence[str], root: Mapping[str, Sequence[bytes | str]] | None = None) -> Directory:
    people = [active_directory.user(f"CN=a,{DOMAIN}", 1), active_directory.user(f"CN=b,{CHILD}", 2)]
    kinds = (("home", DOMAIN, GLOBAL), ("other", CHILD, GLOBAL), ("wide", CHILD, UNIVERSAL))
    groups = [active_directory.group(f"CN={cn},{base}", 10 + n, []) for n, (cn, base, _) in enumerate(kinds)]
    for (_, attributes), (_, _, kind) in zip(groups, kinds, strict=True):
        attributes["groupType"] = [kind]
    found = active_directory.root_dse(DOMAIN) if root is None else root
    return Directory({DOMAIN: [*people, *groups], SCHEMA: [_attribute(name) for name in held]}, root=found)


def _read(fake: Directory, **changes: object) -> Snapshot:
    with responder(fake) as url:
        port = int(url.rpartition(":")[2])
        try:
            with forwarded(3268, port):
                usual: dict[str, object] = {"base": DOMAIN, "dialect": "active_directory"}
                config = ldap_config("ldap://127.0.0.1:3268", **{**usual, **changes})
                return read_directory(config, NEEDS, READ_AT)
        except OSError:
            pytest.skip("port 3268 is taken")


def test_groups_of_child_domains_are_unreadable_unless_they_are_universal() -> None:
    """A child domain lies under its parent by name; its global groups show no members there all the same."""
    snapshot = _read(_catalogue(("mail", "sAMAccountName", "accountExpires")))
    assert {group.cn: group.readability for group in snapshot.groups} == {
        "home": Readability.READ,
        "other": Readability.UNREADABLE,
        "wide": Readability.READ,
    }
    assert [warning.partition(":")[0] for warning in snapshot.warnings if "catalogue" in warning] == [
        "read from a global catalogue"
    ]


def test_accounts_that_end_by_a_date_are_warned_of_where_dates_are_not_held() -> None:
    """They look as if they went on."""
    snapshot = _read(_catalogue(("mail", "sAMAccountName")))
    assert any("does not hold accountExpires" in warning for warning in snapshot.warnings)


@pytest.mark.parametrize(
    ("held", "changes", "missing"),
    [
        (("sAMAccountName",), {}, "mail"),
        (("mail", "sAMAccountName"), {"user_filter": parse_filter("(!(member=CN=x))")}, "member"),
    ],
)
def test_a_policy_that_looks_at_what_is_not_held_is_refused(
    held: Sequence[str], changes: dict[str, object], missing: str
) -> None:
    """Nobody would seem to have it: under a NOT, everybody."""
    with pytest.raises(
        ReadIncomplete, match=rf"a global catalogue does not hold what the policy looks at \({missing}\)"
    ):
        _read(_catalogue(held), **changes)


def test_a_catalogue_that_does_not_say_whose_it_is_is_refused() -> None:
    """Which groups it knows whole depends on it."""
    with pytest.raises(ReadIncomplete, match="is a global catalogue and does not say of which domain"):
        _read(_catalogue(("mail",), {"vendorName": ["Fake"]}))
