"""Start a throw-away 389 Directory Server on loopback, all of it in one folder; never touches an instance that it did not make."""

from __future__ import annotations

import atexit
import functools
import grp
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers import enclosure, ldif_tools, slapd

BASE = "dc=example,dc=com"
PASSWORD = "secret12"
_DEFAULTS = Path("/usr/share/dirsrv/inf/defaults.inf")
_NAME = "test"
_LDAP, _LDAPS = 389, 636
_PROGRAMS = ("ns-slapd", "dscreate", "certutil", "pk12util", "ldapmodify", "openssl")

_PLACES = {
    "sysconf_dir": "etc",
    "config_dir": "etc/dirsrv/slapd-{instance_name}",
    "schema_dir": "etc/dirsrv/slapd-{instance_name}/schema",
    "cert_dir": "etc/dirsrv/slapd-{instance_name}",
    "initconfig_dir": "etc/default",
    "tmpfiles_d": "etc/tmpfiles.d",
    "local_state_dir": "var",
    "run_dir": "run",
    "ldapi": "run/{instance_name}.socket",
    "pid_file": "run/{instance_name}.pid",
    "lock_dir": "lock",
    "log_dir": "log",
    "access_log": "log/access",
    "audit_log": "log/audit",
    "error_log": "log/errors",
    "security_log": "log/security",
    "db_dir": "db",
    "db_home_dir": "db",
    "backup_dir": "bak",
    "ldif_dir": "ldif",
    "inst_dir": "inst",
}
"""Where the installer is to put what: its own table of places, which it looks for under $PREFIX, with ours in it."""

_USER, _GROUP = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
_SETTINGS = {"with_systemd": "0", "user": _USER, "group": _GROUP}

_FROM_ETC = {
    "config/certmap.conf": "certmap default default\n",
    "config/slapd-collations.conf": "",
    "schema/99user.ldif": "dn: cn=schema\nobjectClass: top\nobjectClass: ldapSubentry\nobjectClass: subschema\ncn: schema\n",
}
"""What the installer copies from /etc/dirsrv, where not everybody may read."""

_INSTALLATION = """\
[general]
full_machine_name = localhost
strict_host_checking = False
start = False
selinux = False
systemd = False
[slapd]
instance_name = {name}
port = {port}
secure_port = {tls_port}
root_dn = cn=Directory Manager
root_password = {password}
self_sign_cert = False
user = {user}
group = {group}
[backend-userroot]
suffix = {base}
create_suffix_entry = True
sample_entries = no
"""

_ACCOUNTS = """\
dn: cn=reader,{base}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {password}

dn: cn=stranger,{base}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: stranger
userPassword: {password}

dn: {base}
changetype: modify
add: aci
aci: (targetattr!="userPassword")(version 3.0; acl "the reader reads"; allow (read, search, compare) userdn="ldap:///cn=reader,{base}";)
"""

_ALWAYS = {
    "nsslapd-security": ("on",),
    "nsslapd-secureport": (str(_LDAPS),),
    "nsslapd-accesslog-logbuffering": ("off",),
}

_CACHE = "cn=bdb,cn=config,cn=ldbm database,cn=plugins,cn=config"
"""It would take a sixteenth of the machine's memory, and a file of 100 MB at every start."""

_PLUGINS: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "memberof": {"MemberOf Plugin": {"nsslapd-pluginEnabled": ("on",)}},
    "sync": {
        "Content Synchronization": {"nsslapd-pluginEnabled": ("on",)},
        # without the attributes every poll succeeds and reports nothing
        "Retro Changelog Plugin": {
            "nsslapd-pluginEnabled": ("on",),
            "nsslapd-attribute": ("nsuniqueid:targetUniqueId", "entryuuid:targetEntryUUID"),
        },
    },
}


@dataclass(frozen=True, slots=True)
class Options:
    """How one server differs from the usual: plug-ins that are off at first, and a certificate for another host."""

    memberof: bool = False
    sync: bool = False  # RFC 4533
    certificate: str = "server"  # or "elsewhere"


@dataclass(frozen=True, slots=True)
class Ds389:
    """A running server. `log` is its access log: lines for every operation and its result."""

    url: str
    ldaps_url: str
    ca_file: str
    other_ca_file: str
    log: Path
    enclosure: enclosure.Enclosure
    base: str = BASE
    password: str = PASSWORD
    admin_dn: str = "cn=Directory Manager"

    @property
    def reader_dn(self) -> str:
        """An ordinary account that may read everything but passwords; same password."""
        return f"cn=reader,{self.base}"

    @property
    def stranger_dn(self) -> str:
        """An ordinary account that no access control names; same password."""
        return f"cn=stranger,{self.base}"

    def add(self, ldif: str) -> None:
        """Load entries, or changes with a `changetype`, as the directory manager."""
        ldif_tools.load(ldif, self.url, self.admin_dn, self.password)

    def stop(self) -> None:
        """End the server, not gently; may be called twice."""
        self.enclosure.stop()


@functools.cache
def missing() -> str:
    """Return why no 389 can run here; empty where one can."""
    if not _DEFAULTS.exists() or not all(shutil.which(name, path=enclosure.PATH) for name in _PROGRAMS):
        return "389 Directory Server is not installed"
    return f"389 Directory Server cannot run: {enclosure.missing()}" if enclosure.missing() else ""


