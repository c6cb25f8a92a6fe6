"""docs/safety.md names tests that exist, for every promise and for every incident that it must answer for."""

from __future__ import annotations

import ast
import re

import pytest

from tests.examples import ROOT

PAGE = (ROOT / "docs/safety.md").read_text(encoding="utf-8")
NODES = re.findall(r"^- `(\S+?)::(\S+)`$", PAGE, re.MULTILINE)
PROMISES = re.findall(r"^### ([^\n]+)\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
INCIDENTS = re.findall(r"^\| (.+) \| \[(.+)\]\(#(.+)\) \|$", PAGE, re.MULTILINE)
MUST_BE_ANSWERED = (
    "outage of the directory",
    "gets all users blocked",
    "read as an empty list",
    "in slices",
    "lost its rights",
    "wrong filter deletes everybody",
    "limit is exceeded",
    "guard can only be lifted for everything",
    "not found is treated as an empty one",
    "emptied admin group",
    "dry run says one thing",
    "no dry run at all",
    "disappear in a long plan",
    "applied twice",
    "changed since",
    "one bad account stops everything",
    "protection goes when the rule goes",
    "who left keeps access",
    "accounts are synchronised and groups are not",
    "taking it away and giving another",
    "order of the steps",
    "dies in the middle",
    "lock that was left behind",
    "exit code for drift",
    "thousands of members",
    "who did what",
    "job that only plans",
)


@pytest.mark.parametrize(("file", "name"), NODES, ids=[name for _, name in NODES])
def test_every_named_test_exists(file: str, name: str) -> None:
    """By its node id, in the file and outside of any other test."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name.startswith("test_")
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_a_test() -> None:
    """At least one."""
    assert len(PROMISES) > 20
    assert [title for title, body in PROMISES if not re.search(r"^- `tests/", body, re.MULTILINE)] == []


def test_every_incident_has_a_promise() -> None:
    """Each of the list, on one row; and each row leads to the promise that it names."""
    assert len(INCIDENTS) == len(MUST_BE_ANSWERED)
    for incident, promise, anchor in INCIDENTS:
        assert promise in {title for title, _ in PROMISES}, incident
        assert anchor == re.sub(r"[^a-z0-9 -]", "", promise.lower()).replace(" ", "-")
    for words in MUST_BE_ANSWERED:
        assert sum(words in incident for incident, *_ in INCIDENTS) == 1, words


def test_every_incident_that_is_tried_for_real_is_on_the_page() -> None:
    """No test of tests/e2e/test_incidents.py is left out."""
    file = "tests/e2e/test_incidents.py"
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tried = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    assert tried == {name for each, name in NODES if each == file}
