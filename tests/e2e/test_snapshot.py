"""A saved snapshot of a real server stands in for the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.directory.read import read_directory, snapshot_head, write_snapshot
from reconciler.model.directory import Needs
from tests.servers.directories import NEEDS, READ_AT, ldap_config
from tests.servers.slapd import PASSWORD, Slapd

pytestmark = pytest.mark.slapd


def test_a_saved_snapshot_is_the_snapshot(slapd: Slapd, tmp_path: Path) -> None:
    """Equal in everything, time and source included, whatever the time it is read again."""
    live = read_directory(ldap_config(slapd.url), NEEDS, READ_AT)
    file = tmp_path / "corp.snapshot"
    write_snapshot(live, NEEDS, file)
    saved = read_directory(ldap_config(kind="snapshot", file=str(file)), NEEDS, "2027-01-01T00:00:00Z")
    assert saved == live
    assert snapshot_head(file).directory == "corp"


def test_two_reads_of_the_same_data_give_the_same_bytes(slapd: Slapd, tmp_path: Path) -> None:
    """So a snapshot can be compared as a file."""
    for name in ("one", "two"):
        write_snapshot(read_directory(ldap_config(slapd.url), NEEDS, READ_AT), NEEDS, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_holds_no_more_than_the_policy_names(slapd: Slapd, tmp_path: Path) -> None:
    """No password, no address, no attribute that no rule looks at."""
    needs = Needs(frozenset({"uid"}), frozenset({"cn"}))
    snapshot = read_directory(ldap_config(slapd.ldapi_url), needs, READ_AT)
    assert {name for person in snapshot.people for name in person.attributes} == {"uid"}
    assert {name for group in snapshot.groups for name in group.attributes} == {"cn"}
    assert PASSWORD not in repr(snapshot)
