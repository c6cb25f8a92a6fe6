"""`reconcile validate`: check the policy and say every problem at once; reads no directory and no target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import TypedDict, Unpack

import click

from reconciler.cli.clock import now
from reconciler.cli.options import policy_argument, today_option
from reconciler.cli.presentation import presentation
from reconciler.cli.screen import Screen, problem_data
from reconciler.errors import PolicyError, Problem
from reconciler.model.text import shortened
from reconciler.policy.load import load_policy
from reconciler.policy.model import Policy
from reconciler.render.problems import problems_text, tally
from reconciler.render.words import counted


class ValidateOptions(TypedDict):
    """What the command takes."""

    policy: str
    today: date | None
    form: str


@click.command("validate")
@policy_argument
@today_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="The form of the result.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[ValidateOptions]) -> int:
    """Check the policy and say every problem at once.

    POLICY is a folder of YAML files: `policies`, or what $RECONCILE_POLICY says. Exits with 3 when something is wrong.
    """
    try:
        loaded = load_policy(given["policy"], given["today"] or now().date())
    except PolicyError as error:
        _show(error.problems, given["form"], screen)
        if given["form"] == "text":
            screen.line(f"\nThe policy is not valid: {tally(error.problems)}.")
        return error.exit_code
    _show(loaded.warnings, given["form"], screen)
    if given["form"] == "text":
        screen.line(_valid(loaded.policy))
    return 0


def _show(problems: Sequence[Problem], form: str, screen: Screen) -> None:
    if form == "json":
        screen.result([json.dumps({"problems": [problem_data(problem) for problem in problems]}, indent=2), "\n"])
    else:
        screen.result(problems_text(problems, screen.look()))


def _valid(policy: Policy) -> str:
    rules = [rule for groups in policy.groups.values() for rule in groups.values()]
    parts = [
        counted(len(policy.files), "file"),
        counted(len(policy.directories), "directory"),
        counted(len(policy.targets), "target"),
        counted(len(rules), "group"),
        counted(sum(len(rule.links) for rule in rules), "link"),
        counted(sum(len(rule.grants) for rule in rules), "grant"),
        counted(sum(map(len, policy.imports.values())), "import"),
        counted(len(policy.expect), "expectation"),
    ]
    return f"{shortened(policy.root)}: the policy is valid: {', '.join(parts)}."
