"""Start a throw-away OpenLDAP on loopback, for any user; never touches a server or a file that it did not make itself."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

MISSING = "slapd is not installed"
BASE = "dc=example,dc=com"
PASSWORD = "secret"
MODULES = ("back_mdb", "memberof", "refint", "syncprov", "ppolicy")
_SYSTEM_PATH = "/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/local/libexec"
_MODULE_FOLDERS = ("/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap", "/usr/local/libexec/openldap")
_SCHEMA_FOLDERS = ("/etc/ldap/schema", "/etc/openldap/schema", "/usr/local/etc/openldap/schema")
_LOOPBACK = "127.0.0.1"
_TRIES = 3

_GLOBAL = """\
{includes}
attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY MAY ( sshPublicKey $ uid ) )
{modules}
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
TLSCACertificateFile {tls}/ca.pem
TLSCertificateFile {tls}/{certificate}.pem
TLSCertificateKeyFile {tls}/{certificate}.key
authz-regexp "gidNumber=[0-9]+\\+uidNumber={uid},cn=peercred,cn=external,cn=auth" "cn=admin,{base}"
{extra_global}
"""

_DATABASE = """\
database mdb
suffix "{base}"
rootdn "cn=admin,{base}"
rootpw {password}
directory {folder}/db
maxsize 4294967296
index objectClass,uid,cn,mail,member,uniqueMember,memberUid,entryUUID,entryCSN eq
{limits}
access to attrs=userPassword by anonymous auth by * none
{access}
access to * by * read
{extra_database}
"""

_OVERLAYS = {
    "syncprov": "overlay syncprov",
    "memberof": "overlay memberof\nmemberof-dangling ignore",
    "refint": "overlay refint\nrefint_attributes member uniqueMember",
    "ppolicy": "overlay ppolicy",
}

_READER = """\
dn: cn=reader,{base}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {password}
"""


@dataclass(frozen=True, slots=True)
class Options:
    """How one server differs from the usual: `limits` are lines of slapd.conf(5) for the reader's account, without DN."""

    base: str = BASE
    limits: str = ""  # such as "size.prtotal=5"; the admin account has no limits whatever is set
    access: str = ""  # access rules before the usual ones
    schemas: tuple[str, ...] = ("core", "cosine", "inetorgperson", "nis")
    modules: tuple[str, ...] = MODULES
    certificate: str = "server"  # or "elsewhere": a valid one for another host
    extra_global: str = ""
    extra_database: str = ""
    overlays: tuple[str, ...] = MODULES  # those of the modules that the database has
    syncprov: str = ""  # lines of slapo-syncprov(5), such as "syncprov-sessionlog 100"


