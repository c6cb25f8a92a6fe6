"""Tell where a policy asks for accounts or groups to be removed that its target never removes; removes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.access import Capabilities
from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.policy.model import OnMissing, TargetConfig


def impossible_removals(target: TargetConfig, can: Capabilities) -> Iterator[Diagnostic]:
    """Yield an error for each key of the target that asks for one."""
    users, groups = target.users, target.groups
    if not can.removes_users:
        for key, choice in (("when_missing", users.when_missing), ("when_disabled", users.when_disabled)):
            if choice is OnMissing.REMOVE:
                yield _error("accounts", f"users.{key}", "disable or keep", users.where)
    if not can.removes_groups and groups.when_missing is OnMissing.REMOVE:
        yield _error("groups", "groups.when_missing", "keep", groups.where)


def _error(things: str, key: str, instead: str, where: Position | None) -> Diagnostic:
    summary = f"This target removes no {things}, and {key} is remove."
    return Diagnostic(Severity.ERROR, "REMOVAL-UNKNOWN", summary, f"Write {instead}.", where, subject=key)
