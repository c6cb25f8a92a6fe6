"""The plan as a value: what would be done, what was refused, what was held back, and how sure the reads were."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from reconciler.model.access import GroupKey
from reconciler.model.change import Change
from reconciler.model.diagnostic import Diagnostic

FORMAT_VERSION = "1.2"


class Hold(StrEnum):
    """Why a change that the rules ask for is not in the plan."""

    PROTECTED = "protected"  # the policy protects the user or the group
    BY_HAND = "by_hand"  # the row carries somebody else's mark
    FROZEN_GROUP = "frozen_group"  # a linked directory group is missing or unreadable
    FROZEN_USER = "frozen_user"  # the entry cannot be used: skipped is not absent
    LAST_OWNER = "last_owner"  # a group keeps its minimum of owners
    NO_ACCOUNT = "no_account"  # the person has no account and users.create is false
    NO_GROUP = "no_group"  # the group does not exist and groups.create is false
    INACTIVE = "inactive"  # disabled by hand, and not ours to enable
    OWN_ACCOUNT = "own_account"  # it would take access from the account whose credential we use
    QUARANTINED = "quarantined"  # the target has refused it in several runs on end; or it rests on such a change


class Cause(StrEnum):
    """What brought a change about, where a plan was laid beside that of another policy."""

    POLICY = "policy"  # the change of the policy that is under review
    DIRECTORY = "directory"  # pending anyway: the directory is not as it was when we last applied
    DRIFT = "drift"  # pending anyway: the target is not as we left it


@dataclass(frozen=True, slots=True)
class Withheld:
    """A change that is shown and not made."""

    change: Change
    hold: Hold
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a guard stopped, with its numbers: `count` against `limit`, of `total` (0 where a total has no meaning).

    `objects` names what is concerned, sorted and cut at 20; `waiver` is YAML, ready to paste into the policy.
    """

    guard: str
    summary: str
    count: int
    limit: int
    total: int
    group: GroupKey | None
    objects: tuple[str, ...]
    waiver: str


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """What a plan remembers of the directory that it was made from; `complete` is true or there is no plan."""

    name: str
    source: str
    read_at: str
    digest: str
    people: int
    groups: int
    complete: bool = True
    confirmed_at: str = ""  # where only changes were read: the time of the whole read that they were added to


@dataclass(frozen=True, slots=True)
class Unchanged:
    """How much was compared and found right."""

    users: int = 0
    groups: int = 0
    memberships: int = 0


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """One target's section. `error` is set when the live state could not be read: then there are no changes.

    `changes` stand in the order in which they are to be made. `on_refusal` is what becomes of the other targets where
    this one is refused. `changes_id` names the changes of a refused section: a waiver may be bound to it; empty where no
    guard had anything against them. `causes` stand beside the changes, one each, where the plan has a base, else there are none.
    """

    name: str
    kind: str
    address: str
    directory: str
    changes: tuple[Change, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    unchanged: Unchanged = Unchanged()
    privileged: frozenset[str] = frozenset()  # roles whose grants count as privileged
    guards_off: tuple[str, ...] = ()
    error: str = ""
    on_refusal: Literal["stop", "continue"] = "stop"
    changes_id: str = ""
    causes: tuple[Cause, ...] = ()

    @property
    def refused(self) -> bool:
        """Some guard stopped this section: none of its changes may be made."""
        return bool(self.refusals)


@dataclass(frozen=True, slots=True)
class Only:
    """One person whom alone a plan is about: the name that was asked for, the key, the DN (empty where the entry is gone)."""

    name: str
    key: str
    dn: str = ""


@dataclass(frozen=True, slots=True)
class Base:
    """The policy that a plan was laid beside: the folder or the commit that it was read from, and its digest."""

    root: str
    digest: str
    git_commit: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run, or one for the people of `only` alone, whose counts say nothing about a directory or a target.

    Times are ISO 8601 UTC; `today` is the day that grants and waivers were judged by.

    The id is not a field: it is the digest of the encoded plan (plan/codec.py), so it cannot disagree with the content.
    """

    created_at: str
    today: str
    policy_digest: str
    policy_root: str
    git_commit: str
    directories: tuple[DirectoryFacts, ...]
    targets: tuple[TargetPlan, ...]
    notes: tuple[Diagnostic, ...] = field(default=())
    only: tuple[Only, ...] = ()
    base: Base | None = None

    @property
    def errored(self) -> bool:
        """Some target could not be read."""
        return any(target.error for target in self.targets)

    @property
    def complete(self) -> bool:
        """Every directory and every target was read to the end."""
        return not self.errored and all(facts.complete for facts in self.directories)

    @property
    def confirmed(self) -> bool:
        """Every directory was read whole, so that what was not found is not there."""
        return not any(facts.confirmed_at for facts in self.directories)

    @property
    def applyable(self) -> bool:
        """Complete, no error among the findings, and nothing refused that stops the rest.

        A refused target stops nothing where its policy says `on_refusal: continue` and some other target is not refused.
        """
        refused = [target for target in self.targets if target.refused]
        stopped = any(target.on_refusal == "stop" for target in refused) or len(refused) == len(self.targets) > 0
        return self.complete and not stopped and not any(has_errors(target.diagnostics) for target in self.targets)

    @property
    def empty(self) -> bool:
        """There is nothing to change."""
        return not any(target.changes for target in self.targets)


def has_errors(diagnostics: tuple[Diagnostic, ...]) -> bool:
    """Tell whether any finding is an error."""
    return any(finding.severity == "error" for finding in diagnostics)
