"""NTLM logins against a server that speaks Microsoft's own bind choices and proves the password itself."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.directory.read import read_directory
from reconciler.errors import DirectoryUnreachable
from reconciler.policy.model import Bind, DirectoryConfig, Tls
from tests.fakes.ldap_responder import Directory, responder
from tests.fakes.ntlm import Domain, md4
from tests.servers.directories import BASE, NEEDS, READ_AT, ldap_config, secret
from tests.servers.slapd import Slapd, certificates

NAME, PASSWORD = r"CORP\reader", "Pässwort-für-Ñandú"
CORP = Domain("CORP", {"reader": PASSWORD})
PEOPLE = [(f"uid=u{n},{BASE}", {"objectClass": ["inetOrgPerson", "person"], "uid": [f"u{n}"]}) for n in range(5)]


def _directory(domain: Domain | None, *, identifies: bool = True) -> Directory:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates() / "server.pem", certificates() / "server.key")
    gate = domain.gate if domain else None
    return Directory({BASE: PEOPLE}, starttls_code=0, tls=tls, gate=gate, identifies=identifies)


def _config(folder: Path, *urls: str, name: str = NAME) -> DirectoryConfig:
    tls = Tls(start_tls=True, ca_file=str(certificates() / "ca.pem"))
    return ldap_config(*urls, bind=Bind(name, secret(PASSWORD, folder), "ntlm"), tls=tls, page_size=2)


def _refusal(config: DirectoryConfig) -> str:
    with pytest.raises(DirectoryUnreachable) as caught:
        read_directory(config, NEEDS, READ_AT)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("decoder", ["fast", "ldap3"])
@pytest.mark.parametrize("name", [NAME, r"corp\Reader"])
def test_the_right_password_reads_the_whole_directory(decoder: str, name: str, tmp_path: Path) -> None:
    """Every page comes on the connection that was let in; accounts and domains have no case."""
    fake = _directory(CORP)
    with responder(fake) as url:
        config = replace(_config(tmp_path, url, name=name), decoder="ldap3" if decoder == "ldap3" else "fast")
        assert len(read_directory(config, NEEDS, READ_AT).people) == 5
    assert fake.passwords() == 3, "discovery, negotiation, response"
    assert all(PASSWORD.encode(code) not in content for _, content in fake.requests for code in ("utf-8", "utf-16-le"))


def test_a_wrong_password_is_tried_once(tmp_path: Path) -> None:
    """The server's own code is put in words, and no other server is asked: each try counts."""
    fakes = [_directory(replace(CORP, passwords={"reader": "another one"})), _directory(CORP)]
    with responder(fakes[0]) as first, responder(fakes[1]) as second:
        message = _refusal(_config(tmp_path, first, second))
    assert f'{first} does not accept the bind of "CORP\\reader": invalidCredentials (49)' in message
    assert "data 52e" in message
    assert "the name or the password is wrong; no other server was tried" in message
    assert [fake.passwords() for fake in fakes] == [3, 0]


@pytest.mark.parametrize(("data", "said"), [("533", "the account is disabled"), ("775", "the account is locked out")])
def test_an_account_that_is_kept_out_is_told_why(data: str, said: str, tmp_path: Path) -> None:
    """As after a simple bind."""
    with responder(_directory(replace(CORP, refused={"reader": data}))) as url:
        assert said in _refusal(_config(tmp_path, url))


@pytest.mark.parametrize("name", [r"OTHER\reader", r"CORP\nobody"])
def test_an_unknown_account_is_not_let_in(name: str, tmp_path: Path) -> None:
    """The password alone opens nothing."""
    with responder(_directory(CORP)) as url:
        assert "the name or the password is wrong" in _refusal(_config(tmp_path, url, name=name))


def test_demanded_channel_binding_is_no_wrong_password(tmp_path: Path) -> None:
    """ldap3 2.9.1 binds no NTLM login to its TLS connection; the message says what does."""
    with responder(_directory(replace(CORP, channel_binding=True))) as url:
        message = _refusal(_config(tmp_path, url))
    assert "data 80090346" in message
    assert "sasl: ntlm cannot do here: use a DN and a password over ldaps://, or sasl: gssapi" in message


@pytest.mark.parametrize("packages", ["", "DPA", "NTLMv9"])
def test_a_server_without_ntlm_lets_nobody_in(packages: str, tmp_path: Path) -> None:
    """It answers the question for packages with code 0, which ldap3 takes for a login; nothing is read."""
    fake = _directory(replace(CORP, packages=packages))
    with responder(fake) as url:
        message = _refusal(_config(tmp_path, url))
    assert 'does not offer NTLM: after the bind of "CORP\\reader" it knows nobody' in message
    assert fake.searches() == 0


def test_a_server_that_says_yes_to_any_bind_lets_nobody_in(tmp_path: Path) -> None:
    """Code 0 to whatever it does not understand; nothing is read."""
    fake = _directory(None)
    with responder(fake) as url:
        assert "does not offer NTLM" in _refusal(_config(tmp_path, url))
    assert fake.searches() == 0


def test_a_server_that_cannot_say_who_we_are_lets_nobody_in(tmp_path: Path) -> None:
    """Without Who am I there is no proof that the login was one."""
    fake = _directory(CORP, identifies=False)
    with responder(fake) as url:
        assert "does not offer NTLM" in _refusal(_config(tmp_path, url))
    assert fake.searches() == 0


@pytest.mark.slapd
def test_openldap_does_not_know_ntlm(slapd: Slapd, tmp_path: Path) -> None:
    """A real server that has never heard of these bind choices."""
    bind = Bind(NAME, secret(PASSWORD, tmp_path), "ntlm")
    message = _refusal(ldap_config(slapd.ldaps_url, bind=bind, tls=Tls(ca_file=slapd.ca_file)))
    assert "(7)" in message
    assert "this server does not know NTLM, which is Active Directory's: use a DN and a password" in message


def test_ntlm_in_clear_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    """Whoever listens could try passwords on the answer, and take the connection over."""
    fake = _directory(CORP)
    with responder(fake) as url:
        message = _refusal(replace(_config(tmp_path, url), tls=Tls()))
    assert f"{url} would get the password unencrypted" in message
    assert fake.requests == []


def test_ntlm_in_clear_works_where_the_policy_allows_it(tmp_path: Path) -> None:
    """`tls.plaintext: true` says it aloud."""
    with responder(_directory(CORP)) as url:
        config = replace(_config(tmp_path, url), tls=Tls(allow_plaintext=True))
        assert len(read_directory(config, NEEDS, READ_AT).people) == 5


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
        ("1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_the_fake_has_its_own_md4(text: str, digest: str) -> None:
    """The values of RFC 1320, appendix A.5."""
    assert md4(text.encode()).hex() == digest
