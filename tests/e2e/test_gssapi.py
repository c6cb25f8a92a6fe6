"""Kerberos logins: a ticket from a domain controller's own Kerberos service opens its directory, and nothing else does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.directory.read import read_directory
from reconciler.errors import DirectoryUnreachable
from reconciler.policy.model import Bind, DirectoryConfig, Tls
from tests.examples import reconcile
from tests.servers import kerberos
from tests.servers.directories import NEEDS, READ_AT, ldap_config, secret
from tests.servers.kerberos import Purse
from tests.servers.samba import PASSWORD, Options, Samba

NO_KERBEROS = kerberos.missing()
pytestmark = [pytest.mark.samba, pytest.mark.skipif(bool(NO_KERBEROS), reason=NO_KERBEROS)]

StartSamba = Callable[..., Samba]


@pytest.fixture(scope="module")
def controller(start_samba: StartSamba) -> Samba:
    """Return a domain controller with a Kerberos service, which takes logins in clear only signed."""
    server = start_samba(Options(strong_auth="allow_sasl_over_tls", services=("kdc",)))
    kerberos.named_by_address(server)
    return server


@pytest.fixture
def purse(controller: Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Purse:
    """Return this process's Kerberos settings, and no ticket yet."""
    return _opened(kerberos.purse(tmp_path, controller), monkeypatch)


def _opened(purse: Purse, monkeypatch: pytest.MonkeyPatch) -> Purse:
    for name, value in purse.environment.items():
        monkeypatch.setenv(name, value)
    return purse


def _config(server: Samba, url: str = "", tls: Tls | None = None) -> DirectoryConfig:
    return ldap_config(
        url or server.ldaps_url,
        base=server.base,
        dialect="active_directory",
        bind=Bind(sasl="gssapi"),
        tls=tls or Tls(ca_file=server.ca_file),
    )


def _refusal(config: DirectoryConfig) -> str:
    with pytest.raises(DirectoryUnreachable) as caught:
        read_directory(config, NEEDS, READ_AT)
    return str(caught.value)


def test_a_ticket_reads_what_a_password_reads(controller: Samba, purse: Purse, tmp_path: Path) -> None:
    """The whole directory comes, over LDAPS, with the rights of the ticket's owner."""
    purse.take("reader", PASSWORD)
    config = _config(controller)
    found = read_directory(config, NEEDS, READ_AT)
    assert "ldap/127.0.0.1@AD.EXAMPLE.TEST" in purse.listed()
    assert controller.reader_dn in {person.dn for person in found.people}
    by_password = replace(config, bind=Bind(controller.reader_dn, secret(PASSWORD, tmp_path)))
    assert found == read_directory(by_password, NEEDS, READ_AT)


def test_a_ticket_reads_the_directory_after_starttls(controller: Samba, purse: Purse) -> None:
    """Encrypted is encrypted."""
    purse.take("reader", PASSWORD)
    tls = Tls(ca_file=controller.ca_file, start_tls=True)
    assert read_directory(_config(controller, controller.url, tls), NEEDS, READ_AT).people


def test_a_ticket_is_enough_for_a_whole_examination(controller: Samba, purse: Purse, tmp_path: Path) -> None:
    """`reconcile doctor` in a process of its own, with nothing but the ticket of its environment."""
    purse.take("reader", PASSWORD)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "policy.yaml").write_text(
        _POLICY.format(url=controller.ldaps_url, ca_file=controller.ca_file)
    )
    now = {"RECONCILE_NOW": str(int(time.time()))}
    done = reconcile("doctor", "--format", "json", cwd=tmp_path, env={**purse.environment, **now})
    (server,) = json.loads(done.stdout)["directories"][0]["servers"]
    said = {check["name"]: check["what"] for check in server["checks"]}
    assert said["login"].startswith("SASL GSSAPI")
    assert said["read"].startswith("complete: ")


_POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    dialect: active_directory
    servers: ["{url}"]
    base: "DC=ad,DC=example,DC=test"
    bind: {{sasl: gssapi}}
    tls: {{ca_file: "{ca_file}"}}
targets:
  roster: {{kind: sql, url: "sqlite:///roster.db", directory: corp}}
"""


def test_without_a_ticket_kinit_is_named(controller: Samba, purse: Purse) -> None:
    """And where tickets are looked for."""
    message = _refusal(_config(controller))
    assert "there is no Kerberos ticket: run kinit" in message
    assert str(purse.tickets) in message


def test_an_expired_ticket_is_told_from_none(controller: Samba, purse: Purse) -> None:
    """A run by a timer meets it when nobody renews the ticket."""
    purse.take("reader", PASSWORD, "-l", "1s")
    time.sleep(2)
    assert "the Kerberos ticket has expired: run kinit again" in _refusal(_config(controller))


def test_a_ticket_of_an_unknown_realm_is_told_so(
    controller: Samba, purse: Purse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings name no server of the realm that the ticket is from."""
    purse.take("reader", PASSWORD)
    (tmp_path / "other").mkdir()
    other = kerberos.purse(tmp_path / "other", controller, "OTHER.TEST")
    _opened(Purse(other.settings, purse.tickets), monkeypatch)
    message = _refusal(_config(controller))
    assert "name it in krb5.conf, or get a ticket of another realm with kinit" in message
    assert '"AD.EXAMPLE.TEST"' in message


def test_a_server_by_a_name_that_kerberos_does_not_know(controller: Samba, purse: Purse) -> None:
    """The certificate may have that name, but no service principal has it."""
    purse.take("reader", PASSWORD)
    url = controller.ldaps_url.replace("127.0.0.1", "localhost")
    message = _refusal(_config(controller, url))
    assert url in message
    assert "Kerberos knows no service `ldap` at this host: write the server's full name" in message


def test_a_kerberos_service_that_is_not_there(controller: Samba, purse: Purse) -> None:
    """A ticket for the directory comes from there, with every run's first login."""
    purse.take("reader", PASSWORD)
    text = purse.settings.read_text()
    purse.settings.write_text(text.replace(f"127.0.0.1:{controller.kdc_port}", "127.0.0.1:1"))
    assert "no Kerberos server answers" in _refusal(_config(controller))


def test_a_ticket_in_clear_is_refused_before_anything_is_sent(controller: Samba, purse: Purse) -> None:
    """The login would be safe, but not what is read."""
    purse.take("reader", PASSWORD)
    message = _refusal(_config(controller, controller.url, Tls()))
    assert f"{controller.url} would answer unprotected: use ldaps://, or tls.start_tls: true" in message


def test_a_server_that_wants_signing_in_clear_is_told_how_to_get_encryption(controller: Samba, purse: Purse) -> None:
    """Where the policy allows a connection in clear and the server does not."""
    purse.take("reader", PASSWORD)
    message = _refusal(_config(controller, controller.url, Tls(allow_plaintext=True)))
    assert "strongerAuthRequired (8)" in message
    assert "neither signed nor encrypted: use ldaps://, or ldap:// with tls.start_tls: true" in message


def test_a_server_that_wants_signing_inside_tls_too(
    start_samba: StartSamba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samba's `ldap server require strong auth = yes` takes no login by ticket over TLS that is not signed as well."""
    strict = start_samba(Options(strong_auth="yes", services=("kdc",)))
    kerberos.named_by_address(strict)
    _opened(kerberos.purse(tmp_path, strict), monkeypatch).take("reader", PASSWORD)
    message = _refusal(_config(strict))
    assert "strongerAuthRequired (8)" in message
    assert "signed even on an encrypted connection, and this program signs none" in message
    assert "allow_sasl_over_tls" in message
