"""The section that says where runs keep what the next one has to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef, StateConfig
from tests.unit.policy.policies import CONNECTIONS, brief, codes, load, only


def state(folder: Path, lines: str) -> StateConfig:
    return load(folder, f"{CONNECTIONS}state: {lines}\n").policy.state


def test_without_a_section_it_is_the_folder_in_the_policy(tmp_path: Path) -> None:
    """Which only who opens it can name."""
    assert load(tmp_path, CONNECTIONS).policy.state == StateConfig()


def test_a_folder_starts_where_the_file_lies_that_says_it(tmp_path: Path) -> None:
    """As every path of a policy."""
    files = {"policy.yaml": CONNECTIONS, "sub/state.yaml": "version: 1\nstate: {kind: file, path: ../../kept}\n"}
    assert load(tmp_path, files).policy.state == StateConfig("file", path=str(tmp_path.parent / "kept"))
    assert state(tmp_path / "other", "{kind: file}") == StateConfig()


def test_everything_that_a_bucket_can_say_arrives(tmp_path: Path) -> None:
    """Each key in its field."""
    lines = (
        "{kind: s3, bucket: acme-state, prefix: access/prod, endpoint: 'https://s3.example.com', region: eu-west-1, "
    )
    lines += "access_key: {env: KEY_ID}, secret_key: {file: key}, path_style: true}"
    file = (tmp_path / "policy.yaml").as_posix()
    assert state(tmp_path, lines) == StateConfig(
        "s3",
        bucket="acme-state",
        prefix="access/prod",
        endpoint="https://s3.example.com",
        region="eu-west-1",
        access_key=SecretRef("env", "KEY_ID", Position(file, 7, 115)),
        secret_key=SecretRef("file", str(tmp_path / "key"), Position(file, 7, 142)),
        path_style=True,
    )


def test_everything_that_a_database_can_say_arrives(tmp_path: Path) -> None:
    """The url as it is written: what it means, its reader knows."""
    found = state(
        tmp_path, "{kind: sql, url: 'postgresql://reconciler@db.example.com/state', password: {env: STATE_PASSWORD}}"
    )
    assert (found.kind, found.url) == ("sql", "postgresql://reconciler@db.example.com/state")
    assert found.password is not None
    assert found.password.name == "STATE_PASSWORD"
    assert found.folder == str(tmp_path)


def test_one_file_only_may_say_it(tmp_path: Path) -> None:
    """Two stores would each know half of what has happened."""
    files = {
        "a.yaml": f"{CONNECTIONS}state: {{kind: file}}\n",
        "b.yaml": "version: 1\nstate: {kind: file, path: kept}\n",
    }
    problem = only(tmp_path, files)
    assert brief(problem) == "2:1 SET-TWICE"
    assert problem.summary.startswith("state is set in two files: here and at ")


def test_the_store_is_part_of_the_policys_digest(tmp_path: Path) -> None:
    """So a plan cannot be applied where its id is looked for in another store."""
    one, other = tmp_path / "one", tmp_path / "other"
    digests = {
        load(folder, f"{CONNECTIONS}state: {{kind: s3, bucket: {bucket}}}\n").policy.digest
        for folder, bucket in ((one, "acme-one"), (other, "acme-two"))
    }
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("{}", "7:1 MISSING-KEY"),
        ("{kind: consul}", "7:15 SCHEMA"),
        ("{kind: file, bucket: acme-state}", "7:21 UNKNOWN-KEY"),
        ("{kind: s3}", "7:1 MISSING-KEY"),
        ("{kind: s3, bucket: acme-state, access_key: {env: KEY_ID}}", "7:1 MISSING-KEY"),
        ("{kind: s3, bucket: acme-state, secret_key: {env: KEY}}", "7:1 MISSING-KEY"),
        ("{kind: s3, bucket: acme-state, access_key: AKIAIOSFODNN7, secret_key: {env: KEY}}", "7:39 LITERAL-SECRET"),
        ("{kind: s3, bucket: acme-state, endpoint: 'http://s3.example.com'}", "7:49 SCHEMA"),
        ("{kind: s3, bucket: acme-state, prefix: a/../b}", "7:47 SCHEMA"),
        ("{kind: s3, bucket: acme-state, prefix: a/}", "7:47 SCHEMA"),
        ("{kind: sql}", "7:1 MISSING-KEY"),
        ("{kind: sql, url: 'postgresql://a:b@db/state'}", "7:25 LITERAL-SECRET"),
        ("{kind: sql, url: 'mysql://db/state'}", "7:25 SCHEMA"),
        ("{kind: sql, url: 'sqlite:///state.db', password: {env: P}}", "7:47 BAD-LOGIN"),
    ],
)
def test_what_cannot_be_right_is_said_at_its_place(tmp_path: Path, lines: str, code: str) -> None:
    """By the schema, or because two keys do not go together."""
    assert codes(tmp_path, f"{CONNECTIONS}state: {lines}\n") == [code]


@pytest.mark.parametrize(
    "lines",
    [
        "{kind: s3, bucket: acme-state, access_key: {env: KEY_ID}, secret_key: wJalrXUtnFEMI}",
        "{kind: s3, bucket: acme-state, access_key: AKIAIOSFODNN7, secret_key: {env: KEY}}",
        "{kind: sql, url: 'postgresql://db/state', password: wJalrXUtnFEMI}",
    ],
)
def test_a_secret_that_was_written_down_is_not_shown(tmp_path: Path, lines: str) -> None:
    """Neither in the message nor in the line beside it."""
    problem = only(tmp_path, f"{CONNECTIONS}state: {lines}\n")
    assert problem.code == "LITERAL-SECRET"
    assert "wJalr" not in repr(problem)
    assert "AKIA" not in repr(problem)
