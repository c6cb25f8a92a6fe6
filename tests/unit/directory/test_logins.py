"""Why a server does not let us in, in words."""

from __future__ import annotations

import pytest

from reconciler.directory.logins import about_missing_package, about_ticket, why_refused

AD = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {}, v3839"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("525", "there is no such account"),
        ("52e", "the name or the password is wrong"),
        ("52E", "the name or the password is wrong"),
        ("532", "its password has expired"),
        ("533", "the account is disabled"),
        ("701", "the account has expired"),
        ("773", "it must change its password first"),
        ("775", "the account is locked out"),
        ("999", "the name or the password is wrong"),
    ],
)
def test_active_directorys_own_codes_are_words(data: str, said: str) -> None:
    """An unknown one says no more than the result code."""
    assert why_refused(49, AD.format(data), "simple", encrypted=False) == said


def test_other_servers_say_no_more_than_the_code() -> None:
    """49 is a wrong name or password, 51 speaks for itself."""
    assert why_refused(49, "", "simple", encrypted=False) == "the name or the password is wrong"
    assert why_refused(51, "", "simple", encrypted=False) == ""


def test_a_server_that_wants_signing_is_told_how_to_get_encryption() -> None:
    """Code 8, and 13 of servers that want nothing but TLS."""
    text = "00002028: LdapErr: DSID-0C090259, comment: The server requires binds to turn on integrity checking"
    assert "use ldaps://, or ldap:// with tls.start_tls: true" in why_refused(8, text, "gssapi", encrypted=False)
    assert "use ldaps://" in why_refused(13, "", "simple", encrypted=False)


def test_a_server_that_knows_no_such_login_is_told_from_a_refusal() -> None:
    """Code 7 is about the way to log in, not about the account; 389 says 2 to bind choices that only Microsoft has."""
    assert "this server does not know NTLM" in why_refused(7, "", "ntlm", encrypted=False)
    assert "this server does not know NTLM" in why_refused(2, "Unknown bind method", "ntlm", encrypted=True)
    assert why_refused(2, "", "simple", encrypted=False) == ""
    assert "supportedSASLMechanisms" in why_refused(7, "", "gssapi", encrypted=False)


def test_channel_binding_is_told_from_a_wrong_password() -> None:
    """And what to do depends on the way to log in."""
    text = AD.format("80090346")
    assert "sasl: ntlm cannot do here: use a DN and a password over ldaps://" in why_refused(
        49, text, "ntlm", encrypted=False
    )
    assert "not a proxy before it" in why_refused(49, text, "gssapi", encrypted=False)


@pytest.mark.parametrize(
    ("error", "extra"),
    [
        ("package gssapi (or winkerberos) missing", "kerberos"),
        ("package cryptography missing", "kerberos"),
        ("unsupported hash type MD4", "ntlm"),
    ],
)
def test_a_missing_package_comes_with_the_extra_that_brings_it(error: str, extra: str) -> None:
    """As pip takes it in a checkout: by its name an index may hold another project's package."""
    assert about_missing_package(error).endswith(f"pip install '.[{extra}]' in a checkout of this program")
    assert about_missing_package("timed out") == ""


def test_a_server_that_wants_signing_inside_tls_is_not_told_to_encrypt() -> None:
    """It is encrypted already, so that would be no way out."""
    said = why_refused(8, "SASL:[GSSAPI]: Sign or Seal are required.", "gssapi", encrypted=True)
    assert "signed even on an encrypted connection, and this program signs none" in said
    assert "ldaps://" not in said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (2529638919, "write the server's full name"),
        (2529638944, "the Kerberos ticket has expired: run kinit again"),
        (2529638949, "clocks"),
        (2529639053, "there is no Kerberos ticket: run kinit"),
        (2529639066, "name it in krb5.conf"),
        (2529639068, "no Kerberos server answers"),
        (2529639107, "there is no Kerberos ticket: run kinit"),
    ],
)
def test_what_is_wrong_with_a_ticket_is_told_by_its_number(number: int, said: str) -> None:
    """libkrb5 speaks the language of the machine."""
    assert said in about_ticket(f"Major (851968): Unbekannter Fehler., Minor ({number}): Anderer Text")


@pytest.mark.parametrize("text", ["Minor (2529639999): something else", "package gssapi", ""])
def test_other_errors_are_not_about_tickets_nor_packages(text: str) -> None:
    """Their own text has to do."""
    assert about_ticket(text) == ""
    assert about_missing_package(text) == ""
