"""Logins that need a package which is not installed: the message names the extra that brings it."""

from __future__ import annotations

import hashlib
import importlib.util
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples import ROOT
from tests.fakes.ldap_responder import Directory, responder
from tests.fakes.ntlm import Domain
from tests.servers.directories import BASE
from tests.servers.slapd import certificates

PASSWORD = "correct horse"
_READ_WITHOUT = """\
import sys
from pathlib import Path

absent, sasl, url, ca_file, folder, password = sys.argv[1:]

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent.split():
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())

from reconciler.directory.read import read_directory
from reconciler.errors import DirectoryUnreachable
from reconciler.policy.model import Bind, Tls
from tests.servers.directories import NEEDS, READ_AT, ldap_config, secret

bind = Bind(sasl=sasl) if sasl == "gssapi" else Bind("CORP\\\\reader", secret(password, Path(folder)), sasl)
try:
    read_directory(ldap_config(url, bind=bind, tls=Tls(ca_file, start_tls=True)), NEEDS, READ_AT)
except DirectoryUnreachable as error:
    print(error)
"""


def _refusal(absent: str, sasl: str, folder: Path) -> tuple[str, Directory]:
    """Return what a Python says that cannot import these packages, and the server that it asked."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates() / "server.pem", certificates() / "server.key")
    fake = Directory({BASE: []}, starttls_code=0, tls=tls, gate=Domain("CORP", {"reader": PASSWORD}).gate)
    with responder(fake) as url:
        arguments = (absent, sasl, url, certificates() / "ca.pem", folder, PASSWORD)
        command = (sys.executable, "-c", _READ_WITHOUT, *arguments)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert PASSWORD not in done.stdout
    return done.stdout, fake


def _openssl_has_md4() -> bool:
    try:
        hashlib.new("md4")  # noqa: S324 - the question that ldap3 asks
    except ValueError:
        return False
    return True


@pytest.mark.skipif(_openssl_has_md4(), reason="this Python's OpenSSL has MD4, so NTLM needs no package")
def test_ntlm_without_pycryptodome_names_the_extra(tmp_path: Path) -> None:
    """The password cannot be turned into an answer, and none is sent."""
    message, fake = _refusal("Crypto Cryptodome", "ntlm", tmp_path)
    assert "sasl: ntlm needs the extra `ntlm`: pip install '.[ntlm]'" in message
    assert fake.passwords() == 2, "discovery and negotiation"


def test_kerberos_without_gssapi_names_the_extra(tmp_path: Path) -> None:
    """Nothing is sent."""
    message, fake = _refusal("gssapi winkerberos", "gssapi", tmp_path)
    assert "sasl: gssapi needs the extra `kerberos`: pip install '.[kerberos]'" in message
    assert fake.passwords() == 0


@pytest.mark.skipif(importlib.util.find_spec("gssapi") is None, reason="the Python package gssapi is not installed")
def test_kerberos_without_cryptography_names_the_extra(tmp_path: Path) -> None:
    """The login could not be bound to the encrypted connection, and is not sent."""
    message, fake = _refusal("cryptography", "gssapi", tmp_path)
    assert "sasl: gssapi needs the extra `kerberos`: pip install '.[kerberos]'" in message
    assert fake.passwords() == 0
