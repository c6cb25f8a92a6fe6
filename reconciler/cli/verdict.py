"""Say as an exit code what a plan document is; never print."""

from __future__ import annotations

from reconciler.errors import DirectoryError, PlanRefused, PolicyError, TargetError
from reconciler.plan.encode import Document

CHANGES = 2


def obstacle(document: Document) -> int:
    """Return why a plan cannot be applied: a refusal first, then an error to correct, then a read; 0 where it can."""
    if document["applyable"]:
        return 0
    if document["summary"]["refused"]:
        return PlanRefused.exit_code
    if _has_errors(document):
        return PolicyError.exit_code
    return TargetError.exit_code if document["errored"] else DirectoryError.exit_code


def refused(document: Document) -> int:
    """Return how a run ends in which a guard has refused some target, 0 where none has; others may be applied all the same."""
    return PlanRefused.exit_code if document["summary"]["refused"] else 0


def is_empty(document: Document) -> bool:
    """Tell whether a plan holds no change that could be made; in a refused target none could."""
    return not any(target["changes"] and not target["refusals"] for target in document["targets"])


def _has_errors(document: Document) -> bool:
    findings = [*document["notes"], *(finding for target in document["targets"] for finding in target["diagnostics"])]
    return any(finding["severity"] == "error" for finding in findings)
