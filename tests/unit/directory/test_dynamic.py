"""Which searches of dynamic groups can be made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.directory.dynamic import MemberSearch, UnusableUrl, member_search
from reconciler.model.standard_schema import standard_schema

SCHEMA = replace(standard_schema(), from_server=True)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (b"ldap:///ou=people,dc=x??sub?(title=Boss)", MemberSearch("ou=people,dc=x", "sub", "(title=Boss)")),
        (b"ldap:///ou=people,dc=x??one", MemberSearch("ou=people,dc=x", "one", "(objectClass=*)")),
        (b"ldap:///cn=a%2cdc=x", MemberSearch("cn=a,dc=x", "base", "(objectClass=*)")),
        (b"LDAP:///dc=x??sub?(cn=a%20b)", MemberSearch("dc=x", "sub", "(cn=a\\20b)")),
    ],
)
def test_a_search_of_this_server_is_made_as_it_is_written(url: bytes, found: MemberSearch) -> None:
    """RFC 4516: base is the default scope, everything the default filter."""
    assert member_search(url, SCHEMA) == found


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (b"ldap://elsewhere.example/dc=x??sub?(cn=a)", "it names another server, elsewhere.example"),
        (b"ldap:///??sub?(cn=a)", "it names no base"),
        (b"ldap:///dc=x?member?sub?(cn=a)", "it names attributes or extensions"),
        (b"ldap:///dc=x??sub?(cn=a)?!bindname=cn=x", "it names attributes or extensions"),
        (b"ldap:///dc=x??tree?(cn=a)", "with the scope base, one or sub"),
        (b"http:///dc=x??sub?(cn=a)", "it is no LDAP URL"),
        (b"ldap:///no dn??sub?(cn=a)", "it is no LDAP URL: "),
        (b"ldap:///dc=x??sub?(cn=", "it is no LDAP URL: "),
        (b"ldap:///dc=%ff??sub?(cn=a)", "it is no LDAP URL: "),
        (b"\xff", "it is no LDAP URL: "),
        (b"ldap:///ou=C#,dc=x??sub?(objectClass=person)", "it holds a # or a control character"),
        (b"ldap:///dc=x??sub?(cn=a\tb)", "it holds a # or a control character"),
        (b"ldap:///dc=x??sub?(!(l=B\n))", "it holds a # or a control character"),
        (b" ldap:///dc=x??sub?(cn=a)", "it holds a # or a control character"),
        (b"ldap:///dc=x??sub?(!(titel=Boss))", "its filter cannot be relied on: "),
    ],
)
def test_any_other_url_is_refused_with_the_reason(url: bytes, said: str) -> None:
    """Another server's entries, values instead of entries, and filters that the server would not understand."""
    with pytest.raises(UnusableUrl) as caught:
        member_search(url, SCHEMA)
    assert said in str(caught.value)


def test_without_a_servers_own_schema_a_filter_is_taken_as_it_is() -> None:
    """The standard schema does not know every attribute."""
    assert member_search(b"ldap:///dc=x??sub?(ownKind=a)", standard_schema()).filter == "(ownKind=a)"
