"""What `reconcile doctor` says of real servers and files, and how it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reconciler.pipeline import Run, take_snapshot
from reconciler.policy.load import load_policy
from tests.e2e.team import team
from tests.examples import reconcile
from tests.servers.directories import SMALL
from tests.servers.slapd import MODULES, PASSWORD, Options, Slapd, free_port

StartSlapd = Callable[..., Slapd]

POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: [{servers}]
    base: "dc=example,dc=com"
{more}
targets:
  roster: {{kind: sql, url: "sqlite:///roster.db", directory: corp}}
"""
BIND = """\
    bind: {{dn: "{dn}", password: {{env: LDAP_PASSWORD}}}}
    tls: {{ca_file: "{ca_file}"{tls}}}
"""
_WITHOUT_SYNC = tuple(name for name in MODULES if name != "syncprov")
SECRET = {"LDAP_PASSWORD": PASSWORD, "RECONCILE_NOW": str(int(time.time()) + 3600)}  # certificates last two days


def written(folder: Path, *servers: str, more: str = "") -> Path:
    """Write the policy and return the folder that `reconcile` is to run in."""
    (folder / "policies").mkdir(exist_ok=True)
    text = POLICY.format(servers=", ".join(f'"{server}"' for server in servers), more=more)
    (folder / "policies" / "policy.yaml").write_text(text)
    return folder


def bind_of(server: Slapd, tls: str = "", ca_file: str = "") -> str:
    return BIND.format(dn=server.reader_dn, ca_file=ca_file or server.ca_file, tls=tls)


