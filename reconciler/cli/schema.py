"""`reconcile schema`: print a JSON Schema for editors and other programs; reads nothing but that schema."""

from __future__ import annotations

import json

import click

from reconciler.cli.presentation import presentation
from reconciler.cli.screen import Screen
from reconciler.policy.brought import brought_kinds, schema_with
from reconciler.policy.schemas import schema_text


@click.command("schema")
@click.argument("name", type=click.Choice(["policy", "plan", "snapshot", "report"]), default="policy")
@presentation
@click.pass_obj
def command(screen: Screen, name: str) -> int:
    """Print the JSON Schema of a policy, a plan, a snapshot or a report.

    That of a policy holds the kinds of target that installed packages bring, too.
    """
    screen.result([policy_schema_text() if name == "policy" else schema_text(name)])
    return 0


def policy_schema_text() -> str:
    """Return the schema of policies with the kinds of target that installed packages bring."""
    brought = brought_kinds()
    return f"{json.dumps(schema_with(brought), indent=2)}\n" if brought else schema_text("policy")
