"""Every way to reach and to enter a server, and every way to be kept out of it, against OpenLDAP."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.directory.read import read_directory
from reconciler.errors import DirectoryUnreachable, PolicyError
from reconciler.model.diagnostic import Position
from reconciler.policy.model import Bind, DirectoryConfig, SecretRef, Tls
from tests.fakes.ber import envelope, result
from tests.fakes.ldap_responder import Directory, responder
from tests.servers.directories import BASE, NEEDS, READ_AT, SMALL, ldap_config, secret
from tests.servers.slapd import PASSWORD, Options, Slapd, certificates, free_port

pytestmark = pytest.mark.slapd

StartSlapd = Callable[..., Slapd]


def _bind(server: Slapd, folder: Path, password: str = PASSWORD) -> Bind:
    return Bind(server.reader_dn, secret(password, folder))


def _people(config: DirectoryConfig) -> int:
    return len(read_directory(config, NEEDS, READ_AT).people)


def _refusal(config: DirectoryConfig) -> str:
    with pytest.raises(DirectoryUnreachable) as caught:
        read_directory(config, NEEDS, READ_AT)
    message = str(caught.value)
    assert message.startswith('policies/corp.yaml:4: directory "corp": ')
    assert PASSWORD not in message
    return message


def test_a_simple_bind_over_ldaps(slapd: Slapd, tmp_path: Path) -> None:
    """The certificate is verified, then the password goes."""
    config = ldap_config(slapd.ldaps_url, bind=_bind(slapd, tmp_path), tls=Tls(ca_file=slapd.ca_file))
    assert _people(config) == 6


def test_a_simple_bind_after_starttls(slapd: Slapd, tmp_path: Path) -> None:
    """The connection is encrypted before the bind."""
    slapd.forget()
    tls = Tls(ca_file=slapd.ca_file, start_tls=True)
    assert _people(ldap_config(slapd.url, bind=_bind(slapd, tmp_path), tls=tls)) == 6
    bound = [line for line in slapd.operations("BIND dn=") if "mech=SIMPLE" in line]
    assert bound
    assert all("ssf=0" not in line.rpartition(" ")[2] for line in bound)


def test_a_plain_bind_is_refused_before_anything_is_sent(slapd: Slapd, tmp_path: Path) -> None:
    """No connection is made."""
    slapd.forget()
    message = _refusal(ldap_config(slapd.url, bind=_bind(slapd, tmp_path)))
    assert "would get the password unencrypted" in message
    assert "tls.plaintext: true" in message
    assert not slapd.operations("BIND")


def test_one_plain_server_among_encrypted_ones_is_refused_too(slapd: Slapd, tmp_path: Path) -> None:
    """Failing over must not cost the password."""
    tls = Tls(ca_file=slapd.ca_file)
    message = _refusal(ldap_config(slapd.ldaps_url, slapd.url, bind=_bind(slapd, tmp_path), tls=tls))
    assert slapd.url in message


def test_a_plain_bind_that_the_policy_allows(slapd: Slapd, tmp_path: Path) -> None:
    """`tls.plaintext: true` says it aloud."""
    tls = Tls(allow_plaintext=True)
    assert _people(ldap_config(slapd.url, bind=_bind(slapd, tmp_path), tls=tls)) == 6


def test_no_bind_reads_as_anonymous(slapd: Slapd) -> None:
    """No bind request is sent at all."""
    slapd.forget()
    assert _people(ldap_config(slapd.url)) == 6
    assert not slapd.operations("BIND")


def test_sasl_external_over_ldapi(slapd: Slapd) -> None:
    """The kernel says who this process is."""
    slapd.forget()
    assert _people(ldap_config(slapd.ldapi_url, bind=Bind(sasl="external"))) == 6
    assert any("mech=EXTERNAL" in line for line in slapd.operations("BIND dn="))


def test_a_simple_bind_over_ldapi_needs_no_tls(slapd: Slapd, tmp_path: Path) -> None:
    """Nobody listens on a local socket."""
    assert _people(ldap_config(slapd.ldapi_url, bind=_bind(slapd, tmp_path))) == 6


def test_sasl_external_over_tcp_is_refused(slapd: Slapd) -> None:
    """Without a socket of this machine, nothing proves who this is."""
    assert "needs ldapi:// servers" in _refusal(ldap_config(slapd.ldaps_url, bind=Bind(sasl="external")))


def test_a_wrong_authority_is_refused(slapd: Slapd, tmp_path: Path) -> None:
    """The password does not leave."""
    slapd.forget()
    tls = Tls(ca_file=slapd.other_ca_file)
    message = _refusal(ldap_config(slapd.ldaps_url, bind=_bind(slapd, tmp_path), tls=tls))
    assert "its certificate is not trusted: self-signed certificate in certificate chain" in message
    assert "tls.ca_file" in message
    assert not slapd.operations("BIND")


def test_a_wrong_authority_is_refused_after_starttls_too(slapd: Slapd, tmp_path: Path) -> None:
    """StartTLS success is not enough."""
    slapd.forget()
    tls = Tls(ca_file=slapd.other_ca_file, start_tls=True)
    message = _refusal(ldap_config(slapd.url, bind=_bind(slapd, tmp_path), tls=tls))
    assert "StartTLS failed and nothing was sent without it" in message
    assert "its certificate is not trusted" in message
    assert not slapd.operations("BIND")


def test_the_system_authorities_do_not_know_a_test_server(slapd: Slapd) -> None:
    """Without ca_file the system's own are used."""
    assert "its certificate is not trusted" in _refusal(ldap_config(slapd.ldaps_url))


