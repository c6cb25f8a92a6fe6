"""Show a plan document as the numbers that GitLab's merge requests draw for an artifact of type `terraform`; nothing else."""

from __future__ import annotations

import json

from reconciler.render.document import PlanData


def plan_widget(plan: PlanData) -> str:
    """Return a JSON object with `create`, `update` and `delete`: a plan that cannot be applied has them all the same."""
    counts = plan["summary"]
    return json.dumps({"create": counts["add"], "update": counts["change"], "delete": counts["remove"]}) + "\n"
