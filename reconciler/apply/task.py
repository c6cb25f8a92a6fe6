"""What is to be applied, as a value; applies nothing."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.plan import Plan, TargetPlan
from reconciler.plan.encode import Document


@dataclass(frozen=True, slots=True)
class Task:
    """A plan and its document; `resumed` where an earlier run of it has not come to its end.

    `commit` is the commit that it has to be made from, and `key` the one that it has to be signed with; empty where nothing
    is asked for.
    """

    plan: Plan
    document: Document
    resumed: bool = False
    commit: str = ""
    key: str = ""

    @property
    def plan_id(self) -> str:
        """Return the plan's id."""
        return str(self.document["id"])

    @property
    def whole(self) -> bool:
        """Return whether the plan is about everybody; else what it does not name says nothing, and neither do its counts."""
        return not self.document.get("only")

    @property
    def sections(self) -> list[TargetPlan]:
        """Return the sections of targets that have something to do and that no guard has refused."""
        return [section for section in self.plan.targets if section.changes and not section.refused]
