"""The tutorial is one story: its blocks run one after the other in an empty folder, and print what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import test_docs as documents
from tests.examples import ROOT

_PAGE = ROOT / "docs/tutorial.md"
_TOOLS = ("reconcile ", "git ", "sed ", "grep ", "python ")
_SPACE_AT_THE_END = re.compile(r" +$", re.MULTILINE)


def test_the_tutorial_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command, in order, with the files that the page says to write; none of them is left out."""
    home, folder = tmp_path / "home", tmp_path / "company"
    home.mkdir()
    folder.mkdir()
    (home / ".gitconfig").write_text("[user]\nname = Reader\nemail = reader@example.com\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(home))
    ran = 0
    for block in documents._blocks(_PAGE):
        if block.file:
            (folder / block.file).write_text(block.body, encoding="utf-8")
        for command in documents._commands(block):
            if command.line in documents.PROVEN_ELSEWHERE:
                continue
            assert command.line.startswith(_TOOLS), f"docs/tutorial.md:{block.line}: nobody tests {command.line}"
            said = _SPACE_AT_THE_END.sub("", documents._run(command.line, folder))
            shown = documents._pattern(command.output.split("\n")) if command.output else ""
            assert re.fullmatch(shown, said), f"docs/tutorial.md:{block.line}: {command.line} prints\n{said}"
            ran += 1
    assert ran >= 30
