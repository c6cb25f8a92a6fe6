"""The project's target door works for others: a package from a page of the documents, and the kinds that policies can name."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.teams_world import World, world
from tests.examples import ROOT, reconcile
from tests.fakes.teams_server import Served, serving
from tests.plugins.installed import ENVIRONMENT

PAGE = (ROOT / "docs" / "targets" / "own-target.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^<!-- file: (\S+) -->\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
ADDRESS = "https://board.example.com/api/v1"
TOKEN = {"TEAMS_TOKEN": "secret-token"}


@pytest.fixture
def served() -> Iterator[Served]:
    """Run the app."""
    with serving() as running:
        yield running


@pytest.fixture
def teams(tmp_path: Path, served: Served) -> World:
    """Give a company whose access is in the app."""
    return world(tmp_path, served, timeout=20)


def test_the_package_of_the_page_does_what_the_page_says(teams: World) -> None:
    """Installed by its own entry point, planned and applied by the command line; then nothing is left."""
    site = _install(teams.folder / "site")
    policy = FILES["policies/policy.yaml"]
    assert ADDRESS in policy
    (teams.folder / "policies" / "policy.yaml").write_text(policy.replace(ADDRESS, teams.served.url))
    (command,) = re.findall(r"^```console\n\$ (.*?)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    line, output = command
    assert line.split()[0] == "reconcile"
    environment = {"PYTHONPATH": str(site), **TOKEN}
    done = reconcile(*line.split()[1:], cwd=teams.folder, env=environment)
    shown = re.escape(output).replace("…\\\n", "(?:.*\n)*")
    assert re.fullmatch(shown, done.stdout.replace(teams.served.url, ADDRESS)), done.stdout
    assert teams.served.app.roles("app")["bob"] == "writer", "who is not ours is nothing to us"
    again = reconcile("plan", "--detailed-exitcode", cwd=teams.folder, env=environment)
    assert again.stdout.startswith("No changes.")


def test_the_suite_of_the_page_is_the_one_that_runs() -> None:
    """What is shown of it stands there, word for word."""
    (shown,) = re.findall(r"^```python\n(class Test.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert shown in (ROOT / "tests" / "contract" / "test_teams.py").read_text(encoding="utf-8")


def test_a_kind_of_an_installed_package_is_a_kind_like_any_other(teams: World) -> None:
    """Policies that name it are valid, and editors get it with the schema."""
    assert "teams" in json.loads(teams.run("schema").stdout)["$defs"]["target"]["properties"]["kind"]["enum"]
    teams.run("validate")
    assert json.loads(reconcile("schema", cwd=teams.folder).stdout) == json.loads(
        (ROOT / "schemas" / "policy.schema.json").read_text(encoding="utf-8")
    )


def test_without_the_package_its_kind_is_unknown(teams: World) -> None:
    """And a slip of the pen finds it where it is installed."""
    alone = reconcile("validate", cwd=teams.folder, code=3)
    assert "policies/policy.yaml:6:11: error[SCHEMA]" in alone.stdout
    assert "For a kind of your own, install the package that brings it." in alone.stdout
    policy = teams.folder / "policies" / "policy.yaml"
    policy.write_text(policy.read_text().replace("kind: teams", "kind: taems"))
    assert 'Did you mean "teams"?' in teams.run("validate", code=3).stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("timeout: 20", "timeuot: 20", "target chat: timeuot is no key of kind teams (known: "),
        ("timeout: 20", "timeout: 0", "target chat: timeout must be a number above 0."),
        ("http://", "ftp://", "target chat: the url must be https://HOST"),
    ],
)
def test_what_a_package_says_of_its_keys_is_an_error_of_its_target(teams: World, old: str, new: str, said: str) -> None:
    """Before anything is asked of anybody."""
    policy = teams.folder / "policies" / "policy.yaml"
    assert old in policy.read_text()
    policy.write_text(policy.read_text().replace(old, new))
    assert said in teams.run("plan", code=5).stdout
    assert teams.served.log == []


def test_a_missing_token_is_an_error_of_its_target(teams: World) -> None:
    """It names the variable, and no request goes out."""
    done = reconcile("plan", cwd=teams.folder, env=ENVIRONMENT, code=5)
    assert "target chat cannot be logged in to: policies/policy.yaml:8:5: error[SECRET-UNSET]" in done.stdout
    assert teams.served.log == []


def _install(folder: Path) -> Path:
    """Install the package of the page as an installer would: its module, and what its pyproject.toml says as metadata."""
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    metadata = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    )
    (metadata / "entry_points.txt").write_text(points)
    (folder / "board_target.py").write_text(FILES["board_target.py"])
    return folder
