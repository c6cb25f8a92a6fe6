"""Where changes cannot be read, or not be trusted, everything is read in the same run, and the result is right."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.directory.read import read_directory
from reconciler.model.directory import Needs
from reconciler.model.filter import parse_filter
from reconciler.policy.model import Incremental
from tests.e2e.increments import ALICE, LATER, PEOPLE, as_reader, increments, person, removed
from tests.servers.directories import NEEDS, SMALL, ldap_config, people_and_groups
from tests.servers.ldif_tools import replaced
from tests.servers.slapd import MODULES, Options, Slapd

pytestmark = pytest.mark.slapd
Start = Callable[..., Slapd]
SESSION_LOG = Options(syncprov="syncprov-sessionlog 1000")


@pytest.mark.parametrize(
    "cookie",
    [b"nonsense", b"\xff\x00", b"rid=000,csn=nonsense", b""],
)
@pytest.mark.parametrize("options", [Options(), SESSION_LOG], ids=["no session log", "session log"])
def test_a_cookie_that_the_server_cannot_read_is_not_believed(
    start_slapd: Start, tmp_path: Path, cookie: bytes, options: Options
) -> None:
    """It answers with success, everybody, and the flag that says nobody is gone: who has left would stay."""
    directory = increments(start_slapd, tmp_path, options)
    directory.change(removed(ALICE))
    directory.with_cookies(lambda _: cookie)
    assert ALICE not in {each.dn for each in directory.reads_whole().people}
    directory.follows()


def test_changes_that_cannot_be_followed_again_and_again_are_a_warning(start_slapd: Start, tmp_path: Path) -> None:
    """Once is nothing odd; each read after it says why, until one succeeds. A cache that is gone is no reason."""
    directory = increments(start_slapd, tmp_path)

    def read_with_a_bad_cookie() -> str:
        directory.with_cookies(lambda _: b"rid=000,csn=20361120040000.000000Z#000000#000#000000")
        return " ".join(directory.reads_whole().warnings)

    assert read_with_a_bad_cookie() == ""
    for reads in (2, 3):
        assert re.match(
            f"at {reads} reads in a row changes could not be followed, .*\\(53\\)", read_with_a_bad_cookie()
        )
    directory.follows()
    assert read_with_a_bad_cookie() == ""
    (directory.folder / "head").unlink()
    assert not directory.reads_whole().warnings
    assert read_with_a_bad_cookie() == ""


def test_a_cookie_of_the_future_is_refused(start_slapd: Start, tmp_path: Path) -> None:
    """As after a restored backup: the server says so (53)."""
    directory = increments(start_slapd, tmp_path)
    directory.with_cookies(lambda _: b"rid=000,csn=20361120040000.000000Z#000000#000#000000")
    directory.reads_whole()
    directory.follows()


def test_a_cookie_of_long_ago_with_a_hint_to_reload_is_refused(start_slapd: Start, tmp_path: Path) -> None:
    """The server says so (4096)."""
    directory = increments(start_slapd, tmp_path, Options(syncprov="syncprov-reloadhint TRUE"))
    directory.change(removed(ALICE))
    directory.with_cookies(lambda _: b"rid=000,csn=20201120040000.000000Z#000000#000#000000")
    directory.reads_whole()
    directory.follows()


def test_a_cookie_of_long_ago_without_a_hint_is_not_believed(start_slapd: Start, tmp_path: Path) -> None:
    """Everybody comes as changed, which is no gain."""
    directory = increments(start_slapd, tmp_path)
    directory.with_cookies(lambda _: b"rid=000,csn=20201120040000.000000Z#000000#000#000000")
    directory.reads_whole()


def test_a_size_limit_is_met_by_pages_and_a_warning(start_slapd: Start, tmp_path: Path) -> None:
    """An answer in one piece is cut off; pages are not."""
    server = start_slapd(people_and_groups(30, 10), Options(limits="size=7 size.pr=unlimited size.prtotal=unlimited"))
    config = ldap_config(server.url, incremental=Incremental(str(tmp_path / "cache")), **as_reader(server, tmp_path))
    for _ in "ab":
        found = read_directory(config, NEEDS, LATER)
        assert len(found.people) == 30
        assert not found.confirmed_at
        assert "size limit" in " ".join(found.warnings)
    assert not (tmp_path / "cache").exists()


def test_a_size_limit_that_a_poll_meets_is_met_by_pages(start_slapd: Start, tmp_path: Path) -> None:
    """Nothing of what came before the limit is kept."""
    server = start_slapd(people_and_groups(30, 10), Options(limits="size=35 size.pr=unlimited size.prtotal=unlimited"))
    config = ldap_config(server.url, incremental=Incremental(str(tmp_path / "cache")), **as_reader(server, tmp_path))
    assert not read_directory(config, NEEDS, LATER).warnings
    directory = increments(lambda *_: server, tmp_path / "another", **as_reader(server, tmp_path))
    directory.change(*(person(f"new{n}") for n in range(40)))
    found = directory.reads_whole()
    assert len(found.people) == 70
    assert "size limit" in " ".join(found.warnings)


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        (tuple(name for name in MODULES if name != "syncprov"), "does not offer RFC 4533"),
    ],
)
def test_a_server_without_changes_is_read_whole(
    start_slapd: Start, tmp_path: Path, modules: tuple[str, ...], reason: str
) -> None:
    """The warning names what is missing."""
    directory = increments(start_slapd, tmp_path, Options(modules=modules))
    assert reason in " ".join(directory.reads_whole().warnings)
    assert not directory.folder.exists()


def test_a_server_that_offers_changes_but_not_of_this_database_is_read_whole(
    start_slapd: Start, tmp_path: Path
) -> None:
    """The module is loaded and the overlay is not: the server refuses the control (12)."""
    directory = increments(start_slapd, tmp_path, Options(syncprov="", overlays=("memberof", "refint")))
    assert "(12)" in " ".join(directory.reads_whole().warnings)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"member_of": True}, "member_of: true"),
        ({"dynamic_groups": True}, "dynamic_groups: true"),
        ({"dialect": "389ds"}, "389"),
        ({"decoder": "ldap3"}, "decoder: ldap3"),
        ({"user_filter": parse_filter("(memberOf=cn=devs,ou=groups,dc=example,dc=com)")}, "memberof"),
    ],
)
def test_what_no_server_reports_is_read_whole(
    start_slapd: Start, tmp_path: Path, change: dict[str, Any], word: str
) -> None:
    """Membership that is worked out changes without a word."""
    directory = increments(start_slapd, tmp_path, **change)
    assert word in " ".join(directory.reads_whole().warnings)


def test_a_policy_that_looks_at_memberof_is_read_whole(start_slapd: Start, tmp_path: Path) -> None:
    """By a filter of a link, say."""
    directory = increments(start_slapd, tmp_path)
    found = read_directory(directory.config, Needs(frozenset({"uid", "memberOf"}), frozenset({"cn"})), LATER)
    assert not found.confirmed_at
    assert "memberof" in " ".join(found.warnings)


def test_the_cache_of_another_server_is_not_used(start_slapd: Start, tmp_path: Path) -> None:
    """The second server of a policy may be behind, or another altogether."""
    directory = increments(start_slapd, tmp_path)
    other = start_slapd(SMALL + "\n" + person("bob").replace("changetype: add\n", ""))
    directory.config = replace(directory.config, servers=(other.url,))
    assert f"uid=bob,{PEOPLE}" in {each.dn for each in directory.reads_whole().people}
    directory.follows()


@pytest.mark.parametrize(
    "change",
    [
        {"user_filter": parse_filter("(uid=a*)")},
        {"group_filter": parse_filter("(cn=d*)")},
        {"bases": (PEOPLE,), "group_bases": ("dc=example,dc=com",)},
    ],
)
def test_the_cache_of_another_policy_is_not_used(start_slapd: Start, tmp_path: Path, change: dict[str, Any]) -> None:
    """Other searches find other entries."""
    directory = increments(start_slapd, tmp_path)
    directory.config = replace(directory.config, **change)
    directory.reads_whole()
    directory.follows()


def test_the_cache_of_other_attributes_is_not_used(start_slapd: Start, tmp_path: Path) -> None:
    """A policy that names one more has it from the first run on."""
    directory = increments(start_slapd, tmp_path)
    needs = Needs(NEEDS.person | {"title"}, NEEDS.group)
    found = read_directory(directory.config, needs, LATER)
    assert not found.confirmed_at
    assert ("Staff Engineer",) in [each.attributes.get("title") for each in found.people]
    assert read_directory(directory.config, needs, LATER).confirmed_at


def test_the_cache_of_another_account_is_not_used(start_slapd: Start, tmp_path: Path) -> None:
    """It may see less, or more."""
    hidden = f'access to dn.exact="{ALICE}" by dn.exact="cn=reader,dc=example,dc=com" none by * read'
    directory = increments(start_slapd, tmp_path, Options(access=hidden))
    directory.config = replace(directory.config, **as_reader(directory.server, tmp_path))
    assert ALICE not in {each.dn for each in directory.reads_whole().people}
    directory.change(replaced(f"uid=locked,{PEOPLE}", "displayName", "x"))
    assert ALICE not in {each.dn for each in directory.follows().people}


@pytest.mark.parametrize("attributes", ["", " attrs=entryUUID"])
def test_an_account_that_does_not_see_what_lies_above_reads_everything(
    start_slapd: Start, tmp_path: Path, attributes: str
) -> None:
    """It could not tell that a branch was moved, whether all of its entry is hidden or the id alone."""
    hidden = f'access to dn.exact="{PEOPLE}"{attributes} by * none'
    directory = increments(start_slapd, tmp_path, Options(access=hidden))
    assert 'the entryUUID of "ou=people' in " ".join(directory.reads_whole().warnings)
    assert not directory.folder.exists()


def test_a_cache_that_cannot_be_written_is_a_warning(start_slapd: Start, tmp_path: Path) -> None:
    """The read itself is as good as ever."""
    (tmp_path / "cache").write_text("in the way")
    directory = increments(start_slapd, tmp_path)
    found = directory.reads_whole()
    assert "could not be kept" in " ".join(found.warnings)


def test_any_damage_to_the_cache_means_a_whole_read(start_slapd: Start, tmp_path: Path) -> None:
    """Of the head and of the content, cut short, changed, or gone."""
    directory = increments(start_slapd, tmp_path)
    for part in ("head", "content"):
        for damage in (lambda data: data[:-1], lambda data: data[:-1] + b"~", lambda _: b""):
            head = directory.cache.head()
            assert head
            path = directory.folder / (head.content if part == "content" else part)
            path.write_bytes(damage(path.read_bytes()))
            assert not directory.reads_whole().warnings
            directory.follows()


def test_a_cache_that_others_could_have_written_is_not_used(start_slapd: Start, tmp_path: Path) -> None:
    """Whoever can write it decides who gets access."""
    directory = increments(start_slapd, tmp_path)
    (directory.folder / "head").chmod(0o620)
    directory.reads_whole()
    directory.follows()
    assert {path.stat().st_mode & 0o777 for path in directory.folder.iterdir()} == {0o600}
    assert directory.folder.stat().st_mode & 0o777 == 0o700
