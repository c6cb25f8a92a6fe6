"""What `reconcile doctor` says of Active Directory and of 389 Directory Server."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_doctor import BIND, checks_of, examined, written
from tests.servers.active_directory import CORP
from tests.servers.ds389 import Ds389, Options
from tests.servers.samba import Samba

StartDs389 = Callable[..., Ds389]


def policy(folder: Path, server: Samba | Ds389, dn: str, base: str) -> Path:
    """Write a policy that wants incremental reads."""
    more = BIND.format(dn=dn, ca_file=server.ca_file, tls="") + "    incremental: {}\n"
    work = written(folder, server.ldaps_url, more=more)
    file = work / "policies" / "policy.yaml"
    file.write_text(file.read_text().replace('base: "dc=example,dc=com"', f'base: "{base}"'))
    return work


def incremental(found: dict[str, object]) -> dict[str, str]:
    (check,) = (check for check in found["checks"] if check["name"] == "incremental")  # type: ignore[attr-defined]  # JSON
    checked: dict[str, str] = check
    return checked


def pasted(line: str, password: str) -> str:
    """Return what the command line says in a shell."""
    with_password = line.replace(" -W ", f" -w {shlex.quote(password)} ")
    return subprocess.run(with_password, shell=True, capture_output=True, text=True, check=True).stdout  # noqa: S602 - pasting is the point


@pytest.mark.samba
def test_a_domain_controller_is_told_and_who_may_not_replicate_has_no_dirsync(samba: Samba, tmp_path: Path) -> None:
    """Everything else is well; the way out names the right."""
    work = policy(tmp_path, samba, samba.reader_dn, CORP)
    (corp,) = examined(work, env={"LDAP_PASSWORD": samba.password, "RECONCILE_NOW": "1795176000"})
    (server,) = corp["servers"]
    found = checks_of(server)
    assert found["server"][1].startswith("read like Active Directory")
    assert "DirSync" in found["controls"][1]
    assert found["paging"][0] == "ok"
    assert found["schema"][0] == "ok"
    assert found["login"][1].endswith("the server does not say who that is there (RFC 4532)"), "unlike Microsoft's"
    check = incremental(server)
    assert check["status"] == "warning"
    assert "insufficientAccessRights (50)" in check["what"]
    assert "DS-Replication-Get-Changes" in check["way_out"]


@pytest.mark.samba
def test_who_may_replicate_has_dirsync_and_command_lines_find_the_same(samba: Samba, tmp_path: Path) -> None:
    """As the administrator; one real request was answered."""
    work = policy(tmp_path, samba, samba.admin_dn, CORP)
    (corp,) = examined(work, env={"LDAP_PASSWORD": samba.password})
    (server,) = corp["servers"]
    assert incremental(server) == {"name": "incremental", "status": "ok", "what": "DirSync is answered", "way_out": ""}
    _, _, people, groups = (pasted(line, samba.password).count("dn:") for line in server["searches"][:4])
    assert checks_of(server)["read"][1] == f"complete: {people} people and {groups} groups"


@pytest.mark.ds389
def test_389_is_read_whole_with_its_plugin_or_without(start_ds389: StartDs389, tmp_path: Path) -> None:
    """It would answer a request, and a run makes none."""
    for options in (Options(sync=True), Options()):
        server = start_ds389(options)
        work = policy(tmp_path, server, server.reader_dn, "dc=example,dc=com")
        (corp,) = examined(work, env={"LDAP_PASSWORD": server.password})
        (report,) = corp["servers"]
        assert checks_of(report)["server"][1].startswith("read like 389 Directory Server; 389 Project 389-Directory")
        assert checks_of(report)["login"][1].endswith(f"the server calls us dn: {server.reader_dn}")
        assert incremental(report)["status"] == "warning"
        assert "389 Directory Server does not tell which entries are gone" in incremental(report)["what"]
