"""The registry of codes: whole, and nothing in it that no finding has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.model.diagnostic import Severity
from reconciler.policy.codes import index, page, registry, titles

SOURCE = Path(__file__).parents[3] / "reconciler"
_CODE = re.compile(r"[A-Z]{5,}|[A-Z]+(-[A-Z]+)+")
OTHER_WORDS = {"BUILDKITE", "CIRCLECI", "DELETE", "EXTERNAL", "GSSAPI", "PATCH", "PRIVATE-TOKEN", "SYNTAX"}
"""What is written like a code and is none: names of other systems, and their words."""


def test_every_code_that_a_finding_has_is_registered_and_the_other_way_round() -> None:
    """Codes are read from the source itself."""
    used = {code for file in SOURCE.rglob("*.py") for code in _codes(ast.parse(file.read_text(encoding="utf-8")))}
    assert used - OTHER_WORDS == set(registry())


def test_every_entry_says_all_that_a_page_needs() -> None:
    """One sentence each, a known severity, and an example of what is right for each of what is wrong."""
    for code in registry().values():
        assert set(code.severity) <= set(Severity), code.name
        assert re.fullmatch(r"[A-Z][^\n]*\.", code.title), code.name
        assert code.why.endswith("."), code.name
        assert code.way_out.endswith("."), code.name
        assert bool(code.wrong) == bool(code.right), code.name
        assert not code.wrong or code.wrong != code.right, code.name


def test_a_page_is_markdown_with_both_examples() -> None:
    """The title, why, wrong, right, the way out."""
    text = page(registry()["LINK-SHADOWED"])
    assert text.startswith("# LINK-SHADOWED\n\nWarning or note: ")
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Wrong", "## Right", "## The way out"]
    assert "## Wrong" not in page(registry()["DIRECTORY"])
    assert titles()["DIRECTORY"] == registry()["DIRECTORY"].title


def test_a_finding_is_as_bad_as_the_registry_says() -> None:
    """Wherever the source gives a severity and a code in one call."""
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in SOURCE.rglob("*.py"))
    pairs = {pair for tree in trees for node in ast.walk(tree) for pair in _severities(node)}
    assert len(pairs) > 50
    assert [pair for pair in sorted(pairs) if pair[1] not in registry()[pair[0]].severity] == []


def test_the_list_of_codes_names_each_once() -> None:
    """With its severity and what it means, sorted."""
    rows = re.findall(r"^\| \[([A-Z-]+)\]\(([A-Z-]+)\.md\) \| [a-z ]+ \| .+\. \|$", index(), re.MULTILINE)
    assert [code for code, _ in rows] == [file for _, file in rows] == sorted(registry())


def _severities(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the code and the severity that a call names, both as literals."""
    match node:
        case ast.Call(
            args=[ast.Attribute(value=ast.Name(id="Severity"), attr=severity), ast.Constant(value=str(code)), *_]
        ):
            yield code, severity.lower()
        case ast.Call(
            func=ast.Attribute(attr="error" | "warning" as severity), args=[_, _, ast.Constant(value=str(code)), _]
        ):
            yield code, severity
        case _:
            pass


def _codes(tree: ast.Module) -> Iterator[str]:
    """Yield what is given to a call, assigned or returned, and looks like a code."""
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                yield from _texts([*node.args, *(word.value for word in node.keywords if word.arg == "code")])
            case ast.Assign() | ast.Return():
                yield from _texts([node.value] if node.value else [])
            case _:
                pass


def _texts(values: list[ast.expr]) -> Iterator[str]:
    parts = [
        part for value in values for part in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])
    ]
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and _CODE.fullmatch(part.value):
            yield part.value
