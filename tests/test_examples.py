"""Every example under policies/ plans to the files kept beside it, applies, and is then in step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.examples import EXAMPLES, TODAY, reconcile, scratch_copy
from tests.live_targets import live

each_example = pytest.mark.parametrize("name", [example.name for example in EXAMPLES])


@each_example
def test_an_example_yields_the_plan_that_is_kept_beside_it(name: str, tmp_path: Path, *, rewrite_golden: bool) -> None:
    """The text and the JSON of a first plan, on an empty roster or on what is there, are those in plan.txt and plan.json."""
    clone = scratch_copy(tmp_path)
    golden = Path(__file__).parent.parent / "policies" / name
    with live(name) as env:
        done = reconcile("plan", f"policies/{name}", "--today", TODAY, "--out", "plan.json", cwd=clone, env=env)
    made = {"plan.txt": done.stdout, "plan.json": (clone / "plan.json").read_text(encoding="utf-8")}
    if rewrite_golden:
        for file, content in made.items():
            (golden / file).write_text(content, encoding="utf-8")
    kept = {file: (golden / file).read_text(encoding="utf-8") for file in made}
    assert made == kept, "if the difference is meant: pytest tests/test_examples.py --rewrite-golden"


@each_example
def test_an_example_can_be_applied_as_it_stands(name: str, tmp_path: Path) -> None:
    """Nothing is refused, apply succeeds, and the next plan has nothing to change."""
    clone = scratch_copy(tmp_path)
    folder = f"policies/{name}"
    with live(name) as env:
        planned = reconcile("plan", folder, "--today", TODAY, "--format", "json", cwd=clone, env=env)
        first = json.loads(planned.stdout)
        assert first["applyable"], first["targets"]
        reconcile("apply", folder, "--auto-approve", cwd=clone, env=env)  # on TODAY, as every run here
        second = reconcile("plan", folder, "--today", TODAY, "--detailed-exitcode", cwd=clone, env=env)
    assert "No changes." in second.stdout


@each_example
def test_an_example_meets_its_own_expectations(name: str, tmp_path: Path) -> None:
    """The policy is valid and its tests pass; no application is asked."""
    clone = scratch_copy(tmp_path)
    reconcile("validate", f"policies/{name}", cwd=clone)
    reconcile("test", f"policies/{name}", "--today", TODAY, cwd=clone)


def test_the_order_of_entries_in_the_directory_does_not_matter(tmp_path: Path) -> None:
    """An LDIF file turned upside down gives the same changes with the same reasons."""
    clone = scratch_copy(tmp_path)
    forward = json.loads(reconcile("plan", "policies/acme", "--format", "json", cwd=clone).stdout)
    ldif = clone / "policies/acme/directory.ldif"
    header, *entries = ldif.read_text(encoding="utf-8").split("\n\n")
    ldif.write_text("\n\n".join([header, *reversed(entries)]) + "\n", encoding="utf-8")
    backward = json.loads(reconcile("plan", "policies/acme", "--format", "json", cwd=clone).stdout)
    assert backward["targets"] == forward["targets"]


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_the_hash_seed_does_not_matter(seed: str, tmp_path: Path) -> None:
    """Python's random order of sets and dicts never reaches the plan."""
    clone = scratch_copy(tmp_path)
    done = reconcile(
        "plan", "policies/acme", "--today", TODAY, "--out", "plan.json", cwd=clone, env={"PYTHONHASHSEED": seed}
    )
    golden = Path(__file__).parent.parent / "policies" / "acme"
    assert done.stdout == (golden / "plan.txt").read_text(encoding="utf-8")
    assert (clone / "plan.json").read_bytes() == (golden / "plan.json").read_bytes()
