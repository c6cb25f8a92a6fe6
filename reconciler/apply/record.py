"""Turn what became of a plan into the report that is kept: a document that says who, what, when and why; pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

from reconciler import __version__
from reconciler.apply.report import Report, TargetReport
from reconciler.errors import PlanRefused
from reconciler.model.text import shortened
from reconciler.plan.encode import Document
from reconciler.plan.summary import verb_of
from reconciler.targets.base import Status

FORMAT_VERSION = "1.0"
_NOT_TRIED = "not tried"
_WAIVED = "WAIVER-USED"
_LONGEST = 2000  # characters of one message of a target
_OF_A_CHANGE = ("type", "user", "group", "have", "want", "reason", "flag", "setting")


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended a run that has no other report of itself, in words and as the exit code that it ends with."""

    message: str
    exit_code: int


def record(document: Document, report: Report, failure: Failure | None = None) -> Document:
    """Return the report of one run as it is kept, not yet in the chain: it has no number and no id.

    `document` is the plan as `encode` has it; a target that `report` says nothing of was not tried. `failure` is what ended
    the run, where something did.
    """
    endings = {target.name: target for target in report.targets}
    return {
        "format_version": FORMAT_VERSION,
        "version": __version__,
        "resumed": report.resumed,
        "began": report.began,
        "ended": report.ended,
        "who": asdict(report.origin),
        "git_commit": report.git_commit,
        "plan": {key: document[key] for key in ("id", "created_at", "today")},
        "policy": document["policy"],
        "directories": document["directories"],
        "targets": [_target(section, endings.get(section["name"])) for section in document["targets"]],
        "summary": _summary(document, report),
        "notes": [shortened(note, _LONGEST) for note in report.notes],
        "interrupted": report.interrupted,
        "exit_code": failure.exit_code if failure else report.exit_code or _refused(document),
        "failure": shortened(failure.message, _LONGEST) if failure else "",
    }


def _refused(document: Document) -> int:
    """Return how a run ends that went well where it was let, while a guard refused another target."""
    return PlanRefused.exit_code if document["summary"]["refused"] else 0


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
        "earlier": ending.earlier if ending else 0,
        "batches": [asdict(batch) for batch in ending.batches] if ending else [],
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
        "unknown": statuses[Status.UNKNOWN],
        "skipped": statuses[Status.SKIPPED] + untold,
    }
