"""What is settled about servers and logins before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.directory.servers import Address, Login, addresses, login, tls_context
from reconciler.errors import DirectoryUnreachable
from reconciler.policy.model import Bind, Tls
from tests.servers.directories import ldap_config, secret

LDAPI = "ldapi://%2Frun%2Fslapd%2Fldapi"


def test_addresses_come_in_the_order_of_the_policy() -> None:
    """With the ports of the protocol where the URL names none."""
    config = ldap_config("ldaps://dc1.example.com", "ldap://[::1]:3890", LDAPI, tls=Tls(start_tls=True))
    assert addresses(config) == [
        Address("ldaps://dc1.example.com", "dc1.example.com", 636, "ldaps"),
        Address("ldap://[::1]:3890", "::1", 3890, "starttls"),
        Address(LDAPI, LDAPI, None),
    ]
    assert addresses(ldap_config("ldap://host/"))[0] == Address("ldap://host/", "host", 389)


@pytest.mark.parametrize("url", ["host", "http://host", "ldap://", "ldaps://host:x", "ldap://host:99999", "ldapi:///"])
def test_a_url_that_cannot_be_used_is_named(url: str) -> None:
    """With the place in the policy."""
    with pytest.raises(DirectoryUnreachable) as caught:
        addresses(ldap_config(url))
    assert f'policies/corp.yaml:4: directory "corp": "{url}"' in str(caught.value)


def test_no_bind_is_no_login() -> None:
    """Anonymous, over whatever."""
    config = ldap_config("ldap://host")
    assert login(config, addresses(config)) == Login()


def test_a_password_is_for_encrypted_or_local_servers(tmp_path: Path) -> None:
    """Or for others, if the policy says so aloud; it never shows."""
    bind = Bind("cn=a", secret("hidden", tmp_path))
    for url, tls in (
        ("ldaps://a", Tls()),
        ("ldap://a", Tls(start_tls=True)),
        (LDAPI, Tls()),
        ("ldap://a", Tls(allow_plaintext=True)),
    ):
        config = ldap_config(url, bind=bind, tls=tls)
        found = login(config, addresses(config))
        assert found == Login("simple", "cn=a", "hidden")
        assert "hidden" not in repr(found)
    config = ldap_config("ldap://a", bind=bind)
    with pytest.raises(DirectoryUnreachable, match="would get the password unencrypted"):
        login(config, addresses(config))


@pytest.mark.parametrize(("dn", "with_password", "missing"), [("", True, "DN"), ("cn=a", False, "password")])
def test_half_a_login_is_none(tmp_path: Path, dn: str, missing: str, *, with_password: bool) -> None:
    """A server would take it as anonymous and say yes."""
    config = ldap_config("ldaps://a", bind=Bind(dn, secret("hidden", tmp_path) if with_password else None))
    with pytest.raises(DirectoryUnreachable, match=f"the {missing} to bind with is empty"):
        login(config, addresses(config))


def test_sasl_external_is_for_local_servers() -> None:
    """All of them."""
    config = ldap_config(LDAPI, bind=Bind(sasl="external"))
    assert login(config, addresses(config)) == Login("external")
    config = ldap_config(LDAPI, "ldaps://a", bind=Bind(sasl="external"))
    with pytest.raises(DirectoryUnreachable, match="needs ldapi:// servers"):
        login(config, addresses(config))


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    """It would be in every message that names the server."""
    config = ldap_config("ldaps://reader:hidden@a")
    with pytest.raises(DirectoryUnreachable, match="has no name and password in it") as caught:
        addresses(config)
    assert "hidden" not in str(caught.value)


def test_sasl_gssapi_takes_the_ticket_that_the_process_has() -> None:
    """No name, no password; over an encrypted connection, since nothing else protects the answers."""
    config = ldap_config("ldaps://a", bind=Bind(sasl="gssapi"))
    assert login(config, addresses(config)) == Login("gssapi")
    config = ldap_config("ldap://a", bind=Bind(sasl="gssapi"))
    with pytest.raises(DirectoryUnreachable, match="ldap://a would answer unprotected: use ldaps://"):
        login(config, addresses(config))
    assert login(replace(config, tls=Tls(allow_plaintext=True)), addresses(config)) == Login("gssapi")


def test_sasl_ntlm_takes_an_account_of_a_domain(tmp_path: Path) -> None:
    """The name has the domain before a backslash, and the connection is encrypted."""
    password = secret("hidden", tmp_path)
    config = ldap_config("ldaps://a", bind=Bind("AD\\alice", password, "ntlm"))
    assert login(config, addresses(config)) == Login("ntlm", "AD\\alice", "hidden")
    for name in ("alice", "a\\b\\c", "alice@ad.example"):
        wrong = replace(config, bind=Bind(name, password, "ntlm"))
        with pytest.raises(DirectoryUnreachable, match=r"with sasl: ntlm the name is DOMAIN\\account, and .* is none"):
            login(wrong, addresses(wrong))
    plain = ldap_config("ldap://a", bind=Bind("AD\\alice", password, "ntlm"))
    with pytest.raises(DirectoryUnreachable, match="would get the password unencrypted"):
        login(plain, addresses(plain))


def test_certificates_are_verified_with_names() -> None:
    """Always; where nothing is encrypted there is nothing to verify."""
    config = ldap_config("ldaps://a")
    context = tls_context(config, addresses(config))
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    config = ldap_config("ldap://a")
    assert tls_context(config, addresses(config)) is None


def test_an_authority_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Missing, or no certificate."""
    path = tmp_path / "ca.pem"
    config = ldap_config("ldaps://a", tls=Tls(ca_file=str(path)))
    with pytest.raises(DirectoryUnreachable, match=r"ca\.pem cannot be used: No such file"):
        tls_context(config, addresses(config))
    path.write_text("nothing")
    with pytest.raises(DirectoryUnreachable, match=r"ca\.pem cannot be used: "):
        tls_context(config, addresses(config))
