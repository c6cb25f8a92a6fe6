"""Why a change is wanted, as a value that a person can follow; never decides anything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.diagnostic import Position


class Why(StrEnum):
    """The closed set of causes; the value is what plan JSON holds."""

    GROUP_LINK = "group_link"  # in a linked directory group, or matched by a link's filter
    GROUP_IMPORT = "group_import"  # in an imported directory group
    GRANT = "grant"  # an exception in the policy
    ADMIN_GROUP = "admin_group"
    EXTERNAL_GROUP = "external_group"
    AUDITOR_GROUP = "auditor_group"
    SCOPE = "scope"  # users.scope: all
    LEFT_GROUP = "left_group"  # still in the directory, no longer in what gave the role
    RULE_TAKEN = "rule_taken"  # the base's policy has a rule that gave it, this one has not
    BY_HAND = "by_hand"  # somebody gave the role in the target, and no rule gives it
    GRANT_ENDED = "grant_ended"
    LEFT_DIRECTORY = "left_directory"  # the entry is gone
    DISABLED = "disabled"  # the entry is administratively disabled
    RETURNED = "returned"  # the entry is there and enabled again
    ATTRIBUTE = "attribute"  # the directory's value differs
    NAMED_BY_RULE = "named_by_rule"  # a rule names this target group
    SETTING = "setting"  # the policy says how an instance-wide switch is to stand
    GROUP_GONE = "group_gone"  # the imported directory group is gone


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the cause, the rule's place, the directory path from the rule's group down to the person's own group.

    `path` holds printable directory names such as ``cn=payments-all``, outermost first; empty where no group is involved.
    `detail` adds what neither place nor path can say (the text of a filter, a grant's reason).
    """

    why: Why
    rule: Position | None = None
    path: tuple[str, ...] = ()
    detail: str = ""
