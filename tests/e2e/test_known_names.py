"""A misspelt name in a policy is an error before anybody is searched, where the server shows its schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.examples import reconcile
from tests.servers.directories import SMALL
from tests.servers.slapd import Options, Slapd

pytestmark = pytest.mark.slapd

StartSlapd = Callable[..., Slapd]

POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: ["{url}"]
    base: "dc=example,dc=com"
    {line}
targets:
  roster: {{kind: sql, url: "sqlite:///roster.db", directory: corp, users: {{username: "{username}"}}}}
group_links:
  roster:
    team: [{{cn: devs, access: member}}]
group_imports:
  roster: [{{filter: "({imported}=unix)", name: "{{{name}}}", access: member}}]
"""


def work(
    folder: Path, server: Slapd, line: str = "", username: str = "{uid}", imported: str = "cn", name: str = "cn"
) -> Path:
    (folder / "policies").mkdir()
    (folder / "policies" / "policy.yaml").write_text(
        POLICY.format(url=server.url, line=line, username=username, imported=imported, name=name)
    )
    return folder


@pytest.mark.parametrize(
    ("line", "place", "fact"),
    [
        (
            'user_filter: "(&(cn=*)(!(employeType=x)))"',
            "7:18",
            'FILTER-SCHEMA] The directory\'s schema has no attribute "employeType": did you mean "employeeType"? user_filter is',
        ),
        ('group_filter: "(membre=*)"', "7:19", 'FILTER-SCHEMA] The directory\'s schema has no attribute "membre"'),
        (
            "attributes: {email: mial}",
            "7:25",
            'ATTRIBUTE-SCHEMA] The directory\'s schema has no attribute "mial": did you mean "mail"?',
        ),
        (
            'user_filter: "(cn:caseExactMatsch:=x)"',
            "7:18",
            'FILTER-SCHEMA] The directory has no matching rule "caseExactMatsch": did you mean "caseexactmatch"?',
        ),
    ],
)
def test_a_misspelt_name_ends_the_run_before_anybody_is_searched(
    start_slapd: StartSlapd, tmp_path: Path, line: str, place: str, fact: str
) -> None:
    """Exit 3, at the place in the policy, with the nearest name; the server saw no search below its base."""
    server = start_slapd(SMALL)
    server.forget()
    folder = work(tmp_path, server, line)
    done = reconcile("plan", cwd=folder, code=3)
    assert f"policies/policy.yaml:{place}: error[{fact}" in done.stderr
    assert done.stdout == ""
    assert not [search for search in server.searches() if "scope=2" in search]
    examined = reconcile("doctor", cwd=folder, code=3)
    assert f"policies/policy.yaml:{place}: error[{fact}" in examined.stdout


def test_names_that_the_server_knows_are_no_problem(slapd: Slapd, tmp_path: Path) -> None:
    """By alias and OID too, by a rule that is not known here (the seventh is the account that reads); the defaults may name what no schema has."""
    line = 'user_filter: "(|(commonName=*)(2.5.4.3=*)(cn:rdnMatch:=x))"'
    saved = reconcile("snapshot", "--out", "corp.snapshot", cwd=work(tmp_path, slapd, line))
    assert saved.stdout.startswith("Saved 7 people and 5 groups")


def test_a_hidden_schema_makes_no_errors(start_slapd: StartSlapd, tmp_path: Path) -> None:
    """Nobody can tell then: the server evaluates the filter as it does, and a warning says that it shows no schema."""
    hidden = 'access to dn.base="cn=Subschema" by * none\naccess to * by * read'
    server = start_slapd(SMALL, Options(extra_global=hidden))
    done = reconcile("plan", cwd=work(tmp_path, server, 'user_filter: "(|(uid=*)(nosuch=x))"'))
    assert "the server shows no schema" in done.stdout


@pytest.mark.parametrize(
    ("changes", "code", "near"),
    [
        ({"username": "{uidd}"}, "TEMPLATE-SCHEMA", "uid"),
        ({"name": "ccn"}, "TEMPLATE-SCHEMA", "cn"),
        ({"imported": "descripton"}, "FILTER-SCHEMA", "description"),
    ],
)
def test_names_in_rules_are_errors_of_the_plan(
    slapd: Slapd, tmp_path: Path, changes: dict[str, str], code: str, near: str
) -> None:
    """Templates and filters of imports, from the server and from a snapshot of it: with the nearest name of its schema."""
    folder = work(tmp_path, slapd, **changes)
    reconcile("snapshot", "--out", "corp.snapshot", cwd=folder)
    for source in ([], ["--snapshot", "corp.snapshot"]):
        done = reconcile("plan", *source, cwd=folder, code=3)
        (line,) = (line for line in done.stdout.splitlines() if f"error[{code}]" in line)
        assert f'did you mean "{near}"?' in line
