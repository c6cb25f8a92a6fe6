"""Which kinds of directory can be read, and when a saved snapshot may stand in."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date
from pathlib import Path

import pytest

from reconciler.directory.read import read_directory, snapshot_head, write_snapshot
from reconciler.directory.selection import KEYS
from reconciler.directory.sources import Reading, read_directories
from reconciler.errors import DirectoryUnreachable, ReadIncomplete
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.filter import parse_filter
from reconciler.policy.load import load_policy
from tests.servers.directories import NEEDS, READ_AT, SMALL, ldap_config, ldif_config


@pytest.fixture
def read(tmp_path: Path) -> Snapshot:
    """Return the small directory, read from a file."""
    file = tmp_path / "corp.ldif"
    file.write_text(SMALL, encoding="utf-8")
    return read_directory(ldif_config(file), NEEDS, READ_AT)


@pytest.fixture
def saved(read: Snapshot, tmp_path: Path) -> Path:
    """Return it as a snapshot file."""
    write_snapshot(read, NEEDS, tmp_path / "corp.snapshot")
    return tmp_path / "corp.snapshot"


def _read(saved: Path, needs: Needs = NEEDS, **changes: object) -> Snapshot:
    return read_directory(ldap_config(kind="snapshot", file=str(saved), **changes), needs, "2027-01-01T00:00:00Z")


def test_a_saved_snapshot_is_what_was_read(read: Snapshot, saved: Path) -> None:
    """Time and source are those of the reading."""
    assert _read(saved) == read
    assert snapshot_head(saved).directory == "corp"


def test_a_policy_may_name_less_than_a_snapshot_holds(saved: Path) -> None:
    """By whatever names and cases."""
    needs = Needs(frozenset({"MAIL", "userid"}), frozenset({"commonName"}))
    assert len(_read(saved, needs).people) == 6


def test_a_policy_that_names_more_is_told_what_is_missing(saved: Path) -> None:
    """A filter on it would match nobody."""
    with pytest.raises(ReadIncomplete) as caught:
        _read(saved, Needs(NEEDS.person | {"title", "sn"}, NEEDS.group))
    assert "it does not hold the person attributes that this one names (sn, title)" in str(caught.value)
    with pytest.raises(ReadIncomplete, match=r"the group attributes that this one names \(owner\)"):
        _read(saved, Needs(frozenset(), frozenset({"owner"})))


def test_a_snapshot_of_another_directory_is_refused(saved: Path) -> None:
    """Its people are others."""
    with pytest.raises(ReadIncomplete, match='was taken from another directory, "corp"'):
        _read(saved, name="lab")


def test_a_snapshot_that_was_read_otherwise_is_refused(saved: Path) -> None:
    """Where the policy says so itself: each difference is named, with the way out."""
    changes: dict[str, object] = {
        "base": "ou=people,dc=example,dc=com",
        "group_base": "",
        "user_filter": parse_filter("( objectClass=person)"),
        "nested_groups": False,
    }
    with pytest.raises(ReadIncomplete) as caught:
        _read(saved, NEEDS, **changes, explicit=KEYS)
    assert str(caught.value).endswith(
        f'{saved} was read otherwise than this policy says: base is "ou=people,dc=example,dc=com" and was '
        '"dc=example,dc=com"; group_base is "ou=people,dc=example,dc=com" and was "dc=example,dc=com"; user_filter is '
        '"(objectClass=person)" and was not set; nested_groups is false and was true; '
        "take the snapshot again with this policy"
    )
    assert caught.value.exit_code == 4
    with pytest.raises(ReadIncomplete, match='group_filter is "\\(cn=a\\)" and was not set; take'):
        _read(saved, group_filter=parse_filter("(cn=a)"), base="dc=other", explicit=frozenset({"group_filter"}))


def test_a_snapshot_of_another_dialect_is_refused(saved: Path) -> None:
    """Who is a person and what is a login were decided by it; where the policy leaves it open, the file says it."""
    with pytest.raises(ReadIncomplete, match="says: dialect is active_directory and was openldap; take"):
        _read(saved, dialect="active_directory")
    assert len(_read(saved, dialect="openldap").people) == len(_read(saved).people) == 6


def test_a_base_may_be_written_otherwise(saved: Path) -> None:
    """It is compared as a DN, and as text where it is none."""
    assert len(_read(saved, base="DC=Example, dc=com", explicit=KEYS).people) == 6
    with pytest.raises(ReadIncomplete, match=r'base is "example\.com" and was "dc=example,dc=com"'):
        _read(saved, base="example.com", explicit=KEYS)


def test_what_a_policy_leaves_open_is_as_the_snapshot_has_it(saved: Path) -> None:
    """A directory of kind snapshot need not repeat how the file was made."""
    assert len(_read(saved, base="", nested_groups=False).people) == 6


@pytest.mark.parametrize(
    ("directory", "refused"),
    [
        ("{kind: ldif, file: people.ldif}", True),
        ("{kind: ldif, file: people.ldif, base: 'dc=example,dc=com'}", False),
        ("{kind: snapshot, file: old.snapshot}", False),
        ("{kind: snapshot, file: old.snapshot, nested_groups: false}", True),
    ],
)
def test_a_stand_in_was_read_as_its_directory_would_be(
    tmp_path: Path,
    directory: str,
    refused: bool,  # noqa: FBT001 - a table
) -> None:
    """By every key, defaults included; where the policy names a snapshot itself, by the keys that it sets."""
    (tmp_path / "people.ldif").write_text(SMALL, encoding="utf-8")
    needs = Needs(NEEDS.person | {"cn"}, NEEDS.group)
    saved = tmp_path / "corp.snapshot"
    write_snapshot(read_directory(ldif_config(tmp_path / "people.ldif"), needs, READ_AT), needs, saved)
    text = f"version: 1\ndirectories: {{corp: {directory}}}\ntargets: {{roster: {{kind: sql, directory: corp}}}}\n"
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    policy = load_policy(str(tmp_path / "policy.yaml"), date(2026, 11, 20)).policy
    expected = pytest.raises(ReadIncomplete, match="was read otherwise") if refused else nullcontext()
    with expected:
        read_directories(policy, policy.targets.values(), [str(saved)], Reading(READ_AT))


def test_a_kind_that_cannot_be_read_says_so() -> None:
    """Instead of reading nothing."""
    with pytest.raises(DirectoryUnreachable, match="cannot read c1z files; use kind ldap, ldif or snapshot"):
        read_directory(ldap_config(kind="c1z", file="corp.c1z"), NEEDS, READ_AT)
