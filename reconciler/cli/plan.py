"""`reconcile plan`: show what would be changed, and why; changes nothing but the file named by --out."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Unpack

import click

from reconciler.cli.base import BaseOptions, base_options, beside
from reconciler.cli.export import located
from reconciler.cli.files import write_text
from reconciler.cli.options import (
    filled,
    plan_key_option,
    policy_argument,
    snapshot_option,
    target_option,
    today_option,
    user_option,
)
from reconciler.cli.presentation import presentation
from reconciler.cli.run import RunOptions, run_of, with_past
from reconciler.cli.screen import Screen
from reconciler.cli.verdict import CHANGES, is_empty, obstacle, refused
from reconciler.cli.view import ViewOptions, show_plan, view_options
from reconciler.comparison import plan_beside
from reconciler.errors import UsageError
from reconciler.model.plan import Plan
from reconciler.model.text import shortened
from reconciler.pipeline import make_plan
from reconciler.plan.encode import encode, pieces
from reconciler.plan.signing import signature


class PlanOptions(RunOptions, ViewOptions, BaseOptions):
    """What the command takes."""

    user: tuple[str, ...]
    out: str | None
    plan_key: str
    detailed_exitcode: bool


@click.command("plan")
@policy_argument
@target_option
@user_option
@snapshot_option
@today_option
@base_options
@click.option("--out", metavar="FILE", callback=filled, help="Save the plan, to show it or to apply exactly it later.")
@plan_key_option
@view_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there is something to change.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[PlanOptions]) -> int:
    """Show what would be changed, and why; change nothing.

    POLICY is a folder of YAML files: `policies`, or what $RECONCILE_POLICY says.
    """
    if given["plan_key"] and not given["out"]:
        raise UsageError("--plan-key signs the plan that --out saves: give both.")
    document = encode(_planned(given, screen))
    if given["plan_key"]:
        document["signature"] = signature(document, given["plan_key"])
    if given["out"]:
        write_text(given["out"], pieces(document))
    show_plan(document, given, screen)
    code = obstacle(document)
    if given["out"]:
        screen.message("note", _saved(given["out"], code))
    if not code and not refused(document) and given["detailed_exitcode"] and not is_empty(document):
        return CHANGES
    return code or refused(document)


def _planned(given: PlanOptions, screen: Screen) -> Plan:
    if given["base"]:
        located(given["policy"])  # before anything is read that a link leads to
    run, reading = run_of(given, screen), "Reading the directory and the targets"
    if given["base"] or given["base_policy"]:
        if given["user"]:
            raise UsageError("--user is about one person, and --base about a change of the policy: give one of them.")
        with beside(run, given["policy"], given, screen) as (compared, base), screen.working(reading):
            return plan_beside(compared, base)
    run = replace(with_past(run, given["policy"]), only=given["user"])
    with screen.working(reading):
        return make_plan(run)


def _saved(name: str, code: int) -> str:
    if code:
        return f"Saved to {shortened(name)}; it cannot be applied as it is."
    return f"Saved to {shortened(name)}. To make exactly this so: reconcile apply {shortened(shlex.quote(name))}"
