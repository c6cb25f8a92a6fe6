"""The options that several commands have; never look at what they name."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from typing import ParamSpec, TypeVar

import click

from reconciler.model.text import shortened

P = ParamSpec("P")
T = TypeVar("T")
Given = TypeVar("Given", bound="str | tuple[str, ...] | None")

POLICY_VARIABLE = "RECONCILE_POLICY"
DEFAULT_POLICY = "policies"


def filled(_context: click.Context, parameter: click.Parameter, given: Given) -> Given:
    """Refuse an empty text, which most often is a shell variable that is not set: never to be taken for "not given"."""
    if "" in (given if isinstance(given, tuple) else (given,)):
        raise click.BadParameter("it is empty; is a variable of the shell not set?", param=parameter)
    return given


def policy_argument(command: Callable[P, T]) -> Callable[P, T]:
    """Add the policy folder."""
    folder = click.argument(
        "policy", envvar=POLICY_VARIABLE, default=DEFAULT_POLICY, callback=filled, metavar="[POLICY]"
    )
    return folder(command)


def target_option(command: Callable[P, T]) -> Callable[P, T]:
    """Add what narrows a run to some targets."""
    text = "Only this target; may be repeated."
    return click.option("--target", multiple=True, callback=filled, metavar="NAME", help=text)(command)


def snapshot_option(command: Callable[P, T]) -> Callable[P, T]:
    """Add what stands in for a directory."""
    text = "Read this saved directory in place of the live one; may be repeated."
    return click.option("--snapshot", multiple=True, callback=filled, metavar="FILE", help=text)(command)


def user_option(command: Callable[P, T]) -> Callable[P, T]:
    """Add what narrows a run to some people."""
    text = (
        "Only this person, by login, e-mail address, stable id or DN; may be repeated. Reads and changes nothing else."
    )
    return click.option("--user", multiple=True, callback=filled, metavar="NAME", help=text)(command)


def today_option(command: Callable[P, T]) -> Callable[P, T]:
    """Add the day that stands for today."""
    text = "Judge grants and waivers as of another day (UTC)."
    return click.option("--today", callback=_day, metavar="DATE", help=text)(command)


def until_option(command: Callable[P, T]) -> Callable[P, T]:
    """Add the last day of what is made to end."""
    text = "The last day of grants for what no directory group explains (UTC); 90 days from today by default."
    return click.option("--until", callback=_day, metavar="DATE", help=text)(command)


def plan_key_option(command: Callable[P, T]) -> Callable[P, T]:
    """Add the key that plans are signed with; the command is given the key itself, empty without the option."""
    text = "Sign the plan, or demand its signature, with the key that this environment variable holds (HMAC-SHA256)."
    return click.option("--plan-key", callback=_key, metavar="NAME", help=text)(command)


def _key(_context: click.Context, option: click.Parameter, given: str | None) -> str:
    if given is None:
        return ""
    key = os.environ.get(given, "")
    if not key:
        message = f"there is no environment variable {shortened(given, 60)}, or it is empty."
        raise click.BadParameter(message, param=option)
    return key


def _day(_context: click.Context, option: click.Parameter, given: str | None) -> date | None:
    try:
        return None if given is None else date.fromisoformat(given)
    except ValueError as error:
        raise click.BadParameter(
            f'"{shortened(str(given), 40)}" is no day; write it as 2026-12-31.', param=option
        ) from error
