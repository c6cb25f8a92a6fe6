"""What docs/directories.md says is so: its policies are valid, and its messages are the program's."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from reconciler.policy.load import load_policy
from reconciler.policy.model import DirectoryConfig
from tests.examples import ROOT

PAGE = (ROOT / "docs/directories.md").read_text(encoding="utf-8")
POLICIES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MESSAGES = re.findall(r"^\| `([^`]+)` \|", PAGE.partition("## What the errors mean")[2], re.MULTILINE)


@pytest.mark.parametrize("text", POLICIES)
def test_every_policy_of_the_page_is_valid(tmp_path: Path, text: str) -> None:
    """Each block is a whole file but for its first line."""
    (tmp_path / "policy.yaml").write_text(f"version: 1\n{text}", encoding="utf-8")
    loaded = load_policy(str(tmp_path), date(2026, 11, 20))
    assert loaded.policy.directories
    assert not loaded.warnings


def test_the_page_explains_every_option_of_a_directory() -> None:
    """As the schema has them; those about the connection have sections of their own."""
    elsewhere = {"kind", "servers", "bind", "tls"}
    schema = json.loads((ROOT / "schemas/policy.schema.json").read_text(encoding="utf-8"))
    keys = set(schema["$defs"]["ldap_directory"]["properties"]) - elsewhere
    table = PAGE.partition("## What the options mean")[2].partition("##")[0]
    assert {key for key in keys if f"`{key}`" not in table} == set()


def test_the_defaults_of_the_page_are_those_of_the_program() -> None:
    """For the numbers, which a reader relies on."""
    config = DirectoryConfig("corp", "ldap", None)  # type: ignore[arg-type]  # no place is needed here
    assert f"| `page_size` | `{config.page_size}` |" in PAGE
    assert f"| `connect_timeout`, `receive_timeout` | `{config.connect_timeout}`, `{config.receive_timeout}` |" in PAGE


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_of_the_page_is_one_of_the_program(message: str) -> None:
    """Piece by piece: what stands between two … stands in one text of the code."""
    texts = list(_texts())
    for piece in message.split("…"):
        assert any(piece.strip() in text for text in texts), piece


def test_there_are_messages_and_policies_to_check() -> None:
    """The patterns above find them."""
    assert len(MESSAGES) >= 20
    assert len(POLICIES) >= 5


def _texts() -> Iterator[str]:
    """Give every text of the directory's code, a formatted one without what is filled in."""
    for path in (ROOT / "reconciler/directory").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "\0".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
