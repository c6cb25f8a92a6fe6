"""Render one saved plan of many changes in every form, each by the real command in a process of its own; never time a plan's making.

Rendering as text is measured alone as well, because that is what has a budget.
Run as ``python -m benchmarks.render``.
"""

from __future__ import annotations

import argparse
import json
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import process_time

from benchmarks.processes import Usage, measured
from reconciler.model.access import GroupKey, Role, UserKey
from reconciler.model.change import AddMembership, Change, ChangeRole, RemoveMembership, Who
from reconciler.model.diagnostic import Position
from reconciler.model.plan import Plan, TargetPlan
from reconciler.model.reason import Reason, Why
from reconciler.plan.encode import encode, pieces
from reconciler.render.look import Look
from reconciler.render.text import plan_text

_COMMAND = Path(sysconfig.get_path("scripts")) / "reconcile"
BUDGET = 1.0  # seconds of own CPU for 50,000 changes as text
CHANGES = 50_000
_GROUPS = 500
FORMS: dict[str, tuple[str, ...]] = {
    "text": (),
    "text, verbose": ("--verbose",),
    "text, summary": ("--summary",),
    "markdown": ("--format", "markdown"),
    "html": ("--format", "html"),
    "json": ("--format", "json"),
    "gitlab": ("--format", "gitlab"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what each form costs; exit with 1 where text missed its budget."""
    parser = argparse.ArgumentParser(prog="scripts/bench render", description=str(__doc__).partition(";")[0])
    parser.add_argument("--changes", type=int, default=CHANGES, help="of the plan (default: %(default)s)")
    parser.add_argument(
        "--repeat", type=int, default=3, help="take the quickest of so many runs (default: %(default)s)"
    )
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saved = folder / "plan.json"
        # a process of its own holds the plan: Linux starts a child's peak memory at its parent's
        with ProcessPoolExecutor(1, get_context("spawn")) as other:
            other.submit(_save, given.changes, saved).result()
            alone = min(other.submit(_rendering, saved).result() for _ in range(given.repeat))
        shown = {form: _quickest(["show", saved, *options], folder, given.repeat) for form, options in FORMS.items()}
    for line in report(given.changes, alone, shown):
        print(line)
    return int(missed(given.changes, alone))


def missed(changes: int, alone: float) -> bool:
    """Tell whether text of that many changes, in so many seconds, is over the budget, which is for one size."""
    return changes == CHANGES and alone > BUDGET


def plan_of(count: int) -> Plan:
    """Return a plan of that many changes of memberships: three of four added, the rest changed and removed by turns."""
    changes = tuple(_change(number) for number in range(count))
    target = TargetPlan(name="app", kind="sql", address="sqlite:///app.db", directory="corp", changes=changes)
    digest = "sha256:" + "0" * 64
    return Plan("2026-11-20T04:00:00Z", "2026-11-20", digest, "policies", "", (), (target,))


def _change(number: int) -> Change:
    who = Who(f"user{number:05}", UserKey(f"00000000-0000-4000-8000-{number:012}"))
    group = GroupKey(f"team-{number % _GROUPS:03}/backend")
    rule = Position("policies/app.yaml", 10 + number % _GROUPS, 9)
    given = Reason(Why.GROUP_LINK, rule, (f"cn=team-{number % _GROUPS:03}-devs", "cn=everybody"))
    match number % 8:
        case 6:
            return ChangeRole(who, group, Role("developer"), Role("maintainer"), given)
        case 7:
            return RemoveMembership(who, group, Role("developer"), Reason(Why.LEFT_GROUP, rule, given.path[:1]))
        case _:
            return AddMembership(who, group, Role("developer"), given)


def _save(changes: int, saved: Path) -> None:
    with saved.open("w", encoding="utf-8") as file:
        file.writelines(pieces(encode(plan_of(changes))))


def _quickest(arguments: Sequence[str | Path], folder: Path, repeat: int) -> Usage:
    return min((measured([_COMMAND, *arguments], folder, "shown") for _ in range(repeat)), key=lambda usage: usage.cpu)


def _rendering(saved: Path) -> float:
    """Return the seconds of own CPU from the document in memory to the last line of text, drawn for a wide colour terminal."""
    document = json.loads(saved.read_text(encoding="utf-8"))
    start = process_time()
    for _ in plan_text(document, Look(colour=True, width=160)):
        pass
    return process_time() - start


def report(changes: int, alone: float, shown: Mapping[str, Usage]) -> Iterator[str]:
    """Yield what was measured: text alone in seconds of own CPU, and each form with its whole process."""
    yield f"A saved plan of {changes:,} changes, shown by `reconcile show`; its start and the reading of the file are in it."
    yield f"{'form':<16}{'own CPU':>10}{'peak':>10}{'beside the least':>20}"
    least = min(usage.cpu for usage in shown.values())
    for form, usage in shown.items():
        yield f"{form:<16}{usage.cpu:>8.2f} s{usage.peak_mb:>7.0f} MB{usage.cpu / least:>19.2f}×"
    yield f"Rendering as text alone, for a colour terminal: {alone:.2f} s of own CPU."
    if changes == CHANGES:
        yield f"Budget: {alone:.2f} s of {BUDGET:g} s: {'MISSED' if missed(changes, alone) else 'kept'}"
    else:
        yield f"The budget is for {CHANGES:,} changes; these figures are not judged by it."


if __name__ == "__main__":
    sys.exit(main())
