"""A search as a command line of ldapsearch: quoted for a shell, and without any password."""

from __future__ import annotations

import pytest

from reconciler.directory.ldapsearch import ldapsearch
from reconciler.directory.observer import Question, Way, way_of
from reconciler.directory.servers import Address, Login, Search

LDAPS = Address("ldaps://dc1.example.com/", "dc1.example.com", 636, "ldaps")
SEARCH = Search("people", "dc=example,dc=com", "(&(objectClass=person)(!(cn=it's)))", ("cn", "mail"), kind="people")


def test_a_paged_search_below_a_base() -> None:
    """Everything that decides the answer is there, in the order of the manual page's own examples."""
    way = way_of(LDAPS, Login("simple", "cn=o'brien,dc=x", "hunter2"), "/etc/my ca.pem")
    line = ldapsearch(Question(SEARCH, way, "sub", 500))
    assert line == (
        "LDAPTLS_CACERT='/etc/my ca.pem' ldapsearch -LLL -o ldif_wrap=no -H ldaps://dc1.example.com:636 "
        "-x -D 'cn=o'\"'\"'brien,dc=x' -W -E '!pr=500/noprompt' -a never -b dc=example,dc=com -s sub "
        "'(&(objectClass=person)(!(cn=it'\"'\"'s)))' cn mail"
    )
    assert "hunter2" not in line


def test_one_entry_is_asked_for_without_pages() -> None:
    """The root DSE has an empty name."""
    question = Question(Search("root", "", "(objectClass=*)", ("supportedControl",)), Way(LDAPS))
    end = "-x -a never -b '' -s base '(objectClass=*)' supportedControl"
    assert ldapsearch(question) == f"ldapsearch -LLL -o ldif_wrap=no -H ldaps://dc1.example.com:636 {end}"


@pytest.mark.parametrize(
    ("address", "method", "words"),
    [
        (Address("ldap://x", "x", 389, "starttls"), "", "-H ldap://x:389 -ZZ -x"),
        (Address("ldap://x", "x", 389, "starttls"), "gssapi", "-H ldap://x:389 -ZZ -Q -Y GSSAPI"),
        (Address("ldap://x", "x", 389), "", "-H ldap://x:389 -x"),
        (Address("ldap://[::1]:3890", "::1", 3890), "", "-H 'ldap://[::1]:3890' -x"),
        (Address("ldapi://%2Frun%2Fldapi", "", None), "external", "-H ldapi://%2Frun%2Fldapi -Q -Y EXTERNAL"),
        (Address("ldapi:///run/ldapi", "", None), "external", "-H ldapi://%2Frun%2Fldapi -Q -Y EXTERNAL"),
    ],
)
def test_each_way_in_has_its_options(address: Address, method: str, words: str) -> None:
    """StartTLS or nothing; a socket by its encoded path; no file of authorities where nothing is encrypted."""
    line = ldapsearch(Question(SEARCH, Way(address, method, ca_file="" if address.tls else "ca.pem")))
    assert line.startswith(f"ldapsearch -LLL -o ldif_wrap=no {words} -a never ")


def test_ntlm_is_no_simple_bind_that_would_send_the_password_itself() -> None:
    """The same mechanism by its SASL name; the password is asked for."""
    way = Way(Address("ldap://dc1", "dc1", 389), "ntlm", "CORP\\reader")
    line = ldapsearch(Question(SEARCH, way))
    assert "-Q -Y GSS-SPNEGO -U reader -R CORP -W" in line
    assert " -x " not in line
