"""Tickets from a test's own domain controller; never touches the machine's Kerberos settings, nor anybody's tickets."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers.ldif_tools import added
from tests.servers.samba import REALM, Samba

_SETTINGS = """\
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
[domain_realm]
  127.0.0.1 = {realm}
"""


@dataclass(frozen=True, slots=True)
class Purse:
    """Where one process looks for its settings and keeps its tickets."""

    settings: Path
    tickets: Path

    @property
    def environment(self) -> dict[str, str]:
        """What libkrb5 reads."""
        return {"KRB5_CONFIG": str(self.settings), "KRB5CCNAME": f"FILE:{self.tickets}"}

    def take(self, account: str, password: str, *options: str) -> None:
        """Get a ticket as its owner would, with kinit; raises subprocess.CalledProcessError."""
        command = ("kinit", *options, f"{account}@{REALM}")
        subprocess.run(
            command,
            env={**os.environ, **self.environment},
            input=f"{password}\n",
            encoding="utf-8",
            check=True,
            capture_output=True,
        )

    def listed(self) -> str:
        """Return what klist says of the tickets."""
        return subprocess.run(
            ["klist"], env={**os.environ, **self.environment}, encoding="utf-8", check=True, capture_output=True
        ).stdout


@functools.cache
def missing() -> str:
    """Return why nobody can log in with a ticket here; empty where one can."""
    if importlib.util.find_spec("gssapi") is None:
        return "the Python package gssapi is not installed"
    return "" if shutil.which("kinit") else "kinit is not installed"


def purse(folder: Path, server: Samba, realm: str = REALM) -> Purse:
    """Return settings that lead to this server's Kerberos service, and no ticket yet."""
    settings = folder / "krb5.conf"
    settings.write_text(_SETTINGS.format(realm=realm, port=server.kdc_port), encoding="utf-8")
    return Purse(settings, folder / "tickets")


def named_by_address(server: Samba) -> None:
    """Let tickets be for 127.0.0.1, which is how the tests reach the server."""
    server.add(added(f"CN=DC1,OU=Domain Controllers,{server.base}", "servicePrincipalName", "ldap/127.0.0.1"))
