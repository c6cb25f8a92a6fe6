"""What style asks of sizes and exceptions, where no linter does; the ceilings only ever go down."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.examples import ROOT

SOURCES = sorted((ROOT / "reconciler").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
PAGE = sorted((ROOT / "reconciler/render/page").iterdir())
EVERYTHING = [*SOURCES, *TESTS, *sorted((ROOT / "benchmarks").rglob("*.py"))]
CEILINGS = {"type: ignore": 2, "noqa": 40, "pragma: no cover": 0}


@pytest.mark.parametrize("path", [*EVERYTHING, *PAGE], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_at_most_400_lines(path: Path) -> None:
    """What does not fit is two files."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_function_has_at_most_50_lines(path: Path) -> None:
    """Decorators and docstring included."""
    long = {name: lines for name, lines in _functions(path) if lines > 50}
    assert not long


def test_most_functions_have_at_most_15_lines() -> None:
    """Three of four, docstrings included."""
    lengths = [lines for path in SOURCES for _, lines in _functions(path)]
    short = sum(lines <= 15 for lines in lengths)
    assert short >= 0.75 * len(lengths), f"{short} of {len(lengths)}"


@pytest.mark.parametrize(("mark", "ceiling"), CEILINGS.items())
def test_exceptions_to_the_rules_do_not_grow_in_number(mark: str, ceiling: int) -> None:
    """Each one is a debt: whoever removes one may lower the ceiling, whoever adds one has to argue for a higher one."""
    places = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if f"# {mark}" in line
    ]
    assert len(places) <= ceiling, places


def test_an_exception_names_its_rule_and_its_reason() -> None:
    """`# noqa: X000 - why` and `# type: ignore[code]  # why`: a bare one hides the next mistake, too."""
    bad = re.compile(r"# (?:noqa(?!: [A-Z]+\d+(?:, [A-Z]+\d+)* - \S)|type: ignore(?!\[[\w-]+(?:, ?[\w-]+)*\]  # \S))")
    places = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bad.search(line)
    ]
    assert not places


@pytest.mark.parametrize("path", [path for path in TESTS if path.name.startswith("test_")], ids=lambda path: path.name)
def test_a_test_says_what_it_expects(path: Path) -> None:
    """Every test function has a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    silent = [node.name for node in functions if node.name.startswith("test_") and not ast.get_docstring(node)]
    assert not silent


def _functions(path: Path) -> list[tuple[str, int]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        (node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
