"""The end of an apply as text."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from reconciler.render.look import Look
from reconciler.render.outcome import outcome_text
from tests.unit.render.documents import DEVS, GONE, membership, plan, target, user_change


@dataclass(frozen=True)
class Ending:
    """What became of one change."""

    status: str
    message: str = ""


@dataclass(frozen=True)
class Target:
    """What became of one target."""

    name: str
    outcomes: tuple[Ending, ...]
    error: str = ""


DOCUMENT = plan(
    target(
        membership("a", "alice", None, "guest"),
        membership("a", "bob", "guest", "owner"),
        user_change("disable", "carol", GONE, have=True, want=False),
        user_change("create", "dora\x1b[2J", DEVS, want={}),
    ),
    target(name="roster"),
)


def text_of(*outcomes: Ending, error: str = "") -> str:
    return "".join(outcome_text(DOCUMENT, [Target("gitlab", outcomes, error)], Look()))


def test_applied_plan_ends_with_the_nouns_of_its_last_line() -> None:
    """Add becomes added, change changed, remove removed; nothing else is said."""
    assert text_of(*[Ending("applied")] * 4) == "Applied: 2 added, 1 changed, 1 removed.\n"


def test_failed_stale_and_untried_changes_are_named_with_the_next_step() -> None:
    """Whoever reads it knows which object failed, why, and what to do."""
    text = text_of(
        Ending("applied"), Ending("failed", "409 last owner"), Ending("skipped", "not tried"), Ending("stale", "gone\n")
    )
    assert (
        text
        == r"""gitlab
  failed: ~ a  bob  guest → owner  (409 last owner)
  no longer as planned: + dora\x1b[2J  create  (gone\x0a)
  not tried: - carol  disable

Not everything was applied.
Correct what is named above and run `reconcile plan` again: it shows exactly what is left.
Applied: 1 added, 0 changed, 0 removed. 1 failed, 1 no longer as planned and 1 not tried.
"""
    )


def test_stale_plan_says_that_nothing_was_written() -> None:
    """With nothing applied a stale plan is a plan to be made again."""
    text = text_of(Ending("stale", "role is owner, not guest"), *[Ending("skipped")] * 3)
    assert "The plan is stale: the target is not what the plan expected, and nothing was written." in text
    assert text.endswith("Applied: 0 added, 0 changed, 0 removed. 1 no longer as planned and 3 not tried.\n")


def test_target_that_failed_as_a_whole_says_why() -> None:
    """Its error stands before its changes."""
    assert text_of(*[Ending("skipped")] * 4, error="disk I/O error").startswith(
        "gitlab\n  ! disk I/O error\n  not tried: "
    )


def test_untouched_changes_are_counted_after_twenty() -> None:
    """A failed run of 1,000 changes does not bury its cause; the plan has them all, and failures are all named."""
    names = [membership("a", f"u{number}", None, "guest") for number in range(1000)]
    statuses = ["failed"] * 30 + ["stale"] * 30 + ["skipped"] * 940
    endings = [Target("gitlab", tuple(Ending(status) for status in statuses))]
    text = "".join(outcome_text(plan(target(*names)), endings, Look()))
    assert text.count("failed: +") == 30
    assert text.count("no longer as planned: +") == 20
    assert text.count("not tried: +") == 20
    assert "\n  no longer as planned: 10 more\n" in text
    assert "\n  not tried: 920 more\n" in text
    assert "\nNothing was applied.\n" in text


def test_endings_that_do_not_fit_the_plan_are_a_bug_and_not_silence() -> None:
    """One ending per change, or an error."""
    with pytest.raises(ValueError, match="shorter"):
        text_of(Ending("applied"))
