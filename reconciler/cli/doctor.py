"""`reconcile doctor`: try every directory and every target and say what a run would meet; changes nothing but a scratch group."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import TypedDict, Unpack

import click

from reconciler.cli.options import filled, policy_argument, target_option
from reconciler.cli.presentation import presentation
from reconciler.cli.run import check_known, run_of
from reconciler.cli.screen import Screen
from reconciler.cli.stopping import interruptible
from reconciler.directory.examine import DirectoryReport, ServerReport, examine
from reconciler.directory.ldapsearch import ldapsearch
from reconciler.directory.sources import Reading
from reconciler.errors import DirectoryError, PolicyError, TargetError, UsageError
from reconciler.model.check import Check
from reconciler.model.text import shortened
from reconciler.policy.model import Policy
from reconciler.render.checks import check_lines, checks_tally
from reconciler.render.look import Look, chunked, shown
from reconciler.render.words import counted
from reconciler.targets.base import Right, Scratch
from reconciler.targets.examine import Purpose, TargetFindings, examine_target, try_target

_FORMAT_VERSION = "1.1"


class DoctorOptions(TypedDict):
    """What the command takes."""

    policy: str
    directory: tuple[str, ...]
    target: tuple[str, ...]
    purpose: str
    contract: bool
    scratch_group: str | None
    scratch_user: tuple[str, ...]
    form: str


@click.command("doctor")
@policy_argument
@click.option(
    "--directory", multiple=True, callback=filled, metavar="NAME", help="Only this directory; may be repeated."
)
@target_option
@click.option(
    "--for",
    "purpose",
    type=click.Choice([str(purpose) for purpose in Purpose]),
    default=str(Purpose.PLAN),
    show_default=True,
    help="The command that the rights in targets are judged for.",
)
@click.option(
    "--contract", is_flag=True, help="Try on the scratch group of one --target whether it behaves as expected."
)
@click.option("--scratch-group", metavar="PATH", callback=filled, help="With --contract: a group that nobody uses.")
@click.option(
    "--scratch-user",
    multiple=True,
    metavar="NAME",
    callback=filled,
    help="With --contract: an account that may be put into that group, and be blocked for a moment; may be repeated.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="The form of the result.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[DoctorOptions]) -> int:
    """Try every directory and target, and say what a run would meet.

    Connects to every server of every directory, checks certificates, logs in, looks at what the server offers and reads everything once,
    as a run would; then shows the same searches as `ldapsearch` command lines. Reads every target, and says whether its
    credential can do what the command needs, and whether it can do more. With --directory or --target only what is named
    is looked at.

    With --contract nothing of that is done: what one target rests on is tried on a scratch group, and everything put back.

    Exits with 0 when a run could do its work, with 4 when it could not read a directory, with 5 when it could not work with
    a target, and with 3 when the policy is wrong.
    """
    run = run_of({"policy": given["policy"], "target": given["target"], "snapshot": (), "today": None}, screen)
    check_known(given["directory"], run.policy.directories, "directory", "directories")
    if given["contract"] or given["scratch_group"] or given["scratch_user"]:
        return _tried(run.policy, given, screen)
    reports, findings = [], []
    for name in _chosen(given["directory"], run.policy.directories, given["target"]):
        with screen.working(f"Examining {shortened(name)}"):
            reports.append(examine(run.policy, name, Reading(run.now, whole=True, observer=run.observer)))
    for name in _chosen(given["target"], run.policy.targets, given["directory"]):
        with screen.working(f"Examining {shortened(name)}"):
            findings.append(examine_target(run.policy, name, Purpose(given["purpose"])))
    _show(reports, findings, given["form"], screen)
    return _code([*(report.code for report in reports), *(each.code for each in findings)])


def _tried(policy: Policy, given: DoctorOptions, screen: Screen) -> int:
    """Try one target on a scratch group; raises UsageError where it is not said which on what."""
    group = given["scratch_group"]
    if not given["contract"] or not group or len(given["target"]) != 1 or given["directory"]:
        raise UsageError(
            "Trials need --contract, one --target and --scratch-group PATH, and take --scratch-user NAME; nothing else."
        )
    (name,) = given["target"]
    with screen.working(f"Trying {shortened(name)}"), interruptible():
        found = try_target(policy, name, Scratch(group, given["scratch_user"]))
    _show([], [found], given["form"], screen)
    return found.code


def _chosen(names: Sequence[str], known: Collection[str], others: Sequence[str]) -> list[str]:
    """Return what is named; everything where nothing at all is, here or among the `others`."""
    return sorted(set(names or (() if others else known)))


def _code(codes: Sequence[int]) -> int:
    """A policy to correct comes first, then a directory: the rest may follow from it."""
    families = (PolicyError.exit_code, DirectoryError.exit_code, TargetError.exit_code)
    return next((code for code in families if code in codes), 0)


def _show(reports: Sequence[DirectoryReport], findings: Sequence[TargetFindings], form: str, screen: Screen) -> None:
    if form == "json":
        document = {
            "format_version": _FORMAT_VERSION,
            "directories": [_data(report) for report in reports],
            "targets": [_target_data(each) for each in findings],
        }
        screen.result([json.dumps(document, indent=2), "\n"])
    else:
        look = screen.look()
        screen.result(look.drawn(piece) for piece in chunked(_lines(reports, findings, look)))


def _lines(reports: Sequence[DirectoryReport], findings: Sequence[TargetFindings], look: Look) -> Iterator[str]:
    for report in reports:
        yield f"{look.paint('strong', shown(report.name))}  {shown(report.kind)}"
        yield from check_lines("", report.checks, look)
        for server in report.servers:
            yield from check_lines(server.url, server.checks, look)
            yield from _searches(server, look)
        yield ""
    for each in findings:
        yield f"{look.paint('strong', shown(each.name))}  {shown(each.kind)}  {shown(each.address)}".rstrip()
        yield from check_lines("", each.checks, look)
        yield ""
    checks = [check for report in reports for check in _checks(report)] + [
        check for each in findings for check in each.checks
    ]
    counts = [(len(reports), "directory"), (len(findings), "target")]
    yield f"{', '.join(counted(count, noun) for count, noun in counts if count)}, {checks_tally(checks)}."


def _searches(server: ServerReport, look: Look) -> Iterator[str]:
    """Never cut or wrapped: they are there to be pasted."""
    if server.questions:
        yield f"    {look.paint('quiet', 'The searches of a read, to paste into a shell:')}"
        yield from (f"    {shown(ldapsearch(question))}" for question in server.questions)
    if server.further:
        more = counted(server.further, "search")
        yield f"    {look.paint('quiet', f'and {more} that followed from the answers; --debug shows every one')}"


def _checks(report: DirectoryReport) -> list[Check]:
    return [*(check for server in report.servers for check in server.checks), *report.checks]


def _data(report: DirectoryReport) -> dict[str, object]:
    return {
        "name": report.name,
        "kind": report.kind,
        "readable": not report.code,
        "checks": [_check_data(check) for check in report.checks],
        "servers": [
            {
                "url": server.url,
                "readable": not server.code,
                "checks": [_check_data(check) for check in server.checks],
                "searches": [ldapsearch(question) for question in server.questions],
                "further_searches": server.further,
            }
            for server in report.servers
        ],
    }


def _target_data(found: TargetFindings) -> dict[str, object]:
    rights = found.rights
    return {
        "name": found.name,
        "kind": found.kind,
        "address": shown(found.address),
        "usable": not found.code,
        "account": shown(rights.account) if rights else None,
        "rights": [str(right) for right in Right if rights and right in rights.can],
        "detail": shown(rights.detail) if rights else "",
        "lacks": [shown(lack) for lack in rights.lacks] if rights else [],
        "checks": [_check_data(check) for check in found.checks],
    }


def _check_data(check: Check) -> dict[str, str]:
    return {
        "name": check.name,
        "status": str(check.status),
        "what": shown(check.what),
        "way_out": shown(check.way_out),
    }
