"""Turn what was typed into a run: the policy, the time, what to look at; reads the policy, never a directory or a target."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import TypedDict

from reconciler.apply.past import read_past
from reconciler.cli.clock import iso, now
from reconciler.cli.git import head_commit
from reconciler.cli.progress import Progress
from reconciler.cli.screen import Screen
from reconciler.errors import UsageError
from reconciler.model.text import shortened
from reconciler.pipeline import Run
from reconciler.policy.load import load_policy
from reconciler.policy.model import Policy
from reconciler.state.base import Store
from reconciler.state.open import open_store


class RunOptions(TypedDict):
    """What every command that looks at a directory or a target takes."""

    policy: str
    target: tuple[str, ...]
    snapshot: tuple[str, ...]
    today: date | None


def run_of(given: RunOptions, screen: Screen) -> Run:
    """Load the policy and return the run; warnings are said, an unknown target is a UsageError."""
    moment = now()
    today = given["today"] or moment.date()
    loaded = load_policy(given["policy"], today)
    screen.problems(loaded.warnings)
    check_targets(given["target"], loaded.policy)
    return Run(
        loaded.policy,
        today,
        iso(moment),
        targets=given["target"],
        snapshots=given["snapshot"],
        git_commit=head_commit(given["policy"]),
        observer=Progress(screen),
    )


@contextmanager
def opened_store(policy: Policy, folder: str) -> Iterator[Store]:
    """Give the policy's state store, which is in `folder` by default, and close it; nothing is made before it is written to."""
    store = open_store(policy.state, folder)
    try:
        yield store
    finally:
        store.close()


def with_past(run: Run, folder: str) -> Run:
    """Return the run with what earlier ones have left to know; raises StateError where the store cannot be asked."""
    with opened_store(run.policy, folder) as store:
        sources = {name: run.policy.targets[name].directory for name in run.targets or run.policy.targets}
        return replace(run, past=read_past(store, sources))


def check_targets(names: tuple[str, ...], policy: Policy) -> None:
    """Raise UsageError for a target that the policy does not have, with the nearest name."""
    check_known(names, policy.targets, "target", "targets")


def check_known(names: Iterable[str], known: Collection[str], one: str, many: str) -> None:
    """Raise UsageError for a name that is not known, with the nearest one; `one` and `many` say what it is a name of."""
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            listed = ", ".join(map(shortened, known)) or "none"
            hint = f'Did you mean "{shortened(close[0])}"?' if close else f"Its {many}: {listed}."
            raise UsageError(f'The policy has no {one} "{shortened(name)}". {hint}')
