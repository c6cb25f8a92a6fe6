"""A read that does not see what is always there is not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.directory.canary import check_canary
from reconciler.directory.read import read_directory
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Snapshot
from reconciler.policy.model import Canary
from tests.servers.directories import BASE, NEEDS, READ_AT, SMALL, ldif_config

ALICE, DEVS, NOBODY = f"uid=alice,ou=people,{BASE}", f"cn=devs,ou=groups,{BASE}", f"cn=nobody,ou=groups,{BASE}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The small directory as a file."""
    path = tmp_path / "small.ldif"
    path.write_text(SMALL, encoding="utf-8")
    return path


def _refusal(file: Path, canary: Canary) -> str:
    with pytest.raises(ReadIncomplete) as caught:
        read_directory(ldif_config(file, canary=canary), NEEDS, READ_AT)
    return str(caught.value)


def test_what_is_seen_is_believed(file: Path) -> None:
    """DNs compare as DNs."""
    canary = Canary((f"UID=Alice , ou=people,{BASE}",), (DEVS, f"cn=all,ou=groups,{BASE}"), 6, 5)
    snapshot = read_directory(ldif_config(file, canary=canary), NEEDS, READ_AT)
    assert len(snapshot.people) == 6


@pytest.mark.parametrize(
    ("canary", "said"),
    [
        (Canary(people=(f"uid=gone,{BASE}",)), f'the canary "uid=gone,{BASE}" is not among the people'),
        (Canary(people=(DEVS,)), f'the canary "{DEVS}" is not among the people'),
        (Canary(groups=(ALICE,)), f'the canary "{ALICE}" is not among the groups'),
        (Canary(groups=(NOBODY,)), f'the canary group "{NOBODY}" shows no members'),
        (Canary(min_people=7), "canary.min_people is 7, and 6 people were seen"),
        (Canary(min_groups=6), "canary.min_groups is 6, and 5 groups were seen"),
    ],
)
def test_what_is_not_seen_ends_the_read(file: Path, canary: Canary, said: str) -> None:
    """The message says what to look at."""
    message = _refusal(file, canary)
    assert message == (
        f'policies/corp.yaml:4: directory "corp": {said}. What is not seen may only be hidden: has the account that reads '
        "lost rights? Where it has not, correct the canary in the policy."
    )


def test_many_that_are_missing_are_counted(file: Path) -> None:
    """Five are named."""
    message = _refusal(file, Canary(people=tuple(f"uid=x{n},{BASE}" for n in range(8))))
    assert message.count("is not among the people") == 5
    assert " and 3 more. What is not seen" in message


def test_a_snapshot_in_memory_can_be_checked_too(file: Path) -> None:
    """Without a canary anything is believed."""
    snapshot: Snapshot = read_directory(ldif_config(file), NEEDS, READ_AT)
    check_canary(ldif_config(file), snapshot)
