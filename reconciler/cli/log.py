"""`reconcile log`: show the reports of what was applied, and check that nobody has changed them; writes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import TypedDict, Unpack, cast

import click

from reconciler.apply.history import Event, history, keys_of
from reconciler.apply.ledger import reports, verify
from reconciler.cli.clock import now
from reconciler.cli.files import refuse_folder
from reconciler.cli.options import DEFAULT_POLICY, POLICY_VARIABLE, filled
from reconciler.cli.presentation import presentation
from reconciler.cli.screen import Screen
from reconciler.errors import LogBroken, UsageError
from reconciler.model.text import shortened
from reconciler.plan.encode import Document
from reconciler.policy.load import load_policy
from reconciler.render.log import Happening, ReportData, ReportedChange, history_lines, log_lines, report_lines
from reconciler.render.look import chunked, shown
from reconciler.render.words import counted
from reconciler.state.base import Store
from reconciler.state.open import open_store

_FORMAT_VERSION = "1.0"
_LIMIT = 20
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")
_HEAD = (
    "id",
    "number",
    "began",
    "ended",
    "resumed",
    "who",
    "git_commit",
    "plan",
    "policy",
    "summary",
    "exit_code",
    "failure",
)


class LogOptions(TypedDict):
    """What the command takes."""

    report: str | None
    policy: str
    user: str | None
    limit: int
    verify: bool
    contains: str | None
    form: str


@click.command("log")
@click.argument("report", required=False, callback=filled, metavar="[ID]")
@click.option(
    "--policy",
    envvar=POLICY_VARIABLE,
    default=DEFAULT_POLICY,
    callback=filled,
    metavar="DIR",
    help="The policy folder, which says where reports are kept: by default `policies`.",
)
@click.option("--user", callback=filled, metavar="NAME", help="What happened to this person: a username, or a key.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=_LIMIT, show_default=True, help="At most so many lines; 0 for all."
)
@click.option("--verify", is_flag=True, help="Check that no report was changed, taken out or put elsewhere.")
@click.option(
    "--contains",
    callback=filled,
    metavar="DIGEST",
    help="With --verify: this report, written down elsewhere, is there.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="The form of the result.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[LogOptions]) -> int:
    """Show what was applied: when, by whom, from which plan, and what became of every change.

    Lists the reports, the newest first. With an ID, which is a report's number, its digest, or the digest of the plan
    that was applied, shows all of that one. With --user shows what happened to a person, also under earlier names.

    With --verify checks that the reports are as they were written: exits with 0, or with 10 and says what is wrong.
    """
    asked = [
        name
        for name, wanted in (("ID", given["report"]), ("--user", given["user"]), ("--verify", given["verify"]))
        if wanted
    ]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} ask for different things: give one of them.")
    if given["contains"] and not given["verify"]:
        raise UsageError("--contains is a part of --verify: give both.")
    refuse_folder(given["report"])
    loaded = load_policy(given["policy"], now().date())
    with closing(open_store(loaded.policy.state, given["policy"])) as store:
        if given["verify"]:
            return _verify(store, given["contains"] or "", given["form"], screen)
        if given["report"]:
            return _one(store, given["report"], given["form"], screen)
        if given["user"]:
            return _person(store, given["user"], given, screen)
        return _list(store, given, screen)


def _reports(store: Store, screen: Screen) -> Iterator[Document]:
    """Yield the reports, and say of each that cannot be shown that it is there."""
    return reports(
        store,
        lambda name: screen.message(
            "warning", f"{name} is not as it was written, or by a later version: see --verify."
        ),
    )


def _list(store: Store, given: LogOptions, screen: Screen) -> int:
    limit = given["limit"] or None
    found = list(islice(_reports(store, screen), limit and limit + 1))
    kept = found[:limit]
    if given["form"] == "json":
        _json(screen, {"reports": [{key: report[key] for key in _HEAD} for report in kept]})
    elif not kept:
        screen.line(f"Nothing has been applied yet, as far as {shown(store.address)} knows.")
    else:
        look = screen.look()
        screen.result(look.drawn(piece) for piece in chunked(log_lines(list(map(_data, kept)), look)))
        if len(found) > len(kept):
            screen.message("note", "There are older ones: --limit 0 shows all.")
    return 0


def _one(store: Store, wanted: str, form: str, screen: Screen) -> int:
    found = list(_matching(_reports(store, screen), wanted))
    if not found:
        raise UsageError(
            f'No report is called "{shortened(wanted, 80)}": give its number, or 6 digits or more of a digest.'
        )
    if form == "json":
        if len(found) > 1:
            raise UsageError(f"{len(found)} reports match: {_numbers(found)}. Give the number of one.")
        screen.result([json.dumps(found[0], indent=2), "\n"])
        return 0
    look = screen.look()
    for number, report in enumerate(found):
        screen.result(["\n"] if number else [])
        screen.result(look.drawn(piece) for piece in chunked(report_lines(_data(report), look)))
    return 0


def _matching(found: Iterator[Document], wanted: str) -> Iterator[Document]:
    """Yield the report of that number, or all whose own digest or whose plan's begins so: a resumed plan has several."""
    digest = _DIGEST.fullmatch(wanted)
    for report in found:
        ids = (str(report["id"]), str(report["plan"]["id"]))
        if str(report["number"]) == wanted or (digest and any(each.startswith(f"sha256:{digest[1]}") for each in ids)):
            yield report


def _person(store: Store, name: str, given: LogOptions, screen: Screen) -> int:
    events = history(_reports(store, screen), name)
    kept = events[: given["limit"] or None]
    if given["form"] == "json":
        _json(screen, {"user": shown(name), "keys": keys_of(events), "events": [_event(event) for event in kept]})
        return 0
    if not events:
        raise UsageError(f'No report names "{shortened(name, 80)}".')
    keys = keys_of(events)
    look = screen.look()
    screen.line(f"{look.paint('strong', shown(name))}  {', '.join(map(shown, keys))}")
    happenings = (Happening(_data(event.report), event.target, cast("ReportedChange", event.change)) for event in kept)
    screen.result(look.drawn(piece) for piece in chunked(f"  {line}" for line in history_lines(happenings, look)))
    if len(events) > len(kept):
        screen.message("note", f"{counted(len(events) - len(kept), 'older change')}: --limit 0 shows all.")
    return 0


def _event(event: Event) -> Document:
    report = {key: event.report[key] for key in ("id", "number", "began", "who", "git_commit")}
    return {"report": report, "target": event.target, **event.change}


def _verify(store: Store, witness: str, form: str, screen: Screen) -> int:
    verdict = verify(store, witness)
    newest = verdict.newest
    if form == "json":
        whole = {"whole": not verdict.faults, "reports": newest.number, "newest": newest.id}
        _json(screen, {**whole, "faults": [*map(shown, verdict.faults)], "notes": [*map(shown, verdict.notes)]})
        return LogBroken.exit_code if verdict.faults else 0
    for note in verdict.notes:
        screen.message("note", note)
    if verdict.faults:
        raise LogBroken("\n".join(["The reports are not as they were written:", *verdict.faults]))
    screen.line(
        f"{counted(newest.number, 'report')}, as they were written. The newest is {newest.id or 'not there yet'}."
    )
    return 0


def _json(screen: Screen, document: Document) -> None:
    screen.result([json.dumps({"format_version": _FORMAT_VERSION, **document}, indent=2), "\n"])


def _data(report: Document) -> ReportData:
    return cast("ReportData", report)  # the same data: apply/record.py wrote it, and its digest says so


def _numbers(found: Sequence[Document]) -> str:
    return ", ".join(str(report["number"]) for report in found)
