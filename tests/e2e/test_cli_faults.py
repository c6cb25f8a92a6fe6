"""A directory that fails at any message: exit 4, no plan, no file, and the roster as it was to the last byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.team import edit, team
from tests.examples import reconcile
from tests.fakes.ldap_proxy import CODES, CORRUPTIONS, ENDINGS, STALLS, Fault, proxy
from tests.fakes.ldap_responder import Directory, responder

BASE = "dc=example,dc=com"
PEOPLE = [f"uid={uid},{BASE}" for uid in ("alice", "bob", "carol", "dora")]
FAULTS = {**CODES, **CORRUPTIONS, **ENDINGS, **STALLS}
LAST = -1


def _directory(people: int) -> Directory:
    """Return the directory with so many of the people."""
    persons = [
        (dn, {"objectClass": ["inetOrgPerson", "person"], "uid": [_uid(dn)], "mail": [f"{_uid(dn)}@example.com"]})
        for dn in PEOPLE[:people]
    ]
    groups = [
        (f"cn=devs,{BASE}", {"objectClass": ["groupOfNames"], "cn": ["devs"], "member": PEOPLE[:people]}),
        (f"cn=leads,{BASE}", {"objectClass": ["groupOfNames"], "cn": ["leads"], "member": PEOPLE[2:3]}),
    ]
    return Directory({BASE: [*persons, *groups]})


def _uid(dn: str) -> str:
    return dn.partition(",")[0].removeprefix("uid=")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, int]]:
    """Return a policy whose roster is filled, the directory that has changed since, and how many messages it sends."""
    work = team(tmp_path_factory.mktemp("faults"))
    edit(
        work,
        "policy.yaml",
        "kind: ldif\n    file: directory.ldif",
        "kind: ldap\n    page_size: 2\n    receive_timeout: 3\n    servers: [URL]",
    )
    edit(work, "policy.yaml", "URL", "ldap://127.0.0.1:1")
    with responder(_directory(3)) as url:
        _serve(work, url)
        reconcile("apply", "--auto-approve", cwd=work)
    with responder(_directory(4)) as url:
        with proxy(url) as running:
            _serve(work, running.url)
            assert "Plan: 2 to add" in reconcile("plan", "--out", "plan.json", cwd=work).stdout
        (work / "plan.json").unlink()
        yield work, url, len(running.messages)


def _serve(work: Path, url: str) -> None:
    path = work / "policies" / "policy.yaml"
    head, _, tail = path.read_text().partition("servers: [")
    path.write_text(f"{head}servers: [{url}]{tail.partition(']')[2]}")


@pytest.mark.parametrize("command", [("plan", "--out", "plan.json"), ("apply", "--auto-approve")])
@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("close before", 1),
        ("close in the middle", 4),
        ("close before the last byte", LAST),
        ("notice of disconnection", 6),
        ("stall in the middle", LAST),
        ("operation 0x79", 5),
        ("the last byte lost inside", LAST),
        ("code 4", LAST),
        ("code 51", 7),
    ],
)
def test_nothing_happens_downstream_of_a_fault(
    filled: tuple[Path, str, int], name: str, at: int, command: tuple[str, ...]
) -> None:
    """Neither a plan nor a file nor a write, and the message says what was not proven."""
    work, url, count = filled
    fault: Fault = FAULTS[name]
    before = _everything(work)
    with proxy(url, fault, count if at == LAST else at) as running:
        _serve(work, running.url)
        done = reconcile(*command, cwd=work, code=4)
        _serve(work, url)
    assert done.stdout == ""
    assert 'directory "corp": ' in done.stderr
    assert {**_everything(work), "policy.yaml": b""} == {**before, "policy.yaml": b""}


def _everything(work: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in work.rglob("*") if path.is_file()}
