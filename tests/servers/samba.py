"""Start a throw-away Active Directory domain controller (Samba) on loopback; never touches a domain that it did not make itself."""

from __future__ import annotations

import atexit
import base64
import functools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.servers import enclosure, ldif_tools, slapd

REALM = "AD.EXAMPLE.TEST"
DOMAIN = "ADX"
BASE = "DC=ad,DC=example,DC=test"
PASSWORD = "Passw0rd!x"
_LDAP, _LDAPS, _GC, _GC_TLS, _KDC = 389, 636, 3268, 3269, 88

_PROVISION = """\
import logging, sys
from samba import param
from samba.auth import system_session
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2
from samba.provision import provision

folder, realm, domain, password = sys.argv[1:]
provision(
    logging.getLogger("provision"), system_session(), lp=param.LoadParm(), targetdir=folder, realm=realm, domain=domain,
    hostname="dc1", hostip="127.0.0.1", adminpass=password, dns_backend="NONE", use_rfc2307=True,
    serverrole="active directory domain controller", dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2, skip_sysvolacl=True,
)
"""
"""`samba-tool domain provision` as Samba's Python has it, without the file server's access lists, which need more packages."""

_CONFIGURATION = """\
[global]
  netbios name = DC1
  realm = {realm}
  workgroup = {domain}
  server role = active directory domain controller
  server services = {services}
  interfaces = 127.0.0.1/8
  bind interfaces only = yes
  private dir = {folder}/private
  state directory = {folder}/state
  cache directory = {folder}/cache
  lock directory = {folder}/lock
  pid directory = {folder}/run
  ncalrpc dir = {folder}/run/ncalrpc
  log file = {folder}/samba.log
  logging = file
  log level = 0
  disable netbios = yes
  load printers = no
  dns update command = /bin/true
  spn update command = /bin/true
  idmap_ldb:use rfc2307 = yes
  ldap server require strong auth = {strong_auth}
  tls enabled = yes
  tls keyfile = {folder}/tls/server.key
  tls certfile = {folder}/tls/server.pem
  tls cafile = {folder}/tls/ca.pem
"""

_READER = """\
dn: CN=reader,CN=Users,{base}
objectClass: user
sAMAccountName: reader
userPrincipalName: reader@{realm}
userAccountControl: 66048
unicodePwd:: {password}
"""


@dataclass(frozen=True, slots=True)
class Options:
    """How one server differs from the usual. `strong_auth` is smb.conf(5)'s `ldap server require strong auth`."""

    strong_auth: str = "no"  # or "yes", or "allow_sasl_over_tls"
    services: tuple[str, ...] = ()  # beside ldap, such as "kdc"
    certificate: str = "server"  # or "elsewhere": a valid one for another host


@dataclass(frozen=True, slots=True)
class Samba:
    """A running domain controller. `gc_url` and `gc_ldaps_url` are its global catalogue."""

    url: str
    ldaps_url: str
    gc_url: str
    gc_ldaps_url: str
    ca_file: str
    other_ca_file: str
    log: Path
    enclosure: enclosure.Enclosure
    base: str = BASE
    password: str = PASSWORD

    @property
    def admin_dn(self) -> str:
        """The domain's administrator."""
        return f"CN=Administrator,CN=Users,{self.base}"

    @property
    def admin_name(self) -> str:
        """The same account by its principal name, which a domain controller takes in the place of a DN."""
        return f"Administrator@{REALM}"

    @property
    def reader_dn(self) -> str:
        """An ordinary account without any rights of its own; same password."""
        return f"CN=reader,CN=Users,{self.base}"

    @property
    def kdc_port(self) -> int:
        """Where the Kerberos service listens (TCP), if the options name it."""
        return self.enclosure.ports[_KDC]

    def add(self, ldif: str) -> None:
        """Load entries, or changes with a `changetype`, as the administrator."""
        ldif_tools.load(ldif, self.ldaps_url, self.admin_dn, self.password)

    def stop(self) -> None:
        """End the server; may be called twice."""
        self.enclosure.stop()


