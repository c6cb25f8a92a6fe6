"""`reconcile schema`: print a JSON Schema for editors and other programs; reads nothing but that schema."""

from __future__ import annotations

import click

from reconciler.cli.presentation import presentation
from reconciler.cli.screen import Screen
from reconciler.policy.schemas import schema_text


@click.command("schema")
@click.argument("name", type=click.Choice(["policy", "plan", "snapshot", "report"]), default="policy")
@presentation
@click.pass_obj
def command(screen: Screen, name: str) -> int:
    """Print the JSON Schema of a policy, a plan, a snapshot or a report."""
    screen.result([schema_text(name)])
    return 0