def examined(folder: Path, *more: str, code: int = 0, env: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the directories of the JSON document."""
    done = reconcile("doctor", "--format", "json", *more, cwd=folder, code=code, env=env or SECRET)
    assert PASSWORD not in done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["directories"]
    return found


def checks_of(where: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {check["name"]: (check["status"], check["what"]) for check in where["checks"]}


@pytest.mark.slapd
def test_a_sound_server_is_told_in_full(slapd: Slapd, tmp_path: Path) -> None:
    """Who we are, what encrypts, what is offered, that two pages came, and what a whole read holds."""
    more = bind_of(slapd) + "    group_base: ou=groups,dc=example,dc=com\n    incremental: {}\n"
    (corp,) = examined(written(tmp_path, slapd.ldaps_url, more=more))
    assert corp["readable"]
    assert checks_of(corp)["run"] == ("ok", f"a run reads from {slapd.ldaps_url}")
    found = checks_of(corp["servers"][0])
    assert found["connection"][0] == "ok"
    assert "TLSv1.3" in found["encryption"][1]
    assert "certificate of CN=server from CN=Test ca, 1 day left" in found["encryption"][1]
    assert found["encryption"][0] == "warning", "two days are soon"
    assert found["login"] == ("ok", f'"{slapd.reader_dn}" with a password; the server calls us dn:{slapd.reader_dn}')
    assert "read like OpenLDAP" in found["server"][1]
    assert "holds dc=example,dc=com" in found["server"][1]
    assert found["controls"][1].endswith("paged results (RFC 2696), content synchronization (RFC 4533)")
    assert found["schema"][0] == "ok"
    assert found["base"] == ("ok", '"dc=example,dc=com" is there and visible')
    assert found["group base"] == ("ok", '"ou=groups,dc=example,dc=com" is there and visible')
    assert found["paging"] == ("ok", "two pages came, the second by the cookie of the first")
    assert found["incremental"] == ("ok", "content synchronization (RFC 4533) is answered")
    assert found["read"] == ("ok", "complete: 6 people and 5 groups")
    assert found["members"][0] == "warning"
    assert "uid=ghost,ou=people,dc=example,dc=com in cn=devs" in found["members"][1]
    assert found["canary"][0] == "ok"


@pytest.mark.slapd
def test_a_broken_first_server_is_a_warning_while_the_second_works(slapd: Slapd, tmp_path: Path) -> None:
    """A run would read from the second: exit 0, and both are told."""
    away = f"ldap://127.0.0.1:{free_port()}"
    (corp,) = examined(written(tmp_path, away, slapd.url))
    assert [server["readable"] for server in corp["servers"]] == [False, True]
    assert "Connection refused" in checks_of(corp["servers"][0])["connection"][1]
    expected = f"a run reads from {slapd.url}, because {away} does not let it in"
    assert checks_of(corp)["run"] == ("warning", expected)
    assert checks_of(corp["servers"][1])["encryption"][0] == "warning", "what is read is not protected"


@pytest.mark.slapd
def test_a_second_server_that_could_not_stand_in_is_told(slapd: Slapd, tmp_path: Path) -> None:
    """It is tried although the first one works."""
    away = f"ldap://127.0.0.1:{free_port()}"
    (corp,) = examined(written(tmp_path, slapd.ldapi_url, away))
    assert checks_of(corp)["run"][0] == "warning"
    assert f"{away} could not stand in" in checks_of(corp)["run"][1]
    assert checks_of(corp["servers"][0])["encryption"] == ("ok", "a socket of this machine needs none")


@pytest.mark.slapd
def test_a_first_server_that_lets_us_in_and_cannot_be_read_ends_a_run(
    slapd: Slapd, start_slapd: StartSlapd, tmp_path: Path
) -> None:
    """Exit 4 although the second would do: a run takes the first that lets it in, and the way out says so."""
    limited = start_slapd(SMALL, Options(limits="size.prtotal=2"))
    folder = written(tmp_path, limited.ldaps_url, slapd.ldaps_url, more=bind_of(slapd))
    (corp,) = examined(folder, code=4)
    assert [server["readable"] for server in corp["servers"]] == [False, True]
    assert "sizeLimitExceeded (4)" in checks_of(corp["servers"][0])["read"][1]
    (run,) = corp["checks"]
    assert (run["status"], run["way_out"]) == ("failed", f"name {slapd.ldaps_url} first")
    assert reconcile("plan", cwd=folder, env=SECRET, code=4).stdout == "", "a run ends the same"


@pytest.mark.slapd
def test_a_refused_password_is_tried_once(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Each try counts towards locking the account, so no other server gets it."""
    first, second = start_slapd(SMALL), start_slapd(SMALL)
    folder = written(tmp_path, first.ldaps_url, second.ldaps_url, more=bind_of(first))
    (corp,) = examined(folder, code=4, env={"LDAP_PASSWORD": "wrong-horse"})
    assert "invalidCredentials (49)" in checks_of(corp["servers"][0])["login"][1]
    assert checks_of(corp["servers"][1])["login"][1].startswith("not tried")
    assert (len(first.operations("BIND dn=")), second.operations("BIND dn=")) == (1, [])


@pytest.mark.slapd
@pytest.mark.parametrize(
    ("certificate", "ca_file", "fact"),
    [("server", "other", "its certificate is not trusted"), ("elsewhere", "", "its certificate is not trusted: IP")],
)
def test_a_certificate_that_is_not_trusted_fails(
    start_slapd: StartSlapd, tmp_path: Path, certificate: str, ca_file: str, fact: str
) -> None:
    """Of another authority, or for another host; nothing was sent."""
    server = start_slapd(SMALL, Options(certificate=certificate))
    more = bind_of(server, ca_file=server.other_ca_file if ca_file else "")
    (corp,) = examined(written(tmp_path, server.ldaps_url, more=more), code=4)
    (check,) = corp["servers"][0]["checks"]
    assert fact in check["what"]
    assert check["way_out"] == "", "the message says which setting names authorities"
    assert server.operations("BIND") == []


@pytest.mark.slapd
def test_start_tls_is_told(slapd: Slapd, tmp_path: Path) -> None:
    """The connection was plain before."""
    (corp,) = examined(written(tmp_path, slapd.url, more=bind_of(slapd, ", start_tls: true")))
    assert "TLSv1.3 by StartTLS" in checks_of(corp["servers"][0])["encryption"][1]


@pytest.mark.slapd
def test_a_base_that_is_not_there_is_told_with_what_the_server_holds(slapd: Slapd, tmp_path: Path) -> None:
    """The read fails with it."""
    (corp,) = examined(
        written(tmp_path, slapd.ldapi_url, more='    group_base: "ou=grups,dc=example,dc=com"\n'), code=4
    )
    (check,) = (check for check in corp["servers"][0]["checks"] if check["name"] == "group base")
    assert check["what"].startswith('"ou=grups,dc=example,dc=com" does not exist')
    assert "this server holds dc=example,dc=com" in check["way_out"]
    assert checks_of(corp["servers"][0])["read"][0] == "failed"


@pytest.mark.slapd
def test_a_canary_that_is_not_seen_fails_and_the_counts_are_told_all_the_same(slapd: Slapd, tmp_path: Path) -> None:
    """Exit 4, as a run would."""
    (corp,) = examined(written(tmp_path, slapd.ldapi_url, more="    canary: {min_people: 7}\n"), code=4)
    found = checks_of(corp["servers"][0])
    assert found["read"] == ("ok", "complete: 6 people and 5 groups")
    assert found["canary"][0] == "failed"
    assert found["canary"][1].startswith("canary.min_people is 7, and 6 people were seen")


@pytest.mark.slapd
@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (Options(modules=_WITHOUT_SYNC), "the server does not offer content synchronization"),
        (Options(modules=_WITHOUT_SYNC, extra_global="moduleload syncprov"), "it is refused here: unavailableCritical"),
    ],
)
def test_an_incremental_read_that_the_server_cannot_do_is_a_warning(
    start_slapd: StartSlapd, tmp_path: Path, options: Options, fact: str
) -> None:
    """Without the overlay's module, and with the module but no overlay on this database: a list of controls tells too little."""
    server = start_slapd(SMALL, options)
    (corp,) = examined(written(tmp_path, server.ldapi_url, more="    incremental: {}\n"))
    (check,) = (check for check in corp["servers"][0]["checks"] if check["name"] == "incremental")
    assert check["status"] == "warning"
    assert fact in check["what"]
    assert "the syncprov overlay on this database" in check["way_out"]


