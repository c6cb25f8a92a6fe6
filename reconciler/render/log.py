"""Show reports: a line for each, one in full, or what happened to a person; know nothing but report documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypedDict

from reconciler.render.document import ChangeData, DirectoryData, FindingData, PolicyData, RefusalData
from reconciler.render.look import Look, cells, padded, shown
from reconciler.render.rows import SIGNS, STYLES, subject, verb
from reconciler.render.words import cause, counted, place

_RESULTS: Mapping[int, str] = {
    0: "applied",
    1: "broke off",
    5: "failed",
    7: "in part",
    8: "stale",
    9: "lost its lock",
    130: "interrupted",
}
_ID = 12  # hexadecimal digits of a digest that people are shown in a list


class ReportedChange(ChangeData):
    """One change and what became of it."""

    status: str
    message: str


class ReportedTarget(TypedDict):
    """One target's part."""

    name: str
    address: str
    error: str
    earlier: int
    requests: dict[str, int]
    guards_off: list[str]
    waivers: list[FindingData]
    refusals: list[RefusalData]
    withheld: int
    changes: list[ReportedChange]


class OriginData(TypedDict):
    """Who ran it, and where."""

    user: str
    host: str
    pid: int
    actor: str
    system: str
    run: str
    url: str


class AppliedPlan(TypedDict):
    """The plan that was applied."""

    id: str
    created_at: str
    today: str


class ReportData(TypedDict):
    """One report."""

    id: str
    number: int
    previous: str
    version: str
    resumed: bool
    began: str
    ended: str
    who: OriginData
    git_commit: str
    plan: AppliedPlan
    policy: PolicyData
    directories: list[DirectoryData]
    targets: list[ReportedTarget]
    summary: dict[str, int]
    notes: list[str]
    exit_code: int
    failure: str


class Happening(NamedTuple):
    """One change of one person."""

    report: ReportData
    target: str
    change: ReportedChange


def log_lines(reports: Sequence[ReportData], look: Look) -> Iterator[str]:
    """Return one line per report, in columns: number, when, how it ended, what was made, who, which plan."""
    rows = [
        (str(each["number"]), _time(each["began"]), _result(each), _made(each["summary"]), _who(each))
        for each in reports
    ]
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    for report, row in zip(reports, rows, strict=True):
        number, *rest = row
        columns = [number.rjust(widths[0]), *map(padded, rest, widths[1:])]
        columns[2] = look.paint("good" if report["exit_code"] == 0 else "error", columns[2])
        yield "  ".join([*columns, f"plan {_short(report['plan']['id'])}"])


def report_lines(report: ReportData, look: Look) -> Iterator[str]:
    """Return all of one report, every change on a line of its own."""
    yield look.paint("strong", f"Report {report['number']}  {shown(report['id'])}")
    facts = list(_facts(report))
    width = max(len(name) for name, _ in facts)
    yield from (f"  {name.ljust(width)}  {text}" for name, text in facts)
    for target in report["targets"]:
        yield ""
        yield f"{look.paint('strong', shown(target['name']))}  {shown(target['address'])}"
        yield from _of_target(target, look)
    yield ""
    yield _counts(report["summary"])


def history_lines(happenings: Iterable[Happening], look: Look) -> Iterator[str]:
    """Return one line per change: when, in which report, in which target, what, why, and what became of it."""
    for report, target, change in happenings:
        yield f"{_time(report['began'])}  report {report['number']}  {shown(target)}  {_change(change, look)}"


def _facts(report: ReportData) -> Iterator[tuple[str, str]]:
    who, policy, plan = report["who"], report["policy"], report["plan"]
    yield "began", f"{_time(report['began'], seconds=True)}, ended {_time(report['ended'], seconds=True)}"
    yield "by", f"{_who(report)}, process {who['pid']}, reconcile {shown(report['version'])}"
    if who["system"]:
        yield "run", " ".join(filter(None, (shown(who["system"]), shown(who["run"]), shown(who["url"]))))
    yield "plan", f"{shown(plan['id'])}, made {_time(plan['created_at'], seconds=True)}"
    commit = report["git_commit"] or "no commit"
    yield "policy", f"{shown(policy['root'])} at {shown(commit)}, {shown(policy['digest'])}"
    for directory in report["directories"]:
        yield "directory", f"{shown(directory['name'])}: {shown(directory['source'])}, {shown(directory['digest'])}"
    yield "result", f"{_result(report)}, exit code {report['exit_code']}{', resumed' if report['resumed'] else ''}"
    if report["failure"]:
        yield "failure", shown(report["failure"])
    yield from (("note", shown(note)) for note in report["notes"])
    yield "follows", shown(report["previous"]) or "nothing: it is the first"


def _of_target(target: ReportedTarget, look: Look) -> Iterator[str]:
    if target["error"]:
        yield "  " + look.paint("refused", f"! {shown(target['error'])}")
    yield from ("  " + look.paint("refused", f"! {shown(refusal['summary'])}") for refusal in target["refusals"])
    yield from (
        "  " + look.paint("warning", shown(f"{each['summary']} {each['detail']}")) for each in target["waivers"]
    )
    if target["guards_off"]:
        yield "  " + look.paint("warning", f"guards switched off: {', '.join(map(shown, target['guards_off']))}")
    yield from (f"  {_change(change, look)}" for change in target["changes"])
    if target["earlier"]:
        yield f"  {counted(target['earlier'], 'change')} had been made by the run that this one resumed"
    if target["withheld"]:
        yield f"  {counted(target['withheld'], 'change')} held back"
    if target["requests"]:
        yield f"  requests: {', '.join(f'{shown(kind)} {count:,}' for kind, count in target['requests'].items())}"


def _change(change: ReportedChange, look: Look) -> str:
    sign = SIGNS.get(change["type"], "~")
    group = f"{shown(change['group'] or '')}  " if change["type"].startswith("membership.") else ""
    what = look.paint(STYLES[sign], f"{sign} {group}{subject(change)}  {verb(change)}")
    why = "; ".join(filter(None, (cause(change["reason"]), place(change["reason"]))))
    applied, message = change["status"] == "applied", f": {shown(change['message'])}" if change["message"] else ""
    if applied and not message:
        return f"{what}  ({why})"
    return f"{what}  ({why})  {look.paint('warning' if applied else 'error', shown(change['status']))}{message}"


def _result(report: ReportData) -> str:
    code = report["exit_code"]
    if code == 0 and not any(report["summary"].values()):
        return "no changes"
    return _RESULTS.get(code, f"exit {code}")


def _made(summary: Mapping[str, int]) -> str:
    return ", ".join(f"{summary[word]:,} {word}" for word in ("added", "changed", "removed"))


def _counts(summary: Mapping[str, int]) -> str:
    unmade = [f"{summary[word]:,} {word}" for word in ("failed", "stale", "unknown", "skipped") if summary[word]]
    rest = f" Not applied: {', '.join(unmade)}." if unmade else ""
    return f"Applied: {_made(summary)}.{rest}"


def _who(report: ReportData) -> str:
    who = report["who"]
    account = f"{who['user']}@{who['host']}"
    return shown(f"{who['actor']} ({account})" if who["actor"] else account)


def _time(text: str, *, seconds: bool = False) -> str:
    return f"{shown(text[:19] if seconds else text[:16]).replace('T', ' ')} UTC"


def _short(digest: str) -> str:
    return shown(digest.removeprefix("sha256:")[:_ID])
