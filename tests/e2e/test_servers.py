"""The servers of the tests end with the tests, whatever ends those, and one that has to be there is never passed over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import ldap3
import pytest

from tests.examples import ROOT
from tests.servers import active_directory, directory_389, ds389, enclosure, samba
from tests.servers.absent import REQUIRED, absent
from tests.servers.ds389 import Ds389
from tests.servers.enclosure import Program
from tests.servers.ldif_tools import record, replaced
from tests.servers.samba import Samba

enclosed = pytest.mark.skipif(bool(enclosure.missing()), reason=f"a server of its own: {enclosure.missing()}")
_STARTER = """\
import os, signal, sys
from pathlib import Path
from tests.servers import enclosure
program = enclosure.Program(("sh", "-c", f"setsid sleep {sys.argv[1]} & sleep {sys.argv[1]}"), Path(sys.argv[2]))
running = enclosure.start(program)
print("started", flush=True)
signal.pause()
"""


def _alive(word: str) -> bool:
    """Tell whether any process has this argument; those that ended and were not asked about have none any more."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in file.read_bytes().split(b"\0"):
                return True
        except OSError:  # gone meanwhile
            continue
    return False


def _comes(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


@enclosed
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda by: by.name)
def test_nothing_outlives_whoever_started_it(tmp_path: Path, by: signal.Signals) -> None:
    """Neither the server nor what it put into the background, even where nobody could stop them."""
    seconds = f"86{by:03}.{os.getpid()}"
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER, seconds, tmp_path / "log"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with starter:
        assert starter.stdout
        assert starter.stdout.readline() == b"started\n"
        assert _comes(lambda: _alive(seconds))
        starter.send_signal(by)
        starter.wait(10)
    assert _comes(lambda: not _alive(seconds))


@enclosed
def test_a_fixed_port_inside_is_a_free_one_outside(tmp_path: Path) -> None:
    """Two servers on one port do not meet, and each is reached."""
    running = []
    try:
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            (folder / "name").write_text(name, encoding="utf-8")
            command = (sys.executable, "-m", "http.server", "389", "--directory", folder)
            running.append(enclosure.start(Program(command, folder / "log"), (389,)))
        for name, server in zip(("one", "two"), running, strict=True):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.ports[389]}/name", timeout=10) as answer:
                assert answer.read().decode() == name
    finally:
        for server in running:
            server.stop()


@enclosed
def test_a_server_that_does_not_start_is_told_in_its_own_words(tmp_path: Path) -> None:
    """At once, and not after a wait for a port that nobody will open."""
    with pytest.raises(RuntimeError, match="sh did not start: out of order"):
        enclosure.start(Program(("sh", "-c", "echo out of order; exit 3"), tmp_path / "log"), (389,))
    with pytest.raises(RuntimeError, match="sh failed: out of order"):
        enclosure.run(Program(("sh", "-c", "echo out of order; exit 3"), tmp_path / "other"))


def test_a_server_that_is_required_and_absent_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not is a skip; the names are those of the markers."""
    monkeypatch.setenv(REQUIRED, "slapd samba")
    with pytest.raises(pytest.fail.Exception, match="no controller, and RECONCILE_REQUIRE_SERVERS names samba"):
        absent("samba", "no controller")
    with pytest.raises(pytest.skip.Exception, match="no 389"):
        absent("ds389", "no 389")


@pytest.mark.ds389
def test_389_has_the_plugins_that_were_asked_for(start_ds389: Callable[..., Ds389]) -> None:
    """The server itself writes memberOf; a poll (RFC 4533) with the cookie of the first one reports what changed since."""
    server = start_ds389(ds389.Options(memberof=True, sync=True))
    directory_389.fill(server)
    with directory_389.manager(server) as connection:
        connection.search(server.base, "(uid=alice)", attributes=["memberOf"])
        assert connection.response[0]["attributes"]["memberOf"] == [directory_389.GROUP_DNS[n] for n in ("devs", "all")]
        everybody, cookie = _poll(connection, server.base)
        assert everybody == {"alice", "jdoe", "rd", "locked"}
        assert _poll(connection, server.base, cookie)[0] == set()
        server.add(replaced(directory_389.PERSON_DNS["rd"], "title", "Staff Engineer"))
        assert _comes(lambda: _poll(connection, server.base, cookie)[0] == {"rd"})


def _poll(connection: ldap3.Connection, base: str, cookie: bytes = b"") -> tuple[set[str], bytes]:
    """Return the logins that a poll reports, and its cookie: all lengths are below 128, so one byte each."""
    request = b"\x0a\x01\x01" + (b"\x04" + bytes([len(cookie)]) + cookie if cookie else b"")
    control = ("1.3.6.1.4.1.4203.1.9.1.1", True, b"\x30" + bytes([len(request)]) + request)
    connection.search(base, "(objectClass=person)", attributes=["uid"], controls=[control])
    done = connection.result["controls"]["1.3.6.1.4.1.4203.1.9.1.3"]["value"]
    found = {entry["attributes"]["uid"][0] for entry in connection.response if entry["type"] == "searchResEntry"}
    return found, done[4 : 4 + done[3]]


@pytest.mark.samba
def test_a_controller_has_the_services_and_the_catalogue_that_were_asked_for(start_samba: Callable[..., Samba]) -> None:
    """Kerberos answers; the catalogue answers on both its ports, and to an account that is nobody's administrator."""
    server = start_samba(samba.Options(services=("kdc",)))
    with socket.create_connection(("127.0.0.1", server.kdc_port), 5):
        pass
    login = ("-x", "-D", server.reader_dn, "-w", server.password)
    for url in (server.gc_url, server.gc_ldaps_url):
        found = subprocess.run(
            ["ldapsearch", "-LLL", "-H", url, *login, "-b", server.base, "(sAMAccountName=reader)", "1.1"],
            env={**os.environ, "LDAPTLS_CACERT": server.ca_file, "LDAPTLS_REQCERT": "demand"},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert f"dn: {server.reader_dn}" in found.stdout


@pytest.mark.samba
def test_two_controllers_have_nothing_in_common(start_samba: Callable[..., Samba]) -> None:
    """A copy of one domain at first, each with an entry of its own then."""
    first, second = start_samba(), start_samba()
    first.add(record(f"OU=Only Here,{first.base}", {"objectClass": "organizationalUnit"}))
    for server, number in ((first, 1), (second, 0)):
        with active_directory.administrator(server) as connection:
            connection.search(server.base, "(ou=Only Here)")
            assert len([entry for entry in connection.response if entry["type"] == "searchResEntry"]) == number


@pytest.mark.samba
def test_what_a_server_refuses_to_load_is_an_error(start_samba: Callable[..., Samba]) -> None:
    """In its own words."""
    with pytest.raises(RuntimeError, match="ldap_add: "):
        start_samba().add(record(f"OU=Wrong,{samba.BASE}", {"objectClass": "organizationalUnit", "uniqueMember": "x"}))
