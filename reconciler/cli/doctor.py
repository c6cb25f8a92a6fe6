"""`reconcile doctor`: try every server of every directory and say what a run would meet; changes nothing, asks no target."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TypedDict, Unpack

import click

from reconciler.cli.options import filled, policy_argument
from reconciler.cli.presentation import presentation
from reconciler.cli.run import check_known, run_of
from reconciler.cli.screen import Screen
from reconciler.directory.examine import DirectoryReport, ServerReport, examine
from reconciler.directory.ldapsearch import ldapsearch
from reconciler.directory.sources import Reading
from reconciler.errors import DirectoryError, PolicyError
from reconciler.model.check import Check
from reconciler.model.text import shortened
from reconciler.policy.model import Policy
from reconciler.render.checks import check_lines, checks_tally
from reconciler.render.look import Look, chunked, shown
from reconciler.render.words import counted

_FORMAT_VERSION = "1.0"


class DoctorOptions(TypedDict):
    """What the command takes."""

    policy: str
    directory: tuple[str, ...]
    form: str


@click.command("doctor")
@policy_argument
@click.option(
    "--directory", multiple=True, callback=filled, metavar="NAME", help="Only this directory; may be repeated."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="The form of the result.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[DoctorOptions]) -> int:
    """Try every server of every directory and say what a run would meet.

    Connects, checks certificates, logs in, looks at what the server offers and reads everything once, as a run would;
    then shows the same searches as `ldapsearch` command lines. Exits with 0 when a run could read every directory, with 4
    when it could not, and with 3 when the policy is wrong.
    """
    run = run_of({"policy": given["policy"], "target": (), "snapshot": (), "today": None}, screen)
    names = _chosen(given["directory"], run.policy)
    reports = []
    for name in names:
        with screen.working(f"Examining {shortened(name)}"):
            reports.append(examine(run.policy, name, Reading(run.now, whole=True, observer=run.observer)))
    if given["form"] == "json":
        document = {"format_version": _FORMAT_VERSION, "directories": [_data(report) for report in reports]}
        screen.result([json.dumps(document, indent=2), "\n"])
    else:
        look = screen.look()
        screen.result(look.drawn(piece) for piece in chunked(_lines(reports, look)))
    return _code(reports)


def _chosen(names: Sequence[str], policy: Policy) -> list[str]:
    check_known(names, policy.directories, "directory", "directories")
    return sorted(set(names or policy.directories))


def _code(reports: Sequence[DirectoryReport]) -> int:
    """A policy to correct comes first: the rest may follow from it."""
    codes = {report.code for report in reports}
    return next((code for code in (PolicyError.exit_code, DirectoryError.exit_code) if code in codes), 0)


def _lines(reports: Sequence[DirectoryReport], look: Look) -> Iterator[str]:
    for report in reports:
        yield f"{look.paint('strong', shown(report.name))}  {shown(report.kind)}"
        yield from check_lines("", report.checks, look)
        for server in report.servers:
            yield from check_lines(server.url, server.checks, look)
            yield from _searches(server, look)
        yield ""
    tally = checks_tally([check for report in reports for check in _checks(report)])
    yield f"{counted(len(reports), 'directory')}, {tally}."


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


def _check_data(check: Check) -> dict[str, str]:
    return {
        "name": check.name,
        "status": str(check.status),
        "what": shown(check.what),
        "way_out": shown(check.way_out),
    }