_ID_OF_THE_BASE = 'access to dn.base="dc=example,dc=com" attrs=entryUUID by * none'


@pytest.mark.slapd
@pytest.mark.parametrize(
    ("access", "more"),
    [
        ("", "member_of: true"),
        ("", "dynamic_groups: true"),
        ("", "dialect: 389ds"),
        ("", "decoder: ldap3"),
        ("", "user_filter: (memberOf=cn=devs,ou=groups,dc=example,dc=com)"),
        (_ID_OF_THE_BASE, "page_size: 100"),
    ],
)
def test_what_keeps_a_run_from_reading_changes_is_told_as_the_run_tells_it(
    start_slapd: StartSlapd, tmp_path: Path, access: str, more: str
) -> None:
    """The server would answer, and a run does not ask: both give the same reason."""
    server = start_slapd(SMALL, Options(access=access))
    work = written(tmp_path, server.ldapi_url, more=f"    incremental: {{}}\n    {more}\n")
    (corp,) = examined(work)
    (check,) = (check for check in corp["servers"][0]["checks"] if check["name"] == "incremental")
    assert (check["status"], check["way_out"]) == ("warning", "change that, or take incremental out of the policy")
    run = Run(
        load_policy(str(work / "policies"), date(2026, 11, 20)).policy, date(2026, 11, 20), "2026-11-20T04:00:00Z"
    )
    snapshot, _ = take_snapshot(run, "corp")
    assert check["what"].removeprefix("every run reads everything: ") in [
        warning.removeprefix("incremental reads are off, everything was read: ") for warning in snapshot.warnings
    ]


@pytest.mark.slapd
def test_a_cache_is_left_as_it_is(slapd: Slapd, tmp_path: Path) -> None:
    """Neither made nor replaced: `doctor` changes nothing."""
    work = written(tmp_path, slapd.ldapi_url, more="    incremental: {cache: kept}\n")
    examined(work)
    assert not list(work.rglob("kept"))
    reconcile("snapshot", "--out", "corp.snapshot", cwd=work)
    (head,) = work.rglob("kept/**/head")
    before = head.read_bytes()
    (corp,) = examined(work)
    assert checks_of(corp["servers"][0])["incremental"][0] == "ok"
    assert head.read_bytes() == before


