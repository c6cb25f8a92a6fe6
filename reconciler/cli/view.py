"""Show a plan document in the form asked for; never make or change one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ParamSpec, TypedDict, TypeVar, cast

import click

from reconciler.cli.screen import Screen
from reconciler.plan.encode import Document, pieces
from reconciler.render.document import PlanData
from reconciler.render.html import plan_html
from reconciler.render.markdown import COMMENT, LEAST, SUMMARY, plan_markdown
from reconciler.render.text import origin_line, plan_text
from reconciler.render.widget import plan_widget

P = ParamSpec("P")
T = TypeVar("T")


FORMS = ("text", "json", "markdown", "html", "gitlab")


class ViewOptions(TypedDict):
    """How a plan is shown."""

    form: str
    summary: bool
    verbose: bool
    max_bytes: int
    marker: str


def view_options(command: Callable[P, T]) -> Callable[P, T]:
    """Add the form of a plan."""
    form = click.option(
        "--format",
        "form",
        type=click.Choice(FORMS),
        default="text",
        show_default=True,
        help="The form of the result; markdown for pull requests, html for a browser, gitlab for its report of type terraform.",
    )
    summary = click.option(
        "--summary",
        is_flag=True,
        callback=_short_or_long,
        help="Name removals and privileged grants, count the rest by its cause (text only).",
    )
    verbose = click.option(
        "--verbose",
        is_flag=True,
        callback=_short_or_long,
        help="Say of each change its key, its values, what must still be so, and the rule's place (text only).",
    )
    most = click.option(
        "--max-bytes",
        type=click.IntRange(min=LEAST),
        default=COMMENT,
        show_default=True,
        metavar="COUNT",
        help=f"The longest that markdown may be; a job summary may have {SUMMARY}.",
    )
    marker = click.option(
        "--marker",
        default="plan",
        show_default=True,
        metavar="WORD",
        help="What markdown is found by, unseen, to replace it.",
    )
    return form(summary(verbose(most(marker(command)))))


def _short_or_long(context: click.Context, _option: click.Parameter, given: object) -> bool:
    """Refuse both before anything is read; whichever comes second sees the first."""
    if given and (context.params.get("summary") or context.params.get("verbose")):
        raise click.UsageError("--summary makes a plan shorter and --verbose longer: give one of them.")
    return bool(given)


def show_plan(document: Document, given: ViewOptions, screen: Screen) -> None:
    """Write the plan to stdout."""
    if given["form"] == "json":
        screen.result(pieces(document))
    elif given["form"] == "markdown":
        screen.result([plan_markdown(plan_data(document), given["max_bytes"], given["marker"])])
    elif given["form"] == "html":
        screen.result(plan_html(plan_data(document)))
    elif given["form"] == "gitlab":
        screen.result([plan_widget(plan_data(document))])
    else:
        look = replace(screen.look(), summary=given["summary"], verbose=given["verbose"])
        screen.result(plan_text(plan_data(document), look))


def show_origin(document: Document, screen: Screen) -> None:
    """Write where a saved plan comes from to stdout."""
    screen.line(origin_line(plan_data(document)))


def plan_data(document: Document) -> PlanData:
    """Return the document as the views see it."""
    return cast("PlanData", document)  # the same data: plan/encode.py wrote it, and plan/decode.py has checked it
