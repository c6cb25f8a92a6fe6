"""A server that keeps us out, through the command line: exit 4, whose answer it was, why in words, and the password nowhere."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.examples import reconcile
from tests.fakes.active_directory import CHANNEL_BINDING_REQUIRED, SIGNING_REQUIRED, credentials_refused
from tests.fakes.ldap_responder import Directory, responder
from tests.fakes.ntlm import Domain
from tests.servers.directories import BASE
from tests.servers.slapd import certificates

PASSWORD = "correct horse battery staple"
READER = f"cn=reader,{BASE}"
NT_READER = r"CORP\reader"
ACCOUNT_INACTIVATED = (53, "Account inactivated. Contact system administrator.")  # 389 and nsAccountLock
ONCE = "no other server was tried, because each try counts towards locking the account"
ENCRYPTED = f'{{start_tls: true, ca_file: "{certificates() / "ca.pem"}"}}'

_POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: ["{url}"]
    base: "dc=example,dc=com"
    bind: {{dn: '{dn}', password: {{env: LDAP_PASSWORD}}{sasl}}}
    tls: {tls}
targets:
  roster: {{kind: sql, url: "sqlite:///roster.db", directory: corp}}
"""


def _server(**how: object) -> Directory:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates() / "server.pem", certificates() / "server.key")
    return Directory({BASE: []}, starttls_code=0, tls=tls, **how)  # type: ignore[arg-type]


def _refusal(fake: Directory, folder: Path, *, tls: str = ENCRYPTED, name: str = READER) -> str:
    """Return what `reconcile plan` says, in one line, with SERVER for the server's URL."""
    sasl = ", sasl: ntlm" if name == NT_READER else ""
    (folder / "policies").mkdir()
    with responder(fake) as url:
        policy = _POLICY.format(url=url, dn=name, sasl=sasl, tls=tls)
        (folder / "policies" / "policy.yaml").write_text(policy)
        done = reconcile("plan", "--out", "plan.json", cwd=folder, env={"LDAP_PASSWORD": PASSWORD}, code=4)
    assert PASSWORD not in done.stdout + done.stderr
    assert done.stdout == ""
    assert not (folder / "plan.json").exists()
    assert fake.searches() == 0
    return " ".join(done.stderr.replace(url, "SERVER").split())


def _refused(code: int, message: str) -> Directory:
    return _server(bind_code=code, bind_message=message)


def test_a_server_that_wants_signing(tmp_path: Path) -> None:
    """Active Directory's text for a login in clear."""
    said = _refusal(_refused(*SIGNING_REQUIRED), tmp_path, tls="{plaintext: true}")
    assert f'SERVER does not accept the bind of "{READER}": strongerAuthRequired (8)' in said
    assert "The server requires binds to turn on integrity checking" in said
    assert "neither signed nor encrypted: use ldaps://, or ldap:// with tls.start_tls: true" in said


def test_a_server_that_demands_channel_binding(tmp_path: Path) -> None:
    """It is not taken for a wrong password."""
    said = _refusal(_refused(*CHANNEL_BINDING_REQUIRED), tmp_path)
    assert f'SERVER does not accept the bind of "{READER}": invalidCredentials (49)' in said
    assert "the server demands that the login is bound to the encrypted connection (channel binding)" in said
    assert "the name or the password is wrong" not in said


def test_a_server_that_demands_channel_binding_of_ntlm(tmp_path: Path) -> None:
    """The way out is another way to log in."""
    domain = Domain("CORP", {"reader": PASSWORD}, channel_binding=True)
    said = _refusal(_server(gate=domain.gate), tmp_path, name=NT_READER)
    assert f'SERVER does not accept the bind of "{NT_READER}": invalidCredentials (49)' in said
    assert "sasl: ntlm cannot do here: use a DN and a password over ldaps://, or sasl: gssapi" in said


def test_a_wrong_password_for_ntlm(tmp_path: Path) -> None:
    """As for any other login."""
    domain = Domain("CORP", {"reader": "another one"})
    said = _refusal(_server(gate=domain.gate), tmp_path, name=NT_READER)
    assert f'SERVER does not accept the bind of "{NT_READER}": invalidCredentials (49)' in said
    assert f"the name or the password is wrong; {ONCE}" in said


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("52e", "the name or the password is wrong"),
        ("532", "its password has expired"),
        ("533", "the account is disabled"),
        ("701", "the account has expired"),
        ("773", "it must change its password first"),
        ("775", "the account is locked out"),
    ],
)
def test_active_directorys_reasons(data: str, words: str, tmp_path: Path) -> None:
    """The code is 49 for all of them; the reason is in the text, which ends with a NUL."""
    said = _refusal(_refused(*credentials_refused(data)), tmp_path)
    assert f'SERVER does not accept the bind of "{READER}": invalidCredentials (49)' in said
    assert f"data {data}" in said
    assert f"{words}; {ONCE}" in said
    assert "\0" not in said


def test_an_account_that_389_has_inactivated(tmp_path: Path) -> None:
    """Its own text says it, and so do we."""
    said = _refusal(_refused(*ACCOUNT_INACTIVATED), tmp_path)
    assert f'SERVER does not accept the bind of "{READER}": unwillingToPerform (53)' in said
    assert "Account inactivated. Contact system administrator." in said
    assert "the server is not willing to let this account in: is it deactivated?" in said
