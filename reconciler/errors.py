"""Say what went wrong and what the caller can do next; never print or exit.

One root, one family per next step, one exit code per family::

    ReconcileError            1   a bug, unless a family below says otherwise
    ├── UsageError           64   the command line, or a file named on it, is not usable: call again, corrected
    ├── PolicyError           3   the policy is invalid: fix the files that `problems` names
    ├── DirectoryError        4   the directory was not read completely: nothing downstream has happened
    │   ├── DirectoryUnreachable
    │   └── ReadIncomplete
    ├── TargetError           5   a target could not be reached or refused us
    │   ├── TargetUnreachable
    │   └── TargetRejected
    ├── StateError            5   the state store could not be reached or refused us
    ├── PlanRefused           6   a guard refused the plan: a person decides
    ├── AppliedInPart         7   some changes failed; the report names them
    ├── PlanStale             8   the live state is not what the plan expected: plan again
    ├── LockHeld              9   another run is at work: wait
    │   └── LockLost
    └── LogBroken            10   the reports are not as they were written: find out who changed them
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Problem(Protocol):
    """What a policy problem must be able to do: print itself as one line."""

    def line(self) -> str:
        """Return ``path:line:col: severity[CODE] message``."""


class ReconcileError(Exception):
    """The root of everything that this project raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(ReconcileError):
    """The command line, or a file named on it, is not usable."""

    exit_code = 64


class PolicyError(ReconcileError):
    """The policy is invalid; every problem found is in `problems`, sorted by place."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep every problem; the message is the first one and a count."""
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.line() for problem in self.problems))


class DirectoryError(ReconcileError):
    """The directory could not be read completely, so nothing may be concluded from it."""

    exit_code = 4


class DirectoryUnreachable(DirectoryError):
    """No server answered, or none let us in."""


class ReadIncomplete(DirectoryError):
    """A read started but was not proven complete; the message names what is not proven."""


class TargetError(ReconcileError):
    """A target could not be reached, or refused us."""

    exit_code = 5


class TargetUnreachable(TargetError):
    """The target did not answer."""


class TargetRejected(TargetError):
    """The target answered and said no."""


class StateError(ReconcileError):
    """The state store, which runs keep locks, journals and reports in, could not be reached or refused us."""

    exit_code = 5


class PlanRefused(ReconcileError):
    """A guard refused the plan; the plan holds the refusals."""

    exit_code = 6


class AppliedInPart(ReconcileError):
    """Some changes were applied and some failed."""

    exit_code = 7


class PlanStale(ReconcileError):
    """What the plan expected to find has changed; nothing was written."""

    exit_code = 8


class LockHeld(ReconcileError):
    """Another run holds the lock."""

    exit_code = 9


class LockLost(LockHeld):
    """This run had the lock, and another run has it now, or may have it."""


class LogBroken(ReconcileError):
    """The reports of what was applied are not as they were written."""

    exit_code = 10
