"""`reconcile apply`: make a plan so, a saved one or a new one after asking; never anything that was not shown or saved."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict, Unpack

import click

from reconciler.cli.files import is_folder, is_missing, read_text
from reconciler.cli.options import DEFAULT_POLICY, POLICY_VARIABLE, filled, snapshot_option, target_option, user_option
from reconciler.cli.presentation import presentation
from reconciler.cli.run import RunOptions, run_of
from reconciler.cli.screen import Screen, ask, can_ask
from reconciler.cli.verdict import is_empty, obstacle
from reconciler.cli.view import ViewOptions, plan_data, show_origin, show_plan
from reconciler.errors import UsageError
from reconciler.model.plan import Plan
from reconciler.model.text import shortened
from reconciler.pipeline import Run, apply_plan, make_plan
from reconciler.plan.decode import decode
from reconciler.plan.encode import Document, encode
from reconciler.render.outcome import outcome_text

NOT_CONFIRMED = 130
_VIEW: ViewOptions = {"form": "text", "summary": False}
_QUESTION = 'Only "yes" is accepted. Make exactly this so? '
_INTERRUPTED = (
    "interrupted while applying: finished batches stay, the one at work was rolled back or is undone by its target.\n"
    "`reconcile plan` shows what is left."
)


class ApplyOptions(TypedDict):
    """What the command takes."""

    plan: str | None
    policy: str | None
    target: tuple[str, ...]
    user: tuple[str, ...]
    snapshot: tuple[str, ...]
    auto_approve: bool


@click.command("apply")
@click.argument("plan", required=False, callback=filled)
@click.option(
    "--policy",
    envvar=POLICY_VARIABLE,
    callback=filled,
    metavar="DIR",
    help="The policy folder: by default the one that PLAN was made from, without a PLAN `policies`.",
)
@target_option
@user_option
@snapshot_option
@click.option("--auto-approve", is_flag=True, help="Do not ask; needed where nobody can answer.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[ApplyOptions]) -> int:
    """Make a plan so.

    PLAN is a file that `reconcile plan --out` has written: exactly that is applied, without a question, or nothing if
    the policy has changed since, or a grant or waiver of it has ended. Without a PLAN, or with a policy folder in its
    place, a new one is made, shown, and applied when you type the word yes.
    """
    if given["plan"] and is_folder(given["plan"]) and not given["policy"]:
        given = {**given, "plan": None, "policy": given["plan"]}
    if given["plan"]:
        return _saved(given["plan"], given, screen)
    if not given["auto_approve"] and not can_ask():
        raise UsageError("Nobody can be asked here: give --auto-approve, or a plan saved by `reconcile plan --out`.")
    return _new(given, screen)


def _saved(name: str, given: ApplyOptions, screen: Screen) -> int:
    """Apply a saved plan."""
    if given["target"] or given["snapshot"] or given["user"]:
        raise UsageError(
            "A saved plan says what it concerns: give --target, --user and --snapshot to `reconcile plan`."
        )
    if is_folder(name):
        raise UsageError(f"{shortened(name)} is a folder, not a plan, and --policy names another.")
    plan, document = decode(read_text(name), shortened(name))
    show_origin(document, screen)
    if code := obstacle(document):
        screen.message("error", f"{shortened(name)} cannot be applied; `reconcile show {shortened(name)}` says why.")
        return code
    if not given["policy"] and is_missing(plan.policy_root):
        raise UsageError(
            f"{shortened(name)} was made from {shortened(plan.policy_root)}, and there is no such folder here: "
            "name it with --policy DIR."
        )
    run = _run(given, plan.policy_root, screen)
    return _carry_out(run, plan, document, screen)


def _new(given: ApplyOptions, screen: Screen) -> int:
    """Make a plan, show it, ask, apply it."""
    run = _run(given, DEFAULT_POLICY, screen)
    with screen.working("Reading the directory and the targets"):
        plan = make_plan(run)
    document = encode(plan)
    show_plan(document, _VIEW, screen)
    if code := obstacle(document):
        return code
    if is_empty(document):
        return 0
    if not given["auto_approve"] and ask(f"\n{_QUESTION}") != "yes":
        screen.message("note", "Nothing was applied.")
        return NOT_CONFIRMED
    return _carry_out(run, plan, document, screen)


def _run(given: ApplyOptions, default: str, screen: Screen) -> Run:
    options: RunOptions = {
        "policy": given["policy"] or default,
        "target": given["target"],
        "snapshot": given["snapshot"],
        "today": None,  # the real day: a grant that has ended must not be revived by whoever applies
    }
    return replace(run_of(options, screen), only=given["user"])


def _carry_out(run: Run, plan: Plan, document: Document, screen: Screen) -> int:
    try:
        with screen.working("Applying"):
            report = apply_plan(run, plan, document["id"])
    except KeyboardInterrupt:
        screen.message("error", _INTERRUPTED)
        return NOT_CONFIRMED
    if is_empty(document):
        return 0
    screen.result(["\n", *outcome_text(plan_data(document), report.targets, screen.look())])
    return report.exit_code
