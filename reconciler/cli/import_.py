"""`reconcile import`: write rules for what a target holds already; changes nothing but the new file named by --out."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, TypedDict, Unpack

import click

from reconciler.adoption.draft import Draft, Manner
from reconciler.cli.files import is_folder, is_missing, write_new
from reconciler.cli.options import filled, policy_argument, snapshot_option, today_option, until_option
from reconciler.cli.presentation import presentation
from reconciler.cli.run import run_of, with_past
from reconciler.cli.screen import Screen
from reconciler.cli.verdict import CHANGES
from reconciler.errors import UsageError
from reconciler.importing import Imported, Order, import_rules
from reconciler.model.change import type_name
from reconciler.model.diagnostic import Severity
from reconciler.model.plan import TargetPlan
from reconciler.model.text import shortened
from reconciler.plan.subject import named
from reconciler.render.words import counted

_TERM = timedelta(days=90)
_SUFFIXES = frozenset({".yaml", ".yml"})
_WHY = {
    "user.create": "a link of the target's own, or a rule that was there before, names people without an account",
    "user.update": "the directory says otherwise (users.sync, users.username)",
    "user.enable": "the entry is there and enabled",
    "user.disable": "the entry is gone or disabled (users.when_missing, users.when_disabled)",
    "user.remove": "the entry is gone or disabled (users.when_missing, users.when_disabled)",
    "user.flag": "admin_group or external_groups say otherwise",
    "membership.add": "a link of the target's own, or a rule that was there before, gives it",
    "membership.change": "a link of the target's own, a rule that was there before, or a role above gives another",
    "membership.remove": "no directory group explains it, or a rule that was there before takes it",
}


class ImportOptions(TypedDict):
    """What the command takes."""

    policy: str
    target: str
    snapshot: tuple[str, ...]
    today: date | None
    until: date | None
    leftovers: Literal["grants", "list"]
    ignore_absent: bool
    out: str | None
    detailed_exitcode: bool


@click.command("import")
@policy_argument
@click.option("--target", required=True, callback=filled, metavar="NAME", help="The target whose live state is taken.")
@snapshot_option
@today_option
@until_option
@click.option(
    "--leftovers",
    type=click.Choice(["grants", "list"]),
    default="grants",
    help="What becomes of roles that no directory group explains: grants that end, or comments; then they are taken away.",
)
@click.option(
    "--ignore-absent",
    is_flag=True,
    help="People without an account there do not speak against a directory group that they are in.",
)
@click.option("--out", metavar="FILE", callback=filled, help="A new file in the policy folder, in place of stdout.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when the first plan is not empty.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[ImportOptions]) -> int:
    """Write rules for what a target holds already.

    The first plan by them is empty, or it is said why not. POLICY is a folder of YAML files that names the directory and
    the target. Nothing is changed anywhere.
    """
    file = _file_of(given)
    run = run_of(
        {
            "policy": given["policy"],
            "target": (given["target"],),
            "snapshot": given["snapshot"],
            "today": given["today"],
        },
        screen,
    )
    until = given["until"] or run.today + _TERM
    if until < run.today:
        raise UsageError(f"--until: {until} is over; grants that end before they begin keep nothing.")
    manner = Manner(run.today, until, grants=given["leftovers"] == "grants")
    order = Order(with_past(run, given["policy"]), given["policy"], file, manner, given["ignore_absent"])
    with screen.working("Reading the directory and the target"):
        imported = import_rules(order)
    if given["out"]:
        write_new(given["out"], imported.text)
    else:
        screen.result([imported.text])
    _say(imported, manner, given["out"], screen)
    return CHANGES if given["detailed_exitcode"] and not imported.empty else 0


def _file_of(given: ImportOptions) -> str:
    """Return the new file's name in the policy folder; raises UsageError where the policy would not read it."""
    out, policy = given["out"], given["policy"]
    if out is None:
        return f"imported-{given['target']}.yaml"
    if not is_missing(out):
        raise UsageError(f"{shortened(out)} is there already, and nothing is overwritten: name another file.")
    place, folder = Path(out).resolve(), Path(policy).resolve()
    if not is_folder(policy) or not place.is_relative_to(folder) or not is_folder(str(place.parent)):
        raise UsageError(f"--out names a file in the policy folder {shortened(policy)}, in a folder that is there.")
    name = place.relative_to(folder)
    if place.suffix.lower() not in _SUFFIXES or any(part.startswith(".") for part in name.parts):
        raise UsageError(
            f"{shortened(out)} would not be read: a policy's files end in .yaml, and no name starts with a dot."
        )
    return name.as_posix()


def _say(imported: Imported, manner: Manner, out: str | None, screen: Screen) -> None:
    """Say what was found, where it is, and what the first plan with it does."""
    if out:
        screen.message("note", f"Saved to {shortened(out)}.")
    screen.message("note", _found(imported.draft, manner))
    section = imported.section
    if imported.empty:
        screen.message("note", "The first plan with it is empty.")
    else:
        screen.message("warning", "The first plan with it is not empty:")
        for line in _left(section):
            screen.message("warning", line)
    if section.withheld:
        what = "1 change is" if len(section.withheld) == 1 else f"{len(section.withheld):,} changes are"
        first = section.withheld[0]
        screen.message("note", f"{what} held back in it, such as {shortened(named(first.change))} ({first.hold}).")


def _found(draft: Draft, manner: Manner) -> str:
    links = sum(len(group.links) for group in draft.groups)
    held = sum(len(group.held) for group in draft.groups)
    kept = f"as grants until {manner.until}" if manner.grants else "in comments, and lost with the first plan"
    parts = [
        f"{counted(len(draft.groups), 'group')}, {counted(links, 'link')}",
        f"{counted(held, 'role')} explained by none, {kept}" if held else "",
        f"{counted(len(draft.protected), 'account')} protected" if draft.protected else "",
        f"{counted(len(draft.left_out), 'group')} left out" if draft.left_out else "",
    ]
    return f"Found {'; '.join(filter(None, parts))}."


def _left(section: TargetPlan) -> list[str]:
    """Return what is left to do, by kind, and why."""
    count = Counter(type_name(change) for change in section.changes)
    first = {type_name(change): change for change in reversed(section.changes)}
    lines = [
        f"{kind}: {number:,}, such as {shortened(named(first[kind]))}" + (f"; {_WHY[kind]}" if kind in _WHY else "")
        for kind, number in sorted(count.items())
    ]
    lines += [f"refused: {shortened(refusal.summary)}" for refusal in section.refusals]
    return lines + [finding.line() for finding in section.diagnostics if finding.severity is Severity.ERROR]
