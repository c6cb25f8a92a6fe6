"""Find out whether a command could work with a target, and whether its credential can do more than that.

Only trials write, on the scratch group that they are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.errors import TargetError, UsageError
from reconciler.model.access import GroupKey, Scope, State
from reconciler.model.check import Check, Status
from reconciler.model.known_link import KnownLink
from reconciler.model.text import shortened
from reconciler.policy.model import Policy
from reconciler.targets.base import Importing, Right, Rights, Scratch, Tryable
from reconciler.targets.registry import opened

_LIMIT = 2000  # characters of one message
_SOME = 5  # names in one


class Purpose(StrEnum):
    """Which command the rights are judged for."""

    PLAN = "plan"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class TargetFindings:
    """One target. `rights` is None where they could not be asked for; `code` is the exit code that the command would end with."""

    name: str
    kind: str
    address: str
    checks: tuple[Check, ...]
    rights: Rights | None = None
    code: int = 0


def examine_target(policy: Policy, name: str, purpose: Purpose) -> TargetFindings:
    """Return what can be said of one target; what would end a run is a failed check."""
    config = policy.targets[name]
    groups = frozenset(GroupKey(group) for group in policy.groups.get(name, {}))
    scope = Scope(config.directory, groups, bool(policy.imports.get(name)))
    address, rights, code = "", None, 0
    checks: list[Check] = []
    try:
        with opened(config) as app:
            address = app.address
            rights = app.rights()
            checks += rights_checks(rights, purpose)
            checks.append(_contents(app.read(scope), config.directory))
            if isinstance(app, Importing):
                checks += links_checks(app.links(scope))
    except TargetError as error:
        checks.append(Check("read", Status.FAILED, shortened(str(error), _LIMIT)))
        code = error.exit_code
    failed = any(check.status is Status.FAILED for check in checks)
    return TargetFindings(
        name, config.kind, address, tuple(checks), rights, code or (TargetError.exit_code if failed else 0)
    )


def try_target(policy: Policy, name: str, scratch: Scratch) -> TargetFindings:
    """Return what trials on a scratch group have found; raises UsageError for a kind that has none."""
    config = policy.targets[name]
    checks: list[Check] = []
    address, code = "", 0
    try:
        with opened(config) as app:
            address = app.address
            if not isinstance(app, Tryable):
                raise UsageError(f"A target of kind {config.kind} has no trials: --contract is of no use for {name}.")
            checks.extend(app.trials(scratch))
    except TargetError as error:
        checks.append(Check("trials", Status.FAILED, shortened(str(error), _LIMIT)))
        code = error.exit_code
    failed = any(check.status is Status.FAILED for check in checks)
    return TargetFindings(
        name, config.kind, address, tuple(checks), None, code or (TargetError.exit_code if failed else 0)
    )


def rights_checks(rights: Rights, purpose: Purpose) -> Iterator[Check]:
    """Return who we are to the target and what that may do, and what the command makes of it."""
    able = [right for right in Right if right in rights.can]
    what = f"can {' and '.join(_WORDS[right] for right in able)}" if able else "can do nothing here"
    yield Check("account", Status.OK, shortened(f"{rights.account or 'this credential'} {what}", _LIMIT))
    yield _judged_for_plan(rights) if purpose is Purpose.PLAN else _judged_for_apply(rights)


_WORDS = {Right.READ: "read", Right.WRITE: "write", Right.ADMIN: "do more than any command needs"}


def _judged_for_plan(rights: Rights) -> Check:
    if Right.READ not in rights.can:
        return _missing(rights, "plan needs to read, and this credential cannot")
    if more := rights.can - {Right.READ}:
        return _too_much(
            rights, f"plan needs to read; this credential can also {_WORDS[min(more, key=list(Right).index)]}", "plan"
        )
    return Check("rights", Status.OK, "plan needs to read, and this credential can do no more")


def _judged_for_apply(rights: Rights) -> Check:
    if not {Right.READ, Right.WRITE} <= rights.can or rights.lacks:
        return _missing(rights, "apply needs to read and write, and this credential cannot in full")
    if Right.ADMIN in rights.can:
        return _too_much(rights, "apply needs to read and write; this credential can do more", "apply")
    return Check("rights", Status.OK, "apply needs to read and write, and this credential can do no more")


def _missing(rights: Rights, what: str) -> Check:
    way_out = f"it lacks {'; '.join(rights.lacks)}" if rights.lacks else "give it that right"
    return Check("rights", Status.FAILED, what, shortened(way_out, _LIMIT))


def _too_much(rights: Rights, what: str, job: str) -> Check:
    detail = f" ({rights.detail})" if rights.detail else ""
    return Check(
        "rights", Status.WARNING, shortened(f"{what}{detail}", _LIMIT), f"give the {job} job a credential of its own"
    )


def _contents(state: State, directory: str) -> Check:
    """Say what is there, and how much of it is ours."""
    users = sum(user.managed for user in state.users.values())
    groups = sum(group.managed for group in state.groups.values())
    ours, others = (sum(map(len, side.values())) for side in (state.memberships, state.by_hand))
    what = (
        f"read to its end: users {len(state.users):,}, {users:,} of them managed from {shortened(directory)}; "
        f"groups {len(state.groups):,}, {groups:,} of them ours; memberships {ours:,}"
    )
    return Check("read", Status.OK, f"{what}, and {others:,} made by hand" if others else what)


def links_checks(links: Mapping[GroupKey, Sequence[KnownLink]]) -> Iterator[Check]:
    """Return what is to be said of links to directory groups that the target keeps itself, in groups that a rule names."""
    names = sorted(group for group, known in links.items() if known)
    if names:
        more = f" and {len(names) - _SOME:,} more" if len(names) > _SOME else ""
        yield Check(
            "links",
            Status.WARNING,
            f"the target links groups itself: {', '.join(map(shortened, names[:_SOME]))}{more}",
            "what one of the two gives and the other does not is taken away again and again: take them out there "
            "(`reconcile import` writes them as rules)",
        )
