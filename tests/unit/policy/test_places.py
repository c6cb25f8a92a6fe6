"""Targets that would undo each other's work, because they write to one place and claim the same marks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.policy.policies import CONNECTIONS, brief, load, only, refused


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("", "", True),
        ("sqlite:///a.db", "sqlite:///x/../a.db", True),
        ("sqlite:///roster.db", "", True),
        ("sqlite:///{folder}/a.db", "sqlite:///a.db", True),
        ("postgresql://u@h/d", "postgresql://u@h/d", True),
        ("postgresql://u@h/d", "postgresql://u@h/e", False),
        ("sqlite:///a.db", "sqlite:///b.db", False),
    ],
)
def test_two_targets_do_not_write_to_one_place(
    tmp_path: Path,
    one: str,
    other: str,
    same: bool,  # noqa: FBT001 - a table
) -> None:
    """For the same directory: both would claim the same marks. The error names both places."""
    said = [f", url: '{url.format(folder=tmp_path)}'" if url else "" for url in (one, other)]
    text = CONNECTIONS + "".join(
        f"  {name}: {{kind: sql, directory: corp{url}}}\n" for name, url in zip("zy", said, strict=True)
    )
    if not same:
        assert load(tmp_path, text).policy.targets.keys() == {"gitlab", "roster", "y", "z"}
        return
    problem = only(tmp_path, text)
    assert brief(problem) == "8:3 SAME-TARGET"
    first = (tmp_path / "policy.yaml").as_posix()
    assert problem.summary.startswith(
        f'This target writes to the same place for the same directory as "z" at {first}:7. Make them one target'
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("url: https://x.example", "url: https://x.example", True),
        ("url: https://x.example/git/", "url: 'https://X.example:443/git/api/v4'", True),
        ("url: https://x.example", "url: https://x.example, provider: ldapmain", True),
        ("url: https://x.example", "url: https://x.example, provider: ldapother", False),
        ("url: https://x.example/a", "url: https://x.example/b", False),
        ("url: https://x.example", "url: 'https://x.example:8443'", False),
    ],
)
def test_two_targets_do_not_claim_the_accounts_of_one_provider(
    tmp_path: Path,
    one: str,
    other: str,
    same: bool,  # noqa: FBT001 - a table
) -> None:
    """On one GitLab each provider's accounts have one target; two directories do not make two of them."""
    text = CONNECTIONS + "".join(
        f"  {name}: {{kind: gitlab, directory: corp, token: {{env: X}}, {said}}}\n"
        for name, said in zip("zy", (one, other), strict=True)
    )
    if not same:
        assert load(tmp_path, text).policy.targets.keys() == {"gitlab", "roster", "y", "z"}
        return
    problem = only(tmp_path, text)
    assert brief(problem) == "8:3 SAME-TARGET"
    assert "for the same provider as" in problem.summary


def test_addresses_that_are_none_are_no_place(tmp_path: Path) -> None:
    """What is wrong with each is said, and nothing else."""
    line = "{kind: gitlab, directory: corp, token: {env: X}, url: 'ftp://x'}"
    assert [found.code for found in refused(tmp_path, f"{CONNECTIONS}  y: {line}\n  z: {line}\n")] == ["SCHEMA"] * 2


def test_files_of_two_folders_are_two_places(tmp_path: Path) -> None:
    """Relative paths start where they are written; and two directories may fill one roster."""
    targets = "version: 1\ntargets:\n  NAME: {kind: sql, directory: DIRECTORY}\n"
    files = {
        "0.yaml": "version: 1\ndirectories: {corp: {kind: ldif, file: a}, lab: {kind: ldif, file: b}}\n",
        "a/0.yaml": targets.replace("NAME", "a").replace("DIRECTORY", "corp"),
        "a/1.yaml": targets.replace("NAME", "c").replace("DIRECTORY", "lab"),
        "b/0.yaml": targets.replace("NAME", "b").replace("DIRECTORY", "corp"),
    }
    assert list(load(tmp_path, files).policy.targets) == ["a", "b", "c"]
