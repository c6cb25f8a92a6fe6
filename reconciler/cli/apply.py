"""`reconcile apply`: make a plan so, a saved one or a new one after asking; never anything that was not shown or saved."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict, Unpack

import click

from reconciler.apply.manner import Manner
from reconciler.apply.task import Task
from reconciler.apply.unfinished import LATEST, plan_to_resume
from reconciler.cli.applying import Applying
from reconciler.cli.clock import iso, now, real
from reconciler.cli.files import is_folder, is_missing, read_text
from reconciler.cli.options import (
    DEFAULT_POLICY,
    POLICY_VARIABLE,
    filled,
    plan_key_option,
    snapshot_option,
    target_option,
    user_option,
)
from reconciler.cli.origin import origin
from reconciler.cli.presentation import presentation
from reconciler.cli.run import RunOptions, opened_store, run_of, with_past
from reconciler.cli.screen import Screen, ask, can_ask
from reconciler.cli.stopping import stopping
from reconciler.cli.verdict import is_empty, obstacle, refused
from reconciler.cli.view import ViewOptions, plan_data, show_origin, show_plan
from reconciler.errors import StateError, UsageError
from reconciler.model.text import shortened
from reconciler.pipeline import Run, apply_plan, make_plan
from reconciler.plan.decode import decode
from reconciler.plan.encode import encode
from reconciler.render.outcome import outcome_text
from reconciler.state.base import Store
from reconciler.state.lease import this_process
from reconciler.state.lock import Terms

NOT_CONFIRMED = 130
_VIEW: ViewOptions = {"form": "text", "summary": False, "verbose": False, "max_bytes": 0, "marker": ""}
_QUESTION = 'Only "yes" is accepted. Make exactly this so? '
_STOPPED = (
    "stopped at once: what was asked for last may have been made or not, and finished batches stay.\n"
    "`reconcile apply --resume` asks what is there and goes on; before it has begun, `reconcile plan` shows what is left."
)


class ApplyOptions(TypedDict):
    """What the command takes."""

    plan: str | None
    policy: str | None
    target: tuple[str, ...]
    user: tuple[str, ...]
    snapshot: tuple[str, ...]
    auto_approve: bool
    resume: str | None
    allow_partial: bool
    max_errors: int | None
    lock_timeout: int
    plan_key: str
    commit: str | None


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
@click.option(
    "--resume",
    is_flag=False,
    flag_value=LATEST,
    callback=filled,
    metavar="[ID]",
    help="Go on with the apply that has not come to its end, or with that of this plan id.",
)
@click.option(
    "--allow-partial", is_flag=True, help="Apply what still holds where some objects are no longer as planned."
)
@click.option(
    "--max-errors",
    type=click.IntRange(min=0),
    metavar="N",
    help="How many changes may fail before the run stops; else what the policy says, or 10.",
)
@click.option(
    "--lock-timeout",
    type=click.IntRange(min=0),
    default=0,
    metavar="SECONDS",
    help="How long to wait for a target that another run works on.",
)
@plan_key_option
@click.option("--commit", callback=filled, metavar="SHA", help="Demand that PLAN was made from this commit.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[ApplyOptions]) -> int:
    """Make a plan so.

    PLAN is a file that `reconcile plan --out` has written: exactly that is applied, without a question, or nothing if
    the policy has changed since, a grant or waiver of it has ended, it is too old, or something is no longer as it was
    planned on. Without a PLAN, or with a policy folder in its place, a new one is made, shown, and applied when you type
    the word yes.
    """
    if given["plan"] and is_folder(given["plan"]) and not given["policy"]:
        given = {**given, "plan": None, "policy": given["plan"]}
    if given["resume"] and is_folder(given["resume"]) and not given["policy"]:
        given = {**given, "resume": LATEST, "policy": given["resume"]}
    if given["resume"] is not None:
        return _resumed(given["resume"], given, screen)
    if given["plan"]:
        return _saved(given["plan"], given, screen)
    if given["plan_key"] or given["commit"]:
        raise UsageError("--plan-key and --commit demand something of a saved plan: name one.")
    if not given["auto_approve"] and not can_ask():
        raise UsageError("Nobody can be asked here: give --auto-approve, or a plan saved by `reconcile plan --out`.")
    return _new(given, screen)


def _resumed(wanted: str, given: ApplyOptions, screen: Screen) -> int:
    """Go on with an apply that has not come to its end."""
    if given["plan"] or given["target"] or given["user"] or given["snapshot"]:
        raise UsageError(
            "--resume goes on with a plan as it was begun: give no other, no --target, no --user and no --snapshot."
        )
    run = _run(given, DEFAULT_POLICY, screen)
    with opened_store(run.policy, _folder(given, DEFAULT_POLICY)) as store:
        plan, document = plan_to_resume(store, wanted)
        show_origin(document, screen)
        return _carry_out(run, Task(plan, document, resumed=True), store, given, screen)


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
    with opened_store(run.policy, _folder(given, plan.policy_root)) as store:
        return _carry_out(run, Task(plan, document), store, given, screen)


def _new(given: ApplyOptions, screen: Screen) -> int:
    """Make a plan, show it, ask, apply it."""
    run = with_past(_run(given, DEFAULT_POLICY, screen), _folder(given, DEFAULT_POLICY))
    with screen.working("Reading the directory and the targets"):
        plan = make_plan(run)
    document = encode(plan)
    show_plan(document, _VIEW, screen)
    if code := obstacle(document):
        return code
    if not is_empty(document) and not given["auto_approve"] and ask(f"\n{_QUESTION}") != "yes":
        screen.message("note", "Nothing was applied.")
        return NOT_CONFIRMED
    with opened_store(run.policy, _folder(given, DEFAULT_POLICY)) as store:
        return _carry_out(run, Task(plan, document), store, given, screen)


def _folder(given: ApplyOptions, default: str) -> str:
    return given["policy"] or default


def _run(given: ApplyOptions, default: str, screen: Screen) -> Run:
    options: RunOptions = {
        "policy": _folder(given, default),
        "target": given["target"],
        "snapshot": given["snapshot"],
        "today": None,  # the real day: a grant that has ended must not be revived by whoever applies
    }
    return replace(run_of(options, screen), only=given["user"])


def _carry_out(run: Run, task: Task, store: Store, given: ApplyOptions, screen: Screen) -> int:
    task = replace(task, key=given["plan_key"], commit=given["commit"] or "")
    applying = Applying(screen)
    try:
        with stopping(screen) as stop, screen.working("Applying"), applying.ticking():
            manner = replace(_manner(run, given), watcher=applying, stop=stop)
            report = apply_plan(run, task, store, manner)
    except KeyboardInterrupt:
        screen.message("error", _STOPPED)
        return NOT_CONFIRMED
    for note in report.notes:
        screen.message("note", note)
    if report.number:
        screen.message("note", f"Report {report.number}: {report.digest}")
    if not report.targets:
        return refused(task.document)
    screen.result(["\n", *outcome_text(plan_data(task.document), report, screen.look())])
    if report.unkept:
        screen.message("error", f"What is said above is so, but no report of it was kept: {report.unkept}")
        return report.exit_code or StateError.exit_code
    return report.exit_code or refused(task.document)


def _manner(run: Run, given: ApplyOptions) -> Manner:
    """Return how the command line, and where that is silent the policy, wants plans to be applied."""
    holder, errors = this_process(), given["max_errors"]
    return Manner(
        clock=lambda: iso(now()),
        terms=Terms(holder, real, given["lock_timeout"]),
        origin=origin(),
        max_errors=run.policy.apply.max_errors if errors is None else errors,
        allow_partial=given["allow_partial"],
    )