def test_a_certificate_of_another_host_is_refused(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """A valid certificate for another name is no proof."""
    server = start_slapd(SMALL, Options(certificate="elsewhere"))
    message = _refusal(ldap_config(server.ldaps_url, bind=_bind(server, tmp_path), tls=Tls(ca_file=server.ca_file)))
    assert "IP address mismatch, certificate is not valid for '127.0.0.1'" in message
    assert not server.operations("BIND")


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), ("no certificate", "cannot be used")])
def test_an_unusable_ca_file_is_named(slapd: Slapd, tmp_path: Path, content: str | None, said: str) -> None:
    """Nothing is tried without it."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    message = _refusal(ldap_config(slapd.ldaps_url, tls=Tls(ca_file=str(path))))
    assert f"tls.ca_file {path}" in message
    assert said in message


def test_a_wrong_password_is_named_and_not_tried_elsewhere(slapd: Slapd, tmp_path: Path) -> None:
    """Each try counts towards a lockout."""
    slapd.forget()
    tls = Tls(ca_file=slapd.ca_file)
    bind = _bind(slapd, tmp_path, "not it")
    message = _refusal(ldap_config(slapd.ldaps_url, slapd.ldaps_url, bind=bind, tls=tls))
    assert "invalidCredentials (49)" in message
    assert f'"{slapd.reader_dn}"' in message
    assert "not it" not in message
    assert len(slapd.operations("BIND dn=")) == 1


@pytest.mark.parametrize("dn", ["", "cn=reader,dc=example,dc=com"])
def test_an_empty_password_is_never_sent(slapd: Slapd, dn: str) -> None:
    """A server would take it as an anonymous bind and say yes."""
    slapd.forget()
    message = _refusal(ldap_config(slapd.ldaps_url, bind=Bind(dn), tls=Tls(ca_file=slapd.ca_file)))
    assert "to bind with is empty" in message
    assert not slapd.operations("BIND")


def test_a_password_that_is_not_there_is_a_policy_error(slapd: Slapd, tmp_path: Path) -> None:
    """The reference is wrong, not the directory."""
    bind = Bind(slapd.reader_dn, SecretRef("file", str(tmp_path / "nowhere"), Position("policies/corp.yaml", 6)))
    with pytest.raises(PolicyError, match="nowhere"):
        read_directory(ldap_config(slapd.ldaps_url, bind=bind), NEEDS, READ_AT)


def test_the_next_server_is_tried_when_one_does_not_answer(slapd: Slapd) -> None:
    """In the order of the policy."""
    assert _people(ldap_config(f"ldap://127.0.0.1:{free_port()}", slapd.url)) == 6


def test_all_servers_are_named_when_none_answers() -> None:
    """With the reason for each; where a name has two addresses, for both."""
    urls = [f"ldap://127.0.0.1:{free_port()}", f"ldaps://localhost:{free_port()}"]
    message = _refusal(ldap_config(*urls))
    assert "no server let us in" in message
    assert all(url in message for url in urls)
    assert message.count("Connection refused") >= 2


def test_a_policy_without_servers_is_told_so() -> None:
    """The schema of the policy asks for one; a value made by hand may not."""
    assert "the policy names none" in _refusal(ldap_config())


@pytest.mark.parametrize("url", ["http://host", "ldap://", "ldap://host:port", "ldapi:///", "ldapi://"])
def test_a_url_that_is_none_is_named(url: str) -> None:
    """Before any other server is asked."""
    assert f'"{url}"' in _refusal(ldap_config(url))


def test_a_refused_starttls_ends_it(tmp_path: Path) -> None:
    """No bind follows in clear."""
    fake = Directory({}, starttls_code=52)
    with responder(fake) as url:
        bind = Bind("cn=reader", secret("hidden", tmp_path))
        message = _refusal(ldap_config(url, bind=bind, tls=Tls(start_tls=True)))
    assert "StartTLS failed and nothing was sent without it" in message
    assert fake.passwords() == 0


def _starttls_fake(*, after: bytes) -> Directory:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates() / "server.pem", certificates() / "server.key")
    return Directory({BASE: []}, starttls_code=0, after_starttls=after, tls=tls)


def _with_starttls(fake: Directory, folder: Path) -> str:
    tls = Tls(start_tls=True, ca_file=str(certificates() / "ca.pem"))
    with responder(fake) as url:
        return _refusal(ldap_config(url, bind=Bind("cn=reader", secret("hidden", folder)), tls=tls))


def test_bytes_in_clear_behind_the_starttls_answer_are_refused(tmp_path: Path) -> None:
    """They could be anybody's: here a bind that succeeds, made up by somebody on the way."""
    bound = envelope(3, result(0x61, 0))
    assert "unencrypted bytes behind the answer to StartTLS" in _with_starttls(_starttls_fake(after=bound), tmp_path)