def start(directory: Path, options: Options | None = None) -> Ds389:
    """Make an instance in `directory` with an empty suffix, start it, add the two accounts.

    Raises FileNotFoundError where a program is missing, RuntimeError with the server's own words where it does not start.
    """
    if reason := missing():
        raise FileNotFoundError(reason)
    installed = _installed()
    subprocess.run(["cp", "-a", f"{installed}/.", directory], check=True)
    config = directory / f"etc/dirsrv/slapd-{_NAME}"
    _certify(config, (options or Options()).certificate)
    _configure(config / "dse.ldif", {str(installed): str(directory)}, options or Options())
    # in the foreground: -d names what is logged
    command = ("ns-slapd", "-d", "0", "-D", config, "-i", directory / f"run/{_NAME}.pid")
    running = enclosure.start(enclosure.Program(command, directory / "output"), (_LDAP, _LDAPS))
    server = Ds389(
        url=f"ldap://127.0.0.1:{running.ports[_LDAP]}",
        ldaps_url=f"ldaps://127.0.0.1:{running.ports[_LDAPS]}",
        ca_file=str(slapd.certificates() / "ca.pem"),
        other_ca_file=str(slapd.certificates() / "other-ca.pem"),
        log=directory / "log/access",
        enclosure=running,
    )
    try:
        server.add(_ACCOUNTS.format(base=BASE, password=PASSWORD))
    except BaseException:
        server.stop()
        raise
    return server


@functools.cache
def _installed() -> Path:
    """Return the folder of an instance that never ran for a test, made once per process: a copy is quicker than another one."""
    scratch = Path(tempfile.mkdtemp(prefix="test-389-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    folder = scratch / "instance"
    table = folder / "share/dirsrv/inf/defaults.inf"
    moved = {name: str(folder / place) for name, place in _PLACES.items()} | _SETTINGS
    for name in (
        "etc/dirsrv/config",
        "etc/dirsrv/schema",
        "etc/default",
        "etc/tmpfiles.d",
        "run",
        "lock",
        "log",
        "var",
    ):
        (folder / name).mkdir(parents=True)
    table.parent.mkdir(parents=True)
    table.write_text(_replaced(_DEFAULTS.read_text(encoding="utf-8"), moved), encoding="utf-8")
    for name, text in _FROM_ETC.items():
        (folder / "etc/dirsrv" / name).write_text(text, encoding="utf-8")
    answers = scratch / "answers.inf"
    ports = {"port": _LDAP, "tls_port": _LDAPS}
    written = _INSTALLATION.format(name=_NAME, password=PASSWORD, base=BASE, user=_USER, group=_GROUP, **ports)
    answers.write_text(written, encoding="utf-8")
    installer = ("dscreate", "from-file", answers)
    enclosure.run(enclosure.Program(installer, scratch / "log", environment={"PREFIX": str(folder)}))
    for left in (
        *folder.glob("run/*"),
        *folder.glob("log/*"),
        *folder.glob("db/__db.*"),
    ):  # the last are large, and made anew
        left.unlink()
    return folder


def _replaced(table: str, values: Mapping[str, str]) -> str:
    lines = (line.partition("=") for line in table.splitlines())
    return "\n".join(
        f"{name}= {values.get(name.strip(), value.strip())}" if sign else name for name, sign, value in lines
    )


def _certify(config: Path, certificate: str) -> None:
    """Put the authority, the certificate and its key into the server's database of them."""
    tls, exported = slapd.certificates(), config / "server.p12"
    database = ("-d", config, "-f", config / "pwdfile.txt")
    _run("certutil", "-A", *database, "-n", "Test CA", "-t", "CT,,", "-i", tls / "ca.pem")
    pair = ("-in", tls / f"{certificate}.pem", "-inkey", tls / f"{certificate}.key", "-name", "Server-Cert")
    _run("openssl", "pkcs12", "-export", *pair, "-out", exported, "-passout", f"pass:{PASSWORD}")
    _run("pk12util", "-i", exported, "-d", config, "-k", config / "pwdfile.txt", "-W", PASSWORD)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _configure(file: Path, moves: Mapping[str, str], options: Options) -> None:
    """Change the configuration of a server that is not running."""
    text = file.read_text(encoding="utf-8").replace("\n ", "")  # unfolded
    for old, new in moves.items():
        text = text.replace(old, new)
    text = _set(text, "cn=config", _ALWAYS)
    if f"dn: {_CACHE}\n" in text:  # newer versions keep nothing in Berkeley DB
        text = _set(text, _CACHE, {"nsslapd-cache-autosize": ("0",), "nsslapd-dbcachesize": ("16777216",)})
    for option, plugins in _PLUGINS.items():
        for name, values in plugins.items() if getattr(options, option) else ():
            text = _set(text, f"cn={name},cn=plugins,cn=config", values)
    file.write_text(text, encoding="utf-8")


def _set(text: str, dn: str, values: Mapping[str, tuple[str, ...]]) -> str:
    """Return LDIF with other values of some attributes of one entry, which has to be there."""
    entries = text.split("\n\n")
    place = next(place for place, entry in enumerate(entries) if entry.lower().startswith(f"dn: {dn.lower()}\n"))
    for name, wanted in values.items():
        entry = re.sub(rf"(?im)^{name}:.*\n?", "", entries[place]).rstrip("\n")
        entries[place] = "\n".join([entry, *(f"{name}: {value}" for value in wanted)])
    return "\n\n".join(entries)
