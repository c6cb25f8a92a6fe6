"""Which references leave nobody out."""

from __future__ import annotations

import pytest

from reconciler.directory.references import gaps, other_contexts

ROOT = {
    "namingcontexts": [
        b"DC=ad,DC=example",
        b"CN=Configuration,DC=ad,DC=example",
        b"CN=Schema,CN=Configuration,DC=ad,DC=example",
        b"DC=DomainDnsZones,DC=ad,DC=example",
        b"DC=ForestDnsZones,DC=ad,DC=example",
        b"DC=child,DC=ad,DC=example",
        b"\xff",
        b"no dn",
    ],
    "configurationnamingcontext": [b"CN=Configuration,DC=ad,DC=example"],
    "schemanamingcontext": [b"CN=Schema,CN=Configuration,DC=ad,DC=example"],
}


def test_configuration_schema_and_dns_zones_hold_nobody() -> None:
    """A domain is never among them, not even a child that the same server holds."""
    assert other_contexts(ROOT) == {
        "cn=configuration,dc=ad,dc=example",
        "cn=schema,cn=configuration,dc=ad,dc=example",
        "dc=domaindnszones,dc=ad,dc=example",
        "dc=forestdnszones,dc=ad,dc=example",
    }
    assert other_contexts({}) == frozenset()
    assert other_contexts({"configurationnamingcontext": [b""]}) == frozenset()


@pytest.mark.parametrize(
    ("reference", "harmless"),
    [
        ("ldap://ad.example/CN=Configuration,DC=ad,DC=example", True),
        ("ldap://ForestDnsZones.ad.example/DC=ForestDnsZones,DC=ad,DC=example??base", True),
        ("ldaps://x/dc=domaindnszones%2Cdc=AD,dc=example", True),
        ("ldap://child.ad.example/DC=child,DC=ad,DC=example", False),
        ("ldap://ad.example/CN=Users,DC=ad,DC=example", False),
        ("ldap://ad.example/CN=Configuration,DC=other,DC=example", False),
        ("ldap://ad.example/OU=x,CN=Configuration,DC=ad,DC=example", False),
        ("ldap://ad.example/", False),
        ("ldap://ad.example", False),
        ("ldap://ad.example/%FF", False),
        ("ldap://[bad/CN=Configuration,DC=ad,DC=example", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_a_reference_to_anything_else_is_a_gap(reference: str, *, harmless: bool) -> None:
    """Judged by the DN alone: nothing is ever followed, so the host does not matter."""
    assert gaps([reference], other_contexts(ROOT)) == ([] if harmless else [reference])
