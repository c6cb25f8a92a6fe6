"""`reconcile --help` answers at once: what is heavy is imported where it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.examples import ROOT, unwatched

HEAVY = (
    "boto3",
    "botocore",
    "deepdiff",
    "jsonschema",
    "ldap3",
    "psycopg",
    "pyasn1",
    "rich",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "yaml",
    "reconciler.desired",
    "reconciler.diff",
    "reconciler.directory",
    "reconciler.pipeline",
    "reconciler.state",
    "reconciler.targets",
)
PROBE = """
import sys
from reconciler.cli.main import main
code = None
try:
    main()
except SystemExit as end:
    code = end.code
assert not code, code
print(*sys.modules, sep="\\n", file=sys.stderr)
"""


@pytest.mark.parametrize("question", ["--help", "--version"])
def test_a_question_about_the_program_loads_nothing_heavy(question: str) -> None:
    """Neither a library for files, directories and databases, nor a stage of the run, is imported."""
    loaded = _loaded_by(question)
    assert loaded.isdisjoint(HEAVY), sorted(loaded.intersection(HEAVY))


def test_a_policy_is_found_faultless_without_jsonschema() -> None:
    """It is asked what is wrong, where something is."""
    loaded = _loaded_by("validate", str(ROOT / "policies" / "acme"))
    assert "yaml" in loaded
    assert "jsonschema" not in loaded


def _loaded_by(*arguments: str) -> set[str]:
    """Return the modules that a command imports, which succeeds and says something."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        env=unwatched(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    loaded = set(done.stderr.split())
    assert "reconciler.cli.main" in loaded, "the probe does not see what is imported"
    assert done.stdout.strip()
    return loaded
