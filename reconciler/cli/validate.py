"""`reconcile validate`: check the policy and say every problem at once; reads no server and no target."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypedDict, Unpack

import click

from reconciler import __version__
from reconciler.cli.clock import iso, now
from reconciler.cli.options import filled, policy_argument, snapshot_option, today_option
from reconciler.cli.presentation import presentation
from reconciler.cli.screen import Screen, problem_data
from reconciler.errors import PolicyError, Problem, UsageError
from reconciler.linting import Linting, lint_policy
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.text import shortened
from reconciler.policy.codes import page, registry, titles
from reconciler.policy.load import load_policy
from reconciler.policy.model import Policy
from reconciler.render.problems import problems_text, tally
from reconciler.render.reports import github, gitlab, sarif
from reconciler.render.words import counted

_FORMS = ["text", "json", "sarif", "github", "gitlab"]


class ValidateOptions(TypedDict):
    """What the command takes."""

    policy: str
    snapshot: tuple[str, ...]
    today: date | None
    form: str
    strict: bool
    explained: str | None


@click.command("validate")
@policy_argument
@snapshot_option
@today_option
@click.option("--format", "form", type=click.Choice(_FORMS), default="text", help="The form of the result.")
@click.option("--strict", is_flag=True, help="Exit with 3 for warnings, too.")
@click.option(
    "--explain", "explained", callback=filled, metavar="CODE", help="Say what a code means, and check nothing."
)
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[ValidateOptions]) -> int:
    """Check the policy and say every problem at once.

    POLICY is a folder of YAML files: `policies`, or what $RECONCILE_POLICY says. With --snapshot the rules are held against
    that directory, too. Exits with 3 when something is wrong.
    """
    if given["explained"]:
        screen.result([_page(given["explained"])])
        return 0
    moment = now()
    try:
        loaded = load_policy(given["policy"], given["today"] or moment.date())
    except PolicyError as error:
        _show(error.problems, given["form"], screen)
        _conclude(f"\nThe policy is not valid: {tally(error.problems)}.", given["form"], screen)
        return error.exit_code
    how = Linting(given["today"] or moment.date(), iso(moment), given["snapshot"])
    found = lint_policy(loaded, how)
    _show(found, given["form"], screen)
    bad = {Severity.ERROR, Severity.WARNING} if given["strict"] else {Severity.ERROR}
    if any(one.severity in bad for one in found):
        _conclude(f"\nThe policy is not valid: {tally(found)}.", given["form"], screen)
        return PolicyError.exit_code
    _conclude(_valid(loaded.policy, found), given["form"], screen)
    return 0


def _page(name: str) -> str:
    known = registry()
    code = known.get(name.upper())
    if code is None:
        close = difflib.get_close_matches(name.upper(), known, 1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise UsageError(f'No finding has the code "{shortened(name, 60)}".{hint}')
    return page(code)


def _show(problems: Sequence[Problem], form: str, screen: Screen) -> None:
    screen.result(_written(problems, form, screen))


def _written(problems: Sequence[Problem], form: str, screen: Screen) -> Iterable[str]:
    match form:
        case "json":
            return [json.dumps({"problems": [problem_data(problem) for problem in problems]}, indent=2), "\n"]
        case "sarif":
            return [sarif(problems, titles(), __version__)]
        case "github":
            return github(problems)
        case "gitlab":
            return [gitlab(problems)]
        case _:
            return problems_text(problems, screen.look())


def _conclude(text: str, form: str, screen: Screen) -> None:
    if form == "text":
        screen.line(text)


def _valid(policy: Policy, found: Sequence[Diagnostic]) -> str:
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
    beside = f" With {tally(found)}." if found else ""
    return f"{shortened(policy.root)}: the policy is valid: {', '.join(parts)}.{beside}"
