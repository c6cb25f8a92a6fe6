"""The command lines that are shown find with the real ldapsearch exactly what a read finds."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.directory.ldapsearch import ldapsearch
from reconciler.directory.observer import Question
from reconciler.directory.read import read_directory
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.filter import parse_filter
from reconciler.policy.model import Bind, Tls
from tests.examples import reconcile
from tests.servers.directories import BASE, NEEDS, READ_AT, awkward, ldap_config, secret
from tests.servers.slapd import PASSWORD, Slapd

pytestmark = pytest.mark.slapd

NO_SUCH_OBJECT = 32

StartSlapd = Callable[..., Slapd]


class Kept:
    """An observer that keeps every question."""

    def __init__(self) -> None:
        """Nothing is asked yet."""
        self.questions: list[Question] = []

    def searching(self, question: Question) -> None:
        """Keep it."""
        self.questions.append(question)

    def found(self, entries: int) -> None:
        """Ignore it."""

    def finished(self) -> None:
        """Ignore it."""


def pasted(line: str) -> list[str]:
    """Run a command line in a shell, with the password in place of asking for it; return the DNs that came."""
    with_password = line.replace(" -W ", f" -w {shlex.quote(PASSWORD)} ")
    done = subprocess.run(with_password, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - pasting is the point
    assert done.returncode in {0, NO_SUCH_OBJECT}, f"{line}\n{done.stderr}"
    return re.findall(r"^dn:.*$", done.stdout, re.MULTILINE)


def compared(snapshot: Snapshot, questions: list[Question]) -> None:
    root, schema, people, groups, *again = (pasted(ldapsearch(question)) for question in questions)
    assert (len(root), schema) == (1, ["dn: cn=Subschema"])
    assert (len(people), len(groups)) == (len(snapshot.people), len(snapshot.groups))
    assert len(people) >= 5
    plain = {f"dn: {person.dn}" for person in snapshot.people if person.dn.isascii()}
    assert plain <= set(people)
    assert again
    assert all(len(found) <= 1 for found in again), "a second look at who was named and did not come"


@pytest.mark.parametrize("way", ["ldaps", "starttls", "socket", "anonymous"])
def test_each_way_in_finds_the_same(slapd: Slapd, tmp_path: Path, way: str) -> None:
    """Verified against the same authorities, as the same account."""
    bind = Bind(slapd.reader_dn, secret(PASSWORD, tmp_path))
    ways: dict[str, tuple[str, dict[str, object]]] = {
        "ldaps": (slapd.ldaps_url, {"bind": bind, "tls": Tls(slapd.ca_file)}),
        "starttls": (slapd.url, {"bind": bind, "tls": Tls(slapd.ca_file, start_tls=True)}),
        "socket": (slapd.ldapi_url, {"bind": Bind(sasl="external")}),
        "anonymous": (slapd.url, {}),
    }
    server, changes = ways[way]
    kept = Kept()
    snapshot = read_directory(ldap_config(server, page_size=2, **changes), NEEDS, READ_AT, observer=kept)
    compared(snapshot, kept.questions)


def test_awkward_filters_and_bases_survive_the_shell(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Quotes, stars, backslashes, other alphabets, spaces at the ends."""
    server = start_slapd(awkward(5))
    text = r"(&(objectClass=person)(!(cn=*'; echo $HOME*))(|(cn=*\22*)(cn=  日本 *)(cn=\23lead*)(cn=*\5c*)(cn=*a*)))"
    config = ldap_config(
        server.ldaps_url,
        bind=Bind(server.reader_dn, secret(PASSWORD, tmp_path)),
        tls=Tls(server.ca_file),
        base=f"OU=people , {BASE}",
        group_base=f"ou=groups,{BASE}",
        user_filter=parse_filter(text),
    )
    kept = Kept()
    snapshot = read_directory(config, Needs(frozenset({"uid"}), frozenset({"cn"})), READ_AT, observer=kept)
    compared(snapshot, kept.questions)


def test_what_doctor_prints_can_be_pasted(slapd: Slapd, tmp_path: Path) -> None:
    """From the text itself, line by line, in another folder than the policy's."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "policy.yaml").write_text(
        f'version: 1\ndirectories:\n  corp: {{kind: ldap, servers: ["{slapd.ldaps_url}"], base: "{BASE}", '
        f'bind: {{dn: "{slapd.reader_dn}", password: {{env: PW}}}}, tls: {{ca_file: "{slapd.ca_file}"}}}}\n'
    )
    env = {"PW": PASSWORD}
    text = reconcile("doctor", cwd=tmp_path, env=env).stdout
    lines = [line for line in text.splitlines() if " ldapsearch " in line]
    _, _, people, groups = map(pasted, lines)
    assert f"complete: {len(people)} people and {len(groups)} groups" in text
    document = json.loads(reconcile("doctor", "--format", "json", cwd=tmp_path, env=env).stdout)
    assert document["directories"][0]["servers"][0]["searches"] == [line.strip() for line in lines]
