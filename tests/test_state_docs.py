"""What docs/state.md says is so: its policies are valid, its messages are the program's, its names are those in the store."""

from __future__ import annotations

import ast
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.policy.load import load_policy
from reconciler.policy.model import StateConfig
from reconciler.state.lease import TTL, Holder, Lease, stamp
from reconciler.state.names import segment
from tests.examples import ROOT

PAGE = (ROOT / "docs/state.md").read_text(encoding="utf-8")
POLICIES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MESSAGES = re.findall(r"^\| `([^`]+)` \|", PAGE.partition("## What the errors mean")[2], re.MULTILINE)


@pytest.mark.parametrize("text", POLICIES)
def test_every_policy_of_the_page_is_valid(tmp_path: Path, text: str) -> None:
    """Each block is a whole file but for its first line."""
    (tmp_path / "policy.yaml").write_text(f"version: 1\n{text}", encoding="utf-8")
    loaded = load_policy(str(tmp_path), date(2026, 11, 20))
    assert loaded.policy.state.kind in text
    assert not loaded.warnings


def test_there_are_messages_and_policies_to_check() -> None:
    """The patterns above find them, and the default is the first."""
    assert len(MESSAGES) >= 12
    assert len(POLICIES) >= 5
    assert StateConfig().kind in POLICIES[0]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_of_the_page_is_one_of_the_program(message: str) -> None:
    """Word for word."""
    texts = {
        node.value
        for folder in ("state", "database")
        for path in (ROOT / "reconciler" / folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert any(message in text for text in texts)


def test_the_lock_of_the_page_is_described_as_the_program_does() -> None:
    """With the times that the page speaks of."""
    now = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
    holder = Holder("alice", "build-7", 4711)
    started = stamp(now - timedelta(minutes=2))
    lease = Lease("5a3c0c0fd1b2e4f6", "roster", holder, started, stamp(now - timedelta(seconds=8)))
    assert f"```text\n{lease.described(now)}.\n```" in PAGE
    assert (TTL, TTL / 3) == (60, 20)


def test_the_name_of_the_page_is_written_as_the_program_does() -> None:
    """The one that is given as an example."""
    assert f"`Git_Lab` is `{segment('Git_Lab')}`" in PAGE