@dataclass(slots=True)
class Slapd:
    """A running server. `log` is its stats log: one line per operation."""

    url: str
    ldaps_url: str
    ldapi_url: str
    base: str
    ca_file: str
    other_ca_file: str
    log: Path
    process: subprocess.Popen[bytes]
    socket_folder: Path
    password: str = PASSWORD
    _seen: int = field(default=0)

    @property
    def admin_dn(self) -> str:
        """The account that no limit holds."""
        return f"cn=admin,{self.base}"

    @property
    def reader_dn(self) -> str:
        """An ordinary account, with the limits of the options; same password."""
        return f"cn=reader,{self.base}"

    def operations(self, kind: str) -> list[str]:
        """Return the stats lines of one kind (``SRCH base=``, ``BIND dn=``, ``STARTTLS``) since the last `forget`."""
        text = self.log.read_bytes()[self._seen :].decode(errors="replace")
        return [line for line in text.splitlines() if re.search(rf"op=\d+ {kind}", line)]

    def searches(self) -> list[str]:
        """Return the search requests since the last `forget`, one line each; a further page is a further request."""
        return self.operations("SRCH base=")

    def forget(self) -> None:
        """Start counting operations anew."""
        self._seen = self.log.stat().st_size

    def restart(self) -> None:
        """End the server and start it again, with the same content at the same addresses."""
        self.stop()
        self.socket_folder.mkdir()
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self.process.args, stdout=output, stderr=subprocess.STDOUT)
        port = int(self.url.rpartition(":")[2])
        if not any(_accepts(port) for _ in _until(30)):
            raise RuntimeError(self.log.read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        """End the server; may be called twice."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.socket_folder, ignore_errors=True)


def program() -> str | None:
    """Return the path of slapd, if it, ldapsearch and openssl are there."""
    path = os.pathsep.join((os.environ.get("PATH", ""), _SYSTEM_PATH))
    found = shutil.which("slapd", path=path)
    return found if found and shutil.which("ldapsearch", path=path) and shutil.which("openssl", path=path) else None


def start(directory: Path, ldif: Path | None = None, options: Options | None = None) -> Slapd:
    """Load `ldif` (else just the base entry), add the reader's account, start, and wait for the first connection.

    Raises FileNotFoundError where slapd is missing, RuntimeError with the server's own words where it does not start.
    """
    found = program()
    if found is None:
        raise FileNotFoundError(MISSING)
    options = options or Options()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "db").mkdir(exist_ok=True)
    slapd = _unconfined(found, directory)
    config = directory / "slapd.conf"
    config.write_text(_configuration(directory, options))
    _load(slapd, config, ldif or _written(directory / "base.ldif", _base_entry(options.base)))
    _load(slapd, config, _written(directory / "reader.ldif", _READER.format(base=options.base, password=PASSWORD)))
    for _ in range(_TRIES):  # another process may take a free port between our look and slapd's bind
        server = _run(slapd, config, directory, options)
        if server is not None:
            return server
    raise RuntimeError((directory / "slapd.log").read_text(errors="replace")[-2000:])


@functools.cache
def certificates() -> Path:
    """Return a folder with two test authorities and two server certificates, made once per process."""
    folder = Path(tempfile.mkdtemp(prefix="test-ca-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("ca", "other-ca"):
        _openssl(
            folder,
            *("req", "-x509", "-nodes", "-days", "2", "-subj", f"/CN=Test {name}", "-keyout", f"{name}.key"),
            *("-out", f"{name}.pem", "-addext", "basicConstraints=critical,CA:TRUE"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign", *_KEY),
        )
    _server_certificate(folder, "server", f"DNS:localhost,IP:{_LOOPBACK}")
    _server_certificate(folder, "elsewhere", "DNS:ldap.elsewhere.example")
    return folder


@functools.cache
def certificate_for(host: str) -> tuple[Path, Path]:
    """Return a certificate of this name by the first authority of `certificates`, and its key, made once per process."""
    folder = certificates()
    _server_certificate(folder, host, f"DNS:{host}")
    return folder / f"{host}.pem", folder / f"{host}.key"


def _server_certificate(folder: Path, name: str, alternatives: str) -> None:
    _openssl(folder, "req", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", *_KEY)
    extensions = _written(folder / f"{name}.cnf", f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth\n")
    _openssl(
        folder,
        *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "2", "-extfile", extensions.name, "-out", f"{name}.pem"),
    )


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with closing(socket.socket()) as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _configuration(directory: Path, options: Options) -> str:
    schemas = _first_folder(_SCHEMA_FOLDERS)
    modules = _first_folder(_MODULE_FOLDERS)
    present = [name for name in options.modules if (modules / f"{name}.so").exists()]
    places = {
        "folder": directory,
        "base": options.base,
        "tls": certificates(),
        "certificate": options.certificate,
        "uid": os.geteuid(),
        "password": PASSWORD,
        "includes": "\n".join(f"include {schemas}/{name}.schema" for name in options.schemas),
        "modules": "\n".join([f"modulepath {modules}", *(f"moduleload {name}" for name in present)]),
        "limits": f'limits dn.exact="cn=reader,{options.base}" {options.limits or _NO_LIMITS}',
    }
    lines = {**_OVERLAYS, "syncprov": f"{_OVERLAYS['syncprov']}\n{options.syncprov}"}
    overlays = "\n".join(text for name, text in lines.items() if name in present and name in options.overlays)
    return (
        _GLOBAL.format(extra_global=options.extra_global, **places)
        + _DATABASE.format(extra_database=options.extra_database, access=options.access, **places)
        + overlays
        + "\n"
    )


_NO_LIMITS = "size=unlimited size.pr=unlimited size.prtotal=unlimited time=unlimited"


def _first_folder(candidates: tuple[str, ...]) -> Path:
    return next((Path(candidate) for candidate in candidates if Path(candidate).is_dir()), Path(candidates[0]))


def _unconfined(slapd: str, directory: Path) -> str:
    """Where AppArmor confines slapd by its path to the system's folders, run a copy."""
    if not Path("/etc/apparmor.d/usr.sbin.slapd").exists():
        return slapd
    copy = directory / "slapd"
    shutil.copy(slapd, copy)
    return str(copy)


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _base_entry(base: str) -> str:
    value = base.split(",", maxsplit=1)[0].partition("=")[2]
    return f"dn: {base}\nobjectClass: dcObject\nobjectClass: organization\ndc: {value}\no: Example\n"


def _load(slapd: str, config: Path, ldif: Path) -> None:
    done = subprocess.run([slapd, "-T", "add", "-q", "-f", config, "-l", ldif], check=False, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{ldif}: {done.stderr.decode(errors='replace')}")


def _run(slapd: str, config: Path, directory: Path, options: Options) -> Slapd | None:
    """Return the server once it accepts connections; None where it ended, such as for a port that is taken."""
    socket_folder = Path(tempfile.mkdtemp(prefix="slapd-", dir="/tmp"))  # a socket's path has at most 107 bytes
    port, tls_port = free_port(), free_port()
    ldapi = f"ldapi://{quote(str(socket_folder / 'ldapi'), safe='')}"
    urls = (f"ldap://{_LOOPBACK}:{port}", f"ldaps://{_LOOPBACK}:{tls_port}", ldapi)
    log = directory / "slapd.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [slapd, "-f", config, "-h", " ".join(urls), "-d", "stats"], stdout=output, stderr=subprocess.STDOUT
        )
    server = Slapd(
        url=urls[0],
        ldaps_url=urls[1],
        ldapi_url=urls[2],
        base=options.base,
        ca_file=str(certificates() / "ca.pem"),
        other_ca_file=str(certificates() / "other-ca.pem"),
        log=log,
        process=process,
        socket_folder=socket_folder,
    )
    for _ in _until(30):
        if process.poll() is not None:
            break
        if _accepts(port):
            return server
    server.stop()
    return None


def _until(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.01)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((_LOOPBACK, port), 1).close()
    except OSError:
        return False
    return True
