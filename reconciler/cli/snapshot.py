"""`reconcile snapshot`: save what a directory holds, to plan from it later; asks no target."""

from __future__ import annotations

from typing import TypedDict, Unpack

import click

from reconciler.cli.files import replacing
from reconciler.cli.options import filled, policy_argument
from reconciler.cli.presentation import presentation
from reconciler.cli.run import run_of
from reconciler.cli.screen import Screen
from reconciler.directory.snapshot_file import write_snapshot
from reconciler.errors import UsageError
from reconciler.model.text import shortened
from reconciler.pipeline import take_snapshot
from reconciler.policy.model import Policy
from reconciler.render.words import counted


class SnapshotOptions(TypedDict):
    """What the command takes."""

    policy: str
    out: str
    directory: str | None


@click.command("snapshot")
@policy_argument
@click.option("--out", required=True, metavar="FILE", callback=filled, help="Where to save it.")
@click.option("--directory", metavar="NAME", help="Which directory, where the policy has several.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[SnapshotOptions]) -> int:
    """Save what a directory holds, to plan from it later.

    Only the attributes that POLICY names are read and saved, and no secrets. Plan from it with `--snapshot FILE`.
    """
    run = run_of({"policy": given["policy"], "target": (), "snapshot": (), "today": None}, screen)
    directory = _chosen(given["directory"], run.policy)
    with screen.working("Reading the directory"):
        snapshot, needs = take_snapshot(run, directory)
    with replacing(given["out"]) as place:
        write_snapshot(snapshot, needs, str(place))
    people, groups = counted(len(snapshot.people), "person"), counted(len(snapshot.groups), "group")
    screen.line(f"Saved {people} and {groups} of {shortened(directory)} to {shortened(given['out'])}.")
    for warning in snapshot.warnings:
        screen.message("warning", warning)
    return 0


def _chosen(name: str | None, policy: Policy) -> str:
    known = ", ".join(map(shortened, policy.directories)) or "none"
    if name is None and len(policy.directories) == 1:
        return next(iter(policy.directories))
    if name is None:
        raise UsageError(f"Say which directory with --directory NAME. The policy's directories: {known}.")
    if name not in policy.directories:
        raise UsageError(f'The policy has no directory "{shortened(name)}". Its directories: {known}.')
    return name
