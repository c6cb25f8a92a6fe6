"""Turn what became of a plan into the report that is kept: a document that says who, what, when and why; pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Literal

from reconciler.apply.report import Report, TargetReport
from reconciler.model.text import shortened
from reconciler.plan.encode import Document
from reconciler.plan.summary import verb_of
from reconciler.targets.base import Status

FORMAT_VERSION = "1.0"
_NOT_TRIED = "not tried"
_WAIVED = "WAIVER-USED"
_LONGEST = 2000  # characters of one message of a target
_OF_A_CHANGE = ("type", "user", "group", "have", "want", "reason", "flag")


@dataclass(frozen=True, slots=True)
class Author:
    """Who ran it, and where: the account and the machine, and what the CI system says of itself, empty outside of one.

    `actor` is the person whom that system names, `run` its own name for the run, `url` where to look at it.
    """

    user: str
    host: str
    pid: int
    actor: str = ""
    system: str = ""
    run: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """How a run went. Times are ISO 8601 UTC; `git_commit` is that of the policy folder as it was applied from.

    `failure` is what ended the run before any change was tried, empty where it went on.
    """

    command: Literal["apply", "resume"]
    version: str  # of this program
    started_at: str
    ended_at: str
    milliseconds: int
    exit_code: int
    git_commit: str = ""
    failure: str = ""


def record(document: Document, report: Report, author: Author, course: Course) -> Document:
    """Return the report of one run, not yet in the chain: it has no number and no id.

    `document` is the plan as `encode` has it; a target that `report` says nothing of was not tried.
    """
    endings = {target.name: target for target in report.targets}
    return {
        "format_version": FORMAT_VERSION,
        "command": course.command,
        "version": course.version,
        "started_at": course.started_at,
        "ended_at": course.ended_at,
        "milliseconds": course.milliseconds,
        "who": asdict(author),
        "git_commit": course.git_commit,
        "plan": {key: document[key] for key in ("id", "created_at", "today")},
        "policy": document["policy"],
        "directories": document["directories"],
        "targets": [_target(section, endings.get(section["name"])) for section in document["targets"]],
        "summary": _summary(document, report),
        "exit_code": course.exit_code,
        "failure": shortened(course.failure, _LONGEST),
    }


def _target(section: Document, ending: TargetReport | None) -> Document:
    changes = section["changes"]
    outcomes = ending.outcomes if ending else ()
    endings = [(str(outcome.status), shortened(outcome.message, _LONGEST)) for outcome in outcomes]
    endings = endings or [(str(Status.SKIPPED), _NOT_TRIED)] * len(changes)
    return {
        "name": section["name"],
        "kind": section["kind"],
        "address": section["address"],
        "directory": section["directory"],
        "error": shortened(ending.error, _LONGEST) if ending else section["error"],
        "milliseconds": ending.milliseconds if ending else 0,
        "requests": dict(sorted(ending.requests.items())) if ending else {},
        "guards_off": section["guards_off"],
        "waivers": [finding for finding in section["diagnostics"] if finding["code"] == _WAIVED],
        "refusals": section["refusals"],
        "withheld": len(section["withheld"]),
        "changes": [_change(change, *end) for change, end in zip(changes, endings, strict=True)],
    }


def _change(change: Document, status: str, message: str) -> Document:
    """The precondition stays behind: it says again what the live state was, which `have` does."""
    kept = {key: change[key] for key in _OF_A_CHANGE if key in change}
    return {**kept, "status": status, "message": message}


def _summary(document: Document, report: Report) -> Document:
    """Count what was made, as the last line of an apply does, and what was not."""
    outcomes = [outcome for target in report.targets for outcome in target.outcomes]
    made = Counter(verb_of(outcome.change) for outcome in outcomes if outcome.status is Status.APPLIED)
    statuses = Counter(outcome.status for outcome in outcomes)
    untold = sum(len(section["changes"]) for section in document["targets"]) - len(outcomes)
    return {
        "added": made["add"],
        "changed": made["change"],
        "removed": made["remove"],
        "failed": statuses[Status.FAILED],
        "stale": statuses[Status.STALE],
        "skipped": statuses[Status.SKIPPED] + untold,
    }
