"""The wheel, installed into an empty environment with nothing but what it declares, is the whole program."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.examples import ROOT, TODAY, environment, scratch_copy

pytestmark = pytest.mark.packaging


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the tree, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder), cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs' folder of an environment that holds the wheel and links to what it declares."""
    home = tmp_path_factory.mktemp("empty")
    venv.create(home, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    for name in _required("reconciler") - {"reconciler"}:
        _link(name, packages)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin/python"), "install", "--no-index", "--no-deps"]
    _run(*pip, str(wheel), cwd=home)
    return home / "bin"


def test_the_command_starts_from_the_wheel(installed: Path, wheel: Path, tmp_path: Path) -> None:
    """`reconcile --version` prints the version that the wheel's name bears."""
    said = _run(str(installed / "reconcile"), "--version", cwd=tmp_path)
    assert wheel.name.split("-")[1] in said


def test_the_code_comes_from_the_wheel_and_not_from_the_tree(installed: Path, tmp_path: Path) -> None:
    """The editable install of the tree is out of sight in the new environment."""
    where = _python(installed, "import reconciler; print(reconciler.__file__)", tmp_path)
    assert Path(where).is_relative_to(installed.parent)


def test_every_schema_is_in_the_wheel(installed: Path, wheel: Path, tmp_path: Path) -> None:
    """Each file of schemas/ is package data, byte for byte, and the command prints it."""
    names = sorted(path.name for path in (ROOT / "schemas").glob("*.json"))
    assert names
    with zipfile.ZipFile(wheel) as archive:
        for name in names:
            assert archive.read(f"reconciler/schemas/{name}") == (ROOT / "schemas" / name).read_bytes()
    printed = _run(str(installed / "reconcile"), "schema", "policy", cwd=tmp_path)
    assert json.loads(printed) == json.loads((ROOT / "schemas/policy.schema.json").read_bytes())


def test_the_registry_of_codes_is_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    """The command prints the page of a code."""
    printed = _run(str(installed / "reconcile"), "validate", "--explain", "LINK-EMPTY", cwd=tmp_path)
    assert printed.startswith("# LINK-EMPTY\n")


def test_a_first_policy_can_be_written_from_the_wheel(installed: Path, wheel: Path, tmp_path: Path) -> None:
    """Its templates are package data, each of them, and what they make plans."""
    templates = ROOT / "reconciler/starting/templates"
    with zipfile.ZipFile(wheel) as archive:
        for path in templates.iterdir():
            assert archive.read(f"reconciler/starting/templates/{path.name}") == path.read_bytes()
    _run(str(installed / "reconcile"), "init", cwd=tmp_path)
    assert "Plan: 15 to add" in _run(str(installed / "reconcile"), "plan", cwd=tmp_path)


def test_the_page_of_a_plan_is_whole(installed: Path, wheel: Path, tmp_path: Path) -> None:
    """Its style and its scripts are in the wheel, and the command writes it from there."""
    with zipfile.ZipFile(wheel) as archive:
        for part in sorted((ROOT / "reconciler/render/page").iterdir()):
            assert archive.read(f"reconciler/render/page/{part.name}") == part.read_bytes()
    saved = str(ROOT / "policies/acme/plan.json")
    written = _run(str(installed / "reconcile"), "show", saved, "--format", "html", cwd=tmp_path)
    assert written.startswith("<!DOCTYPE html>")
    assert written.endswith("</html>\n")


def test_the_wheel_says_that_it_is_typed_and_licensed(wheel: Path) -> None:
    """py.typed and the licence text are inside; tests and benchmarks are not."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "reconciler/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"reconciler"}


def test_the_sql_target_is_found_by_its_entry_point(installed: Path, tmp_path: Path) -> None:
    """Built-in targets come through the same door as anybody's."""
    code = "from importlib.metadata import entry_points as e; print(*[p.name for p in e(group='reconciler.targets')])"
    assert "sql" in _python(installed, code, tmp_path).split()


def test_the_example_plans_as_it_does_from_the_tree(installed: Path, tmp_path: Path) -> None:
    """The installed command prints the plan that is kept beside the example."""
    clone = scratch_copy(tmp_path)
    said = _run(str(installed / "reconcile"), "plan", "policies/acme", "--today", TODAY, cwd=clone)
    assert said == (ROOT / "policies/acme/plan.txt").read_text(encoding="utf-8")


def _run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _python(installed: Path, code: str, cwd: Path) -> str:
    return _run(str(installed / "python"), "-c", code, cwd=cwd).strip()


def _required(name: str) -> set[str]:
    """Return the name and everything that it needs at run time on this machine, extras left out."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = canonicalize_name(waiting.pop())
        if current in found:
            continue
        found.add(current)
        for text in distribution(current).requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _link(name: str, packages: Path) -> None:
    """Put links to one distribution's folders and modules, its metadata included, into another environment."""
    dist = distribution(name)
    tops = {path.parts[0] for path in dist.files or () if path.parts[0] not in {"..", "__pycache__"}}
    assert tops, f"{name} does not list its files"
    for top in tops:
        target = packages / top
        if not target.exists():
            target.symlink_to(Path(str(dist.locate_file(top))))
