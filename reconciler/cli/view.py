"""Show a plan document in the form asked for; never make or change one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ParamSpec, TypedDict, TypeVar, cast

import click

from reconciler.cli.screen import Screen
from reconciler.plan.encode import Document, pieces
from reconciler.render.document import PlanData
from reconciler.render.text import origin_line, plan_text

P = ParamSpec("P")
T = TypeVar("T")


class ViewOptions(TypedDict):
    """How a plan is shown."""

    form: str
    summary: bool


def view_options(command: Callable[P, T]) -> Callable[P, T]:
    """Add the form of a plan."""
    form = click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="The form of the result.",
    )
    summary = click.option(
        "--summary", is_flag=True, help="Name removals and privileged grants, count the rest by its cause (text only)."
    )
    return form(summary(command))


def show_plan(document: Document, given: ViewOptions, screen: Screen) -> None:
    """Write the plan to stdout."""
    if given["form"] == "json":
        screen.result(pieces(document))
    else:
        screen.result(plan_text(plan_data(document), replace(screen.look(), summary=given["summary"])))


def show_origin(document: Document, screen: Screen) -> None:
    """Write where a saved plan comes from to stdout."""
    screen.line(origin_line(plan_data(document)))


def plan_data(document: Document) -> PlanData:
    """Return the document as the views see it."""
    return cast("PlanData", document)  # the same data: plan/encode.py wrote it, and plan/decode.py has checked it
