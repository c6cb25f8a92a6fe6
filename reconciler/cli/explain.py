"""`reconcile explain`: say what somebody has, should have, or lost, and by which rule; changes nothing."""

from __future__ import annotations

import json
import os
from datetime import date
from typing import TypedDict, Unpack

import click

from reconciler.cli.files import read_text
from reconciler.cli.options import DEFAULT_POLICY, POLICY_VARIABLE, filled, snapshot_option, target_option, today_option
from reconciler.cli.presentation import presentation
from reconciler.cli.run import RunOptions, run_of, with_past
from reconciler.cli.screen import Screen
from reconciler.directory.sources import Reading
from reconciler.errors import TargetUnreachable, UsageError
from reconciler.explain.answer import explain_group, explain_person
from reconciler.explain.ask import Question
from reconciler.explain.saved import explain_saved
from reconciler.model.text import shortened
from reconciler.pipeline import chosen_targets
from reconciler.plan.decode import decode
from reconciler.plan.encode import Document
from reconciler.render.explained import explained_text


class ExplainOptions(TypedDict):
    """What the command takes."""

    words: tuple[str, ...]
    group: str
    target: tuple[str, ...]
    snapshot: tuple[str, ...]
    today: date | None
    offline: bool
    plan: str | None
    form: str


@click.command("explain")
@click.argument("words", nargs=-1, callback=filled, metavar="[NAME] [POLICY]")
@click.option(
    "--group", default="", metavar="NAME", help="This target group: with NAME, only that; alone, everybody in it."
)
@target_option
@snapshot_option
@today_option
@click.option("--offline", is_flag=True, help="Ask no target: say only what should be.")
@click.option("--plan", metavar="FILE", callback=filled, help="Look into this saved plan, and nowhere else.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="The form of the result.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[ExplainOptions]) -> int:
    """Say what somebody has, should have, or lost, and by which rule.

    NAME is a login, an e-mail address, a stable id or a DN; without it, --group says what to look at. POLICY is a folder of
    YAML files: `policies`, or what $RECONCILE_POLICY says. Changes nothing.
    """
    name, folder = _words(given["words"], given["group"], saved=given["plan"] is not None)
    document = _saved(given["plan"], name, given) if given["plan"] else _asked(name, folder, given, screen)
    if given["form"] == "json":
        screen.result([json.dumps(document, indent=2), "\n"])
    else:
        screen.result(explained_text(document, screen.look()))
    errors = any(target["error"] for target in document["targets"])
    return TargetUnreachable.exit_code if errors else 0


def _words(words: tuple[str, ...], group: str, *, saved: bool) -> tuple[str, str]:
    """Return whom the words name and the policy folder; with --group a single word that is a folder is the policy."""
    default = os.environ.get(POLICY_VARIABLE) or DEFAULT_POLICY
    if len(words) > 1 + (not saved):
        raise UsageError(f'There is no use for "{shortened(words[-1])}": NAME and POLICY are all that is taken.')
    if len(words) == 1 and group and not saved and os.path.isdir(words[0]):  # noqa: PTH112 - one question, no Path wanted
        return "", words[0]
    if not words and not group:
        raise UsageError("Say whom it is about: reconcile explain NAME, or --group NAME for everybody in a group.")
    return (words[0] if words else ""), (words[1] if len(words) > 1 else default)


def _saved(plan: str, name: str, given: ExplainOptions) -> Document:
    _, document = decode(read_text(plan), shortened(plan))
    return explain_saved(document, name, given["group"], given["target"])


def _asked(name: str, folder: str, given: ExplainOptions, screen: Screen) -> Document:
    run = run_of(
        RunOptions(policy=folder, target=given["target"], snapshot=given["snapshot"], today=given["today"]), screen
    )
    if not given["offline"]:
        run = with_past(run, folder)
    how = Reading(run.now, whole=True, observer=run.observer)
    question = Question(
        run.policy, chosen_targets(run), run.snapshots, run.today, how, run.past, live=not given["offline"]
    )
    with screen.working("Reading the directory" if given["offline"] else "Reading the directory and the targets"):
        if name:
            return explain_person(question, name, given["group"])
        return explain_group(question, given["group"])
