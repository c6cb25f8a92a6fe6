"""`reconcile test`: check the policy's own expectations against a directory; asks no target for its live state."""

from __future__ import annotations

from datetime import date
from typing import TypedDict, Unpack

import click

from reconciler.cli.options import policy_argument, snapshot_option, today_option
from reconciler.cli.presentation import presentation
from reconciler.cli.run import run_of
from reconciler.cli.screen import Screen
from reconciler.errors import PolicyError
from reconciler.pipeline import check_expectations
from reconciler.render.problems import problems_text
from reconciler.render.words import counted


class TestOptions(TypedDict):
    """What the command takes."""

    policy: str
    snapshot: tuple[str, ...]
    today: date | None


@click.command("test")
@policy_argument
@snapshot_option
@today_option
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[TestOptions]) -> int:
    """Check the policy's own expectations.

    Each entry of `expect` says what somebody must have, or must lack. Exits with 3 when one does not hold.
    """
    run = run_of({**given, "target": ()}, screen)
    expected = len(run.policy.expect)
    if not expected:
        screen.line("The policy expects nothing: there is no `expect` in it.")
        return 0
    with screen.working("Reading the directory"):
        failures = check_expectations(run)
    if failures:
        screen.result(problems_text(failures, screen.look()))
        screen.line(f"\n{counted(len(failures), 'expectation')} of {expected:,} not met.")
        return PolicyError.exit_code
    screen.line(f"{counted(expected, 'expectation')} met.")
    return 0
