"""What rules for a live target are made of, before they are text; values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from reconciler.model.access import Role

Selector = Literal["cn", "dn", "filter"]


@dataclass(frozen=True, slots=True)
class FoundLink:
    """One link, to be written: `people` are in the directory group or match the filter; `known`: the target itself has it.

    `absent` of them have no account in the target. `twins` name directory groups with just the same people.
    """

    role: Role
    selector: Selector
    text: str
    people: int
    known: bool = False
    absent: int = 0
    twins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A role that no link explains, and who holds it: the username as grants name people."""

    user: str
    role: Role


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """One target group: links by rank, highest first, then grants by user. `notes` are sentences for whoever reads them.

    `rows` are the memberships of ours that are there.
    """

    name: str
    links: tuple[FoundLink, ...]
    held: tuple[Held, ...]
    rows: int
    notes: tuple[str, ...] = ()

    def is_ruled(self, *, grants: bool) -> bool:
        """Tell whether there is a rule to be written; without one the group stays as it is."""
        return bool(self.links or (grants and self.held))


@dataclass(frozen=True, slots=True)
class Draft:
    """Rules for one target: its groups by name, what was left out and why, keys of the target to think about.

    `protected` says by username why that account's access would go with the first plan.
    """

    target: str
    groups: tuple[GroupDraft, ...]
    left_out: Mapping[str, str]
    proposals: tuple[str, ...] = ()
    protected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a draft becomes rules: `grants` for what no group explains, or a list of it in comments; the days (UTC)."""

    today: date
    until: date
    grants: bool = True
