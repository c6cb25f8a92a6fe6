"""The three options that every command has: how messages look; never say anything themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

from reconciler.cli.screen import Screen

P = ParamSpec("P")
T = TypeVar("T")


def presentation(command: Callable[P, T]) -> Callable[P, T]:
    """Add how messages look; accepted before and after the command's name."""
    options = (
        click.option(
            "--no-color", is_flag=True, expose_value=False, callback=_no_color, help="No colour (or NO_COLOR=1)."
        ),
        click.option(
            "--log-format",
            type=click.Choice(["text", "json"]),
            expose_value=False,
            callback=_log_format,
            help="How messages on stderr look.",
        ),
        click.option(
            "--debug",
            is_flag=True,
            expose_value=False,
            callback=_debug,
            help="Show where an error came from, and each search of a directory.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _screen(context: click.Context) -> Screen:
    return context.ensure_object(Screen)


def _no_color(context: click.Context, _option: click.Parameter, given: object) -> None:
    screen = _screen(context)
    screen.colour = screen.colour and not given


def _debug(context: click.Context, _option: click.Parameter, given: object) -> None:
    screen = _screen(context)
    screen.debug = screen.debug or bool(given)


def _log_format(context: click.Context, _option: click.Parameter, given: str | None) -> None:
    if given:
        _screen(context).log_format = given
