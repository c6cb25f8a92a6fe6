"""`reconcile test`: check the policy's own expectations against a directory; asks no target for its live state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypedDict, Unpack

import click

from reconciler.cli.files import refuse_folder, write_text
from reconciler.cli.options import filled, policy_argument, snapshot_option, today_option
from reconciler.cli.presentation import presentation
from reconciler.cli.run import run_of
from reconciler.cli.screen import Screen
from reconciler.desired.expectations import Verdict
from reconciler.errors import PolicyError
from reconciler.expecting import check_expectations
from reconciler.model.text import shortened
from reconciler.render.problems import problems_text
from reconciler.render.tested import cases_json, junit
from reconciler.render.words import counted


class TestOptions(TypedDict):
    """What the command takes."""

    policy: str
    snapshot: tuple[str, ...]
    today: date | None
    form: str
    report: str | None


@click.command("test")
@policy_argument
@snapshot_option
@today_option
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", help="The form of the result."
)
@click.option(
    "--junit",
    "report",
    callback=filled,
    metavar="FILE",
    help="Write the result there, too, as JUnit XML, passed or not.",
)
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[TestOptions]) -> int:
    """Check the policy's own expectations.

    Each entry of `expect` says what somebody must have or must lack, or what must hold in some groups. Exits with 3 when one
    does not hold.
    """
    refuse_folder(given["report"])
    run = run_of(
        {"policy": given["policy"], "snapshot": given["snapshot"], "today": given["today"], "target": ()}, screen
    )
    with screen.working("Reading the directory"):
        verdicts = check_expectations(run)
    suite = f"reconcile test {shortened(run.policy.root)}"
    if given["report"]:
        write_text(given["report"], [junit(verdicts, suite)])
    screen.result(_written(verdicts, given["form"], suite, screen))
    return PolicyError.exit_code if any(one.failures for one in verdicts) else 0


def _written(verdicts: Sequence[Verdict], form: str, suite: str, screen: Screen) -> Iterable[str]:
    match form:
        case "json":
            return [cases_json(verdicts)]
        case "junit":
            return [junit(verdicts, suite)]
        case _:
            return _text(verdicts, screen)


def _text(verdicts: Sequence[Verdict], screen: Screen) -> Iterable[str]:
    problems = [problem for one in verdicts for problem in one.problems()]
    yield from problems_text(problems, screen.look())
    failed = sum(bool(one.failures) for one in verdicts)
    if not verdicts:
        yield screen.look().drawn("The policy expects nothing: there is no `expect` in it.\n")
    elif failed:
        yield screen.look().drawn(f"\n{counted(failed, 'expectation')} of {len(verdicts):,} not met.\n")
    else:
        yield screen.look().drawn(f"{counted(len(verdicts), 'expectation')} met.\n")
