"""The text plan of a change under review: what it causes, and what was pending anyway."""

from __future__ import annotations

from reconciler.render.look import Look
from reconciler.render.text import plan_lines
from tests.unit.render.documents import membership, plan, target


def test_causes_come_one_after_the_other_and_are_counted_at_the_end() -> None:
    """What is under review first, also where no change is caused by it; a cause of a later version by its own name."""
    pending, later = membership("api", "bob", None, "developer"), membership("api", "cy", None, "developer")
    pending["cause"], later["cause"] = "drift", "moon\x1b"
    document = plan(target(later, pending))
    document["base"] = {"root": "main\x1b", "digest": "sha256:0", "git_commit": ""}
    document["summary"]["causes"] = {"policy": 0, "directory": 0, "drift": 1}
    lines = list(plan_lines(document, Look()))
    assert lines[0] == "Beside main\\x1b, whose connections it uses."
    first = lines.index("  Pending: the target was changed by somebody else (1 change)")
    assert lines.index("  moon\\x1b (1 change)") > first
    assert lines[-4:-1] == [
        "  0  Caused by this change of the policy",
        "  0  Pending: the directory changed since the last apply",
        "  1  Pending: the target was changed by somebody else",
    ]
