"""What a long read shows on a terminal, what a short one does not, and every search with --debug."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.terminal import Start
from tests.examples import reconcile
from tests.servers.directories import people_and_groups
from tests.servers.slapd import PASSWORD, Slapd

pytestmark = pytest.mark.slapd

StartSlapd = Callable[..., Slapd]

POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: ["{server.ldaps_url}"]
    base: "{server.base}"
    bind: {{dn: "{server.reader_dn}", password: {{env: LDAP_PASSWORD}}}}
    tls: {{ca_file: "{server.ca_file}"}}
    page_size: {page_size}
targets:
  roster: {{kind: sql, url: "sqlite:///roster.db", directory: corp}}
"""
SECRET = {"LDAP_PASSWORD": PASSWORD}
LIVE = re.compile(r"Reading people: [0-9,]+ entries, [0-9,]+/s")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a folder for a policy."""
    (tmp_path / "policies").mkdir()
    return tmp_path


def policy(work: Path, server: Slapd, page_size: int) -> None:
    (work / "policies" / "policy.yaml").write_text(POLICY.format(server=server, page_size=page_size))


@pytest.fixture(scope="module")
def crowd(start_slapd: StartSlapd) -> Slapd:
    """Return a server whose people take more than half a second to read one by one."""
    return start_slapd(people_and_groups(1200, 3))


def test_a_long_read_shows_how_far_it_is_and_leaves_nothing_behind(crowd: Slapd, start: Start, work: Path) -> None:
    """The class of entry, the count and the speed; the last line on the screen is the result."""
    policy(work, crowd, 1)
    terminal = start("plan", columns=300, env=SECRET)
    assert terminal.end() == 0
    counts = [int(found.replace(",", "")) for found in re.findall(r"people: ([0-9,]+) entries", terminal.shown)]
    assert LIVE.search(terminal.shown)
    assert counts == sorted(counts)
    assert 0 < counts[-1] <= 1200
    behind = terminal.shown[terminal.shown.rindex("entries, ") :]
    assert "\x1b[2K" in behind, "the live line was taken away"
    assert "No changes." in behind


def test_a_short_read_shows_no_count(slapd: Slapd, start: Start, work: Path) -> None:
    """Under half a second a number says nothing; six people are read in less on the slowest machine."""
    policy(work, slapd, 1000)
    terminal = start("plan", columns=300, env=SECRET)
    assert terminal.end() == 0
    assert "Reading the directory" in terminal.shown
    assert not LIVE.search(terminal.shown)


def test_nobody_looks_at_a_pipe(crowd: Slapd, work: Path) -> None:
    """Not a character."""
    policy(work, crowd, 1)
    assert reconcile("plan", cwd=work, env=SECRET).stderr == ""


def test_debug_says_every_search_as_a_command_line(slapd: Slapd, work: Path) -> None:
    """On stderr, in the order made, with the page size, and without the password."""
    policy(work, slapd, 7)
    done = reconcile("plan", "--debug", cwd=work, env=SECRET)
    lines = [line for line in done.stderr.splitlines() if "ldapsearch " in line]
    assert [re.findall(r"-b (\S+) -s (\S+)", line)[0] for line in lines] == [
        ("''", "base"),
        ("cn=Subschema", "base"),
        (slapd.base, "sub"),
        (slapd.base, "sub"),
        (f"uid=ghost,ou=people,{slapd.base}", "base"),
    ]
    assert "'!pr=7/noprompt'" in lines[3]
    assert PASSWORD not in done.stderr
    assert "ldapsearch" not in reconcile("plan", cwd=work, env=SECRET).stderr
    logged = reconcile("plan", "--debug", "--log-format", "json", cwd=work, env=SECRET).stderr
    assert "ldapsearch" in json.loads(logged.splitlines()[0])["message"]


def test_debug_on_a_terminal_keeps_command_lines_whole(slapd: Slapd, start: Start, work: Path) -> None:
    """The line that moves is taken away while one is written, so that it can be pasted."""
    policy(work, slapd, 1000)
    terminal = start("plan", "--debug", columns=60, env=SECRET)
    assert terminal.end() == 0
    assert terminal.shown.count("\x1b[?25l") >= 5, "hidden and shown again around each of four"
    for line in [line for line in terminal.shown.split("\r\n") if "ldapsearch " in line]:
        assert re.search(r"ldapsearch -LLL .* -s (base|sub) '\(.*\)'( \w+)+$", line), line