def test_a_server_that_says_yes_to_starttls_and_then_speaks_in_clear_gets_no_password(tmp_path: Path) -> None:
    """The handshake has to succeed, not only the question."""
    fake = Directory({}, starttls_code=0)
    assert "StartTLS failed and nothing was sent without it" in _with_starttls(fake, tmp_path)
    assert fake.passwords() == 0


@pytest.mark.parametrize(
    ("code", "name"), [(8, "strongerAuthRequired"), (51, "busy"), (53, "unwillingToPerform"), (4711, "result code")]
)
def test_any_other_answer_to_the_bind_is_named_and_the_next_server_tried(code: int, name: str, tmp_path: Path) -> None:
    """Only a wrong password ends the round."""
    fakes = [Directory({}, bind_code=code, bind_message="not\x1bnow"), Directory({}, bind_code=code)]
    with responder(fakes[0]) as first, responder(fakes[1]) as second:
        bind = Bind("cn=reader", secret("hidden", tmp_path))
        message = _refusal(ldap_config(first, second, bind=bind, tls=Tls(allow_plaintext=True)))
    assert [fake.passwords() for fake in fakes] == [1, 1]
    if name != "result code":  # ldap3 itself knows no other codes
        assert f"{name} ({code})" in message
        assert r"not\x1bnow" in message
