"""Targets are found through entry points, and what cannot be found is said."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from reconciler.errors import TargetError
from reconciler.model.diagnostic import Position
from reconciler.policy.brought import installed_kinds as kinds
from reconciler.policy.model import TargetConfig
from reconciler.targets.base import Options
from reconciler.targets.registry import create, opened
from reconciler.targets.sql.target import SqlTarget

OPTIONS = Options("app", "corp", {"url": "sqlite:///roster.db"}, "/srv/policy", ("viewer",))


def test_the_roster_is_found_by_its_kind() -> None:
    """The built-in target uses the same door as any other."""
    assert "sql" in kinds()
    assert isinstance(create("sql", OPTIONS), SqlTarget)


def test_a_kind_without_an_adapter_is_named_with_those_that_are_there() -> None:
    """The policy language knows more kinds than one installation has."""
    with pytest.raises(TargetError) as caught:
        create("defguard", OPTIONS)
    assert str(caught.value) == (
        'target app: kind "defguard" is known to the policy language, but this installation has no adapter for it '
        f"(there is: {', '.join(kinds())}). Install the package that brings it."
    )


def test_an_installed_package_brings_its_own_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the entry point names is called with the options."""
    _install(tmp_path, "paper = paper_target:create")
    (tmp_path / "paper_target.py").write_text(
        "def create(options): return 'paper for ' + options.name\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert "paper" in kinds()
    made: object = create("paper", OPTIONS)
    assert made == "paper for app"


@pytest.mark.parametrize("value", ["no_such_module_at_all:create", "json:no_such_function"])
def test_an_adapter_that_cannot_be_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A broken installation is an error of that target, with what to do."""
    _install(tmp_path, f"paper = {value}")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TargetError, match=rf'adapter for kind "paper", {value}, cannot be loaded: .* Install it again'):
        create("paper", OPTIONS)


def test_two_adapters_for_one_kind_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No package can put itself in another's place."""
    _install(tmp_path, "sql = other_package:create")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        TargetError, match=r"more than one installed package .*other_package:create, reconciler\.targets\.sql"
    ):
        create("sql", OPTIONS)


def test_an_opened_target_is_closed(tmp_path: Path) -> None:
    """Whatever happens inside."""
    config = TargetConfig("app", "sql", "corp", Position("x", 1), options=OPTIONS.options, folder=str(tmp_path))
    with opened(config) as target:
        assert target.address == "sqlite:///roster.db"
    target.close()


def _install(folder: Path, line: str) -> None:
    metadata = folder / "paper_target-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: paper-target\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(
        textwrap.dedent(f"""\
            [reconciler.targets]
            {line}
            """),
        encoding="utf-8",
    )