@pytest.mark.slapd
def test_what_an_account_may_not_see_is_told(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """A hidden schema, members that cannot be read, an own entry of the base that is hidden."""
    access = """
access to dn.exact="cn=devs,ou=groups,dc=example,dc=com" attrs=member by * none
access to dn.base="dc=example,dc=com" attrs=entry by * search
"""
    hidden = 'access to dn.base="cn=Subschema" by * none\naccess to * by * read'
    server = start_slapd(SMALL, Options(access=access, extra_global=hidden))
    (corp,) = examined(written(tmp_path, server.url))
    found = checks_of(corp["servers"][0])
    assert found["schema"][0] == "warning"
    assert found["groups"] == (
        "warning",
        "1 whose members cannot be read: cn=devs,ou=groups,dc=example,dc=com",
    )
    assert found["base"][0] == "warning"
    assert "its own entry is hidden" in found["base"][1]


@pytest.mark.slapd
def test_text_fits_its_reader_and_holds_command_lines_to_paste(slapd: Slapd, tmp_path: Path) -> None:
    """Checks in columns, the way out below, one line a search, a last line that counts."""
    folder = written(tmp_path, slapd.ldaps_url, more=bind_of(slapd))
    text = reconcile("doctor", cwd=folder, env=SECRET).stdout
    assert text.startswith(f"corp  ldap\n    ok:       run  a run reads from {slapd.ldaps_url}\n  {slapd.ldaps_url}\n")
    assert "    ok:       paging      two pages came" in text
    assert "\n                          renew the certificate" in text
    searches = [line for line in text.splitlines() if " ldapsearch -LLL" in line]
    assert len(searches) == 4
    assert "    and 1 search that followed from the answers; --debug shows every one\n" in text
    assert all(f"-D {slapd.reader_dn} -W " in line for line in searches)
    assert text.endswith("1 directory, 1 target, 17 checks: 3 warnings.\n")
    assert PASSWORD not in text


@pytest.mark.slapd
def test_only_the_directories_asked_for_are_examined(slapd: Slapd, tmp_path: Path) -> None:
    """An unknown one is a usage error with the nearest name."""
    other = '  other:\n    kind: ldif\n    file: missing.ldif\n    base: "dc=example,dc=com"\n'
    folder = written(tmp_path, slapd.ldapi_url, more=other)
    assert [each["name"] for each in examined(folder, "--directory", "corp")] == ["corp"]
    both = examined(folder, "--directory", "other", "--directory", "corp", code=4)
    assert [(each["name"], each["readable"]) for each in both] == [("corp", True), ("other", False)]
    assert 'Did you mean "corp"?' in reconcile("doctor", "--directory", "crop", cwd=folder, code=64).stderr


def test_a_secret_that_is_not_set_is_a_policy_to_correct(tmp_path: Path) -> None:
    """Exit 3, and no server is asked."""
    more = '    bind: {dn: "cn=x", password: {env: NOT_SET_ANYWHERE}}\n'
    (corp,) = examined(written(tmp_path, "ldaps://127.0.0.1:1", more=more), code=3)
    assert corp["servers"] == []
    assert 'The environment variable "NOT_SET_ANYWHERE" is not set' in checks_of(corp)["policy"][1]


def test_an_invalid_policy_is_told_like_anywhere(tmp_path: Path) -> None:
    """Exit 3, on stderr."""
    folder = written(tmp_path, "ldaps://127.0.0.1:1", more="    colour: red\n")
    done = reconcile("doctor", cwd=folder, code=3)
    assert "policies/policy.yaml:7:" in done.stderr
    assert done.stdout == ""


def test_files_are_examined_too(tmp_path: Path) -> None:
    """LDIF and snapshot: readable or not, how much is there, what dangles."""
    work = team(tmp_path)
    reconcile("snapshot", "--out", "policies/corp.snapshot", cwd=work)
    saved = '  saved: {kind: snapshot, file: corp.snapshot, base: "dc=example,dc=com"}\n  gone: {kind: ldif, file: gone.ldif}\n'
    policy = work / "policies" / "policy.yaml"
    policy.write_text(policy.read_text().replace("targets:\n", f"{saved}targets:\n"))
    directory = work / "policies" / "directory.ldif"
    directory.write_text(directory.read_text().replace("member: uid=bob,", "member: uid=bobby,"))
    found = {each["name"]: each for each in examined(work, code=4)}
    assert {name: each["readable"] for name, each in found.items()} == {"corp": True, "gone": False, "saved": False}
    assert checks_of(found["corp"])["read"] == ("ok", "complete: 3 people and 2 groups")
    assert "uid=bobby,dc=example,dc=com in cn=devs" in checks_of(found["corp"])["members"][1]
    assert "gone.ldif cannot be read: No such file" in checks_of(found["gone"])["read"][1]
    assert 'was taken from another directory, "corp"' in checks_of(found["saved"])["read"][1]
    assert reconcile("doctor", "--directory", "corp", cwd=work).stdout.startswith("corp  ldif\n")