@functools.cache
def missing() -> str:
    """Return why no domain controller can run here; empty where one can."""
    if _python() is None:
        return "Samba's domain controller is not installed"
    if not all(shutil.which(name, path=enclosure.PATH) for name in ("ldapmodify", "openssl")):
        return "Samba's domain controller cannot be filled: ldap-utils or openssl is not installed"
    return f"Samba cannot run: {enclosure.missing()}" if enclosure.missing() else ""


def start(directory: Path, options: Options | None = None) -> Samba:
    """Make a domain in `directory`, start its controller, add the reader's account.

    Raises FileNotFoundError where a program is missing, RuntimeError with the server's own words where it does not start.
    """
    if reason := missing():
        raise FileNotFoundError(reason)
    options = options or Options()
    subprocess.run(["cp", "-a", f"{_provisioned()}/.", directory], check=True)
    for name in ("cache", "lock", "run/ncalrpc", "tls"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    _certify(directory / "tls", options.certificate)
    configuration = directory / "smb.conf"
    services = ", ".join(("ldap", *options.services))
    configuration.write_text(
        _CONFIGURATION.format(
            realm=REALM, domain=DOMAIN, services=services, folder=directory, strong_auth=options.strong_auth
        )
    )
    log = directory / "samba.log"
    ports = (_LDAP, _LDAPS, _GC, _GC_TLS, *((_KDC,) if "kdc" in options.services else ()))
    command = ("samba", "--foreground", "--model=single", "--no-process-group", f"--configfile={configuration}")
    server = _server(enclosure.start(enclosure.Program(command, log, as_root=True), ports), log)
    try:
        server.add(_reader())
    except BaseException:
        server.stop()
        raise
    return server


def _server(running: enclosure.Enclosure, log: Path) -> Samba:
    host = "127.0.0.1"
    return Samba(
        url=f"ldap://{host}:{running.ports[_LDAP]}",
        ldaps_url=f"ldaps://{host}:{running.ports[_LDAPS]}",
        gc_url=f"ldap://{host}:{running.ports[_GC]}",
        gc_ldaps_url=f"ldaps://{host}:{running.ports[_GC_TLS]}",
        ca_file=str(slapd.certificates() / "ca.pem"),
        other_ca_file=str(slapd.certificates() / "other-ca.pem"),
        log=log,
        enclosure=running,
    )


def _reader() -> str:
    password = base64.b64encode(f'"{PASSWORD}"'.encode("utf-16-le")).decode()
    return _READER.format(base=BASE, realm=REALM.lower(), password=password)


def _certify(folder: Path, certificate: str) -> None:
    for source, name in (
        (f"{certificate}.pem", "server.pem"),
        (f"{certificate}.key", "server.key"),
        ("ca.pem", "ca.pem"),
    ):
        shutil.copy(slapd.certificates() / source, folder / name)
    (folder / "server.key").chmod(0o600)  # Samba takes no other key


@functools.cache
def _python() -> str | None:
    """Return the Python that Samba's own library is for, if all parts of a domain controller are there."""
    tool = shutil.which("samba-tool", path=enclosure.PATH)
    if tool is None or shutil.which("samba", path=enclosure.PATH) is None:
        return None
    with open(tool, encoding="utf-8") as script:  # noqa: PTH123 - which() gives a str
        python = script.readline().removeprefix("#!").strip()
    parts = "import os, samba.param as p, samba.provision; open(p.setup_dir() + '/provision.ldif'); os.listdir(p.modules_dir() + '/ldb')"
    done = subprocess.run([python, "-c", parts], capture_output=True, check=False)
    return None if done.returncode else python


@functools.cache
def _provisioned() -> Path:
    """Return the folder of an empty domain, made once per process: a copy is quicker than another one."""
    folder = Path(tempfile.mkdtemp(prefix="test-domain-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    domain = folder / "domain"
    domain.mkdir()
    python = _python()
    assert python
    command = (python, "-c", _PROVISION, domain, REALM, DOMAIN, PASSWORD)
    enclosure.run(enclosure.Program(command, folder / "log", as_root=True))
    return domain
