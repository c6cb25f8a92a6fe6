"""`reconcile show`: show a saved plan; reads that file and nothing else."""

from __future__ import annotations

from typing import Unpack

import click

from reconciler.cli.files import read_text
from reconciler.cli.options import filled
from reconciler.cli.presentation import presentation
from reconciler.cli.screen import Screen
from reconciler.cli.view import ViewOptions, show_origin, show_plan, view_options
from reconciler.model.text import shortened
from reconciler.plan.decode import decode


class ShowOptions(ViewOptions):
    """What the command takes."""

    plan: str


@click.command("show")
@click.argument("plan", callback=filled)
@view_options
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[ShowOptions]) -> int:
    """Show a saved plan.

    PLAN is a file that `reconcile plan --out` has written.
    """
    _, document = decode(read_text(given["plan"]), shortened(given["plan"]))
    if given["form"] == "text":
        show_origin(document, screen)
    show_plan(document, given, screen)
    return 0
