"""What is searched for where the policy says nothing, and how a filter reaches the client library."""

from __future__ import annotations

import ldap3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.search import filter_to_string, search_operation

from reconciler.directory.defaults import dialect_of, filters_of, wire_text
from reconciler.model.filter import And, Equal, Extensible, Filter, Not, Or, Present, Substring, parse_filter, to_text
from tests.servers.directories import ldap_config


def _through_ldap3(text: str) -> Filter:
    """Return what ldap3 makes of a filter's text, as its own encoder understood it."""
    flags = {"types_only": False, "auto_escape": False, "auto_encode": False}
    request = search_operation("dc=x", text, ldap3.SUBTREE, ldap3.DEREF_NEVER, ["cn"], 0, 0, **flags)
    printed = filter_to_string(request["filter"]).replace("**", "*")  # how ldap3 prints a middle part
    return parse_filter(printed)


_VALUES = st.text(min_size=1, max_size=8)
_ITEMS = st.one_of(
    st.builds(Equal, st.just("cn"), _VALUES),
    st.builds(Present, st.just("cn;lang-de")),
)
_FILTERS: st.SearchStrategy[Filter] = st.recursive(
    _ITEMS,
    lambda part: st.one_of(
        st.builds(Not, part),
        st.builds(And, st.lists(part, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(part, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@given(_FILTERS)
def test_a_filter_means_the_same_to_ldap3(searched: Filter) -> None:
    """Spaces at the ends of values, parentheses, backslashes, other alphabets."""
    assert _through_ldap3(wire_text(searched)) == searched


@pytest.mark.parametrize(
    "text", ["(cn=a*)", "(cn=* b *c)", "(cn=*a)", "(cn=a*b)", "(uid>=a b)", "(uid<= a)", "(cn~=a)", "(!(!(cn=a)))"]
)
def test_other_items_mean_the_same_to_ldap3(text: str) -> None:
    """Substrings and comparisons."""
    assert to_text(_through_ldap3(wire_text(parse_filter(text)))) == to_text(parse_filter(text))


def test_empty_lists_are_written_out() -> None:
    """RFC 4526: always true and always false, which ldap3 does not know."""
    assert wire_text(And(())) == "(objectClass=*)"
    assert wire_text(Not(Or(()))) == "(!(!(objectClass=*)))"
    assert wire_text(Equal("cn", "(&)")) == r"(cn=\28&\29)"
    assert (
        wire_text(Extensible("cn", "2.5.13.5", dn_attributes=True, value=" a\u3000"))
        == r"(cn:dn:2.5.13.5:=\20a\e3\80\80)"
    )
    assert wire_text(Substring("cn", " ", (), "")) == r"(cn=\20*)"


def test_the_policys_filters_come_first() -> None:
    """Each by itself."""
    mine = parse_filter("(uid=*)")
    filters = filters_of(ldap_config(user_filter=mine), "openldap")
    assert filters.people == mine
    assert (
        to_text(filters.groups)
        == "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"
    )
    filters = filters_of(ldap_config(), "active_directory")
    assert to_text(filters.people) == "(&(objectClass=user)(!(objectClass=computer)))"
    assert to_text(filters.groups) == "(objectClass=group)"


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ({}, "openldap"),
        ({"supportedcapabilities": [b"1.2.840.113556.1.4.800", b"1.2.3"]}, "active_directory"),
        ({"vendorname": [b"389 Project"], "vendorversion": [b"389-Directory/2.3.1"]}, "389ds"),
        ({"vendorname": [b"Apache"]}, "openldap"),
    ],
)
def test_the_server_says_what_it_is(root: dict[str, list[bytes]], expected: str) -> None:
    """For `auto`; else the policy does."""
    assert dialect_of(ldap_config(), root) == expected
    assert dialect_of(ldap_config(dialect="389ds"), root) == "389ds"
